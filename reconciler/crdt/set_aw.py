"""set_aw: a set in which adding wins over concurrent removing.

Discarding takes away the additions its writer saw; an addition it did not see stays. Nothing is
kept of removed elements (the causal context remembers them). Assigning a set adds what is missing
and discards what is not in it. Source: Bieniusa et al., "An optimized conflict-free replicated
set", INRIA RR-8083, 2012 (ORSWOT).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Sources, register, surviving_dots
from reconciler.crdt.elements import (
    DIGESTS,
    ElementSet,
    element_digests,
    known_elements,
    ranges,
    spans,
)
from reconciler.values.wire import Path, Wire

Dots = tuple[Dot, ...]


@register
class SetAw(ElementSet):
    """A set whose elements stand on the dots of their additions."""

    NAME, TAG = "set_aw", "aw"
    elements: Mapping[Any, Dots]

    def join_elements(self, other: Self, mine: CausalContext, theirs: CausalContext) -> Self:
        left, right = self.elements, other.elements
        joined: dict[Any, Dots] = {}
        # By identity: elements added together share their dots, so one verdict serves them all.
        verdicts: dict[tuple[int, int], Dots] = {}
        for element in sorted({**left, **right}):
            a, b = left.get(element, ()), right.get(element, ())
            pair = (id(a), id(b))
            if pair not in verdicts:
                verdicts[pair] = surviving_dots(a, b, mine, theirs)
            if dots := verdicts[pair]:
                joined[element] = dots
        return self.with_elements(self.kind or other.kind, joined)

    def apply_elements(self, verb: str, given: Sequence[Any], dot: Dot) -> Mapping[Any, Dots]:
        if verb == "discard":
            gone = set(given)
            return {element: d for element, d in self.elements.items() if element not in gone}
        if verb == "add":
            return {**self.elements, **dict.fromkeys(given, (dot,))}
        return {element: self.elements.get(element, (dot,)) for element in given}

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
        stands = {refs[dot]: {"S": ranges(sorted(by_dot[dot]))} for dot in sorted(by_dot)}
        if not stands:
            return {"M": {}}
        return {"M": {**stands, DIGESTS: {"S": element_digests(self.kind, sorted(self.elements))}}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "SetAw":
        refs = dict(wire["M"])
        digests = refs.pop(DIGESTS, {"S": ""})["S"]
        kind, elements = known_elements(digests, visible, sources, path)
        held: dict[Any, Dots] = dict.fromkeys(elements, ())
        for ref in sorted(refs, key=int):
            one = (sources.dots[int(ref)],)
            for low, high in spans(refs[ref]["S"]):
                run = elements[low:high]
                shared = [e for e in run if held[e]]
                before = {e: held[e] for e in shared}
                held.update(dict.fromkeys(run, one))
                held.update({e: before[e] + one for e in shared})
        held.pop(None, None)
        if not all(held.values()):
            raise ValueError("an element stands on no addition")
        return cls().with_elements(kind, held)
