"""Lambda entry point of the resolver: conflict events in, conditional write-backs out.

Event source: the home queue and the witness queue, with ReportBatchItemFailures.
"""

import json
from functools import cache
from typing import Any

from handlers.observability import Observability
from handlers.settings import function_settings
from handlers.tracing import resolution, traced
from reconciler.aws import now_ms
from reconciler.aws.region import Region
from reconciler.conflict.event import Event, FoldCertificate, parse_certificate, parse_event
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, LOOP_PAUSE
from reconciler.errors import Unavailable, Undecodable
from reconciler.resolution.resolver import Message, Resolver


@cache
def _function() -> tuple[str, Resolver, Region, Observability]:
    settings = function_settings()
    custom.load(settings.custom_types)
    observability = Observability(
        "resolve", settings.table, settings.region, log_items=settings.log_items
    )
    region = Region(settings, telemetry=observability, parked_url=settings.parked_queue_url)
    pause = LOOP_PAUSE if settings.pauses else None
    resolver = Resolver(region, now_ms, pause)
    return settings.names.resolve_function, resolver, region, observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Resolve the conflicts in a batch; answer with the messages that must come back."""
    name, resolver, region, observability = _function()
    with observability.invocation(context):
        messages, failed = [], []
        certificates, headers = [], []
        for record in event["Records"]:
            try:
                told = _event(record["body"])
                if isinstance(told, FoldCertificate):
                    certificates.append(told)
                else:
                    receives = int(record["attributes"]["ApproximateReceiveCount"])
                    messages.append(Message(record["messageId"], told, receives))
                    headers.append((record["attributes"].get("AWSTraceHeader", ""), told))
            except Undecodable as problem:
                try:
                    region.parked.park(
                        {"reason": f"Undecodable: {problem}", "message": record["body"]}
                    )
                except Unavailable as unparked:
                    observability.note("not parked", error=unparked)
                    failed.append(record["messageId"])
                else:
                    observability.count(telemetry.PARKED)
        with resolution(name, headers, observability.outcomes):
            failed += resolver.resolve(messages)
        for certificate in certificates:
            resolver.fold(certificate)
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _event(body: str) -> Event:
    try:
        envelope = json.loads(body)
        closed = envelope.get("detail-type") == CERTIFICATE_DETAIL_TYPE
        return (parse_certificate if closed else parse_event)(envelope["detail"])
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise Undecodable(f"not an EventBridge event ({problem})", body=body) from None
