"""What writers around the library did, filed: it counts once, and takes nothing else along."""

from itertools import permutations
from typing import Any

import pytest

from reconciler.causality.context import ADOPTED
from reconciler.causality.hlc import Hlc
from reconciler.item.filing import file, filed_image, lost_dots
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import (
    EXPIRY,
    NAMES,
    context_of,
    encode,
    is_tombstone_in,
    reading,
)
from reconciler.item.puts import beneath
from reconciler.values.wire import Image, to_json
from tests.builders import SCHEMA, Replica, add, as_stream, assign, discard, increment, written

BASE = written(assign("name", "Ada"), increment("balance", 100), add("tags", "a", "b"))


def raw(image: Image, **values: Any) -> Image:
    """Return an image as a raw client leaves it; None removes an attribute."""
    changed = {**image, **values}
    return {name: value for name, value in changed.items() if value is not None}


def plus(image: Image, amount: int) -> Image:
    return raw(image, balance={"N": str(int(image["balance"]["N"]) + amount)})


def shown(image: Image, name: str) -> Any:
    return (read(image) or {}).get(name)


def test_an_image_that_nobody_touched_is_filed_already() -> None:
    assert filed_image(BASE) is BASE
    assert filed_image({"id": {"S": "p1"}, "name": {"S": "Ada"}}) == {
        "id": {"S": "p1"},
        "name": {"S": "Ada"},
    }


def test_what_is_filed_shows_the_same_and_has_no_tip_and_is_named_alike_everywhere() -> None:
    touched = raw(plus(BASE, 5), email={"S": "a@b"}, tags={"SS": ["b", "x"]}, name=None)
    filed = encode(file(touched))
    assert read(filed) == read(touched)
    assert file(touched).tip is None
    assert to_json(filed) == to_json(encode(file(as_stream(touched))))
    assert filed_image(filed) is filed


def test_increments_of_one_image_count_once_however_they_are_filed() -> None:
    """Three raw +5, filed one by one and together: 125, 130 and 140 were all seen."""
    steps = [plus(BASE, 5), plus(BASE, 10), plus(BASE, 15)]
    ours = Replica("euw1", BASE).write(increment("balance", 10), at=2_000)
    for order in permutations(steps):
        merged = ours
        for step in order:
            merged = merge(merged, step)
        assert shown(merged, "balance") == 125


def test_an_increment_that_was_saved_twice_from_one_copy_counts_once_after_it_was_filed() -> None:
    once = plus(BASE, 5)
    on_top = Replica("use1", once).write(assign("name", "Eve"), at=2_000)
    assert shown(merge(on_top, once), "balance") == 105


def test_a_slot_that_holds_less_of_one_image_is_a_loss() -> None:
    less, more = file(plus(BASE, 5)), file(plus(BASE, 10))
    assert lost_dots(less, more) == ()
    (dot,) = lost_dots(more, less)
    assert dot.lineage.replica == ADOPTED


def test_a_member_added_around_the_library_brings_no_other_one_back() -> None:
    """A library write discarded b at once; the metadata said of positions, and b was back."""
    touched = raw(BASE, tags={"SS": ["a", "b", "x"]})
    other = Replica("euw1", BASE).write(discard("tags", "b"), at=2_000)
    assert shown(merge(touched, other), "tags") == {"a", "x"}
    fewer = raw(BASE, tags={"SS": ["b"]})
    more = Replica("euw1", BASE).write(add("tags", "c"), at=2_000)
    assert shown(merge(fewer, more), "tags") == {"b", "c"}


def test_a_field_changed_around_the_library_takes_no_other_field_along() -> None:
    base = written(assign("profile", {"city": "Oslo", "zip": "1"}))
    touched = raw(base, profile={"M": {"city": {"S": "Rome"}, "zip": {"S": "1"}}})
    other = Replica("euw1", base).write(assign("profile.zip", "2"), at=2_000)
    assert shown(merge(touched, other), "profile") == {"city": "Rome", "zip": "2"}


def test_what_was_seen_later_stands_beside_a_library_write_on_the_same_attribute() -> None:
    touched = raw(BASE, name={"S": "raw"})
    other = Replica("euw1", BASE).write(assign("name", "Eve"), at=2_000)
    for seen_ms, name in ((1_500, "Eve"), (2_500, "raw")):
        filed = filed_image(touched, Hlc.of(seen_ms))
        assert shown(merge(filed, other), "name") == name
        assert to_json(merge(filed, other)) == to_json(merge(other, filed))


def test_two_regions_that_file_one_change_at_two_times_agree_once_they_meet() -> None:
    touched = raw(BASE, name={"S": "raw"})
    early, late = (filed_image(touched, Hlc.of(at)) for at in (1_500, 2_500))
    assert context_of(early) == context_of(late)
    assert to_json(merge(early, late)) == to_json(merge(late, early)) == to_json(merge(late, late))


def test_a_raw_write_on_a_tombstone_brings_nothing_of_the_deleted_item_back() -> None:
    gone = Replica("use1", BASE).write(DELETE, at=2_000)
    touched = raw(gone, balance={"N": "5"}, email={"S": "a@b"})
    filed = filed_image(touched)
    assert read(filed) == {"id": "p1", "balance": 5, "email": "a@b"}
    assert EXPIRY not in filed
    assert not reading(filed, is_tombstone_in)
    more = filed_image(raw(touched, balance={"N": "8"}))
    assert shown(merge(filed, more), "balance") == 8


OWN = SCHEMA.model_copy(update={"ttl_attribute": "until"})
GONE = Replica("use1", Replica("use1", BASE).write(assign("until", 1_800_000_000))).write(
    DELETE, at=2_000, schema=OWN
)


def test_a_raw_write_on_a_tombstone_does_not_take_its_expiry_for_a_value() -> None:
    touched = raw(GONE, email={"S": "a@b"})
    for image in (touched, filed_image(touched)):
        assert read(image) == {"id": "p1", "email": "a@b"}
    assert filed_image(touched).keys() == {"id", "email", "_rec"}


def test_a_raw_writer_that_gives_a_deleted_item_another_expiry_brings_it_back_with_that() -> None:
    touched = raw(GONE, until={"N": "1900000000"})
    for image in (touched, filed_image(touched)):
        assert read(image) == {"id": "p1", "until": 1_900_000_000}
    assert filed_image(raw(GONE, until=GONE["until"])) == GONE


def test_a_raw_writer_that_takes_the_expiry_of_a_deleted_item_away_does_not_bring_it_back() -> None:
    touched = raw(GONE, until=None)
    assert read(touched) is None
    assert filed_image(touched) is touched
    assert merge(touched, touched) == merge(GONE, GONE)


@pytest.mark.parametrize("first", [BASE, {"id": {"S": "p1"}, "name": {"S": "old"}}])
def test_a_raw_client_that_puts_what_it_read_of_a_deleted_item_gives_it_no_expiry(
    first: Image,
) -> None:
    gone = Replica("use1", first).write(DELETE, at=2_000, schema=OWN)
    put = {name: value for name, value in gone.items() if name != "_rec"} | {"x": {"N": "1"}}
    back = encode(beneath(gone, put))
    assert shown(back, "x") == 1
    assert not {"until", EXPIRY} & back.keys()


def test_a_raw_update_keeps_an_item_alive_that_another_region_deletes_at_once() -> None:
    gone = Replica("euw1", BASE).write(DELETE, at=2_000)
    touched = raw(BASE, email={"S": "a@b"})
    assert shown(merge(gone, touched), "email") == "a@b"


@pytest.mark.parametrize("amount", [5, -5])
def test_a_library_write_on_top_counts_what_was_there_once(amount: int) -> None:
    on_top = Replica("euw1", plus(BASE, amount)).write(increment("balance", 1), at=2_000)
    assert shown(on_top, "balance") == 101 + amount
    assert shown(merge(on_top, plus(BASE, amount)), "balance") == 101 + amount


def test_a_raw_write_on_a_deleted_item_takes_no_library_write_along_that_brings_it_back() -> None:
    gone = Replica("euw1", BASE).write(DELETE, at=2_000)
    around = filed_image(raw(gone, email={"S": "a@b"}), Hlc.of(9_000))
    ours = Replica("use1", gone).write(assign("name", "Lib"), at=3_000)
    merged = merge(around, ours)
    assert (shown(merged, "name"), shown(merged, "email")) == ("Lib", "a@b")


def test_of_raw_writes_on_one_deleted_item_the_later_one_rests_on_the_earlier_one() -> None:
    """Whoever deleted what the later one left has seen the earlier one."""
    gone = Replica("euw1", BASE).write(DELETE, at=2_000)
    early = raw(gone, email={"S": "a"})
    late = raw(early, balance={"N": "7"}, email={"S": "b"})
    again = Replica("euw1", filed_image(late)).write(DELETE, at=5_000)
    assert read(merge(again, filed_image(early))) is None


def test_what_is_put_on_a_deleted_counter_twice_counts_once() -> None:
    gone = Replica("euw1", BASE).write(DELETE, at=2_000)
    first, second = (filed_image(raw(gone, balance={"N": n})) for n in ("4", "16"))
    anew = Replica("euw1", Replica("euw1", first).write(DELETE, at=3_000))
    merged = merge(anew.write(increment("balance", 1), at=4_000), second)
    assert shown(merged, "balance") == 17


def test_a_number_of_unknown_type_takes_the_type_that_the_library_gives_it() -> None:
    """Nobody had a schema where it was filed; where the library wrote on it, it is a counter."""
    base = written(assign("name", "Ada"))
    touched = raw(base, balance={"N": "5"})
    ours = Replica("use1", raw(base, balance={"N": "12"})).write(increment("balance", 1), at=9_000)
    theirs = Replica("euw1", base).write(increment("balance", 100), at=9_000)
    assert shown(merge(filed_image(touched), ours), "balance") == 13
    assert shown(merge(theirs, filed_image(touched)), "balance") == 105
    both = merge(merge(filed_image(touched), ours), theirs)
    assert to_json(both) == to_json(merge(theirs, merge(ours, filed_image(touched))))
    assert shown(both, "balance") == 113


def test_what_others_wrote_on_a_deleted_item_counts_once_beside_a_named_write() -> None:
    """One region holds the raw update alone, another one a named update on top of it."""
    deleted = Replica("use1", BASE).write(DELETE, at=2_000)
    back = raw(deleted, balance={"N": "40"}, **{EXPIRY: None})
    told = {"S": "increment"}, {"S": "balance"}, {"N": "2"}
    name = {"by": {"S": "euw1"}, "at": {"N": "3000"}, "id": {"S": "-" * 11}}
    element = {"M": {**name, "do": {"L": [{"L": list(told)}]}}}
    named = {**back, "balance": {"N": "42"}, NAMES: {"L": [element]}}
    assert shown(encode(file(named)), "balance") == 42
    merged = merge(back, named)
    assert shown(merged, "balance") == 42
    assert to_json(merged) == to_json(merge(named, back))
