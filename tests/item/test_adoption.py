"""Adoption: what a plain item shows gets metadata, and nothing else about it changes."""

from typing import Any

import pytest

from reconciler.causality.hlc import Hlc
from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.verdict import Finding
from reconciler.errors import ItemTooLarge
from reconciler.item.adoption import adopted
from reconciler.item.image import merge, read
from reconciler.item.metadata import METADATA, NAMES, decode
from reconciler.resolution.repair import repaired_image
from reconciler.values.wire import Image, to_json
from tests.builders import SCHEMA, Replica, add, as_stream, assign, discard, increment
from tests.named import named_on

KEY: Image = {"id": {"S": "p1"}}
PLAIN: Image = {
    **KEY,
    "balance": {"N": "100"},
    "email": {"S": "zoe@example.com"},
    "tags": {"SS": ["a", "b"]},
    "profile": {"M": {"city": {"S": "Oslo"}, "visits": {"N": "7"}}},
}
NEWER: Image = {**PLAIN, "email": {"S": "ada@example.com"}, "balance": {"N": "105"}}


def stamped(image: Image) -> Image:
    found = adopted(image, KEY, SCHEMA.spec)
    assert found is not None
    return found


def shown(image: Image, name: str) -> Any:
    return (read(image) or {}).get(name)


def visible(image: Image) -> Image:
    return {name: value for name, value in image.items() if name != METADATA}


def test_a_stamp_changes_nothing_that_anybody_sees() -> None:
    assert visible(stamped(PLAIN)) == PLAIN
    assert decode(stamped(PLAIN))[1] == []


def test_a_stamp_is_the_same_bytes_wherever_and_in_whatever_form_the_item_was_read() -> None:
    otherwise = as_stream({**PLAIN, "tags": {"SS": ["b", "a"]}})
    assert to_json(stamped(PLAIN)[METADATA]) == to_json(stamped(otherwise)[METADATA])


def test_a_stamp_and_a_first_library_write_elsewhere_are_one_item() -> None:
    theirs = Replica("euw1", as_stream(PLAIN)).write(
        increment("balance", 5), discard("tags", "b"), assign("email", "eve@example.com")
    )
    merged = merge(stamped(PLAIN), theirs)

    assert to_json(merged) == to_json(merge(theirs, stamped(PLAIN)))
    assert (shown(merged, "balance"), shown(merged, "tags")) == (105, {"a"})
    assert shown(merged, "email") == "eve@example.com"


def test_a_library_write_on_a_stamp_counts_once() -> None:
    ours = Replica("use1", stamped(PLAIN)).write(increment("balance", 5), add("tags", "c"))
    theirs = Replica("euw1", stamped(PLAIN)).write(increment("balance", 7))
    merged = merge(ours, theirs)
    assert (shown(merged, "balance"), shown(merged, "tags")) == (112, {"a", "b", "c"})


def test_named_writes_are_filed_by_the_stamp() -> None:
    named = named_on(PLAIN, increment("balance", 5))
    found = stamped(named)
    assert found[NAMES] == {"L": []}
    assert {**visible(found), NAMES: named[NAMES]} == named
    assert shown(merge(found, found), "balance") == 105


def test_what_others_did_beside_named_writes_waits_for_a_write_on_top() -> None:
    named = named_on(PLAIN, assign("email", "bob@example.com"))
    assert adopted({**named, "email": {"S": "raw"}}, KEY, SCHEMA.spec) is None


def test_an_item_that_would_not_fit_any_more_is_refused() -> None:
    with pytest.raises(ItemTooLarge):
        adopted({**PLAIN, "blob": {"S": "x" * 409_000}}, KEY, SCHEMA.spec)


def test_a_region_that_gets_a_stamp_of_what_it_had_finds_nothing_lost() -> None:
    assert classify(PLAIN, stamped(PLAIN), replica="euw1", key=KEY).finding is Finding.CLEAN


def test_what_others_wrote_elsewhere_while_a_stamp_was_on_its_way_stands() -> None:
    """Ranked as unseen, the greater of the two values stood, however old it was."""
    stamp = stamped(PLAIN)
    verdict = classify(NEWER, stamp, replica="euw1", key=KEY)
    lost = lost_image(verdict, NEWER, stamp, Hlc.of(2_000), KEY)

    repaired = merge(dict(lost), stamp)

    assert verdict.finding is Finding.CONFLICT
    assert (shown(repaired, "email"), shown(repaired, "balance")) == ("ada@example.com", 105)


def test_what_others_add_twice_over_a_stamp_before_the_repair_counts() -> None:
    """The second addition was no difference to what the first one was filed over."""
    stamp = stamped(PLAIN)
    first = {**PLAIN, "balance": {"N": "107"}}
    second = {**PLAIN, "balance": {"N": "111"}}
    verdict = classify(stamp, first, replica="euw1", key=KEY)
    lost = lost_image(verdict, stamp, first, Hlc.of(2_000), KEY)

    repaired = repaired_image(second, [dict(lost)], restore=False, seen=Hlc.of(3_000))

    assert verdict.finding is Finding.OVERWRITTEN
    assert repaired is not None
    assert shown(repaired, "balance") == 111


def test_what_a_stamp_took_the_place_of_comes_back_though_others_wrote_on_the_stamp() -> None:
    """Once they had, the version before was taken for one that nobody knows what it changed."""
    stamp = stamped(PLAIN)
    theirs = {**PLAIN, "email": {"S": "ada@example.com"}, "tags": {"SS": ["a", "b", "c"]}}
    verdict = classify(theirs, stamp, replica="use1", key=KEY)
    lost = lost_image(verdict, theirs, stamp, Hlc.of(2_000), KEY)
    since = {**stamp, "note": {"S": "raw"}}

    repaired = repaired_image(since, [dict(lost)], restore=False, seen=Hlc.of(3_000))

    assert repaired is not None
    assert (shown(repaired, "email"), shown(repaired, "note")) == ("ada@example.com", "raw")
    assert shown(repaired, "tags") == {"a", "b", "c"}
