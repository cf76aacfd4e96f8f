"""The approval workflow, from the parked row to the closed one, through the real function.

The states are interpreted, time is virtual, AWS is moto; the person reads the question as the topic
delivers it and gives the very command that stands in it.
"""

import json
import shlex
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import handlers.approve
from reconciler.aws import connect
from reconciler.aws.clients import client
from reconciler.conflict.row import Row, State
from reconciler.deployment.approval import APPROVAL, CalledArns, definition
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.errors import Unavailable
from reconciler.feed.workflow import execution_input
from reconciler.item.image import read
from reconciler.item.metadata import context_of
from reconciler.item.schema import Schema
from reconciler.values.wire import Image
from tests.builders import SCHEMA, Replica, assign
from tests.cli.test_conflicts import (
    cloud,
    conflict,
    item,
    nothing_written,
    place,
    record,
    row_of,
    run,
)
from tests.conflicts import loss, unknown_loss
from tests.handlers.conftest import Context
from tests.handlers.states_language import Execution, TokenRefused

__all__ = ["cloud"]

REGION = "us-east-1"
NAMES = Names("parties", REGION)
ROLE = "arn:aws:iam::123456789012:role/approval"
DAY = APPROVAL.decision_seconds
_one_key = cache(rsa.generate_private_key)


class Cloud:
    """The region's topics, each with a reader, and its state machine."""

    def __init__(self) -> None:
        self.sns, self.sqs = client("sns", REGION), client("sqs", REGION)
        self.machines = client("stepfunctions", REGION)
        self.decisions, self.escalations = map(
            self._topic, (NAMES.decisions_topic, NAMES.escalations_topic)
        )
        arns = CalledArns(NAMES.approve_function, self.decisions, self.escalations)
        self.definition = definition(arns)
        self.machine = self.machines.create_state_machine(
            name=NAMES.approval_state_machine,
            definition=json.dumps(self.definition),
            roleArn=ROLE,
        )["stateMachineArn"]

    def _topic(self, name: str) -> str:
        topic = str(self.sns.create_topic(Name=name)["TopicArn"])
        queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:{name}"
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        assert queue.endswith(name)
        return topic

    def told(self, topic: str) -> list[tuple[str, str]]:
        """Return the subjects and texts that a topic's reader has not read yet."""
        url = self.sqs.get_queue_url(QueueName=topic.rpartition(":")[2])["QueueUrl"]
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        bodies = [json.loads(each["Body"]) for each in found]
        return [(body["Subject"], body["Message"]) for body in bodies]

    def asked(self, topic: str | None = None) -> str:
        """Return the text of the one question that waits to be read."""
        ((_, text),) = self.told(topic or self.decisions)
        return text

    def executions(self) -> list[dict[str, Any]]:
        listed = self.machines.list_executions(stateMachineArn=self.machine)["executions"]
        return [
            self.machines.describe_execution(executionArn=each["executionArn"]) for each in listed
        ]

    def sweep(self) -> None:
        step({"action": "start", "state_machine_arn": self.machine})

    def begin(self) -> Execution:
        """Run the sweep, and the one execution that it starts until a person is to answer."""
        self.sweep()
        (started,) = self.executions()
        return Execution(self.definition, started["input"], step)


def step(event: dict[str, Any]) -> dict[str, Any]:
    return handlers.approve.handler(event, Context())


@pytest.fixture
def region(cloud: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("AWS_REGION", REGION)
    for name, value in function_environment(NAMES, parked_queue_url="http://queue").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILER_TRACING", raising=False)
    # Topics sign what they tell: making the key for it takes a third of a test's time.
    monkeypatch.setattr("moto.sns.models.rsa.generate_private_key", _one_key)
    return Cloud()


def command(text: str, beginning: str) -> list[str]:
    """Return the words of the command in a question, as a shell reads them."""
    (line,) = (
        each.strip()
        for each in text.replace("\\\n", " ").splitlines()
        if each.strip().startswith(beginning)
    )
    return shlex.split(line)


def answered(text: str, **changed: Any) -> tuple[str, str]:
    """Return the token and the output of the answer that a question proposes, edited."""
    words = command(text, "aws stepfunctions send-task-success")
    options = dict(zip(words[3::2], words[4::2], strict=True))
    output = {**json.loads(options["--task-output"]), "by": "ann", **changed}
    return options["--task-token"], json.dumps(output)


def shown() -> dict[str, Any]:
    return read(item()) or {}


# One answer


def test_an_answer_to_the_question_is_merged_written_and_closes_the_row(region: Cloud) -> None:
    conflict()
    execution = region.begin()
    execution.succeed(*answered(region.asked(), take=["name=lost"], why="she called"))
    assert (execution.status, execution.seen[-1]) == ("SUCCEEDED", "Closed")
    assert shown() == {"id": "p1", "name": "Ada", "balance": 16, "tags": {"b"}}
    row = row_of("c1")
    audit = {name: row[name]["S"] for name in ("state", "decided_by", "decision", "why")}
    assert audit == {
        "state": "RESOLVED",
        "decided_by": "ann",
        "decision": '{"name": {"take": "lost"}}',
        "why": "she called",
    }
    assert {"decided_at_ms", "expires"} <= row.keys()


def test_the_question_shows_the_item_the_reason_and_the_three_images(region: Cloud) -> None:
    conflict()
    region.begin()
    ((subject, text),) = region.told(region.decisions)
    assert subject == "a lost write waits for a decision in parties"
    for expected in ("c1", '{"id": "p1"}', "us-east-1 (home)", "ClockAhead: check NTP"):
        assert expected in text
    assert '  name\n    lost     "Ada"\n    winner   "Eve"\n    current  "Eve"\n' in text
    assert "_rec" not in text


def test_the_command_in_the_question_decides_as_it_stands(region: Cloud) -> None:
    conflict()
    region.begin()
    words = command(region.asked(), "reconciler conflicts resolve")
    assert run("resolve", "--by", "ann", *words[3:]).code == 0
    assert row_of("c1")["state"]["S"] == "RESOLVED"


def test_the_command_in_the_question_names_the_environment_it_comes_from(
    region: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SUFFIX", "blue")
    conflict()
    region.begin()
    words = command(region.asked(), "reconciler conflicts resolve")
    assert words[words.index("--suffix") + 1] == "blue"


def test_an_id_that_begins_like_an_option_can_be_shown_and_decided(region: Cloud) -> None:
    conflict(conflict_id="-take")
    region.begin()
    text = region.asked()
    assert run(*command(text, "reconciler conflicts show")[2:]).code == 0
    words = command(text, "reconciler conflicts resolve")
    assert run("resolve", "--by", "ann", *words[3:]).code == 0
    assert row_of("-take")["state"]["S"] == "RESOLVED"


def test_numbers_in_an_answer_keep_every_digit(region: Cloud) -> None:
    conflict()
    execution = region.begin()
    exact = "1234567890123456789012345678.9012345678"
    execution.succeed(*answered(region.asked(), take=[], set=[f"name={exact}"]))
    assert str(shown()["name"]) == exact


def disputed() -> None:
    """Place an item with two attributes that two writers assigned and only a person decides."""
    schema = Schema.of(
        table="parties", key=["id"], attributes={"limit": "manual", "grade": "manual"}
    )
    use1 = Replica("use1")
    use1.write(assign("limit", 1), assign("grade", "a"), schema=schema)
    euw1 = Replica("euw1", use1.image)
    lost = use1.write(assign("limit", 2), assign("grade", "b"), at=2_000, schema=schema)
    winner = euw1.write(assign("limit", 3), assign("grade", "c"), at=3_000, schema=schema)
    place(winner)
    record(loss(lost, winner, reason="Undecided: limit, grade"))


def test_attributes_that_only_a_person_decides_are_all_in_the_proposed_answer(
    region: Cloud,
) -> None:
    disputed()
    execution = region.begin()
    execution.succeed(*answered(region.asked()))
    assert execution.status == "SUCCEEDED"
    assert (shown()["limit"], shown()["grade"]) == (2, "b")


def test_an_answer_that_leaves_an_attribute_undecided_writes_nothing_and_names_it(
    region: Cloud,
) -> None:
    disputed()
    before = item()
    execution = region.begin()
    execution.succeed(*answered(region.asked(), take=["limit=lost"]))
    assert "THE LAST ANSWER: grade: must be decided, too" in region.asked()
    assert item() == before


def test_a_loss_of_an_unknown_item_is_asked_about_and_closed(region: Cloud) -> None:
    record(unknown_loss("undecodable-use1-1", key={}))
    execution = region.begin()
    text = region.asked()
    assert "item      unknown" in text
    execution.succeed(*answered(text))
    assert row_of("undecodable-use1-1")["decision"]["S"] == '{"all": {"take": "current"}}'


def test_images_that_cannot_be_read_do_not_keep_the_question_back(region: Cloud) -> None:
    record(loss(None, None, images_ref=f"s3://{NAMES.evidence_bucket}/gone.json"))
    region.begin()
    asked = region.asked()
    assert "The images cannot be shown: EvidenceExpired: " in asked
    assert "--take all=current" in asked


def test_a_loss_whose_images_are_gone_is_closed_by_an_answer(region: Cloud) -> None:
    record(loss(None, None, images_ref=f"s3://{NAMES.evidence_bucket}/conflicts/gone.json"))
    execution = region.begin()
    execution.succeed(*answered(region.asked()))
    assert row_of("c1")["state"]["S"] == "RESOLVED"
    assert "EvidenceExpired" in row_of("c1")["reason"]["S"]


# No answer


def test_without_an_answer_others_are_asked_and_then_it_expires_with_the_row_parked(
    region: Cloud,
) -> None:
    conflict()
    execution = region.begin()
    first, _ = answered(region.asked())
    for _ in range(APPROVAL.escalations):
        execution.pass_seconds(DAY)
        ((subject, text),) = region.told(region.escalations)
        assert subject.startswith("ESCALATED")
        assert "THE LAST ANSWER: none came in time" in text
    execution.pass_seconds(DAY)
    assert (execution.status, execution.error) == ("FAILED", "Expired")
    assert region.told(region.escalations) == region.told(region.decisions) == []
    assert row_of("c1")["state"]["S"] == "PARKED"
    with pytest.raises(TokenRefused):
        execution.succeed(first, "{}")


def test_time_that_is_not_up_escalates_nothing(region: Cloud) -> None:
    conflict()
    execution = region.begin()
    execution.pass_seconds(DAY - 1)
    assert region.told(region.escalations) == []
    assert execution.token


def test_an_answer_after_the_escalation_is_carried_out(region: Cloud) -> None:
    conflict()
    execution = region.begin()
    execution.pass_seconds(DAY)
    execution.succeed(*answered(region.asked(region.escalations)))
    assert execution.status == "SUCCEEDED"
    assert shown()["name"] == "Ada"


# Twice


def test_a_second_answer_to_one_question_is_refused_and_changes_nothing(region: Cloud) -> None:
    conflict()
    execution = region.begin()
    answer = answered(region.asked())
    execution.succeed(*answer)
    before = (item(), row_of("c1"))
    with pytest.raises(TokenRefused):
        execution.succeed(*answer)
    assert (item(), row_of("c1")) == before


@pytest.mark.parametrize(("outside_writers", "lineages"), [("expected", 2), ("none", 1)])
def test_a_decision_is_written_as_the_deployment_says_who_else_writes(
    region: Cloud, monkeypatch: pytest.MonkeyPatch, outside_writers: str, lineages: int
) -> None:
    monkeypatch.setenv("RECONCILER_OUTSIDE_WRITERS", outside_writers)
    with connect(SCHEMA, region=REGION).edit({"id": "p1"}) as party:
        party["name"] = "Ada"
    record(loss(item(), item()))
    case = {"conflict_id": "c1", "item_key": row_of("c1")["item_key"]["S"], "round": 0}
    answer = {"by": "ann", "set": ['name="Eve"']}
    step({"action": "apply", "case": {**case, "problem": "", "answer": answer}})
    assert shown()["name"] == "Eve"
    assert len(context_of(item() or {}).heads) == lineages


def test_a_decision_that_is_carried_out_twice_writes_once(region: Cloud) -> None:
    conflict()
    row = row_of("c1")
    case = {"conflict_id": "c1", "item_key": row["item_key"]["S"], "round": 0, "problem": ""}
    case["answer"] = {"by": "ann", "take": ["name=lost"]}
    closed = {"waits": False, "problem": ""}
    assert step({"action": "apply", "case": case}) == closed
    before = (item(), row_of("c1"))
    assert step({"action": "apply", "case": case}) == closed
    assert (item(), row_of("c1")) == before


def test_a_decision_whose_row_was_not_closed_is_carried_out_again_without_another_write(
    region: Cloud,
) -> None:
    conflict()
    parked = row_of("c1")
    execution = region.begin()
    answer = answered(region.asked())
    execution.succeed(*answer)
    written = item()
    record(Row.of(parked))
    again = Execution(region.definition, region.executions()[0]["input"], step)
    again.succeed(*answered(region.asked()))
    assert item() == written
    assert row_of("c1")["state"]["S"] == "RESOLVED"


def test_why_a_decided_row_is_not_closed_is_in_the_log(
    region: Cloud, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict()
    case = json.loads(execution_input(Row.of(row_of("c1"))))
    case["answer"] = {"by": "ann", "take": ["name=lost"]}
    monkeypatch.setattr(client("dynamodb", REGION), "batch_write_item", nothing_written)
    with pytest.raises(Unavailable):
        step({"action": "apply", "case": case})
    (line,) = (vars(each) for each in caplog.records if each.message == "rows not written")
    assert line["conflict_ids"] == ["c1#decision"]


def test_the_schedule_starts_one_execution_for_each_parked_row_however_often_it_runs(
    region: Cloud,
) -> None:
    lost, winner = conflict()
    record(loss(lost, winner, State.OPEN, conflict_id="c2"))
    record(loss(lost, winner, State.RESOLVED, conflict_id="c3"))
    record(unknown_loss("undecodable-use1-1"))
    region.sweep()
    region.sweep()
    assert sorted(each["name"] for each in region.executions()) == ["c1", "undecodable-use1-1"]


def test_an_execution_that_has_ended_is_not_started_again(region: Cloud) -> None:
    conflict()
    region.sweep()
    (execution,) = region.executions()
    region.machines.stop_execution(executionArn=execution["executionArn"])
    region.sweep()
    assert len(region.executions()) == 1


def test_a_row_parked_while_the_schedule_failed_is_started_by_the_next_run(region: Cloud) -> None:
    conflict()
    elsewhere = region.machine.replace("approval", "nowhere")
    with pytest.raises(Unavailable):
        step({"action": "start", "state_machine_arn": elsewhere})
    region.sweep()
    assert len(region.executions()) == 1


# Answers that cannot be carried out


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"take": ["nickname=lost"]}, "nickname: neither the item nor this loss has it"),
        ({"take": ["name=mine"]}, "name: "),
        ({"take": []}, "nothing is decided"),
        ({"by": " "}, "by: say who decides"),
        ({"take": "name=lost"}, "take: give a list"),
        ({"decision": {"name": {"take": "lost"}}}, "decision: give it as a text"),
        ({"take": [], "set": ["name=Ada"]}, "name: "),
    ],
)
def test_an_answer_that_cannot_be_carried_out_brings_the_question_back_with_the_reason(
    region: Cloud, answer: dict[str, Any], problem: str
) -> None:
    conflict()
    before = item()
    execution = region.begin()
    execution.succeed(*answered(region.asked(), **answer))
    assert execution.status == "RUNNING"
    assert (item(), row_of("c1")["state"]["S"]) == (before, "PARKED")
    text = region.asked()
    assert f"THE LAST ANSWER: {problem}" in text
    execution.succeed(*answered(text))
    assert execution.status == "SUCCEEDED"
    assert shown()["name"] == "Ada"


@pytest.mark.parametrize("output", ["null", "[]", '"yes"', '{"by": "ann", "approve": true}'])
def test_an_answer_of_another_form_brings_the_question_back_with_the_form(
    region: Cloud, output: str
) -> None:
    conflict()
    execution = region.begin()
    token, _ = answered(region.asked())
    execution.succeed(token, output)
    assert "THE LAST ANSWER: the answer must be" in region.asked()


def test_an_answer_that_a_service_kept_from_being_carried_out_is_asked_for_again(
    region: Cloud,
) -> None:
    conflict()
    execution = region.begin()
    answer = answered(region.asked())
    dynamodb = client("dynamodb", REGION)
    dynamodb.delete_table(TableName=NAMES.table)
    execution.succeed(*answer)
    assert "THE LAST ANSWER: Unavailable" in region.asked(region.escalations)
    assert row_of("c1")["state"]["S"] == "PARKED"


# Meanwhile


def test_a_loss_that_the_command_line_resolved_meanwhile_ends_when_the_time_is_up(
    region: Cloud,
) -> None:
    conflict()
    execution = region.begin()
    _resolved_by_hand()
    execution.pass_seconds(DAY)
    assert (execution.status, region.told(region.escalations)) == ("SUCCEEDED", [])


def test_an_answer_to_a_loss_that_the_command_line_resolved_otherwise_changes_nothing(
    region: Cloud,
) -> None:
    conflict()
    execution = region.begin()
    _resolved_by_hand()
    before = (item(), row_of("c1"))
    execution.succeed(*answered(region.asked(), take=["name=lost"]))
    assert execution.status == "SUCCEEDED"
    assert (item(), row_of("c1")) == before


def test_a_loss_that_is_resolved_before_anybody_is_asked_is_not_asked_about(region: Cloud) -> None:
    parked = _parked_then_resolved()
    execution = Execution(
        region.definition,
        json.dumps(
            {"conflict_id": "c1", "item_key": parked["item_key"]["S"], "round": 0, "problem": ""}
        ),
        step,
    )
    assert execution.seen == ["Look", "Whom", "Closed"]
    assert region.told(region.decisions) == []


def test_a_row_that_is_gone_ends_the_workflow(region: Cloud) -> None:
    case = {"conflict_id": "c9", "item_key": '{"id":{"S":"p9"}}', "round": 0, "problem": ""}
    assert Execution(region.definition, json.dumps(case), step).status == "SUCCEEDED"


# What is counted


def test_questions_and_decisions_are_counted(
    region: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    conflict()

    def counted() -> set[str]:
        lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
        names = {"DecisionsAsked", "DecisionsEscalated", "Decisions"}
        return {name for line in lines for name in names & line.keys()}

    execution = region.begin()
    assert counted() == {"DecisionsAsked"}
    execution.pass_seconds(DAY)
    assert counted() == {"DecisionsEscalated"}
    execution.succeed(*answered(region.asked(region.escalations)))
    assert counted() == {"Decisions"}


def _resolved_by_hand() -> None:
    assert (
        run(
            *("resolve", "c1", "--table", "parties", "--region", REGION),
            *("--take", "name=winner", "--by", "bob", "--execute"),
        ).code
        == 0
    )


def _parked_then_resolved() -> Image:
    conflict()
    parked = row_of("c1")
    _resolved_by_hand()
    return parked
