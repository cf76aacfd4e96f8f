"""register_lww: the last writer wins, attribute by attribute.

Behaviour: concurrent assignments are ordered by (hlc, replica, canonical bytes), so ties are total.
Removing the attribute is a write like any other. Limit: the losing value is gone from the item (the
ledger keeps it); where both matter use register_mv. Inside a map_or, removing a key takes away only
the writes it saw, so concurrent values are kept there until the next write.
Source: Shapiro et al., "A comprehensive study of CRDTs", INRIA RR-7506, 2011, section 3.2.1.
"""

from reconciler.causality.context import Dot
from reconciler.crdt.base import Crdt, DotFunction, Edit, register
from reconciler.values.wire import Wire, canonical_bytes


@register
class RegisterLww(DotFunction):
    """A register that shows the latest of its concurrent assignments."""

    NAME, TAG = "register_lww", "lww"

    def apply_whole(self, edit: Edit, depth: int, dot: Dot) -> Crdt:  # noqa: ARG002 (same signature)
        return RegisterLww({dot: edit.value})

    def visible(self) -> Wire | None:
        winner = self._winner()
        return None if winner is None else self.entries[winner]

    def prune(self) -> Crdt:
        winner = self._winner()
        return self if winner is None else RegisterLww({winner: self.entries[winner]})

    def _winner(self) -> Dot | None:
        def order(dot: Dot) -> tuple[str, str, bytes, str]:
            replica = dot.lineage.replica
            return (dot.hlc, replica, canonical_bytes(self.entries[dot]), dot.lineage)

        return max(self.entries, key=order, default=None)
