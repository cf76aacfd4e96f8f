"""Lambda entry point of the detector: one replica's stream in, ledger rows and events out.

Event source: the replica's DynamoDB stream, NEW_AND_OLD_IMAGES, with ReportBatchItemFailures.
"""

from functools import cache
from typing import Any

from handlers.observability import Observability
from handlers.party_events import PartyEvents
from handlers.settings import function_settings
from handlers.tracing import trace_loss, traced
from reconciler.aws.region import Region
from reconciler.detection.change import records_in
from reconciler.detection.detector import Detector


@cache
def _function() -> tuple[Detector, Region, Observability, PartyEvents | None]:
    settings = function_settings()
    observability = Observability(
        "detect", settings.table, settings.region, log_items=settings.log_items
    )
    region = Region(
        settings,
        telemetry=observability,
        trace=trace_loss,
        parked_url=settings.parked_queue_url,
    )
    detector = Detector(settings.detector_policy(), region, region.time.now_ms)
    events = PartyEvents(settings, region, observability) if settings.tells_parties else None
    return detector, region, observability, events


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Detect the losses in a batch; answer with the record to come back to, if any.

    An empty name asks for the whole batch once more.
    """
    detector, region, observability, events = _function()
    records = records_in(event)  # outside, so that whoever tries the function is told what is wrong
    with observability.invocation(context):
        region.ask_time()  # of its clock depends what is parked as of the future, and what folds
        observability.measure_clock(region.time)
        first_unsafe = detector.detect(records)
        if events is not None:
            first_unsafe = events.tell_changes(records, first_unsafe)
    failures = [] if first_unsafe is None else [{"itemIdentifier": first_unsafe}]
    return {"batchItemFailures": failures}
