"""manual: where concurrent writes disagree, a person decides.

Every concurrent value is kept until a later write replaces those that it saw, so a decision is a
write like any other. Until then readers see the value that register_lww would show, and the repair
is parked for a person. Removing is a write like any other, too, also in a map_or.
Limit: a removed value stays in the metadata, as one dot. Assigning a whole map_or writes only what
differs from what readers see; to decide on what they see, assign the field itself.
Source: INRIA RR-7506, 2011, section 3.2.2; Dynamo's siblings.
"""

from reconciler.crdt.base import Crdt, Edit, LocalWrite, register
from reconciler.crdt.register_lww import RegisterLww
from reconciler.values.wire import canonical_bytes


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
