"""The ledger's rows, the conflict feed: one for each loss, OPEN before its event is sent.

Behaviour: a row is a pure function of the event and its state, so writing it twice changes nothing
that matters and the resolver can close it without reading it. Both images are in the row, or in the
evidence bucket if they are too large: from the row on the loss is safe, whatever the bus does, for
the event can be made of the row again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from reconciler.causality.context import replica_id
from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.verdict import Finding
from reconciler.errors import ReconcilerError, Undecodable
from reconciler.values.wire import Image, canonical_image, digest, to_json

RETENTION_SECONDS = 30 * 86_400  # of closed rows; open and parked rows never expire
INLINE_BYTES = 300 * 1024  # of both images: leaves room for the rest within DynamoDB's 400 KB
ITEM_KEY_BYTES = 2_048  # what DynamoDB takes of a partition key; a legal key's text may be longer
_READABLE = 200


class State(Enum):
    """Where a loss stands."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    ACCEPTED = "ACCEPTED"  # made around the library, and the declared policy lets it stand
    PARKED = "PARKED"
    DECIDED = "DECIDED"  # no loss, but what a person decided about one; kept for ever


@dataclass(frozen=True)
class LedgerRow:
    """A row in wire format; its key is `item_key`, so that an item's rows are read together and
    consistently, and `conflict_id`."""

    conflict_id: str
    item: Image


@dataclass(frozen=True)
class Work:
    """What was done about a loss: deliveries of its event so far, and the merge's word on each
    attribute in which the lost write and the item differed: kept, joined or overridden."""

    attempts: int = 0
    merged: Mapping[str, str] = field(default_factory=dict)


def ledger_row(
    event: ConflictEvent, state: State, at_ms: int, reason: str = "", work: Work | None = None
) -> LedgerRow:
    """Return the row for `event` in `state`, as of `at_ms`; `reason` says why it was parked."""
    work = work or Work()
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
        "restore": {"BOOL": event.restore},
        "sequence_number": {"S": event.sequence_number},
        "lost_at_ms": {"N": event.lost_at_ms},
        "detected_at_ms": {"N": event.detected_at_ms},
        "state_at_ms": {"N": str(at_ms)},
        "attempts": {"N": str(work.attempts)},
        "merged": {"M": {name: {"S": word} for name, word in sorted(work.merged.items())}},
    }
    if _is_cut(row["item_key"]["S"]):
        row["key"] = {"M": canonical_image(event.key)}
    if reason:
        row["reason"] = {"S": reason}
    if event.images_ref:
        row["images_ref"] = {"S": event.images_ref}
    else:
        images = {"lost": event.lost, "winner": event.winner}
        row |= {name: {"M": canonical_image(each)} for name, each in images.items() if each}
    if state in (State.RESOLVED, State.ACCEPTED):
        row["expires"] = {"N": str(at_ms // 1000 + RETENTION_SECONDS)}
    return LedgerRow(event.conflict_id, row)


def event_of(row: Image) -> ConflictEvent:
    """Return the event of a row; a row that holds one's images or their reference has it whole.

    Undecodable, with the row, if it is none of ours.
    """
    try:
        region = row["region"]["S"]
        return ConflictEvent(
            conflict_id=row["conflict_id"]["S"],
            table=row["table"]["S"],
            key=key_of(row),
            finding=Finding(row["finding"]["S"]),
            ordering=row["ordering"]["S"],
            role="witness" if row["role"]["S"] == "witness" else "home",
            region=region,
            replica=replica_id(region),
            lost_dots=tuple(each["S"] for each in row["lost_dots"]["L"]),
            lost_watermarks={r: e["S"] for r, e in row["lost_watermarks"]["M"].items()},
            restore=row["restore"]["BOOL"],
            sequence_number=row["sequence_number"]["S"],
            lost_at_ms=row["lost_at_ms"]["N"],
            detected_at_ms=row["detected_at_ms"]["N"],
            lost=row.get("lost", {"M": None})["M"],
            winner=row.get("winner", {"M": None})["M"],
            images_ref=row.get("images_ref", {"S": None})["S"],
        )
    except (KeyError, ValueError, TypeError, AttributeError, ReconcilerError) as problem:
        raise Undecodable(f"not a ledger row: {problem!r}", row=row) from None


def item_key(key: Mapping[str, Any]) -> str:
    """Return an item's key as one text, the same for equal keys.

    One that is too long is cut and ends in a digest of the whole; its rows hold the key besides.
    What fits is never cut, so rows are found by the name under which they were written.
    """
    text = to_json(canonical_image(key))  # ASCII: a character is a byte
    if len(text) <= ITEM_KEY_BYTES:
        return text
    return f"{text[:_READABLE]}...{digest(text.encode(), 22)}"


def _is_cut(text: str) -> bool:
    return not text.endswith("}")


def key_of(row: Image) -> Image:
    """Return the item's key that a row is about."""
    found: Image = row["key"]["M"] if "key" in row else json.loads(row["item_key"]["S"])
    return found


def fits_inline(event: ConflictEvent) -> bool:
    """Return whether both images can be kept inside the row: their text is never the shorter."""
    return len(event.images()) <= INLINE_BYTES
