"""The command: what it prints, and the exit code that scripts rely on."""

import json
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from reconciler.aws.clients import client
from reconciler.cli.doctor import command
from reconciler.deployment.names import Names
from reconciler.errors import Unavailable
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.aws.conftest import aws, clients, credentials

__all__ = ["aws", "clients", "credentials"]

US, EU = "us-east-1", "eu-west-1"
TABLE = "parties"


def doctor(*options: str, regions: str = f"{US},{EU}") -> Result:
    app = typer.Typer()
    app.command()(command)
    given = ["--table", TABLE, "--regions", regions, *options]
    return CliRunner().invoke(app, given, env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    tables = [TableSpec(TABLE, "id")]
    with LocalCloud(tables, reconciled=TABLE, regions=(US, EU)) as running:
        yield running


def test_a_fresh_local_cloud_has_nothing_to_put_right_and_says_what_is_not_visible_there(
    cloud: LocalCloud,
) -> None:
    result = doctor("--endpoint", cloud.endpoint, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["counts"]["problem"], document["counts"]["warning"]) == (0, 0)
    assert document["regions"] == [US, EU]
    severities = {(each["region"], each["id"]): each["severity"] for each in document["findings"]}
    for region in (US, EU):
        assert severities[region, "table"] == "ok"
        assert severities[region, "clock"] == "ok"
        assert severities[region, "replicas"] == "ok"
        assert severities[region, "iterator-age"] == "unknown"
        assert severities[region, "deletion-protection"] == "ok"


def test_a_message_in_a_dead_letter_queue_is_seen(cloud: LocalCloud) -> None:
    sqs = cloud.client("sqs", EU)
    url = sqs.get_queue_url(QueueName=Names(TABLE, EU).parked_queue)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        result = doctor("--endpoint", cloud.endpoint)
    finally:
        sqs.purge_queue(QueueUrl=url)
    assert result.exit_code == 0
    assert "parties-parked-eu-west-1 holds 1 message" in result.stdout
    assert f"scripts/redrive_dlq.py --table {TABLE} --region {EU}" in result.stdout


@pytest.mark.usefixtures("aws")
def test_a_problem_is_printed_first_with_its_fix_beneath_and_exits_with_1() -> None:
    result = doctor(regions=US)
    assert result.exit_code == 1
    heading, first, *_ = result.stdout.strip().splitlines()
    assert heading.startswith(f"{US}: ")
    assert first.split()[:2] == ["problem", "table"]
    lines = result.stdout.splitlines()
    bus = next(number for number, line in enumerate(lines) if line.split()[1:2] == ["bus"])
    command_line = next(line for line in lines[bus:] if line.startswith("    aws"))
    assert command_line.split()[1:3] == ["events", "create-event-bus"]


@pytest.mark.usefixtures("aws")
def test_a_command_to_copy_is_never_broken_by_the_terminals_width() -> None:
    lines = doctor(regions=US).stdout.splitlines()
    assert max(len(line) for line in lines) > 120


def test_nobody_listening_is_one_problem_a_region_and_no_traceback() -> None:
    result = doctor("--endpoint", "http://127.0.0.1:9", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    problems = [each["id"] for each in document["findings"] if each["severity"] == "problem"]
    assert problems == ["access", "access"]


@pytest.fixture
def no_credentials(credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.mark.usefixtures("no_credentials")
def test_missing_credentials_are_one_sentence() -> None:
    result = doctor(regions=US)
    assert isinstance(result.exception, Unavailable)  # the console script prints its message
    assert str(result.exception).count("\n") == 0
    assert "no AWS credentials" in str(result.exception)
