"""Named writes read back: an item is what they made of it, in the order in which they were made."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import ADOPTED, NAMED_BY_PRESENCE, Dot
from reconciler.causality.hlc import Hlc
from reconciler.causality.keys import Once
from reconciler.crdt.base import Edit
from reconciler.item.filing import file
from reconciler.item.image import DELETE, merge, read
from reconciler.item.leaves import lineage_of
from reconciler.item.metadata import EXPIRY, METADATA, NAMES, basis_of, encode, is_managed
from reconciler.item.names import names_in, places_taken
from reconciler.item.plain import before_names, file_plain
from reconciler.item.puts import beneath
from reconciler.item.replicated import ReplicatedItem
from reconciler.simulation.world.expressions import Refused
from reconciler.values.wire import Image, Wire, canonical_image, to_json
from tests.builders import Replica, add, assign, discard, increment, remove, written
from tests.named import KEY, dot_of, element, named_on, shown, with_name
from tests.strategies import WORDS, collection, counter, register

MANAGED = written(
    assign("name", "Ada"),
    increment("balance", 100),
    add("tags", "a", "b"),
    assign("profile", {"city": "Oslo", "visits": 7}),
)
PLAIN: Image = {
    **KEY,
    "name": {"S": "Ada"},
    "balance": {"N": "100"},
    "tags": {"SS": ["a", "b"]},
    "email": {"S": "a@b"},
    "profile": {"M": {"city": {"S": "Oslo"}, "visits": {"N": "7"}}},
}
DELETED = Replica("use1", MANAGED).write(DELETE, at=1_500)
BEGINNINGS = {"managed": MANAGED, "plain": PLAIN, "nothing": None, "deleted": DELETED}
EDITS = st.one_of(
    register("name"),
    register("email"),
    counter("balance"),
    collection("tags"),
    # Of what an assignment took out of a set_rw nothing is known, so nobody assigns one here.
    st.builds(add, st.just("blocked"), WORDS),
    st.builds(discard, st.just("blocked"), WORDS),
    register("active", st.booleans()),
    register("profile.city", st.sampled_from(["Rome", "Bern"])),
    st.builds(increment, st.just("profile.visits"), st.integers(-3, 3)),
    collection("profile.labels"),
)
Made = tuple[Image, list[Dot]]
# A writer's region, when it drew its name, what it did: stamps tie, and clocks run back.
WRITES = st.lists(
    st.tuples(st.sampled_from(["use1", "euw1"]), st.integers(1_000, 1_004), EDITS),
    min_size=1,
    max_size=8,
)


def made(begin: Image | None, writes: Sequence[tuple[str, int, Edit]], first: int = 1) -> Made:
    """Return the item after named writes, those that DynamoDB refuses left out, and their dots."""
    image: Image = {} if begin is None else begin
    dots = []
    numbers = count(first)
    for by, at, edit in writes:
        number = next(numbers)
        try:
            image = named_on(image, edit, by=by, at=at, number=number)
        except Refused:
            continue
        dots.append(dot_of(by, at, number))
    return image, dots


def filed(image: Image, seen: Hlc | None = None) -> ReplicatedItem:
    """Return an image's item, whether it is managed or not."""
    if is_managed(image):
        return file(image, seen)
    return file_plain(image, KEY, lambda _: None, seen)


def outside_in(item: ReplicatedItem, image: Image | None = None) -> list[Dot]:
    """Return the dots of what counts as done around the library on top of something.

    But for what names took from others, if there was any.
    """
    basis = basis_of(image) if is_managed(image) and image is not None else ""
    names = names_in(image or {})
    taken_out = {lineage_of(basis, each) for name in names for each in places_taken(name)}
    heads = [Dot(*each) for each in item.context.heads.items() if each[0] not in taken_out]
    return [dot for dot in heads if dot.lineage.replica == ADOPTED and _is_on_top(dot.hlc)]


def _is_on_top(hlc: Hlc) -> bool:
    return hlc == NAMED_BY_PRESENCE


def value(image: Image | None, name: str) -> Any:
    return (read(image) or {}).get(name)


@pytest.mark.parametrize("begin", BEGINNINGS)
@given(writes=WRITES)
def test_an_item_is_what_its_names_made_of_it_and_nothing_was_done_around_them(
    begin: str, writes: list[tuple[str, int, Edit]]
) -> None:
    image, dots = made(BEGINNINGS[begin], writes)
    if not dots:
        return

    item = filed(image)

    assert item.shown() == shown(image)
    assert outside_in(item, image) == []
    assert [dot for dot in dots if not item.context.covers(dot)] == []
    assert item.exists
    assert item.tip is None
    assert file(encode(item)) == item  # what is filed is as it was written


@given(
    common=WRITES,
    ours=st.lists(st.integers(1, 9), max_size=4),
    theirs=st.lists(st.integers(1, 9), max_size=4),
)
def test_names_that_two_images_share_count_once_and_the_rest_of_both_counts(
    common: list[tuple[str, int, Edit]], ours: list[int], theirs: list[int]
) -> None:
    base, _ = made(MANAGED, common)
    before = read(base) or {}
    one = _counting(base, ours, "use1", 100)
    other = _counting(base, theirs, "euw1", 200)

    merged = merge(one, other)

    assert to_json(merged) == to_json(merge(other, one))
    after = read(merged) or {}
    total = int(before.get("balance", 0)) + sum(ours) + sum(theirs)
    assert after.get("balance", 0) == total
    members = {f"use1{n}" for n in ours} | {f"euw1{n}" for n in theirs}
    assert after.get("tags", set()) == before.get("tags", set()) | members
    assert {k: v for k, v in after.items() if k not in ("balance", "tags")} == {
        k: v for k, v in before.items() if k not in ("balance", "tags")
    }
    assert to_json(merge(merged, one)) == to_json(merged)


def _counting(image: Image, amounts: list[int], by: str, first: int) -> Image:
    for number, amount in enumerate(amounts, first):
        edits = increment("balance", amount), add("tags", f"{by}{amount}")
        image = named_on(image, *edits, by=by, at=3_000 + number, number=number)
    return image


def test_the_order_of_the_list_decides_and_not_the_stamps() -> None:
    image = named_on(MANAGED, increment("balance", 5), at=3_000, number=1)
    image = named_on(image, assign("balance", 20), at=2_000, number=2)
    image = named_on(image, increment("balance", 1), at=1_000, number=3)

    assert value(image, "balance") == 21
    assert file(image).shown()["balance"] == {"N": "21"}
    assert outside_in(file(image), image) == []


def test_an_assignment_by_a_slow_clock_stands_against_what_it_took_the_place_of() -> None:
    theirs = Replica("euw1", MANAGED).write(assign("name", "Eve"), at=6_000)
    before = Replica("use1", MANAGED).write(assign("name", "Ann"), at=9_000)
    ours = named_on(before, assign("name", "Bea"), at=5_000)

    assert value(merge(ours, theirs), "name") == "Bea"
    assert to_json(merge(ours, theirs)) == to_json(merge(theirs, ours))


def test_a_name_that_counted_once_does_not_count_again_once_it_is_metadata() -> None:
    image = named_on(MANAGED, increment("balance", 5))
    later = Replica("euw1", image).write(increment("balance", 1), at=3_000)

    assert value(later, "balance") == 106
    assert NAMES not in later
    assert value(merge(later, image), "balance") == 106


def test_a_named_write_brings_a_deleted_item_back_and_nothing_shines_through() -> None:
    image = named_on(DELETED, increment("balance", 5))
    assert EXPIRY not in image

    assert read(image) == {"id": "p1", "balance": 5}
    assert read(encode(file(image))) == {"id": "p1", "balance": 5}
    assert read(merge(image, DELETED)) == {"id": "p1", "balance": 5}


def test_a_delete_that_saw_a_name_stands_and_one_that_did_not_leaves_the_item_alive() -> None:
    image = named_on(MANAGED, increment("balance", 5))
    after = Replica("euw1", image).write(DELETE, at=4_000)
    beside = Replica("euw1", MANAGED).write(DELETE, at=4_000)

    assert read(merge(after, image)) is None
    assert value(merge(beside, image), "balance") == 105


def test_an_attribute_that_a_name_only_removed_still_takes_the_type_of_its_first_write() -> None:
    image = named_on(MANAGED, remove("points"))
    ours = named_on(image, increment("balance", 1), at=3_000, number=2)
    told = {**element(increment("balance", 5), at=4_000, number=3)["M"]}
    told["do"] = {"L": [{"L": [{"S": "increment"}, {"S": "points"}, {"N": "5"}]}]}

    counted = with_name({**ours, "points": {"N": "5"}}, {"M": told})

    item = file(counted)
    assert item.attributes["points"].type_name() == "counter_pn"
    assert outside_in(item, image) == []


def test_an_amount_that_names_brought_to_nothing_in_between_was_there_before_them() -> None:
    spent = named_on(PLAIN, increment("balance", -100), at=2_000)
    ours = named_on(spent, increment("balance", 5), at=3_000, number=2)
    theirs = named_on(PLAIN, increment("balance", 1), by="euw1", at=3_000)

    assert outside_in(filed(ours)) == []
    assert value(merge(encode(filed(ours)), encode(filed(theirs))), "balance") == 6


def test_an_amount_that_names_made_and_took_away_is_nothing_that_was_there() -> None:
    image = named_on(PLAIN, increment("profile.points", 5), at=2_000)
    image = named_on(image, remove("profile.points"), at=3_000, number=2)
    image = named_on(image, increment("profile.points", 7), at=4_000, number=3)

    assert before_names(image, KEY) == PLAIN


def test_the_same_element_twice_in_a_list_counts_once() -> None:
    once = named_on(MANAGED, increment("balance", 5))
    twice = {**once, NAMES: {"L": [*once[NAMES]["L"], *once[NAMES]["L"]]}}

    assert file(twice) == file(once)


def test_a_key_that_the_item_knows_adds_nothing_when_it_is_carried_out_again() -> None:
    """A put took the name away, so nothing refused the repetition, and it counted once more."""
    key = Once("order 1", 900).lineage().epoch
    done = increment("balance", 5), increment("profile.visits", 2), increment("balance", 1)

    def ordered(image: Image, at: int) -> Image:
        made = named_on(image, *done, at=at, number=at)
        told = made[NAMES]["L"][-1]["M"]
        return {**made, NAMES: {"L": [{"M": {**told, "once": {"S": key}}}]}}

    first = ordered(MANAGED, 2_000)
    put = {name: value for name, value in first.items() if name not in (METADATA, NAMES)}
    item = beneath(first, ordered(put, 2_500))

    assert item.shown()["balance"] == {"N": "106"}
    assert item.shown()["profile"]["M"]["visits"] == {"N": "9"}


def test_a_steady_writer_adds_to_its_own_name_and_all_of_it_counts_under_one_head() -> None:
    image = named_on(MANAGED, increment("balance", 5), at=2_000)
    (name,) = image[NAMES]["L"]
    more = [*name["M"]["do"]["L"], {"L": [{"S": "increment"}, {"S": "balance"}, {"N": "2"}]}]
    grown = {"M": {**name["M"], "do": {"L": more}, "to": {"N": "2500"}}}
    after = {**image, "balance": {"N": "107"}, NAMES: {"L": [grown]}}

    item = file(after)

    assert outside_in(item, image) == []
    assert item.context.heads[dot_of().lineage] == Hlc.of(2_500)
    assert item.shown()["balance"] == {"N": "107"}
    assert value(merge(after, image), "balance") == 107
    assert to_json(merge(after, image)) == to_json(merge(image, after))


# What is no element of the form


def broken(**changed: Any) -> Wire:
    """Return an element of which letters are missing (None), or are something else."""
    told = {**element(increment("balance", 5))["M"], **changed}
    return {"M": {letter: each for letter, each in told.items() if each is not None}}


def doing(*told: Any) -> Wire:
    return broken(do={"L": [{"L": list(told)}]})


NUMBER = {"N": "5"}
BALANCE = {"S": "balance"}
MALFORMED: dict[str, Wire] = {
    "no map": {"S": "increment"},
    "nothing": {"M": {}},
    "no writer": broken(by=None),
    "no time": broken(at=None),
    "no identifier": broken(id=None),
    "nothing done": broken(do=None),
    "a writer of another kind": broken(by=NUMBER),
    "the replica of writers around the library": broken(by={"S": "~"}),
    "the code of names": broken(by={"S": "use1~"}),
    "a writer with a dot in it": broken(by={"S": "use1.x"}),
    "no code": broken(by={"S": ""}),
    "a code in other letters": broken(by={"S": "US"}),
    "a code without end": broken(by={"S": "a" * 41}),
    "a time of another kind": broken(at={"S": "2000"}),
    "a time before all": broken(at={"N": "-1"}),
    "a time of parts": broken(at={"N": "2000.5"}),
    "a time beyond all": broken(at={"N": "9" * 38}),
    "a number that fills memory": broken(at={"N": "1E+125"}),
    "an identifier that is too short": broken(id={"S": "abc"}),
    "an identifier of other letters": broken(id={"S": "ä" * 11}),
    "an end beyond all": broken(to={"N": "9" * 38}),
    "a list of no lists": broken(do={"L": [NUMBER]}),
    "a list of another kind": broken(do={"S": "increment"}),
    "an empty deed": doing(),
    "a verb alone": doing({"S": "increment"}),
    "an unknown verb without a type": doing({"S": "double"}, BALANCE, NUMBER),
    "an unknown type": doing({"S": "increment"}, BALANCE, NUMBER, {"S": "counter_xy"}),
    "an addition without an amount": doing({"S": "increment"}, BALANCE),
    "a path of nothing": doing({"S": "increment"}, {"L": []}, NUMBER),
    "a path with nothing in it": doing({"S": "increment"}, {"L": [{"S": ""}]}, NUMBER),
    "a path of numbers": doing({"S": "increment"}, {"L": [NUMBER]}, NUMBER),
}
ON_TOP: dict[str, Wire] = {
    "an unknown verb": doing({"S": "double"}, BALANCE, NUMBER, {"S": "counter_pn"}),
    "an amount that is no number": doing({"S": "increment"}, BALANCE, {"S": "5"}),
    "a verb that the type does not have": doing({"S": "add"}, BALANCE, {"SS": ["a"]}),
    "a member that is none": doing({"S": "add"}, {"S": "tags"}, NUMBER),
    "a path into what holds nothing": doing(
        {"S": "increment"}, {"L": [BALANCE, {"S": "x"}]}, NUMBER
    ),
}


@pytest.mark.parametrize("form", MALFORMED)
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_what_is_no_name_counts_as_done_around_the_library(begin: str, form: str) -> None:
    before = BEGINNINGS[begin] or {**KEY}
    image = with_name({**before, "balance": {"N": "105"}}, MALFORMED[form])

    item = filed(image)

    assert names_in(image) == []
    assert item.shown() == shown(image)
    assert file(encode(item)) == item


@pytest.mark.parametrize("form", ON_TOP)
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_name_that_says_what_cannot_be_still_shows_what_is_there(begin: str, form: str) -> None:
    before = BEGINNINGS[begin] or {**KEY}
    image = with_name({**before, "balance": {"N": "105"}}, ON_TOP[form])

    item = filed(image)

    assert item.shown() == shown(image)
    assert item.context.covers(dot_of())
    assert read(encode(file(encode(item)))) == read(image)


def test_an_amount_that_no_number_holds_beside_the_rest_raises_nothing() -> None:
    form = doing({"S": "increment"}, BALANCE, {"N": "1E+125"})

    assert file(with_name({**MANAGED, "balance": {"N": "105"}}, form)).context.covers(dot_of())


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.text(max_size=12)),
        st.sampled_from([{"N": "0"}, {"N": "5"}, {"N": "1E+125"}, {"N": "-7"}, {"NULL": True}]),
        st.sampled_from([{"S": "increment"}, {"S": "balance"}, {"S": "use1"}, {"S": "~"}]),
        st.just({"SS": ["a", "b"]}),
        st.just({"BOOL": True}),
    ),
    lambda inner: st.one_of(
        st.builds(lambda held: {"L": held}, st.lists(inner, max_size=4)),
        st.builds(
            lambda held: {"M": held},
            st.dictionaries(
                st.sampled_from(["by", "at", "id", "do", "to", "x"]), inner, max_size=5
            ),
        ),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("begin", BEGINNINGS)
@given(listed=st.one_of(ANYTHING, st.lists(ANYTHING, max_size=3).map(lambda held: {"L": held})))
def test_whatever_stands_in_the_list_nothing_raises_and_the_item_shows_what_it_showed(
    begin: str, listed: Wire
) -> None:
    before = BEGINNINGS[begin] or {**KEY}
    image = canonical_image({**before, NAMES: listed})

    item = filed(image)

    if begin != "deleted":
        assert item.shown() == shown(image)
    assert file(encode(item)) == item


@pytest.mark.parametrize("letter", ["by", "at", "id", "do", "to"])
@given(given_=ANYTHING)
def test_one_letter_that_is_anything_at_all_does_no_harm(letter: str, given_: Wire) -> None:
    image = with_name({**MANAGED, "balance": {"N": "105"}}, broken(**{letter: given_}))

    item = file(image)

    assert item.shown() == shown(image)
    assert METADATA in encode(item)


def test_a_name_in_the_code_of_another_replica_is_that_replicas() -> None:
    # Whoever writes into the table can say so; it costs the replica nothing but a dot.
    image = with_name({**MANAGED, "balance": {"N": "105"}}, broken(by={"S": "euw1"}))

    assert file(image).context.covers(dot_of("euw1"))
    assert value(merge(image, MANAGED), "balance") == 105


def test_a_name_that_a_watermark_covers_counts_as_done_around_the_library() -> None:
    epoch = dot_of().lineage.epoch
    item = file(MANAGED)
    marks = {"use1~": epoch}
    context = type(item.context)(item.context.heads, marks)
    folded = encode(ReplicatedItem(item.key, item.attributes, context, None, item.alive))
    image = named_on(folded, increment("balance", 5))

    after = file(image)

    assert after.shown()["balance"] == {"N": "105"}
    assert len(outside_in(after)) == 1


def test_a_discard_of_a_plain_items_member_is_known_by_name() -> None:
    image = named_on(PLAIN, discard("tags", "b"))

    ours = Replica("use1", image).write(increment("balance", 1), at=3_000)
    theirs = Replica("euw1", PLAIN).write(increment("balance", 2), at=3_000)

    merged = merge(ours, theirs)
    assert value(merged, "tags") == {"a"}
    assert value(merged, "balance") == 103
    assert to_json(merged) == to_json(merge(theirs, ours))


def test_what_is_added_to_an_earlier_name_outlives_a_delete_that_saw_a_later_one() -> None:
    first = element(increment("balance", 5), at=2_000, number=1)
    second = element(increment("balance", 7), by="euw1", at=3_000, number=2)
    base = written(increment("balance", 100))
    both = {**base, "balance": {"N": "112"}, NAMES: {"L": [first, second]}}
    deleted = Replica("apse1", both).write(DELETE, at=4_000)
    told = {**first["M"], "to": {"N": "4000"}, "do": element(increment("balance", 8))["M"]["do"]}
    added = {**base, "balance": {"N": "115"}, NAMES: {"L": [{"M": told}, second]}}
    merged = merge(deleted, added)
    assert (read(merged) or {})["balance"] == 115
    assert to_json(merged) == to_json(merge(added, deleted))


def test_what_is_added_to_an_earlier_name_shows_in_an_item_that_was_deleted_and_revived() -> None:
    first = element(increment("balance", 5), at=2_000, number=1)
    second = element(increment("balance", 7), by="euw1", at=3_000, number=2)
    base = written(increment("balance", 100))
    both = {**base, "balance": {"N": "112"}, NAMES: {"L": [first, second]}}
    elsewhere = Replica("apse1", both)
    elsewhere.write(DELETE, at=4_000)
    revived = elsewhere.write(assign("name", "Ada"), at=5_000)
    told = {**first["M"], "to": {"N": "4000"}, "do": element(increment("balance", 8))["M"]["do"]}
    added = {**base, "balance": {"N": "115"}, NAMES: {"L": [{"M": told}, second]}}
    merged = merge(revived, added)
    assert (read(merged) or {})["balance"] == 3
    assert to_json(merged) == to_json(merge(added, revived))


def test_a_named_addition_to_a_number_in_a_map_that_nobody_gave_a_type_is_one() -> None:
    """It was an assignment of what shows, and took an addition made at once with it."""
    base = written(assign("profile.zip", "1"))
    raw = {**base, "profile": {"M": {**base["profile"]["M"], "visits": {"N": "1000"}}}}
    filed = encode(file(raw))
    one = named_on(filed, increment("profile.visits", 1), by="use1", number=1)
    other = named_on(filed, increment("profile.visits", 2), by="euw1", number=2)

    assert value(merge(one, other), "profile") == {"zip": "1", "visits": 1003}


PLACE: Wire = {"L": [{"S": "profile"}, {"S": "visits"}]}


def test_a_name_that_its_place_cannot_hold_is_parked_there_alone() -> None:
    base = written(increment("profile.visits", 7), assign("profile.zip", "1"))
    name = element(assign("profile.visits", 1))["M"]
    told = {"L": [{"L": [{"S": "assign"}, PLACE, {"S": "many"}]}]}
    fields = {**base["profile"]["M"], "visits": {"S": "many"}}
    image = with_name({**base, "profile": {"M": fields}}, {"M": {**name, "do": told}})

    item = file(image)

    assert [*item.foreign] == [("profile", "visits")]
    assert item.shown()["profile"] == {"M": fields}


def test_who_says_that_what_is_no_set_was_taken_out_of_one_took_no_member() -> None:
    base = written(add("tags", "a", "b"))
    name = element(discard("tags", "a"))["M"]
    told = {"L": [{"L": [{"S": "discard"}, {"S": "tags"}, {"BOOL": True}]}]}
    image = with_name({**base, "tags": {"SS": ["b"]}}, {"M": {**name, "do": told}})

    assert file(image).shown()["tags"] == {"SS": ["b"]}
