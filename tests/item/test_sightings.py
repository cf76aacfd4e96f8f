"""What a whole put changed an amount by counts where it shows that its writer saw that amount."""

from typing import Any

import pytest

from reconciler.causality.context import ADOPTED, Dot
from reconciler.conflict.classification import classify
from reconciler.conflict.verdict import CLEAN
from reconciler.crdt.base import Edit
from reconciler.item.filing import file, shown_in
from reconciler.item.image import DELETE, merge
from reconciler.item.metadata import NAMES, encode
from reconciler.item.sightings import may_hold_names, with_amounts_of, with_taken
from reconciler.values.wire import Image, to_wire
from tests.builders import Replica, add, as_stream, assign, increment, remove, written
from tests.item.test_puts import BASE, filed, put, shown
from tests.named import KEY, named_on


def test_an_amount_of_a_put_that_shows_nothing_of_the_library_leaves_the_librarys_alone() -> None:
    """It was made where the library's write had not arrived, and no other region filed it."""
    ours = written(increment("balance", 10))
    image = {"id": {"S": "p1"}, "email": {"S": "x"}, "balance": {"N": "64"}}
    alone = filed(ours, image)
    assert (shown(alone, "balance"), shown(alone, "email")) == (10, "x")
    assert filed(alone, image) == alone


def test_an_amount_of_a_put_that_shows_just_earlier_library_writes_leaves_the_later_alone() -> None:
    """It was changed where it was plain, so only the region of the later write filed it."""
    ours = Replica("euw1", BASE).write(increment("balance", 10), at=2_000)
    image = put(BASE, balance={"N": "107"})
    assert shown(filed(ours, image), "balance") == 110
    named = Replica("euw1", BASE).write(increment("balance", 10), assign("phone", "2"), at=2_000)
    assert shown(filed(named, image), "balance") == 110
    assert shown(filed(named, put(named, balance={"N": "117"})), "balance") == 117


def test_who_saw_an_earlier_write_of_a_lineage_has_not_seen_a_later_one() -> None:
    ours = Replica("use1", BASE)
    ours.write(assign("phone", "2"), at=2_000)
    later = ours.write(increment("balance", 10), at=3_000)
    assert shown(filed(later, put(BASE, phone={"S": "2"}, balance={"N": "107"})), "balance") == 110


def test_an_attribute_that_neither_has_is_no_sign_that_a_put_saw_the_library() -> None:
    gone = Replica("use1", BASE).write(DELETE, at=2_000)
    ours = Replica("euw1", gone).write(increment("balance", 10), at=3_000)
    image = {"id": {"S": "p1"}, "balance": {"N": "64"}}
    assert shown(filed(ours, image), "balance") == 10


def test_a_put_may_hold_names_where_it_holds_what_they_made() -> None:
    plain = {**KEY, "balance": {"N": "5"}}
    named = named_on(plain, increment("balance", 3))
    saw = {name: value for name, value in named.items() if name != NAMES}
    assert may_hold_names({**saw, "email": {"S": "x"}}, named, KEY)
    assert not may_hold_names({**plain, "email": {"S": "x"}}, named, KEY)
    assert not may_hold_names(KEY, named, KEY)


def test_an_amount_of_a_put_that_is_none_of_both_may_hold_what_names_added() -> None:
    """Whoever had read the item, added to it and put it counted the named writes twice."""
    named = named_on({**KEY, "balance": {"N": "5"}}, increment("balance", 3))
    assert may_hold_names({**KEY, "balance": {"N": "9"}}, named, KEY)
    beside = named_on({**KEY, "tags": {"SS": ["a"]}}, add("tags", "b"))
    assert not may_hold_names({**KEY, "tags": {"SS": ["c"]}}, beside, KEY)


def test_a_register_that_a_put_leaves_out_stays_unless_the_put_shows_that_its_writer_saw_it() -> (
    None
):
    """Both were made on nothing, in two regions: the library's name was gone everywhere."""
    ours = written(assign("name", "Ada"), increment("balance", 10))
    assert shown(filed(ours, {**KEY, "email": {"S": "x"}}), "name") == "Ada"
    assert shown(filed(ours, {**KEY, "balance": {"N": "10"}}), "name") is None


def test_names_that_stand_on_are_not_held_by_the_image_that_they_stand_on() -> None:
    """A named write beside another one was found to have lost it, and undid a later delete."""
    first = named_on({**KEY, "balance": {"N": "5"}}, assign("name", "Ada"))
    both = named_on(first, increment("balance", 3), number=2, at=3_000)

    assert not may_hold_names(both, first, KEY)
    assert classify(first, both, replica="use1", key=KEY) == CLEAN


# An item that the library began on what others wrote on a put

EARLIER: Image = {**KEY, "balance": {"N": "100"}, "email": {"S": "first"}}


def begun_on(image: Image, *edits: Any, at: int = 6_000) -> Image:
    return Replica("euw1", as_stream(image)).write(*edits, at=at)


def merged(taken: Image, image: Image, begun: Image) -> Any:
    """Return the balance once what a put took is merged into what the library began on since."""
    lost = file(filed(taken, image))
    known = with_amounts_of(lost, shown_in(image, lost.key), file(begun))
    assert merge(encode(known), begun) == merge(begun, encode(known))
    return shown(merge(encode(known), begun), "balance")


def test_what_a_put_may_hold_of_the_library_does_not_count_where_an_item_began_on_it_since() -> (
    None
):
    ours = Replica("use1", EARLIER).write(increment("balance", 5), at=2_000)
    image = put(ours, phone={"S": "2"})
    begun = begun_on({**image, "balance": {"N": "135"}}, increment("balance", 7))
    others = {**begun, "balance": {"N": "145"}}  # a raw client goes on, whose 3 it may hold, too
    since = Replica("euw1", others).write(assign("phone", "3"), at=7_000)

    assert merged(ours, image, begun) == 112
    for taken in (image, {**EARLIER, "balance": {"N": "120"}}):
        assert merged(ours, taken, since) == 112
    assert merged(ours, put(ours, email=None), begun) == 112


def test_what_was_added_to_a_version_that_never_saw_the_library_counts_where_it_began_since() -> (
    None
):
    ours = Replica("use1", EARLIER).write(increment("balance", 5), assign("email", "Lib"), at=2_000)
    image = {**EARLIER, "balance": {"N": "130"}}
    begun = begun_on({**image, "balance": {"N": "150"}}, assign("phone", "2"))

    assert merged(ours, image, begun) == 155


@pytest.mark.parametrize(
    ("place", "raw", "edit", "is_taken"),
    [
        ("notes", ["b"], assign("notes", ["c"]), True),
        ("active", True, assign("active", False), True),
        ("high", 9, assign("high", 5), False),
        ("high", 9, remove("high"), True),
        ("balance", 104, remove("balance"), True),
        ("tags", {"a", "x"}, remove("tags"), True),
        ("profile", {"visits": 1, "zip": "raw"}, remove("profile"), True),
        ("balance", "text", remove("balance"), True),
    ],
)
def test_what_a_name_takes_the_place_of_is_what_others_put_there_whatever_the_type(
    place: str, raw: Any, edit: Edit, *, is_taken: bool
) -> None:
    """A register_max keeps the greatest value that anybody assigned."""
    counted = increment("balance", 100), increment("profile.visits", 1), add("tags", "a")
    base = written(*counted, assign("notes", "a"), assign("high", 1), assign("active", False))
    before = {**base, place: to_wire(raw, (place,))}
    after = named_on(before, edit)
    other, item = file(before), file(after)
    others = [Dot(*head) for head in other.context.heads.items() if head[0].replica == ADOPTED]
    assert others

    known = with_taken(item, after, other).context

    assert all(map(known.covers, others)) == is_taken


def test_a_name_takes_what_others_put_after_another_name_too() -> None:
    named = named_on(written(assign("name", "a")), assign("name", "n"), number=1)
    before = {**named, "name": {"S": "raw"}}
    after = named_on(before, assign("name", "m"), number=2)
    other = file(before)
    (dot,) = other.attributes["name"].dots()
    assert not file(after).context.covers(dot)

    assert with_taken(file(after), after, other).context.covers(dot)


def test_who_names_a_field_of_a_map_that_others_made_takes_the_place_of_all_of_it() -> None:
    before = {**written(increment("balance", 1)), "profile": to_wire({"a": "1"}, ("profile",))}
    after = named_on(before, assign("profile.b", "2"))
    other = file(before)
    (dot,) = other.attributes["profile"].dots()

    assert with_taken(file(after), after, other).context.covers(dot)
