"""The resolver: brings lost writes back into the item as it is now.

Every losing image of a key is merged into the *current* local item, which is written once,
conditionally on what was read; then the ledger rows are closed. Every step may run twice, in any
order, in several regions. What cannot be merged is parked, whole, and holds up no other message.
HAZARD if it merged into the event's winner: whatever was written since would be lost in turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from reconciler.causality.context import ADOPTED, KEYED, named_by
from reconciler.causality.hlc import Hlc
from reconciler.conflict.closing import check_open
from reconciler.conflict.event import ConflictEvent, FoldCertificate
from reconciler.conflict.folding import CERTIFICATE_LIFE_MS, MOST_NAMES, folded_image
from reconciler.conflict.forgetting import forgotten_image
from reconciler.conflict.marking import Speaker, marked_image
from reconciler.conflict.row import Progress, Row, State, item_key, ledger_row
from reconciler.conflict.scalar import ScalarLoss, merged_scalar
from reconciler.conflict.verdict import Finding
from reconciler.conflict.waiting import is_to_wait
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import LoopPause
from reconciler.errors import (
    MALFORMED,
    Contention,
    HistoryUnknown,
    NotOurs,
    OutcomeUnknown,
    ReconcilerError,
    bounded,
    reason_of,
)
from reconciler.item.filing import filed_image
from reconciler.item.metadata import NAMES, context_of, is_named
from reconciler.item.restating import filed_whole, with_names_filed, written_in
from reconciler.ports import Replacement, ResolverPorts, Restatement, Superseded
from reconciler.resolution.evidence import images_of
from reconciler.resolution.past import without_replaced
from reconciler.resolution.pausing import WriteBacks
from reconciler.resolution.repair import (
    check_clocks,
    knowing,
    repaired_image,
    seen_at,
    undecided,
)
from reconciler.resolution.words import merge_words
from reconciler.resolution.write_back import WriteBack, write_back
from reconciler.values.wire import Image, canonical_image


@dataclass(frozen=True)
class Message:
    """One delivery of a conflict event, and how many there were so far with it.

    `identifier` is what the queue calls it.
    """

    identifier: str
    event: ConflictEvent
    deliveries: int = 1


@dataclass(frozen=True)
class Work:
    """A message, the losing image that it is about, and what took its place."""

    message: Message
    lost: Image
    winner: Image | None

    def filed(self) -> Image:
        """Return the losing image as it is merged, with what others did to it filed."""
        at = seen_at(int(self.message.event.lost_at_ms), self.winner)
        return without_replaced(filed_image(self.lost, at), self.lost, self.winner)

    def told(self) -> ScalarLoss:
        """Return the loss of an item without metadata."""
        return ScalarLoss.of(self.message.event, self.lost, self.winner)


@dataclass(frozen=True)
class Resolution:
    """How the losses of one item ended: their row's state, None if their messages must come back;
    and for each message what became of its loss."""

    state: State | None
    reason: str = ""
    merged: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Resolver:
    """Repairs a region's items: merges lost writes back and folds closed lineages.

    `now_ms` is the physical clock; without `pause` no item is left alone.
    """

    def __init__(
        self, ports: ResolverPorts, now_ms: Callable[[], int], pause: LoopPause | None = None
    ) -> None:
        self._ports = ports
        self._now_ms = now_ms
        self._write_backs = WriteBacks(pause) if pause else None

    def resolve(self, messages: Sequence[Message]) -> list[str]:
        """Resolve a batch; return the identifiers of the messages that must come back."""
        failed: list[str] = []
        left_alone: list[str] = []
        rows: dict[str, tuple[Row, list[str]]] = {}
        for name, group in self._grouped(messages).items():
            if self._is_paused(name, group):
                left_alone += [message.identifier for message in group]
                continue
            for message, resolution in self._outcomes(group):
                if resolution is None:
                    continue
                if resolution.state is None:
                    failed.append(message.identifier)
                    continue
                row = self._row(message, resolution.state, resolution)
                rows.setdefault(row.conflict_id, (row, []))[1].append(message.identifier)
        closed = [row for row, _ in rows.values()]
        for identifier in self._ports.ledger.set_state(closed) if closed else ():
            failed += rows[identifier][1]
        if failed:
            self._ports.telemetry.count(telemetry.RESOLUTION_FAILURES, len(failed))
        return failed + left_alone

    def _grouped(self, messages: Sequence[Message]) -> Mapping[str, Sequence[Message]]:
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(item_key(message.event.key), []).append(message)
        return groups

    def _is_paused(self, name: str, group: Sequence[Message]) -> bool:
        made = self._write_backs
        if made is None or not made.are_too_many(name, self._now_ms()):
            return False
        self._ports.telemetry.count(telemetry.PAUSED, len(group))
        self._ports.telemetry.note(
            "paused", conflict_ids=sorted({each.event.conflict_id for each in group})
        )
        return True

    def fold(self, certificate: FoldCertificate) -> bool:
        """Fold what is certified in the current item, or mark it; return whether it was written.

        Nothing is tried twice and nothing fails: as long as there is something to fold, the
        detector sends another certificate.
        """
        if self._now_ms() - int(certificate.issued_at_ms) > CERTIFICATE_LIFE_MS:
            return False
        replica = self._ports.replica()
        if certificate.replica not in (replica, named_by(replica), ADOPTED, KEYED):
            return False  # of a replica that was here before this one: it had other writes
        try:
            if not self._ports.set_aside.is_empty():
                return False  # a batch that no ledger row speaks of yet
            current = self._ports.items.get(canonical_image(certificate.key))
            current = self._filed(current, certificate)
            rows = self._ports.ledger.rows_of(item_key(certificate.key))
            image = self._after(certificate, current, rows, replica)
            if image is None or not self._is_folded(image, current):
                return False
            if context_of(image) == context_of(current or {}):
                return True  # a mark alone
        except (ReconcilerError, *MALFORMED) as problem:
            self._ports.telemetry.note("not folded", error=problem)
            return False
        self._ports.telemetry.count(telemetry.FOLDS)
        return True

    def _after(
        self,
        certificate: FoldCertificate,
        current: Image | None,
        rows: Sequence[Row],
        replica: str,
    ) -> Image | None:
        """Return the item with what a certificate speaks of folded, or marked as to be folded."""
        if certificate.replica not in (ADOPTED, KEYED):
            return folded_image(current, certificate, rows)
        speaker = Speaker(replica, self._ports.replicas(), self._now_ms())
        marked = forgotten_image if certificate.replica == KEYED else marked_image
        return marked(current, certificate, rows, speaker)

    def _filed(self, current: Image | None, certificate: FoldCertificate) -> Image | None:
        """Return the item once the named writes in front are metadata, if the certificate asks."""
        if current is None or not certificate.names or not is_named(current):
            return current
        filed = min(certificate.names, len(current[NAMES]["L"]))
        image = with_names_filed(current, filed, canonical_image(certificate.key))
        if image is None and len(current[NAMES]["L"]) > MOST_NAMES:
            return self._filed_whole(current, certificate)
        if image is None or not self._ports.items.restate(Restatement(image, current, filed)):
            return current
        self._ports.telemetry.count(telemetry.NAMES_FILED, filed)
        return image

    def _filed_whole(self, current: Image, certificate: FoldCertificate) -> Image:
        """Return the item once all its names are metadata, and what others did beside them, too.

        HAZARD without it: one write around the library, and names would pile up until DynamoDB
        takes no write of the item any more, unless the library writes it.
        """
        image = filed_whole(current, canonical_image(certificate.key), Hlc.of(self._now_ms()))
        if self._ports.items.put(Replacement(image, current)) is not None:
            return current
        self._ports.telemetry.count(telemetry.NAMES_FILED, len(current[NAMES]["L"]))
        return image

    def _is_folded(self, image: Image, current: Image | None) -> bool:
        """Write a fold; beside named writers only its metadata, for they go on."""
        if current is not None and is_named(current):
            return self._ports.items.restate(Restatement(image, current))
        return self._ports.items.put(Replacement(image, current)) is None

    def _row(self, message: Message, state: State, resolution: Resolution) -> Row:
        progress = Progress(message.deliveries, resolution.merged.get(message.identifier, {}))
        return ledger_row(message.event, state, self._now_ms(), resolution.reason, progress)

    def _outcomes(self, group: Sequence[Message]) -> list[tuple[Message, Resolution | None]]:
        """Return each message of an item and how its loss ended; None if it is none of ours."""
        works: list[Work] = []
        ended: list[tuple[Message, Resolution | None]] = []
        for message in group:
            try:
                works.append(Work(message, *images_of(message.event, self._ports.evidence)))
            except NotOurs as problem:
                # Its row is left alone: it may be that of a real loss, whose own event will come.
                is_safe = self._park([message], reason_of(problem), None)
                ended.append((message, None if is_safe else Resolution(None)))
            except (ReconcilerError, *MALFORMED) as problem:
                ended.append((message, self._not_merged([message], problem)))
        # An item without metadata is merged by a version of its own, which says less.
        scalar = [each for each in works if each.message.event.finding is Finding.SCALAR]
        others = [each for each in works if each not in scalar]
        return [*ended, *(one for each in (others, scalar) if each for one in self._merges(each))]

    def _merges(self, works: Sequence[Work]) -> list[tuple[Message, Resolution]]:
        messages = [work.message for work in works]
        try:
            resolution = self._repair(works)
        except (ReconcilerError, *MALFORMED) as problem:
            alone = isinstance(problem, HistoryUnknown) or not self._waits(problem, messages)
            if len(works) > 1 and alone:
                # One message that cannot be merged must not take the others along.
                return [each for work in works for each in self._merges([work])]
            resolution = self._not_merged(messages, problem)
        return [(message, resolution) for message in messages]

    def _waits(self, problem: Exception, messages: Sequence[Message]) -> bool:
        """Return whether losses wait; for later rows, as long as a detector that found them may."""
        since = "detected_at_ms" if isinstance(problem, HistoryUnknown) else "lost_at_ms"
        oldest = min(int(getattr(message.event, since)) for message in messages)
        return is_to_wait(problem, oldest, self._now_ms())

    def _repair(self, group: Sequence[Work]) -> Resolution:
        events = [work.message.event for work in group]
        if events[0].finding is Finding.SCALAR:
            return self._repair_scalar(group)
        lost = [work.filed() for work in group]
        check_clocks([*lost, *(event.winner for event in events)], self._now_ms())
        current = self._ports.items.get(canonical_image(events[0].key))
        restore = any(event.restore for event in events)

        @cache
        def rows() -> Sequence[Row]:
            return self._ports.ledger.rows_of(item_key(events[0].key))

        def repaired(now: Image | None) -> Image | None:
            replica = self._ports.replica()
            losses = [(work.lost, int(work.message.event.lost_at_ms)) for work in group]
            check_open(now, losses, replica)
            pairs = zip(lost, group, strict=True)
            image = repaired_image(
                now,
                [knowing(filed, work.lost, [now]) for filed, work in pairs],
                restore=restore,
                winners=[work.winner for work in group],
                rows=rows,
                records=[(each.region, int(each.lost_at_ms)) for each in events],
                seen=Hlc.of(self._now_ms()),
            )
            return image and written_in(replica, image)

        step = write_back(
            current,
            repaired,
            self._put,
            retrying=lambda: self._ports.telemetry.count(telemetry.RETRIES),
        )
        self._note(events, telemetry.WRITE_BACKS if step.is_written else telemetry.ALREADY_REPAIRED)
        return self._merged(group, step)

    def _repair_scalar(self, group: Sequence[Work]) -> Resolution:
        key = group[0].message.event.key
        rows = self._ports.ledger.rows_of(item_key(key))
        closed = {each.conflict_id for each in rows if each.state is State.RESOLVED}
        # HAZARD if one that is closed were merged again: what was removed since would come back.
        left = [each for each in group if each.message.event.conflict_id not in closed]
        step = write_back(
            self._ports.items.get(canonical_image(key)),
            lambda now: merged_scalar(now, [each.told() for each in left]),
            self._put,
            retrying=lambda: self._ports.telemetry.count(telemetry.RETRIES),
        )
        events = [work.message.event for work in group]
        self._note(events, telemetry.WRITE_BACKS if step.is_written else telemetry.ALREADY_REPAIRED)
        words = {
            work.message.identifier: merge_words(work.lost, step.before, step.after)
            for work in left
        }
        return Resolution(State.RESOLVED, merged=words)

    def _put(self, write: Replacement) -> Superseded | None:
        try:
            return self._ports.items.put(write)
        except OutcomeUnknown as problem:
            # A merge may be written twice: the queue simply brings the messages back.
            raise Contention("the write-back was not answered", cause=str(problem)) from None

    def _merged(self, group: Sequence[Work], step: WriteBack) -> Resolution:
        """Return how losses end whose merge is written, or was not needed."""
        words = {
            work.message.identifier: merge_words(work.lost, step.before, step.after)
            for work in group
        }
        waiting = undecided(step.after)
        if not waiting:
            return Resolution(State.RESOLVED, merged=words)
        reason = bounded(f"Undecided: {', '.join(waiting)} must be decided by a person")
        parked = self._park([work.message for work in group], reason, step.after)
        return Resolution(State.PARKED if parked else None, reason, words)

    def _not_merged(self, group: Sequence[Message], problem: Exception) -> Resolution:
        reason = reason_of(problem)
        if self._waits(problem, group):
            self._ports.telemetry.note("to be retried", error=problem)
            return Resolution(None, reason)
        try:
            current = self._ports.items.get(canonical_image(group[0].event.key))
        except ReconcilerError as unread:
            if unread.disposition == "retry":
                self._ports.telemetry.note("not parked", error=unread, reason=reason)
                return Resolution(None, reason)
            current = None  # a key that the table refuses: no item can have it
        return Resolution(State.PARKED if self._park(group, reason, current) else None, reason)

    def _park(self, group: Sequence[Message], reason: str, current: Image | None) -> bool:
        """Set the losses aside for a person, each with both its images and the item as it is."""
        try:
            for message in group:
                event = message.event.document()
                self._ports.parked.park({"reason": reason, "event": event, "current": current})
        except ReconcilerError as unparked:
            self._ports.telemetry.note("not parked", error=unparked, reason=reason)
            return False
        self._ports.telemetry.count(telemetry.PARKED, len(group))
        for message in group:
            self._ports.telemetry.note("parked", conflict_id=message.event.conflict_id)
        return True

    def _note(self, events: Sequence[ConflictEvent], outcome: str) -> None:
        counted = self._ports.telemetry
        counted.count(outcome)
        now = self._now_ms()
        if outcome == telemetry.WRITE_BACKS and self._write_backs is not None:
            self._write_backs.add(item_key(events[0].key), now)
        for event in events:
            if outcome == telemetry.WRITE_BACKS:
                counted.count(telemetry.WRITES_RESCUED, _writes_of(event))
            counted.measure(telemetry.LOSS_TO_REPAIR_MS, max(0, now - int(event.lost_at_ms)))
            counted.note(outcome, conflict_id=event.conflict_id, key=event.key, role=event.role)


def _writes_of(event: ConflictEvent) -> int:
    """Return how many writes a loss is of; an image with a version of its own is that of one."""
    return 1 if event.finding is Finding.SCALAR else len(event.lost_dots)
