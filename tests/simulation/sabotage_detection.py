"""The rules of detection, and of its batches, broken one at a time; see `sabotage`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from reconciler.conflict import classification as detection
from reconciler.conflict.row import State
from reconciler.conflict.verdict import CLEAN, Finding, Verdict
from reconciler.detection import detector, securing
from tests.simulation.sabotage import replacing


def one_more_write_counts_as_clean() -> AbstractContextManager[Any]:
    """Let a record be clean if the new image shows a new dot: "+1" instead of dominance (D1)."""

    def make(real: Any) -> Any:
        def found(old: Any, new: Any, before: Any, after: Any, *more: Any) -> Finding:
            tip = after.get("p", {"S": ""})["S"]
            head = after["c"]["M"].get(tip, {"S": ""})["S"]
            if head > before["c"]["M"].get(tip, {"S": ""})["S"]:
                return Finding.CLEAN
            return Finding(real(old, new, before, after, *more))

        return found

    return replacing(detection, "_found", make)


def no_witness_speaks_up() -> AbstractContextManager[Any]:
    """Let only the home of a loss report it (D2)."""

    def make(real: Any) -> Any:
        def classify(*given: Any, **named: Any) -> Verdict:
            verdict = real(*given, **named)
            return CLEAN if verdict.role == "witness" else verdict

        return classify

    return replacing(securing, "classify", make)


# Batches


def events_before_rows() -> AbstractContextManager[Any]:
    """Let a batch send its events before it writes their ledger rows (D3)."""

    def make(_: Any) -> Any:
        def secure(self: Any, losses: Any, certificates: Any) -> int | None:
            events = [loss.event for loss in losses if loss.state is State.OPEN]
            events += [certificate for _, certificate in certificates]
            unsent = self._ports.bus.publish(events) if events else set()
            rows = [loss.row() for loss in losses]
            unsafe = unsent | (self._ports.ledger.record(rows) if rows else set())
            return _first(losses, unsafe)

        return secure

    return replacing(detector.Detector, "_secure", make)


def a_batch_that_runs_on() -> AbstractContextManager[Any]:
    """Let a batch go on after a row that was not written, certificates included (D3)."""

    def make(_: Any) -> Any:
        def secure(self: Any, losses: Any, certificates: Any) -> int | None:
            rows = [loss.row() for loss in losses]
            unsafe = self._ports.ledger.record(rows) if rows else set()
            told = [loss.event for loss in losses if loss.is_readable]
            events = [event for event in told if event.conflict_id not in unsafe]
            events += [certificate for _, certificate in certificates]
            unsafe |= self._ports.bus.publish(events) if events else set()
            return _first(losses, unsafe)

        return secure

    return replacing(detector.Detector, "_secure", make)


def _first(losses: Sequence[Any], unsafe: set[str]) -> int | None:
    failed = [i for i, loss in enumerate(losses) if loss.event.conflict_id in unsafe]
    return min(failed, default=None)


def answers_of_the_bus_go_unread() -> AbstractContextManager[Any]:
    """Let the detector take every entry of PutEvents for accepted."""

    class Deaf:
        def __init__(self, bus: Any) -> None:
            self._bus = bus

        def publish(self, events: Any) -> set[str]:
            self._bus.publish(events)
            return set()

    def make(real: Any) -> Any:
        def initialised(self: Any, policy: Any, ports: Any, now_ms: Any) -> None:
            real(self, policy, replace(ports, bus=Deaf(ports.bus)), now_ms)

        return initialised

    return replacing(detector.Detector, "__init__", make)


def a_failed_batch_is_reported_done() -> AbstractContextManager[Any]:
    """Let the detector never ask for a batch again."""

    def make(real: Any) -> Any:
        def detect(self: Any, records: Any) -> None:
            real(self, records)

        return detect

    return replacing(detector.Detector, "detect", make)
