"""Whole puts without metadata: what they changed lies over what the library wrote, which stays."""

from functools import reduce
from itertools import permutations
from typing import Any

from reconciler.causality.hlc import Hlc
from reconciler.conflict.classification import classify
from reconciler.conflict.verdict import Finding
from reconciler.item.filing import file, shown_in
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import METADATA, encode
from reconciler.item.plain import file_plain
from reconciler.item.puts import beneath
from reconciler.item.sightings import sightings
from reconciler.values.wire import Image, to_json
from tests.builders import SCHEMA, Replica, add, assign, discard, increment, remove, written
from tests.named import KEY, named_on

BASE = written(assign("name", "Ada"), increment("balance", 100), add("tags", "a", "b"))


def put(image: Image, **values: Any) -> Image:
    """Return what a client puts that read an image and drops its metadata; None leaves out."""
    changed = {**image, **values}
    return {n: v for n, v in changed.items() if n != METADATA and v is not None}


def filed(base: Image, image: Image, at: int = 5_000) -> Image:
    return encode(beneath(base, image, Hlc.of(at)))


def shown(image: Image, name: str) -> Any:
    return (read(image) or {}).get(name)


def test_a_put_that_one_region_alone_wrote_over_is_filed_as_it_was_put() -> None:
    image = put(BASE, balance={"N": "107"}, tags={"SS": ["a", "b", "x"]}, phone={"S": "2"})
    assert read(filed(BASE, image)) == read(image)
    assert shown(filed(BASE, put(BASE, name={"S": "Eve"})), "name") == "Eve"
    assert shown(filed(BASE, put(BASE, name=None)), "name") is None


def test_library_writes_that_a_put_never_saw_stand() -> None:
    """Each region files the put over what it had; what only one found is no change of the put."""
    ours = Replica("use1", BASE).write(increment("balance", 10), assign("name", "Lib"), at=2_000)
    image = put(BASE, email={"S": "put"})
    here, there = filed(ours, image), filed(BASE, image)
    merged = merge(here, there)
    assert to_json(merged) == to_json(merge(there, here))
    assert (shown(merged, "balance"), shown(merged, "name")) == (110, "Lib")
    assert shown(merged, "email") == "put"


def test_an_amount_that_two_regions_found_different_is_dropped_and_none_counts_twice() -> None:
    edits = increment("balance", 10), assign("phone", "2")
    ours = Replica("use1", BASE).write(*edits, at=2_000)
    image = put(ours, balance={"N": "117"})
    here, there = filed(ours, image), filed(BASE, image)
    assert (shown(here, "balance"), shown(there, "balance")) == (117, 117)
    assert shown(merge(here, there), "balance") == 110
    assert shown(merge(there, there), "balance") == 117


def test_a_library_write_on_a_put_that_nobody_filed_yet_counts_once() -> None:
    ours = Replica("use1", BASE).write(increment("balance", 10), at=2_000)
    image = put(BASE, phone={"S": "2"})
    on_top = Replica("use1", image).write(increment("balance", 1), assign("name", "Eve"), at=9_000)
    for merged in (merge(on_top, filed(ours, image)), merge(filed(BASE, image), on_top)):
        assert (shown(merged, "phone"), shown(merged, "name")) == ("2", "Eve")
    both = merge(merge(on_top, filed(ours, image)), filed(BASE, image))
    assert shown(both, "balance") == 111


def test_a_value_that_the_library_replaced_is_back_only_by_a_put_that_saw_that() -> None:
    once = filed(BASE, put(BASE, name={"S": "Eve"}))
    other = Replica("use1", once).write(assign("name", "Lib"), assign("email", "new"), at=9_000)
    stale = put(once, balance={"N": "100"})
    assert shown(filed(other, stale, at=12_000), "name") == "Lib"
    assert shown(filed(other, put(other, name={"S": "Eve"}), at=12_000), "name") == "Eve"


def test_what_a_filed_put_shows_is_no_sight_of_library_writes() -> None:
    """Beneath it stays what it left out, so it is filed again, over what it wrote itself."""
    image = put(BASE, balance={"N": "107"}, name={"S": "Eve"}, tags={"SS": ["a"]})
    once = filed(BASE, image)
    assert sightings(once, file(once), shown_in(image, KEY)) == frozenset()


def test_a_filing_in_place_of_another_one_is_a_loss_though_it_has_all_its_writes() -> None:
    ours = Replica("use1", BASE).write(assign("name", "Lib"), at=2_000)
    image = put(BASE)
    here, there = filed(ours, image), filed(BASE, image)
    verdict = classify(there, here, replica="use1")
    assert verdict.finding is Finding.CONFLICT
    assert shown(merge(there, here), "name") == "Lib"


def test_a_put_over_a_deleted_item_brings_the_key_back_and_nothing_else() -> None:
    gone = Replica("use1", BASE).write(DELETE, at=2_000)
    image = {"id": {"S": "p1"}, "balance": {"N": "5"}}
    assert read(filed(gone, image)) == {"id": "p1", "balance": 5}
    on_top = Replica("euw1", image).write(increment("balance", 1), at=9_000)
    assert shown(merge(on_top, filed(gone, image)), "balance") == 6


def test_an_attribute_of_unknown_type_takes_the_type_that_the_library_gives_it() -> None:
    base = written(assign("name", "Ada"))
    image = put(base, balance={"N": "5"}, tags={"SS": ["x"]})
    ours = Replica("use1", image).write(increment("balance", 1), add("tags", "y"), at=9_000)
    merged = merge(filed(base, image), ours)
    assert to_json(merged) == to_json(merge(ours, filed(base, image)))
    assert (shown(merged, "balance"), shown(merged, "tags")) == (6, {"x", "y"})


def test_of_a_put_over_another_one_that_is_not_filed_yet_the_amount_counts_once() -> None:
    """One region saw both, another the second one alone, a third the first one alone."""
    first, second = put(BASE, balance={"N": "105"}), put(BASE, balance={"N": "112"})
    both, alone, early = filed(filed(BASE, first), second), filed(BASE, second), filed(BASE, first)
    for images in permutations([both, alone, early]):
        assert shown(reduce(merge, images), "balance") == 112


def test_what_a_put_changed_an_amount_by_is_unknown_over_an_image_that_it_never_met() -> None:
    first, second = put(BASE, balance={"N": "105"}), put(BASE, balance={"N": "112"})
    indirect = encode(beneath(filed(BASE, first), second, Hlc.of(5_000), is_direct=False))
    assert shown(indirect, "balance") == 105
    assert shown(merge(indirect, filed(BASE, second)), "balance") == 105


def test_of_a_put_that_nobody_filed_the_amounts_do_not_count_beside_what_they_rest_on() -> None:
    ours = Replica("use1", BASE).write(increment("balance", 10), at=2_000)
    image = put(BASE, balance={"N": "107"})
    on_top = Replica("euw1", image).write(increment("balance", 1), at=9_000)
    again = Replica("euw1", put(on_top, balance={"N": "115"})).write(increment("balance", 1))
    for images in permutations([ours, on_top, again]):
        assert shown(reduce(merge, images), "balance") in (111, 112)


def test_a_library_reset_takes_what_a_put_changed_the_amount_by_along() -> None:
    gone = Replica("use1", BASE).write(remove("balance"), at=2_000)
    reset = Replica("use1", gone).write(increment("balance", 3), at=3_000)
    merged = merge(filed(BASE, put(BASE, balance={"N": "7"})), reset)
    assert shown(merged, "balance") == 3


def test_what_a_put_left_out_of_an_amount_is_nothing_that_was_done_beside_its_names() -> None:
    """It was put where the increment had not arrived, and took its place once a name was on it."""
    ours = Replica("euw1", BASE).write(increment("balance", 10), at=2_000)
    image = named_on(put(BASE, phone={"S": "2"}), add("tags", "x"), increment("balance", 1))
    assert shown(filed(ours, image), "balance") == 111


def test_what_a_put_leaves_out_of_amounts_stays_whatever_names_stand_on_it() -> None:
    """Taken for removed beside the names, or for taken out of what they added, it was lost."""
    ours = written(assign("name", "Ada"), increment("balance", 10))
    bare = {**KEY, "email": {"S": "x"}}

    beside = beneath(ours, named_on(bare, add("tags", "a")))
    on_top = beneath(ours, named_on(bare, increment("balance", 5)))

    assert beside.shown()["balance"] == {"N": "10"}
    assert on_top.shown()["balance"] == {"N": "15"}


def test_a_name_counts_once_in_a_plain_image_that_took_the_place_of_one_that_knows_it() -> None:
    """One of two named increments had been taken by a put, and its loss was merged on both."""
    plain = {**KEY, "balance": {"N": "100"}}
    first = named_on(plain, increment("balance", 5))
    put_on_it = {**KEY, "balance": {"N": "105"}, "email": {"S": "x"}}
    lost = encode(beneath(encode(file_plain(first, KEY, SCHEMA.spec)), put_on_it))
    both = named_on(first, increment("balance", 7), at=3_000, number=2)

    assert beneath(lost, both).shown()["balance"] == {"N": "112"}


def test_what_a_put_leaves_out_of_a_map_stays_whatever_names_stand_on_it() -> None:
    """Taken for removed beside the names, what the library had added within the map was lost."""
    edits = assign("profile.city", "Rome"), increment("profile.visits", 3)
    ours = written(assign("name", "Ada"), *edits)
    less = {**KEY, "name": {"S": "Ada"}, "profile": {"M": {"zip": {"S": "1"}}}}
    here = Replica("euw1", ours).write(increment("profile.visits", 5), at=2_000)

    beside = beneath(ours, named_on(less, add("tags", "a")))
    on_top = encode(beneath(here, named_on(less, increment("profile.visits", 7))))
    removed = beneath(ours, named_on(less, remove("profile.city")))

    assert shown(encode(beside), "profile") == {"city": "Rome", "visits": 3, "zip": "1"}
    assert shown(on_top, "profile") == {"city": "Rome", "visits": 15, "zip": "1"}
    assert shown(encode(removed), "profile") == {"visits": 3, "zip": "1"}
    assert merge(on_top, encode(beside)) == merge(encode(beside), on_top)


def test_an_amount_that_nobody_can_reckon_does_not_count_beside_names_either() -> None:
    """Taken for added around them, it counted once more, beside the loss that it was taken from."""
    ours = written(assign("name", "Ada"))
    image = {**KEY, "name": {"S": "Ada"}, "balance": {"N": "64"}, "points": {"N": "32"}}

    on_top = beneath(ours, named_on(image, increment("balance", 5)), is_direct=False)
    beside = beneath(ours, named_on(image, add("tags", "a")), is_direct=False)

    assert on_top.shown() == {"name": {"S": "Ada"}, "balance": {"N": "5"}}
    assert beside.shown() == {"name": {"S": "Ada"}, "tags": {"SS": ["a"]}}


def test_members_that_a_put_leaves_out_stay_whatever_names_add_beside_them() -> None:
    ours = Replica("euw1", BASE).write(add("tags", "c"), at=2_000)
    image = named_on(put(BASE, phone={"S": "2"}), add("tags", "x"))

    assert shown(filed(ours, image), "tags") == {"a", "b", "c", "x"}
    assert shown(filed(ours, named_on(image, discard("tags", "x", "a"), number=2)), "tags") == {
        "b",
        "c",
    }


def test_a_name_on_a_number_of_two_puts_says_what_it_added_and_not_that_the_rest_was_added() -> (
    None
):
    """What a raw writer had added on top of both puts counted again, as the whole number."""
    base = written(assign("name", "Ada"))
    one = filed(base, put(base, balance={"N": "100"}))
    two = filed(one, put(one, balance={"N": "130"}), 6_000)
    assert len([*file(two).attributes["balance"].dots()]) == 2
    raw = {**two, "balance": {"N": "150"}}
    named = named_on(raw, increment("balance", 7), by="use1")

    assert shown(merge(named, raw), "balance") == shown(merge(raw, named), "balance") == 157
    other = Replica("euw1", two).write(assign("name", "Eve"), at=9_000)
    alone = named_on(two, increment("balance", 7), by="use1")
    assert shown(merge(alone, other), "balance") == shown(merge(alone, two), "balance") == 137
