"""What raw writers wrote, in what readers see: kept where it must be, never counted twice (P3, P4).

Where nobody can know (two regions' raw writes on one version, whole puts, stale copies, deletes) a
raw write may be gone; then it is counted, not wrong. Twice is always wrong.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.simulation.judge.around import Around
from reconciler.simulation.judge.leaf_writes import at, members_of
from reconciler.simulation.judge.oracle_types import GONE
from reconciler.simulation.judge.problem import REMOVAL_UNDONE, Problem
from reconciler.simulation.plan.outside import BEFORE, BEFORE_SLOT, RAW, SLOTS, UNIT, raw_leaves
from reconciler.simulation.plan.raw import SAVE
from reconciler.values.wire import Path, label

_MOST_A_SLOT = 3  # more carry into the next one
TAKEN_TWICE = "a raw amount taken off twice beside stale copies"
Found = Iterator[Problem | str]  # a broken promise, or what is counted


def raw_parts(around: Around, shown: Mapping[str, Any] | None) -> Found:
    """Yield what is wrong with raw writers' parts of counters, sets and lists, or is counted."""
    for path, kind in raw_leaves(around.schema).items():
        value = at(path, shown)
        if kind == "counter_pn":
            yield from _counter(around, path, value)
        elif kind == "set_aw":
            yield from _members(around, path, value)
        elif kind == "list":
            yield from _entries(around, path, value)


def _counter(around: Around, path: Path, shown: Any) -> Found:
    slots = _slots(around, path)
    if max(map(len, slots.values()), default=0) > _MOST_A_SLOT:
        return
    total = int(0 if shown is GONE else shown) // UNIT
    if total < 0:
        words = "less than nothing is left of raw amounts"
        found = _problem("doubled", around, path, words, ())
        yield TAKEN_TWICE if _may_lack(around) else found
        return
    for slot, times in _times(total, slots, may_lack=_may_lack(around)):
        numbers = slots.get(slot, [])
        lost = sum(done.operation.number % SLOTS == slot for done in around.gone)
        if times < 0:
            yield TAKEN_TWICE
        elif slot == BEFORE_SLOT and times == 1 and not numbers and _may_be_back(around):
            yield "what a deleted item held is back beside a delete for good"
        elif times > len(numbers) + lost:
            yield _twice(around, path, numbers, times)
        elif times < len(numbers):
            gone = numbers[: len(numbers) - times]
            met = _may_have_met(around, path, numbers)
            yield from _gone(around, path, gone, "increment", met=met)


def _may_lack(around: Around) -> bool:
    """Return whether stale copies were saved, be it of an item that went since."""
    return around.is_put_stale() or SAVE in around.calls_gone


def _slots(around: Around, path: Path) -> dict[int, list[int]]:
    """Return which operations added to a counter, by the slot of their amounts."""
    slots: dict[int, list[int]] = {}
    for done, _ in around.edits_at(path, "increment"):
        slots.setdefault(done.operation.number % SLOTS, []).append(done.operation.number)
    if around.was_before(path):
        slots[BEFORE_SLOT] = [-1]
    return slots


def _times(
    total: int, slots: Mapping[int, Sequence[int]], *, may_lack: bool
) -> Iterator[tuple[int, int]]:
    """Yield how often the amounts of each slot count; what is beyond all slots comes last.

    `may_lack`: one may be taken off that is not in, where one stale copy shows that it is gone and
    another took the place of what it was in.
    """
    for slot in range(BEFORE_SLOT + 1):
        times, total = total % 4, total // 4
        if may_lack and times == _MOST_A_SLOT > len(slots.get(slot, ())):
            times, total = -1, total + 1
        yield slot, times
    yield BEFORE_SLOT + 1, total


def _may_be_back(around: Around) -> bool:
    """Return whether a tombstone was deleted for good, and the item written anew.

    A region that got both as one change cannot tell that from an item created in two regions.
    """
    return around.began_deleted() and (around.is_deleted_raw() or around.has_ended)


def _may_have_met(around: Around, path: Path, numbers: Sequence[int]) -> bool:
    """Return whether others may have written on one image with these, so that the greater stands.

    In one region they did if neither saw the other: a named write from elsewhere took the place of
    the first, and left the image what it is. Amounts of no type yet are met wherever they are.
    """
    apart, one = not around.is_of_one_region(), numbers[0]
    seen = {done.operation.number: done.seen for done in around.raw}
    untyped = [each for each in around.of_one_value(path) if one in each]
    others = seen.keys() - {*numbers}
    unseen = {o for o in others if one not in seen[o] and o not in seen.get(one, ())}
    is_one = is_one_value_with_another(around, path, one)
    return (
        (apart and len(numbers) > 1)
        or is_one
        or any(
            (around.are_of_one_image(one, other) and (apart or other in unseen))
            or (other in unseen and any(other in each for each in untyped))
            for other in others
        )
    )


def _members(around: Around, path: Path, shown: Any) -> Found:
    held = shown if isinstance(shown, set) else set()
    discarded = {
        member for _, edit in around.edits_at(path, "discard") for member in members_of(edit)
    }
    added = {
        member: done.operation.number
        for done, edit in around.edits_at(path, "add")
        for member in members_of(edit)
    }
    if around.was_before(path):
        added[BEFORE] = -1
    for member in sorted(added.keys() - discarded - held):
        number = added[member]
        met = not around.is_of_one_region() or is_one_value_with_another(around, path, number)
        if not around.takers(path, member):
            yield from _gone(around, path, [number], "member", met=met)
    for member in sorted(held & discarded):
        yield from _discard_undone(around, path, member)
    for member in sorted(held & added.keys()):
        yield from _removal_undone(around, path, member, added[member])


def _discard_undone(around: Around, path: Path, member: str) -> Found:
    """Yield that a raw writer took a member out which is there, though nobody else put it in."""
    numbers = [
        done.operation.number
        for done, edit in around.edits_at(path, "discard")
        if member in members_of(edit)
    ]
    is_met = not around.is_of_one_region() or any(
        is_one_value_with_another(around, path, number) for number in numbers
    )
    if is_met or not around.keeps_updates() or around.removes(path, "assign"):
        yield "a raw discard did not last"
    else:
        words = f"{member}, which {_operations(numbers)} took out, is back"
        yield _problem("undone", around, path, words, numbers)


def _removal_undone(around: Around, path: Path, member: str, number: int) -> Found:
    """Yield that library writers took a raw member out, having seen it, and it is there."""
    takers = [done for done in around.takers(path, member) if number in done.seen]
    if not takers:
        return
    if around.is_put() or SAVE in around.calls or around.is_of_no_type(number, path):
        yield REMOVAL_UNDONE
    else:
        words = f"{member} is back, which {_operations([d.operation.number for d in takers])} saw"
        yield _problem("lost", around, path, words, [done.operation.number for done in takers])


def is_one_value_with_another(around: Around, path: Path, number: int) -> bool:
    """Return whether others wrote since, or on one image with this, what is of no type yet.

    That is one value: of two of one image the later is taken to stand, and a region may have but
    the earlier; of two of two images the one that was seen later stands.
    """
    seen = next((done.seen for done in around.raw if done.operation.number == number), frozenset())
    return any(
        other not in seen or around.are_of_one_image(number, other)
        for untyped in around.of_one_value(path)
        if number in untyped
        for other in untyped - {number}
    )


def _entries(around: Around, path: Path, shown: Any) -> Found:
    times = Counter(shown if isinstance(shown, list) else ())
    appended = list(around.edits_at(path, "append"))
    for done, edit in appended:
        number = done.operation.number
        # A list is one value: of two who append at once, or to one image, one stands.
        met = not around.is_of_one_region() or any(
            (number not in other.seen and other.operation.number not in done.seen)
            or around.are_of_one_image(number, other.operation.number)
            for other, _ in appended
            if other is not done
        )
        (entry,) = members_of(edit)
        if times[entry] > 1:
            yield _twice(around, path, [number], times[entry])
        elif not times[entry]:
            yield from _gone(around, path, [number], "entry", met=met)


def _gone(around: Around, path: Path, numbers: list[int], what: str, *, met: bool = False) -> Found:
    left = [number for number in numbers if not around.may_be_taken(number, path)]
    if not left:
        return
    if around.keeps_updates() and not met:
        words = f"the {RAW} {what} of {_operations(left)} is gone"
        yield _problem("undone", around, path, words, left)
    else:
        yield f"a raw {what} gone"


def _twice(around: Around, path: Path, numbers: list[int], times: int) -> Problem:
    text = f"what {_operations(numbers)} added around the library counts {times} times"
    return _problem("doubled", around, path, text, numbers)


def _operations(numbers: list[int]) -> str:
    named = ", ".join(BEFORE if number < 0 else str(number) for number in numbers)
    return f"operation {named}" if named else "nobody"


def _problem(
    kind: str, around: Around, path: Path, text: str, numbers: list[int] | tuple[int, ...]
) -> Problem:
    about = tuple(number for number in numbers if number >= 0)
    return Problem(kind, around.key, f"{label(path)}: {text}", about)
