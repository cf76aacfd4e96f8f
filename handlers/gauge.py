"""Lambda entry point of the gauge: how many losses wait, and for how long the oldest has.

Each run of the schedule looks at the region's ledger. Zeros are sent, too: an alarm must be able to
go back to OK.
Limit: at most 1,000 rows of a state are counted, so 1,000 means "or more".
"""

from functools import cache
from itertools import islice
from typing import Any

from handlers.observability import Observability
from handlers.settings import function_settings
from handlers.tracing import traced
from reconciler.aws.region import Region
from reconciler.conflict.row import State
from reconciler.deployment import telemetry

MOST = 1_000


@cache
def _function() -> tuple[Region, Observability]:
    settings = function_settings()
    observability = Observability(
        "gauge", settings.table, settings.region, log_items=settings.log_items
    )
    return Region(settings, telemetry=observability), observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (a schedule says nothing)
    """Measure what waits in the ledger; answer with it."""
    region, observability = _function()
    ledger = region.ledger
    with observability.invocation(context):
        waiting = [row.lost_at_ms for row in islice(ledger.in_state(State.OPEN), MOST)]
        oldest = next(filter(None, waiting), None)  # a row whose time nobody can read has none
        measured = {
            telemetry.OPEN_LOSSES: len(waiting),
            telemetry.OLDEST_OPEN_LOSS_MS: _age(region, oldest),
            telemetry.PARKED_LOSSES: sum(1 for _ in islice(ledger.in_state(State.PARKED), MOST)),
        }
        for metric, value in measured.items():
            observability.measure(metric, value)
        observability.measure_clock(region.time)
    return measured


def _age(region: Region, since_ms: int | None) -> int:
    return max(0, region.time.now_ms() - since_ms) if since_ms else 0
