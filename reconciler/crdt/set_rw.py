"""set_rw: a set in which removing wins over concurrent adding.

Behaviour: an element is in the set if somebody added it and no discard stands beside the additions.
Limit: a discarded element stays in the metadata until it is added again, because its removal must
still defeat additions that have not arrived. Source: Baquero, Almeida, Lerche, "The problem with
embedded CRDT counters and a solution", PaPoC 2016, and Antidote's remove-wins set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, Spec, register, surviving_dots
from reconciler.crdt.elements import elements_of, of_one_kind, ranges, spans
from reconciler.values.wire import Wire

Votes = Mapping[Dot, bool]  # True for an addition, False for a discard


@register
@dataclass(frozen=True)
class SetRw(Crdt):
    """`elements`: element -> the additions and discards not yet replaced. `kind`: SS, NS or BS."""

    NAME, TAG = "set_rw", "rw"

    kind: str | None = None
    elements: Mapping[Any, Votes] = field(default_factory=dict)

    def join(self, other: "SetRw", mine: CausalContext, theirs: CausalContext) -> "SetRw":
        if self.kind and other.kind and self.kind != other.kind:
            ours = self.join(SetRw(), mine, theirs)
            return of_one_kind(ours, SetRw().join(other, mine, theirs))
        kind = self.kind or other.kind
        joined: dict[Any, Votes] = {}
        for element in self.elements.keys() | other.elements.keys():
            left, right = self.elements.get(element, {}), other.elements.get(element, {})
            votes = {**left, **right}
            kept = surviving_dots(left, right, mine, theirs)
            if kept:
                joined[element] = {dot: votes[dot] for dot in kept}
        return _set(kind, joined)

    def apply(self, edit: Edit, depth: int, dot: Dot, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if len(edit.path) > depth or edit.verb not in ("add", "discard", "assign", "remove"):
            raise self.refuse(edit, depth, "add, discard, assign and remove")
        if edit.verb == "remove":
            return self.forget(dot)
        kind, given = elements_of(edit.value, self.kind, edit.path[:depth])
        vote = {element: {dot: edit.verb != "discard"} for element in given}
        if edit.verb == "assign":
            members = set(self._members())
            vote = {element: vote[element] for element in given if element not in members}
            vote |= {element: {dot: False} for element in members - set(given)}
        return _set(kind, {**self.elements, **vote})

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
        return {"M": {**shown, "x": {"L": hidden}} if hidden else shown}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, dots: Sequence[Dot]) -> "SetRw":
        refs = dict(wire["M"])
        hidden = refs.pop("x", {"L": []})["L"]
        kind, members = next(iter((visible or {}).items()), (None, []))
        elements: dict[Any, dict[Dot, bool]] = {element: {} for element in members}
        for ref in sorted(refs, key=int):
            for low, high in spans(refs[ref]["S"]):
                for element in members[low:high]:
                    elements[element][dots[int(ref)]] = True
        for entry in hidden:
            ((held, (element,)),) = entry["M"]["e"].items()
            if kind not in (None, held):
                raise ValueError("a set of two kinds")
            kind = held
            ballot = entry["M"]["v"]["S"].split(",")
            elements[element] = {dots[int(mark[:-1])]: mark[-1] == "+" for mark in ballot}
        if members and not all(elements.values()):
            raise ValueError("an element stands on no addition")
        return _set(kind, elements)


def _ballot(votes: Votes, refs: Mapping[Dot, str]) -> str:
    return ",".join(refs[dot] + ("+" if votes[dot] else "-") for dot in sorted(votes))


def _set(kind: str | None, elements: Mapping[Any, Votes]) -> SetRw:
    return SetRw(kind, elements) if elements else SetRw()
