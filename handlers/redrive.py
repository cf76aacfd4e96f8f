"""Lambda entry point of the redrive: works off a region's dead letters, on a schedule.

It does what `scripts/redrive_dlq.py --execute` does, within limits: no letter is begun once the
function's time is nearly over, and a queue that cannot be read does not keep the others from
theirs. A letter that was received many times and is still not done is counted and logged by itself:
a person must look.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from handlers.observability import Observability
from handlers.settings import FunctionSettings, function_settings
from handlers.tracing import traced
from reconciler.aws.region import Region, open_region
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.errors import ReconcilerError, Unavailable
from reconciler.ports import DeadLetter
from reconciler.redrive.drain import Drain, Pace, Time
from reconciler.redrive.outcome import Result
from reconciler.text.counts import count_in_words

_RESERVE_MS = 20_000  # for the letter that is worked on when the time is over


@cache
def _function() -> tuple[FunctionSettings, Region, Observability]:
    settings = function_settings()
    custom.load(settings.custom_types)
    observability = Observability(
        "redrive", settings.table, settings.region, log_items=settings.log_items
    )
    return settings, open_region(settings.names), observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (a schedule says nothing)
    """Work off the dead letters; answer with the counts of outcomes.

    Unavailable, at the end, if something could not be read; what could be is done.
    """
    settings, region, observability = _function()
    region.ask_time()
    until = region.time.now_ms() + context.get_remaining_time_in_millis() - _RESERVE_MS
    drain = Drain(
        region,
        settings.detector_policy(),
        Time(region.time.now_ms, time.sleep),
        execute=True,
        pace=Pace(most=settings.redrive_most, until_ms=until),
        hear=partial(_note, observability),
    )
    with observability.invocation(context):
        observability.count(telemetry.REDRIVE_RUNS)
        observability.measure_clock(region.time)
        unread = 0
        queues = settings.names.dead_letter_queues()
        *failed, parked = [partial(drain.queues, [name]) for name in queues]
        # What is parked comes last: most of it stays, and must not use up the run's count.
        places: list[Callable[[], None]] = [*failed, drain.leftovers, parked]
        for work_off in places:
            try:
                work_off()
            except ReconcilerError as problem:
                unread += 1
                observability.note("not worked off", error=problem)
        _escalate(observability, drain.left, settings.redrive_attempts)
    if unread:
        raise Unavailable(
            f"{count_in_words(unread, 'place')} could not be worked off; the next run tries again"
        )
    return dict(drain.tally.summary())


def _escalate(
    observability: Observability, left: Sequence[tuple[DeadLetter, Result]], attempts: int
) -> None:
    for letter, result in left:
        if letter.receives >= attempts:
            observability.count(telemetry.REDRIVE_ESCALATED)
            about = {"queue": letter.queue, "message_id": letter.message_id}
            observability.note("escalated", **about, receives=letter.receives, why=result.why)


def _note(observability: Observability, queue: str, about: str, result: Result) -> None:
    observability.count("Redrive" + result.outcome.value.title().replace(" ", ""))
    told = {"queue": queue, "about": about, "outcome": result.outcome.value, "why": result.why}
    observability.note("redriven", **told)
