"""The workflow of keyed writes, from its start to every region, through the real function.

Most tests interpret the states in virtual time. The last ones run the same definition in moto's
interpreter, which others wrote, under Step Functions' own calls.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core import config
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

import handlers.workflow
from reconciler.aws.clients import client
from reconciler.client.table import ReplicatedTable
from reconciler.deployment.telemetry import WRITES_UNFINISHED
from reconciler.deployment.wiring import METRICS_NAMESPACE, WRITTEN_DETAIL_TYPE
from reconciler.deployment.workflow import Called, Workflow, definition
from reconciler.errors import Contention, OutcomeUnknown, Unavailable
from reconciler.item.image import read
from tests.aws.conftest import REGION
from tests.handlers.conftest import NAMES, Context, Region
from tests.handlers.door import SCHEMA, increment, uuid7
from tests.handlers.states_language import Execution

OTHER = "eu-west-1"
CALLED = Called(NAMES.workflow_function, NAMES.table, REGION)
PUT_METRIC = "aws-sdk:cloudwatch:putMetricData"
TEN = {"key": {"id": "p1"}, "edits": [increment("loyalty", 10)]}


class Writes:
    """Two regions, of which one has the workflow; what is written there reaches the other."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.other = client("dynamodb", OTHER)
        self.other.create_table(
            TableName=NAMES.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        self.counted: list[Any] = []
        self.steps: list[str] = []
        self.failing: dict[str, list[Exception]] = {}  # before and after a step is carried out

    def replicate(self, _: int = 0) -> None:
        """Let the other region have what this one has."""
        if (image := self.region.item()) is not None:
            self.other.put_item(TableName=NAMES.table, Item=image)

    def step(self, event: dict[str, Any]) -> dict[str, Any]:
        action = event["action"]
        self.steps.append(action)
        if self.failing.get(action):
            raise self.failing[action].pop()
        answer = handlers.workflow.handler(event, Context())
        if self.failing.get(f"after {action}"):
            raise self.failing[f"after {action}"].pop()
        return answer

    def run(self, name: str, write: Any = TEN, *, confirm_seconds: int = 900) -> Execution:
        return Execution(
            definition(CALLED, Workflow(confirm_seconds=confirm_seconds)),
            json.dumps(write),
            self.step,
            name=name,
            services={PUT_METRIC: self.counted.append},
            paused=self.replicate,
        )

    def loyalty(self) -> Any:
        return (read(self.region.item()) or {}).get("loyalty")

    def announced(self) -> list[Any]:
        found = self.region.conflicts()
        return [e["detail"] for e in found if e["detail-type"] == WRITTEN_DETAIL_TYPE]


@pytest.fixture
def writes(region: Region, monkeypatch: pytest.MonkeyPatch) -> Writes:
    monkeypatch.setenv("RECONCILER_SCHEMA", json.dumps(SCHEMA))
    monkeypatch.setenv("RECONCILER_REGIONS", f"{REGION},{OTHER}")
    return Writes(region)


def ended(execution: Execution) -> str:
    """Return the state that an execution ended in."""
    assert execution.status == ("FAILED" if execution.error else "SUCCEEDED")
    return execution.seen[-1]


# A write that goes well


def test_a_write_is_carried_out_announced_and_confirmed_in_every_region(writes: Writes) -> None:
    key = uuid7(1)
    execution = writes.run(key)
    assert ended(execution) == "Done"
    assert execution.seen.count("Pause") == 1  # the other region had nothing yet
    assert writes.loyalty() == 10
    (detail,) = writes.announced()
    assert detail.pop("at_ms") > 0
    assert detail == {
        "table": "parties",
        "region": REGION,
        "key": {"id": "p1"},
        "idempotency_key": key,
    }
    assert writes.counted == []


def test_a_second_execution_of_a_key_writes_nothing_and_is_confirmed_all_the_same(
    writes: Writes,
) -> None:
    key = uuid7(1)
    assert ended(writes.run(key)) == ended(writes.run(key)) == "Done"
    assert writes.loyalty() == 10


def test_a_key_that_tells_no_time_is_told_it_beside_the_write(writes: Writes) -> None:
    issued = {"issued_at_ms": time.time_ns() // 1_000_000}
    assert ended(writes.run("order-4711", {**TEN, **issued})) == "Done"
    assert "issued_at_ms" in writes.run("order-4712").cause


def test_a_delete_of_what_is_not_there_is_confirmed_by_its_key(writes: Writes) -> None:
    execution = writes.run(uuid7(1), {"key": {"id": "p1"}, "edits": [{"type": "delete"}]})
    assert ended(execution) == "Done"
    assert len(writes.announced()) == 1


def test_a_deleted_item_is_confirmed_by_what_is_left_of_it(writes: Writes) -> None:
    writes.run(uuid7(1))
    execution = writes.run(uuid7(2), {"key": {"id": "p1"}, "edits": [{"type": "delete"}]})
    assert ended(execution) == "Done"
    assert writes.loyalty() is None


def test_decimals_keep_their_digits(writes: Writes) -> None:
    assert ended(writes.run(uuid7(1), {**TEN, "edits": [increment("loyalty", 0.1)]})) == "Done"
    assert str(writes.loyalty()) == "0.1"


# Refusals


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        ([], "key and edits"),
        ({"writes": [TEN]}, "a write of one item"),
        ({"key": {"id": 5}, "edits": [increment("loyalty", 1)]}, "body.key"),
        ({**TEN, "edits": []}, "body.edits"),
        ({**TEN, "when": "now"}, "body.when"),
        ({**TEN, "edits": [increment("loyalty", 12345678901234567)]}, "more than 15 digits"),
        ({**TEN, "issued_at_ms": "now"}, "issued_at_ms is a time"),
        ({**TEN, "issued_at_ms": 1_000}, "leave issued_at_ms out"),  # the name tells another time
    ],
)
def test_an_input_that_is_no_write_is_refused_with_the_reason(
    writes: Writes, write: Any, reason: str
) -> None:
    execution = writes.run(uuid7(1), write)
    assert (ended(execution), execution.error) == ("Refused", "Refused")
    assert reason in execution.cause
    assert writes.steps == ["validate"]
    assert writes.counted == []


def test_a_key_that_is_too_old_is_refused_before_anything_is_written(writes: Writes) -> None:
    execution = writes.run(uuid7(1, at_ms=1_700_000_000_000))
    assert ended(execution) == "Refused"
    assert "minutes old" in execution.cause
    assert writes.region.item() is None


def test_an_edit_that_does_not_fit_the_item_is_refused_by_the_write(writes: Writes) -> None:
    execution = writes.run(uuid7(1), {**TEN, "edits": [increment("tags", 1)]})
    assert ended(execution) == "Refused"
    assert "tags" in execution.cause
    assert writes.steps == ["validate", "write"]


def test_a_key_that_stands_for_another_write_is_refused(writes: Writes) -> None:
    key = uuid7(1)
    writes.run(key)
    execution = writes.run(key, {**TEN, "edits": [increment("loyalty", 5)]})
    assert ended(execution) == "Refused"
    assert "another payload" in execution.cause
    assert writes.loyalty() == 10


def test_a_reason_is_told_to_the_caller_and_a_log_has_nothing_of_the_write(
    writes: Writes, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    execution = writes.run(uuid7(1), {**TEN, "edits": [increment("SECRET", "5")]})
    other = writes.run(uuid7(2), {**TEN, "edits": [increment(["tags", "SECRET"], 5)]})
    assert ended(execution) == ended(other) == "Refused"
    assert "SECRET" in other.cause
    logged = caplog.text + capsys.readouterr().out + str([r.__dict__ for r in caplog.records])
    assert "SECRET" not in logged
    assert "write refused" in logged


# Failures


@pytest.mark.parametrize("step", ["validate", "write", "announce", "confirm"])
@pytest.mark.parametrize("when", ["", "after "])
def test_a_step_that_fails_before_or_after_its_work_is_made_again_and_nothing_counts_twice(
    writes: Writes, step: str, when: str
) -> None:
    throttled = type("Lambda.TooManyRequestsException", (Exception,), {})
    writes.failing[f"{when}{step}"] = [
        throttled(),
        Unavailable("throttled"),
        Contention("others won"),
        OutcomeUnknown("the answer was lost"),
    ]
    assert ended(writes.run(uuid7(1))) == "Done"
    assert writes.loyalty() == 10
    assert len(writes.announced()) == (5 if (when, step) == ("after ", "announce") else 1)
    assert writes.counted == []


@pytest.mark.parametrize(
    ("step", "end"),
    [
        ("validate", "NotWritten"),
        ("write", "NotWritten"),
        ("announce", "NotAnnounced"),
        ("confirm", "NotConfirmed"),
    ],
)
def test_a_step_that_fails_for_good_is_counted_and_ends_in_a_state_of_its_name(
    writes: Writes, step: str, end: str
) -> None:
    writes.failing[step] = [RuntimeError("a fault")]
    execution = writes.run(uuid7(1))
    assert (ended(execution), execution.error) == (end, end)
    (counted,) = writes.counted
    assert counted["Namespace"] == METRICS_NAMESPACE
    (measured,) = counted["MetricData"]
    assert (measured["MetricName"], measured["Value"]) == (WRITES_UNFINISHED, 1)
    dimensions = {each["Name"]: each["Value"] for each in measured["Dimensions"]}
    assert dimensions == {"table": "parties", "region": REGION}


def test_a_write_that_could_not_even_be_counted_ends_as_it_would_have(writes: Writes) -> None:
    def refuse(_: Any) -> Any:
        raise RuntimeError("no metrics")

    writes.failing["write"] = [RuntimeError("a fault")]
    services = {PUT_METRIC: refuse}
    execution = Execution(
        definition(CALLED), json.dumps(TEN), writes.step, name=uuid7(1), services=services
    )
    assert ended(execution) == "NotWritten"


def test_a_region_that_does_not_show_the_write_in_time_is_an_alarm(writes: Writes) -> None:
    execution = writes.run(uuid7(1), confirm_seconds=0)
    assert ended(execution) == "NotConfirmed"
    assert writes.loyalty() == 10
    assert len(writes.counted) == 1


def test_this_region_is_asked_too_for_the_other_s_write_may_have_taken_its_place(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, seen = uuid7(1), []
    image = ReplicatedTable.image

    def replaced(table: ReplicatedTable, of: Any) -> Any:
        seen.append(table)
        return None if table is handlers.workflow._function().tables[REGION] else image(table, of)

    monkeypatch.setattr(ReplicatedTable, "image", replaced)
    execution = writes.run(key, confirm_seconds=0)
    assert ended(execution) == "NotConfirmed"
    assert len(seen) == 2


def test_a_region_that_does_not_answer_is_asked_again_and_fails_no_step(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, failures = ReplicatedTable.image, [Unavailable("cut off"), Unavailable("cut off")]

    def cut_off(table: ReplicatedTable, of: Any) -> Any:
        if failures and table is handlers.workflow._function().tables[OTHER]:
            raise failures.pop()
        return image(table, of)

    monkeypatch.setattr(ReplicatedTable, "image", cut_off)
    execution = writes.run(uuid7(1))
    assert (ended(execution), execution.seen.count("Pause")) == ("Done", 2)


def test_a_key_that_grows_too_old_while_it_is_tried_is_not_told_as_refused(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.workflow, "_validate", lambda *_: {"problem": ""})
    execution = writes.run(uuid7(1, at_ms=1_700_000_000_000))
    assert ended(execution) == "NotWritten"


def test_an_event_that_the_bus_does_not_take_is_sent_again(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, refused = client("events", REGION), [{"ErrorCode": "ThrottlingException"}]
    put = events.put_events

    def refuse(**asked: Any) -> Any:
        return {"Entries": [refused.pop()]} if refused else put(**asked)

    monkeypatch.setattr(events, "put_events", refuse)
    execution = writes.run(uuid7(1))
    assert ended(execution) == "Done"
    assert writes.steps.count("announce") == 2


# The same definition in moto's interpreter


class Machine:
    """The state machine as Step Functions has it."""

    def __init__(self, confirm_seconds: int) -> None:
        self.client = client("stepfunctions", REGION)
        settings = Workflow(confirm_seconds=confirm_seconds, pause_seconds=1)
        self.arn = self.client.create_state_machine(
            name=NAMES.write_state_machine,
            definition=json.dumps(definition(CALLED, settings)),
            roleArn="arn:aws:iam::123456789012:role/workflow",
        )["stateMachineArn"]

    def start(self, name: str, write: Any = TEN) -> str:
        asked = {"stateMachineArn": self.arn, "name": name, "input": json.dumps(write)}
        return str(self.client.start_execution(**asked)["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        for _ in range(200):
            told: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            if told["status"] != "RUNNING":
                return told
            time.sleep(0.05)
        raise AssertionError("it does not end")


@pytest.fixture
def machine(writes: Writes, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """Return a function that makes the state machine; its tasks call the function in process."""
    monkeypatch.setitem(
        config.default_user_config, "stepfunctions", {"execute_state_machine": True}
    )

    def invoke(parameters: Any, **_: Any) -> Any:
        try:
            payload, failed = writes.step(json.loads(parameters["Payload"])), {}
        except Exception as problem:
            payload, failed = {"errorType": type(problem).__name__}, {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "Payload": payload, **failed}

    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", invoke)
    return lambda confirm_seconds=900: Machine(confirm_seconds)


def test_an_execution_goes_all_the_way_and_a_second_start_is_the_first(
    writes: Writes, machine: Callable[..., Machine]
) -> None:
    states, key = machine(), uuid7(1)
    writes.failing["write"] = [Unavailable("throttled")]
    execution = states.start(key)
    while writes.loyalty() is None:
        time.sleep(0.05)
    writes.replicate()
    assert states.ended(execution)["status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start(key, {**TEN, "edits": [increment("loyalty", 5)]})
    assert writes.loyalty() == 10
    assert len(writes.announced()) == 1


def test_a_refusal_s_cause_is_its_reason(writes: Writes, machine: Callable[..., Machine]) -> None:
    states = machine()
    told = states.ended(states.start(uuid7(1), {"key": {"id": "p1"}}))
    assert (told["status"], told["error"]) == ("FAILED", "Refused")
    assert "edits" in told["cause"]


def test_a_write_that_is_not_confirmed_is_counted_by_the_state_machine(
    writes: Writes, machine: Callable[..., Machine]
) -> None:
    states = machine(confirm_seconds=0)
    told = states.ended(states.start(uuid7(1)))
    assert (told["status"], told["error"]) == ("FAILED", "NotConfirmed")
    metrics = client("cloudwatch", REGION).list_metrics(Namespace=METRICS_NAMESPACE)["Metrics"]
    assert [each["MetricName"] for each in metrics] == [WRITES_UNFINISHED]
