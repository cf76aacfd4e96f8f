"""`reconciler conflicts`, run in process against DynamoDB and S3 as moto plays them."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from reconciler.aws import connect, now_ms
from reconciler.aws.clients import client
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.cli import conflicts
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.deployment.names import Names
from reconciler.errors import Contention, Unavailable
from reconciler.item.image import read
from reconciler.item.metadata import context_of
from reconciler.local.provision import TableSpec, create_ledger, create_table
from reconciler.ports import Replacement, Superseded
from reconciler.values.wire import Image, canonical_image
from tests.aws.conftest import clients, credentials
from tests.builders import SCHEMA, Replica, add, as_stream, assign, discard, increment, written
from tests.conflicts import loss, unknown_loss

__all__ = ["clients", "credentials"]

REGIONS = ("us-east-1", "eu-west-1")
HERE = ("--table", "parties", "--region", "us-east-1")
WIRE_KEY = {"id": {"S": "p1"}}


class Told(NamedTuple):
    """How a command ended: its exit code, or the error that its sentence is made of."""

    out: str
    code: int
    problem: BaseException | None

    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str) -> Told:
    done = CliRunner().invoke(conflicts.app, arguments, env={"COLUMNS": "200"})
    exited = isinstance(done.exception, SystemExit)
    return Told(done.stdout, done.exit_code, None if exited else done.exception)


def refused(*arguments: str) -> str:
    """Return the sentence that a refused command ends with."""
    told = run(*arguments)
    assert told.code == 1
    assert told.problem is not None
    return str(told.problem)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, credentials: None, clients: None) -> Iterator[None]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with mock_aws():
        for region in REGIONS:
            of = partial(client, region=region, attempts=1)
            create_table(of, TableSpec("parties", "id"))
            create_ledger(of("dynamodb"), Names("parties", region).ledger)
        client("s3", REGIONS[0]).create_bucket(Bucket=Names("parties", REGIONS[0]).evidence_bucket)
        yield


def record(row: Row, region: str = "us-east-1") -> None:
    name = Names("parties", region).ledger
    client("dynamodb", region, attempts=1).put_item(TableName=name, Item=row.image)


def nothing_written(*, RequestItems: Any) -> dict[str, Any]:  # noqa: N803 (DynamoDB's own name)
    """Answer as BatchWriteItem does when the table is throttled."""
    return {"UnprocessedItems": RequestItems}


def place(image: Image, region: str = "us-east-1") -> None:
    client("dynamodb", region, attempts=1).put_item(TableName="parties", Item=image)


def item(region: str = "us-east-1") -> Image | None:
    dynamodb = client("dynamodb", region, attempts=1)
    found: Image | None = dynamodb.get_item(TableName="parties", Key=WIRE_KEY).get("Item")
    return found


def row_of(name: str) -> Image:
    """Return a row of the first region's ledger."""
    dynamodb = client("dynamodb", REGIONS[0], attempts=1)
    rows = dynamodb.scan(TableName=Names("parties", REGIONS[0]).ledger)["Items"]
    (found,) = (row for row in rows if row["conflict_id"]["S"] == name)
    return dict(found)


def conflict(**changed: Any) -> tuple[Image, Image]:
    """Place an item that overwrote another one, and the parked row of the loss."""
    use1 = Replica(
        "use1", written(assign("name", "old"), increment("balance", 10), add("tags", "a"))
    )
    euw1 = Replica("euw1", use1.image)
    lost = use1.write(assign("name", "Ada"), increment("balance", 5), add("tags", "b"), at=2_000)
    winner = euw1.write(
        assign("name", "Eve"), increment("balance", 1), discard("tags", "a"), at=3_000
    )
    place(winner)
    record(loss(lost, winner, reason="ClockAhead: check NTP", **changed))
    return lost, winner


# list


def test_every_region_that_is_asked_lists_its_losses(cloud: None) -> None:
    conflict()
    record(unknown_loss("u1", region="eu-west-1", role="witness"), "eu-west-1")
    told = run("list", *HERE, "--region", "eu-west-1")
    assert told.code == 0
    for shown in ("us-east-1: 1 loss", "c1", "id=p1", "home", "ClockAhead: check NTP"):
        assert shown in told.out
    for shown in ("eu-west-1: 1 loss", "u1", "witness", "Undecodable: unreadable"):
        assert shown in told.out


def test_the_list_as_json_is_one_array_of_all_regions(cloud: None) -> None:
    conflict()
    record(unknown_loss("u1", region="eu-west-1", key={}), "eu-west-1")
    rows = run("list", *HERE, "--region", "eu-west-1", "--json").json()
    assert [(row["region"], row["conflict_id"], row["key"]) for row in rows] == [
        ("us-east-1", "c1", {"id": "p1"}),
        ("eu-west-1", "u1", {}),
    ]


def test_filters_choose_what_is_listed(cloud: None) -> None:
    lost, winner = conflict()
    now = now_ms()
    record(loss(lost, winner, State.RESOLVED, conflict_id="c2"))
    record(loss(lost, winner, State.OPEN, conflict_id="c3", lost_at_ms=str(now - 3_600_000)))
    record(loss(lost, winner, conflict_id="c4", key={"id": {"S": "p2"}}))

    def ids(*options: str) -> list[str]:
        return [row["conflict_id"] for row in run("list", *HERE, "--json", *options).json()]

    assert sorted(ids()) == ["c1", "c3", "c4"]
    assert ids("--state", "RESOLVED") == ["c2"]
    assert ids("--since", "2h") == ["c3"]
    assert sorted(ids("--until", "2h")) == ["c1", "c4"]
    assert ids("--reason", "ntp") == ["c1"]
    assert ids("--key", '{"id": "p2"}') == ["c4"]
    assert len(ids("--limit", "1")) == 1


def test_a_region_that_does_not_answer_is_told_and_the_others_are_listed(cloud: None) -> None:
    conflict()
    told = run("list", *HERE, "--region", "sa-east-1", "--json")
    assert ([row["conflict_id"] for row in told.json()], told.code) == (["c1"], 1)


def test_a_duration_that_cannot_be_read_is_refused(cloud: None) -> None:
    assert "such as 2h" in refused("list", *HERE, "--since", "yesterday")


def test_a_table_without_a_ledger_is_named_with_what_to_do(cloud: None) -> None:
    at = ("--table", "nope", "--region", "us-east-1")
    told = CliRunner().invoke(conflicts.app, ["list", *at])
    assert told.exit_code == 1
    sentence = "there is no ledger nope-ledger-us-east-1 in us-east-1: check --table,"
    assert sentence in told.stderr
    assert sentence in refused("show", "c1", *at)


# show


def test_the_three_images_are_shown_one_beneath_the_other_without_metadata(cloud: None) -> None:
    conflict()
    told = run("show", "c1", *HERE)
    assert told.code == 0
    lines = told.out.splitlines()
    start = lines.index("* name  (overridden)")
    assert lines[start + 1 : start + 5] == [
        "    lost             'Ada'",
        "    winner           'Eve'",
        "    current          'Eve'",
        "    if resolved now  'Eve'",
    ]
    assert "_rec" not in told.out


def test_a_set_is_shown_in_order_however_it_is_held(cloud: None) -> None:
    lost = written(add("tags", *"fbdace"))
    place(lost)
    record(loss(lost, lost))
    assert "\n  tags: {'a', 'b', 'c', 'd', 'e', 'f'}\n" in run("show", "c1", *HERE).out


def test_a_view_as_json_has_sets_and_numbers_as_decisions_take_them(cloud: None) -> None:
    conflict()
    told = run("show", "c1", *HERE, "--json").json()
    tags = next(each for each in told["attributes"] if each["attribute"] == "tags")
    assert tags["lost"] == {"set": ["a", "b"]}
    assert tags["if_resolved_now"] == {"set": ["b"]}


def test_images_that_were_too_large_come_from_the_evidence_bucket(cloud: None) -> None:
    lost, _ = conflict()
    names = Names("parties", "us-east-1")
    images = Row.of(row_of("c1")).event().images()
    s3 = client("s3", "us-east-1")
    s3.put_object(Bucket=names.evidence_bucket, Key="conflicts/c1.json", Body=images.encode())
    reference = f"s3://{names.evidence_bucket}/conflicts/c1.json"
    record(loss(None, None, images_ref=reference))
    (exported,) = run("export", *HERE).out.splitlines()
    assert canonical_image(json.loads(exported)["lost"]["M"]) == lost
    run("resolve", "c1", *HERE, "--take", "name=lost", "--execute")
    assert (read(item()) or {})["name"] == "Ada"


def test_a_row_whose_evidence_is_gone_is_exported_without_images_and_holds_up_no_other(
    cloud: None,
) -> None:
    conflict()
    bucket = Names("parties", "us-east-1").evidence_bucket
    record(loss(None, None, conflict_id="c0", images_ref=f"s3://{bucket}/conflicts/c0.json"))
    told = CliRunner().invoke(conflicts.app, ["export", *HERE])
    first, second = map(json.loads, told.stdout.splitlines())
    assert (first["conflict_id"], second["conflict_id"]) == ({"S": "c0"}, {"S": "c1"})
    assert ("lost" in first, "lost" in second) == (False, True)
    assert told.exit_code == 1
    assert "conflicts/c0.json" in told.stderr


def test_a_loss_that_is_not_in_the_ledger_is_refused(cloud: None) -> None:
    assert "no loss 'c9'" in refused("show", "c9", *HERE)


NARROW = "-AbCdEfGhIjKlMnOpQrS_-"


def test_an_id_that_begins_like_an_option_is_taken_as_an_id(cloud: None) -> None:
    """The ids of one loss in 64 that older releases recorded."""
    conflict(conflict_id=NARROW)
    assert run("show", NARROW, *HERE).out.startswith(NARROW)
    assert run("show", *HERE, "--", NARROW).out.startswith(NARROW)
    done = run("resolve", *HERE, NARROW, "--take", "name=lost", "--execute")
    assert done.out.endswith(f"{NARROW} is resolved.\n")
    assert run("show", "--tabel", "x", *HERE).code == 2


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_ids_and_values_are_whole_on_their_line_however_narrow_the_terminal(
    cloud: None, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as for a terminal
    monkeypatch.setenv("NO_COLOR", "1")
    name, value = "x1Y2" * 5 + "zz", "word " * 40 + "W" * 100
    lost = written(assign("name", value))
    place(lost)
    record(loss(lost, lost, conflict_id=name, key={"id": {"S": "p1"}}, reason="A: " + "why " * 60))
    told = CliRunner().invoke(conflicts.app, ["list", *HERE]).stdout
    styles = re.compile(r"\x1b\[[0-9;]*m")
    lines = styles.sub("", told).splitlines()
    (line,) = (each for each in lines if name in each)
    assert line.startswith(name)
    assert "why " * 59 + "why" in line
    seen = CliRunner().invoke(conflicts.app, ["show", name, *HERE]).stdout
    assert f"  name: '{value}'" in styles.sub("", seen).splitlines()


# resolve


def test_a_decision_is_only_shown_until_it_is_executed(cloud: None) -> None:
    _, winner = conflict()
    told = run("resolve", "c1", *HERE, "--take", "name=lost")
    assert (told.code, item()) == (0, winner)
    assert "'Ada'" in told.out
    assert "--execute" in told.out
    assert row_of("c1")["state"]["S"] == "PARKED"


def test_a_decision_is_written_on_top_of_the_merge_and_closes_the_row(cloud: None) -> None:
    conflict()
    decided = ("--take", "name=lost", "--set", 'tags={"set": ["x"]}', "--set", "balance=2.5")
    told = run("resolve", "c1", *HERE, *decided, "--by", "ann", "--why", "she called", "--execute")
    assert told.code == 0
    plain = connect(SCHEMA, region="us-east-1").get({"id": "p1"})
    assert json.loads(json.dumps(plain, default=str)) == {
        "id": "p1",
        "name": "Ada",
        "tags": "{'x'}",
        "balance": "2.5",
    }
    row = row_of("c1")
    assert (row["state"]["S"], row["decided_by"]["S"], row["why"]["S"]) == (
        "RESOLVED",
        "ann",
        "she called",
    )


@pytest.mark.parametrize(("outside_writers", "lineages"), [("expected", 2), ("none", 1)])
def test_a_decision_is_written_as_beside_whoever_else_writes_the_table(
    cloud: None, outside_writers: str, lineages: int
) -> None:
    """Where others write around the library, no process goes on with another one's lineage."""
    with connect(SCHEMA, region="us-east-1").edit({"id": "p1"}) as party:
        party["name"] = "Ada"
    record(loss(item(), item()))
    decided = ("--set", 'name="Eve"', "--outside-writers", outside_writers, "--execute")
    assert run("resolve", "c1", *HERE, *decided).code == 0
    assert len(context_of(item() or {}).heads) == lineages


def test_what_was_decided_is_known_after_a_late_delivery_closed_the_row_again(cloud: None) -> None:
    """The redrive of the parked message wrote the row anew, without who decided what."""
    conflict()
    late = ledger_row(Row.of(row_of("c1")).event(), State.RESOLVED, now_ms())
    decided = ("resolve", "c1", *HERE, "--take", "name=lost", "--by", "ann", "--execute")
    run(*decided)
    record(late)
    assert "decided_by" not in row_of("c1")

    assert "ann" in run("show", "c1", *HERE).out
    assert "already resolved" in run(*decided).out
    assert run("resolve", "c1", *HERE, "--take", "name=winner", "--execute").code == 1


def test_the_user_of_the_system_decides_if_nobody_is_named(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict()
    monkeypatch.setenv("LOGNAME", "bob")
    run("resolve", "c1", *HERE, "--take", "name=lost", "--execute")
    assert row_of("c1")["decided_by"] == {"S": "bob"}


def test_resolving_twice_writes_once_and_another_decision_is_refused(cloud: None) -> None:
    conflict()
    decided = ("resolve", "c1", *HERE, "--take", "name=lost", "--execute")
    run(*decided)
    after, row = item(), row_of("c1")
    told = run(*decided)
    assert (told.code, item(), row_of("c1")) == (0, after, row)
    assert "already resolved" in told.out
    sentence = refused("resolve", "c1", *HERE, "--take", "name=winner", "--execute")
    assert "write it with a write client" in sentence
    assert (item(), row_of("c1")) == (after, row)


def before_put(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], Any]) -> None:
    """Let another writer act just before the command's put of that number, from 1 on."""
    real, seen = DynamoItems.put, iter(range(1, 100))

    def put(store: Any, write: Replacement) -> Superseded | None:
        if next(seen) == number:
            act()
        return real(store, write)

    monkeypatch.setattr(DynamoItems, "put", put)


@pytest.mark.parametrize("number", [1, 2])
def test_what_another_writer_changes_meanwhile_is_refused_by_condition_and_kept(
    cloud: None, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    conflict()

    def act() -> None:
        changed = Replica("euw1", item()).write(increment("balance", 3), at=9_000)
        place(changed)

    before_put(monkeypatch, number, act)
    told = run("resolve", "c1", *HERE, "--take", "name=lost", "--execute")
    assert told.code == 0
    plain = read(item()) or {}
    assert (plain["name"], plain["balance"]) == ("Ada", 19)


def test_a_decided_attribute_that_changes_meanwhile_leaves_the_row_to_decide_again(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict()

    def act() -> None:
        place(Replica("euw1", item()).write(assign("name", "Zoe"), at=9_000))

    before_put(monkeypatch, 2, act)
    told = run("resolve", "c1", *HERE, "--take", "name=lost", "--execute")
    assert isinstance(told.problem, Contention)
    assert (read(item()) or {})["name"] == "Zoe"
    assert row_of("c1")["state"]["S"] == "PARKED"


def test_a_row_that_could_not_be_closed_is_closed_by_the_same_command(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict()
    decided = ("resolve", "c1", *HERE, "--set", "balance=50", "--execute")
    with monkeypatch.context() as broken:
        broken.setattr(DynamoLedger, "record", lambda *_: {"c1"})
        told = run(*decided)
    assert isinstance(told.problem, Unavailable)
    after = item()
    assert run(*decided).code == 0
    assert (item(), row_of("c1")["state"]["S"]) == (after, "RESOLVED")


def test_why_a_row_could_not_be_closed_is_said(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict()
    monkeypatch.setattr(client("dynamodb", "us-east-1"), "batch_write_item", nothing_written)
    decided = ("resolve", "c1", *HERE, "--set", "balance=50", "--execute")
    told = CliRunner().invoke(conflicts.app, decided)
    assert "us-east-1: rows not written: BatchWriteItem: left over" in told.stderr


def test_an_undecodable_record_is_decided_by_a_value_and_its_row_says_so(cloud: None) -> None:
    conflict()
    record(unknown_loss("u1"))
    decided = ("resolve", "u1", *HERE, "--set", 'name="Ada"')
    assert "--take all=current" in refused(*decided, "--execute")
    told = run(*decided, "--take", "all=current", "--execute")
    assert told.code == 0
    assert "Not merged" in told.out
    assert (read(item()) or {})["name"] == "Ada"
    assert "decided without a merge" in row_of("u1")["reason"]["S"]


def test_an_item_that_is_gone_is_restored(cloud: None) -> None:
    lost = written(assign("name", "Ada"), increment("balance", 5))
    record(loss(lost, None, reason="ItemGone: gone"))
    assert "(gone)" in run("show", "c1", *HERE).out
    assert run("resolve", "c1", *HERE, "--take", "all=lost", "--execute").code == 0
    assert read(item()) == {"id": "p1", "name": "Ada", "balance": 5}


def test_a_file_decides_and_an_attribute_that_nobody_has_is_refused(
    cloud: None, tmp_path: Path
) -> None:
    _, winner = conflict()
    file = tmp_path / "decision.json"
    file.write_text('{"name": {"take": "lost"}, "nmae": {"remove": true}}')
    sentence = refused("resolve", "c1", *HERE, "--file", str(file), "--execute")
    assert "nmae: " in sentence
    assert item() == winner
    file.write_text('{"name": {"take": "lost"}, "city": {"value": "Rome"}}')
    assert run("resolve", "c1", *HERE, "--file", str(file), "--execute").code == 0
    assert {"name": "Ada", "city": "Rome"}.items() <= (read(item()) or {}).items()


# export


def test_rows_are_exported_whole_one_a_line(cloud: None, tmp_path: Path) -> None:
    lost, winner = conflict()
    record(unknown_loss("u1"))
    file = tmp_path / "feed.jsonl"
    assert run("export", *HERE, "--output", str(file)).code == 0
    rows = {row["conflict_id"]["S"]: row for row in map(json.loads, file.read_text().splitlines())}
    assert rows.keys() == {"c1", "u1"}
    event = Row.of(rows["c1"]).event()
    assert (event.lost, event.winner) == (as_stream(lost), as_stream(winner))
