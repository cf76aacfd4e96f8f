"""counter_pn: concurrent amounts add up, once each, exactly."""

from decimal import Decimal
from typing import Any, cast

import pytest

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    NAMED_BY_PRESENCE,
    UNTYPED,
    CausalContext,
    Dot,
    Lineage,
)
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.crdt.base import LocalWrite
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.counter_removals import Seen
from reconciler.errors import InvalidInput
from reconciler.item.filing import filed_image
from reconciler.item.image import DELETE, merge, read
from tests.builders import Replica, as_stream, assign, increment, remove, written
from tests.named import named_on


def balance(image: Any) -> Any:
    plain = read(image)
    assert plain is not None
    return plain.get("balance")


def forks(*edits: Any) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(assign("name", "Ada"), *edits, at=1_000)
    return Replica("use1", base), Replica("euw1", base)


def test_concurrent_increments_and_decrements_add_up() -> None:
    ours, theirs = forks(assign("balance", 10))
    merged = merge(ours.write(increment("balance", 5)), theirs.write(increment("balance", -8)))
    assert balance(merged) == 7


def test_concurrent_assignments_of_one_counter_add_their_differences() -> None:
    ours, theirs = forks(assign("balance", 10))
    merged = merge(ours.write(assign("balance", 15)), theirs.write(assign("balance", 17)))
    assert balance(merged) == 22


def test_removing_takes_away_what_was_seen_and_keeps_what_was_not() -> None:
    ours, theirs = forks(assign("balance", 10))
    removed = ours.write(remove("balance"), at=2_000)
    assert balance(removed) is None
    assert balance(merge(removed, theirs.write(increment("balance", 3)))) == 3


def test_counting_on_after_a_removal_starts_from_zero_in_every_lineage() -> None:
    ours, theirs = forks(assign("balance", 10))
    ours.write(increment("balance", 1), at=2_000)
    ours.write(remove("balance"), at=2_001)
    again = ours.write(increment("balance", 4), at=2_002)
    assert balance(again) == 4
    assert balance(merge(again, theirs.write(increment("balance", 100)))) == 104


def test_a_counter_at_zero_is_visible() -> None:
    assert balance(written(increment("balance", 0))) == 0


def test_many_digits_are_exact() -> None:
    tiny, huge = Decimal("1E-30"), Decimal("1E+30")
    ours, theirs = forks()
    a, b = ours.write(increment("balance", huge)), theirs.write(increment("balance", tiny))
    back = Replica("use1", merge(a, b)).write(increment("balance", -huge), at=9_000)
    assert balance(back) == tiny


def test_removing_a_counter_of_38_digits_leaves_nothing_behind() -> None:
    # Negating a Decimal rounds it to 28 digits: what was left came back with the next increment.
    ours, theirs = forks(increment("balance", 10**37 + 1))
    for clear in (remove("balance"), DELETE):
        cleared = Replica("use1", ours.image)
        cleared.write(clear, at=2_000)
        assert balance(cleared.write(increment("balance", 4), at=3_000)) == 4
    assert balance(merge(ours.write(remove("balance")), theirs.write(increment("balance")))) == 1


def test_a_sum_beyond_38_digits_is_shown_rounded_and_still_merges() -> None:
    ours, theirs = forks()
    big = Decimal("9E+125")
    merged = merge(ours.write(increment("balance", -big)), theirs.write(increment("balance", -big)))
    assert balance(merged) < -big
    assert merge(merged, merged) == merged


def test_an_amount_that_would_round_is_refused() -> None:
    ours, _ = forks(increment("balance", 1))
    ours.write(increment("balance", Decimal("1E+30")))
    with pytest.raises(InvalidInput, match="balance: the counter's slot has 41 significant digits"):
        ours.write(increment("balance", Decimal("1E-10")))


def test_text_is_no_amount() -> None:
    with pytest.raises(InvalidInput, match="balance: a counter_pn takes a number"):
        written(increment("balance", "5"))


# Two resets at once


@pytest.mark.parametrize("story", ["deleted and revived", "removed and added", "assigned anew"])
def test_two_regions_that_reset_a_counter_at_once_take_away_once_what_both_saw(story: str) -> None:
    base = written(assign("balance", 100), assign("name", "Ada"))
    reset = {
        "deleted and revived": [DELETE],
        "removed and added": [remove("balance")],
        "assigned anew": [remove("balance")],
    }[story]
    add = assign if story == "assigned anew" else increment
    images = [
        Replica(name, base).write(*reset, add("balance", amount), at=2_000)
        for name, amount in (("use1", 5), ("euw1", 7))
    ]
    merged = merge(*images)
    assert merged == merge(*reversed(images))
    assert (read(merged) or {})["balance"] == 12


def test_what_was_added_before_and_after_a_reset_within_one_write_is_told_apart() -> None:
    ours = Replica("use1")
    ours.write(increment("balance", -3), remove("balance"), increment("balance", -3))
    theirs = Replica("euw1", ours.image).write(remove("balance"), at=2_000)
    assert read(theirs) is not None
    later = ours.write(increment("balance", -3), at=2_000)
    assert (read(merge(theirs, later)) or {})["balance"] == -3


def test_a_removal_of_a_folded_counter_and_one_of_its_slots_take_away_once() -> None:
    slot = Dot(Lineage.of("use1", "0" * EPOCH_WIDTH), Hlc.of(5))
    other = Dot(Lineage.of("euw1", "0" * EPOCH_WIDTH), Hlc.of(7))
    unfolded = CounterPn({slot: Decimal(10)}, (slot,))
    heads = CausalContext({slot.lineage: slot.hlc}, {})
    marked = CausalContext({}, {"use1": slot.lineage.epoch})
    folded = cast(CounterPn, unfolded.fold("use1", slot.lineage.epoch))
    by_slot = cast(CounterPn, unfolded.forget(LocalWrite(other, {})))
    by_base = cast(CounterPn, folded.forget(LocalWrite(other, marked.watermarks)))
    assert cast(CounterPn, by_slot.join(by_base, heads, marked)).total() == 0
    assert cast(CounterPn, by_base.join(by_slot, marked, heads)).total() == 0
    assert cast(CounterPn, by_slot.join(folded, heads, marked)).total() == 0


def test_what_two_regions_added_around_the_library_to_one_image_is_gone_once_one_is_removed() -> (
    None
):
    """The greater of both stands for both, and the removal saw the lesser one: not 64 - 16."""
    base = written(increment("balance", 100))
    here, there = ({**base, "balance": {"N": n}} for n in ("116", "164"))
    removed = Replica("use1", here).write(remove("balance"), at=2_000)
    anew = Replica("use1", removed).write(increment("balance", 1), at=3_000)
    assert balance(merge(anew, there)) == 1


def around(number: int, hlc: Hlc = NAMED_BY_PRESENCE) -> Dot:
    return Dot(Lineage.of(ADOPTED, fixed_width(number, EPOCH_WIDTH)), hlc)


LAST = fixed_width(9, EPOCH_WIDTH)


def test_a_fold_of_what_was_added_around_the_library_changes_no_value() -> None:
    slots = {around(n): Decimal(n) for n in (1, 2, 10)}
    state = CounterPn(slots, (around(1),))

    folded = state.fold(ADOPTED, LAST)

    assert folded.visible() == state.visible() == {"N": "13"}
    assert folded == CounterPn({around(10): Decimal(10)}, (around(1),), {ADOPTED: Decimal(3)})


@pytest.mark.parametrize("saw", [2, 1, 0])
def test_what_a_removal_took_of_it_stays_taken_in_a_fold(saw: int) -> None:
    seen = Seen(NAMED_BY_PRESENCE, True, Decimal(saw))
    state = CounterPn(
        {around(1): Decimal(1), around(2): Decimal(2)}, (around(1),), {}, {around(2).lineage: seen}
    )

    folded = state.fold(ADOPTED, LAST)

    assert isinstance(folded, CounterPn)
    assert folded.visible() == state.visible() == {"N": "1"}
    removal = folded.forget(LocalWrite(around(20), {ADOPTED: LAST}))
    assert isinstance(removal, CounterPn)
    assert removal.total() == 0


def test_a_removal_that_arrives_after_the_fold_takes_what_it_saw() -> None:
    slots = {around(n): Decimal(n) for n in (1, 2)}
    heads = {dot.lineage: dot.hlc for dot in slots}
    state = CounterPn(slots, (around(1),))
    folded = state.fold(ADOPTED, LAST)
    removed = state.forget(LocalWrite(around(20), {}))

    joined = folded.join(removed, CausalContext({}, {ADOPTED: LAST}), CausalContext(heads))

    assert isinstance(joined, CounterPn)
    assert joined.total() == 0


def test_what_an_image_showed_is_no_part_of_a_sum() -> None:
    shown = {around(1, UNTYPED): Decimal(5), around(2, UNTYPED): Decimal(7)}
    state = CounterPn({**shown, around(3): Decimal(1)}, (around(1, UNTYPED),))

    folded = state.fold(ADOPTED, LAST)

    assert isinstance(folded, CounterPn)
    assert folded.slots == shown
    assert folded.visible() == state.visible() == {"N": "8"}


def test_a_removal_that_knows_of_an_amount_which_a_put_took_out_leaves_nothing_below_zero() -> None:
    seen = Seen(NAMED_BY_PRESENCE, True, Decimal(5))
    state = CounterPn({}, (around(3),), {}, {around(1).lineage: seen})

    assert state.visible() == {"N": "0"}


def test_what_a_put_changed_an_amount_by_stays_where_what_it_rests_on_is_folded() -> None:
    put = around(3, BY_A_PUT)
    state = CounterPn({around(1): Decimal(5), put: Decimal(-2)}, (put,))
    up_to = around(1).lineage.epoch
    folded = state.fold(ADOPTED, up_to)

    joined = folded.join(
        state,
        CausalContext({put.lineage: put.hlc}, {ADOPTED: up_to}),
        CausalContext({dot.lineage: dot.hlc for dot in state.slots}),
    )

    assert joined.visible() == state.visible() == {"N": "3"}


def test_who_removes_what_was_added_raw_leaves_an_increment_beneath_another_such_alone() -> None:
    """What was added raw has one name in both regions, and the name alone said that it existed."""
    base = written(increment("balance", 100))
    here = Replica("use1", base)
    here.image = named_on(as_stream({**base, "balance": {"N": "105"}}), increment("balance", 7))
    there = Replica("euw1", as_stream({**base, "balance": {"N": "150"}}))
    there.write(remove("balance"), at=2_000)

    merged = merge(filed_image(here.image), there.image or {})

    assert balance(merged) == 7
    assert merged == merge(there.image or {}, filed_image(here.image))
