"""Lambda entry point of the ingest: objects of the region's ingest bucket in, keyed writes out.

Event source: the ingest queue, with ReportBatchItemFailures. A message is an object that was
created, as EventBridge tells it, or one part of a job. One that is neither is parked, whole.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import Field

from handlers.observability import Observability
from handlers.schema_settings import SchemaSettings
from handlers.settings import Count, read_as
from handlers.tracing import traced
from reconciler.aws.ingest import outside_of
from reconciler.aws.region import Region
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.deployment.tables import JOBS_KEPT_DAYS
from reconciler.deployment.wiring import INGEST_SOURCE
from reconciler.errors import InvalidInput, ReconcilerError, Undecodable, reason_of
from reconciler.ingest.ingester import Ingester
from reconciler.ingest.messages import parse_message


class IngestSettings(SchemaSettings):
    """The environment of the ingest; `job_days`: for how long jobs can be looked up."""

    job_days: Count = Field(JOBS_KEPT_DAYS, alias="RECONCILER_JOB_DAYS")


@cache
def _function() -> tuple[IngestSettings, Ingester, Region, Observability]:
    settings = read_as(IngestSettings, os.environ)
    custom.load(settings.custom_types)
    schema = settings.item_schema
    observability = Observability(
        "ingest", settings.table, settings.region, log_items=settings.log_items
    )
    region = Region(settings, telemetry=observability, parked_url=settings.parked_queue_url)
    around = settings.outside_writers, settings.job_days
    outside = outside_of(region, settings.names, schema, *around)
    return settings, Ingester(schema, outside), region, observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Ingest what the messages of a batch ask for; answer with those that must come back."""
    settings, ingester, region, observability = _function()
    records = _records(event)  # outside, so that whoever tries the function is told what is wrong
    failed = []
    with observability.invocation(context):
        region.ask_time()
        observability.measure_clock(region.time)
        for record in records:
            receives = int(record["attributes"]["ApproximateReceiveCount"])
            is_last_try = receives >= INGEST_SOURCE.maximum_receive_count
            try:
                task = parse_message(record["body"], settings.region, settings.names.ingest_bucket)
                ingester.do(task, is_last_try=is_last_try)
            except ReconcilerError as problem:
                if not _is_parked(record, problem, region, observability):
                    failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _records(event: Any) -> list[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(each, dict) and {"messageId", "body", "attributes"} <= each.keys()
        for each in records
    ):
        raise InvalidInput("the event holds no messages: the ingest's event source is its queue")
    return records


def _is_parked(
    record: Mapping[str, Any],
    problem: ReconcilerError,
    region: Region,
    observability: Observability,
) -> bool:
    """Park what is no message of ours; all else comes back."""
    if not isinstance(problem, Undecodable) or problem.disposition == "retry":
        observability.note("not ingested", error=problem, message_id=record["messageId"])
        return False
    try:
        region.parked.park({"reason": reason_of(problem), "message": record["body"]})
    except ReconcilerError as unparked:
        observability.note("not parked", error=unparked)
        return False
    observability.count(telemetry.PARKED)
    return True
