"""What a name says an expression did: by the declared types, and never what a type cannot do."""

from typing import Any

import pytest

from reconciler.client.deeds import MOST_VALUE_BYTES, deeds_of
from reconciler.client.update_expressions import parse
from reconciler.crdt.base import TYPES as ALL_TYPES
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.values.wire import canonical, from_wire, to_wire
from tests.builders import TYPES

SCHEMA = Schema.of(
    table="parties",
    key=["id", "sort"],
    attributes={
        **TYPES,
        "owner": "manual",
        "colour": {"type": "custom", "function": "brightest"},
        "address": "map_or",
        "phones": {"type": "map_or", "values": {"type": "map_or", "fields": {"tags": "set_aw"}}},
    },
)
BIG = "x" * (MOST_VALUE_BYTES + 1)
VALUES: dict[str, Any] = {
    ":five": 5,
    ":zero": 0,
    ":x": "x",
    ":set": {"a"},
    ":numbers": {1},
    ":list": ["x"],
    ":map": {"city": "Rome"},
    ":true": True,
    ":null": None,
    ":two": ["x", "y"],
    ":big": BIG,
    ":fit": BIG[1:],
    ":none": [],
    ":bad": {"visits": "often"},
    ":profile": {"visits": 3, "city": "Rome", "deep": {"a": 1}, "labels": {"x"}},
}


def done(text: str) -> list[Any]:
    """Return what is done, as plain values."""
    wires = {name: canonical(to_wire(value, (name,))) for name, value in VALUES.items()}
    expression = parse(text, {"#rec": "_rec", "#w": "_rec_w", "#half": "\ud800"}, wires)
    return [from_wire(deed.wire()) for deed in deeds_of(expression.actions, SCHEMA)]


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("ADD balance :five", ["increment", "balance", 5]),
        ("SET balance = balance + :five", ["increment", "balance", 5]),
        ("SET balance = :five + balance", ["increment", "balance", 5]),
        ("SET balance = balance - :five", ["increment", "balance", -5]),
        ("SET balance = if_not_exists(balance, :zero) + :five", ["increment", "balance", 5]),
        ("SET balance = if_not_exists(balance, :zero) - :five", ["increment", "balance", -5]),
        ("SET balance = :five", ["assign", "balance", 5, "counter_pn"]),
        ("REMOVE balance", ["remove", "balance", None, "counter_pn"]),
        ("ADD tags :set", ["add", "tags", {"a"}]),
        ("DELETE tags :set", ["discard", "tags", {"a"}]),
        ("ADD blocked :numbers", ["add", "blocked", {1}, "set_rw"]),
        ("DELETE blocked :numbers", ["discard", "blocked", {1}, "set_rw"]),
        ("SET tags = :set", ["assign", "tags", {"a"}, "set_aw"]),
        ("SET name = :x", ["assign", "name", "x"]),
        ("SET undeclared = :list", ["assign", "undeclared", ["x"]]),
        ("REMOVE name", ["remove", "name"]),
        ("SET active = :true", ["assign", "active", True, "flag_ew"]),
        ("SET high = :five", ["assign", "high", 5, "register_max"]),
        ("SET revision = :five", ["assign", "revision", 5, "version"]),
        ("SET owner = :x", ["assign", "owner", "x", "manual"]),
        ("SET colour = :x", ["assign", "colour", "x", "custom:brightest"]),
        ("SET notes = :list", ["assign", "notes", "x", "register_mv"]),
        ("SET address.city = :x", ["assign", ["address", "city"], "x"]),
        ("REMOVE address.city", ["remove", ["address", "city"]]),
        ("ADD profile.visits :five", ["increment", ["profile", "visits"], 5]),
        ("ADD profile.deep.a :five", ["increment", ["profile", "deep", "a"], 5]),
        ("DELETE profile.bans :set", ["discard", ["profile", "bans"], {"a"}, "set_rw"]),
        ("ADD phones.home.tags :set", ["add", ["phones", "home", "tags"], {"a"}]),
    ],
)
def test_an_edit_that_means_the_same_anywhere_is_said_as_it_is(text: str, deed: list[Any]) -> None:
    assert done(text) == [deed]


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("SET balance = if_not_exists(balance, :five)", ["assign", "balance", None, "counter_pn"]),
        (
            "SET balance = if_not_exists(balance, :five) + :five",  # 10 where there was none
            ["assign", "balance", None, "counter_pn"],
        ),
        ("SET balance = :five - balance", ["assign", "balance", None, "counter_pn"]),
        ("SET balance = other + :five", ["assign", "balance", None, "counter_pn"]),
        ("SET balance = balance + other", ["assign", "balance", None, "counter_pn"]),
        ("SET balance = :five + :five", ["assign", "balance", None, "counter_pn"]),
        ("SET balance = other", ["assign", "balance", None, "counter_pn"]),
        ("SET tags = if_not_exists(tags, :set)", ["assign", "tags", None, "set_aw"]),
        ("ADD undeclared :five", ["assign", "undeclared"]),
        ("ADD undeclared :set", ["assign", "undeclared"]),
        ("DELETE undeclared :set", ["assign", "undeclared"]),
        ("SET undeclared = undeclared + :five", ["assign", "undeclared"]),
        ("SET name = if_not_exists(name, :x)", ["assign", "name"]),
        ("SET name = list_append(if_not_exists(name, :none), :list)", ["assign", "name"]),
        ("SET revision = revision + :five", ["assign", "revision", None, "version"]),
        ("ADD revision :five", ["assign", "revision", None, "version"]),
        ("SET name.first = :x", ["assign", "name"]),
        ("SET name[0] = :x", ["assign", "name"]),
        ("REMOVE name[0].first", ["assign", "name"]),
        ("ADD name.visits :five", ["assign", "name"]),
        ("SET owner.first = :x", ["assign", "owner", None, "manual"]),
        ("SET address.city.name = :x", ["assign", ["address", "city"]]),
        ("SET address.lines[2] = :x", ["assign", ["address", "lines"]]),
        ("SET name = :null", ["assign", "name"]),  # what shows is NULL
        ("SET name = :big", ["assign", "name"]),
        ("SET name = :fit", ["assign", "name", BIG[1:]]),
    ],
)
def test_where_only_dynamodb_knows_the_value_it_is_left_out(text: str, deed: list[Any]) -> None:
    assert done(text) == [deed]


def test_what_is_done_is_said_in_the_order_of_the_expression_and_once() -> None:
    text = "SET name.first = :x, balance = balance - :five, name.last = :x REMOVE phone, name.nick"

    assert done(text) == [["assign", "name"], ["increment", "balance", -5], ["remove", "phone"]]


def test_a_map_set_whole_tells_the_types_of_its_fields_first() -> None:
    assert done("SET profile = :profile") == [
        ["assign", ["profile", "deep", "a"], 1, "counter_pn"],
        ["assign", ["profile", "deep"], {"a": 1}, "map_or"],
        ["assign", ["profile", "labels"], {"x"}, "set_aw"],
        ["assign", ["profile", "visits"], 3, "counter_pn"],
        ["assign", "profile", VALUES[":profile"], "map_or"],
    ]
    assert done("SET profile = if_not_exists(profile, :profile)") == [
        ["assign", ["profile", "deep", "a"], None, "counter_pn"],
        ["assign", ["profile", "deep"], None, "map_or"],
        ["assign", ["profile", "labels"], None, "set_aw"],
        ["assign", ["profile", "visits"], None, "counter_pn"],
        ["assign", "profile", None, "map_or"],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SET id = :x", "id is part of the key; a key never changes"),
        ("REMOVE sort", "sort is part of the key"),
        ("SET id.part = :x", "id is part of the key"),
        ("REMOVE #rec", "'_rec': names starting with '_rec' are reserved; leave it out"),
        ("SET #w = :list", "'_rec_w': names starting with '_rec' are reserved"),
        ("SET _rec_other.x = :x", "'_rec_other': names starting with '_rec' are reserved"),
        ("SET #half = :x", r"'\ud800': a name must be UTF-8 text"),
        ("SET other.#half = :x", r"'other.\ud800': a name must be UTF-8 text"),
        ("SET balance = :x", "balance: a counter_pn takes a number"),
        ("ADD balance :set", "balance: a counter_pn takes a number"),
        ("DELETE balance :set", "balance: a counter_pn takes a number"),
        ("SET balance = list_append(balance, :list)", "balance: a counter_pn takes a number"),
        ("SET balance = if_not_exists(balance, :x)", "balance: a counter_pn takes a number"),
        ("SET balance.part = :five", "balance: a counter_pn takes a number"),
        ("SET tags = :list", "tags: expected a set of strings, numbers or bytes"),
        ("ADD tags :five", "tags: expected a set"),
        ("SET tags[0] = :x", "tags: expected a set"),
        ("SET tags = tags + :five", "tags: expected a set"),
        ("SET active = :x", "active: a flag_ew holds True or False"),
        ("ADD active :five", "active: a flag_ew holds True or False"),
        ("SET high = :list", "high: a register_max holds numbers or strings"),
        ("ADD low :set", "low: a register_min holds numbers or strings"),
        ("SET revision = :x", "revision: a version holds a whole number"),
        ("SET notes = :x", "notes: a register_mv shows a list of the values that stand; set it"),
        ("SET notes = :two", "notes: a register_mv shows a list"),
        ("SET notes = list_append(notes, :list)", "notes: a register_mv shows a list"),
        ("SET notes[0] = :x", "notes: a register_mv shows a list"),
        ("ADD notes :five", "notes: a register_mv shows a list"),
        ("SET address = :x", "address: a map_or holds a dict"),
        ("SET address[0] = :x", "address: a map_or holds a dict"),
        ("ADD address :five", "address: a map_or holds a dict"),
        ("SET address = other", "address: a map_or is not copied from another attribute; give"),
        ("SET profile = :bad", "profile.visits: a counter_pn takes a number"),
        ("ADD profile.visits :set", "profile.visits: a counter_pn takes a number"),
    ],
)
def test_what_the_declared_type_can_never_hold_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        done(text)

    assert str(problem.value).startswith(said)


@pytest.mark.parametrize("text", ["SET blocked = :numbers", "REMOVE blocked"])
def test_a_set_in_which_removing_wins_is_told_member_by_member(text: str) -> None:
    with pytest.raises(InvalidInput, match="blocked: a name does not say which members"):
        done(text)


def test_each_type_there_is_can_be_set_and_removed_by_a_named_write() -> None:
    values: dict[str, Any] = {
        "counter_pn": 5,
        "set_aw": {"a"},
        "flag_ew": True,
        "version": 1,
        "register_mv": ["x"],
        "map_or": {"a": "x"},
    }
    for kind in ALL_TYPES.keys() - {"set_rw"}:
        declared = {"type": kind, **({"function": "f"} if kind == "custom" else {})}
        schema = Schema.of(table="parties", key=["id"], attributes={"a": declared})
        given = {":a": to_wire(values.get(kind, "x"), ("a",))}
        found = [
            [deed.verb for deed in deeds_of(parse(text, {}, given).actions, schema)]
            for text in ("SET a = :a", "REMOVE a")
        ]
        assert found == [["assign"], ["remove"]]
