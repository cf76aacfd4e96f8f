"""Lambda entry point of the resolver: conflict events in, conditional write-backs out.

Event source: the home queue and the witness queue, with ReportBatchItemFailures.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from handlers.observability import Observability
from handlers.party_events import PartyEvents
from handlers.settings import FunctionSettings, function_settings
from handlers.tracing import resolution, traced
from reconciler.aws.region import Region
from reconciler.conflict.event import Event, FoldCertificate, parse_certificate, parse_event
from reconciler.conflict.fitting import check_is_ours
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, LOOP_PAUSE
from reconciler.errors import MALFORMED, InvalidInput, ReconcilerError, Undecodable, reason_of
from reconciler.resolution.resolver import Message, Resolver

_MERGED = (telemetry.WRITE_BACKS, telemetry.ALREADY_REPAIRED)


@cache
def _function() -> tuple[FunctionSettings, Resolver, Region, Observability, PartyEvents | None]:
    settings = function_settings()
    custom.load(settings.custom_types)
    observability = Observability(
        "resolve", settings.table, settings.region, log_items=settings.log_items
    )
    region = Region(settings, telemetry=observability, parked_url=settings.parked_queue_url)
    pause = LOOP_PAUSE if settings.pauses else None
    resolver = Resolver(region, region.time.now_ms, pause)
    events = PartyEvents(settings, region, observability) if settings.tells_parties else None
    return settings, resolver, region, observability, events


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Resolve the conflicts in a batch; answer with the messages that must come back."""
    settings, resolver, region, observability, events = _function()
    name = settings.names.resolve_function
    records = _records(event)  # outside, so that whoever tries the function is told what is wrong
    with observability.invocation(context):
        region.ask_time()
        observability.measure_clock(region.time)
        messages, failed = [], []
        certificates, headers = [], []
        for record in records:
            try:
                told = _event(record["body"])
                check_is_ours(told, settings.table, settings.region)
            except Undecodable as problem:
                if not _is_parked(record, problem, region, observability):
                    failed.append(record["messageId"])
                continue
            if isinstance(told, FoldCertificate):
                certificates.append(told)
            else:
                receives = int(record["attributes"]["ApproximateReceiveCount"])
                messages.append(Message(record["messageId"], told, receives))
                headers.append((record["attributes"].get("AWSTraceHeader", ""), told))
        with resolution(name, headers, observability.outcomes):
            failed += resolver.resolve(messages)
            if events is not None:
                failed += _untold(events, messages, failed, observability)
        for certificate in certificates:
            resolver.fold(certificate)
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _untold(
    events: PartyEvents,
    messages: Sequence[Message],
    failed: Sequence[str],
    observability: Observability,
) -> list[str]:
    """Tell of the losses that were merged here, their home; return the messages to come back."""
    return [
        message.identifier
        for message in messages
        if message.event.role == "home"
        and message.identifier not in failed
        and observability.outcomes.get(message.event.conflict_id) in _MERGED
        and not events.is_told(message.event)
    ]


def _records(event: Any) -> list[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(each, dict) and "messageId" in each for each in records
    ):
        raise InvalidInput(
            "the event holds no messages: the resolver's event sources are its two SQS queues"
        )
    return records


def _is_parked(
    record: Mapping[str, Any], problem: Undecodable, region: Region, observability: Observability
) -> bool:
    try:
        region.parked.park({"reason": reason_of(problem), "message": record["body"]})
    except ReconcilerError as unparked:
        observability.note("not parked", error=unparked)
        return False
    observability.count(telemetry.PARKED)
    return True


def _event(body: str) -> Event:
    try:
        envelope = json.loads(body)
        closed = envelope.get("detail-type") == CERTIFICATE_DETAIL_TYPE
        return (parse_certificate if closed else parse_event)(envelope["detail"])
    except MALFORMED as problem:
        raise Undecodable(f"not an EventBridge event ({type(problem).__name__})") from None
