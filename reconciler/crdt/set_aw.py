"""set_aw: a set in which adding wins over concurrent removing.

Behaviour: discarding takes away the additions its writer saw; an addition it did not see stays.
Nothing is kept of removed elements (the causal context remembers them). Assigning a set adds what
is missing and discards what is not in it. Source: Bieniusa et al., "An optimized conflict-free
replicated set", INRIA RR-8083, 2012 (ORSWOT).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, Spec, register, surviving_dots
from reconciler.crdt.elements import elements_of, of_one_kind, ranges, spans
from reconciler.values.wire import Wire

Dots = tuple[Dot, ...]


@register
@dataclass(frozen=True)
class SetAw(Crdt):
    """`elements`: element -> the dots of the additions it stands on. `kind`: SS, NS or BS."""

    NAME, TAG = "set_aw", "aw"

    kind: str | None = None
    elements: Mapping[Any, Dots] = field(default_factory=dict)

    def join(self, other: "SetAw", mine: CausalContext, theirs: CausalContext) -> "SetAw":
        if self.kind and other.kind and self.kind != other.kind:
            kept = self.join(SetAw(), mine, theirs)
            return of_one_kind(kept, SetAw().join(other, mine, theirs))
        kind = self.kind or other.kind
        left, right = self.elements, other.elements
        joined: dict[Any, Dots] = {}
        verdicts: dict[
            tuple[int, int], Dots
        ] = {}  # by identity: elements added together share dots
        for element in sorted({**left, **right}):
            a, b = left.get(element, ()), right.get(element, ())
            pair = (id(a), id(b))
            if pair not in verdicts:
                verdicts[pair] = surviving_dots(a, b, mine, theirs)
            if dots := verdicts[pair]:
                joined[element] = dots
        return _set(kind, joined)

    def apply(self, edit: Edit, depth: int, dot: Dot, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if len(edit.path) > depth or edit.verb not in ("add", "discard", "assign", "remove"):
            raise self.refuse(edit, depth, "add, discard, assign and remove")
        if edit.verb == "remove":
            return self.forget(dot)
        kind, given = elements_of(edit.value, self.kind, edit.path[:depth])
        if edit.verb == "discard":
            gone = set(given)
            return _set(kind, {e: dots for e, dots in self.elements.items() if e not in gone})
        if edit.verb == "add":
            return _set(kind, {**self.elements, **dict.fromkeys(given, (dot,))})
        return _set(kind, {element: self.elements.get(element, (dot,)) for element in given})

    def visible(self) -> Wire | None:
        return {self.kind: sorted(self.elements)} if self.kind else None

    def dots(self) -> Iterator[Dot]:
        for dots in set(self.elements.values()):
            yield from dots

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        places: defaultdict[int, list[int]] = defaultdict(list)  # by identity: elements share dots
        in_order = [self.elements[element] for element in sorted(self.elements)]
        for position, dots in enumerate(in_order):
            places[id(dots)].append(position)
        by_dot: dict[Dot, list[int]] = {}
        for held in places.values():
            for dot in in_order[held[0]]:
                by_dot.setdefault(dot, []).extend(held)
        return {"M": {refs[dot]: {"S": ranges(sorted(by_dot[dot]))} for dot in sorted(by_dot)}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, dots: Sequence[Dot]) -> "SetAw":
        if visible is None:
            return cls()
        ((kind, elements),) = visible.items()
        held: dict[Any, Dots] = dict.fromkeys(elements, ())
        for ref in sorted(wire["M"], key=int):
            one = (dots[int(ref)],)
            for low, high in spans(wire["M"][ref]["S"]):
                run = elements[low:high]
                shared = [e for e in run if held[e]]
                before = {e: held[e] for e in shared}
                held.update(dict.fromkeys(run, one))
                held.update({e: before[e] + one for e in shared})
        if not all(held.values()):
            raise ValueError("an element stands on no addition")
        return cls(kind, held)


def _set(kind: str | None, elements: Mapping[Any, Dots]) -> SetAw:
    return SetAw(kind, elements) if elements else SetAw()
