"""register_lww: the last writer wins, attribute by attribute.

Concurrent assignments are ordered by (rank, replica, canonical bytes), so ties are total. The rank
of an assignment is its hlc, or above the ranks of what it replaced, where its clock is behind
those. Removing the attribute is a write like any other.
HAZARD without ranks: a write with a lesser stamp than what it replaced makes merges depend on their
order, and a join can end empty: the attribute is gone everywhere.
Limit: the losing value is gone from the item (the ledger keeps it); where both matter use
register_mv. Inside a map_or, removing a key takes away only the writes it saw, so concurrent values
are kept there until the next write.
Source: Shapiro et al., "A comprehensive study of CRDTs", INRIA RR-7506, 2011, section 3.2.1.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    FROM_PLAIN,
    CausalContext,
    Dot,
    is_code_of_names,
)
from reconciler.causality.hlc import Hlc, tick
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Sources, register
from reconciler.crdt.dot_function import DotFunction
from reconciler.values.wire import Path, Wire, canonical_bytes

_RANKS, _ONLY, _REMOVALS = "k", "d", "x"  # beside the references of values, which are numbers


@register
class RegisterLww(DotFunction):
    """A register that shows the latest of its concurrent assignments.

    `above`: the ranks of those whose own stamps are not above what they replaced.
    """

    NAME, TAG = "register_lww", "lww"

    def __init__(
        self,
        entries: Mapping[Dot, Wire | None] | None = None,
        above: Mapping[Dot, Hlc] | None = None,
    ) -> None:
        super().__init__(entries)
        self.above: Mapping[Dot, Hlc] = above or {}

    def join(self, other: Any, mine: CausalContext, theirs: CausalContext) -> Self:
        entries = super().join(other, mine, theirs).entries
        # What writers around the library did is ranked by when it was seen: by whoever saw it last.
        ranks = {
            dot: max(side.above[dot] for side in (self, other) if dot in side.above)
            for dot in entries
            if dot in self.above or dot in other.above
        }
        return type(self)(entries, ranks)

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:  # noqa: ARG002 (same signature)
        return self.replaced_by(edit.value, write)

    def replaced_by(self, value: Wire | None, write: LocalWrite) -> Self:
        """Return the register once a write has taken the place of all it holds."""
        dot = write.dot
        highest = max((self._rank(each) for each in self.entries if each != dot), default=None)
        above = {each: rank for each, rank in self.above.items() if each == dot}
        if highest is not None and highest >= max(dot.hlc, write.rank or "") and dot not in above:
            above[dot] = tick(0, highest)
        elif write.rank is not None and write.rank > self._rank(dot):
            above[dot] = write.rank
        return type(self)({dot: value}, above)

    def beneath(self, shown: Any) -> Self:
        return type(self)({**self.entries, **shown.entries}, {**self.above, **shown.above})

    def visible(self) -> Wire | None:
        winner = self._winner(self.entries)
        return None if winner is None else self.entries[winner]

    def prune(self) -> Crdt:
        winner = self._winner(self.entries)
        if winner is None or len(self.entries) == 1:
            return self
        if winner.hlc in (FROM_PLAIN, BY_A_PUT):
            return self  # what stands beneath is shown again, should the plain value go
        # HAZARD if the winner alone stayed: which of the rest stands beside a third, a merge in
        # another order would not find.
        named = self._winner(filter(_is_named, self.entries))
        kept = {winner, named}
        kept.add(self._winner(dot for dot in self.entries if dot.lineage.replica != ADOPTED))
        if named is None:
            # HAZARD if one raw value alone stayed: regions rank them by when each of them saw them,
            # and of two winners a join leaves nothing.
            kept |= {dot for dot in self.entries if dot.lineage.replica == ADOPTED}
        entries = {dot: value for dot, value in self.entries.items() if dot in kept}
        return type(self)(entries, {dot: rank for dot, rank in self.above.items() if dot in kept})

    def ranks(self) -> Iterator[Hlc]:
        yield from self.above.values()

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        wire = super().encode(refs)
        removals = [refs[dot] for dot in sorted(self.entries) if self.entries[dot] is None]
        if len(self.entries) > 1 and removals:
            # A removal is no wire value, so it stands beside the values.
            held = {name: each for name, each in wire["M"].items() if name not in removals}
            wire = {"M": {**held, _REMOVALS: {"S": ",".join(removals)}}}
        return self.with_ranks(wire, refs)

    def with_ranks(self, wire: Wire, refs: Mapping[Dot, str]) -> Wire:
        """Return the metadata of the entries with their ranks, if any lies above its stamp."""
        if not self.above:
            return wire
        ranks = {refs[dot]: {"S": str(self.above[dot])} for dot in sorted(self.above)}
        return {"M": {**wire.get("M", {_ONLY: wire}), _RANKS: {"M": ranks}}}

    @classmethod
    def decode(
        cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path
    ) -> "RegisterLww":
        held = dict(wire.get("M", {}))
        ranks = held.pop(_RANKS, {"M": {}})["M"]
        if _REMOVALS in held:
            held |= dict.fromkeys(held.pop(_REMOVALS)["S"].split(","))
        rest = held.get(_ONLY, {"M": held} if held else wire)
        entries = super().decode(rest, visible, sources, path).entries
        return cls(
            entries, {sources.dots[int(ref)]: Hlc.parse(rank["S"]) for ref, rank in ranks.items()}
        )

    def _rank(self, dot: Dot) -> Hlc:
        return self.above.get(dot, dot.hlc)

    def _winner(self, dots: Iterable[Dot]) -> Dot | None:
        """Return which of some writes stands.

        A named one took the place of what was written around the library, which it could not name.
        HAZARD if that were ranked beside it: by a clock that is behind, it stands again.
        """
        found = list(dots)
        if len(found) == 1:
            return found[0]  # as in most items, each time that one is read or written

        def order(dot: Dot) -> tuple[str, str, bytes, Dot]:
            value = canonical_bytes(self.entries[dot])
            return (self._rank(dot), dot.lineage.replica, value, dot)

        if any(map(_is_named, found)):
            found = [dot for dot in found if dot.lineage.replica != ADOPTED]
        return max(found, key=order, default=None)


def _is_named(dot: Dot) -> bool:
    return is_code_of_names(dot.lineage.replica)
