"""What library writers wrote, in an item that others wrote around the library: exact (P2, P3).

Of what readers see, the library's part is taken: amounts below the unit of raw ones, members that
no raw writer adds, attributes that only the library writes. It must be what the history of library
writes alone says. An attribute that both write must show a write that nobody saw who wrote after.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.simulation.judge.around import Around
from reconciler.simulation.judge.around_raw import Found, is_one_value_with_another
from reconciler.simulation.judge.differences import differences
from reconciler.simulation.judge.leaf_writes import LeafWrite, at
from reconciler.simulation.judge.oracle import History
from reconciler.simulation.judge.oracle_types import GONE
from reconciler.simulation.judge.problem import REMOVAL_UNDONE, Problem
from reconciler.simulation.judge.saved_copies import is_delete, may_be_undone
from reconciler.simulation.plan.outside import BEFORE, LOG, RAW, UNIT, raw_leaves
from reconciler.simulation.plan.raw import SAVE
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Path, label

REMOVAL_HIDDEN = "a library add gone to a removal that a put hid"
BESIDE_ANOTHER = "a raw value back beside another one of its image, which the library replaced"
_TOUCH = Edit((RAW,), "assign", {"S": RAW})


def library_parts(around: Around, shown: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Yield how the library's part of what readers see differs from its history."""
    if not around.library:
        return
    answers = [list(_under(history, around, shown)) for history in _histories(around)]
    yield from min(answers, key=len)


def _histories(around: Around) -> list[History]:
    """Return what may be taken for the history of the library's writes.

    Where it deleted the item and others wrote on, these writes revive it or do not: nobody says.
    Nor whether a copy from before the delete, saved over it, keeps it alive, or one of an item that
    was deleted before brings it back, with what is written on that. A copy alone is no write.
    """
    alone = History(around.schema, around.library)
    if not around.is_deleted():
        return [alone]
    touched = [*around.library, *map(_touch, around.raw)]
    deletes = {done.operation.number for done in around.library if is_delete(done)}
    writes = [done for done in around.raw if done.operation.edits or done.operation.raw != SAVE]
    later = [done for done in writes if done.copy != "tombstone" or deletes <= done.seen]
    again = [History(around.schema, [*around.library, *map(_touch, later)])]
    kept = [_kept(done) if may_be_undone(done, around.raw) else done for done in around.library]
    undone = [History(around.schema, kept)] if kept != around.library else []
    return [alone, History(around.schema, touched), *again, *undone]


def _kept(delete: Done) -> Done:
    return replace(delete, operation=replace(delete.operation, edits=delete.operation.edits[:-1]))


def _touch(done: Done) -> Done:
    return replace(done, operation=replace(done.operation, edits=(_TOUCH,)))


def _under(history: History, around: Around, shown: Mapping[str, Any] | None) -> Iterator[Problem]:
    expected = history.value()
    if expected is not None:
        expected.pop(RAW, None)
    if shown is None:
        if expected is not None:
            yield from differences(around.key, history, None)
        return
    part = _library_part(around, shown, expected or {})
    if expected is None:
        if part:
            text = f"the item was deleted, and shows {', '.join(sorted(part))} of the library"
            yield Problem("wrong", around.key, text)
        return
    if RAW in (history.value() or {}):
        part[RAW] = RAW
    yield from differences(around.key, history, part)


def _library_part(
    around: Around, shown: Mapping[str, Any], expected: Mapping[str, Any]
) -> dict[str, Any]:
    part = {name: value for name, value in shown.items() if name not in around.schema.key}
    for path, kind in raw_leaves(around.schema).items():
        part = _with_leaf(part, path, _of_library(kind, at(path, part), at(path, expected)))
    return part


def _of_library(kind: str, held: Any, must_be: Any) -> Any:
    if kind == "counter_pn":
        return _below_unit(held, must_be)
    if kind == "set_aw":
        whole = held if isinstance(held, set) else set()
        return {member for member in whole if not _is_raw(member)} or GONE
    return must_be  # what both write is judged for itself


def _with_leaf(held: Mapping[str, Any], path: Path, leaf: Any) -> dict[str, Any]:
    """Return a map with another leaf in it, or without one; a map that empties so goes, too."""
    name, *rest = path
    if rest:
        inner = held.get(name, {})
        if not isinstance(inner, Mapping):
            return dict(held)
        leaf = _with_leaf(inner, tuple(rest), leaf) or GONE
    left = {other: value for other, value in held.items() if other != name}
    return left if leaf is GONE else {**left, name: leaf}


def _below_unit(held: Any, expected: Any) -> Any:
    if held is GONE or not isinstance(held, int):
        return held
    left = held % UNIT
    return expected if left == 0 and expected in (GONE, 0) else left


def _is_raw(member: Any) -> bool:
    return str(member).startswith((RAW, BEFORE))


def shared_leaves(around: Around, shown: Mapping[str, Any] | None) -> Found:
    """Yield what is wrong with the registers that both write, or what is counted."""
    for path, kind in raw_leaves(around.schema).items():
        if kind == "register_lww" and path != LOG:
            yield from _register(around, path, at(path, shown))


def _register(around: Around, path: Path, shown: Any) -> Found:
    writes = around.writes_at(path)
    shown_ones = [write for write in writes if write.value == shown]
    heads = [write for write in writes if not any(other.saw(write) for other in writes)]
    if any(write in heads for write in shown_ones) or (shown is GONE and around.is_deleted()):
        return
    text = f"{label(path)} must show {_values(heads)}, shows {_values(shown_ones) or shown!r}"
    about = tuple(sorted(write.number for write in heads if write.number >= 0))
    over_library = all(
        any(other.saw(write) and not other.call for other in writes) for write in shown_ones
    )
    if shown is GONE and not shown_ones:
        over_library = any(not head.call for head in heads)
    if over_library and around.is_put() and any(head.value is GONE for head in heads):
        yield REMOVAL_UNDONE
    elif over_library and (
        _is_beside_another(around, shown_ones, writes)
        or _is_back_with_another(around, path, shown_ones, writes)
    ):
        yield BESIDE_ANOTHER
    elif over_library and not (around.is_put() and any(head.call for head in heads)):
        yield Problem("lost", around.key, f"{text}: a library write is undone", about)
    elif (
        not over_library
        and around.keeps_updates()
        and around.is_of_one_region()
        and not around.is_deleted()
        and not any(
            around.are_of_one_image(write.number, head.number)
            for write in shown_ones
            for head in heads
        )
        and not all(is_one_value_with_another(around, path, head.number) for head in heads)
        # A value that is put back to what the version held cannot be told from one never changed.
        and any(head.value is not GONE for head in heads)
    ):
        yield Problem("undone", around.key, f"{text}: a raw write is undone", about)
    else:
        yield "a raw value gone"


def _is_beside_another(
    around: Around, shown: Sequence[LeafWrite], writes: Sequence[LeafWrite]
) -> bool:
    """Return whether all that is shown are raw writes of which another took the place by no name.

    Of two on one image only the later shows, so who replaces that does not know the earlier.
    """
    raw = [write for write in writes if write.call]

    def is_hidden(write: LeafWrite, by: LeafWrite) -> bool:
        over = [each for each in writes if not each.call and each.saw(write)]
        is_of_one = by.saw(write) and around.are_of_one_image(write.number, by.number)
        return is_of_one and all(each.saw(by) for each in over)

    return bool(shown) and all(any(is_hidden(write, each) for each in raw) for write in shown)


def _is_back_with_another(
    around: Around, path: Path, shown: Sequence[LeafWrite], writes: Sequence[LeafWrite]
) -> bool:
    """Return whether all that is shown are raw writes in a map of no type yet, which others wrote
    once more beside them: that is one value, and who took the place of these did not see it."""
    here = {each.number for each in writes}

    def is_back(write: LeafWrite) -> bool:
        over = [each for each in writes if not each.call and each.saw(write)]
        later = {d.operation.number for d in around.raw if write.number in d.seen}
        return any(
            any(number not in each.seen for each in over)
            for untyped in around.of_one_value(path)
            if write.number in untyped
            for number in (later & untyped) - here
        )

    return bool(shown) and all(map(is_back, shown))


def _values(writes: Sequence[LeafWrite]) -> str:
    named = ("nothing" if write.value is GONE else repr(write.value) for write in writes)
    return " or ".join(dict.fromkeys(named))
