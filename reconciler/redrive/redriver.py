"""Doing the work of a dead letter again, with the detector and the resolver that failed at it.

It is idempotent, as every stage is, so two redrives at once are harmless. Work is confirmed when
its ledger rows are written and its events accepted, or when its merge is in the item and its row
closed. A record that fails by itself is parked and does not hold up the others of its batch.
HAZARD if a message were deleted before that: what it stands for may exist nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.fitting import check_fits, check_is_ours
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.deployment import telemetry
from reconciler.detection.change import parse
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy, expired_row, unreadable_loss
from reconciler.errors import ReconcilerError, RecordsExpired, Undecodable, reason_of
from reconciler.item.metadata import context_of, is_managed
from reconciler.ports import ParkedChanges, Record, RedrivePorts
from reconciler.redrive.letters import (
    Content,
    FailedEvent,
    NamedRecords,
    NoWork,
    StoredWork,
    WholeRecords,
    contents,
)
from reconciler.redrive.outcome import RedriveOutcome, Result, worst
from reconciler.redrive.rehearsal import AlreadyParked, Heard, LetterPorts
from reconciler.resolution.repair import undecided
from reconciler.resolution.resolver import Message, Resolver
from reconciler.text.counts import count_in_words
from reconciler.values.wire import canonical_image


class Redriver:
    """Does the work of one region's letters again; `now_ms` is the physical clock."""

    def __init__(
        self, policy: DetectorPolicy, ports: RedrivePorts, now_ms: Callable[[], int]
    ) -> None:
        # No certificates: what is redriven is late, and the item's later records certify.
        self._policy = replace(policy, folds=False)
        self._ports = ports
        self._now_ms = now_ms

    def redrive(self, body: str, beat: Callable[[], object] = lambda: None) -> Result:
        """Do the work that a message or a document asks for; `beat` is called between its steps."""
        return worst([self._done(work, beat) for work in contents(body)])

    def redrive_batch(self, reference: str) -> Result:
        """Do the work of a batch that Lambda set aside, given the reference to its document."""
        return self._done(StoredWork(reference, batch=True), lambda: None)

    def resend(self, row: Row) -> Result:
        """Send the event of an open row once more: the ledger is the outbox of the detector.

        The row counts as opened now, so the next redrive leaves the event its time.
        """
        try:
            event = row.event()
            check_is_ours(event, self._policy.table, self._policy.region)
            if event.lost is not None:
                check_fits(event, event.lost)
        except Undecodable as problem:
            return Result(RedriveOutcome.POISON, reason_of(problem), done=False)
        opened = ledger_row(event, State.OPEN, self._now_ms())
        if self._ports.ledger.set_state([opened]) or self._ports.bus.publish([event]):
            return self._refused()
        return Result(RedriveOutcome.REDRIVEN, "its event is sent again")

    def settle(self, row: Row) -> Result | None:
        """Close a parked row whose loss the item includes by now; None if it waits on.

        A decision that was made in another region arrives by replication, without its row.
        """
        try:
            key = canonical_image(row.key)
            current = self._ports.items.get(key) if key and row.lost_dots else None
            if not is_managed(current) or current is None or undecided(current):
                return None
            context = context_of(current)
            if not all(map(context.covers, row.lost_dots or ())):
                return None
            closed = self._closed(row.event(), f"{row.reason}; the item includes it by now")
        except ReconcilerError:
            return None
        if self._ports.ledger.set_state([closed]):
            return self._refused()
        return Result(RedriveOutcome.ALREADY_REPAIRED, "the item includes it, so its row is closed")

    def _done(self, work: Content, beat: Callable[[], object]) -> Result:
        try:
            match work:
                case NamedRecords():
                    return self._redrive_named(work, beat)
                case WholeRecords():
                    return (
                        self._retry_parked(work) if work.parked else self._batch(work.records, beat)
                    )
                case FailedEvent():
                    return self._resolve(work)
                case StoredWork():
                    return self._redrive_stored(work, beat)
                case NoWork():
                    return Result(RedriveOutcome.ALREADY_REPAIRED, "asks for nothing")
            return Result(RedriveOutcome.POISON, work.reason, done=False)
        except ReconcilerError as problem:
            retry = problem.disposition == "retry"
            outcome = RedriveOutcome.LEFT if retry else RedriveOutcome.POISON
            return Result(outcome, reason_of(problem), done=False)
        except Exception as problem:  # whatever it holds, it must not keep the others from theirs
            return Result(RedriveOutcome.POISON, reason_of(problem), done=False)

    def _redrive_named(self, work: NamedRecords, beat: Callable[[], object]) -> Result:
        try:
            return self._batch(self._ports.streams.read(work.range), beat)
        except RecordsExpired as problem:
            rest = self._batch(problem.evidence.get("records", ()), beat)
            reason = f"RecordsExpired: {problem}"
            row = expired_row(work.range, work.told, self._policy, self._now_ms(), reason)
            if self._ports.ledger.record([row]):
                return self._refused()
            return worst([rest, Result(RedriveOutcome.EXPIRED, reason)])

    def _redrive_stored(self, work: StoredWork, beat: Callable[[], object]) -> Result:
        if not work.batch:
            return self._kept(self._ports.evidence.get(work.reference), beat)
        document = self._ports.set_aside.get(work.reference)
        if document is None:
            return Result(RedriveOutcome.ALREADY_REPAIRED, f"{work.reference} is done already")
        result = self._kept(document, beat)
        if result.done:
            self._ports.set_aside.done(work.reference)
        return result

    def _kept(self, document: str, beat: Callable[[], object]) -> Result:
        """Do the work in a document that a letter names; it must not name another, or itself."""
        works = contents(document)
        if any(isinstance(work, StoredWork) for work in works):
            raise Undecodable("the document that the letter names holds no work, but a name again")
        return worst([self._done(work, beat) for work in works])

    def _batch(self, records: Sequence[Record], beat: Callable[[], object]) -> Result:
        """Detect what is in each record, in order, until one cannot be made safe."""
        heard = Heard()
        for record in records:
            beat()
            if not self._is_safe(record, heard):
                return self._refused(heard.errors[-1:])
        losses = heard.counts[telemetry.CONFLICTS] + heard.counts[telemetry.OUTSIDE_WRITES]
        found = f"{count_in_words(len(records), 'record')}, {count_in_words(losses, 'loss')}"
        if heard.counts[telemetry.PARKED]:
            return Result(
                RedriveOutcome.POISON, f"{found}, {heard.counts[telemetry.PARKED]} parked"
            )
        return Result(RedriveOutcome.REDRIVEN if losses else RedriveOutcome.ALREADY_REPAIRED, found)

    def _is_safe(self, record: Record, heard: Heard) -> bool:
        detector = self._detector(self._ports.parked, heard)
        try:
            return detector.detect([record]) is None
        except Exception as problem:
            return detector.give_up(record, reason_of(problem))

    def _retry_parked(self, work: WholeRecords) -> Result:
        """Try a record that was parked once more: a newer release may decode it."""
        heard, refusal = Heard(), AlreadyParked()
        (record,) = work.records
        if self._detector(refusal, heard).detect([record]) is not None:
            if refusal.reasons:
                return Result(RedriveOutcome.POISON, refusal.reasons[-1], done=False)
            return self._refused(heard.errors)
        unread = unreadable_loss(parse(record), "", self._policy, self._now_ms())
        row = self._closed(unread.event, "decoded by a redrive")
        if self._ports.ledger.set_state([row]):
            return self._refused()
        return Result(RedriveOutcome.REDRIVEN, "decoded now")

    def _resolve(self, work: FailedEvent) -> Result:
        """Resolve an event; what cannot be merged is parked, unless that is where it comes from."""
        check_is_ours(work.event, self._policy.table, self._policy.region)
        heard, refusal = Heard(), AlreadyParked()
        ports = LetterPorts.of(self._ports, refusal if work.parked else self._ports.parked, heard)
        failed = Resolver(ports, self._now_ms).resolve([Message("redriven", work.event)])
        if refusal.reasons:
            said = f"{refusal.reasons[-1]}; decide it: reconciler conflicts resolve"
            return Result(RedriveOutcome.POISON, said, done=False)
        if failed:
            return self._refused(heard.errors)
        if heard.counts[telemetry.PARKED]:
            return Result(RedriveOutcome.POISON, "; ".join(heard.errors) or "parked for a person")
        if heard.counts[telemetry.WRITE_BACKS]:
            return Result(RedriveOutcome.REDRIVEN, f"merged {', '.join(work.event.lost_dots)}")
        return Result(RedriveOutcome.ALREADY_REPAIRED, "the item holds it")

    def _refused(self, errors: Sequence[str] = ()) -> Result:
        """Return that the work stays: for these errors, or else for what was refused just now."""
        return Result(RedriveOutcome.LEFT, "; ".join(errors) or self._ports.refusal(), done=False)

    def _detector(self, parked: ParkedChanges, heard: Heard) -> Detector:
        ports = LetterPorts.of(self._ports, parked, heard)
        return Detector(self._policy, ports, self._now_ms)

    def _closed(self, event: ConflictEvent, reason: str) -> Row:
        return ledger_row(event, State.RESOLVED, self._now_ms(), reason)
