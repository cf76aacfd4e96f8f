"""`reconciler adopt`, run in process against moto: says what it would do, then does it."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from moto import mock_aws

from reconciler import Schema, read
from reconciler.aws.whole_replica import DynamoReplica
from reconciler.cli import adopt
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.metadata import METADATA
from reconciler.ports import TableFacts
from reconciler.sweeping import adoption
from tests.aws.conftest import clients, credentials, one_server
from tests.cli.whole_table import EU, SCHEMA, US, Table, run, schema_file

__all__ = ["clients", "credentials", "one_server"]

PLAIN = {"id": {"S": "p1"}, "balance": {"N": "100"}}
app = typer.Typer()
app.command()(adopt.command)


@pytest.fixture
def table(
    one_server: None, clients: None, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Table]:
    monkeypatch.setattr(adoption, "WAIT_SECONDS", 0.01)
    with mock_aws():
        yield Table()


def adopted(tmp_path: Path, *arguments: str) -> Any:
    return run(app, "--schema", schema_file(tmp_path), *arguments)


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(table: Table, tmp_path: Path) -> None:
    table.both(PLAIN)
    done = adopted(tmp_path)
    assert (done.exit_code, "1 stamped" in done.stdout) == (0, True)
    assert "--execute does it" in done.stdout
    assert (table.us.item(), table.eu.item()) == (PLAIN, PLAIN)


def test_execute_does_it_in_one_region_whatever_the_order_of_their_names(
    table: Table, tmp_path: Path
) -> None:
    table.both(PLAIN)
    there = ("--schema", schema_file(tmp_path), "--execute", "--json")
    done = json.loads(run(app, *there, regions=f"{US},{EU}").stdout)
    assert (done["home"], done["counts"]["stamped"], done["items"]) == (EU, 1, [])
    assert METADATA in table.eu.item()
    assert table.us.item() == PLAIN  # replication brings it, which moto has none of

    again = json.loads(run(app, *there, regions=f"{EU},{US}").stdout)
    assert again["counts"]["managed already"] == 1


def test_what_is_left_is_named_and_an_exit_code_of_one(table: Table, tmp_path: Path) -> None:
    table.both(PLAIN)
    table.us.place({**PLAIN, "balance": {"N": "7"}})
    done = adopted(tmp_path, "--execute")
    assert done.exit_code == 1
    assert '{"id":{"S":"p1"}}: left: it changes, or replicas differ' in done.stdout


def test_a_key_that_a_terminal_would_obey_is_escaped(table: Table, tmp_path: Path) -> None:
    table.us.place({**PLAIN, "id": {"S": "\x1b[31m\u202e"}})
    table.eu.place({**PLAIN, "id": {"S": "\x1b[31m\u202e"}, "x": {"S": "y"}})
    done = adopted(tmp_path)
    assert done.exit_code == 1
    assert not {"\x1b", "\u202e"} & set(done.stdout)


def test_a_schema_of_another_table_or_that_is_none_is_one_sentence(
    table: Table, tmp_path: Path
) -> None:
    for changed in ({"table": "others"}, {"key": ["party"]}, {"attributes": {"x": "crdt"}}):
        refused = run(app, "--schema", schema_file(tmp_path, **changed)).exception
        assert isinstance(refused, InvalidInput)
    assert isinstance(run(app, "--schema", "nowhere.json").exception, InvalidInput)
    assert isinstance(run(app).exception, InvalidInput)
    (tmp_path / "parties.json").write_text("[]")
    assert isinstance(run(app, "--schema", str(tmp_path / "parties.json")).exception, InvalidInput)


def test_a_deployments_document_is_taken_as_by_the_local_cloud(
    table: Table, tmp_path: Path
) -> None:
    table.both(PLAIN)
    document = {
        "table": "parties",
        "regions": [US, EU],
        "partition_key": {"name": "id"},
        "api": {"authorizer": "iam", "table_schema": {"attributes": SCHEMA["attributes"]}},
    }
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(document))
    done = run(app, "--schema", str(file), "--execute")
    assert (done.exit_code, "1 stamped" in done.stdout) == (0, True)
    assert read(table.eu.item()) == {"id": "p1", "balance": 100}


def test_a_document_names_the_table_without_its_environment() -> None:
    dev: Any = SimpleNamespace(name="parties-dev", key=("id",))
    assert adopt._of_the_table(Schema.of(**SCHEMA), dev, "dev").table == "parties-dev"
    with pytest.raises(InvalidInput, match=r"it is of parties, .*; this is parties-dev"):
        adopt._of_the_table(Schema.of(**SCHEMA), dev, "")


def test_a_region_without_the_table_is_named(table: Table, tmp_path: Path) -> None:
    schema = schema_file(tmp_path)
    refused = run(app, "--schema", schema, regions=f"{EU},ap-southeast-1").exception
    assert isinstance(refused, Unavailable)
    assert str(refused).startswith("ap-southeast-1: ")


def test_a_region_that_the_table_is_in_must_be_named(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = TableFacts(("id",), frozenset({"ap-southeast-1"}), 0)
    monkeypatch.setattr(DynamoReplica, "facts", lambda _: there)
    refused = adopted(tmp_path).exception
    assert isinstance(refused, InvalidInput)
    assert "parties is in ap-southeast-1, too" in str(refused)


def test_a_run_that_is_interrupted_says_how_far_it_came(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.both(PLAIN)
    look = adoption.Adopter._first_look

    def interrupted(self: adoption.Adopter, images: Any) -> None:
        look(self, images)
        raise KeyboardInterrupt

    monkeypatch.setattr(adoption.Adopter, "_first_look", interrupted)
    done = adopted(tmp_path, "--execute", "--json")
    assert done.exit_code == 130
    told = json.loads(done.stdout)
    assert (told["stopped"], told["counts"]["stamped"]) == (True, 1)
