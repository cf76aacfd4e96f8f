"""The ledger's rows, the conflict feed, written and read here: one for each loss.

A row is OPEN before its event is sent: from then on the loss is safe, whatever the bus does, for
the event can be made of the row again. It is a pure function of the event and its state, so writing
it twice changes nothing that matters. Its evidence (key, images, what was lost) is the detector's;
whoever closes it changes what `Row.outcome` tells, and no more.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from reconciler.causality.context import Dot, replica_id
from reconciler.conflict.event import ConflictEvent, parse_event
from reconciler.errors import MALFORMED, ReconcilerError, Undecodable, bounded, reason_of
from reconciler.text.counts import count_in_words
from reconciler.values.size import is_too_deep
from reconciler.values.wire import Image, canonical_image, digest, to_json

RETENTION_SECONDS = 30 * 86_400  # of closed rows; open and parked rows never expire
INLINE_BYTES = 300 * 1024  # of both images: leaves room for the rest within DynamoDB's 400 KB
ABOUT_BYTES = 64 * 1024  # of what was lost, by name: a context of thousands of lineages has more
WORDS_BYTES = 16 * 1024  # of what became of each attribute; of an item of very many, the first ones
ITEM_KEY_BYTES = 2_048  # what DynamoDB takes of a partition key; a legal key's text may be longer
DECISION_BYTES = 200 * 1024  # of what a person decided, in the decision's own row
DECISION_BESIDE_BYTES = 4 * 1024  # and beside the images of the loss, if it is not longer
_READABLE = 200
_AUDIT = ("decided_by", "decided_at_ms", "decision", "why")
OUTCOME = ("state", "state_at_ms", "reason", "attempts", "merged", "expires")
_NUMBER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
T = TypeVar("T")


class State(Enum):
    """Where a loss stands."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    ACCEPTED = "ACCEPTED"  # made around the library, and the declared policy lets it stand
    PARKED = "PARKED"
    DECIDED = "DECIDED"  # no loss, but what a person decided about one; kept for ever


@dataclass(frozen=True)
class Progress:
    """What was done about a loss so far: deliveries of its event, and the merge's word on each
    attribute in which the lost write and the item differed: kept, joined or overridden."""

    attempts: int = 0
    merged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """Who decided what about a loss, when and why; the decision is JSON text."""

    by: str
    decision: str
    why: str
    at_ms: int


@dataclass(frozen=True)
class Row:
    """A row of the ledger, read once: which loss it is about, where that stands, what was done.

    `image` is the row in wire format, whole. What the row does not have, or has in a form that is
    none of ours, is empty or None here, so a bad row hides no other one. Its key in the ledger is
    `item_key`, so that an item's rows are read together and consistently, and `conflict_id`. Times
    are in milliseconds since 1970. `lost_dots` and `lost_watermarks` are None if nobody can say.
    """

    image: Image
    conflict_id: str
    item_key: str
    key: Image
    state: State | None
    finding: str
    ordering: str
    role: str
    region: str
    reason: str
    lost_at_ms: int
    detected_at_ms: int | None
    state_at_ms: int
    attempts: int | None
    lost_dots: tuple[Dot, ...] | None
    lost_watermarks: Mapping[str, str] | None
    merged: Mapping[str, str]
    audit: Audit | None
    images_ref: str
    lost: Image | None
    winner: Image | None

    @classmethod
    def of(cls, image: Image) -> "Row":
        """Read a row; Undecodable, with the row, if it has not even the ledger's key."""
        conflict_id, item_key = _text(image, "conflict_id"), _text(image, "item_key")
        if not conflict_id or not item_key:
            raise Undecodable("not a ledger row: it has no key", row=image)
        return cls(
            image=image,
            conflict_id=conflict_id,
            item_key=item_key,
            key=_readable(lambda: _checked_key(image)) or {},
            state=_readable(lambda: State(image["state"]["S"])),
            finding=_text(image, "finding"),
            ordering=_text(image, "ordering"),
            role=_text(image, "role"),
            region=_text(image, "region"),
            reason=_text(image, "reason"),
            lost_at_ms=_number(image, "lost_at_ms") or 0,
            detected_at_ms=_number(image, "detected_at_ms"),
            state_at_ms=_number(image, "state_at_ms") or 0,
            attempts=_number(image, "attempts"),
            lost_dots=_readable(lambda: _dots(image)),
            lost_watermarks=_texts(image, "lost_watermarks"),
            merged=_texts(image, "merged") or {},
            audit=_audit(image),
            images_ref=_text(image, "images_ref"),
            lost=_readable(lambda: dict(image["lost"]["M"])),
            winner=_readable(lambda: dict(image["winner"]["M"])),
        )

    @property
    def ledger_key(self) -> Image:
        """The row's key in the ledger, in wire format."""
        return {"item_key": {"S": self.item_key}, "conflict_id": {"S": self.conflict_id}}

    def event(self) -> ConflictEvent:
        """Return the row's event; a row that holds images or their reference has it whole.

        Undecodable, with the row, if it is none of ours.
        """
        row = self.image
        try:
            region = row["region"]["S"]
            told = {
                "conflict_id": self.conflict_id,
                "table": row["table"]["S"],
                "key": _key(row),
                "finding": row["finding"]["S"],
                "ordering": row["ordering"]["S"],
                "role": "witness" if row["role"]["S"] == "witness" else "home",
                "region": region,
                "replica": replica_id(region),
                "lost_dots": tuple(each["S"] for each in row["lost_dots"]["L"]),
                "lost_watermarks": {r: e["S"] for r, e in row["lost_watermarks"]["M"].items()},
                "restore": row["restore"]["BOOL"],
                "version_attributes": [
                    each["S"] for each in row.get("version_attributes", {"L": []})["L"]
                ]
                or None,
                "sequence_number": row["sequence_number"]["S"],
                "lost_at_ms": row["lost_at_ms"]["N"],
                "detected_at_ms": row["detected_at_ms"]["N"],
                "lost": row.get("lost", {"M": None})["M"],
                "winner": row.get("winner", {"M": None})["M"],
                "images_ref": row.get("images_ref", {"S": None})["S"],
            }
            return parse_event(told)
        except KeyError as problem:
            raise Undecodable(f"not a ledger row: {bounded(str(problem))}", row=row) from None
        except (ReconcilerError, *MALFORMED) as problem:
            raise Undecodable(f"not a ledger row: {reason_of(problem)}", row=row) from None

    def kept_at(self, reference: str) -> "Row":
        """Return the row with a reference in place of its images."""
        rest = {name: wire for name, wire in self.image.items() if name not in ("lost", "winner")}
        return Row.of({**rest, "images_ref": {"S": reference}})

    def outcome(self) -> dict[str, Any]:
        """Return what of the row changes when it is closed; None for what it then lacks.

        What was decided stays, unless this row tells a decision.
        """
        said = {name: self.image.get(name) for name in OUTCOME}
        return said | {name: self.image[name] for name in _AUDIT if name in self.image}

    def in_state_of(self, other: "Row") -> "Row":
        """Return the row with the outcome that another one tells."""
        changed = {**self.image, **other.outcome()}
        return Row.of({name: wire for name, wire in changed.items() if wire is not None})

    def with_audit_of(self, decided: "Row") -> "Row":
        """Return the row with what another one keeps of a decision."""
        return Row.of(self.image | {n: decided.image[n] for n in _AUDIT if n in decided.image})


def ledger_row(
    event: ConflictEvent,
    state: State,
    at_ms: int,
    reason: str = "",
    progress: Progress | None = None,
) -> Row:
    """Return the row for `event` in `state`, as of `at_ms`; `reason` says why it was parked."""
    progress = progress or Progress()
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
        "attempts": {"N": str(progress.attempts)},
        "merged": _words(progress.merged),
    }
    if _is_cut(row["item_key"]["S"]):
        row["key"] = {"M": canonical_image(event.key)}
    if reason:
        row["reason"] = {"S": bounded(reason)}
    row |= _of_loss(event)
    if state in (State.RESOLVED, State.ACCEPTED):
        row["expires"] = _expiry(at_ms)
    return Row.of(row)


def _of_loss(event: ConflictEvent) -> Image:
    """Return what a row keeps of a loss itself: its images, or where they are."""
    by = event.version_attributes
    scalar: Image = {"version_attributes": {"L": [{"S": name} for name in by]}} if by else {}
    if event.images_ref:
        return {**scalar, "images_ref": {"S": event.images_ref}}
    images = {"lost": event.lost, "winner": event.winner}
    return scalar | {name: {"M": canonical_image(each)} for name, each in images.items() if each}


def resolved_row(row: Row, audit: Audit, reason: str, merged: Mapping[str, str]) -> Row:
    """Return the row of a loss that a person decided: RESOLVED, with who decided what, and why.

    A decision too long to stand beside the images is in its own row alone.
    """
    is_short = len(audit.decision.encode()) <= DECISION_BESIDE_BYTES
    elsewhere = json.dumps({"kept in": decision_id(row.conflict_id)})
    texts = {
        "state": State.RESOLVED.value,
        "reason": bounded(reason),
        "decided_by": audit.by,
        "decision": audit.decision if is_short else elsewhere,
        "why": audit.why,
    }
    at = {"N": str(audit.at_ms)}
    times = {"state_at_ms": at, "decided_at_ms": at, "expires": _expiry(audit.at_ms)}
    said: Image = {name: {"S": text} for name, text in texts.items() if text}
    return Row.of({**row.image, **said, **times, "merged": _words(merged)})


def decision_row(row: Row, decision: str) -> Row:
    """Return the row that keeps the decision of a resolved one, which a late delivery may
    replace."""
    kept = {name: row.image[name] for name in ("item_key", "table", "region", "lost_at_ms")}
    said = {name: row.image[name] for name in ("key", *_AUDIT) if name in row.image}
    about = {
        "conflict_id": {"S": decision_id(row.conflict_id)},
        "state": {"S": State.DECIDED.value},
        "state_at_ms": row.image["state_at_ms"],
        "decision": {"S": decision},
    }
    return Row.of({**kept, **said, **about})


def decision_id(conflict_id: str) -> str:
    """Return the id of the row that keeps what was decided about a loss."""
    return f"{conflict_id}#decision"


def item_key(key: Mapping[str, Any]) -> str:
    """Return an item's key as one text, the same for equal keys.

    One that is too long is cut and ends in a digest of the whole; its rows hold the key besides.
    What fits is never cut, so rows are found by the name under which they were written.
    """
    text = to_json(canonical_image(key))  # ASCII: a character is a byte
    if len(text) <= ITEM_KEY_BYTES:
        return text
    return f"{text[:_READABLE]}...{digest(text.encode(), 22)}"


def fits_inline(event: ConflictEvent) -> bool:
    """Return whether both images can be kept inside the row, in which they nest a level deeper."""
    images = [each for each in (event.lost, event.winner) if each]
    if any(is_too_deep(image, levels=1) for image in images):
        return False
    return len(event.images()) <= INLINE_BYTES  # their text is never the shorter


def check_fits_row(event: ConflictEvent) -> None:
    """Refuse, as Undecodable, an event that no row could name, even without its images."""
    about = to_json([event.key, event.lost_dots, event.lost_watermarks])
    if len(about) > ABOUT_BYTES:
        raise Undecodable(
            f"{count_in_words(len(event.lost_dots), 'write')} and"
            f" {count_in_words(len(event.lost_watermarks), 'watermark')} are"
            " lost at once: no ledger row can name them"
        )


def _is_cut(text: str) -> bool:
    return not text.endswith("}")


def _key(row: Image) -> Image:
    found: Image = row["key"]["M"] if "key" in row else json.loads(row["item_key"]["S"])
    return found


def _checked_key(row: Image) -> Image:
    key = _key(row)
    canonical_image(key)
    return key


def _readable(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (ReconcilerError, *MALFORMED):
        return None


def _text(row: Image, name: str) -> str:
    return _readable(lambda: str(row[name]["S"])) or ""


def _number(row: Image, name: str) -> int | None:
    text = _readable(lambda: row[name]["N"])
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def _texts(row: Image, name: str) -> Mapping[str, str] | None:
    return _readable(lambda: {key: str(wire["S"]) for key, wire in row[name]["M"].items()})


def _dots(row: Image) -> tuple[Dot, ...]:
    return tuple(Dot.parse(each["S"]) for each in row["lost_dots"]["L"])


def _audit(row: Image) -> Audit | None:
    decision, at_ms = _text(row, "decision"), _number(row, "decided_at_ms")
    if not decision or at_ms is None:
        return None
    return Audit(_text(row, "decided_by"), decision, _text(row, "why"), at_ms)


def _words(merged: Mapping[str, str]) -> dict[str, Any]:
    words: Image = {}
    room = WORDS_BYTES
    for name, word in sorted(merged.items()):
        room -= len(name.encode()) + len(word) + 8
        if room < 0:
            break
        words[name] = {"S": word}
    return {"M": words}


def _expiry(closed_at_ms: int) -> dict[str, Any]:
    return {"N": str(closed_at_ms // 1000 + RETENTION_SECONDS)}
