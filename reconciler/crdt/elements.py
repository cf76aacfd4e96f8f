"""What the two set types share: elements of one kind, and dots that point at them by position.

Behaviour: the visible set, in canonical order, already holds the elements, so metadata says only
which positions each dot stands for ("0-4,7"). A set costs its dots, not its elements twice.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from operator import sub
from typing import Any, Protocol, TypeVar

from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.values.wire import SET_KINDS, Path, Wire, label


def elements_of(value: Wire | None, kind: str | None, path: Path) -> tuple[str, list[Any]]:
    """Return the kind and the elements of an edit's value; InvalidInput if it is not a set."""
    found = next((each for each in SET_KINDS if value and each in value), None)
    if value is None or found is None:
        raise InvalidInput(f"{label(path)}: expected a set of strings, numbers or bytes")
    if kind not in (None, found):
        raise InvalidInput(f"{label(path)}: the set holds {kind}, so {found} cannot join it")
    return found, value[found]


class Kinded(Protocol):
    """A set that knows the kind of its elements, or None if it has none."""

    @property
    def kind(self) -> str | None: ...


Sets = TypeVar("Sets", bound=Kinded)


def of_one_kind(a: Sets, b: Sets) -> Sets:
    """Return the set that outlived its join with one of another kind; TypeMismatch if both did."""
    if a.kind and b.kind:
        raise TypeMismatch(f"a set holds {a.kind} in one image and {b.kind} in the other")
    return a if a.kind else b


def ranges(positions: Sequence[int]) -> str:
    """Return ascending positions as text: [0, 1, 2, 5] is "0-2,5"."""
    steps = map(sub, islice(positions, 1, None), positions)
    starts = [0, *(index for index, step in enumerate(steps, 1) if step != 1)]
    stops = [*starts[1:], len(positions)]
    ends = [(positions[a], positions[b - 1]) for a, b in zip(starts, stops, strict=True)]
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ends)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the (first, last + 1) positions of each run that `ranges` wrote as text."""
    for run in filter(None, text.split(",")):
        low, _, high = run.partition("-")
        yield int(low), int(high or low) + 1
