"""The rules of redriving, broken one at a time from outside; see `sabotage`."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from reconciler.conflict.row import State, ledger_row
from reconciler.redrive import redriver
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.redrive.rehearsal import Heard
from reconciler.simulation.world import ports, streams
from reconciler.simulation.world.poison import Bug
from tests.simulation.sabotage import replacing


def folds_blind_to_batches_set_aside() -> AbstractContextManager[Any]:
    """Let a fold not ask whether a batch was given up."""
    return replacing(ports.SimulatedSetAside, "is_empty", lambda _: lambda _: True)


def a_redrive_that_stops_at_an_empty_page() -> AbstractContextManager[Any]:
    """Let the stream be read again up to its first page without records."""

    def make(real: Any) -> Any:
        def read_again(self: Any, first: str, last: str) -> Any:
            return real(self, first, last)[:1]

        return read_again

    return replacing(streams.Shard, "read_again", make)


def a_message_deleted_before_its_work_is_done() -> AbstractContextManager[Any]:
    """Let every message be done, whatever became of its work."""

    def make(real: Any) -> Any:
        def redrive(self: Any, body: str, *rest: Any) -> Result:
            found: Result = real(self, body, *rest)
            return replace(found, outcome=RedriveOutcome.REDRIVEN, done=True)

        return redrive

    return replacing(redriver.Redriver, "redrive", make)


def a_poison_record_that_takes_its_batch_along() -> AbstractContextManager[Any]:
    """Let a batch end as done at the first record that fails by itself."""

    def make(real: Any) -> Any:
        def batch(self: Any, records: Any, beat: Any) -> Result:
            detector = self._detector(self._ports.parked, Heard())
            for record in records:
                try:
                    if detector.detect([record]) is not None:
                        return Result(RedriveOutcome.LEFT, "", done=False)
                except Bug:
                    detector.give_up(record, "poison")
                    return Result(RedriveOutcome.POISON, "the rest goes with it")
            return Result(RedriveOutcome.REDRIVEN, "")

        return batch

    return replacing(redriver.Redriver, "_batch", make)


def an_open_row_closed_without_a_merge() -> AbstractContextManager[Any]:
    """Let a row that stays open be closed instead of sent again."""

    def make(_: Any) -> Any:
        def resend(self: Any, row: Any) -> Result:
            closed = ledger_row(row.event(), State.RESOLVED, self._now_ms())
            self._ports.ledger.record([closed])
            return Result(RedriveOutcome.REDRIVEN, "")

        return resend

    return replacing(redriver.Redriver, "resend", make)


def a_parked_record_that_is_thrown_away() -> AbstractContextManager[Any]:
    """Let what fails by itself be parked nowhere."""

    def make(real: Any) -> Any:
        def park(self: Any, document: Any) -> None:
            """Keep nothing."""

        return park

    return replacing(ports.SimulatedParked, "park", make)
