"""Checks of time: how far the detector is behind its stream, and this machine's clock beside AWS's.

Source: Lambda guide, "Monitoring", IteratorAge; DynamoDB guide, Streams keep a record for 24 hours.
"""

from collections.abc import Iterator

from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command

AGE_WARNING_MS = 60_000
AGE_PROBLEM_MS = 3_600_000
CLOCK_WARNING_MS = 5_000
_HOUR_MS = 3_600_000
_RETENTION_HOURS = 24


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of the detector's delay and of the clock."""
    yield _iterator_age(seen)
    yield clock(seen)


def _iterator_age(seen: Seen) -> CheckResult:
    check, function = Check("iterator-age", seen.names.region), seen.names.detect_function
    if isinstance(seen.iterator_age, Unseen):
        return check.unseen(seen.iterator_age)
    ages = [point["Maximum"] for point in (seen.iterator_age or {}).get("Datapoints", [])]
    if not ages:
        idle = f"{function} was not invoked in the last 15 minutes: right only if nobody wrote"
        return check.not_here() if seen.is_local else check.unknown(idle)
    age = max(ages)
    found = f"{function} was up to {age / 60_000:.1f} minutes behind its stream in 15 minutes"
    logs = aws_command("logs", "tail", seen, f"/aws/lambda/{function} --since 15m")
    if age > AGE_PROBLEM_MS:
        left = max(0, _RETENTION_HOURS - age / _HOUR_MS)
        return check.problem(f"{found}; losses are gone from the stream in {left:.1f} hours", logs)
    return check.warning(found, logs) if age > AGE_WARNING_MS else check.ok(found)


def clock(seen: Seen) -> CheckResult:
    """Return the finding of this machine's clock beside AWS's."""
    check = Check("clock", seen.names.region)
    if seen.clock_ahead_ms is None:
        return check.unknown("no answer carried a date to compare this machine's clock with")
    drift = abs(seen.clock_ahead_ms)
    direction = "ahead of" if seen.clock_ahead_ms > 0 else "behind"
    found = f"this machine's clock is {drift / 1000:.1f} s {direction} AWS's"
    fix = "set this machine's clock by NTP, for example: chronyc makestep"
    if drift > CLOCK_SKEW_MARGIN_MS:
        margin = f"folds rely on at most {CLOCK_SKEW_MARGIN_MS // 1000} s between writers' clocks"
        return check.problem(f"{found}; {margin}", fix)
    if drift > CLOCK_WARNING_MS:
        return check.warning(found, fix)
    return check.ok(found)
