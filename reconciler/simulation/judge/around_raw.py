"""What raw writers wrote, in what readers see: kept where it must be, never counted twice (P3, P4).

Where nobody can know (two regions' raw writes on one version, whole puts, stale copies, deletes) a
raw write may be gone; then it is counted, not wrong. Twice is always wrong.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.simulation.judge.around import Around
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.outside import BEFORE, BEFORE_SLOT, RAW, SLOTS, UNIT, raw_leaves
from reconciler.values.wire import Path, from_wire, label

_MOST_A_SLOT = 3  # more carry into the next one
Found = Iterator[Problem | str]  # a broken promise, or what is counted


def raw_parts(around: Around, shown: Mapping[str, Any] | None) -> Found:
    """Yield what is wrong with raw writers' parts of counters, sets and lists, or is counted."""
    for path, kind in raw_leaves(around.schema).items():
        value = (shown or {}).get(path[0])
        if kind == "counter_pn":
            yield from _counter(around, path, value)
        elif kind == "set_aw":
            yield from _members(around, path, value)
        elif kind == "list":
            yield from _entries(around, path, value)


def _counter(around: Around, path: Path, shown: Any) -> Found:
    slots: dict[int, list[int]] = {}
    for done, _ in around.edits_at(path, "increment"):
        slots.setdefault(done.operation.number % SLOTS, []).append(done.operation.number)
    if path[0] in around.before:
        slots[BEFORE_SLOT] = [-1]
    if max(map(len, slots.values()), default=0) > _MOST_A_SLOT:
        return
    total = int(shown or 0) // UNIT
    if total < 0:
        yield _problem("doubled", around, path, "less than nothing is left of raw amounts", ())
        return
    for slot in range(BEFORE_SLOT + 1):
        digit, total = total % 4, total // 4
        numbers = slots.get(slot, [])
        if slot == BEFORE_SLOT and digit == 1 and not numbers and _may_be_back(around):
            yield "what a deleted item held is back beside a delete for good"
        elif digit > len(numbers) + sum(
            done.operation.number % SLOTS == slot for done in around.gone
        ):
            yield _twice(around, path, numbers, digit)
        elif digit < len(numbers):
            gone = numbers[: len(numbers) - digit]
            yield from _gone(
                around, path, gone, "increment", met=_may_have_met(around, path, numbers)
            )
    if total:
        yield _twice(around, path, [-1], total)


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
    untyped = around.untyped(path, "increment")
    others = seen.keys() - {*numbers}
    unseen = {o for o in others if one not in seen[o] and o not in seen.get(one, ())}
    is_one = _is_one_value_with_another(around, path, "increment", one)
    return (
        (apart and len(numbers) > 1)
        or is_one
        or any(
            (around.are_of_one_image(one, other) and (apart or other in unseen))
            or (one in untyped and other in untyped and other in unseen)
            for other in others
        )
    )


def _members(around: Around, path: Path, shown: Any) -> Found:
    held = shown if isinstance(shown, set) else set()
    discarded = {member for _, edit in around.edits_at(path, "discard") for member in _given(edit)}
    added = {
        member: done.operation.number
        for done, edit in around.edits_at(path, "add")
        for member in _given(edit)
    }
    if path[0] in around.before:
        added[BEFORE] = -1
    for member in sorted(added.keys() - discarded - held):
        number = added[member]
        met = not around.is_of_one_region() or _is_one_value_with_another(
            around, path, "add", number
        )
        yield from _gone(around, path, [number], "member", met=met)
    if held & discarded:
        yield "a raw discard did not last"


def _is_one_value_with_another(around: Around, path: Path, verb: str, number: int) -> bool:
    """Return whether others added since, or on one image with this, to what is of no type yet.

    That is one value: of two of one image the later is taken to stand, and a region may have but
    the earlier; of two of two images the one that was seen later stands.
    """
    untyped = around.untyped(path, verb)
    seen = next((done.seen for done in around.raw if done.operation.number == number), frozenset())
    return number in untyped and any(
        other not in seen or around.are_of_one_image(number, other) for other in untyped - {number}
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
        (entry,) = _given(edit)
        if times[entry] > 1:
            yield _twice(around, path, [number], times[entry])
        elif not times[entry]:
            yield from _gone(around, path, [number], "entry", met=met)


def _given(edit: Edit) -> Sequence[str]:
    """Return the members or entries of an edit."""
    values = from_wire(edit.value or {"L": []})
    return sorted(map(str, values))


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
