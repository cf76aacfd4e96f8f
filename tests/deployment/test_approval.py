"""The approval workflow's definition: names, shape, and what it is told to try again."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from reconciler import errors
from reconciler.aws.clients import client
from reconciler.causality.context import replica_id
from reconciler.conflict.classification import classify
from reconciler.conflict.event import conflict_id
from reconciler.conflict.row import State
from reconciler.deployment.approval import APPROVAL, Approval, CalledArns, definition
from reconciler.detection.change import parse
from reconciler.detection.securing import DetectorPolicy, expired_row, unreadable_loss
from reconciler.feed.workflow import execution_input, execution_name, waits
from reconciler.ports import StreamRange
from tests.builders import assign, written
from tests.conflicts import loss
from tests.handlers.states_language import Execution

ARNS = CalledArns("function", "arn:decisions", "arn:escalations")
INPUT = execution_input(loss(written(assign("name", "Ada")), None))
STATES: dict[str, Any] = definition(ARNS)["States"]
NAME = re.compile(r"[0-9A-Za-z_-]{1,80}")  # API Reference, StartExecution: these are also logged
LONGEST = "9" * 40  # a sequence number has 21 to 40 digits
REGIONS = ("us-east-1", "ap-southeast-7", "ap-northeast-3", "us-gov-west-1", "me-central-1")


def following(state: dict[str, Any]) -> Iterator[str]:
    """Yield the states that a state may go to."""
    for part in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (part[name] for name in ("Next", "Default") if name in part)


def reached(names: set[str]) -> set[str]:
    """Return every state that can be entered from some."""
    more = names | {each for name in names for each in following(STATES[name])}
    return names if more == names else reached(more)


# Names


@pytest.mark.parametrize("region", REGIONS)
def test_the_id_of_every_loss_is_the_name_of_its_execution(region: str) -> None:
    policy = DetectorPolicy("parties", region)
    lost = written(assign("name", "Ada"))
    winner = written(assign("name", "Eve"), replica="euw1")
    key = {"id": {"S": "p1"}}
    unread = unreadable_loss(parse({"dynamodb": {"SequenceNumber": LONGEST}}), "", policy, 1).event
    gone = StreamRange("arn", "shard", LONGEST, LONGEST)
    expired = expired_row(gone, {"DDBStreamBatchInfo": {}}, policy, 1, "gone")
    verdict = classify(lost, winner, replica=replica_id(region))
    for name in (
        conflict_id("parties", key, verdict, lost),
        unread.conflict_id,
        expired.conflict_id,
    ):
        assert NAME.fullmatch(name)
        assert execution_name(name) == name


@pytest.mark.parametrize("odd", ["undecodable-use1-7/8", "undecodable-use1-" + "9" * 80, ""])
def test_an_id_that_is_no_name_has_a_name_of_its_own(odd: str) -> None:
    assert NAME.fullmatch(execution_name(odd))
    assert execution_name(odd) == execution_name(odd) != execution_name(odd + "x")


def test_a_row_starts_its_execution_with_the_same_input_whatever_became_of_it() -> None:
    lost = written(assign("name", "Ada"))
    first = loss(lost, None, State.PARKED, reason="ClockAhead")
    later = loss(lost, None, State.PARKED, reason="again", detected_at_ms="9")
    assert execution_input(first) == execution_input(later)


@pytest.mark.parametrize(
    ("state", "waiting"),
    [
        (State.PARKED, True),
        (State.OPEN, True),  # a redrive may have sent it again
        (State.RESOLVED, False),
        (State.ACCEPTED, False),
    ],
)
def test_what_is_closed_waits_for_nobody(state: State, waiting: bool) -> None:
    assert waits(loss(written(assign("name", "Ada")), None, state)) is waiting


# The definition


def test_every_state_is_named_can_be_entered_and_leads_to_an_end() -> None:
    assert {each for state in STATES.values() for each in following(state)} <= STATES.keys()
    assert reached({definition(ARNS)["StartAt"]}) == STATES.keys()
    ends = {name for name, state in STATES.items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == {"Closed", "Expired"}
    assert {name for name in STATES if reached({name}) & ends} == STATES.keys()


def test_every_state_that_is_no_end_says_what_is_next() -> None:
    for state in STATES.values():
        assert bool(list(following(state))) is (state["Type"] not in ("Succeed", "Fail"))


@pytest.mark.slow
def test_an_engine_of_the_language_parses_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "worthless")
    client.cache_clear()
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        machines = client("stepfunctions", "us-east-1")
        role = "arn:aws:iam::123456789012:role/approval"

        def create(name: str, text: str) -> str:
            return str(
                machines.create_state_machine(name=name, definition=text, roleArn=role)[
                    "stateMachineArn"
                ]
            )

        text = json.dumps(definition(ARNS))
        assert create("approval", text).endswith("approval")
        with pytest.raises(ClientError, match="ResultsPath"):
            create("misspelt", text.replace("ResultPath", "ResultsPath"))
    client.cache_clear()


def test_tasks_try_again_what_a_service_or_a_newer_release_will_do_later() -> None:
    classes = [each for each in vars(errors).values() if hasattr(each, "disposition")]
    ours = {each.__name__ for each in classes if each.disposition == "retry"}
    for state in (each for each in STATES.values() if each["Type"] == "Task"):
        (retrier,), (catcher,) = state["Retry"], state["Catch"]
        named = set(retrier["ErrorEquals"])
        assert {"Lambda.ServiceException", "Lambda.TooManyRequestsException"} <= named
        # Contention is about what was decided: the person looks again.
        assert {name for name in named if "." not in name} == ours - {"Contention"}
        assert catcher["ErrorEquals"] == ["States.ALL"]
        assert state["TimeoutSeconds"] > 0


def test_a_task_that_waits_takes_as_long_as_a_person_may_and_others_as_the_function() -> None:
    states = definition(ARNS, Approval(decision_seconds=7, function_timeout_seconds=9))["States"]
    waiting = {n for n, s in states.items() if s.get("Resource", "").endswith("waitForTaskToken")}
    assert waiting == {"Ask", "Escalate"}
    assert {states[name]["TimeoutSeconds"] for name in waiting} == {7}
    assert all(states[name]["TimeoutSeconds"] > 9 for name in ("Look", "Apply"))


@pytest.mark.parametrize("escalations", [0, 1, 3])
def test_it_escalates_as_often_as_it_is_told_and_then_expires(escalations: int) -> None:
    topics = []

    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        topics.extend([payload["topic_arn"]] if "topic_arn" in payload else [])
        return {"waits": True, "problem": ""}

    execution = Execution(definition(ARNS, Approval(escalations=escalations)), INPUT, invoke)
    while execution.status == "RUNNING":
        execution.pass_seconds(APPROVAL.decision_seconds)
    assert topics == ["arn:decisions"] + ["arn:escalations"] * escalations
    assert execution.error == "Expired"


def test_a_call_that_fails_for_a_while_is_made_again() -> None:
    failures = [errors.Unavailable("down")] * 5

    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return {"waits": False, "problem": ""}

    execution = Execution(definition(ARNS), INPUT, invoke)
    assert (execution.status, execution.seen) == ("SUCCEEDED", ["Look", "Whom", "Closed"])


@pytest.mark.parametrize("failing", ["look", "notify", "escalate"])
def test_a_step_that_always_fails_ends_as_expired_and_not_as_an_endless_loop(failing: str) -> None:
    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["action"] == failing:
            raise KeyError("a mistake")
        return {"waits": True, "problem": ""}

    execution = Execution(definition(ARNS), INPUT, invoke)
    execution.pass_seconds(APPROVAL.decision_seconds)
    execution.pass_seconds(APPROVAL.decision_seconds)
    execution.pass_seconds(APPROVAL.decision_seconds)
    assert (execution.status, execution.error) == ("FAILED", "Expired")


def test_a_loss_that_somebody_decides_in_the_last_round_ends_well() -> None:
    waiting = [True]

    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        return {"waits": waiting[-1], "problem": ""}

    execution = Execution(definition(ARNS, Approval(escalations=0)), INPUT, invoke)
    waiting.append(False)
    execution.pass_seconds(APPROVAL.decision_seconds)
    assert execution.status == "SUCCEEDED"


def test_the_integrations_of_the_workflow_are_those_of_its_partition() -> None:
    states = definition(replace(ARNS, partition="aws-us-gov"))["States"]
    called = {state["Resource"] for state in states.values() if state["Type"] == "Task"}
    assert called == {
        "arn:aws-us-gov:states:::lambda:invoke",
        "arn:aws-us-gov:states:::lambda:invoke.waitForTaskToken",
    }
