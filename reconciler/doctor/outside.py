"""Check of what the deployment says of writers around the library, beside what was counted.

What operators delete is left out: no write is taken back by it, and nothing guards against it.
Source: Lambda API Reference GetFunctionConfiguration; CloudWatch API Reference GetMetricStatistics.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.deployment import telemetry
from reconciler.doctor.facts import AwsAnswer, Check, CheckResult, Seen, Unseen

WATCHED_DAYS = 14
WATCHED_KINDS = tuple(kind for kind in telemetry.OUTSIDE_KINDS if kind != "deletes")
_ALWAYS_ON = WATCHED_DAYS - 1  # the first day begins at any hour
_SAVES = (
    'if nobody is to make any, the setting outside_writers "none", in the deployment and in'
    " connect(...) of every writer, saves lineages where many processes write one item, and"
    " detectors the look for what others wrote"
)
_MAY_BE_LOST = (
    "each of them may be lost beside a library write, and one that saves an old image may take"
    " library writes along"
)
_FIX = (
    'set outside_writers to "expected" in the deployment and in connect(...) of every writer, or'
    " find who writes (CloudTrail's data events name the caller) and let it use the library"
)


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the finding of writers around the library."""
    check = Check("outside-writers", seen.names.region)
    asked = (seen.detector, seen.records, *seen.outside_writes.values())
    unseen = next((answer for answer in asked if isinstance(answer, Unseen)), None)
    if unseen is not None:
        yield check.unseen(unseen)
    elif (said := seen.variable("RECONCILER_OUTSIDE_WRITERS")) is None:
        yield _without_detector(check, seen)
    else:
        yield _finding(check, seen, said)


def _without_detector(check: Check, seen: Seen) -> CheckResult:
    if seen.is_local:
        return check.not_here()
    return check.unknown(f"there is no function {seen.names.detect_function} to say who writes")


def _finding(check: Check, seen: Seen, said: str) -> CheckResult:
    made = {kind: _sum(answer) for kind, answer in seen.outside_writes.items()}
    told = ", ".join(f"{count:,.0f} {kind}" for kind, count in made.items() if count)
    counted = f"{told} around the library in {WATCHED_DAYS} days" if told else "none was seen"
    if said == "none":
        if told:
            return check.problem(f'outside writers are "none", but {counted}: {_MAY_BE_LOST}', _FIX)
        return check.ok(f'outside writers are "none", and {counted} in {WATCHED_DAYS} days')
    if told:
        return check.ok(f"outside writers are expected, and there were {counted}")
    if len(_points(seen.records)) < _ALWAYS_ON:
        return check.ok(f"outside writers are expected; {counted}, but not for {WATCHED_DAYS} days")
    return check.ok(f"outside writers are expected; {counted} in {WATCHED_DAYS} days: {_SAVES}")


def _points(answer: AwsAnswer) -> list[Mapping[str, Any]]:
    return list(answer.get("Datapoints", [])) if isinstance(answer, Mapping) else []


def _sum(answer: AwsAnswer) -> float:
    return sum(float(point["Sum"]) for point in _points(answer))
