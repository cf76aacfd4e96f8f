"""flag_ew: a boolean in which enabling wins over concurrent disabling.

Readers see true if any enabling was not seen by a later disabling.
Source: INRIA RR-7506, 2011; Riak's flag data type.
"""

from reconciler.crdt.base import Crdt, Edit, LocalWrite, register
from reconciler.crdt.dot_function import DotFunction
from reconciler.errors import InvalidInput
from reconciler.values.wire import Wire, label


@register
class FlagEw(DotFunction):
    """A boolean, true while an enabling stands that no later disabling saw."""

    NAME, TAG = "flag_ew", "flag"

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:
        if edit.value is not None and "BOOL" not in edit.value:
            raise InvalidInput(f"{label(edit.path[:depth])}: a flag_ew holds True or False")
        return super().apply_whole(edit, depth, write)

    def visible(self) -> Wire | None:
        return {"BOOL": {"BOOL": True} in self.entries.values()} if self.entries else None
