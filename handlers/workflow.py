"""Lambda entry point of the workflow of keyed writes: each invocation is one of its steps.

Event source: the state machine (`reconciler.deployment.workflow`). Every step may run twice: a
write counts once by its key, and who hears an announcement knows the key, too. What is refused is
answered with its `problem`; what may be well a moment later is an error, which is tried again.
"""

import os
from functools import cache
from typing import Any, NamedTuple

from pydantic import Field

from handlers.observability import Observability
from handlers.schema_settings import KeyShapeSettings
from handlers.settings import Regions, read_as
from handlers.tracing import traced
from reconciler.api.answers import Refused
from reconciler.api.keyed_write import KeyedWrite
from reconciler.aws import connect
from reconciler.aws.clients import idempotent
from reconciler.aws.region import Region
from reconciler.client.table import ReplicatedTable
from reconciler.crdt import custom
from reconciler.deployment.wiring import EVENT_SOURCE, WRITTEN_DETAIL_TYPE
from reconciler.errors import KeyExpired, OutcomeUnknown, ReconcilerError, Unavailable, bounded
from reconciler.text.plain_json import json_text


class WorkflowSettings(KeyShapeSettings):
    """The environment of the steps: `regions` are all those of the table."""

    regions: Regions = Field(alias="RECONCILER_REGIONS")


class StepPorts(NamedTuple):
    """What the steps need: the settings, the replicas, this region, logs and metrics."""

    settings: WorkflowSettings
    tables: dict[str, ReplicatedTable]
    region: Region
    observability: Observability


@cache
def _function() -> StepPorts:
    settings = read_as(WorkflowSettings, os.environ)
    custom.load(settings.custom_types)
    observability = Observability(
        "workflow", settings.table, settings.region, log_items=settings.log_items
    )
    tables = {
        region: connect(
            settings.item_schema, region=region, outside_writers=settings.outside_writers
        )
        for region in {*settings.regions, settings.region}
    }
    return StepPorts(settings, tables, Region(settings, telemetry=observability), observability)


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take the step that `action` names, of the `case`: its `name`, its `write`, and what is known.

    A problem is told in full, for the workflow's caller; a log has its class.
    """
    ports, case = _function(), event["case"]
    with ports.observability.invocation(context):
        ports.region.ask_time()
        try:
            write = KeyedWrite.of(case["name"], case["write"], ports.settings.keys)
            if event["action"] == "validate":
                return _validate(ports, write)
            if event["action"] == "write":
                return _write(ports, write)
        except (Refused, ReconcilerError) as problem:
            return _refused(ports, problem)
        if event["action"] == "announce":
            return _announce(ports, write, case["step"]["at_ms"])
        return _confirm(ports, write, case["step"]["at_ms"], event["confirm_seconds"])


def _validate(ports: StepPorts, write: KeyedWrite) -> dict[str, Any]:
    lifetime_ms = ports.settings.item_schema.key_lifetime_minutes * 60_000
    write.check(ports.region.time.now_ms(), lifetime_ms)
    return {"problem": ""}


def _write(ports: StepPorts, write: KeyedWrite) -> dict[str, Any]:
    """Carry the write out: it spends its key whatever it finds, so there is an item to confirm."""
    table = ports.tables[ports.settings.region]
    try:
        table.carry_out(write.asked.key, write.asked.change, once=write.once)
    except KeyExpired as problem:
        # Its key was good when the workflow began: a try that came before may have been done.
        raise OutcomeUnknown("the key grew too old while its write was tried") from problem
    return {"problem": "", "at_ms": ports.region.time.now_ms()}


def _refused(ports: StepPorts, problem: Refused | ReconcilerError) -> dict[str, Any]:
    if isinstance(problem, OutcomeUnknown):
        raise problem
    if isinstance(problem, ReconcilerError) and problem.disposition == "retry":
        raise problem
    ports.observability.note("write refused", error=problem)
    told = problem.message if isinstance(problem, Refused) else str(problem)
    return {"problem": bounded(told), "at_ms": 0}


def _announce(ports: StepPorts, write: KeyedWrite, at_ms: int) -> dict[str, Any]:
    settings = ports.settings
    detail = {
        "table": settings.table,
        "region": settings.region,
        "key": dict(write.asked.key),
        "idempotency_key": write.once.key,
        "at_ms": at_ms,
    }
    entry = {
        "EventBusName": settings.bus,
        "Source": EVENT_SOURCE,
        "DetailType": WRITTEN_DETAIL_TYPE,
        "Detail": json_text(detail),
    }
    with idempotent("PutEvents"):
        (told,) = ports.region.client("events").put_events(Entries=[entry])["Entries"]
    if "EventId" not in told:
        raise Unavailable("PutEvents: the event was not taken", code=told.get("ErrorCode"))
    return {"event_id": told["EventId"]}


def _confirm(
    ports: StepPorts, write: KeyedWrite, at_ms: int, confirm_seconds: int
) -> dict[str, Any]:
    """Look whether every region's item shows the write: this one, too, for another may have won."""
    missing = sum(not _is_shown(ports, write, region) for region in ports.settings.regions)
    late_ms = ports.region.time.now_ms() - at_ms - confirm_seconds * 1_000
    return {"missing": missing, "is_late": late_ms >= 0}


def _is_shown(ports: StepPorts, write: KeyedWrite, region: str) -> bool:
    try:
        return write.is_shown(ports.tables[region].image(write.asked.key))
    except ReconcilerError as problem:  # a region that does not answer has not shown it either
        ports.observability.note("region not asked", error=problem)
        return False
