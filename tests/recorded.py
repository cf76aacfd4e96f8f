"""Telemetry in memory, for tests."""

from collections import Counter, defaultdict
from typing import Any


class Recorded:
    """Telemetry in memory: `counts` per metric, and per metric and kind in `kinds`; the values
    `measured` of a metric; `notes` as (message, fields)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.measured: defaultdict[str, list[float]] = defaultdict(list)
        self.notes: list[tuple[str, dict[str, Any]]] = []

    def count(self, metric: str, value: int = 1, kind: str = "") -> None:
        """Add to a metric."""
        self.counts[metric] += value
        if kind:
            self.kinds[metric, kind] += value

    def measure(self, metric: str, value: float) -> None:
        """Keep one measurement."""
        self.measured[metric].append(value)

    def note(self, message: str, **fields: Any) -> None:
        """Keep one log line."""
        self.notes.append((message, fields))
