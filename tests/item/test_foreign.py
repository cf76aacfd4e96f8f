"""What a type cannot hold stands where it was put, and holds up nothing beside it."""

from typing import Any

import pytest

from reconciler.crdt.base import Edit, LocalWrite
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import TypeMismatch
from reconciler.item.filing import file
from reconciler.item.foreign import place_of, place_text, put_at, shown_over
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import decode, encode
from reconciler.values.wire import Image, Path, Wire, to_json
from tests.builders import KEY, Replica, add, assign, increment, remove, written
from tests.named import named_on

FIRST = (increment("profile.visits", 7), add("profile.labels", "p"), increment("profile.deep.x", 1))
BASE = written(*FIRST)
SHOWN = {"visits": 7, "labels": {"p"}, "deep": {"x": 1}}
PLACES: tuple[Path, ...] = (("balance",), ("profile", "visits"), ("[odd",), ("a.b", "c"))


def raw(image: Image, *path: str, value: Wire | None) -> Image:
    """Return an image after a raw client put a value, or nothing, at a path in it."""
    name, *rest = path
    if rest:
        value = {"M": raw(image[name]["M"], *rest, value=value)}
    left = {other: held for other, held in image.items() if other != name}
    return left if value is None else {**left, name: value}


def profile(image: Image) -> Any:
    return (read(image) or {}).get("profile")


WRONG = raw(BASE, "profile", "visits", value={"S": "many"})
FILED = Replica("use1", WRONG).write(assign("name", "Lib"), at=2_000)


def test_a_field_that_its_type_cannot_hold_leaves_the_other_fields_of_its_map_alone() -> None:
    """It stood for the whole map: {"visits": "many", ...} became "many"."""
    assert profile(FILED) == {**SHOWN, "visits": "many"}
    edits = (add("profile.labels", "q"), increment("profile.deep.x", 2), assign("profile.zip", "1"))
    beside = Replica("use1", FILED).write(*edits, at=3_000)
    assert profile(beside) == {
        "visits": "many",
        "labels": {"p", "q"},
        "deep": {"x": 3},
        "zip": "1",
    }


def test_what_another_region_wrote_to_the_other_fields_is_seen_and_to_the_field_beneath_kept() -> (
    None
):
    other = Replica("euw1", BASE).write(
        add("profile.labels", "q"), increment("profile.visits", 5), at=2_000
    )
    merged = merge(FILED, other)
    assert to_json(merged) == to_json(merge(other, FILED))
    assert profile(merged) == {**SHOWN, "visits": "many", "labels": {"p", "q"}}
    assert profile(Replica("use1", merged).write(assign("profile.visits", 1), at=3_000)) == {
        **SHOWN,
        "visits": 1,
        "labels": {"p", "q"},
    }


@pytest.mark.parametrize(
    ("cure", "left"),
    [
        (assign("profile.visits", 9), {**SHOWN, "visits": 9}),
        (remove("profile.visits"), {"labels": {"p"}, "deep": {"x": 1}}),
        (assign("profile", {"zip": "1"}), {"zip": "1"}),
        (remove("profile"), None),
    ],
)
def test_it_stands_until_it_is_assigned_or_removed(cure: Edit, left: Any) -> None:
    with pytest.raises(TypeMismatch, match=r"profile.visits holds what .*assign it, or remove it"):
        Replica("use1", FILED).write(increment("profile.visits", 1), at=3_000)
    cured = Replica("use1", FILED).write(cure, at=3_000)
    for image in (cured, merge(cured, WRONG), merge(FILED, cured)):
        assert profile(image) == left


def test_raw_clients_change_it_and_take_it_away_again() -> None:
    more = raw(FILED, "profile", "visits", value={"S": "more"})
    gone = raw(FILED, "profile", "visits", value=None)
    text = raw(FILED, "profile", value={"S": "text"})
    for image, left in ((more, {**SHOWN, "visits": "more"}), (text, "text")):
        assert profile(Replica("euw1", image).write(assign("name", "x"), at=3_000)) == left
    back = Replica("euw1", gone).write(increment("profile.visits", 2), at=3_000)
    assert profile(back) == {**SHOWN, "visits": 2}


def test_an_item_with_it_reads_as_it_was_written() -> None:
    assert decode(FILED)[1] == []
    assert [*decode(FILED)[0].foreign] == [("profile", "visits")]


def test_a_plain_item_may_have_one_in_a_map() -> None:
    plain: Image = {"id": {"S": "p1"}, "profile": WRONG["profile"]}
    ours = Replica("use1", plain).write(add("profile.labels", "q"), at=2_000)
    assert read(ours) == KEY | {"profile": {**SHOWN, "visits": "many", "labels": {"p", "q"}}}
    assert decode(ours)[1] == []
    other = Replica("euw1", {**plain, "balance": {"S": "x"}}).write(assign("name", "n"), at=2_000)
    assert decode(other)[1] == []


def test_named_writes_are_made_beside_it_and_take_its_place() -> None:
    beside = named_on(FILED, add("profile.labels", "q"))
    over = named_on(FILED, assign("profile.visits", 3))
    for named, visits, labels in ((beside, "many", {"p", "q"}), (over, 3, {"p"})):
        after = Replica("use1", named).write(assign("name", "x"), at=4_000)
        assert profile(after) == {**SHOWN, "visits": visits, "labels": labels}


def test_what_brings_a_deleted_item_back_keeps_its_type_in_a_map_in_a_map() -> None:
    """A raw number in a map of counters took the place of all that was around it."""
    deleted = Replica("use1", BASE).write(DELETE, at=2_000)
    back = {**deleted, "profile": {"M": {"deep": {"M": {"x": {"N": "5"}}}}}}
    assert (file(back).foreign, profile(encode(file(back)))) == ({}, {"deep": {"x": 5}})
    for replica in ("use1", "euw1"):
        after = Replica(replica, back).write(increment("profile.deep.x", 1), at=3_000)
        assert profile(after) == {"deep": {"x": 6}}


def test_a_set_in_a_map_that_was_cleared_with_its_item_is_a_set_once_others_bring_it_back() -> None:
    deleted = Replica("use1", BASE).write(DELETE, at=2_000)
    back = {**deleted, "profile": {"M": {"labels": {"SS": ["x"]}}}}

    state = file(back).attributes["profile"]

    assert isinstance(state, MapOr)
    assert state.fields["labels"].type_name() == "set_aw"


@pytest.mark.parametrize("place", PLACES)
def test_a_place_reads_as_it_was_named(place: Path) -> None:
    assert place_of(place_text(place)) == place
    assert place_text(("balance",)) == "balance"


def test_a_map_is_there_for_what_stands_in_it_and_gives_way_to_what_stands_in_its_place() -> None:
    text: Wire = {"S": "x"}
    field, whole = (RegisterLww().replaced_by(text, LocalWrite(d, {})) for d in _dots())
    assert shown_over({}, {("a", "b"): field}) == {"a": {"M": {"b": text}}}
    assert shown_over({}, {("a",): whole, ("a", "b"): field}) == {"a": text}


def _dots() -> Any:
    return [*decode(written(assign("name", 1), assign("notes", 2)))[0].live_dots()][:1] * 2


def test_what_is_put_around_it_takes_its_place() -> None:
    write = LocalWrite(_dots()[0], {})
    inner = put_at({}, assign("a.b", "x"), write)
    assert [*put_at(inner, assign("a", "y"), write)] == [("a",)]
