"""The adoption of a large table, from its start to the last segment, through the real function.

Most tests interpret the states. The last ones run the same definition in moto's interpreter, which
others wrote, under Step Functions' own calls.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core import config
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

import handlers.adopt
from reconciler.aws.clients import client
from reconciler.aws.whole_replica import DynamoReplica
from reconciler.deployment.adoption import ADOPTION, definition
from reconciler.deployment.names import Names
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.metadata import METADATA
from reconciler.ports import TableFacts
from reconciler.sweeping import adoption, walk
from tests.handlers.conftest import NAMES, Context, Region
from tests.handlers.states_language import Execution

HOME, OTHER = "eu-west-1", "us-east-1"  # items are adopted in the first by name
SCHEMA = {"table": NAMES.table, "key": ["id"], "attributes": {"balance": "counter_pn"}}
EXECUTE = {"execute": True, "segments": 3, "write_units": 10_000, "read_units": 100_000}


class Limited(Context):
    """An invocation that has had enough after it was asked so often whether it has time."""

    def __init__(self, batches: int) -> None:
        self._left = batches

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 1
        return (ADOPTION.reserve_seconds + (600 if self._left >= 0 else 0)) * 1_000


class Adopted:
    """Two regions of a table, and the steps that were taken; nothing replicates here."""

    def __init__(self) -> None:
        self.tables = {each: client("dynamodb", each) for each in (HOME, OTHER)}
        self.steps: list[dict[str, Any]] = []
        self.failing: list[Exception] = []  # after a segment's step is carried out
        self.batches = 1_000

    def both(self, count: int) -> None:
        for number in range(count):
            image = {"id": {"S": f"p{number:03d}"}, "balance": {"N": "100"}}
            for each in self.tables.values():
                each.put_item(TableName=NAMES.table, Item=image)

    def stamped(self, region: str) -> int:
        found = self.tables[region].scan(TableName=NAMES.table)["Items"]
        return sum(METADATA in each for each in found)

    def step(self, event: dict[str, Any]) -> dict[str, Any]:
        self.steps.append(event)
        answer = handlers.adopt.handler(event, Limited(self.batches))
        if event["action"] == "adopt" and self.failing:
            raise self.failing.pop()
        return answer

    def run(self, asked: Any) -> Execution:
        return Execution(definition("adopt"), json.dumps(asked), self.step)

    def slices(self) -> list[Any]:
        return [each["case"] for each in self.steps if each["action"] == "adopt"]


@pytest.fixture
def table(region: Region, monkeypatch: pytest.MonkeyPatch) -> Adopted:
    client("dynamodb", HOME).create_table(
        TableName=NAMES.table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("AWS_REGION", HOME)
    monkeypatch.setenv("RECONCILER_SCHEMA", json.dumps(SCHEMA))
    monkeypatch.setenv("RECONCILER_REGIONS", f"{OTHER},{HOME}")
    monkeypatch.setattr(adoption, "WAIT_SECONDS", 0.01)
    return Adopted()


def ended(execution: Execution) -> str:
    assert execution.status == ("FAILED" if execution.error else "SUCCEEDED")
    return execution.seen[-1]


def counts(**some: int) -> dict[str, int]:
    return {"stamped": 0, "managed": 0, "gone": 0, "left": 0, **some}


def test_every_segment_is_adopted_in_the_first_region_by_name_alone(table: Adopted) -> None:
    table.both(20)
    execution = table.run(EXECUTE)
    assert (ended(execution), execution.data) == ("Done", counts(stamped=20))
    assert (table.stamped(HOME), table.stamped(OTHER)) == (20, 0)
    assert sorted(each["number"] for each in table.slices()) == [0, 1, 2]


def test_a_run_says_what_it_would_do_unless_it_is_told_to_do_it(table: Adopted) -> None:
    table.both(20)
    execution = table.run({})
    assert (ended(execution), execution.data) == ("Done", counts(stamped=20))
    assert table.stamped(HOME) == 0


def test_a_segment_goes_on_from_where_its_time_was_over(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "A_BATCH", 2)
    monkeypatch.setattr(adoption, "A_BATCH", 2)
    table.both(20)
    table.batches = 4
    execution = table.run({**EXECUTE, "segments": 1})
    assert (ended(execution), execution.data) == ("Done", counts(stamped=20))
    assert len(table.slices()) > 3
    assert table.slices()[1]["step"]["after"]
    assert table.stamped(HOME) == 20


def test_a_step_that_is_made_again_changes_nothing_more(table: Adopted) -> None:
    table.both(20)
    table.failing = [Unavailable("throttled")]
    execution = table.run({**EXECUTE, "segments": 1})
    assert (ended(execution), execution.data) == ("Done", counts(managed=20))
    assert table.stamped(HOME) == 20


def test_a_segment_that_fails_fails_the_map_and_goes_on_from_its_place_when_it_is_redriven(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "A_BATCH", 2)
    monkeypatch.setattr(adoption, "A_BATCH", 2)
    table.both(20)
    table.batches = 4
    table.failing = [RuntimeError("a fault")]
    execution = table.run({**EXECUTE, "segments": 1})
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    assert execution.seen[-1] == "Adopt"  # the step that a redrive takes up
    (segment,) = execution.inner
    states = definition("adopt")["States"]["Adopt"]["ItemProcessor"]
    redriven = Execution({**states, "StartAt": segment.state}, json.dumps(segment.data), table.step)
    assert redriven.status == "SUCCEEDED"
    assert sum(redriven.data["counts"].values()) == 20
    assert table.stamped(HOME) == 20


def test_a_second_run_passes_over_what_is_done(table: Adopted) -> None:
    table.both(20)
    table.run(EXECUTE)
    for image in table.tables[HOME].scan(TableName=NAMES.table)["Items"]:
        table.tables[OTHER].put_item(TableName=NAMES.table, Item=image)
    assert table.run(EXECUTE).data == counts(managed=20)


def test_items_that_are_left_are_counted_and_their_keys_are_in_no_log_unasked(
    table: Adopted, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    table.both(2)
    image = {"id": {"S": "SECRET"}, "balance": {"N": "7"}}
    table.tables[OTHER].put_item(TableName=NAMES.table, Item=image)
    table.tables[HOME].put_item(TableName=NAMES.table, Item={**image, "balance": {"N": "8"}})
    execution = table.run(EXECUTE)
    assert (ended(execution), execution.data) == ("ItemsLeft", counts(stamped=2, left=1))
    logged = caplog.text + capsys.readouterr().out + str([vars(each) for each in caplog.records])
    assert "item left" in logged
    assert "SECRET" not in logged


def test_what_changes_all_the_time_is_settled_before_much_of_it_waits(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "A_BATCH", 2)
    monkeypatch.setattr(adoption, "A_BATCH", 2)
    table.both(8)
    for image in table.tables[OTHER].scan(TableName=NAMES.table)["Items"]:
        table.tables[OTHER].delete_item(TableName=NAMES.table, Key={"id": image["id"]})
    execution = table.run({**EXECUTE, "segments": 1})
    assert execution.data == counts(left=8)
    assert len(table.slices()) == 1


def test_segments_at_once_share_the_units(table: Adopted) -> None:
    asked = {"segments": 8, "at_once": 4, "write_units": 100, "read_units": 1_000}
    assert ended(table.run(asked)) == "Done"
    shares = {(each["write_units"], each["read_units"]) for each in table.slices()}
    assert shares == {(25, 250)}
    table.steps.clear()
    table.run({**asked, "segments": 2})  # fewer than might run at once
    assert {each["write_units"] for each in table.slices()} == {50}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"segments": 0}, "segments"),
        ({"segments": 1_001}, "segments"),
        ({"execute": "yes"}, "execute"),
        ({"write_units": 49}, "write_units: 50 at least, for 10 at once"),
        ({"read_units": "many"}, "read_units"),
        ({"dry": True}, "dry"),
        ([], "input"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    table: Adopted, asked: Any, reason: str
) -> None:
    table.both(1)
    execution = table.run(asked)
    assert (ended(execution), execution.error) == ("Refused", "Refused")
    assert reason in execution.cause
    assert table.slices() == []


def test_a_table_that_is_in_more_regions_is_refused(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = TableFacts(("id",), frozenset({"ap-southeast-1"}), 0)
    monkeypatch.setattr(DynamoReplica, "facts", lambda _: there)
    assert "ap-southeast-1" in table.run(EXECUTE).cause


def test_a_schema_with_another_key_is_refused(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SCHEMA", json.dumps({**SCHEMA, "key": ["party"]}))
    assert "the table's key is id" in table.run(EXECUTE).cause


def test_a_function_of_another_region_adopts_nothing(
    table: Adopted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", OTHER)
    with pytest.raises(InvalidInput, match="in eu-west-1 alone"):
        handlers.adopt.handler({"action": "prepare", "case": {"asked": EXECUTE}}, Context())


# The same definition in moto's interpreter


@pytest.fixture
def machine(table: Adopted, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that starts an execution and waits for its end."""
    monkeypatch.setitem(
        config.default_user_config, "stepfunctions", {"execute_state_machine": True}
    )

    def invoke(parameters: Any, **_: Any) -> Any:
        try:
            payload, failed = table.step(json.loads(parameters["Payload"])), {}
        except Exception as problem:
            payload, failed = {"errorType": type(problem).__name__}, {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "Payload": payload, **failed}

    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", invoke)
    states = client("stepfunctions", HOME)
    arn = states.create_state_machine(
        name=Names(NAMES.table, HOME).adopt_state_machine,
        definition=json.dumps(definition("adopt")),
        roleArn="arn:aws:iam::123456789012:role/adopt",
    )["stateMachineArn"]

    def run(name: str, asked: Any) -> dict[str, Any]:
        asked = {"stateMachineArn": arn, "name": name, "input": json.dumps(asked)}
        execution = states.start_execution(**asked)["executionArn"]
        for _ in range(400):
            told: dict[str, Any] = states.describe_execution(executionArn=execution)
            if told["status"] != "RUNNING":
                return told
            time.sleep(0.05)
        raise AssertionError("it does not end")

    return run


def test_a_distributed_map_goes_all_the_way_and_a_second_start_is_the_first(
    table: Adopted, machine: Callable[..., dict[str, Any]]
) -> None:
    table.both(20)
    told = machine("first", EXECUTE)
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", counts(stamped=20))
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        machine("first", {})
    assert table.stamped(HOME) == 20


def test_one_segment_that_fails_ends_the_execution_as_failed(
    table: Adopted, machine: Callable[..., dict[str, Any]]
) -> None:
    table.both(20)
    table.failing = [RuntimeError("a fault")]
    assert machine("first", EXECUTE)["status"] == "FAILED"
    told = machine("second", EXECUTE)
    assert (told["status"], json.loads(told["output"])["left"]) == ("SUCCEEDED", 0)
    assert table.stamped(HOME) == 20
