"""`reconciler sweep`, run in process against moto: says what differs, then repairs it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from moto import mock_aws

from reconciler.cli import sweep
from reconciler.errors import InvalidInput
from reconciler.item.image import read
from tests.aws.conftest import clients, credentials, one_server
from tests.builders import Replica, assign, increment, written
from tests.cli.whole_table import US, Table, run

__all__ = ["clients", "credentials", "one_server"]

OLD = written(assign("name", "Ada"))
NEW = Replica("use1", OLD).write(increment("balance", 5), at=2_000)
RAW = {"id": {"S": "p2"}, "name": {"S": "Ada"}}
app = typer.Typer()
app.command()(sweep.command)


@pytest.fixture
def table(one_server: None, clients: None, credentials: None) -> Iterator[Table]:
    with mock_aws():
        yield Table()


def swept(*arguments: str) -> Any:
    return run(app, "--wait", "0s", *arguments)


def test_a_dry_run_says_what_differs_and_is_an_exit_code_of_one(table: Table) -> None:
    table.us.place(NEW)
    table.eu.place(OLD)
    done = swept()
    assert done.exit_code == 1
    assert "repaired: us-east-1 has metadata, eu-west-1 has metadata: merged in" in done.stdout
    assert "--execute does it" in done.stdout
    assert table.eu.item() == OLD


def test_execute_repairs_and_a_second_run_finds_nothing(table: Table) -> None:
    table.us.place(NEW)
    table.eu.place(OLD)
    assert swept("--execute").exit_code == 0
    assert (read(table.eu.item()) or {})["balance"] == 5
    table.us.place(table.eu.item())  # as replication does
    assert json.loads(swept("--json").stdout)["counts"] == {
        "same everywhere": 1,
        "repaired": 0,
        "being deleted": 0,
        "differs: cannot be known": 0,
        "differs: not repaired": 0,
    }


def test_what_is_missing_comes_back_and_what_nobody_can_know_is_left(table: Table) -> None:
    table.eu.place(NEW)
    table.eu.place(RAW)
    done = swept("--execute", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert sorted((each["key"], each["outcome"]) for each in told["items"]) == [
        ('{"id":{"S":"p1"}}', "repaired"),
        ('{"id":{"S":"p2"}}', "differs: cannot be known"),
    ]
    assert (read(table.us.item()) or {})["balance"] == 5


def test_one_region_has_nothing_to_be_compared_with(table: Table) -> None:
    assert isinstance(run(app, regions=US).exception, InvalidInput)


def test_a_wait_is_a_duration(table: Table) -> None:
    assert isinstance(run(app, "--wait", "soon").exception, InvalidInput)
