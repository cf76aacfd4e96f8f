"""map_or: fields merge by their own types; a removed key takes away what its writer saw."""

import re
from decimal import Decimal
from typing import Any

import pytest

from reconciler import Edit, Schema, system_clock, write
from reconciler.causality.context import CausalContext
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.map_or import MapOr
from reconciler.errors import InvalidInput
from reconciler.item.image import merge, read
from tests.builders import Replica, add, assign, discard, increment, remove


def profile(image: Any) -> Any:
    plain = read(image)
    assert plain is not None
    return plain.get("profile")


def forks(value: Any) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(assign("name", "x"), assign("profile", value), at=1_000)
    return Replica("use1", base), Replica("euw1", base)


def write_one(edit: Edit, schema: Schema) -> Any:
    return write(None, [edit], key={"id": "p"}, schema=schema, replica="use1", clock=system_clock())


def test_edits_of_different_fields_merge() -> None:
    ours, theirs = forks({"city": "Rome"})
    merged = merge(
        ours.write(assign("profile.city", "Oslo")), theirs.write(assign("profile.street", "x"))
    )
    assert profile(merged) == {"city": "Oslo", "street": "x"}


def test_fields_merge_by_their_own_types_at_any_depth() -> None:
    ours, theirs = forks({"visits": 1, "labels": {"a"}, "deep": {"k": 1}})
    merged = merge(
        ours.write(
            increment("profile.visits", 10),
            discard("profile.labels", "a"),
            increment("profile.deep.k", 10),
        ),
        theirs.write(
            increment("profile.visits", 100),
            add("profile.labels", "a"),
            increment("profile.deep.k", 100),
        ),
    )
    assert profile(merged) == {"visits": 111, "labels": {"a"}, "deep": {"k": 111}}


def test_a_field_written_while_its_map_was_removed_comes_back_alone() -> None:
    ours, theirs = forks({"city": "Rome", "visits": 1, "labels": {"a"}})
    removed = ours.write(remove("profile"), at=9_000)
    assert profile(removed) is None
    updated = theirs.write(increment("profile.visits", 5), add("profile.labels", "b"))
    assert profile(merge(removed, updated)) == {"visits": 5, "labels": {"b"}}


def test_a_field_removed_and_added_again_beside_a_concurrent_edit_counts_each_write_once() -> None:
    ours, theirs = forks({"visits": 1, "labels": {"a"}})
    ours.write(remove("profile.visits"), remove("profile.labels"), at=2_000)
    ours.write(increment("profile.visits", 10), add("profile.labels", "c"), at=3_000)
    theirs.write(increment("profile.visits", 100), add("profile.labels", "d"), at=2_500)
    merged = merge(ours.image or {}, theirs.image or {})
    assert profile(merged) == {"visits": 110, "labels": {"c", "d"}}


def test_assigning_a_map_writes_only_the_differences() -> None:
    ours, theirs = forks({"city": "Rome", "street": "x", "visits": 1})
    whole = ours.write(assign("profile", {"city": "Rome", "street": "y", "visits": 4}), at=9_000)
    merged = merge(whole, theirs.write(assign("profile.city", "Oslo"), increment("profile.visits")))
    assert profile(merged) == {"city": "Oslo", "street": "y", "visits": 5}


def test_a_removed_register_field_keeps_a_value_it_did_not_see() -> None:
    ours, theirs = forks({"city": "Rome"})
    removed = ours.write(remove("profile.city"), at=9_000)
    merged = merge(removed, theirs.write(assign("profile.city", "Oslo"), at=2_000))
    assert profile(merged) == {"city": "Oslo"}


def test_a_value_that_lost_in_a_merge_outlives_a_removal_that_saw_only_the_winner() -> None:
    # Dropping the loser when it loses would make the order of repair show.
    ours, theirs = forks({"visits": 1})
    winner = ours.write(assign("profile.city", "Rome"), at=3_000)
    loser = theirs.write(assign("profile.city", "Oslo"), at=2_000)
    removed = Replica("apse1", winner).write(remove("profile.city"), at=4_000)
    expected = {"visits": 1, "city": "Oslo"}
    assert profile(merge(merge(winner, loser), removed)) == expected
    assert profile(merge(winner, merge(loser, removed))) == expected


def test_a_map_without_keys_is_no_attribute() -> None:
    ours, _ = forks({"city": "Rome"})
    assert profile(ours.write(remove("profile.city"))) is None


def test_an_edit_below_a_field_that_is_no_map_is_refused_with_its_path() -> None:
    ours, _ = forks({"visits": 1})
    with pytest.raises(InvalidInput, match=r"profile\.visits\.x: profile\.visits is a counter_pn"):
        ours.write(assign("profile.visits.x", 1))


def test_a_path_through_what_is_no_map_names_what_is_declared_there_and_what_is_wanted() -> None:
    inner = {"type": "map_or", "fields": {"since": "register_lww", "tags": "set_aw"}}
    outer = {"type": "map_or", "values": inner}
    schema = Schema.of(table="t-1", key=["id"], attributes={"plain": "map_or", "phones": outer})
    told = {
        ("plain", "home", "city"): "of plain the schema has fields: none; values: none."
        ' Declare it there, "fields": {"home": "map_or"}, or "values": "map_or" for any name',
        ("phones", "home", "zip", "x"): "of phones.home the schema has fields: since, tags; values:"
        ' none. Declare it there, "fields": {"zip": "map_or"}, or "values"',
    }
    for path, words in told.items():
        with pytest.raises(InvalidInput, match=re.escape(words)):
            write_one(Edit(path, "assign", {"S": "x"}), schema)


def test_a_map_in_a_map_whose_counters_are_folded_keeps_their_sums() -> None:
    # Once deleted and revived, a folded counter holds sums and no dot: that is not nothing.
    folded = CounterPn(bases={"use1": Decimal(969)})
    other = CounterPn(bases={"euw1": Decimal(-969)})
    knows = (CausalContext({}, {"use1": "1"}), CausalContext({}, {"euw1": "1"}))
    ours, theirs = (MapOr({"deep": MapOr({"k": each})}) for each in (folded, other))
    joined = ours.join(theirs, *knows)
    assert joined == MapOr({"deep": MapOr({"k": CounterPn(bases={**folded.bases, **other.bases})})})
