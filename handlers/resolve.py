"""Lambda entry point of the resolver: conflict events in, conditional write-backs out.

Event source: the home queue and the witness queue, with ReportBatchItemFailures.
"""

import json
import os
from functools import cache
from typing import Any

from handlers.observability import Observability
from handlers.settings import read_settings
from handlers.tracing import resolution, traced
from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.aws.set_aside import S3SetAside
from reconciler.conflict.event import Event, FoldCertificate, parse_certificate, parse_event
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, LOOP_PAUSE
from reconciler.errors import Unavailable, Undecodable
from reconciler.ports import ParkedChanges
from reconciler.resolution.resolver import Message, Resolver, ResolverPorts


@cache
def _function() -> tuple[str, Resolver, ParkedChanges, Observability]:
    settings = read_settings(os.environ)
    custom.load(settings.custom_types)
    region = settings.region
    observability = Observability("resolve", settings.table, region)
    evidence = S3Evidence(settings.evidence_bucket, client("s3", region))
    parked = SqsParked(settings.parked_queue_url, client("sqs", region), evidence)
    ports = ResolverPorts(
        items=DynamoItems(settings.table, client("dynamodb", region, attempts=1)),
        ledger=DynamoLedger(settings.ledger_table, client("dynamodb", region), observability.note),
        evidence=evidence,
        parked=parked,
        set_aside=S3SetAside(settings.evidence_bucket, client("s3", region)),
        telemetry=observability,
    )
    pause = LOOP_PAUSE if settings.pauses else None
    name = Names(settings.table, region, settings.suffix).resolve_function
    return name, Resolver(ports, now_ms, pause), parked, observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Resolve the conflicts in a batch; answer with the messages that must come back."""
    name, resolver, parked, observability = _function()
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
                    parked.park({"reason": f"Undecodable: {problem}", "message": record["body"]})
                except Unavailable as unparked:
                    observability.note("not parked", error=str(unparked))
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
