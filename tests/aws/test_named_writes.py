"""Named writes on DynamoDB: a name changes nothing else, and says what DynamoDB did.

The examples of the document, in each language, run as printed and say the same.
"""

import json
import os
import re
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler import InvalidInput, KeyReused, Once, Schema, increment, merge, named, shows_key
from reconciler.causality.context import is_replica_of
from reconciler.clock import now_ms
from reconciler.crdt.base import Edit
from reconciler.crdt.register_mv import RegisterMv
from reconciler.item.image import read, write
from reconciler.values.size import item_size
from reconciler.values.wire import Image, Wire, canonical, from_wire, to_wire
from tests.aws.test_contract import make_table
from tests.builders import SCHEMA, clock
from tests.client.named_elements import Did, Name, read_element

HERE, REGION = "euw1ab3xk", "eu-west-1"
KEY: Image = {"id": {"S": "p1"}}
identifiers = count(1)
DOCUMENT = (Path(__file__).parents[2] / "reconciler/client/README.md").read_text(encoding="utf-8")
NODE = shutil.which("node")
POINTS = Schema.of(table="parties", key=["id"], attributes={"points": "counter_pn"})
BY_THE_LIBRARY: dict[str, Any] = {
    "key": {"id": "p1"},
    "schema": POINTS,
    "replica": "euw1",
    "clock": clock(now_ms(), count(10_000)),
}


@pytest.fixture
def dynamodb(aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the region's table, through which every call of a test goes."""
    monkeypatch.setenv("REPLICA", HERE)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr("tests.aws.test_contract.REGION", REGION)
    return make_table("parties", "id")


def item_of(dynamodb: Any, key: Image = KEY) -> Image:
    """Return an item, in canonical form."""
    found = dynamodb.get_item(TableName="parties", Key=key, ConsistentRead=True).get("Item", {})
    return {name: canonical(value) for name, value in found.items()}


def names_in(item: Image) -> list[Name]:
    return [read_element(element) for element in item.get("_rec_w", {"L": []})["L"]]


def update(key: Image, text: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters of an update, in wire values."""
    given = {name: to_wire(value, (name,)) for name, value in (values or {}).items()}
    found = {"TableName": "parties", "Key": key, "UpdateExpression": text}
    return {**found, "ExpressionAttributeValues": given} if given else found


def add_points(dynamodb: Any, **more: Any) -> Any:
    once = more.pop("once", None)
    parameters = {**update(KEY, "ADD points :n", {":n": 5}), **more}
    return dynamodb.update_item(**named(parameters, schema=POINTS, replica=HERE, once=once))


def test_a_named_write_makes_an_item_that_is_not_there(dynamodb: Any) -> None:
    add_points(dynamodb)

    item = item_of(dynamodb)
    assert {**item, "_rec_w": None} == {**KEY, "points": {"N": "5"}, "_rec_w": None}
    (name,) = names_in(item)
    assert name.by == HERE
    assert name.do == (Did("increment", ("points",), {"N": "5"}, "counter_pn"),)


def test_two_named_writes_stand_in_the_order_in_which_they_were_made(dynamodb: Any) -> None:
    add_points(dynamodb)
    second = update(KEY, "SET points = points - :n", {":n": 2})
    dynamodb.update_item(**named(second, schema=POINTS, replica=HERE))

    item = item_of(dynamodb)
    assert item["points"] == {"N": "3"}
    assert [did.value for name in names_in(item) for did in name.do] == [{"N": "5"}, {"N": "-2"}]
    assert len({name.id for name in names_in(item)}) == 2


def order(payload: bytes = b"") -> Once:
    return Once("order-4711", now_ms() - 60_000 - now_ms() % 60_000, payload)


def repeat(dynamodb: Any, once: Once, **more: Any) -> Image:
    """Add points under a key that the item shows; return the item that the refusal shows."""
    with pytest.raises(ClientError) as refused:
        add_points(dynamodb, once=once, ReturnValuesOnConditionCheckFailure="ALL_OLD", **more)
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    answer: Any = refused.value.response
    found: Image = answer["Item"]
    return found


def test_a_named_write_with_a_key_counts_once_in_its_region_before_and_after_it_is_filed(
    dynamodb: Any,
) -> None:
    once = order()
    add_points(dynamodb, once=once)

    assert shows_key(repeat(dynamodb, once), once)
    filed = write(item_of(dynamodb), [increment("points", 1)], **BY_THE_LIBRARY)
    dynamodb.put_item(TableName="parties", Item=filed)
    assert "_rec_w" not in filed
    assert shows_key(repeat(dynamodb, once), once)
    assert read(item_of(dynamodb)) == {"id": "p1", "points": 6}


def test_a_condition_of_the_callers_own_is_told_from_a_key_that_was_carried_out(
    dynamodb: Any,
) -> None:
    add_points(dynamodb)
    once = order()
    unless = {"ConditionExpression": "attribute_not_exists(points)"}

    assert not shows_key(repeat(dynamodb, once, **unless), once)
    add_points(dynamodb, once=once, ConditionExpression="attribute_exists(points)")
    assert item_of(dynamodb)["points"] == {"N": "10"}


def test_one_key_of_named_writes_with_two_payloads_is_told(dynamodb: Any) -> None:
    add_points(dynamodb, once=order(b"five points"))

    found = repeat(dynamodb, order(b"six points"))
    with pytest.raises(KeyReused):
        shows_key(found, order(b"six points"))
    assert found["points"] == {"N": "5"}


def test_a_named_write_repeated_in_another_region_counts_once_where_they_meet(
    dynamodb: Any,
) -> None:
    once, first = order(), write(None, [increment("points", 100)], **BY_THE_LIBRARY)
    images = []
    for _ in range(2):
        dynamodb.put_item(TableName="parties", Item=first)
        add_points(dynamodb, once=once)
        images.append(item_of(dynamodb))
    here, there = images

    assert merge(here, there) == merge(there, here)
    assert read(merge(here, there)) == {"id": "p1", "points": 105}


def test_a_condition_that_fails_leaves_all_as_it_was(dynamodb: Any) -> None:
    add_points(dynamodb)
    before = item_of(dynamodb)

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        add_points(dynamodb, ConditionExpression="points > :n")

    assert item_of(dynamodb) == before


def test_the_expiry_of_a_deleted_item_goes(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="parties", Item={**KEY, "_rec_ttl": {"N": "1"}})

    add_points(dynamodb)

    assert "_rec_ttl" not in item_of(dynamodb)


def test_what_a_call_returns_is_what_its_caller_asked_for(dynamodb: Any) -> None:
    add_points(dynamodb)

    assert add_points(dynamodb, ReturnValues="ALL_OLD")["Attributes"]["points"] == {"N": "5"}
    assert "Attributes" not in add_points(dynamodb)


def test_the_updates_of_a_transaction_can_be_named(dynamodb: Any) -> None:
    updates = [update({"id": {"S": each}}, "ADD points :n", {":n": 5}) for each in ("p1", "p2")]
    given = [named(each, schema=POINTS, replica=HERE) for each in updates]

    dynamodb.transact_write_items(TransactItems=[{"Update": each} for each in given])

    found = [names_in(item_of(dynamodb, {"id": {"S": each}})) for each in ("p1", "p2")]
    assert [len(names) for names in found] == [1, 1]


def test_a_table_takes_the_plain_form(dynamodb: Any) -> None:
    plain = {
        "Key": {"id": "p1"},
        "UpdateExpression": "SET photo = :photo ADD points :n, tags :tags",
        "ExpressionAttributeValues": {":photo": b"\xff", ":n": 5, ":tags": {"a"}},
    }
    table = boto3.resource("dynamodb", region_name=REGION).Table("parties")

    table.update_item(**named(plain, schema=SCHEMA, replica=HERE))

    item = item_of(dynamodb)
    assert item["photo"] == {"B": b"\xff"}
    ((photo, points, tags),) = [name.do for name in names_in(item)]
    assert photo == Did("assign", ("photo",), {"B": b"\xff"}, "register_lww")
    assert points == Did("assign", ("points",), None, "register_lww")  # the schema has no counter
    assert tags == Did("add", ("tags",), {"SS": ["a"]}, "set_aw")


PROFILE = {"city": "Rome", "visits": 3, "labels": {"a"}, "deep": {"a": 1}}
# For each attribute, what may be done to it.
EDITS: dict[str, list[str]] = {
    "balance": [
        *("ADD balance :n", "SET balance = balance + :n", "SET balance = balance - :n"),
        *("SET balance = if_not_exists(balance, :zero) + :n", "SET balance = :n"),
        *("SET balance = if_not_exists(balance, :n)", "SET balance = :n - balance"),
        "REMOVE balance",
    ],
    "tags": ["ADD tags :set", "DELETE tags :set", "SET tags = :set", "REMOVE tags"],
    "blocked": ["ADD blocked :set", "DELETE blocked :set", "SET blocked = :set", "REMOVE blocked"],
    "name": [
        *("SET name = :x", "SET name = if_not_exists(name, :x)", "ADD name :n", "REMOVE name"),
        *("SET name = :list", "SET name = list_append(name, :list)", "SET name[0] = :x"),
        *("REMOVE name[0]", "SET name = other", "SET name = :null", "SET name = :big"),
    ],
    "other": ["SET other = :x", "SET other = name", "ADD other :set", "SET other = name + :n"],
    "notes": ["SET notes = :list", "REMOVE notes", "SET notes = if_not_exists(notes, :list)"],
    "revision": ["SET revision = :n", "ADD revision :n", "SET revision = revision + :n"],
    "active": ["SET active = :true", "REMOVE active"],
    "profile": [
        *("SET profile = :profile", "SET profile.city = :x", "REMOVE profile.city"),
        *("ADD profile.visits :n", "SET profile.visits = :n", "ADD profile.labels :set"),
        *("DELETE profile.bans :set", "SET profile.city.part = :x", "ADD profile.deep.a :n"),
        *("SET profile.deep = :deep", "SET profile = if_not_exists(profile, :profile)"),
        *("REMOVE profile.deep", "REMOVE profile"),
    ],
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    ":n": st.integers(-3, 7),
    ":zero": st.just(0),
    ":set": st.sets(st.sampled_from("abc"), min_size=1),
    ":x": st.sampled_from(["x", {"part": "y"}, ["z"]]),
    ":list": st.sampled_from([["x"], [5]]),
    ":null": st.none(),
    ":big": st.just("x" * 300),
    ":true": st.booleans(),
    ":deep": st.just({"a": 2, "b": 3}),
    ":profile": st.just(PROFILE),
}


@st.composite
def updates(draw: Any) -> tuple[str, dict[str, Any]]:
    """Return an expression that edits several attributes, and its values."""
    names = draw(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4, unique=True))
    clauses: dict[str, list[str]] = {}
    for name in names:
        clause, _, action = draw(st.sampled_from(EDITS[name])).partition(" ")
        clauses.setdefault(clause, []).append(action)
    text = " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items())
    used = sorted(set(re.findall(r":\w+", text)))
    return text, {name: draw(VALUES[name]) for name in used}


BEGINNINGS: list[list[tuple[str, dict[str, Any]]]] = [
    [],
    [("SET profile = :profile, balance = :n", {":profile": PROFILE, ":n": 5})],
    [("SET name = :list ADD tags :set, blocked :set", {":list": ["x"], ":set": {"a", "b"}})],
]
histories = st.builds(
    list.__add__, st.sampled_from(BEGINNINGS), st.lists(updates(), min_size=1, max_size=4)
)


def outcome(dynamodb: Any, parameters: dict[str, Any]) -> str:
    """Carry an update out; return how it ended."""
    key = parameters["Key"]
    before = item_of(dynamodb, key)
    text = re.sub(r"(?<![#:\w])(name|other)\b", r"#\1", parameters["UpdateExpression"])  # reserved
    aliases = {f"#{each}": each for each in ("name", "other") if f"#{each}" in text}
    names = {**parameters.get("ExpressionAttributeNames", {}), **aliases}
    sent = {**parameters, "UpdateExpression": text}
    if names:
        sent["ExpressionAttributeNames"] = names
    try:
        dynamodb.update_item(**sent)
    except ClientError as problem:
        # The server here, unlike DynamoDB, leaves a refused update half done.
        dynamodb.delete_item(TableName="parties", Key=key)
        if before:
            dynamodb.put_item(TableName="parties", Item=before)
        return str(problem.response["Error"]["Code"])
    return "done"


def visible(image: Image) -> Any:
    """Return what readers see; a map without keys is as none to them."""

    def kept(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        inner = {name: kept(nested) for name, nested in value.items()}
        return {name: nested for name, nested in inner.items() if nested != {}}

    return kept({name: from_wire(wire) for name, wire in image.items() if name != "_rec_w"})


HOSTILE = settings(suppress_health_check=[*HealthCheck])


@HOSTILE
@given(history=histories)
def test_a_name_changes_nothing_else(dynamodb: Any, history: list[Any]) -> None:
    """The same calls, with names and without, end alike and leave the same attributes."""
    number = next(identifiers)
    bare, with_names = ({"id": {"S": f"{kind}{number}"}} for kind in ("bare", "named"))
    for key in (bare, with_names):  # a name alone makes an item of nothing
        dynamodb.put_item(TableName="parties", Item=key)
    carried_out = 0
    for text, values in history:
        try:
            parameters = named(update(with_names, text, values), schema=SCHEMA, replica=HERE)
        except InvalidInput:
            continue
        ended = outcome(dynamodb, update(bare, text, values))
        assert outcome(dynamodb, parameters) == ended
        carried_out += ended == "done"

    item = item_of(dynamodb, with_names)
    assert len(names_in(item)) == carried_out
    left = {name: wire for name, wire in item.items() if name not in ("id", "_rec_w")}
    assert left == {n: wire for n, wire in item_of(dynamodb, bare).items() if n != "id"}


def edits_of(did: Did, item: Image) -> list[Edit]:
    """Return the edit that a deed is, on the item that DynamoDB left."""
    value = did.value
    if did.verb == "assign" and value is None:
        shown: Wire = {"M": item}
        for part in did.path:
            shown = shown.get("M", {}).get(part, {})
        if not shown:
            return [Edit(did.path, "remove")]
        value = RegisterMv().assignment(shown) if did.type == "register_mv" else shown
    return [Edit(did.path, did.verb, value)]


@HOSTILE
@given(history=histories)
def test_what_a_name_says_is_what_dynamodb_did(dynamodb: Any, history: list[Any]) -> None:
    """Whoever does again what the names say, by the declared types, has DynamoDB's item."""
    key: Image = {"id": {"S": f"p{next(identifiers)}"}}
    nonces = count(1)
    image: Image | None = None
    for at, (text, values) in enumerate(history, 1_000):
        try:
            parameters = named(update(key, text, values), schema=SCHEMA, replica=HERE)
        except InvalidInput:
            continue
        if outcome(dynamodb, parameters) != "done":
            continue
        item = item_of(dynamodb, key)
        edits = [edit for did in names_in(item)[-1].do for edit in edits_of(did, item)]
        image = write(
            image,
            edits,
            key={"id": key["id"]["S"]},
            schema=SCHEMA,
            replica="euw1",
            clock=clock(at, nonces),
        )
        seen = read(image)
        assert seen is not None
        assert visible({n: to_wire(value, (n,)) for n, value in seen.items()}) == visible(item)


# The document


def example(language: str, holding: str) -> str:
    """Return the one example in a language that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    (found,) = [block for block in blocks if holding in block]
    return str(found)


def run_python(text: str) -> None:
    exec(compile(text, "README.md", "exec"), {})  # noqa: S102 (it is our own example)


DONE = [
    Did("assign", ("email",), {"S": "ada@example.com"}, "register_lww"),
    Did("increment", ("points",), {"N": "5"}, "counter_pn"),
    Did("add", ("tags",), {"SS": ["vip"]}, "set_aw"),
]
LEFT: Image = {
    **KEY,
    "email": {"S": "ada@example.com"},
    "points": {"N": "10"},
    "tags": {"SS": ["vip"]},
}


def check_two_writes(dynamodb: Any) -> list[Name]:
    """Fail unless the item shows an example that was carried out twice, under two names."""
    item = item_of(dynamodb)
    names = names_in(item)
    assert {name: wire for name, wire in item.items() if name != "_rec_w"} == LEFT
    assert [list(name.do) for name in names] == [DONE, DONE]
    assert len({name.id for name in names}) == 2
    assert all(is_replica_of(name.by, REGION) for name in names)
    assert all(abs(name.at - now_ms()) < 60_000 for name in names)
    return names


def test_the_python_example_runs_as_printed(dynamodb: Any) -> None:
    for _ in range(2):
        run_python(example("python", "named("))

    check_two_writes(dynamodb)


def test_the_python_example_without_the_library_runs_as_printed(dynamodb: Any) -> None:
    text = example("python", "token_urlsafe")
    assert "reconciler" not in text
    for _ in range(2):
        run_python(text)

    assert {name.by for name in check_two_writes(dynamodb)} == {HERE}


def test_the_example_tells_which_replica_it_is(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run_python(example("python", "print(ReplicaCode("))
    run_python(example("python", "named("))

    (name,) = names_in(item_of(dynamodb))
    assert capsys.readouterr().out == f"{name.by}\n"
    assert re.fullmatch(r"euw1[a-z0-9]{5}", name.by)


# What stands in for the AWS CLI and for the packages of the SDK: they print what they are given.
AWS = """#!/bin/sh
printf '%s\\0' "$@"
"""
PACKAGES = {
    "client-dynamodb": "export class DynamoDBClient {}",
    "lib-dynamodb": """
        const told = (_, value) => value instanceof Set ? { $set: [...value] } : value;
        export class UpdateCommand { constructor(input) { this.input = input; } }
        export class DynamoDBDocumentClient {
          static from() { return new DynamoDBDocumentClient(); }
          async send(command) { console.log(JSON.stringify(command.input, told)); }
        }
    """,
}


def printed_by(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_shell_example_runs_as_printed(dynamodb: Any, tmp_path: Path) -> None:
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)

    for _ in range(2):
        text = printed_by(["bash", "-euo", "pipefail", "-c", example("bash", "aws ")], tmp_path)
        service, call, *rest = text.split("\0")[:-1]
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        assert (service, call, options.pop("--region")) == ("dynamodb", "update-item", REGION)
        dynamodb.update_item(
            TableName=options.pop("--table-name"),
            UpdateExpression=options.pop("--update-expression"),
            Key=json.loads(options.pop("--key")),
            ExpressionAttributeNames=json.loads(options.pop("--expression-attribute-names")),
            ExpressionAttributeValues=json.loads(options.pop("--expression-attribute-values")),
        )
        assert options == {}

    assert {name.by for name in check_two_writes(dynamodb)} == {HERE}


@pytest.mark.skipif(NODE is None, reason="node is not installed: only the example's form is tested")
def test_the_javascript_example_runs_as_printed(dynamodb: Any, tmp_path: Path) -> None:
    for name, code in PACKAGES.items():
        package = tmp_path / "node_modules" / "@aws-sdk" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text('{"type": "module", "main": "index.js"}')
        (package / "index.js").write_text(code)
    (tmp_path / "example.mjs").write_text(example("js", "UpdateCommand"))

    def plain(value: dict[str, Any]) -> Any:
        return set(value["$set"]) if "$set" in value else value

    table = boto3.resource("dynamodb", region_name=REGION).Table("parties")
    for _ in range(2):
        text = printed_by([str(NODE), "example.mjs"], tmp_path)
        given = json.loads(text, object_hook=plain)
        assert given.pop("TableName") == "parties"
        table.update_item(**given)

    assert {name.by for name in check_two_writes(dynamodb)} == {HERE}


def test_the_javascript_example_has_the_form_of_the_others() -> None:
    text = example("js", "UpdateCommand")
    element = text[text.index("const element") : text.index("await")]

    assert re.findall(r"^  (\w+):", element, re.MULTILINE) == ["by", "at", "id", "do"]
    said = re.sub(
        r"new Set\((.*?)\)", r"\1", element[element.index("[\n") : element.rindex("]") + 1]
    )
    assert json.loads(re.sub(r",(\s*\])", r"\1", said)) == [
        ["assign", "email", "ada@example.com"],
        ["increment", "points", 5],
        ["add", "tags", ["vip"]],
    ]


def test_all_examples_send_one_expression() -> None:
    def expression(text: str) -> str:
        joined = re.sub(r'"\s*\+?\s*"', "", text)
        (found,) = re.findall(r"SET email = :email, #w[^\"']*", joined)
        return " ".join(found.split())

    texts = [("python", "token_urlsafe"), ("js", "UpdateCommand"), ("bash", "aws ")]
    assert len({expression(example(*each)) for each in texts}) == 1


def test_the_document_says_what_a_name_costs() -> None:
    parameters = named(update(KEY, "ADD points :n", {":n": 5}), schema=POINTS, replica=HERE)
    ((element,),) = parameters["ExpressionAttributeValues"][":rec_op"].values()

    (said,) = re.findall(r"an increment of `points` has (\d+) bytes", DOCUMENT)
    assert int(said) == item_size({"": element}) + 1  # 1: its place in the list
