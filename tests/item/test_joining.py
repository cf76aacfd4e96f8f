"""What two items make together: the same from either side, and each attribute of one type."""

import pytest

from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Edit
from reconciler.item.filing import file
from reconciler.item.image import merge
from reconciler.item.joining import joined
from reconciler.item.metadata import encode
from reconciler.item.plain import file_plain, names_alone
from reconciler.item.puts import beneath
from reconciler.values.wire import Image, to_json
from tests.builders import SCHEMA, Replica, add, as_stream, assign, discard, increment, written
from tests.named import KEY, named_on

BASE = written(assign("name", "Ada"), increment("balance", 100))


def test_a_join_has_no_tip_and_is_the_same_from_either_side() -> None:
    one = file(named_on(BASE, increment("balance", 5), add("tags", "x")))
    other = file(Replica("euw1", BASE).write(increment("balance", 7), at=3_000))

    both = joined(one, other)

    assert both.tip is None
    assert to_json(encode(both)) == to_json(encode(joined(other, one)))
    assert both.shown()["balance"] == {"N": "112"}
    assert joined(both, one) == both


@pytest.mark.parametrize("first", [0, 1])
def test_an_attribute_without_a_type_takes_that_of_the_other_side_in_a_join(first: int) -> None:
    raw = Replica("use1", as_stream({**BASE, "tags": {"SS": ["a"]}}))
    filed = encode(file(raw.image or {}))  # a repair, which knows no schema
    typed = Replica("euw1", filed).write(add("tags", "b"), at=3_000)
    sides = file(filed), file(typed)

    both = joined(sides[first], sides[1 - first])

    assert file(filed).attributes["tags"].type_name() == "register_lww"
    assert both.attributes["tags"].type_name() == "set_aw"
    assert both.shown()["tags"] == {"SS": ["a", "b"]}


def test_names_do_not_say_what_an_item_began_on_so_its_amounts_stay() -> None:
    """A lost name was merged into a plain item, and the amount that stood there was gone."""
    plain = {**KEY, "balance": {"N": "100"}, "tags": {"SS": ["a"]}}
    named = named_on(plain, increment("balance", 5), add("tags", "x"))
    sides = (
        file_plain({**plain, "balance": {"N": "107"}}, KEY, SCHEMA.spec),
        file(names_alone(named, KEY)),
    )

    assert joined(*sides).shown() == {"balance": {"N": "112"}, "tags": {"SS": ["a", "x"]}}
    assert joined(*sides) == joined(*reversed(sides))


def test_an_amount_of_no_type_yet_does_not_count_beside_the_library_writes_that_are_in_it() -> None:
    """One region met a put on top of the library's write, another filed what that put began on."""
    ours = written(increment("balance", 10))
    put = {**KEY, "name": {"S": "Ada"}, "balance": {"N": "10"}}
    since = {**put, "balance": {"N": "17"}}
    early = encode(file_plain({**KEY, "email": {"S": "x"}}, KEY, SCHEMA.spec))
    sides = beneath(early, since), beneath(ours, put)

    assert joined(*sides).shown()["balance"] == {"N": "10"}
    assert joined(*sides) == joined(*reversed(sides))


def test_what_a_put_changed_an_amount_by_goes_with_the_plain_amount_that_it_rests_on() -> None:
    """The other side began with the library, so only the change would have been left: -90."""
    plain = {**KEY, "name": {"S": "Ada"}, "balance": {"N": "100"}}
    begun = Replica("use1", plain).write(assign("name", "Eve"), at=2_000)
    put = beneath(begun, {**plain, "name": {"S": "Eve"}, "balance": {"N": "10"}})
    other = file(Replica("euw1").write(increment("balance", 7), at=2_000))

    for one in (joined(put, other), joined(other, put)):
        assert one.shown()["balance"] == {"N": "7"}


def test_what_others_added_counts_once_where_a_put_held_it_that_brought_the_item_back() -> None:
    """A raw client deleted the item and put it; then the item of before was restored, too."""
    added = as_stream({**BASE, "balance": {"N": "105"}})
    other = Replica("euw1", BASE).write(assign("name", "Eve"), at=2_000)
    put = beneath(other, {**KEY, "name": {"S": "Eve"}, "balance": {"N": "105"}})

    for one in (joined(put, file(added)), joined(file(added), put)):
        assert one.shown()["balance"] == {"N": "105"}


def test_what_others_added_counts_once_where_a_plain_item_held_it_that_was_adopted() -> None:
    """As before, but the library wrote on the plain item before the old one was restored."""
    begun = Replica("use1", {**KEY, "balance": {"N": "100"}}).write(assign("name", "Ada"))
    added = as_stream({**begun, "balance": {"N": "105"}})
    again = Replica("euw1", {**KEY, "balance": {"N": "105"}}).write(increment("balance", 7))
    since = as_stream({**again, "email": {"S": "x"}})

    for one in (joined(file(added), file(since)), joined(file(since), file(added))):
        assert one.shown()["balance"] == {"N": "112"}


def test_a_raw_value_that_the_library_saw_in_a_put_does_not_come_back_by_its_loss() -> None:
    """It ranks by when the loss of it was seen, and that was after the library's write."""
    raw = as_stream({**BASE, "name": {"S": "Eve"}})
    begun = Replica("euw1", {name: raw[name] for name in ("id", "name", "balance")})
    wrote = file(begun.write(assign("name", "Bob"), at=3_000))
    lost = file(raw, seen=Hlc.of(9_000))

    for one in (joined(lost, wrote), joined(wrote, lost)):
        assert one.shown()["name"] == {"S": "Bob"}


def test_a_raw_member_that_the_library_saw_in_a_put_does_not_come_back_by_its_loss() -> None:
    raw = as_stream({**BASE, "tags": {"SS": ["a", "x"]}})
    begun = Replica("euw1", {name: raw[name] for name in ("id", "name", "tags")})
    wrote = file(begun.write(discard("tags", "x"), at=3_000))

    for one in (joined(file(raw), wrote), joined(wrote, file(raw))):
        assert one.shown()["tags"] == {"SS": ["a"]}


def test_a_raw_value_stands_that_was_written_on_what_had_been_so_as_a_plain_one() -> None:
    """A state that a raw client toggles: it is "Ada" again, and that is no value of before."""
    begun = Replica("use1", {**KEY, "name": {"S": "Ada"}}).write(assign("name", "Bob"))
    raw = as_stream({**begun, "name": {"S": "Ada"}})
    wrote = file(Replica("euw1", begun).write(increment("balance", 7), at=3_000))

    for one in (joined(file(raw), wrote), joined(wrote, file(raw))):
        assert one.shown()["name"] == {"S": "Ada"}


def test_what_a_put_changed_counts_once_where_a_plain_item_held_it_that_was_adopted_later() -> None:
    """A raw client put the item, deleted it and put it again; then the first one was restored."""
    begun = Replica("use1", {**KEY, "balance": {"N": "100"}}).write(assign("name", "Ada"))
    put = beneath(begun, {**KEY, "name": {"S": "Ada"}, "balance": {"N": "105"}})
    again = Replica("euw1", {**KEY, "balance": {"N": "109"}}).write(increment("balance", 7))
    since = as_stream({**again, "email": {"S": "x"}})

    for one in (joined(put, file(since)), joined(file(since), put)):
        assert one.shown()["balance"] == {"N": "116"}


def test_a_number_of_no_type_that_a_put_laid_over_an_item_holds_the_plain_amount_of_before() -> (
    None
):
    """A raw client deleted an item and put its old copy on a new one; then both were restored."""
    old = Replica("use1", {**KEY, "balance": {"N": "100"}}).write(increment("balance", 7))
    since = as_stream({**old, "email": {"S": "x"}})
    new = as_stream(Replica("euw1", {**KEY, "email": {"S": "y"}}).write(add("tags", "x"), at=2_000))
    put = beneath({**new, "name": {"S": "Eve"}}, {**KEY, "balance": {"N": "105"}})

    for one in (joined(put, file(since)), joined(file(since), put)):
        assert one.shown()["balance"] == {"N": "112"}


def test_a_put_that_may_rest_on_one_that_shows_what_the_library_added_counts_none_of_it_again() -> (
    None
):
    """A raw client put what it read there, and added to it; elsewhere that came as one change."""
    base = written(add("tags", "a"))
    ours = named_on(base, increment("balance", 100))
    first = beneath(ours, {**KEY, "balance": {"N": "100"}})
    second = beneath(base, {**KEY, "balance": {"N": "105"}})

    for one in (joined(first, second), joined(second, first)):
        assert one.shown()["balance"] == {"N": "100"}
    for one in (joined(file(ours), second), joined(second, file(ours))):
        assert one.shown()["balance"] == {"N": "205"}


@pytest.mark.parametrize("before", [0, 100])
def test_a_plain_amount_on_a_put_that_may_show_what_the_library_added_counts_none_of_it(
    before: int,
) -> None:
    """One region had merged a later put with what the library had, another wrote on an earlier."""
    there = {"balance": {"N": str(before)}} if before else {}
    plain: Image = {**KEY, "name": {"S": "Ada"}, **there}
    begun = Replica("use1", plain).write(assign("name", "Eve"), increment("balance", 5), at=2_000)
    put = {**plain, "name": {"S": "Eve"}, "balance": {"N": str(before + 1_005)}}
    named = named_on(put, increment("balance", 7), assign("note", "n"))
    named = encode(file_plain(named, KEY, SCHEMA.spec))
    later = {**put, "balance": {"N": str(before + 3_012)}, "note": {"S": "n"}}
    merged, since = beneath(begun, later, is_direct=False), beneath(named, later)

    assert joined(merged, since).shown()["balance"] == {"N": str(before + 12)}
    assert joined(merged, since) == joined(since, merged)


def test_a_number_of_no_type_counts_once_where_a_put_holds_it_that_the_library_wrote_on() -> None:
    """A raw client added to it in one region; another one put it in a region that knows a type."""
    began = encode(beneath(written(add("tags", "a")), {**KEY, "balance": {"N": "100"}}))
    raw = file(as_stream({**began, "balance": {"N": "107"}}))
    put = {**KEY, "balance": {"N": "109"}}
    on_top = Replica("euw1", put).write(add("tags", "x"), at=3_000)
    typed = file(merge(encode(beneath(began, put)), on_top))

    for one in (joined(raw, typed), joined(typed, raw)):
        assert one.shown()["balance"] == {"N": "109"}


def test_a_number_of_no_type_does_not_count_beside_the_library_writes_that_are_in_it() -> None:
    """As of what plain images show, nobody knows of it what it rests on."""
    ours = file(written(increment("balance", 100)))
    began = encode(file_plain({**KEY, "balance": {"N": "100"}}, KEY, lambda _: None))
    raw = file(as_stream({**began, "balance": {"N": "105"}}))

    for one in (joined(ours, raw), joined(raw, ours)):
        assert one.shown()["balance"] == {"N": "100"}


def test_what_a_put_changed_an_amount_by_goes_with_what_others_added_and_it_took_away() -> None:
    """An earlier put held that, too, in another region, and was no change here: 95 was left."""
    base = written(increment("balance", 100), assign("name", "Ada"))
    added = as_stream({**base, "balance": {"N": "105"}})
    filed = Replica("use1", added).write(add("tags", "a"), at=2_000)
    plain: Image = {**KEY, "balance": {"N": "105"}, "name": {"S": "Ada"}}
    here = beneath(encode(beneath(filed, plain)), {**plain, "balance": {"N": "100"}})
    there = beneath(added, plain)

    assert here.shown()["balance"] == {"N": "100"}
    for one in (joined(here, there), joined(there, here)):
        assert one.shown()["balance"] == {"N": "100"}


def test_what_a_put_took_away_of_an_amount_goes_where_another_one_holds_what_was_there() -> None:
    base = written(increment("balance", 100), assign("name", "Ada"))
    added = as_stream({**base, "balance": {"N": "105"}})
    filed = Replica("use1", added).write(add("tags", "a"), at=2_000)
    plain: Image = {**KEY, "balance": {"N": "103"}, "name": {"S": "Ada"}}
    here = beneath(filed, {**plain, "balance": {"N": "100"}})
    there = beneath(base, plain)

    assert here.shown()["balance"] == {"N": "100"}
    for one in (joined(here, there), joined(there, here)):
        assert one.shown()["balance"] == {"N": "103"}


def began_by_a_name(*edits: Edit) -> Image:
    """Return an item that a named assignment made of nothing, with a library write on it."""
    made = named_on(None, increment("balance", 4), assign("email", "x"), by="apse1", at=1_000)
    return Replica("apse1", made).write(*edits, at=2_000)


def test_what_others_added_under_a_name_stands_beside_an_item_that_began_on_another() -> None:
    """It looks like a number from before the name, but no put had shown it to anybody."""
    named = named_on(written(assign("name", "Ada")), increment("balance", 5))
    added = {**named, "balance": {"N": "1005"}}
    elsewhere = merge(
        began_by_a_name(assign("phone", "1")), Replica("euw1").write(assign("notes", "n"))
    )

    assert merge(encode(file(added)), elsewhere)["balance"] == {"N": "1009"}


def test_what_others_added_to_an_item_that_began_with_a_name_on_nothing_rests_on_nothing() -> None:
    began = began_by_a_name(assign("phone", "1"))
    added = {**began, "profile": {"M": {"visits": {"N": "1000"}}}}
    typed = Replica("apse1", added).write(assign("phone", "2"), at=3_000)

    merged = merge(typed, written(assign("name", "Ada")))

    assert merged["profile"]["M"]["visits"] == {"N": "1000"}
