"""Is a deployed system as it must be, region by region, and what is to be done if it is not.

`examine` takes what one region answered and returns its findings, one or more for each check, the
worst first. It is pure: it asks nothing and changes nothing. "problem" is what loses writes or
leaves losses unrepaired; "unknown" is what could not be seen.
Source: AWS API References and developer guides, named in the modules of the checks.
"""

from itertools import chain
from typing import get_args

from reconciler.doctor import (
    delivery,
    ingest,
    marks,
    outside,
    queues,
    replica,
    sources,
    stores,
    time_to_live,
    timing,
)
from reconciler.doctor.facts import Check, CheckResult, Seen, Severity, Unseen

__all__ = ["CheckResult", "Seen", "Severity", "Unseen", "examine"]

_WORST_FIRST = get_args(Severity)


def examine(seen: Seen) -> list[CheckResult]:
    """Return the findings of one region, the worst first."""
    unseen = [answer for answer in seen.answers() if isinstance(answer, Unseen)]
    if len(unseen) == len(seen.answers()):
        return [_unreachable(seen, unseen[0]), timing.clock(seen)]
    pipeline = (sources, delivery, queues, stores, timing)
    areas = (replica, time_to_live, *pipeline, marks, outside, ingest)
    found = chain.from_iterable(area.findings(seen) for area in areas)
    return sorted(found, key=lambda finding: _WORST_FIRST.index(finding.severity))


def _unreachable(seen: Seen, first: Unseen) -> CheckResult:
    return Check("access", seen.names.region).problem(
        f"nothing of this region could be seen: {first.permission}: {first.reason}",
        "check the credentials, the region's name, the network and whether the region is enabled",
    )
