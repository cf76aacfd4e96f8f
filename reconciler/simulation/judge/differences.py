"""How what readers see differs from what the history says, and which operations that is about.

It names operations, not only values. An increment that is missing or counted again is found from
the difference alone, because the increments of a run are large and unique.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from reconciler.simulation.judge.oracle import ITEM, History
from reconciler.simulation.judge.oracle_types import GONE, OneOf, Part, live
from reconciler.simulation.judge.problem import Problem
from reconciler.values.wire import Path

_SETS = ("set_aw", "set_rw")
_MOST_NAMED = 8


def differences(key: str, history: History, shown: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Yield what is wrong with what readers see of an item, the key left out; None is no item."""
    expected = history.value()
    if expected is None or shown is None:
        if expected is not shown:
            yield _existence(key, history, gone=shown is None)
        return
    for name in sorted(expected.keys() | shown.keys()):
        yield from _at((name,), key, history, expected.get(name, GONE), shown.get(name, GONE))


def _existence(key: str, history: History, *, gone: bool) -> Problem:
    verb = "alive" if gone else "delete"
    numbers = _numbers(live(history.parts(ITEM), verb))
    if gone:
        return Problem("lost", key, f"the item is gone; {_in_words(numbers)} keep it", numbers)
    return Problem("wrong", key, f"the item is there; {_in_words(numbers)} deleted it", numbers)


def _at(path: Path, key: str, history: History, expected: Any, shown: Any) -> Iterator[Problem]:
    if expected is shown or expected == shown:
        return
    if isinstance(expected, OneOf) and expected.allows(shown):
        return
    kind, where = history.type_of(path), ".".join(path)
    if kind == "map_or" and not _missing(dict, expected, shown):
        before, after = ({} if each is GONE else each for each in (expected, shown))
        for name in sorted(before.keys() | after.keys()):
            one, other = before.get(name, GONE), after.get(name, GONE)
            yield from _at((*path, name), key, history, one, other)
    elif kind == "counter_pn":
        yield from _counter(path, key, history, expected, shown)
    elif kind in _SETS and not _missing(set, expected, shown):
        yield from _set(path, key, history, expected, shown)
    else:
        numbers = _numbers(live(history.parts(path), "assign", "remove"))
        text = f"{where} must show {_text(expected)} ({_in_words(numbers)}), shows {_text(shown)}"
        yield Problem("wrong" if expected is GONE else "lost", key, text, numbers)


def _missing(kind: type, *values: Any) -> bool:
    return any(value is not GONE and not isinstance(value, kind) for value in values)


def _counter(
    path: Path, key: str, history: History, expected: Any, shown: Any
) -> Iterator[Problem]:
    where = ".".join(path)
    must, has = (0 if each is GONE else each for each in (expected, shown))
    text = f"{where} must show {_text(expected)}, shows {_text(shown)}"
    amounts: dict[int, Fraction] = {}
    for part in history.parts(path):
        number = part.done.operation.number
        amounts[number] = amounts.get(number, Fraction(0)) + Fraction(part.worth)
    times = explanation(amounts, Fraction(has) - Fraction(must))
    lost = tuple(sorted(number for number, n in times.items() if n < 0))
    doubled = tuple(sorted(number for number, n in times.items() if n > 0))
    if lost:
        yield Problem("lost", key, f"{text}: lost is what {_in_words(lost)} added", lost)
    if doubled:
        text = f"{text}: counted again is what {_in_words(doubled)} added"
        yield Problem("doubled", key, text, doubled)
    if not times:
        yield Problem("wrong", key, text, tuple(sorted(amounts))[:_MOST_NAMED])


def explanation(amounts: Mapping[int, Fraction], rest: Fraction) -> dict[int, int]:
    """Return how often each amount counts too much (-1: it is lost) if that explains `rest`.

    One or two amounts explain it best; else, the greatest first, as the digits of a number do. {}
    if nothing does.
    """
    if not rest:
        return {}
    by_amount = {amount: number for number, amount in amounts.items() if amount}
    for sign in (-1, 1):
        if sign * rest in by_amount:
            return {by_amount[sign * rest]: sign}
    for amount, number in by_amount.items():
        for one, two in ((-1, -1), (1, 1), (-1, 1)):
            other = by_amount.get(two * (rest - one * amount))
            if other not in (None, number):
                return {number: one, other: two}
    times: dict[int, int] = {}
    for amount in sorted(by_amount, key=abs, reverse=True):
        n = max(-1, round(rest / amount))
        if n:
            times[by_amount[amount]] = n
            rest -= n * amount
    return {} if rest else times


def _set(path: Path, key: str, history: History, expected: Any, shown: Any) -> Iterator[Problem]:
    where, parts = ".".join(path), history.parts(path)
    before, after = (set() if each is GONE else each for each in (expected, shown))
    for kind, verb, elements, what in (
        ("lost", "add", before - after, "is missing; added by"),
        ("wrong", "discard", after - before, "came back; discarded by"),
    ):
        for element in sorted(elements):
            about = [part for part in parts if part.verb == verb and element in part.value]
            numbers = _numbers(about)
            yield Problem(kind, key, f"{where}: {element!r} {what} {_in_words(numbers)}", numbers)


def _numbers(parts: list[Part]) -> tuple[int, ...]:
    return tuple(sorted({part.done.operation.number for part in parts}))


def _in_words(numbers: tuple[int, ...]) -> str:
    if not numbers:
        return "no operation"
    shown = ", ".join(map(str, numbers[:_MOST_NAMED])) + (", ..." * (len(numbers) > _MOST_NAMED))
    return f"operation {shown}" if len(numbers) == 1 else f"operations {shown}"


def _text(value: Any) -> str:
    return "nothing" if value is GONE else repr(value)
