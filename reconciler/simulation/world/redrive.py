"""The dead letters of one region, and the redrive that works them off.

What is set aside waits for minutes or hours, in the shapes that AWS writes. Then the real redriver
takes it, over the same unreliable ports, and what is not done comes back.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from reconciler.conflict.event import ConflictEvent, Event
from reconciler.conflict.row import State
from reconciler.deployment.wiring import DETAIL_TYPE, SET_ASIDE_PREFIX
from reconciler.errors import RecordsExpired
from reconciler.ports import StreamRange
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.world.functions import Functions
from reconciler.simulation.world.setting import Crash, Setting
from reconciler.values.wire import to_json

_TRIES_OF_PARKED = 3
Reader = Callable[[StreamRange], Sequence[Any]]


class SimulatedRedrive:
    """What failed in one region, waiting to be redriven; `waiting` counts what is not done."""

    def __init__(
        self, setting: Setting, functions: Functions, bus: Callable[[Event], object], read: Reader
    ) -> None:
        self.waiting = 0
        self._setting = setting
        self._functions = functions
        self._region = functions.region
        self._bus = bus
        self._read = read
        self._batches = 0

    def take_batch(self, message: dict[str, Any], records: Sequence[Any], *, whole: bool) -> None:
        """Take a batch of the stream: `whole` with its payload, else as names in a message."""
        self._batches += 1
        about = f"batch {self._batches}"
        if not whole:
            self._take(json.dumps(message), about)
            return
        key = f"{SET_ASIDE_PREFIX}{self._batches}"
        document = message | {"payload": to_json({"Records": list(records)})}
        self._functions.set_aside[f"s3://memory/{key}"] = json.dumps(document)
        place = {"bucket": {"name": "memory"}, "object": {"key": key}}
        self._take(json.dumps({"Records": [{"eventSource": "aws:s3", "s3": place}]}), about)

    def take_event(self, event: Event) -> None:
        """Take an event that its queue gave up."""
        kind = DETAIL_TYPE if isinstance(event, ConflictEvent) else "other"
        body = {"detail-type": kind, "detail": json.loads(event.to_detail())}
        self._take(json.dumps(body), event.identifier)

    def take_parked(self, document: Any) -> None:
        """Take a change that was parked: it stays among them until it is done."""
        self._take(to_json(document), f"parked {len(self._functions.parked)}", document)

    def look_for_row(self, item: str, conflict_id: str) -> None:
        """Look, after a while, whether a loss of an item is still open: its event may be gone."""
        self.waiting += 1
        delay_ms = self._setting.draws.between("outbox", conflict_id, 16 * MINUTE, HOUR)
        self._setting.agenda.after(delay_ms, lambda: self._resend(item, conflict_id))

    def look_for_rows(self) -> None:
        """Look, after a while, for every loss that is open now."""
        for item, rows in self._functions.ledger.rows.items():
            for conflict_id in sorted(rows):
                if rows[conflict_id].state is State.OPEN:
                    self.look_for_row(item, conflict_id)

    def _take(self, body: str, about: str, document: Any = None) -> None:
        self.waiting += 1
        delay_ms = self._setting.draws.between("redrive", about, MINUTE, 4 * HOUR)
        self._setting.agenda.after(delay_ms, partial(self._try, body, about, document, 1))

    def _try(self, body: str, about: str, document: Any, tries: int) -> None:
        again = partial(self._try, body, about, document, tries + 1)
        with_ports = partial(self._functions.redrive, body, f"redrive/{self._region}/{about}")
        result = self._attempt(lambda: with_ports(self._bus, self._reader))
        if result is None or result.outcome is RedriveOutcome.LEFT:
            self._later(about, again)
        elif result.done:
            self._done(body, about, document)
        elif tries < _TRIES_OF_PARKED:
            self._later(about, again)
        else:
            self.waiting -= 1  # it stays where it is, for a person

    def _done(self, body: str, about: str, document: Any) -> None:
        self.waiting -= 1
        if document in self._functions.parked:
            self._functions.parked.remove(document)
        if self._setting.weather.strikes(faults.MESSAGE_TWICE, self._region, about):
            self._take(body, about, document)

    def _resend(self, item: str, conflict_id: str) -> None:
        row = self._functions.ledger.open_row(item, conflict_id)
        if row is not None:
            about = f"outbox/{self._region}/{conflict_id}"
            resend = partial(self._functions.resend, row, about, self._bus)
            result = self._attempt(resend)
            if result is None or not result.done:
                self._later(conflict_id, lambda: self._resend(item, conflict_id))
                return
        self.waiting -= 1

    def _attempt(self, work: Callable[[], Result]) -> Result | None:
        """Return how the work ended, None if the process died or could not even begin."""
        if self._setting.is_gone(self._region):
            return None
        try:
            result = work()
        except Crash:
            return None
        self._setting.journal.count(f"redrive.{result.outcome.value}")
        self._setting.journal.note(self._region, "redeliver", "", what=result.outcome.value)
        return result

    def _later(self, about: str, again: Callable[[], object]) -> None:
        if not self._setting.weather.reigns(faults.DESTROYED, self._region):
            delay_ms = self._setting.draws.between("redrive", about, MINUTE, HOUR)
            self._setting.agenda.after(delay_ms, again)

    def _reader(self, wanted: StreamRange) -> Sequence[Any]:
        records = self._read(wanted)
        if not records or records[0]["dynamodb"]["SequenceNumber"] > wanted.first:
            self._setting.journal.count("trimmed")
            raise RecordsExpired(f"{wanted.shard_id} was trimmed", records=records)
        return records
