"""What a Lambda conflict handler answers: RESOLVE with an item, REMOVE, or REJECT.

REJECT loses nothing: the client gets the item that is there, and makes its mutation again on it.
HAZARD if an item with this library's metadata were resolved: AppSync replaces the item by JSON,
which has no binary and no sets, and `_rec` would be broken. A mutation that is made again is an
update, which leaves it alone.
Source: AppSync guide, "Conflict detection and resolution", Lambda.
"""

from dataclasses import dataclass
from typing import Any, Literal

from reconciler.appsync.automerge import automerge
from reconciler.appsync.by_type import by_type
from reconciler.appsync.conflict import Conflict
from reconciler.item.schema import Schema

Policy = Literal["types", "automerge"]
OF_THE_LIBRARY = "the item has metadata of this library, which no JSON keeps"
DELETED = "the item was deleted meanwhile"
KEPT = "the item was updated meanwhile, and an update beats a delete"


@dataclass(frozen=True)
class Verdict:
    """An answer, and why it is REJECT, by the attribute or "" for the item."""

    action: Literal["RESOLVE", "REJECT", "REMOVE"]
    item: dict[str, Any] | None = None
    reasons: dict[str, str] | None = None

    def answer(self) -> dict[str, Any]:
        """Return what AppSync is answered."""
        told = {} if self.item is None else {"item": self.item}
        return {"action": self.action, **told}


def verdict(conflict: Conflict, schema: Schema, policy: Policy) -> Verdict:
    """Return what becomes of the mutation."""
    if conflict.is_of_the_library:
        return _refused(OF_THE_LIBRARY)
    if conflict.deleted:
        return _refused(DELETED)
    if conflict.deletes:
        wins = policy == "types" and schema.delete == "delete_wins"
        return Verdict("REMOVE") if wins else _refused(KEPT)
    if policy == "automerge":
        return Verdict("RESOLVE", {**conflict.key, **automerge(conflict, schema)})
    merged, reasons = by_type(conflict, schema)
    if reasons:
        return Verdict("REJECT", reasons=reasons)
    return Verdict("RESOLVE", {**conflict.key, **merged})


def _refused(reason: str) -> Verdict:
    return Verdict("REJECT", reasons={"": reason})
