"""The detector: the consumer of one replica's stream.

Behaviour: gathers the losses of a batch, writes their ledger rows, then sends their events, and
answers with the first record that is not safe yet; Lambda comes back from there. A record that
cannot be decoded is parked whole, and the shard goes on. Every step may run twice (rule D3).
HAZARD if an event were sent before its row: a bus that drops it would leave no trace of the loss.
Source: Lambda guide, "Configuring partial batch response with DynamoDB".
"""

from collections.abc import Callable, Sequence

from reconciler.causality.hlc import Hlc, drift_ms
from reconciler.conflict.event import ConflictEvent, FoldCertificate
from reconciler.conflict.folding import closed_lineages
from reconciler.conflict.row import State, fits_inline, item_key, ledger_row
from reconciler.conflict.verdict import Finding, Verdict, classify
from reconciler.deployment import telemetry
from reconciler.detection.change import (
    MALFORMED,
    Record,
    check_view_type,
    created_at_ms,
    sequence_number,
)
from reconciler.detection.loss import DetectorPolicy, Loss, conflict, decided, undecodable
from reconciler.errors import ReconcilerError, Undecodable
from reconciler.item.metadata import METADATA, context_of, is_managed
from reconciler.ports import DetectorPorts
from reconciler.values.size import item_size
from reconciler.values.wire import to_json


class Detector:
    """See the module. `now_ms` is the physical clock."""

    def __init__(
        self, policy: DetectorPolicy, ports: DetectorPorts, now_ms: Callable[[], int]
    ) -> None:
        self._policy = policy
        self._replica = policy.replica  # asked for at every record
        self._ports = ports
        self._now_ms = now_ms

    def detect(self, records: Sequence[Record]) -> str | None:
        """Handle a batch in order; return the sequence number to come back to, or None."""
        now = self._now_ms()
        self._ports.telemetry.count(telemetry.RECORDS, len(records))
        self._measure_one(records, now)
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

    def give_up(self, record: Record, reason: str) -> bool:
        """Park one record whole, for a reason; return whether it is safe."""
        try:
            loss = self._undecodable(record, reason, self._now_ms())
        except ReconcilerError as problem:
            self._note_failure(problem)
            return False
        return self._secure([loss], []) is None

    def _measure_one(self, records: Sequence[Record], now: int) -> None:
        """Measure the batch's last managed item, for all: clean records must stay cheap (D4)."""
        try:
            images = (record["dynamodb"].get("NewImage") for record in reversed(records))
            image = next(filter(is_managed, images), None)
            if image is None:
                return
            context, size = context_of(image), item_size({METADATA: image[METADATA]})
        except (ReconcilerError, *MALFORMED):
            return  # what cannot be read is parked, or waits for a newer release
        measured, latest = self._ports.telemetry, context.latest()
        measured.measure(telemetry.LINEAGES, len(context.heads))
        measured.measure(telemetry.METADATA_BYTES, size)
        if latest is not None:
            measured.measure(telemetry.CLOCK_DRIFT_MS, drift_ms(latest, now))

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
            return self._undecodable(record, f"{type(problem).__name__}: {problem}", now)
        return self._decided(event, verdict, now)

    def _certificate(self, record: Record, now: int) -> FoldCertificate | None:
        change = record.get("dynamodb", {})
        image = change.get("NewImage")
        if not self._policy.folds or not is_managed(image):
            return None
        try:
            # As of the record, not of now: a late detector knows nothing of what came after it.
            as_of = min(now, created_at_ms(record, now))
            lineages = closed_lineages(image, self._replica, as_of)
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

    def _undecodable(self, record: Record, reason: str, now: int) -> Loss:
        """Keep the record for ever, a row that speaks of it, and the record to be parked."""
        event = undecodable(record, self._policy, now)
        kept = self._ports.evidence.put(event.conflict_id, to_json({"record": record}))
        event = event.model_copy(update={"images_ref": kept})
        row = ledger_row(event, State.PARKED, now, reason)
        return Loss(event.sequence_number, row, parked={"reason": reason, "record": record})

    def _event(self, record: Record, verdict: Verdict, now: int) -> ConflictEvent:
        event = conflict(record, verdict, self._policy, now)
        if fits_inline(event):
            return event
        reference = self._ports.evidence.put(event.conflict_id, event.images())
        return event.model_copy(update={"lost": None, "winner": None, "images_ref": reference})

    def _decided(self, event: ConflictEvent, verdict: Verdict, now: int) -> Loss:
        counted = self._ports.telemetry
        if verdict.finding is Finding.CONFLICT:
            kind = telemetry.conflict_kind(event.ordering, event.role)
            counted.count(telemetry.CONFLICTS, kind=kind)
        else:
            counted.count(telemetry.UNMANAGED_WRITES, kind=verdict.finding.value)
        counted.measure(telemetry.LOSS_TO_DETECTION_MS, max(0, now - int(event.lost_at_ms)))
        if verdict.clock_ahead:
            counted.count(telemetry.CLOCK_AHEAD)
        return decided(event, verdict, now)

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
