"""What a detector makes of one record: the conflict event, its row, and what is to be parked.

Behaviour: pure. A record that nobody can decode is a loss too: of what, only its bytes can tell, so
it is parked whole and its row keeps the item from being folded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.causality.context import replica_id
from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS
from reconciler.conflict.event import ConflictEvent, conflict_id
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.conflict.verdict import Finding, Verdict, lost_image, may_have_expired
from reconciler.detection.change import Record, created_at_ms, readable_key, sequence_number
from reconciler.ports import StreamRange


@dataclass(frozen=True)
class DetectorPolicy:
    """What a deployment decides.

    `outside_writes`: whether hard deletes and puts made around the library stand ("accept") or are
    taken back ("restore"). `folds`: whether closed lineages are certified for folding.
    """

    table: str
    region: str
    outside_writes: Literal["accept", "restore"] = "accept"
    maximum_clock_drift_ms: int = MAXIMUM_CLOCK_DRIFT_MS
    folds: bool = True

    @property
    def replica(self) -> str:
        """The short code of the region."""
        return replica_id(self.region)


@dataclass(frozen=True)
class Loss:
    """What has to be made safe for one record, and where its batch fails if it cannot be."""

    sequence_number: str
    row: Row
    event: ConflictEvent | None = None  # none if there is nothing to send
    parked: Mapping[str, Any] | None = None


def conflict(record: Record, verdict: Verdict, policy: DetectorPolicy, now: int) -> ConflictEvent:
    """Return the event for what a record shows, both images inside."""
    change = record["dynamodb"]
    old, new = change["OldImage"], change.get("NewImage")
    removed, latest = verdict.finding is Finding.REMOVED, now + policy.maximum_clock_drift_ms
    restore = (removed or verdict.finding is Finding.OVERWRITTEN) and (
        policy.outside_writes == "restore" or (removed and may_have_expired(old, latest))
    )
    lost = old if restore else lost_image(verdict, old, new)
    return ConflictEvent(
        conflict_id=conflict_id(policy.table, change["Keys"], verdict, lost),
        table=policy.table,
        key=change["Keys"],
        finding=verdict.finding,
        ordering=verdict.ordering.value,
        role="witness" if verdict.role == "witness" else "home",
        region=policy.region,
        replica=policy.replica,
        lost_dots=tuple(str(dot) for dot in verdict.lost_dots),
        lost_watermarks=dict(verdict.lost_watermarks),
        restore=restore,
        sequence_number=change["SequenceNumber"],
        lost_at_ms=str(created_at_ms(record, now)),
        detected_at_ms=str(now),
        lost=dict(lost),
        winner=dict(new) if new else None,
    )


def decided(event: ConflictEvent, verdict: Verdict, now: int) -> Loss:
    """Return what becomes of a conflict: sent to the resolver, parked, or let stand."""
    if verdict.clock_ahead:
        reason = "ClockAhead: a stamp of this conflict lies in the future; check NTP"
        row = ledger_row(event, State.PARKED, now, reason)
        document = {"reason": reason, "event": event.document()}
        return Loss(event.sequence_number, row, parked=document)
    if verdict.finding is Finding.REMOVED and not event.restore:
        return Loss(event.sequence_number, ledger_row(event, State.ACCEPTED, now))
    return Loss(event.sequence_number, ledger_row(event, State.OPEN, now), event)


def undecodable(record: Record, policy: DetectorPolicy, now: int) -> ConflictEvent:
    """Return what is known of the loss in a record that cannot be decoded; the same every time."""
    number = sequence_number(record)
    event = _unknown(f"undecodable-{policy.replica}-{number}", number, policy, now)
    lost_at = str(created_at_ms(record, now))
    return event.model_copy(update={"key": readable_key(record), "lost_at_ms": lost_at})


def expired_row(
    gone: StreamRange, told: Mapping[str, Any], policy: DetectorPolicy, now: int, reason: str
) -> Row:
    """Return the row of records that their stream does not hold any more: what is known of them."""
    event = _unknown(f"expired-{policy.replica}-{gone.first}", gone.first, policy, now)
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
        replica=policy.replica,
        lost_dots=(),
        sequence_number=number,
        lost_at_ms=str(now),
        detected_at_ms=str(now),
    )
