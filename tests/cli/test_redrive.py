"""`reconciler redrive`, run in process against moto: says what it would do, then does it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

from reconciler.cli import redrive
from reconciler.deployment import SET_ASIDE_PREFIX
from reconciler.errors import InvalidInput, Unavailable
from reconciler.image import read
from reconciler.redrive import drain
from tests.aws.conftest import clients, credentials
from tests.redrive.desk import THEIRS, a_loss, given_up, lost, told
from tests.redrive.region import Region

__all__ = ["clients", "credentials"]

RESOLVE, PARKED = "parties-resolve-dlq", "parties-parked"
app = typer.Typer()
app.command()(redrive.command)


@pytest.fixture
def region(clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
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


def test_a_batch_in_the_bucket_is_found_without_its_notification(region: Region) -> None:
    body = json.dumps(given_up(lost(1))).encode()
    bucket = region.names.evidence_bucket
    region.s3.put_object(Bucket=bucket, Key=f"{SET_ASIDE_PREFIX}x/shard/1", Body=body)
    done = run("--execute")
    assert "1 records, 1 losses" in done.stdout
    assert region.states() == ["OPEN"]
    left = region.s3.list_objects_v2(Bucket=bucket, Prefix=SET_ASIDE_PREFIX)
    assert left["KeyCount"] == 0


def test_only_the_queues_and_messages_that_are_asked_for_are_done(region: Region) -> None:
    failed(region)
    region.send(PARKED, "garbage")
    done = json.loads(run("--queue", PARKED, "--json").stdout)["regions"]["us-east-1"]
    assert list(done["queues"]) == [PARKED]
    by_key = json.loads(run("--key", "p2", "--json").stdout)["regions"]["us-east-1"]
    assert (by_key["left"], by_key["redriven"]) == (2, 0)


def test_sqs_moves_back_only_what_it_can(region: Region) -> None:
    refused = run("--native", "parties-stream-dlq").exception
    assert isinstance(refused, InvalidInput)
    assert "serves parties-resolve-dlq and parties-witness-dlq" in str(refused)


def test_a_table_that_does_not_exist_is_one_sentence(region: Region) -> None:
    done = CliRunner().invoke(app, ["--table", "nobody", "--region", "us-east-1"])
    assert isinstance(done.exception, Unavailable)
    assert "nobody-parked" in str(done.exception)


def test_a_run_that_is_interrupted_says_how_far_it_came(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(region)

    def interrupted(self: Any, ports: Any) -> None:
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
