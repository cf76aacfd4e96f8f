"""What the two set types share: elements of one kind, and dots that point at them by position.

The visible set already holds the elements, so metadata has a short digest of each, in canonical
order, and which positions each dot stands for ("0-4,7"). A set costs its dots and digests, not its
elements twice; and what a writer around the library adds or takes away moves no other element.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import sub
from typing import Any, Self

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Sources, Spec, value_text
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.values.wire import SET_KINDS, SHORT_DIGEST_WIDTH, Path, Wire, label, short_digests

_GONE = "-"  # before the digest of an element: what is gone, only the image held


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


def element_digests(kind: str | None, elements: Sequence[Any]) -> str:
    """Return the digests of elements in canonical order."""
    if kind == "BS":
        return short_digests(elements)
    return short_digests([element.encode() for element in elements])


def name_of_gone(kind: str, element: Any) -> str:
    """Return the name of a change that takes an element out around the library."""
    return f"{_GONE}{element_digests(kind, [element])}"


def known_elements(
    digests: str, visible: Wire | None, sources: Sources, path: Path
) -> tuple[str | None, Sequence[Any]]:
    """Return the kind of a visible set and, by position, its elements that metadata has digests of.

    In place of one that is gone stands None. What else was done around the library is noted.
    """
    kind, shown = _shown_set(visible)
    theirs = element_digests(kind, shown)
    if theirs == digests:
        return kind, shown
    if visible is not None and kind is None:
        sources.assigned(path, visible, visible)  # something else stands where the set was
    held: dict[str, list[Any]] = {}
    for element, digest in zip(shown, _chunks(theirs), strict=True):
        held.setdefault(digest, []).append(element)
    found: list[Any] = []
    for digest in _chunks(digests):
        element = held[digest].pop(0) if held.get(digest) else None
        found.append(element)
        if element is None:
            sources.changes.append(OutsideChange(path, f"{_GONE}{digest}", None))
    for element in sorted(each for rest in held.values() for each in rest):
        added = {kind or "": [element]}
        change = OutsideChange(path, f"+{value_text(added)}", Edit(path, "add", added))
        sources.changes.append(change)
    return kind, found


def _shown_set(visible: Wire | None) -> tuple[str | None, list[Any]]:
    kind, elements = next(iter((visible or {}).items()), (None, []))
    return (kind, elements) if kind in SET_KINDS else (None, [])


def _chunks(text: str) -> Sequence[str]:
    width = SHORT_DIGEST_WIDTH
    return [text[start : start + width] for start in range(0, len(text), width)]


def _elements_of(value: Wire | None, kind: str | None, path: Path) -> tuple[str, list[Any]]:
    """Return the kind and the elements of an edit's value; InvalidInput if it is not a set."""
    found = next((each for each in SET_KINDS if value and each in value), None)
    if value is None or found is None:
        raise InvalidInput(f"{label(path)}: expected a set of strings, numbers or bytes")
    if kind not in (None, found):
        raise InvalidInput(f"{label(path)}: the set holds {kind}, so {found} cannot join it")
    return found, value[found]


DIGESTS = "h"  # beside the references of dots, which are numbers


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
