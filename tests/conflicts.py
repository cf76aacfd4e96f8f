"""Builders of ledger rows, and a ledger that an operator can read by state."""

from typing import Any

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.conflict.verdict import Finding
from reconciler.values.wire import Image
from tests.builders import as_stream
from tests.fakes import FakeLedger


class FeedLedger(FakeLedger):
    """A ledger whose index may lag behind: `index`, if a test sets it."""

    index: list[Image] | None = None

    def indexed(self) -> list[Image]:
        """Return the rows as the index has them."""
        return self.index if self.index is not None else super().indexed()


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
        "lost": as_stream(lost) if lost else None,
        "winner": as_stream(winner) if winner else None,
    }
    return ledger_row(ConflictEvent(**{**known, **changed}), state, 3_000, reason)


def unknown_loss(name: str, **changed: Any) -> Row:
    """Return the row of an undecodable record."""
    said = {"conflict_id": name, "ordering": "UNKNOWN", **changed}
    return loss(None, None, State.PARKED, reason="Undecodable: unreadable", **said)
