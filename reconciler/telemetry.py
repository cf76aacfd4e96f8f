"""The names of the metrics, and a telemetry that keeps what it is told."""

from collections import Counter
from typing import Any

RECORDS = "Records"
CONFLICTS = "Conflicts"
UNMANAGED_WRITES = "UnmanagedWrites"
PARKED = "Parked"
CLOCK_AHEAD = "ClockAhead"
DETECTION_FAILURES = "DetectionFailures"
WRITES_RESCUED = "WritesRescued"
WRITE_BACKS = "WriteBacks"
ALREADY_REPAIRED = "AlreadyRepaired"
RESOLUTION_FAILURES = "ResolutionFailures"
FOLDS = "Folds"
PAUSED = "Paused"
DECISIONS_ASKED = "DecisionsAsked"
DECISIONS_ESCALATED = "DecisionsEscalated"
DECISIONS = "Decisions"
REDRIVE_RUNS = "RedriveRuns"  # and one for each outcome, such as RedrivePoison
REDRIVE_ESCALATED = "RedriveEscalated"
LOSS_TO_DETECTION_MS = "LossToDetection_ms"
LOSS_TO_REPAIR_MS = "LossToRepair_ms"


class Recorded:
    """Telemetry in memory: `counts` per metric, `notes` as (message, fields)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[tuple[str, dict[str, Any]]] = []

    def count(self, metric: str, value: float = 1) -> None:
        """Add to a metric."""
        self.counts[metric] += int(value)

    def note(self, message: str, **fields: Any) -> None:
        """Keep one log line."""
        self.notes.append((message, fields))
