"""The names of the metrics, and of the kinds that some of them are counted by."""

from reconciler.conflict.verdict import Finding

RECORDS = "Records"
CONFLICTS = "Conflicts"  # by kind, too: `conflict_kind`
OUTSIDE_WRITES = "OutsideWrites"  # made around the library; by kind, too: `outside_kind`
PARKED = "Parked"
CLOCK_AHEAD = "ClockAhead"
UNKNOWN_VERSIONS = "UnknownVersions"  # of metadata that no release came for in time
DETECTION_FAILURES = "DetectionFailures"
WRITES_RESCUED = "WritesRescued"
WRITE_BACKS = "WriteBacks"
RETRIES = "Retries"  # write-backs made anew, because the item had changed meanwhile
ALREADY_REPAIRED = "AlreadyRepaired"
RESOLUTION_FAILURES = "ResolutionFailures"
FOLDS = "Folds"
NAMES_FILED = "NamesFiled"  # named writes that became metadata
PAUSED = "Paused"
OPEN_LOSSES = "OpenLosses"
PARKED_LOSSES = "ParkedLosses"
DECISIONS_ASKED = "DecisionsAsked"
DECISIONS_ESCALATED = "DecisionsEscalated"
DECISIONS = "Decisions"
REDRIVE_RUNS = "RedriveRuns"  # and one for each outcome, such as RedrivePoison
REDRIVE_ESCALATED = "RedriveEscalated"
LINES_WRITTEN = "LinesWritten"  # of objects that were ingested
LINES_REPEATED = "LinesRepeated"  # that were carried out before, or in another region
LINES_REJECTED = "LinesRejected"
INGEST_FAILURES = "IngestFailures"  # jobs and parts that wait for a person
WRITES_UNFINISHED = "WritesUnfinished"  # of the workflow: taken, and not in every region in time
LINEAGES = "Lineages"  # of an item
METADATA_BYTES = "Metadata_bytes"  # of an item
KEYS = "Keys"  # idempotency keys that an item knows
NAMES_BYTES = "Names_bytes"  # of the named writes that stand in an item
CLOCK_DRIFT_MS = "ClockDrift_ms"  # how far the latest stamp of an item lies ahead
CLOCK_OFF_MS = "ClockOff_ms"  # how far a function's clock is from its region's time, either way
OLDEST_OPEN_LOSS_MS = "OldestOpenLoss_ms"
LOSS_TO_DETECTION_MS = "LossToDetection_ms"
LOSS_TO_REPAIR_MS = "LossToRepair_ms"

CONFLICT_KINDS = ("concurrent-home", "concurrent-witness", "after-home", "after-witness")


OUTSIDE_KINDS = ("updates", "puts", "deletes", "revived")
_OUTSIDE = (Finding.UNMANAGED, Finding.OVERWRITTEN, Finding.REMOVED, Finding.REVIVED)


def conflict_kind(ordering: str, role: str) -> str:
    """Return the kind of a conflict."""
    return f"{ordering}-{role}".lower()


def outside_kind(finding: Finding) -> str:
    """Return the kind of a write that was made around the library."""
    return OUTSIDE_KINDS[_OUTSIDE.index(finding)]
