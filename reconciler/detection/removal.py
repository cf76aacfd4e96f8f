"""What becomes of a hard delete: an item that is removed leaves no causality behind. Pure.

Nobody knows what whoever removed it had seen. The deployment's policy says whether it stands, and a
person, if a library write of the last minute went with it. What time-to-live takes stands whatever
the policy, but a revived item that it may have raced. A tombstone that somebody removes is never
brought back: its row is there so that no older loss comes into an item that is created anew.
"""

from enum import Enum

from reconciler.conflict.lives import (
    has_fresh_write,
    is_deleted,
    may_be_expiry,
    may_be_own_expiry,
)
from reconciler.detection.change import Change
from reconciler.item.filing import file
from reconciler.item.metadata import encode, is_managed, is_named
from reconciler.item.plain import file_plain
from reconciler.values.wire import Wires


class Fate(Enum):
    """Whether the removal stands, or the item comes back, or a person is asked."""

    STANDS = "stands"
    RESTORED = "restored"
    ASKED = "asked"


TOOK_A_FRESH_WRITE = (
    "FreshWriteRemoved: a hard delete took an item along that this library wrote within the minute"
    " before, which whoever deleted it may not have seen: --take all=lost brings the item back,"
    " --take all=current lets the delete stand"
)


def fate_of(change: Change, at_ms: int, *, restores: bool, ttl_attribute: str) -> Fate:
    """Return what becomes of the item that a change removed; `at_ms`: when.

    `restores`: the policy is to take removals back. `ttl_attribute`: that of the table's own
    time-to-live, "" if it has none.
    """
    removed = _with_names_filed(change)
    if is_deleted(removed) or may_be_own_expiry(removed, ttl_attribute, at_ms):
        return Fate.STANDS
    if may_be_expiry(removed, at_ms, by_ttl=change.by_ttl):
        return Fate.RESTORED
    if change.by_ttl:
        return Fate.STANDS
    if restores:
        return Fate.RESTORED
    return Fate.ASKED if has_fresh_write(removed, at_ms) else Fate.STANDS


def _with_names_filed(change: Change) -> Wires:
    """Return what was removed with its named writes as metadata: they keep an item alive, too."""
    removed = change.old or {}
    if not is_named(removed):
        return removed
    if is_managed(removed):
        return encode(file(removed))
    return encode(file_plain(removed, dict(change.keys), lambda _: None))
