"""set_rw: a set in which removing wins over concurrent adding.

An element is in the set if somebody added it and no discard stands beside the additions.
Limit: a discarded element stays in the metadata until it is added again, because its removal must
still defeat additions that have not arrived. Source: Baquero, Almeida, Lerche, "The problem with
embedded CRDT counters and a solution", PaPoC 2016, and Antidote's remove-wins set.
"""

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

Votes = Mapping[Dot, bool]  # True for an addition, False for a discard


@register
class SetRw(ElementSet):
    """A set whose elements stand on the additions and discards that no later one replaced."""

    NAME, TAG = "set_rw", "rw"
    elements: Mapping[Any, Votes]

    def join_elements(self, other: Self, mine: CausalContext, theirs: CausalContext) -> Self:
        joined: dict[Any, Votes] = {}
        for element in self.elements.keys() | other.elements.keys():
            left, right = self.elements.get(element, {}), other.elements.get(element, {})
            votes = {**left, **right}
            kept = surviving_dots(left, right, mine, theirs)
            if kept:
                joined[element] = {dot: votes[dot] for dot in kept}
        return self.with_elements(self.kind or other.kind, joined)

    def apply_elements(self, verb: str, given: Sequence[Any], dot: Dot) -> Mapping[Any, Votes]:
        votes = {element: {dot: verb != "discard"} for element in given}
        if verb == "assign":
            members = set(self._members())
            votes = {element: votes[element] for element in given if element not in members}
            votes |= {element: {dot: False} for element in members - set(given)}
        return {**self.elements, **votes}

    def _members(self) -> list[Any]:
        return sorted(e for e, votes in self.elements.items() if all(votes.values()))

    def visible(self) -> Wire | None:
        members = self._members()
        return {self.kind: members} if self.kind and members else None

    def dots(self) -> Iterator[Dot]:
        for votes in self.elements.values():
            yield from votes

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        members = self._members()
        by_dot: dict[Dot, list[int]] = {}
        for position, element in enumerate(members):
            for dot in self.elements[element]:
                by_dot.setdefault(dot, []).append(position)
        hidden = [
            {"M": {"e": {self.kind: [element]}, "v": {"S": _ballot(self.elements[element], refs)}}}
            for element in sorted(self.elements.keys() - set(members))
        ]
        shown = {refs[dot]: {"S": ranges(by_dot[dot])} for dot in sorted(by_dot)}
        if members:
            shown[DIGESTS] = {"S": element_digests(self.kind, members)}
        return {"M": {**shown, "x": {"L": hidden}} if hidden else shown}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "SetRw":
        refs, dots = dict(wire["M"]), sources.dots
        hidden = refs.pop("x", {"L": []})["L"]
        digests = refs.pop(DIGESTS, {"S": ""})["S"]
        kind, members = known_elements(digests, visible, sources, path)
        elements: dict[Any, dict[Dot, bool]] = {element: {} for element in members}
        for ref in sorted(refs, key=int):
            for low, high in spans(refs[ref]["S"]):
                for element in members[low:high]:
                    elements[element][dots[int(ref)]] = True
        elements.pop(None, None)
        for entry in hidden:
            ((held, (element,)),) = entry["M"]["e"].items()
            if kind not in (None, held):
                raise ValueError("a set of two kinds")
            kind = held
            ballot = entry["M"]["v"]["S"].split(",")
            elements[element] = {dots[int(mark[:-1])]: mark[-1] == "+" for mark in ballot}
        if not all(elements.values()):
            raise ValueError("an element stands on no addition")
        return cls().with_elements(kind, elements)


def _ballot(votes: Votes, refs: Mapping[Dot, str]) -> str:
    return ",".join(refs[dot] + ("+" if votes[dot] else "-") for dot in sorted(votes))
