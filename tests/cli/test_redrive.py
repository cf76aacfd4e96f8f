"""`reconciler redrive`, run in process against moto: says what it would do, then does it."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.cli import redrive
from reconciler.cli.terminal import stoppable
from reconciler.conflict.row import State, ledger_row
from reconciler.deployment.wiring import SET_ASIDE_PREFIX
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.image import merge, read
from reconciler.item.schema import Schema
from reconciler.redrive import drain
from tests.aws.conftest import clients, credentials, one_server
from tests.builders import Replica, assign
from tests.detection.test_detector import record
from tests.redrive.desk import MINE, THEIRS, a_loss, given_up, lost, told
from tests.redrive.region import Region

__all__ = ["clients", "credentials", "one_server"]

RESOLVE, PARKED = "parties-resolve-dlq-us-east-1", "parties-parked-us-east-1"
app = typer.Typer()
app.command()(redrive.command)


@pytest.fixture
def region(one_server: None, clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Region("us-east-1")


def run(*arguments: str, region: str = "us-east-1") -> Any:
    at = ("--table", "parties", "--region", region)
    return CliRunner().invoke(app, [*at, *arguments], env={"COLUMNS": "300"})


def failed(region: Region) -> None:
    region.place(THEIRS)
    region.send(RESOLVE, told(a_loss()))


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(region: Region) -> None:
    failed(region)
    done = run()
    assert done.exit_code == 0
    assert "would be redriven: merged use1." in done.stdout
    assert "--execute does it" in done.stdout
    assert (region.item(), region.depth(RESOLVE), region.states()) == (THEIRS, 1, [])


def test_execute_does_it_and_a_second_run_finds_nothing(region: Region) -> None:
    failed(region)
    assert run("--execute").exit_code == 0
    assert (read(region.item()) or {})["name"] == "Ada"
    assert (region.depth(RESOLVE), region.states()) == (0, ["RESOLVED"])
    again = run("--execute", "--json")
    assert json.loads(again.stdout)["regions"]["us-east-1"]["redriven"] == 0


def test_what_needs_somebody_is_an_exit_code_of_one_and_stays(region: Region) -> None:
    region.send(PARKED, "garbage")
    done = run("--execute", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["regions"]["us-east-1"]["queues"][PARKED]["poison"] == 1
    assert region.depth(PARKED) == 1


def test_a_letter_that_stays_says_what_refused_it_and_why(region: Region) -> None:
    failed(region)
    region.place(merge(MINE, THEIRS))
    region.dynamodb.delete_table(TableName=region.names.ledger)
    done = run("--execute", "--queue", "resolve-dlq")
    assert "left: row not closed: UpdateItem: ResourceNotFoundException" in done.stdout
    assert region.depth(RESOLVE) == 1


def test_a_batch_in_the_bucket_is_found_without_its_notification(region: Region) -> None:
    body = json.dumps(given_up(lost(1))).encode()
    bucket = region.names.evidence_bucket
    region.s3.put_object(Bucket=bucket, Key=f"{SET_ASIDE_PREFIX}x/shard/1", Body=body)
    done = run("--execute")
    assert "1 record, 1 loss" in done.stdout
    assert region.states() == ["OPEN"]
    left = region.s3.list_objects_v2(Bucket=bucket, Prefix=SET_ASIDE_PREFIX)
    assert left["KeyCount"] == 0


def test_only_the_queues_and_messages_that_are_asked_for_are_done(region: Region) -> None:
    failed(region)
    region.send(PARKED, "garbage")
    done = json.loads(run("--queue", "parked", "--json").stdout)["regions"]["us-east-1"]
    assert list(done["queues"]) == [PARKED]
    by_key = json.loads(run("--key", "p2", "--json").stdout)["regions"]["us-east-1"]
    assert (by_key["left"], by_key["redriven"]) == (2, 0)


def test_sqs_moves_back_only_what_it_can(region: Region) -> None:
    refused = run("--native", "stream-dlq").exception
    assert isinstance(refused, InvalidInput)
    assert "serves resolve-dlq and witness-dlq" in str(refused)


def test_a_table_that_does_not_exist_is_one_sentence(region: Region) -> None:
    done = CliRunner().invoke(app, ["--table", "nobody", "--region", "us-east-1"])
    assert isinstance(done.exception, Unavailable)
    assert "nobody-parked" in str(done.exception)


def test_a_run_that_is_interrupted_says_how_far_it_came(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(region)

    def interrupted(self: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(drain.Drain, "leftovers", interrupted)
    done = run("--execute", "--json")
    assert done.exit_code == 130
    told_so_far = json.loads(done.stdout)
    assert (told_so_far["stopped"], told_so_far["regions"]["us-east-1"]["redriven"]) == (True, 1)


def test_following_goes_on_until_it_is_interrupted(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            failed(region)
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.redrive.time.sleep", pause)
    done = run("--execute", "--follow", "--json")
    assert done.exit_code == 130
    assert json.loads(done.stdout)["regions"]["us-east-1"]["redriven"] == 1


def test_following_does_nothing_twice(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """It once sent the event of an open row again every few seconds."""
    region.send(PARKED, "garbage")
    row = ledger_row(a_loss(), State.OPEN, 0).image
    region.dynamodb.put_item(TableName=region.names.ledger, Item=row)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", pause)
    done = json.loads(run("--execute", "--follow", "--json").stdout)["regions"]["us-east-1"]
    assert (done["redriven"], done["poison"]) == (1, 1)


def test_a_region_that_does_not_answer_is_told_and_the_others_are_worked_off(
    region: Region,
) -> None:
    failed(region)
    done = run("--region", "eu-west-1", "--execute", "--json", region="us-east-1")
    assert done.exit_code == 1
    told_of = json.loads(done.stdout)
    assert told_of["regions"]["us-east-1"]["redriven"] == 1
    assert "parties-parked-eu-west-1" in told_of["problems"]["eu-west-1"]
    assert "eu-west-1" in done.stderr


def test_a_queue_that_is_not_for_dead_letters_is_refused(region: Region) -> None:
    refused = run("--queue", "resolve").exception
    assert isinstance(refused, InvalidInput)
    assert "resolve-dlq" in str(refused)


def test_a_native_redrive_is_a_dry_run_too_and_serves_every_region(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    Region("eu-west-1")
    region.send(RESOLVE, told(a_loss()))
    moved: list[str] = []

    def move_back(self: SqsDeadLetters, queue: str) -> str:
        moved.append(queue)
        return "task"

    monkeypatch.setattr(SqsDeadLetters, "move_back", move_back)
    dry = run("--region", "eu-west-1", "--native", "resolve-dlq")
    assert (moved, dry.exit_code) == ([], 0)
    assert "us-east-1: SQS would move about 1 message of" in dry.stdout
    run("--region", "eu-west-1", "--native", "resolve-dlq", "--execute")
    assert moved == [RESOLVE, "parties-resolve-dlq-eu-west-1"]


def test_a_native_redrive_takes_no_filter(region: Region) -> None:
    refused = run("--native", "resolve-dlq", "--key", "p1").exception
    assert isinstance(refused, InvalidInput)


def test_custom_types_are_merged_with_the_functions_that_are_named(
    region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them the command parked what the function would have merged."""
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "from reconciler.crdt import custom\n"
    source += "custom.function('of_the_redrive')(lambda values, about: max(values))\n"
    (tmp_path / "redrive_merging.py").write_text(source)
    kind = {"type": "custom", "function": "of_the_redrive"}
    schema = Schema.of(table="parties", key=["id"], attributes={"colour": kind})
    lost_image = Replica("use1").write(assign("colour", "red"), schema=schema)
    winner = Replica("euw1").write(assign("colour", "blue"), at=2_000, schema=schema)
    region.place(winner)
    region.send(RESOLVE, told(a_loss(lost=lost_image, winner=winner)))
    assert run("--execute", "--custom-types", "redrive_merging").exit_code == 0
    assert (read(region.item()) or {})["colour"] == "red"
    assert region.depth(PARKED) == 0
    refused = run("--custom-types", "no_such_module").exception
    assert "no_such_module" in str(refused)


@pytest.mark.parametrize(("policy", "state"), [("accept", "PARKED"), ("restore", "OPEN")])
def test_outside_writes_are_taken_as_the_functions_take_them(
    region: Region, policy: str, state: str
) -> None:
    region.send("parties-stream-dlq-us-east-1", given_up(record(1, MINE, None)))
    run("--execute", "--outside-writes", policy)
    assert region.states() == [state]


@pytest.mark.parametrize(("outside_writers", "states"), [("expected", ["OPEN"]), ("none", [])])
def test_outside_writers_are_looked_for_as_the_functions_do(
    region: Region, outside_writers: str, states: list[str]
) -> None:
    after = Replica("use1", MINE).write(assign("email", "ada@example.com"), at=2_000)
    touched = {**MINE, "name": {"S": "Bob"}}
    region.send("parties-stream-dlq-us-east-1", given_up(record(1, touched, after)))
    run("--execute", "--outside-writers", outside_writers)
    assert region.states() == states


def test_what_the_tables_own_time_to_live_took_is_taken_as_the_functions_take_it(
    region: Region,
) -> None:
    image = {**MINE, "until": {"N": "8"}}
    region.send("parties-stream-dlq-us-east-1", given_up(record(1, image, None)))
    run("--execute", "--outside-writes", "restore", "--ttl-attribute", "until")
    assert region.states() == ["ACCEPTED"]


@pytest.mark.parametrize("rate", ["0", "fast", "nan", "-1/s"])
def test_a_rate_that_is_none_is_refused_with_an_example(region: Region, rate: str) -> None:
    refused = run("--rate", rate).exception
    assert isinstance(refused, InvalidInput)
    assert "such as 10/s" in str(refused)


def test_a_rate_is_messages_a_second(region: Region) -> None:
    failed(region)
    assert run("--rate", "50/s", "--execute").exit_code == 0


def test_ctrl_c_ends_what_waits_for_its_turn() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stop:
        waiting = threading.Thread(target=stop.wait, args=(600,))
        waiting.start()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    waiting.join(60)
    assert not waiting.is_alive()
    assert signal.getsignal(signal.SIGINT) is before
