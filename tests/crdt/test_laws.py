"""The join of images is a join: commutative, associative, idempotent, monotone, to the byte.

The images are real: made by writes, merges, deletes and whole-item overwrites of random schedules,
with few clocks that stand still, so stamps tie across replicas and within one.
"""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.item.image import merge, read, write
from reconciler.item.metadata import context_of, decode, encode
from reconciler.values.wire import Image, to_json
from tests.builders import (
    KEY,
    add,
    as_stream,
    assign,
    clock,
    discard,
    increment,
    remove,
)
from tests.crdt import deciding
from tests.crdt.deciding import DELETE_WINS, SCHEMA
from tests.strategies import ANY, BY_TYPE, with_deletes
from tests.world import played, steps

ALONE = {**BY_TYPE, **deciding.BY_TYPE}
PER_TYPE = {
    **{kind: with_deletes(edits) for kind, edits in ALONE.items()},
    "all": st.one_of(ANY, *deciding.BY_TYPE.values()),
}
ANY_KIND = st.sampled_from(sorted(PER_TYPE))
kinds = pytest.mark.parametrize("kind", sorted(PER_TYPE))


def images(data: st.DataObject, kind: str, number: int) -> list[Image]:
    """Return images of one random schedule: versions of any age, from any replica."""
    schema = data.draw(st.sampled_from([SCHEMA, DELETE_WINS]))
    schedule: list[Any] = data.draw(steps(PER_TYPE[kind]))
    world = played([("write", "use1", 1, [assign("name", "first")]), *schedule], schema)
    versions = world.versions
    return [versions[data.draw(st.integers(0, 60)) % len(versions)].image for _ in range(number)]


@kinds
@given(data=st.data())
def test_a_merge_is_the_same_bytes_in_either_order(kind: str, data: st.DataObject) -> None:
    a, b = images(data, kind, 2)
    assert to_json(merge(a, b)) == to_json(merge(b, a))


@kinds
@given(data=st.data())
def test_a_merge_is_the_same_bytes_in_any_grouping(kind: str, data: st.DataObject) -> None:
    a, b, c = images(data, kind, 3)
    assert to_json(merge(merge(a, b), c)) == to_json(merge(a, merge(b, c)))


@given(kind=ANY_KIND, data=st.data())
def test_merging_again_changes_nothing(kind: str, data: st.DataObject) -> None:
    a, b = images(data, kind, 2)
    merged = merge(a, b)
    for again in (a, b, merged):
        assert to_json(merge(merged, again)) == to_json(merged)


@given(kind=ANY_KIND, data=st.data())
def test_a_merge_includes_exactly_the_writes_of_both(kind: str, data: st.DataObject) -> None:
    a, b = images(data, kind, 2)
    contexts = context_of(a), context_of(b)
    joined = context_of(merge(a, b))
    assert all(context.within(joined) for context in contexts)
    assert joined == contexts[0].join(contexts[1])


@given(kind=ANY_KIND, data=st.data())
def test_an_image_that_includes_another_is_not_changed_by_it(
    kind: str, data: st.DataObject
) -> None:
    a, b = images(data, kind, 2)
    greater = merge(a, b) if not context_of(b).within(context_of(a)) else a
    assert read(merge(greater, b)) == read(greater)


@given(kind=ANY_KIND, data=st.data())
def test_images_from_a_stream_merge_to_the_same_bytes_as_images_from_the_api(
    kind: str, data: st.DataObject
) -> None:
    a, b = images(data, kind, 2)
    expected = to_json(merge(a, b))
    assert to_json(merge(as_stream(a), b)) == expected
    assert to_json(merge(a, as_stream(b))) == expected
    assert to_json(merge(as_stream(a), as_stream(b))) == expected


@given(kind=ANY_KIND, data=st.data())
def test_every_image_reads_back_as_the_item_that_was_written(
    kind: str, data: st.DataObject
) -> None:
    (image,) = images(data, kind, 1)
    item, changed = decode(as_stream(image))
    assert changed == []
    assert to_json(encode(item)) == to_json(image)


@pytest.mark.parametrize("kind", ["register_lww", "register_mv", "counter_pn", "manual", "custom"])
@pytest.mark.parametrize("same", [True, False], ids=["equal values", "different values"])
def test_two_writes_of_one_replica_at_one_instant_are_two_writes(kind: str, same: bool) -> None:
    names = {"register_lww": "name", "register_mv": "notes", "counter_pn": "balance"}
    where = (names | {"manual": "owner", "custom": "colour"})[kind]
    sides = []
    for nonce, value in ((1, 7), (2, 7 if same else 8)):
        edits = [assign(where, value)]
        frozen = clock(1_000, iter([nonce]))
        sides.append(write(None, edits, key=KEY, schema=SCHEMA, replica="use1", clock=frozen))

    merged = merge(*sides)

    expected = {
        "register_lww": 7 if same else 8,
        "register_mv": [7] if same else [7, 8],
        "counter_pn": 14 if same else 15,
        "manual": 7 if same else 8,
        "custom": {
            "values": [7, 7 if same else 8],
            "path": ["colour"],
            "stamps": [["use1", 1_000], ["use1", 1_000]],
        },
    }
    assert read(merged) == KEY | {where: expected[kind]}
    assert len(context_of(merged).heads) == 2
    assert to_json(merged) == to_json(merge(*reversed(sides)))


@given(order=st.permutations(range(5)), values=st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_a_tie_of_many_replicas_has_one_winner_whatever_the_order(
    order: list[int], values: list[int]
) -> None:
    regions = ("use1", "use1", "euw1", "euw1", "apse1")
    sides = [
        write(
            None,
            [assign(where, value) for where in ("name", "notes", "owner", "colour")],
            key=KEY,
            schema=SCHEMA,
            replica=region,
            clock=clock(1_000, iter([nonce])),
        )
        for nonce, (region, value) in enumerate(zip(regions, values, strict=True))
    ]

    merged = sides[order[0]]
    for index in order:
        merged = merge(merged, sides[index])

    last = max(values[:2])  # use1 sorts last
    told = {
        "values": [values[4], *values[2:4], *values[:2]],
        "path": ["colour"],
        "stamps": [[region, 1_000] for region in ("apse1", "euw1", "euw1", "use1", "use1")],
    }
    expected = {"name": last, "notes": sorted(set(values)), "owner": last, "colour": told}
    assert read(merged) == KEY | expected
    assert decode(merged)[0].attributes["owner"].undecided() == (len(set(values)) > 1)


def test_the_order_of_repair_does_not_show_for_all_small_histories() -> None:
    # Every pair of edits on two replicas of a common ancestor, and every third image beside them.
    first = write(
        None,
        [assign("tags", {"a", "b"}), assign("blocked", {"a"}), assign("balance", 5)],
        key=KEY,
        schema=SCHEMA,
        replica="use1",
        clock=clock(1, iter([1])),
    )
    menu = [
        add("tags", "a"),
        discard("tags", "a"),
        remove("tags"),
        add("blocked", "b"),
        discard("blocked", "a"),
        remove("blocked"),
        increment("balance", 2),
        remove("balance"),
        assign("balance", 1),
    ]
    sides = [
        write(first, [one], key=KEY, schema=SCHEMA, replica=region, clock=clock(2, iter([nonce])))
        for nonce, (region, one) in enumerate(product(("euw1", "apse1"), menu), start=2)
    ]
    for a, b, c in product(sides, sides[::3], sides[::4]):
        assert to_json(merge(merge(a, b), c)) == to_json(merge(merge(c, a), b))
