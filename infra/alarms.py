"""The alarms of one region: everything that can put a write out of reach, or keep it waiting.

Each kind has an entry in RUNBOOK.md. What falls silent when it fails is alarmed on its silence: the
gauge, and the reading of the stream.
Source: Lambda guide, "Types of metrics"; SQS guide, "Available CloudWatch metrics"; EventBridge
guide, "Monitoring".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.alarm import Alarm
from infra.copies import copying_fails
from infra.metrics import of_api, of_function, of_queue, of_rule, of_source, ours
from infra.table_alarms import replication, throttles
from infra.watched import Watched
from reconciler.deployment import telemetry
from reconciler.deployment.names import WORKED_QUEUES
from reconciler.deployment.wiring import CONFLICTS_PER_MINUTE_ALARM


@dataclass(frozen=True)
class Limits:
    """From where on a person is told: long before a loss is out of reach.

    The stream's source sets a batch aside after 12 hours, and a stream forgets after 24. A message
    that fails is a dead letter within 15 minutes, and is deleted after 14 days. The clock's limit
    is half the drift that folds and repairs allow for.
    """

    iterator_age_minutes: int = 15
    failures: int = 5
    failure_minutes: int = 10
    open_loss_minutes: int = 15
    queue_age_minutes: int = 15
    dead_letter_days: int = 3
    clock_drift_seconds: int = 30


LIMITS = Limits()
_FAILED_IN_PART = {
    "detect": telemetry.DETECTION_FAILURES,
    "resolve": telemetry.RESOLUTION_FAILURES,
}


def alarms(seen: Watched) -> list[Alarm]:
    """Return all alarms of a region."""
    own = (_reading, _functions, _letters, _losses, _clocks, _delivery, _api, _workflow)
    return [alarm for rule in (*own, throttles, replication, copying_fails) for alarm in rule(seen)]


def _reading(seen: Watched) -> Iterator[Alarm]:
    late = LIMITS.iterator_age_minutes
    yield Alarm(
        "iterator-age",
        f"The detector is {late} minutes behind the stream, which forgets after 24 hours.",
        {"age": of_function(seen.names.detect_function, "IteratorAge", "Maximum")},
        above=late * 60_000,
    )
    yield Alarm(
        "stream-unread",
        "Nothing reads the stream: a loss that is not read within 24 hours is gone.",
        {"polls": of_source(seen.stream_source, "PolledEventCount", "SampleCount")},
        periods=3,
        on_silence=True,
    )


def _functions(seen: Watched) -> Iterator[Alarm]:
    for part, minutes in seen.functions.items():
        name = seen.names.of(part)
        metrics, expression = {"errors": of_function(name, "Errors")}, ""
        if part in _FAILED_IN_PART:  # Lambda counts no batch of which a part comes back
            metrics["parts"] = ours(seen.names, _FAILED_IN_PART[part], "SampleCount")
            expression = "errors + parts"
        most, within = _tolerated(minutes)
        yield Alarm(
            "function-errors",
            f"{name} failed more than {most} times in {within} minutes, wholly or in part.",
            metrics,
            above=most,
            expression=expression,
            about=part,
            period_seconds=within * 60,
        )
    for part in _FAILED_IN_PART:
        name = seen.names.of(part)
        yield Alarm(
            "function-throttles",
            f"Lambda refused to run {name}: there was no concurrency left for it.",
            {"throttles": of_function(name, "Throttles")},
            about=part,
        )


def _tolerated(minutes: int | None) -> tuple[int, int]:
    """Return how many failures in how many minutes are not told yet.

    A schedule may run its function less often than that: then two runs on end are too many.
    """
    if minutes is None:
        return LIMITS.failures, LIMITS.failure_minutes
    within = max(LIMITS.failure_minutes, 2 * minutes)
    return min(LIMITS.failures, within // minutes - 1), within


def _letters(seen: Watched) -> Iterator[Alarm]:
    days, late = LIMITS.dead_letter_days, LIMITS.queue_age_minutes
    for part in seen.letters:
        queue = seen.names.of(part)
        yield Alarm(
            "dead-letters",
            f"{queue} holds what failed or waits for a person; SQS deletes it after 14 days.",
            {"letters": of_queue(queue, "ApproximateNumberOfMessagesVisible")},
            about=part,
        )
        yield Alarm(
            "dead-letter-age",
            f"A message has waited in {queue} for {days} of the 14 days that SQS keeps it.",
            {"age": of_queue(queue, "ApproximateAgeOfOldestMessage")},
            above=days * 86_400,
            about=part,
        )
    for part in WORKED_QUEUES:
        queue = seen.names.of(part)
        yield Alarm(
            "queue-age",
            f"A message has waited in {queue} for {late} minutes: the resolver is late or stands.",
            {"age": of_queue(queue, "ApproximateAgeOfOldestMessage")},
            above=late * 60,
            about=part,
        )
    minutes = seen.functions.get("redrive")
    if minutes:  # SQS leaves what is received often out of a queue's age
        yield Alarm(
            "redrive-escalated",
            "A dead letter was redriven many times and is still not done: a person must look.",
            {"letters": ours(seen.names, telemetry.REDRIVE_ESCALATED, "Sum")},
            period_seconds=2 * minutes * 60,  # each run counts it anew, so one is always in it
        )


def _losses(seen: Watched) -> Iterator[Alarm]:
    names, late = seen.names, LIMITS.open_loss_minutes
    yield Alarm(
        "parked-losses",
        "Losses are parked: each waits for a person's decision.",
        {"parked": ours(names, telemetry.PARKED_LOSSES, "Maximum")},
    )
    yield Alarm(
        "open-loss-age",
        f"A loss has been open for {late} minutes: its write is not back in the item.",
        {"oldest": ours(names, telemetry.OLDEST_OPEN_LOSS_MS, "Maximum")},
        above=late * 60_000,
    )
    yield Alarm(
        "gauge-silent",
        "Nobody counts the ledger's rows: open and parked losses would not be told.",
        {"counts": ours(names, telemetry.OPEN_LOSSES, "SampleCount")},
        periods=3,
        on_silence=True,
    )
    yield Alarm(
        "conflict-rate",
        f"For 5 minutes, more than {CONFLICTS_PER_MINUTE_ALARM} conflicts a minute were found.",
        {"conflicts": ours(names, telemetry.CONFLICTS, "Sum")},
        above=CONFLICTS_PER_MINUTE_ALARM,
        period_seconds=60,
        periods=5,
    )
    yield Alarm(
        "unknown-versions",
        "An item's metadata is of a version that this release cannot read, for an hour by now.",
        {"records": ours(names, telemetry.UNKNOWN_VERSIONS, "Sum")},
    )


def _clocks(seen: Watched) -> Iterator[Alarm]:
    names, ahead = seen.names, LIMITS.clock_drift_seconds
    yield Alarm(
        "clock-drift",
        f"A writer's clock is {ahead} seconds ahead; from 60 on, its conflicts are parked.",
        {"drift": ours(names, telemetry.CLOCK_DRIFT_MS, "Maximum")},
        above=ahead * 1_000,
    )
    yield Alarm(
        "clock-off",
        f"A function's clock is {ahead} seconds off its region's time; it goes by the latter.",
        {"off": ours(names, telemetry.CLOCK_OFF_MS, "Maximum")},
        above=ahead * 1_000,
    )


def _delivery(seen: Watched) -> Iterator[Alarm]:
    names = seen.names
    yield Alarm(
        "undelivered-batches",
        "A batch of the stream was given up and not set aside: the stream has it for 24 hours.",
        {
            "failures": of_function(names.detect_function, "DestinationDeliveryFailures"),
            "dropped": of_source(seen.stream_source, "DroppedEventCount"),
        },
        expression="failures + dropped",
    )
    yield Alarm(
        "batches-set-aside",
        "A batch of the stream was set aside: until it is redriven, no item here is folded.",
        {"batches": of_source(seen.stream_source, "OnFailureDestinationDeliveredEventCount")},
    )
    given_up = {
        f"{role}{number}": of_rule(names.bus, role, name)
        for role in ("home", "witness")
        for number, name in enumerate(("FailedInvocations", "InvocationsFailedToBeSentToDlq"))
    }
    yield Alarm(
        "undelivered-events",
        "EventBridge gave an event up: its loss stays open until it is redriven.",
        given_up,
        expression=" + ".join(given_up),
    )
    if seen.has_hub:  # its rules are made at run time, and have metrics of their own each
        yield Alarm(
            "undelivered-callbacks",
            f"{names.hub_dlq} holds events that a callback did not take: they can be replayed"
            " for 14 days.",
            {"letters": of_queue(names.hub_dlq, "ApproximateNumberOfMessagesVisible")},
        )


def _api(seen: Watched) -> Iterator[Alarm]:
    if "api" in seen.functions:
        most, within = LIMITS.failures, LIMITS.failure_minutes
        yield Alarm(
            "api-errors",
            f"The HTTP API answered with 5xx more than {most} times in {within} minutes.",
            {"errors": of_api(seen.api, "5xx")},
            above=most,
            period_seconds=within * 60,
        )


def _workflow(seen: Watched) -> Iterator[Alarm]:
    if "workflow" in seen.functions:
        yield Alarm(
            "writes-unfinished",
            "A write that the workflow took was not carried out, or not seen in every region.",
            {"writes": ours(seen.names, telemetry.WRITES_UNFINISHED, "Sum")},
        )
