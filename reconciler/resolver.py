"""The resolver: brings lost writes back into the item as it is now.

Behaviour: groups a batch of conflict events by key, merges every losing image into the *current*
local item and writes once, conditionally on what it read; a refusal brings the newer image, so no
second read is needed. If the item already includes the losses, nothing is written. Then the ledger
rows are closed. Every step may run twice, in any order, in several regions.
HAZARD if it merged into the event's winner: whatever was written since would be lost in turn.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from reconciler import telemetry
from reconciler.codec import Image, canonical_image
from reconciler.errors import Contention, ItemGone, OutcomeUnknown, ReconcilerError, Undecodable
from reconciler.events import ConflictEvent, FoldCertificate
from reconciler.folding import CERTIFICATE_LIFE_MS, folded
from reconciler.image import has_adopted, merge
from reconciler.item import context_of, is_managed
from reconciler.ledger import LedgerRow, State, item_key, ledger_row
from reconciler.ports import (
    EvidenceStore,
    ItemStore,
    Ledger,
    ParkedChanges,
    Replacement,
    Telemetry,
)
from reconciler.size import check_size

ATTEMPTS = 8


@dataclass(frozen=True)
class ResolverPorts:
    """The outside world of a resolver."""

    items: ItemStore
    ledger: Ledger
    evidence: EvidenceStore
    parked: ParkedChanges
    telemetry: Telemetry


@dataclass(frozen=True)
class Message:
    """One delivery of a conflict event; `identifier` is what the queue calls it."""

    identifier: str
    event: ConflictEvent


class Resolver:
    """See the module. `now_ms` is the physical clock."""

    def __init__(self, ports: ResolverPorts, now_ms: Callable[[], int]) -> None:
        self._ports = ports
        self._now_ms = now_ms

    def resolve(self, messages: Sequence[Message]) -> list[str]:
        """Resolve a batch; return the identifiers of the messages that must come back."""
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(item_key(message.event.key), []).append(message)
        failed: list[str] = []
        rows: dict[str, tuple[LedgerRow, list[str]]] = {}
        for group in groups.values():
            for message, state, reason in self._outcomes(group):
                if state is None:
                    failed.append(message.identifier)
                    continue
                row = ledger_row(message.event, state, self._now_ms(), reason)
                rows.setdefault(row.conflict_id, (row, []))[1].append(message.identifier)
        unwritten = self._ports.ledger.record([row for row, _ in rows.values()]) if rows else set()
        for identifier in unwritten:
            failed += rows[identifier][1]
        if failed:
            self._ports.telemetry.count(telemetry.RESOLUTION_FAILURES, len(failed))
        return failed

    def fold(self, certificate: FoldCertificate) -> bool:
        """Fold the certified lineages of the current item, if that is exact; return whether it was.

        Nothing is tried twice and nothing fails: as long as there is something to fold, the
        detector sends another certificate.
        """
        if self._now_ms() - int(certificate.issued_at_ms) > CERTIFICATE_LIFE_MS:
            return False
        try:
            current = self._ports.items.get(canonical_image(certificate.key))
            rows = self._ports.ledger.rows_of(item_key(certificate.key))
            image = folded(current, certificate, rows)
            if image is None or self._ports.items.put(Replacement(image, current)) is not None:
                return False
        except ReconcilerError as problem:
            self._ports.telemetry.note("not folded", error=str(problem), key=certificate.key)
            return False
        self._ports.telemetry.count(telemetry.FOLDS)
        return True

    def _outcomes(self, group: Sequence[Message]) -> list[tuple[Message, State | None, str]]:
        """Return each message with its row's new state, or None if the message must come back."""
        state: State | None
        try:
            state, reason = self._settle(group), ""
        except ReconcilerError as problem:
            if problem.disposition == "park" and len(group) > 1:
                # One message that cannot be merged must not take the others along.
                return [each for message in group for each in self._outcomes([message])]
            reason = f"{type(problem).__name__}: {problem}"
            state = State.PARKED if self._set_aside(group, problem, reason) else None
        return [(message, state, reason) for message in group]

    def _settle(self, group: Sequence[Message]) -> State:
        events = [message.event for message in group]
        lost = [self._lost_image(event) for event in events]
        current = self._ports.items.get(canonical_image(events[0].key))
        restore = any(event.restore for event in events)
        for _ in range(ATTEMPTS):
            merged = merged_into(current, lost, restore=restore)
            if merged is None:
                self._note(events, telemetry.ALREADY_REPAIRED)
                return State.RESOLVED
            try:
                refused = self._ports.items.put(Replacement(merged, current))
            except OutcomeUnknown as problem:
                # A merge may be written twice: the queue simply brings the messages back.
                raise Contention("the write-back was not answered", cause=str(problem)) from None
            if refused is None:
                self._note(events, telemetry.WRITE_BACKS)
                return State.RESOLVED
            current = refused.current
        raise Contention(f"the item changed {ATTEMPTS} times while it was merged")

    def _lost_image(self, event: ConflictEvent) -> Image:
        lost = event.lost
        if event.images_ref:
            document = self._ports.evidence.get(event.images_ref)
            try:
                lost = json.loads(document)["lost"]
            except (ValueError, KeyError, TypeError):
                raise Undecodable(f"no losing image in {event.images_ref}") from None
        if lost is None:
            raise Undecodable("the event carries neither a losing image nor a reference to one")
        return canonical_image(lost)

    def _set_aside(self, group: Sequence[Message], problem: ReconcilerError, reason: str) -> bool:
        if problem.disposition == "retry":
            self._ports.telemetry.note("to be retried", error=reason, evidence=problem.evidence)
            return False
        try:
            for message in group:
                self._ports.parked.park({"reason": reason, "event": message.event.document()})
        except ReconcilerError as unparked:
            self._ports.telemetry.note("not parked", error=str(unparked), reason=reason)
            return False
        self._ports.telemetry.count(telemetry.PARKED, len(group))
        return True

    def _note(self, events: Sequence[ConflictEvent], outcome: str) -> None:
        counted = self._ports.telemetry
        counted.count(outcome)
        now = self._now_ms()
        for event in events:
            if outcome == telemetry.WRITE_BACKS:
                counted.count(telemetry.WRITES_RESCUED, len(event.lost_dots))
            counted.count(telemetry.LOSS_TO_REPAIR_MS, max(0, now - int(event.lost_at_ms)))
            counted.note(outcome, conflict_id=event.conflict_id, key=event.key, role=event.role)


def merged_into(current: Image | None, lost: Sequence[Image], *, restore: bool) -> Image | None:
    """Return the image to write so that `current` includes the losing images; None if it does.

    ItemGone if there is no item and the policy is not to restore it.
    """
    base = current if current is not None and (is_managed(current) or not restore) else None
    if base is None:
        if not restore:
            raise ItemGone("the item, tombstone included, is gone from the table")
        return check_size(reduce(merge, lost, lost[0]))
    merged = reduce(merge, [base if has_adopted(base, each) else each for each in lost], base)
    if is_managed(base) and context_of(merged) == context_of(base):
        return None
    return check_size(merged)
