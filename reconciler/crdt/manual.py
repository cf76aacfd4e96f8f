"""manual: where concurrent writes disagree, a person decides.

Every concurrent value is kept until a later write replaces those that it saw, so a decision is a
write like any other. Until then readers see the value that register_lww would show, and the repair
is parked for a person. Removing is a write like any other, too, also in a map_or.
Limit: a removed value stays in the metadata, as one dot. Assigning a whole map_or writes only what
differs from what readers see; to decide on what they see, assign the field itself.
Source: INRIA RR-7506, 2011, section 3.2.2; Dynamo's siblings.
"""

from collections.abc import Mapping

from reconciler.causality.context import Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Sources, register
from reconciler.crdt.register_lww import RegisterLww
from reconciler.values.wire import Path, Wire, canonical_bytes

_REMOVALS = "x"  # beside the references of values, which are numbers


@register
class Manual(RegisterLww):
    """A register that keeps every concurrent value, None for a removal, until a person decides."""

    NAME, TAG = "manual", "man"

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:  # noqa: ARG002 (same signature)
        return self.replaced_by(edit.value, write)

    def forget(self, write: LocalWrite) -> Crdt:
        return self.replaced_by(None, write)

    def prune(self) -> Crdt:
        return self

    def undecided(self) -> bool:
        return len({canonical_bytes(value) for value in self.entries.values()}) > 1

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        removals = [refs[dot] for dot in sorted(self.entries) if self.entries[dot] is None]
        if len(self.entries) == 1 or not removals:
            return super().encode(refs)
        # A removal is no wire value, so it stands beside the values.
        held = super().encode(refs)["M"]
        entries = {name: held[name] for name in held if name not in removals}
        return {"M": {**entries, _REMOVALS: {"S": ",".join(removals)}}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> RegisterLww:
        entries = dict(wire.get("M", {}))
        if _REMOVALS in entries:
            removals = entries.pop(_REMOVALS)["S"].split(",")
            wire = {"M": {**entries, **dict.fromkeys(removals)}}
        return super().decode(wire, visible, sources, path)
