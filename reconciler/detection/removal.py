"""What becomes of a hard delete: an item that is removed leaves no causality behind. Pure.

Nobody knows what whoever removed it had seen. The deployment's policy says whether it stands; what
time-to-live takes stands whatever the policy, but a revived item that it may have raced.
"""

from enum import Enum

from reconciler.conflict.lives import may_be_expiry, may_be_own_expiry
from reconciler.detection.change import Change


class Fate(Enum):
    """Whether the removal stands, or the item comes back."""

    STANDS = "stands"
    RESTORED = "restored"


def fate_of(change: Change, at_ms: int, *, restores: bool, ttl_attribute: str) -> Fate:
    """Return what becomes of the item that a change removed; `at_ms`: when.

    `restores`: the policy is to take removals back. `ttl_attribute`: that of the table's own
    time-to-live, "" if it has none.
    """
    removed = change.old or {}
    if may_be_own_expiry(removed, ttl_attribute, at_ms):
        return Fate.STANDS
    if may_be_expiry(removed, at_ms, by_ttl=change.by_ttl):
        return Fate.RESTORED
    return Fate.RESTORED if restores and not change.by_ttl else Fate.STANDS
