"""What has to be made safe of a change: its loss. Pure.

A loss is a ledger row first, then an event to send or a document to park. A change that
nobody can read is a loss too: of what, only its record can tell, so it is parked whole and its row
keeps the item from being folded. The same change gives the same loss, whenever it is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from reconciler.causality.context import replica_id
from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS, Hlc
from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.event import ConflictEvent, conflict_id
from reconciler.conflict.row import Row, State, check_fits_row, fits_inline, ledger_row
from reconciler.conflict.scalar import ScalarVersion, classify_scalar
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.conflict.waiting import is_to_wait
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES, OutsideWriters, OutsideWrites
from reconciler.detection.change import Change
from reconciler.detection.removal import TOOK_A_FRESH_WRITE, Fate, fate_of
from reconciler.errors import MALFORMED, ReconcilerError, UnknownWireVersion, bounded, reason_of
from reconciler.ports import Record, StreamRange
from reconciler.values.wire import to_json

UNKNOWN_VERSION = UnknownWireVersion.__name__
CLOSED = (
    "VersionClosed: it was written around the library on a version of the item that all regions had"
    " moved on from; compare both images"
)
CLOCK_AHEAD = "ClockAhead: a stamp of this conflict lies in the future; check NTP"


@dataclass(frozen=True)
class DetectorPolicy:
    """What a deployment decides about its detectors.

    `outside_writes`: whether hard deletes made around the library stand ("accept") or are taken
    back ("restore"); but never what the table's own time-to-live took, by `ttl_attribute` ("": it
    has none of its own). `folds`: whether closed lineages are certified for folding.
    `outside_writers`: whether there are any; with "none", no write of theirs is looked for in what
    a library write took the place of. `version_attributes`: those by which items without metadata
    tell their writes apart, see `ScalarVersion`. `key_lifetime_minutes`: for how long writers take
    an idempotency key; HAZARD if it were less than any schema's.
    """

    table: str
    region: str
    outside_writes: OutsideWrites = "accept"
    maximum_clock_drift_ms: int = MAXIMUM_CLOCK_DRIFT_MS
    folds: bool = True
    outside_writers: OutsideWriters = "expected"
    ttl_attribute: str = ""
    version_attributes: tuple[str, ...] = ()
    key_lifetime_minutes: int = KEY_LIFETIME_MINUTES


@dataclass(frozen=True)
class AsOf:
    """When a batch was taken, by the physical clock, and by which replica."""

    now_ms: int
    replica: str
    maximum_clock_drift_ms: int = MAXIMUM_CLOCK_DRIFT_MS

    @cached_property
    def latest_plausible(self) -> Hlc:
        """The greatest hlc that the drift of clocks can explain; one for all records (D4)."""
        return Hlc.of(self.now_ms + self.maximum_clock_drift_ms)


@dataclass(frozen=True)
class Loss:
    """What one change took away, and how that is made safe: its row's state says what follows.

    OPEN: the event is sent. ACCEPTED: it is let stand. PARKED: it is set aside whole, for `reason`.
    Of one in a `record` that nobody can read, the event says only what is known.
    """

    event: ConflictEvent
    state: State
    at_ms: int
    reason: str = ""
    is_readable: bool = True
    record: Record | None = None

    def evidence(self) -> str | None:
        """Return the document that must be kept outside the row, None if there is none."""
        if not self.is_readable:
            return to_json({"record": self.record})
        return None if fits_inline(self.event) else self.event.images()

    def kept_at(self, reference: str) -> "Loss":
        """Return the loss with a reference in place of its images, or of its record."""
        kept = {"lost": None, "winner": None, "images_ref": reference}
        return replace(self, event=self.event.model_copy(update=kept))

    def row(self) -> Row:
        """Return the ledger row."""
        return ledger_row(self.event, self.state, self.at_ms, self.reason)

    def parked(self) -> Mapping[str, Any] | None:
        """Return what a person or a redrive is to find, None if nothing is set aside."""
        if self.state is not State.PARKED:
            return None
        if not self.is_readable:
            return {"reason": self.reason, "record": self.record}
        return {"reason": self.reason, "event": self.event.document()}


Found = Loss | Literal[Finding.UNMANAGED] | None


def loss_in(change: Change, policy: DetectorPolicy, as_of: AsOf) -> Found:
    """Return what a change took away, None if it is clean.

    What was done around the library, and took nothing away, is only to be counted: nobody knows
    more of it until somebody writes on top, and to act on it would harm its writer.
    UnknownWireVersion if only a newer release can tell: the change waits for it, for an hour.
    """
    if change.unreadable:
        return unreadable_loss(change, change.unreadable, policy, as_of.now_ms)
    try:
        found = classify(
            change.old,
            change.new,
            replica=as_of.replica,
            key=change.keys,
            latest_plausible=as_of.latest_plausible,
            expects_outside=policy.outside_writers == "expected",
            at_ms=change.created_at_ms,
        )
        by = ScalarVersion.of(policy.version_attributes)
        if by is not None and found.finding is Finding.CLEAN:
            found = classify_scalar(change.old, change.new, by, policy.region)
        if found.finding is Finding.CLEAN:
            return None
        if found.finding is Finding.UNMANAGED:
            return Finding.UNMANAGED
        return _loss(change, found, policy, as_of)
    except (ReconcilerError, *MALFORMED) as problem:
        if is_to_wait(problem, change.created_at_ms, as_of.now_ms):
            raise
        return unreadable_loss(change, reason_of(problem), policy, as_of.now_ms)


def _loss(change: Change, found: Verdict, policy: DetectorPolicy, as_of: AsOf) -> Loss:
    now = as_of.now_ms
    at_ms = now if change.created_at_ms is None else change.created_at_ms
    fate = None
    if found.finding is Finding.REMOVED:
        restores, own = policy.outside_writes == "restore", policy.ttl_attribute
        fate = fate_of(change, at_ms, restores=restores, ttl_attribute=own)
    event = _event(change, found, policy, as_of, restore=fate is Fate.RESTORED)
    check_fits_row(event)
    if found.clock_ahead:
        return Loss(event, State.PARKED, now, CLOCK_AHEAD)
    if found.finding is Finding.CLOSED:
        return Loss(event, State.PARKED, now, CLOSED)
    if fate is Fate.ASKED:
        return Loss(event, State.PARKED, now, TOOK_A_FRESH_WRITE)
    return Loss(event, State.ACCEPTED if fate is Fate.STANDS else State.OPEN, now)


def _event(
    change: Change, found: Verdict, policy: DetectorPolicy, as_of: AsOf, *, restore: bool
) -> ConflictEvent:
    """Return the event for what a change shows, both images inside."""
    old, new, now = change.old or {}, change.new, as_of.now_ms
    at_ms = now if change.created_at_ms is None else change.created_at_ms
    lost = lost_image(found, old, new, Hlc.of(at_ms), change.keys)
    return ConflictEvent(
        conflict_id=conflict_id(policy.table, change.keys, found, lost),
        table=policy.table,
        key=dict(change.keys),
        finding=found.finding,
        ordering=found.ordering.value,
        role="witness" if found.role == "witness" else "home",
        region=policy.region,
        replica=as_of.replica,
        lost_dots=tuple(str(dot) for dot in found.lost_dots),
        lost_watermarks=dict(found.lost_watermarks),
        restore=restore,
        version_attributes=policy.version_attributes if found.finding is Finding.SCALAR else None,
        sequence_number=change.number,
        lost_at_ms=str(at_ms),
        detected_at_ms=str(now),
        lost=dict(lost),
        winner=dict(new) if new else None,
    )


def unreadable_loss(change: Change, reason: str, policy: DetectorPolicy, now: int) -> Loss:
    """Return the loss in a record that nobody can read; it has the same id every time."""
    at_ms = now if change.created_at_ms is None else change.created_at_ms
    name = f"undecodable-{replica_id(policy.region)}-{change.name()}"
    event = _unknown(name, change.number if change.has_number() else "", policy, now)
    known = {"key": change.readable_key(), "lost_at_ms": str(at_ms)}
    return Loss(
        event.model_copy(update=known),
        State.PARKED,
        now,
        bounded(reason),
        is_readable=False,
        record=change.record,
    )


def expired_row(
    gone: StreamRange, told: Mapping[str, Any], policy: DetectorPolicy, now: int, reason: str
) -> Row:
    """Return the row of records that their stream does not hold any more: what is known of them."""
    event = _unknown(f"expired-{replica_id(policy.region)}-{gone.first}", gone.first, policy, now)
    return ledger_row(event, State.PARKED, now, f"{reason}; {_known(gone, told)}")


def _known(gone: StreamRange, told: Mapping[str, Any]) -> str:
    batch = told["DDBStreamBatchInfo"]
    return (
        f"{batch.get('batchSize', 'some')} records from {gone.first} to {gone.last} of"
        f" {gone.shard_id} in {gone.stream_arn}, written from"
        f" {batch.get('approximateArrivalOfFirstRecord')} to"
        f" {batch.get('approximateArrivalOfLastRecord')}"
    )


def _unknown(identifier: str, number: str, policy: DetectorPolicy, now: int) -> ConflictEvent:
    return ConflictEvent(
        conflict_id=identifier,
        table=policy.table,
        key={},
        finding=Finding.CONFLICT,
        ordering="UNKNOWN",
        role="home",
        region=policy.region,
        replica=replica_id(policy.region),
        lost_dots=(),
        sequence_number=number,
        lost_at_ms=str(now),
        detected_at_ms=str(now),
    )
