"""What the two set types share: elements of one kind, and dots that point at them by position.

The visible set, in canonical order, already holds the elements, so metadata says only which
positions each dot stands for ("0-4,7"). A set costs its dots, not its elements twice.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import sub
from typing import Any, Self

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Spec
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.values.wire import SET_KINDS, Path, Wire, label


@dataclass(frozen=True)
class ElementSet(Crdt):
    """A set of elements of one kind (SS, NS or BS), each with the dots it stands on.

    A base of the set types, which say what stands there and when a reader sees the element.
    """

    kind: str | None = None
    elements: Mapping[Any, Any] = field(default_factory=dict)

    @abstractmethod
    def join_elements(self, other: Self, mine: CausalContext, theirs: CausalContext) -> Self:
        """Return the join with a set that holds no other kind."""

    @abstractmethod
    def apply_elements(self, verb: str, given: Sequence[Any], dot: Dot) -> Mapping[Any, Any]:
        """Return the elements after an add, a discard or an assign of those given."""

    def with_elements(self, kind: str | None, elements: Mapping[Any, Any]) -> Self:
        """Return a set of these elements; an empty one has no kind."""
        return type(self)(kind, elements) if elements else type(self)()

    def join(self, other: Self, mine: CausalContext, theirs: CausalContext) -> Self:
        if self.kind in (None, other.kind) or other.kind is None:
            return self.join_elements(other, mine, theirs)
        left = self.join_elements(type(self)(), mine, theirs)
        right = type(self)().join_elements(other, mine, theirs)
        if left.kind and right.kind:
            raise TypeMismatch(
                f"a set holds {left.kind} in one image and {right.kind} in the other"
            )
        return left if left.kind else right

    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if len(edit.path) > depth or edit.verb not in ("add", "discard", "assign", "remove"):
            raise self.refusal(edit, depth, "add, discard, assign and remove")
        if edit.verb == "remove":
            return self.forget(write)
        shown_kind = self.kind if self.visible() is not None else None
        kind, given = _elements_of(edit.value, shown_kind, edit.path[:depth])
        # A set that shows nothing takes any kind: what it hides is of the kind that it had.
        before = self if self.kind == kind else type(self)()
        return before.with_elements(kind, before.apply_elements(edit.verb, given, write.dot))


def _elements_of(value: Wire | None, kind: str | None, path: Path) -> tuple[str, list[Any]]:
    """Return the kind and the elements of an edit's value; InvalidInput if it is not a set."""
    found = next((each for each in SET_KINDS if value and each in value), None)
    if value is None or found is None:
        raise InvalidInput(f"{label(path)}: expected a set of strings, numbers or bytes")
    if kind not in (None, found):
        raise InvalidInput(f"{label(path)}: the set holds {kind}, so {found} cannot join it")
    return found, value[found]


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
