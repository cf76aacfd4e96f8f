"""The editor: reads show the edits, edits are intentions that replay on a newer image."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from reconciler.client.editor import ItemEditor
from reconciler.errors import InvalidInput
from reconciler.item.image import DELETE, read
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, Replica, add, assign, increment, written

BEFORE = [
    assign("name", "Ada"),
    assign("balance", 10),
    assign("tags", {"a", "b"}),
    assign("blocked", {"a", "b"}),
    assign("profile", {"city": "Rome", "visits": 1, "labels": {"x"}}),
]


def edited(change: Callable[[ItemEditor], Any], *, newer: Image | None = None) -> dict[str, Any]:
    """Edit an item as it was read, write on `newer` (or the same) image, and read the result."""
    image = written(*BEFORE)
    editor = ItemEditor(SCHEMA, read(image))
    change(editor)
    replica = Replica("use1", newer if newer is not None else image)
    plain = read(replica.write(*editor.edits, at=3_000))
    assert plain is not None
    return plain


def test_reads_show_the_edits_made_so_far() -> None:
    item = ItemEditor(SCHEMA, read(written(*BEFORE)))
    item["name"] = "Grace"
    item["balance"] += 5
    item.increment("balance", -1)
    item.add("tags", "c")
    item.discard("tags", "a")
    item["profile", "city"] = "Paris"
    item["profile", "visits"] += 1
    del item["blocked"]
    assert item["name"] == "Grace"
    assert item["balance"] == 14
    assert item["tags"] == {"b", "c"}
    assert item["profile"] == {"city": "Paris", "visits": 2, "labels": {"x"}}
    assert "blocked" not in item
    assert ("profile", "city") in item
    assert item.get(("profile", "street"), "none") == "none"


def change_everything(item: ItemEditor) -> None:
    item["name"] = "Grace"
    item["balance"] -= 3
    item["tags"] = {"b", "c"}
    item["profile", "labels"] = {"y"}
    item["new"] = [1, {"deep": None}]
    item.discard("blocked", "a", "b")


def test_what_the_editor_shows_is_what_is_written() -> None:
    editor = ItemEditor(SCHEMA, read(written(*BEFORE)))
    change_everything(editor)
    shown = {name: editor[name] for name in ("name", "balance", "tags", "profile", "new")}
    assert edited(change_everything) == KEY | shown


def test_editing_does_not_change_what_was_read() -> None:
    plain = read(written(*BEFORE))
    change_everything(ItemEditor(SCHEMA, plain))
    assert plain == read(written(*BEFORE))


def newer_image() -> Image:
    return Replica("use1", written(*BEFORE)).write(
        increment("balance", 100),
        add("tags", "z"),
        add("blocked", "z"),
        assign("profile.street", "Via Appia"),
        increment("profile.visits", 7),
        add("profile.labels", "z"),
        at=2_000,
    )


def test_adding_to_a_counter_by_plus_equals_replays_as_an_increment() -> None:
    def change(item: ItemEditor) -> None:
        item["balance"] += 5
        item["profile", "visits"] += 2

    plain = edited(change, newer=newer_image())
    assert plain["balance"] == 115
    assert plain["profile"]["visits"] == 10


def test_amounts_of_38_digits_are_exact_in_the_editor() -> None:
    long = Decimal("1234567890123456789012345678901234567.5")

    def change(item: ItemEditor) -> None:
        item["balance"] = long
        assert item["balance"] == long
        item.increment("balance", Decimal("0.5"))
        assert item["balance"] == int(long) + 1
        item["balance"] = 3

    assert edited(change)["balance"] == 3


@pytest.mark.parametrize("name", ["tags", "blocked"])
def test_assigning_a_set_replays_as_its_difference_and_keeps_what_others_added(name: str) -> None:
    def change(item: ItemEditor) -> None:
        item[name] = (item[name] | {"c"}) - {"a"}

    assert edited(change, newer=newer_image())[name] == {"b", "c", "z"}


def test_assigning_a_map_replays_as_its_differences_and_keeps_what_others_wrote() -> None:
    def change(item: ItemEditor) -> None:
        item["profile"] = {"city": "Paris", "visits": 4}

    profile = edited(change, newer=newer_image())["profile"]
    assert profile == {
        "city": "Paris",
        "visits": 11,
        "street": "Via Appia",
    }


def test_assigning_what_is_there_already_is_no_edit_of_a_set_or_map() -> None:
    item = ItemEditor(SCHEMA, read(written(*BEFORE)))
    item["tags"] = {"a", "b"}
    item["profile"] = {"city": "Rome", "visits": 1, "labels": {"x"}}
    assert item.edits == []


def test_deleting_and_writing_again_starts_from_nothing() -> None:
    def change(item: ItemEditor) -> None:
        item.delete()
        assert not item.exists
        assert item.get("balance") is None
        item["balance"] += 1
        item["name"] = "again"

    def simple(item: ItemEditor) -> None:
        item.delete()
        item.increment("balance", 2)

    assert edited(simple) == KEY | {"balance": 2}
    with pytest.raises(KeyError, match="balance"):
        edited(change)


def test_deleting_an_item_that_is_not_there_is_no_edit() -> None:
    item = ItemEditor(SCHEMA, None)
    item.delete()
    assert item.edits == []
    item["name"] = "Ada"
    item.delete()
    assert item.edits[-1] == DELETE


def test_adding_or_discarding_nothing_is_no_edit() -> None:
    item = ItemEditor(SCHEMA, None)
    item.add("tags")
    item.discard("tags")
    assert item.edits == []


BAD: list[tuple[str, Callable[[ItemEditor], Any], str]] = [
    ("a float", lambda i: i.__setitem__("name", 1.5), r"name: 1.5 is a float.*Decimal\('1.5'\)"),
    (
        "a float in a map",
        lambda i: i.__setitem__(("profile", "city"), {"x": [0.1]}),
        r"profile\.city\.x\.0: 0\.1 is a float.*Decimal\('0\.1'\)",
    ),
    (
        "a float increment",
        lambda i: i.increment("balance", cast("Any", 1.5)),
        "balance: 1.5 is a float",
    ),
    ("the reserved name", lambda i: i.__setitem__("_rec", 1), "names starting with '_rec'"),
    ("a reserved prefix", lambda i: i.__setitem__("_rec_ttl", 1), "names starting with '_rec'"),
    ("the key", lambda i: i.__setitem__("id", "p2"), "id is part of the key"),
    ("removing the key", lambda i: i.__delitem__("id"), "id is part of the key"),
    ("an empty set in a register", lambda i: i.__setitem__("name", set()), "has no empty set"),
    ("a key edit", lambda i: i.__setitem__("id", "p2"), "id is part of the key; a key never"),
    ("a key's removal", lambda i: i.__delitem__("id"), "id is part of the key; a key never"),
    ("a mixed set", lambda i: i.add("tags", "x", 1), "only strings, only numbers or only bytes"),
    ("a set of lists", lambda i: i.add("tags", ["x"]), "tags: add takes the elements one by one"),
    ("39 digits", lambda i: i.__setitem__("name", 10**38 + 1), "name: .*39 significant digits"),
    ("10**5000", lambda i: i.__setitem__("name", 10**5000), "name: .*outside DynamoDB's range"),
    ("an object", lambda i: i.__setitem__("name", object()), "cannot hold a object"),
    ("not a number", lambda i: i.__setitem__("name", Decimal("NaN")), "name: NaN not a finite"),
    ("half a surrogate", lambda i: i.__setitem__("name", "\ud800"), "name: .*UTF-8"),
    ("a name of half a surrogate", lambda i: i.__setitem__("\ud800", 1), "a name must be UTF-8"),
    ("a map key", lambda i: i.__setitem__("name", {1: 2}), "name: map key 1 must be a string"),
    ("increment a register", lambda i: i.increment("name"), "name: increment does not fit"),
    ("add to a register", lambda i: i.add("name", "x"), "name: add does not fit a register_lww"),
    ("discard from a counter", lambda i: i.discard("balance", 1), "discard does not fit a counter"),
    ("increment a set", lambda i: i.increment("tags"), "tags: increment does not fit a set_aw"),
    ("a string to a counter", lambda i: i.__setitem__("balance", "x"), "a counter_pn takes a n"),
    ("true to a counter", lambda i: i.__setitem__("balance", True), "a counter_pn takes a number"),
    ("a list to a set", lambda i: i.__setitem__("tags", ["x"]), "tags: expected a set"),
    ("numbers to strings", lambda i: i.add("tags", 1), "tags: the set holds SS, so NS cannot"),
    ("a number to a flag", lambda i: i.__setitem__("active", 1), "a flag_ew holds True or False"),
    ("a list to a maximum", lambda i: i.__setitem__("high", [1]), "register_max holds numbers or"),
    (
        "a string to a map",
        lambda i: i.__setitem__("profile", "x"),
        "profile: a map_or holds a dict",
    ),
    (
        "a path into a register",
        lambda i: i.__setitem__(("name", "first"), "x"),
        "name.first: name is a register_lww, which has no fields; declare it as map_or in the sche",
    ),
    ("a path into a counter", lambda i: i.increment(("balance", "x")), "counter_pn, which has no"),
    ("no path", lambda i: i.__setitem__((), 1), "is not an attribute name or a path"),
    ("an empty name", lambda i: i.__setitem__("", 1), "is not an attribute name or a path"),
    ("400 KB", lambda i: i.__setitem__("name", "x" * 409_600), r"409,\d+|410,\d+ bytes"),
    ("depth", lambda i: i.__setitem__("name", _nested(40)), "nested deeper than 26 levels"),
]


def _nested(depth: int) -> Any:
    return [_nested(depth - 1)] if depth else 1


@pytest.mark.parametrize(("story", "change", "message"), BAD, ids=[each[0] for each in BAD])
def test_bad_input_is_refused_with_the_field_and_the_fix(
    story: str, change: Callable[[ItemEditor], Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        edited(change)


# A dict user's habits: each is written, or raises


HABITS: dict[str, tuple[Callable[[ItemEditor], Any], dict[str, Any]]] = {
    "a set's or-equals": (
        lambda i: i.__setitem__("tags", i["tags"].__ior__({"c"})),
        {"tags": {"a", "b", "c"}},
    ),
    "a set's add": (lambda i: i["tags"].add("c"), {"tags": {"a", "b", "c"}}),
    "a set's remove": (lambda i: i["tags"].remove("a"), {"tags": {"b"}}),
    "a set's update": (
        lambda i: i["blocked"].update({"c"}, {"d"}),
        {"blocked": {"a", "b", "c", "d"}},
    ),
    "a set's clear": (lambda i: i["tags"].clear(), {"tags": None}),
    "a set's intersection": (lambda i: i["tags"].intersection_update({"a"}), {"tags": {"a"}}),
    "a set emptied": (lambda i: i.__setitem__("tags", set()), {"tags": None}),
    "a field of a map": (
        lambda i: i["profile"].__setitem__("city", "x"),
        {"profile": {"city": "x", "visits": 1, "labels": {"x"}}},
    ),
    "a field's deletion": (
        lambda i: i["profile"].__delitem__("city"),
        {"profile": {"visits": 1, "labels": {"x"}}},
    ),
    "a map's pop": (
        lambda i: i["profile"].pop("city"),
        {"profile": {"visits": 1, "labels": {"x"}}},
    ),
    "a map's update": (
        lambda i: i["profile"].update(zip="W1"),
        {"profile": {"city": "Rome", "zip": "W1", "visits": 1, "labels": {"x"}}},
    ),
    "a map's setdefault": (
        lambda i: i["profile"].setdefault("zip", "W1"),
        {"profile": {"city": "Rome", "zip": "W1", "visits": 1, "labels": {"x"}}},
    ),
    "a set in a map": (
        lambda i: i["profile"]["labels"].add("y"),
        {"profile": {"city": "Rome", "visits": 1, "labels": {"x", "y"}}},
    ),
    "a map in a map": (
        lambda i: i["profile"].setdefault("deep", {}).update(k=5),
        {"profile": {"city": "Rome", "visits": 1, "labels": {"x"}, "deep": {"k": 5}}},
    ),
    "a list's append": (lambda i: i["list"].append(2), {"list": [1, 2]}),
    "a list's plus-equals": (
        lambda i: i.__setitem__("list", i["list"].__iadd__([2])),
        {"list": [1, 2]},
    ),
    "a list's element": (lambda i: i["list"].__setitem__(0, 9), {"list": [9]}),
    "a register's dict": (lambda i: i["doc"]["a"].__setitem__("b", 2), {"doc": {"a": {"b": 2}}}),
    "a register's set": (lambda i: i["labels"].add("y"), {"labels": {"x", "y"}}),
    "an item's pop": (lambda i: i.pop("name"), {"name": None}),
    "an item's update": (lambda i: i.update({"name": "Eve", "id": "p1"}), {"name": "Eve"}),
    "an item's setdefault": (lambda i: i.setdefault("nick", "A"), {"nick": "A"}),
    "a counter's minus-equals": (
        lambda i: i.__setitem__("balance", i["balance"] - 3),
        {"balance": 7},
    ),
    "one where true stood": (
        lambda i: i.__setitem__("doc", {"a": {"b": 1}}),
        {"doc": {"a": {"b": 1}}},
    ),
}


@pytest.mark.parametrize(("habit", "expected"), HABITS.values(), ids=HABITS.keys())
def test_what_a_dict_user_writes_is_written(
    habit: Callable[[ItemEditor], Any], expected: dict[str, Any]
) -> None:
    image = written(
        *BEFORE, assign("list", [1]), assign("doc", {"a": {"b": True}}), assign("labels", {"x"})
    )
    editor = ItemEditor(SCHEMA, read(image))
    habit(editor)
    plain = read(Replica("use1", image).write(*editor.finished(), at=3_000)) or {}
    for name, value in expected.items():
        assert plain.get(name) == value
        assert editor.get(name) == value
    if "doc" in expected:
        assert str(plain["doc"]) == str(expected["doc"])  # 1 is not True


def test_a_map_changed_in_place_and_assigned_again_is_written() -> None:
    def change(item: ItemEditor) -> None:
        profile = item["profile"]
        profile["city"] = "London"
        item["profile"] = profile

    assert edited(change)["profile"]["city"] == "London"


def test_one_where_true_stood_in_a_map_is_written() -> None:
    image = written(assign("profile", {"vip": True}))
    editor = ItemEditor(SCHEMA, read(image))
    editor["profile"] = {"vip": 1}
    assert str(read(Replica("use1", image).write(*editor.edits, at=3_000))) == str(
        {**KEY, "profile": {"vip": 1}}
    )


def test_a_container_taken_earlier_shows_and_records_later_edits() -> None:
    item = ItemEditor(SCHEMA, read(written(*BEFORE)))
    tags, profile = item["tags"], item["profile"]
    item.add("tags", "c")
    item["profile", "zip"] = "W1"
    assert tags == {"a", "b", "c"}
    assert profile["zip"] == "W1"
    item["profile"] = profile
    assert [edit.verb for edit in item.edits] == ["add", "assign"]


def test_a_change_to_a_value_that_was_replaced_is_refused() -> None:
    item = ItemEditor(SCHEMA, read(written(assign("list", [1]))))
    old = item["list"]
    item["list"] = [9]
    with pytest.raises(InvalidInput, match="list: this value was replaced in the item"):
        old.append(2)


def test_a_value_changed_after_it_was_assigned_is_refused() -> None:
    item = ItemEditor(SCHEMA, None)
    mine = [1]
    item["list"] = mine
    mine.append(2)
    with pytest.raises(InvalidInput, match="list: the value was changed after it was assigned"):
        item.finished()


def test_an_item_is_a_dict_like() -> None:
    item = ItemEditor(SCHEMA, read(written(assign("name", "Ada"), assign("balance", 1))))
    assert dict(item) == {**KEY, "name": "Ada", "balance": 1}
    assert (len(item), sorted(item)) == (3, ["balance", "id", "name"])
    item.clear()
    assert dict(item) == KEY
