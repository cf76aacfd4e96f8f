"""The detector: the consumer of one replica's stream.

Behaviour: gathers the losses of a batch, writes their ledger rows, then sends their events, and
answers with the first record that is not safe yet; Lambda comes back from there. A record that
cannot be decoded is parked whole, and the shard goes on. Every step may run twice (rule D3).
HAZARD if an event were sent before its row: a bus that drops it would leave no trace of the loss.
Source: Lambda guide, "Configuring partial batch response with DynamoDB".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reconciler import telemetry
from reconciler.causality import replica_id
from reconciler.detection import Finding, Verdict, classify, lost_image, may_have_expired
from reconciler.errors import ReconcilerError, Undecodable
from reconciler.events import ConflictEvent, FoldCertificate, conflict_id
from reconciler.folding import closed_lineages
from reconciler.hlc import Hlc
from reconciler.item import is_managed
from reconciler.ledger import LedgerRow, State, fits_inline, item_key, ledger_row
from reconciler.ports import ConflictBus, EvidenceStore, Ledger, ParkedChanges, Telemetry
from reconciler.record import (
    MALFORMED,
    Record,
    check_view_type,
    created_at_ms,
    readable_key,
    sequence_number,
)

IMAGES_BYTES = 850_000  # EventBridge and SQS take 1 MB; the rest of the event needs the rest


@dataclass(frozen=True)
class DetectorPolicy:
    """What a deployment decides.

    `outside_writes`: whether hard deletes and puts made around the library stand ("accept") or are
    taken back ("restore"). `folds`: whether closed lineages are certified for folding.
    """

    table: str
    region: str
    outside_writes: Literal["accept", "restore"] = "accept"
    maximum_clock_drift_ms: int = 60_000
    folds: bool = True


@dataclass(frozen=True)
class DetectorPorts:
    """The outside world of a detector."""

    ledger: Ledger
    bus: ConflictBus
    evidence: EvidenceStore
    parked: ParkedChanges
    telemetry: Telemetry


@dataclass(frozen=True)
class Loss:
    """What has to be made safe for one record, and where its batch fails if it cannot be."""

    sequence_number: str
    row: LedgerRow
    event: ConflictEvent | None = None  # none if there is nothing to send
    parked: Mapping[str, Any] | None = None


class Detector:
    """See the module. `now_ms` is the physical clock."""

    def __init__(
        self, policy: DetectorPolicy, ports: DetectorPorts, now_ms: Callable[[], int]
    ) -> None:
        self._policy = policy
        self._ports = ports
        self._now_ms = now_ms
        self._replica = replica_id(policy.region)

    def detect(self, records: Sequence[Record]) -> str | None:
        """Handle a batch in order; return the sequence number to come back to, or None."""
        now = self._now_ms()
        self._ports.telemetry.count(telemetry.RECORDS, len(records))
        losses: list[Loss] = []
        certificates: dict[str, tuple[int, FoldCertificate]] = {}  # the last one of each item
        first_unsafe = None
        for record in records:
            try:
                loss = self._loss(record, now)
            except ReconcilerError as problem:
                if problem.disposition == "park":
                    raise
                self._note_failure(problem)
                first_unsafe = sequence_number(record)
                break
            if loss is not None:
                losses.append(loss)
            certificate = self._certificate(record, now)
            if certificate is not None:
                certificates[item_key(certificate.key)] = (len(losses), certificate)
        unsafe = self._secure(losses, list(certificates.values()))
        return losses[unsafe].sequence_number if unsafe is not None else first_unsafe

    def _loss(self, record: Record, now: int) -> Loss | None:
        change = record.get("dynamodb", {})
        check_view_type(record)
        try:
            if not change.get("Keys"):
                raise Undecodable("the record has no keys")
            old, new = change.get("OldImage"), change.get("NewImage")
            latest = Hlc.of(now + self._policy.maximum_clock_drift_ms)
            verdict = classify(old, new, replica=self._replica, latest_plausible=latest)
            if verdict.finding is Finding.CLEAN:
                return None
            event = self._event(record, verdict, now)
        except (ReconcilerError, *MALFORMED) as problem:
            if isinstance(problem, ReconcilerError) and problem.disposition == "retry":
                raise
            return self._undecodable(record, problem, now)
        return self._decided(event, verdict, now)

    def _certificate(self, record: Record, now: int) -> FoldCertificate | None:
        change = record.get("dynamodb", {})
        image = change.get("NewImage")
        if not self._policy.folds or not is_managed(image):
            return None
        try:
            # As of the record, not of now: a late detector knows nothing of what came after it.
            lineages = closed_lineages(image, self._replica, min(now, created_at_ms(record, now)))
        except ReconcilerError:
            return None  # the record is parked
        if not lineages:
            return None
        return FoldCertificate(
            certificate_id=f"certificate-{self._replica}-{sequence_number(record)}",
            table=self._policy.table,
            key=change["Keys"],
            replica=self._replica,
            sequence_number=sequence_number(record),
            issued_at_ms=str(now),
            lineages=lineages,
        )

    def _event(self, record: Record, verdict: Verdict, now: int) -> ConflictEvent:
        policy, change = self._policy, record["dynamodb"]
        old, new = change["OldImage"], change.get("NewImage")
        removed, latest = verdict.finding is Finding.REMOVED, now + policy.maximum_clock_drift_ms
        restore = (removed or verdict.finding is Finding.OVERWRITTEN) and (
            policy.outside_writes == "restore" or (removed and may_have_expired(old, latest))
        )
        lost = old if restore else lost_image(verdict, old, new)
        event = ConflictEvent(
            conflict_id=conflict_id(policy.table, change["Keys"], verdict, lost),
            table=policy.table,
            key=change["Keys"],
            finding=verdict.finding,
            ordering=verdict.ordering.value,
            role="witness" if verdict.role == "witness" else "home",
            region=policy.region,
            replica=self._replica,
            lost_dots=tuple(str(dot) for dot in verdict.lost_dots),
            lost_watermarks=dict(verdict.lost_watermarks),
            restore=restore,
            sequence_number=change["SequenceNumber"],
            lost_at_ms=str(created_at_ms(record, now)),
            detected_at_ms=str(now),
            lost=dict(lost),
            winner=dict(new) if new else None,
        )
        if fits_inline(lost) and len(event.images()) <= IMAGES_BYTES:
            return event
        reference = self._ports.evidence.put(event.conflict_id, event.images())
        return event.model_copy(update={"lost": None, "winner": None, "images_ref": reference})

    def _decided(self, event: ConflictEvent, verdict: Verdict, now: int) -> Loss:
        counted = self._ports.telemetry
        counted.count(
            telemetry.CONFLICTS
            if verdict.finding is Finding.CONFLICT
            else telemetry.UNMANAGED_WRITES
        )
        counted.count(telemetry.LOSS_TO_DETECTION_MS, max(0, now - int(event.lost_at_ms)))
        if verdict.clock_ahead:
            counted.count(telemetry.CLOCK_AHEAD)
            reason = "ClockAhead: a stamp of this conflict lies in the future; check NTP"
            row = ledger_row(event, State.PARKED, now, reason)
            document = {"reason": reason, "event": event.document()}
            return Loss(event.sequence_number, row, parked=document)
        if verdict.finding is Finding.REMOVED and not event.restore:
            return Loss(event.sequence_number, ledger_row(event, State.ACCEPTED, now))
        return Loss(event.sequence_number, ledger_row(event, State.OPEN, now), event)

    def _undecodable(self, record: Record, problem: Exception, now: int) -> Loss:
        reason = f"{type(problem).__name__}: {problem}"
        number = sequence_number(record)
        event = ConflictEvent(
            conflict_id=f"undecodable-{self._replica}-{number}",
            table=self._policy.table,
            key=readable_key(record),
            finding=Finding.CONFLICT,
            ordering="UNKNOWN",
            role="home",
            region=self._policy.region,
            replica=self._replica,
            lost_dots=(),
            sequence_number=number,
            lost_at_ms=str(created_at_ms(record, now)),
            detected_at_ms=str(now),
        )
        row = ledger_row(event, State.PARKED, now, reason)
        return Loss(number, row, parked={"reason": reason, "record": record})

    def _secure(
        self, losses: Sequence[Loss], certificates: Sequence[tuple[int, FoldCertificate]]
    ) -> int | None:
        """Row first, then parking place or bus; return the index of the first loss not safe.

        A certificate comes with the number of losses before it; it holds if they have their rows.
        """
        unwritten = self._ports.ledger.record([loss.row for loss in losses]) if losses else set()
        unsafe = {i for i, loss in enumerate(losses) if loss.row.conflict_id in unwritten}
        safe = losses[: min(unsafe, default=len(losses))]
        for index, loss in enumerate(safe):
            if loss.parked is not None and not self._park(loss):
                unsafe.add(index)
                safe = safe[:index]
                break
        events = [loss.event for loss in safe if loss.event is not None]
        certified = [certificate for after, certificate in certificates if after <= len(safe)]
        unsent = self._ports.bus.publish([*events, *certified]) if events or certified else set()
        unsafe |= {i for i, loss in enumerate(safe) if loss.row.conflict_id in unsent}
        if unsafe:
            self._ports.telemetry.count(telemetry.DETECTION_FAILURES, len(unsafe))
        return min(unsafe, default=None)

    def _park(self, loss: Loss) -> bool:
        try:
            self._ports.parked.park(loss.parked or {})
        except ReconcilerError as problem:
            self._note_failure(problem)
            return False
        self._ports.telemetry.count(telemetry.PARKED)
        self._ports.telemetry.note("parked", conflict_id=loss.row.conflict_id)
        return True

    def _note_failure(self, problem: ReconcilerError) -> None:
        self._ports.telemetry.note("batch stopped", error=str(problem), evidence=problem.evidence)
