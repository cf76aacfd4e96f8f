"""Plain items: versions share what they agree on, and what the library wrote on one stands."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from reconciler.causality.context import ADOPTED
from reconciler.causality.hlc import Hlc
from reconciler.item.filing import file
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import METADATA, context_of, encode
from reconciler.item.plain import Began, began, file_plain, is_version
from reconciler.item.puts import beneath
from reconciler.values.wire import Image, canonical_image, to_json
from tests.builders import KEY, SCHEMA, Replica, add, as_stream, assign, discard, increment, remove

PLAIN: Image = {
    "id": {"S": "p1"},
    "balance": {"N": "100"},
    "email": {"S": "first"},
    "tags": {"SS": ["a", "b"]},
    "profile": {"M": {"city": {"S": "Oslo"}, "visits": {"N": "7"}}},
}


def version(**values: Any) -> Image:
    """Return the plain item as a raw client left it; None takes an attribute away."""
    return {n: value for n, value in {**PLAIN, **values}.items() if value is not None}


def adopted(image: Image, *edits: Any, at: int = 2_000, by: str = "use1") -> Image:
    """Return what a region's first library write makes of a plain item."""
    return Replica(by, as_stream(image)).write(*edits, at=at)


def shown(image: Image, name: str) -> Any:
    return (read(image) or {}).get(name)


def test_a_first_library_write_shows_the_same_beside_what_it_wrote() -> None:
    ours = adopted(PLAIN, increment("balance", 5), assign("name", "Lib"))
    plain = read(PLAIN)
    assert plain is not None
    assert read(ours) == {**plain, "balance": 105, "name": "Lib"}


def test_two_first_library_writes_on_one_version_both_count() -> None:
    ours = adopted(PLAIN, increment("balance", 5), discard("tags", "b"))
    theirs = adopted(PLAIN, increment("balance", 7), assign("profile.city", "Rome"), by="euw1")
    merged = merge(ours, theirs)
    assert to_json(merged) == to_json(merge(theirs, ours))
    assert (shown(merged, "balance"), shown(merged, "tags")) == (112, {"a"})
    assert shown(merged, "profile") == {"city": "Rome", "visits": 7}


@pytest.mark.parametrize(("earlier", "later"), [("aaa", "bbb"), ("bbb", "aaa")])
def test_of_two_versions_the_one_seen_later_stands_and_no_amount_counts_twice(
    earlier: str, later: str
) -> None:
    first = version(email={"S": earlier}, tags={"SS": ["a"]})
    second = version(email={"S": later}, balance={"N": "107"}, tags={"SS": ["c"]})
    ours = adopted(first, increment("balance", 1), at=2_000)
    theirs = adopted(second, increment("balance", 2), at=3_000, by="euw1")
    merged = merge(ours, theirs)
    assert to_json(merged) == to_json(merge(theirs, ours))
    assert (shown(merged, "email"), shown(merged, "balance")) == (later, 110)
    assert shown(merged, "tags") == {"a", "c"}


def test_three_versions_merge_to_the_same_bytes_in_any_order() -> None:
    images = [
        adopted(version(email={"S": mail}, balance={"N": str(n)}), increment("balance", 1), by=by)
        for mail, n, by in (("x", 100, "use1"), ("y", 120, "euw1"), ("z", 90, "apse1"))
    ]
    merges = {to_json(merge(merge(a, b), c)) for a, b, c in permutations(images)}
    assert len(merges) == 1
    assert '"N":"123"' in merges.pop()


def test_a_raw_write_that_takes_the_place_of_a_first_library_write_joins_it() -> None:
    ours = adopted(PLAIN, increment("balance", 5), assign("name", "Lib"))
    joined = encode(beneath(ours, version(email={"S": "second"}), Hlc.of(5_000)))
    assert (shown(joined, "balance"), shown(joined, "name")) == (105, "Lib")
    assert shown(joined, "email") == "second"


def test_what_the_library_wrote_stands_against_a_version_that_is_as_it_was_before() -> None:
    ours = adopted(PLAIN, assign("email", "Lib"), discard("tags", "a"))
    joined = encode(beneath(ours, version(extra={"S": "x"}), Hlc.of(5_000)))
    assert (shown(joined, "email"), shown(joined, "tags")) == ("Lib", {"b"})
    assert shown(joined, "extra") == "x"


def test_an_amount_counts_only_if_the_image_shows_that_it_was_added_to_the_older_one() -> None:
    """A raw +7 on 100, or a put of 107 by somebody who saw the library's 105: nobody can tell."""
    counted = adopted(PLAIN, increment("balance", 5))
    assert shown(encode(beneath(counted, version(balance={"N": "107"}))), "balance") == 105
    other = adopted(PLAIN, increment("balance", 5), assign("email", "Lib"))
    assert shown(encode(beneath(other, version(balance={"N": "107"}))), "balance") == 112


def test_an_amount_of_a_put_does_not_count_because_the_put_lacks_what_the_library_added() -> None:
    """Its writer may have removed that: then the amount holds all that the library had added."""
    ours = adopted(PLAIN, increment("balance", 5), assign("name", "Lib"))
    put = {name: wire for name, wire in ours.items() if name not in (METADATA, "name")}
    for amount in ("105", "112"):
        filed = encode(beneath(ours, {**put, "balance": {"N": amount}}))
        assert shown(filed, "balance") == 105


def test_an_image_that_shows_what_the_library_wrote_is_no_version_made_without_it() -> None:
    ours = adopted(PLAIN, assign("name", "Lib"), increment("balance", 5))
    item = file(ours)
    assert is_version(version(email={"S": "second"}), item)
    assert not is_version(version(name={"S": "Lib"}), item)
    assert not is_version(version(balance={"N": "105"}), item)
    never_plain = file(Replica("use1").write(assign("name", "Lib"), at=1))
    assert not is_version(PLAIN, never_plain)


def test_a_version_that_shows_nothing_of_the_library_leaves_what_the_library_wrote_in_place() -> (
    None
):
    """Whatever it has there, and whichever other version another region began on."""
    put = version(email={"S": "put"}, balance={"N": "107"}, profile=None)
    ours = adopted(PLAIN, assign("email", "Lib"), assign("name", "x"), increment("balance", 5))
    filed = encode(beneath(ours, put, Hlc.of(5_000)))
    assert shown(filed, "email") == "Lib"
    knows = adopted(put, assign("email", "y"), increment("balance", 1), at=1_000, by="euw1")
    merged = merge(filed, knows)
    assert shown(merged, "email") == "Lib"
    assert to_json(merged) == to_json(merge(knows, filed))


def test_a_removal_of_a_counter_takes_what_the_plain_item_had_once() -> None:
    ours = adopted(PLAIN, remove("balance"))
    theirs = adopted(PLAIN, remove("balance"), by="euw1")
    again = Replica("use1", merge(ours, theirs)).write(increment("balance", 3), at=9_000)
    assert shown(again, "balance") == 3


def test_a_version_is_filed_on_a_tombstone_as_a_write_at_once_with_the_delete() -> None:
    gone = adopted(PLAIN, DELETE)
    back = encode(beneath(gone, version(email={"S": "second"}), Hlc.of(5_000)))
    assert shown(back, "email") == "second"
    assert shown(back, "balance") == 100
    assert read(encode(beneath(gone, PLAIN))) is None


def test_what_a_type_cannot_hold_stays_as_it_is_and_holds_up_nothing_else() -> None:
    odd = version(balance={"S": "abc"}, profile={"M": {"visits": {"S": "many"}, "x": {"S": "y"}}})
    ours = adopted(odd, assign("name", "Lib"))
    assert shown(ours, "balance") == "abc"
    assert shown(ours, "profile") == {"visits": "many", "x": "y"}


def test_an_item_of_nothing_but_its_key_is_alive() -> None:
    bare = {"id": {"S": "p1"}}
    assert read(encode(file_plain(bare, canonical_image(bare), SCHEMA.spec))) == KEY


def test_filing_names_the_same_in_every_region_and_at_any_time() -> None:
    key = {"id": {"S": "p1"}}
    early, late = (encode(file_plain(PLAIN, key, SCHEMA.spec, Hlc.of(at))) for at in (1, 2))
    assert context_of(early) == context_of(late)
    assert to_json(merge(early, late)) == to_json(merge(late, early))


def test_members_added_on_top_are_not_those_of_the_plain_item() -> None:
    ours = adopted(PLAIN, add("tags", "c"))
    theirs = adopted(PLAIN, discard("tags", "a", "b"), by="euw1")
    assert shown(merge(ours, theirs), "tags") == {"c"}


def test_what_an_item_stood_on_stays_beneath_what_is_filed_of_a_version() -> None:
    """Another filing may know that there was no change: a merge of the two must not delete it."""
    ours = adopted(PLAIN, assign("name", "Lib"))
    joined = beneath(ours, version(email={"S": "second"}), Hlc.of(5_000))
    assert set(file(ours).alive) < set(joined.alive)


def test_what_others_did_on_top_is_remembered_once_it_is_folded() -> None:
    item = file_plain(PLAIN, {"id": {"S": "p1"}}, SCHEMA.spec)
    folded = replace(item, context=replace(item.context, watermarks={ADOPTED: "z" * 18}))

    assert began(item) is Began.ON_PLAIN
    assert began(folded) is Began.ON_PLAIN_AND_SINCE
