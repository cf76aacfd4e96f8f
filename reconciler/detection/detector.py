"""The detector: the consumer of one replica's stream.

It gathers the losses of a batch, writes their ledger rows, then sends their events, and answers
with the first record that is not safe yet; Lambda comes back from there. A record that cannot be
read is parked whole, and the shard goes on. Every step may run twice (rule D3).
HAZARD if an event were sent before its row: a bus that drops it would leave no trace of the loss.
Source: Lambda guide, "Configuring partial batch response with DynamoDB".
"""

from collections.abc import Callable, Sequence

from reconciler.causality.context import KEYED
from reconciler.causality.hlc import drift_ms
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.row import State, item_key
from reconciler.conflict.verdict import Finding
from reconciler.deployment import telemetry
from reconciler.detection.certifying import certificates_in
from reconciler.detection.change import check_view_type, parse
from reconciler.detection.securing import (
    CLOCK_AHEAD,
    UNKNOWN_VERSION,
    AsOf,
    DetectorPolicy,
    Loss,
    loss_in,
    unreadable_loss,
)
from reconciler.errors import MALFORMED, ReconcilerError
from reconciler.item.metadata import METADATA, NAMES, context_of, is_managed, is_named
from reconciler.ports import DetectorPorts, Record
from reconciler.values.size import item_size


class Detector:
    """Makes every loss in a replica's stream safe, batch by batch; `now_ms` is the wall clock."""

    def __init__(
        self, policy: DetectorPolicy, ports: DetectorPorts, now_ms: Callable[[], int]
    ) -> None:
        self._policy = policy
        self._ports = ports
        self._now_ms = now_ms

    def detect(self, records: Sequence[Record]) -> str | None:
        """Handle a batch in order; return the sequence number to come back to, or None."""
        drift = self._policy.maximum_clock_drift_ms
        as_of = AsOf(self._now_ms(), self._ports.replica(), drift)
        self._ports.telemetry.count(telemetry.RECORDS, len(records))
        self._measure_one(records, as_of.now_ms)
        losses: list[Loss] = []
        # The last one of each item, of its conditional and of its named writes.
        certificates: dict[tuple[str, str], tuple[int, FoldCertificate]] = {}
        first_unsafe = None
        for record in records:
            change = parse(record)  # here, or it is looked up in memory twice (D4)
            check_view_type(change)
            try:
                loss = loss_in(change, self._policy, as_of)
                if loss is Finding.UNMANAGED:
                    kind = telemetry.outside_kind(loss)
                    self._ports.telemetry.count(telemetry.OUTSIDE_WRITES, kind=kind)
                elif loss is not None:
                    losses.append(self._with_evidence(loss))
                    self._count(loss)
            except ReconcilerError as problem:
                if problem.disposition == "park":
                    raise
                self._note_failure(problem)
                first_unsafe = change.number
                break
            for certificate in certificates_in(change, self._policy, as_of):
                name = (item_key(certificate.key), certificate.replica)
                certificates[name] = (len(losses), certificate)
        unsafe = self._secure(losses, list(certificates.values()))
        return losses[unsafe].event.sequence_number if unsafe is not None else first_unsafe

    def give_up(self, record: Record, reason: str) -> bool:
        """Park one record whole, for a reason; return whether it is safe."""
        loss = unreadable_loss(parse(record), reason, self._policy, self._now_ms())
        try:
            return self._secure([self._with_evidence(loss)], []) is None
        except ReconcilerError as problem:
            self._note_failure(problem)
            return False

    def _with_evidence(self, loss: Loss) -> Loss:
        """Keep what does not fit the row: it is safe before a row refers to it."""
        document = loss.evidence()
        if document is None:
            return loss
        return loss.kept_at(self._ports.evidence.put(loss.event.conflict_id, document))

    def _measure_one(self, records: Sequence[Record], now: int) -> None:
        """Measure the batch's last managed item, for all: clean records must stay cheap (D4)."""
        try:
            images = (parse(record).new for record in reversed(records))
            image = next(filter(is_managed, images), None)
            if image is None:
                return
            context, size = context_of(image), item_size({METADATA: image[METADATA]})
        except (ReconcilerError, *MALFORMED):
            return  # what cannot be read is parked, or waits for a newer release
        measured, latest = self._ports.telemetry, context.latest()
        if is_named(image):
            measured.measure(telemetry.NAMES_BYTES, item_size({NAMES: image[NAMES]}))
        measured.measure(telemetry.LINEAGES, len(context.heads))
        if keys := sum(lineage.replica == KEYED for lineage in context.heads):
            measured.measure(telemetry.KEYS, keys)
        measured.measure(telemetry.METADATA_BYTES, size)
        if latest is not None:
            measured.measure(telemetry.CLOCK_DRIFT_MS, drift_ms(latest, now))

    def _count(self, loss: Loss) -> None:
        if loss.reason.startswith(UNKNOWN_VERSION):
            self._ports.telemetry.count(telemetry.UNKNOWN_VERSIONS)
        if not loss.is_readable:
            return  # of what it is a loss, nobody can tell
        counted, event = self._ports.telemetry, loss.event
        if event.finding in (Finding.CONFLICT, Finding.SCALAR, Finding.CLOSED):
            kind = telemetry.conflict_kind(event.ordering, event.role)
            counted.count(telemetry.CONFLICTS, kind=kind)
        else:
            kind = telemetry.outside_kind(event.finding)
            counted.count(telemetry.OUTSIDE_WRITES, kind=kind)
        age_ms = max(0, loss.at_ms - int(event.lost_at_ms))
        counted.measure(telemetry.LOSS_TO_DETECTION_MS, age_ms)
        if loss.reason == CLOCK_AHEAD:
            counted.count(telemetry.CLOCK_AHEAD)

    def _secure(
        self, losses: Sequence[Loss], certificates: Sequence[tuple[int, FoldCertificate]]
    ) -> int | None:
        """Row first, then parking place or bus; return the index of the first loss not safe.

        A certificate comes with the number of losses before it; it holds if they have their rows.
        """
        unwritten = self._ports.ledger.record([loss.row() for loss in losses]) if losses else set()
        unsafe = {i for i, loss in enumerate(losses) if loss.event.conflict_id in unwritten}
        safe = losses[: min(unsafe, default=len(losses))]
        for index, loss in enumerate(safe):
            if not self._is_parked(loss):
                unsafe.add(index)
                safe = safe[:index]
                break
        events = [loss.event for loss in safe if loss.state is State.OPEN]
        certified = [certificate for after, certificate in certificates if after <= len(safe)]
        unsent = self._ports.bus.publish([*events, *certified]) if events or certified else set()
        unsafe |= {i for i, loss in enumerate(safe) if loss.event.conflict_id in unsent}
        if unsafe:
            self._ports.telemetry.count(telemetry.DETECTION_FAILURES, len(unsafe))
        return min(unsafe, default=None)

    def _is_parked(self, loss: Loss) -> bool:
        """Set a loss aside, if it is to be; return whether nothing is left to do for that."""
        document = loss.parked()
        if document is None:
            return True
        try:
            self._ports.parked.park(document)
        except ReconcilerError as problem:
            self._note_failure(problem)
            return False
        self._ports.telemetry.count(telemetry.PARKED)
        self._ports.telemetry.note("parked", conflict_id=loss.event.conflict_id)
        return True

    def _note_failure(self, problem: ReconcilerError) -> None:
        self._ports.telemetry.note("batch stopped", error=problem)
