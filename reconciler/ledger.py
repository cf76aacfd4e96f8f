"""The ledger's rows: one for each loss, OPEN before its event is sent, RESOLVED after the merge.

Behaviour: a row is a pure function of the event and its state, so writing it twice changes nothing
that matters and the resolver can close it without reading it. The losing image is in the row, or in
the evidence bucket if it is too large: from the row on it is safe, whatever the bus does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from reconciler.codec import Image, canonical_image, to_json
from reconciler.events import ConflictEvent

RETENTION_SECONDS = 30 * 86_400  # of closed rows; open and parked rows never expire
INLINE_BYTES = 300 * 1024  # leaves room for the rest of the row within DynamoDB's 400 KB


class State(Enum):
    """Where a loss stands."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    ACCEPTED = "ACCEPTED"  # made around the library, and the declared policy lets it stand
    PARKED = "PARKED"


@dataclass(frozen=True)
class LedgerRow:
    """A row in wire format; its key is `item_key`, so that an item's rows are read together and
    consistently, and `conflict_id`."""

    conflict_id: str
    item: Image


def ledger_row(event: ConflictEvent, state: State, at_ms: int, reason: str = "") -> LedgerRow:
    """Return the row for `event` in `state`, as of `at_ms`; `reason` says why it was parked."""
    row: Image = {
        "conflict_id": {"S": event.conflict_id},
        "state": {"S": state.value},
        "table": {"S": event.table},
        "item_key": {"S": item_key(event.key)},
        "finding": {"S": event.finding.value},
        "ordering": {"S": event.ordering},
        "role": {"S": event.role},
        "region": {"S": event.region},
        "lost_dots": {"L": [{"S": dot} for dot in event.lost_dots]},
        "lost_watermarks": {"M": {r: {"S": e} for r, e in event.lost_watermarks.items()}},
        "sequence_number": {"S": event.sequence_number},
        "lost_at_ms": {"N": event.lost_at_ms},
        "detected_at_ms": {"N": event.detected_at_ms},
        "state_at_ms": {"N": str(at_ms)},
    }
    if reason:
        row["reason"] = {"S": reason}
    if event.images_ref:
        row["images_ref"] = {"S": event.images_ref}
    elif event.lost is not None:
        row["lost"] = {"M": canonical_image(event.lost)}
    if state in (State.RESOLVED, State.ACCEPTED):
        row["expires"] = {"N": str(at_ms // 1000 + RETENTION_SECONDS)}
    return LedgerRow(event.conflict_id, row)


def item_key(key: Mapping[str, Any]) -> str:
    """Return an item's key as one text, the same for equal keys."""
    return to_json(canonical_image(key))


def fits_inline(image: Mapping[str, Any]) -> bool:
    """Return whether a losing image can be kept inside its row: its text is never the shorter."""
    return len(to_json(image)) <= INLINE_BYTES
