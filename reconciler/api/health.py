"""Whether a region is fit for writers: a verdict from facts, for health checks that route traffic.

Unhealthy is what another region does better: this replica does not answer,
or its detector is so late that losses are about to leave the stream. All else that is not as it
should be is degraded, and routes no traffic away. What could not be seen is no reason for either.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.api.answers import Answer, Refused

Health = Literal["healthy", "degraded", "unhealthy"]
_WORST: tuple[Health, ...] = ("healthy", "degraded", "unhealthy")

LATE_DETECTOR_MS = 5 * 60_000
LOSING_DETECTOR_MS = 12 * 3_600_000  # half of what a stream keeps: then sources set aside
OLD_LOSS_MS = 15 * 60_000
SLOW_REPLICATION_MS = 60_000


@dataclass(frozen=True)
class Unanswered:
    """A call that was not answered, by the name of its error."""

    why: str


@dataclass(frozen=True)
class Facts:
    """What a region answered just now, and what its metrics said lately; None: not to be seen.

    `item`: why the table was not read. `table`: its status, as DescribeTable has it. `oldest_open`:
    the age of the oldest open loss, in ms, 0 if there is none. `replication`: by the region that
    receives.
    """

    item: Unanswered | None
    oldest_open_ms: int | Unanswered
    table_status: str | None
    detector_age_ms: int | None
    replication_ms: dict[str, int]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and why it is not as it should be, "" if it is."""

    name: str
    health: Health
    reason: str = ""


def verdict(facts: Facts, region: str) -> Answer:
    """Return the answer to a health check: 200, or 503 for a region that is unhealthy."""
    checks = list(_checks(facts))
    worst = max((check.health for check in checks), key=_WORST.index)
    reasons = [check.reason for check in checks if check.reason]
    told: dict[str, Any] = {"health": worst, "region": region, "reasons": reasons}
    told["checks"] = {check.name: check.health for check in checks}
    if worst == "unhealthy":
        return Refused("unhealthy", "; ".join(reasons), more=told).answer()
    return Answer(200, json.dumps(told), {"Cache-Control": "no-store"})


def _checks(facts: Facts) -> Iterator[Check]:
    if facts.item is not None:
        yield Check("table", "unhealthy", f"the table was not read: {facts.item.why}")
    elif facts.table_status not in (None, "ACTIVE", "UPDATING"):
        yield Check("table", "unhealthy", f"the table is {facts.table_status}")
    else:
        yield Check("table", "healthy")
    yield from _losses(facts.oldest_open_ms)
    if facts.detector_age_ms is not None:
        late = f"the detector is {_minutes(facts.detector_age_ms)} behind the stream"
        limits = LATE_DETECTOR_MS, LOSING_DETECTOR_MS
        yield _graded("detector", facts.detector_age_ms, *limits, late)
    for region, ms in sorted(facts.replication_ms.items()):
        slow = f"writes take {_minutes(ms)} to {region}"
        yield _graded(f"replication to {region}", ms, SLOW_REPLICATION_MS, None, slow)


def _losses(oldest_ms: int | Unanswered) -> Iterator[Check]:
    if isinstance(oldest_ms, Unanswered):
        # Writes go on, and the stream keeps their losses until the ledger is back.
        yield Check("ledger", "degraded", f"the ledger was not read: {oldest_ms.why}")
        return
    yield Check("ledger", "healthy")
    old = f"a loss has been open for {_minutes(oldest_ms)}"
    yield _graded("open losses", oldest_ms, OLD_LOSS_MS, None, old)


def _graded(name: str, ms: int, late_ms: int, worst_ms: int | None, reason: str) -> Check:
    if worst_ms is not None and ms >= worst_ms:
        return Check(name, "unhealthy", reason)
    return Check(name, "degraded", reason) if ms >= late_ms else Check(name, "healthy")


def _minutes(ms: int) -> str:
    return f"{ms / 60_000:,.1f} minutes"
