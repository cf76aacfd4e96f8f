"""What writers around the library wrote of no type yet: filed as it is, typed by the first write.

A stream's repair knows no schema, so it files such an attribute as a register.
"""

from itertools import permutations
from typing import Any

import pytest

from reconciler.causality.context import UNTYPED
from reconciler.causality.hlc import coarse
from reconciler.conflict.marking import greatest_epoch
from reconciler.crdt.base import Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item.filing import file
from reconciler.item.image import merge, read
from reconciler.item.leaves import (
    is_untyped,
    leaves_at,
    leaves_of,
    lineage_for_good,
    lineage_of,
    plain_dot,
    typed,
)
from reconciler.item.metadata import encode
from reconciler.values.wire import Image, Wire, to_json
from tests.builders import SCHEMA, Replica, add, assign, discard, increment, remove, written
from tests.named import named_on, untold, with_name

BASE = written(assign("name", "Ada"))
BALANCE: Wire = {"N": "100"}


def raw(image: Image, **values: Wire) -> Image:
    return {**image, **values}


def repaired(image: Image) -> Image:
    """Return the image as a repair writes it, which knows of no schema."""
    return encode(file(image))


def value(image: Image, name: str) -> Any:
    return (read(image) or {}).get(name)


FILED = repaired(raw(BASE, balance=BALANCE, tags={"SS": ["a", "b"]}))


def test_what_only_writers_around_the_library_wrote_is_of_no_type() -> None:
    item = file(FILED)

    assert is_untyped(item.attributes["balance"])
    assert not is_untyped(item.attributes["name"])


@pytest.mark.parametrize("by", ["library", "named"])
def test_the_first_write_that_has_a_type_gives_it_and_finds_the_value_there(by: str) -> None:
    edits = increment("balance", 5), discard("tags", "a")
    image = (
        Replica("euw1", FILED).write(*edits, at=3_000)
        if by == "library"
        else named_on(raw(FILED), *edits)
    )

    item = file(image)

    assert item.attributes["balance"].type_name() == "counter_pn"
    assert item.attributes["tags"].type_name() == "set_aw"
    assert (value(image, "balance"), value(image, "tags")) == (105, {"b"})
    assert file(encode(item)).shown() == item.shown()


def library(image: Image, by: str, amount: int) -> Image:
    return Replica(by, image).write(increment("balance", amount), add("tags", by), at=3_000)


def name(image: Image, by: str, amount: int) -> Image:
    return named_on(image, increment("balance", amount), add("tags", by), by=by, at=3_000)


@pytest.mark.parametrize("ours", [library, name])
@pytest.mark.parametrize("theirs", [library, name])
def test_two_regions_that_give_the_type_at_once_count_what_was_there_once(
    ours: Any, theirs: Any
) -> None:
    images = [ours(FILED, "use1", 5), theirs(FILED, "euw1", 7), FILED]

    merges = {to_json(merge(merge(a, b), c)) for a, b, c in permutations(images)}

    assert len(merges) == 1
    merged = merge(images[0], images[1])
    assert value(merged, "balance") == 112
    assert value(merged, "tags") == {"a", "b", "use1", "euw1"}


def test_a_name_on_what_was_filed_without_a_type_counts_beside_one_that_never_saw_it() -> None:
    """A raw write brings the image before the name back: the amount was counted twice."""
    named = name(FILED, "use1", 5)
    touched = raw(FILED, email={"S": "a@b"})

    merged = merge(touched, named)

    assert value(merged, "balance") == 105
    assert value(merged, "tags") == {"a", "b", "use1"}
    assert to_json(merged) == to_json(merge(named, touched))


def test_a_name_that_took_a_member_of_what_has_no_type_took_it_for_everyone() -> None:
    named = named_on(FILED, discard("tags", "a"))
    theirs = Replica("euw1", FILED).write(add("tags", "c"), at=3_000)

    merged = merge(named, theirs)

    assert value(merged, "tags") == {"b", "c"}
    assert to_json(merged) == to_json(merge(theirs, named))


def test_a_named_removal_by_one_who_knows_no_type_fixes_none() -> None:
    image = with_name(BASE, untold(remove("balance")))
    filed = encode(file(image))
    assert is_untyped(file(filed).attributes["balance"])

    theirs = Replica("euw1", BASE).write(increment("balance", 7), at=3_000)
    ours = Replica("use1", filed).write(increment("balance", 5), at=3_000)

    assert value(ours, "balance") == 5
    for one, other in ((filed, theirs), (theirs, filed)):
        assert value(merge(one, other), "balance") == 7
    assert value(merge(ours, theirs), "balance") == 12


def test_what_a_type_cannot_hold_keeps_its_own_until_somebody_assigns_it() -> None:
    item = file(repaired(raw(BASE, balance={"S": "many"})))

    after = typed(item.attributes["balance"], SCHEMA.spec("balance"), "balance")

    assert after is item.attributes["balance"]
    assert after.visible() == {"S": "many"}


def test_a_map_that_a_raw_client_emptied_can_be_written_to_again() -> None:
    before = written(assign("profile", {"city": "Oslo"}))

    image = Replica("euw1", raw(before, profile={"M": {}})).write(
        increment("profile.visits", 1), at=3_000
    )

    assert value(image, "profile") == {"visits": 1}
    again = named_on(raw(image, profile={"M": {}}), increment("balance", 1))
    assert file(again).shown()["balance"] == {"N": "1"}


# Leaves


def test_leaves_are_as_fine_as_the_type() -> None:
    held: Image = {
        "balance": BALANCE,
        "tags": {"SS": ["a", "b"]},
        "profile": {"M": {"city": {"S": "Oslo"}, "visits": {"N": "7"}}},
        "email": {"S": "a@b"},
    }
    found = leaves_of(held, SCHEMA.spec)

    assert [(leaf.path, leaf.edit.verb) for leaf in found if leaf.edit is not None] == [
        (("balance",), "increment"),
        (("tags",), "add"),
        (("tags",), "add"),
        (("profile", "city"), "assign"),
        (("profile", "visits"), "increment"),
        (("email",), "assign"),
    ]


def test_a_value_that_does_not_fit_is_a_leaf_of_its_own() -> None:
    value: Wire = {"M": {"visits": {"S": "many"}, "city": {"S": "Oslo"}}}

    found = leaves_at(("profile",), value, SCHEMA.spec("profile"))
    assert [(leaf.path[1], leaf.edit.verb) for leaf in found if leaf.edit is not None] == [
        ("city", "assign"),
        ("visits", "assign"),
    ]


def test_a_leaf_is_named_by_where_it_stands_and_what_it_is_and_by_the_image_it_was_made_on() -> (
    None
):
    (one,) = leaves_of({"balance": BALANCE}, SCHEMA.spec)
    (same,) = leaves_of({"balance": {"N": "100"}}, SCHEMA.spec)
    (other,) = leaves_of({"balance": {"N": "101"}}, SCHEMA.spec)

    assert plain_dot(one) == plain_dot(same)
    assert plain_dot(one) != plain_dot(other)
    assert lineage_of("t1", one) != lineage_of("t2", one)
    assert lineage_of("t1", one).replica == "~"


def test_the_epoch_of_a_name_is_the_time_of_its_image_and_without_one_beyond_every_watermark() -> (
    None
):
    (leaf,) = leaves_of({"balance": BALANCE}, SCHEMA.spec)
    early, late = (lineage_of(coarse(at) + "x" * 11, leaf) for at in (10**12, 2 * 10**12))

    assert early.epoch[:4] == coarse(10**12)
    assert early.epoch <= greatest_epoch(coarse(10**12)) < late.epoch
    assert plain_dot(leaf).lineage.epoch > greatest_epoch("zzzy")
    assert lineage_for_good("no token", leaf).epoch > greatest_epoch("zzzy")


def test_a_number_in_a_map_takes_its_type_and_a_value_is_not_made_a_map_of_amounts() -> None:
    """A put showed a map that was new to it; what the library had added there counted again."""
    base = written(assign("profile.city", "Rome"))
    fields = {"visits": {"N": "7"}, "deep": {"M": {"n": {"N": "9"}}}}
    profile = file({**base, "profile": {"M": {**base["profile"]["M"], **fields}}}).attributes[
        "profile"
    ]
    counter = Spec(CounterPn)
    told = Spec(MapOr, {"visits": counter, "deep": Spec(MapOr, {"n": counter})})

    after = typed(profile, told, "profile")

    assert isinstance(after, MapOr)
    assert isinstance(after.fields["visits"], CounterPn)
    assert isinstance(after.fields["deep"], RegisterLww)
    assert after.visible() == profile.visible()


def test_a_number_of_no_type_is_one_in_a_map_as_it_is_beside_it() -> None:
    """Of what several images show of such a number one amount counts, whoever gives it its type."""
    image = written(assign("profile.city", "Rome"))
    for number in ("7", "9"):  # and again, once a repair has filed it
        fields = {**image["profile"]["M"], "visits": {"N": number}}
        raw = {**image, "visits": {"N": number}, "profile": {"M": fields}}
        item = file(raw)
        image = encode(item)
    profile = item.attributes["profile"]

    assert isinstance(profile, MapOr)
    within, beside = (each.dots() for each in (profile.fields["visits"], item.attributes["visits"]))
    assert [dot.hlc for dot in within] == [dot.hlc for dot in beside] == [UNTYPED]
