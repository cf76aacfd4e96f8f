"""The wire form of an item: canonical, restorable, and as small as its formula says."""

import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from reconciler.causality.context import (
    ADOPTED,
    KEYED,
    CausalContext,
    Dot,
    Lineage,
    named_by,
    replica_id,
)
from reconciler.causality.hlc import EPOCH_WIDTH, HLC_WIDTH, Hlc, coarse, fixed_width
from reconciler.errors import Undecodable
from reconciler.item.filing import file
from reconciler.item.image import DELETE, merge
from reconciler.item.metadata import (
    EXPIRY,
    METADATA,
    NAMES,
    context_of,
    counts_outside,
    decode,
    encode,
    expiry_attributes_in,
    expiry_in,
    heads_in,
    hidden_in,
    is_managed,
    is_tombstone_in,
    is_touched,
    key_names_in,
    metadata_in,
    reading,
    time_of,
    tip_in,
    token_of,
    tombstone_values_in,
    version_in,
    watermarks_in,
    with_token,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.size import item_size
from reconciler.values.wire import Image, label, to_json
from tests.builders import SCHEMA, Replica, add, assign, increment, metadata, written
from tests.strategies import ANY
from tests.world import played, steps


def test_equal_items_are_equal_bytes_whatever_the_order_of_their_parts() -> None:
    dots = [Dot(Lineage.of("use1", fixed_width(n, EPOCH_WIDTH)), Hlc.of(n)) for n in range(4)]
    heads = {dot.lineage: dot.hlc for dot in dots}
    marks = {"apse1": fixed_width(1, EPOCH_WIDTH), "euw1": fixed_width(2, EPOCH_WIDTH)}
    one = ReplicatedItem({"id": {"S": "p"}}, {}, CausalContext(heads, marks), alive=tuple(dots))
    reverse = CausalContext(dict(reversed(heads.items())), dict(reversed(marks.items())))
    other = ReplicatedItem({"id": {"S": "p"}}, {}, reverse, alive=tuple(dots))
    assert token_of(encode(one)) == token_of(encode(other))
    assert to_json(encode(one)) == to_json(encode(other))


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1", "zz-west-9"])
def test_one_look_tells_whether_a_counter_may_hold_what_others_added(region: str) -> None:
    """It is looked at the last dot alone, so none may come after theirs."""
    image = written(increment("balance", 5))
    replica = replica_id(region)
    for code in (replica, named_by(replica), KEYED):
        alive = Dot(Lineage.of(code, fixed_width(9, EPOCH_WIDTH)), Hlc.of(9))
        known = replace(decode(image)[0], alive=(alive,))
        assert not counts_outside(metadata_in(encode(known)))
        added = {**image, "balance": {"N": "7"}}
        item = replace(file(added), alive=(alive,))
        assert counts_outside(metadata_in(encode(item)))
        assert max(item.live_dots()).lineage.replica == ADOPTED


def test_watermarks_survive_the_wire() -> None:
    marks = {"euw1": fixed_width(2, EPOCH_WIDTH)}
    item = ReplicatedItem({"id": {"S": "p"}}, context=CausalContext({}, marks))
    assert context_of(encode(item)).watermarks == marks


def test_an_image_is_managed_if_it_carries_metadata() -> None:
    assert is_managed(written(assign("name", "Ada")))
    assert not is_managed({"id": {"S": "p1"}})
    assert not is_managed(None)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"name": {"S": "Grace"}}, [("name", "assign", {"S": "Grace"})]),
        ({"name": None}, [("name", "remove", None)]),
        ({"fresh": {"N": "1.0"}}, [("fresh", "assign", {"N": "1"})]),
        ({EXPIRY: {"N": "1"}}, []),
        ({"tags": {"SS": ["b", "a"]}}, []),
        ({"tags": {"SS": ["b", "c", "a"]}}, [("tags", "add", {"SS": ["c"]})]),
        ({"balance": {"N": "12"}}, [("balance", "increment", {"N": "7"})]),
        (
            {"balance": None},
            [("balance", "increment", {"N": "-5"}), ("balance", "remove", None)],
        ),
        (
            {"profile": {"M": {"city": {"S": "Rome"}, "zip": {"S": "1"}}}},
            [("profile.zip", "assign", {"S": "1"}), ("profile.city", "assign", {"S": "Rome"})],
        ),
    ],
)
def test_decoding_tells_what_was_changed_around_the_library(change: Any, found: Any) -> None:
    first = (assign("name", "Ada"), add("tags", "a", "b"), increment("balance", 5))
    image = {**written(*first, assign("profile", {"city": "Oslo"})), **change}
    image = {name: value for name, value in image.items() if value is not None}
    edits = [each.edit for each in decode(image)[1]]
    assert [(label(e.path), e.verb, e.value) for e in edits if e is not None] == found


def test_a_member_that_was_taken_away_is_known_by_its_digest_alone() -> None:
    image = written(add("tags", "a", "b")) | {"tags": {"SS": ["b"]}}
    item, (gone,) = decode(image)
    assert gone.edit is None
    assert gone.name.startswith("-")
    assert item.shown()["tags"] == {"SS": ["b"]}


def test_an_image_that_is_changed_in_place_is_decoded_anew() -> None:
    image = copy.deepcopy(written(increment("balance", 5)))
    assert decode(image)[1] == []
    image["balance"]["N"] = "12"
    assert [each.edit for each in decode(image)[1]] == [increment("balance", 7)]


def test_what_one_caller_does_to_the_changes_no_other_sees() -> None:
    image = {**written(increment("balance", 5)), "balance": {"N": "12"}}
    decode(image)[1].clear()
    assert len(decode(image)[1]) == 1


@pytest.mark.parametrize(
    ("place", "wire"),
    [
        ("c", {"M": {"use1.0000000010001": {"S": "soon"}}}),
        ("c", {"M": {"use1": {"S": "000000001000"}}}),
        ("d", {"L": [{"S": "use1"}]}),
        ("p", {"S": "use1"}),
        ("p", {"S": "use1.------0----------1"}),
        ("l", {"S": "7"}),
        ("e", {"N": "1.5"}),
        ("y", {"S": "until"}),
        ("i", {"SS": ["nowhere"]}),
        ("a", {"M": {"tags": {"M": {"aw": {"M": {"1": {"S": "0"}, "h": {"S": "abcd"}}}}}}}),
        ("a", {"M": {"tags": {"S": ""}}}),
        ("a", {"M": {"tags": {"M": {"max": {"S": "0"}}}}}),
        ("a", {"M": {"tags": {"M": {"nothing": {"S": "0"}}}}}),
    ],
)
def test_metadata_that_does_not_fit_is_undecodable(place: str, wire: Any) -> None:
    image = copy.deepcopy(written(add("tags", "a", "b")))
    image[METADATA]["M"][place] = wire
    with pytest.raises(Undecodable) as caught:
        decode(image)
    assert place in caught.value.evidence["metadata"]["M"]


# --- what the letters say ---------------------------------------------------------------------


def test_the_metadata_of_a_written_item_says_who_wrote_what_and_under_which_key() -> None:
    image = written(assign("name", "Ada"))
    lineage, hlc = next(iter(context_of(image).heads.items()))
    assert reading(image, heads_in) == {lineage: {"S": hlc}}
    assert (reading(image, tip_in), reading(image, key_names_in)) == (lineage, ["id"])
    assert not reading(image, is_tombstone_in)
    assert (reading(image, expiry_in), reading(image, watermarks_in)) == (None, None)


def test_the_metadata_of_a_deleted_item_says_what_it_held_and_until_when_it_stays() -> None:
    image = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=3_000)
    assert reading(image, is_tombstone_in)
    assert reading(image, tombstone_values_in) == {"name": {"S": "Ada"}}
    assert str(reading(image, expiry_in)) == image[EXPIRY]["N"]


def test_what_is_hidden_of_an_image_is_the_librarys_alone() -> None:
    own = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    replica = Replica("use1", written(assign("until", 5)))
    gone = replica.write(DELETE, at=3_000, schema=own)
    assert reading(gone, expiry_attributes_in) == {"until"}
    assert hidden_in(gone) == {METADATA, EXPIRY, NAMES, "until"}
    assert hidden_in({**gone, "until": {"N": "6"}}) == {METADATA, EXPIRY, NAMES}
    back = replica.write(assign("until", int(gone["until"]["N"])), at=4_000, schema=own)
    assert hidden_in(back) == {METADATA, EXPIRY, NAMES}
    for broken in ({}, {METADATA: {"S": "?"}}, {METADATA: {"M": {"s": {}, "y": {"N": "1"}}}}):
        assert hidden_in(broken) == {METADATA, EXPIRY, NAMES}


def test_a_tombstone_that_shows_its_expiry_twice_was_touched_by_nobody() -> None:
    own = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    replica = Replica("use1", written(assign("until", 5)))
    gone = replica.write(DELETE, at=3_000, schema=own)
    back = replica.write(assign("name", "Ada"), at=4_000, schema=own)
    assert not is_touched(gone, back, metadata_in(gone))
    assert is_touched({**gone, "until": {"N": "6"}}, back, metadata_in(gone))


def test_no_local_write_made_a_merged_image() -> None:
    one, other = written(assign("name", "Ada")), written(assign("name", "Eve"), replica="euw1")
    assert reading(merge(one, other), tip_in) is None


def test_metadata_is_looked_into_whatever_its_version_and_there_is_none_without_it() -> None:
    newer = with_token(written(assign("name", "Ada")), "newer", "99")
    assert version_in(metadata_in(newer)) == "99"
    assert metadata_in({"id": {"S": "p1"}}) == {}
    with pytest.raises(Undecodable):
        reading(newer, tip_in)


def test_another_token_changes_nothing_else() -> None:
    image = written(assign("name", "Ada"))
    named = with_token(image, "mine")
    assert token_of(named) == "mine"
    assert with_token(named, token_of(image)) == image


@pytest.mark.parametrize("read", [heads_in, key_names_in, tombstone_values_in])
def test_what_metadata_does_not_have_is_undecodable(read: Any) -> None:
    with pytest.raises(Undecodable):
        reading({METADATA: {"M": {"v": {"N": "1"}}}}, read)


# --- size ------------------------------------------------------------------------------------


def size_of(image: Image) -> int:
    return item_size({METADATA: image[METADATA]})


def formula(image: Image) -> int:
    """Return what the metadata of an image must cost.

    47 bytes and the names of the key; 25 for the tip; then, with four-letter replicas, 33 for each
    lineage, 33 for each live dot, and for each attribute 1, its name once more, and its state.
    """
    parts = metadata(image)
    entries = [*parts["c"]["M"], *(each["S"] for each in parts["d"]["L"])]
    stamps = HLC_WIDTH * len(parts["c"]["M"])
    attributes = sum(1 + item_size({name: state}) for name, state in parts["a"]["M"].items())
    optional = {name: parts[name] for name in "pxeswfm" if name in parts}
    return (
        47
        + sum(len(name) for name in parts["i"]["SS"])
        + sum(1 + len(text) for text in entries)
        + stamps
        + attributes
        + len(parts["l"]["S"])
        + item_size(optional)
        + len(optional)
    )


@given(schedule=steps(ANY))
def test_metadata_costs_its_formula_to_the_byte(schedule: list[Any]) -> None:
    for version in played(schedule).versions:
        assert size_of(version.image) == formula(version.image)


def test_a_plain_register_costs_its_name_once_more_and_six_bytes() -> None:
    sizes = [
        size_of(written(*(assign(f"attribute{n}", "value") for n in range(count))))
        for count in range(1, 6)
    ]
    assert {after - before for before, after in pairwise(sizes)} == {len("attribute0") + 6}
    assert sizes[0] == 75 + 2 * 33 + len("attribute0") + 6


@given(schedule=steps(ANY))
def test_beside_attributes_and_tombstones_metadata_stays_within_its_target(
    schedule: list[Any],
) -> None:
    for version in played(schedule).versions:
        parts = metadata(version.image)
        state = sum(1 + item_size({name: state}) for name, state in parts["a"]["M"].items())
        apart = {name: parts[name] for name in "pxes" if name in parts}
        counted = size_of(version.image) - state - item_size(apart) - len(apart)
        live = len(parts["c"]["M"]) + len(parts["d"]["L"])
        assert counted <= 64 + 36 * live


def test_a_large_set_written_at_once_costs_four_bytes_more_for_each_member() -> None:
    small = written(add("tags", *(f"{n:05}" for n in range(10))))
    large = written(add("tags", *(f"{n:05}" for n in range(1_000))))
    assert size_of(large) - size_of(small) == 990 * 4 + len("0-999") - len("0-9")


def test_an_item_one_region_writes_does_not_grow() -> None:
    replica = Replica("use1")
    sizes = {size_of(replica.write(increment("balance", 1), at=at)) for at in range(1, 10)}
    assert len(sizes) == 1


def test_a_merge_of_merges_costs_no_more_than_its_lineages() -> None:
    replicas = [Replica(name).write(increment("balance", 1)) for name in ("use1", "euw1", "apse1")]
    merged = merge(merge(replicas[0], replicas[1]), replicas[2])
    assert size_of(merged) < 3 * size_of(replicas[0])


def test_a_tombstone_keeps_its_values_in_the_metadata() -> None:
    image = written(assign("name", "Ada"))
    tombstone = Replica("use1", image).write(DELETE, at=2_000)
    assert metadata(tombstone)["s"] == {"M": {"name": {"S": "Ada"}}}


def test_a_token_begins_with_the_time_of_the_latest_write_and_never_goes_back() -> None:
    early, late = (
        written(increment("balance"), at=10**12),
        written(increment("balance"), at=2 * 10**12),
    )

    assert time_of(early) == coarse(10**12) < time_of(late) == coarse(2 * 10**12)
    assert time_of(merge(early, late)) == time_of(late)
    # A fold may take the lineage along that was written last.
    item = decode(late)[0]
    folded = encode(replace(item, context=CausalContext({}, {"use1": "z" * EPOCH_WIDTH}), tip=None))
    assert time_of(folded) == time_of(late)
    assert time_of(merge(folded, early)) == time_of(late)


def test_marks_are_restored_and_cost_nothing_where_there_are_none() -> None:
    image = written(increment("balance"))
    marked = encode(replace(decode(image)[0], marks={"use1": "-" * 16}))

    assert "m" not in metadata(image)
    assert decode(marked)[0].marks == {"use1": "-" * 16}
    assert size_of(marked) - size_of(image) == len("m") + 4 + len("use1") + 1 + 16


def test_an_addition_around_the_library_is_seen_where_another_ends_at_the_same_amount() -> None:
    base = written(increment("balance", 100))
    added = {**base, "balance": {"N": "105"}}
    elsewhere = Replica("euw1", base).write(increment("balance", 5), at=2_000)
    assert elsewhere["balance"] == added["balance"]
    assert is_touched(added, elsewhere, metadata_in(added))
    assert not is_touched(base, elsewhere, metadata_in(base))
