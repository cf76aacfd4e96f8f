"""Builders of losses and of their ledger rows, and a ledger that an operator can read by state."""

from typing import Any

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.values.wire import Image
from tests.builders import as_stream
from tests.fakes import FakeLedger


class FeedLedger(FakeLedger):
    """A ledger whose index may lag behind: `index`, if a test sets it."""

    index: list[Image] | None = None

    def indexed(self) -> list[Image]:
        """Return the rows as the index has them."""
        return self.index if self.index is not None else super().indexed()


def loss_event(**told: Any) -> ConflictEvent:
    """Return the event of a loss of the item p1; what is not told is as it usually is."""
    known: dict[str, Any] = {
        "conflict_id": "c1",
        "table": "parties",
        "key": {"id": {"S": "p1"}},
        "finding": Finding.CONFLICT,
        "ordering": "CONCURRENT",
        "role": "home",
        "region": "us-east-1",
        "replica": "use1",
        "lost_dots": (),
        "sequence_number": "7",
        "lost_at_ms": "1000",
        "detected_at_ms": "2000",
    }
    return ConflictEvent(**{**known, **told})


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return what the event of a loss takes from its verdict."""
    return {
        "finding": verdict.finding,
        "ordering": verdict.ordering.value,
        "lost_dots": tuple(map(str, verdict.lost_dots)),
    }


def loss(
    lost: Image | None,
    winner: Image | None,
    state: State = State.PARKED,
    /,
    *,
    reason: str = "",
    **changed: Any,
) -> Row:
    """Return the row of a loss of the item p1."""
    images = {
        "lost": as_stream(lost) if lost else None,
        "winner": as_stream(winner) if winner else None,
    }
    return ledger_row(loss_event(**{**images, **changed}), state, 3_000, reason)


def unknown_loss(name: str, **changed: Any) -> Row:
    """Return the row of an undecodable record."""
    said = {"conflict_id": name, "ordering": "UNKNOWN", **changed}
    return loss(None, None, State.PARKED, reason="Undecodable: unreadable", **said)
