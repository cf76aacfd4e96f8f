"""Doing the work of a dead letter again, with the detector and the resolver that failed at it.

Behaviour: idempotent, as every stage is, so two redrives at once are harmless. Work is confirmed
when its ledger rows are written and its events accepted, or when its merge is in the item and its
row closed. A record that fails by itself is parked and does not hold up the others of its batch.
Records that the stream holds no more become a row of the conflict feed, with all that is known.
HAZARD if a message were deleted before that: what it stands for may exist nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.deployment import telemetry
from reconciler.detection.change import Record
from reconciler.detection.detector import Detector, DetectorPorts
from reconciler.detection.loss import DetectorPolicy, expired_row, undecodable
from reconciler.errors import ReconcilerError, RecordsExpired, Undecodable
from reconciler.ports import (
    ConflictBus,
    EvidenceStore,
    ItemStore,
    Ledger,
    ParkedChanges,
    SetAside,
    StreamReader,
)
from reconciler.redrive import rehearsal
from reconciler.redrive.letters import Loss, Named, Nothing, Records, Reference, Work, works
from reconciler.redrive.outcome import Outcome, Result, worst
from reconciler.resolution.resolver import Message, Resolver, ResolverPorts


@dataclass(frozen=True)
class RedrivePorts:
    """One region, as a redrive sees it; `refusal` says what its ledger or bus refused last, why."""

    items: ItemStore
    ledger: Ledger
    bus: ConflictBus
    evidence: EvidenceStore
    parked: ParkedChanges
    set_aside: SetAside
    streams: StreamReader
    refusal: Callable[[], str] = lambda: "its row or its event was not accepted"


def rehearsed(ports: RedrivePorts) -> RedrivePorts:
    """Return ports over which a redrive only says what it would do."""
    return replace(
        ports,
        items=rehearsal.UnwrittenItems(ports.items),
        ledger=rehearsal.UnwrittenLedger(ports.ledger),
        bus=rehearsal.UnsentEvents(),
        evidence=rehearsal.UnwrittenEvidence(ports.evidence),
        parked=rehearsal.UnwrittenPark(),
        set_aside=rehearsal.UnmovedBatches(ports.set_aside),
    )


class Redriver:
    """See the module. `now_ms` is the physical clock."""

    def __init__(
        self, policy: DetectorPolicy, ports: RedrivePorts, now_ms: Callable[[], int]
    ) -> None:
        # No certificates: what is redriven is late, and the item's later records certify.
        self._policy = replace(policy, folds=False)
        self._ports = ports
        self._now_ms = now_ms

    def redrive(self, body: str, beat: Callable[[], object] = lambda: None) -> Result:
        """Do the work that a message or a document asks for; `beat` is called between its steps."""
        return worst([self._done(work, beat) for work in works(body)])

    def redrive_batch(self, reference: str) -> Result:
        """Do the work of a batch that Lambda set aside, given the reference to its document."""
        return self._done(Reference(reference, batch=True), lambda: None)

    def resend(self, row: Row) -> Result:
        """Send the event of an open row once more: the ledger is the outbox of the detector.

        The row counts as opened now, so the next redrive leaves the event its time.
        """
        try:
            event = row.event()
        except Undecodable as problem:
            return Result(Outcome.POISON, str(problem), done=False)
        opened = ledger_row(event, State.OPEN, self._now_ms())
        if self._ports.ledger.record([opened]) or self._ports.bus.publish([event]):
            return self._refused()
        return Result(Outcome.REDRIVEN, "its event is sent again")

    def _done(self, work: Work, beat: Callable[[], object]) -> Result:
        try:
            match work:
                case Named():
                    return self._named(work, beat)
                case Records():
                    return self._parked(work) if work.parked else self._batch(work.records, beat)
                case Loss():
                    return self._resolved(work)
                case Reference():
                    return self._referred(work, beat)
                case Nothing():
                    return Result(Outcome.ALREADY_REPAIRED, "asks for nothing")
            return Result(Outcome.POISON, work.reason, done=False)
        except ReconcilerError as problem:
            retry = problem.disposition == "retry"
            outcome = Outcome.LEFT if retry else Outcome.POISON
            return Result(outcome, f"{type(problem).__name__}: {problem}", done=False)
        except Exception as problem:  # whatever it holds, it must not keep the others from theirs
            return Result(Outcome.POISON, f"{type(problem).__name__}: {problem}", done=False)

    def _named(self, work: Named, beat: Callable[[], object]) -> Result:
        try:
            return self._batch(self._ports.streams.read(work.range), beat)
        except RecordsExpired as problem:
            rest = self._batch(problem.evidence.get("records", ()), beat)
            reason = f"RecordsExpired: {problem}"
            row = expired_row(work.range, work.told, self._policy, self._now_ms(), reason)
            if self._ports.ledger.record([row]):
                return self._refused()
            return worst([rest, Result(Outcome.EXPIRED, reason)])

    def _referred(self, work: Reference, beat: Callable[[], object]) -> Result:
        if not work.batch:
            return self.redrive(self._ports.evidence.get(work.reference), beat)
        document = self._ports.set_aside.get(work.reference)
        if document is None:
            return Result(Outcome.ALREADY_REPAIRED, f"{work.reference} is done already")
        result = self.redrive(document, beat)
        if result.done:
            self._ports.set_aside.done(work.reference)
        return result

    def _batch(self, records: Sequence[Record], beat: Callable[[], object]) -> Result:
        """Detect what is in each record, in order, until one cannot be made safe."""
        heard = rehearsal.Heard()
        for record in records:
            beat()
            if not self._is_safe(record, heard):
                return self._refused(heard.errors[-1:])
        losses = heard.counts[telemetry.CONFLICTS] + heard.counts[telemetry.UNMANAGED_WRITES]
        found = f"{len(records)} records, {losses} losses"
        if heard.counts[telemetry.PARKED]:
            return Result(Outcome.POISON, f"{found}, {heard.counts[telemetry.PARKED]} parked")
        return Result(Outcome.REDRIVEN if losses else Outcome.ALREADY_REPAIRED, found)

    def _is_safe(self, record: Record, heard: rehearsal.Heard) -> bool:
        detector = self._detector(self._ports.parked, heard)
        try:
            return detector.detect([record]) is None
        except Exception as problem:
            return detector.give_up(record, f"{type(problem).__name__}: {problem}")

    def _parked(self, work: Records) -> Result:
        """Try a record that was parked once more: a newer release may decode it."""
        heard, refusal = rehearsal.Heard(), rehearsal.AlreadyParked()
        (record,) = work.records
        if self._detector(refusal, heard).detect([record]) is not None:
            if refusal.reasons:
                return Result(Outcome.POISON, refusal.reasons[-1], done=False)
            return self._refused(heard.errors)
        row = self._closed(undecodable(record, self._policy, self._now_ms()))
        if self._ports.ledger.record([row]):
            return self._refused()
        return Result(Outcome.REDRIVEN, "decoded now")

    def _resolved(self, work: Loss) -> Result:
        """Resolve an event; what cannot be merged is parked, unless that is where it comes from."""
        heard, refusal = rehearsal.Heard(), rehearsal.AlreadyParked()
        ports = ResolverPorts(
            items=self._ports.items,
            ledger=self._ports.ledger,
            evidence=self._ports.evidence,
            parked=refusal if work.parked else self._ports.parked,
            set_aside=self._ports.set_aside,
            telemetry=heard,
        )
        failed = Resolver(ports, self._now_ms).resolve([Message("redriven", work.event)])
        if refusal.reasons:
            return Result(Outcome.POISON, refusal.reasons[-1], done=False)
        if failed:
            return self._refused(heard.errors)
        if heard.counts[telemetry.PARKED]:
            return Result(Outcome.POISON, "; ".join(heard.errors) or "parked for a person")
        if heard.counts[telemetry.WRITE_BACKS]:
            return Result(Outcome.REDRIVEN, f"merged {', '.join(work.event.lost_dots)}")
        return Result(Outcome.ALREADY_REPAIRED, "the item holds it")

    def _refused(self, errors: Sequence[str] = ()) -> Result:
        """Return that the work stays: for these errors, or else for what was refused just now."""
        return Result(Outcome.LEFT, "; ".join(errors) or self._ports.refusal(), done=False)

    def _detector(self, parked: ParkedChanges, heard: rehearsal.Heard) -> Detector:
        ports = DetectorPorts(
            ledger=self._ports.ledger,
            bus=self._ports.bus,
            evidence=self._ports.evidence,
            parked=parked,
            telemetry=heard,
        )
        return Detector(self._policy, ports, self._now_ms)

    def _closed(self, event: ConflictEvent) -> Row:
        return ledger_row(event, State.RESOLVED, self._now_ms(), "decoded by a redrive")
