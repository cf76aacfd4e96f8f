"""Lambda entry point of the detector: one replica's stream in, ledger rows and events out.

Event source: the replica's DynamoDB stream, NEW_AND_OLD_IMAGES, with ReportBatchItemFailures.
"""

import os
from functools import cache
from typing import Any

from handlers.observability import Observability
from handlers.settings import read_settings
from handlers.tracing import trace_loss, traced
from reconciler.aws import now_ms
from reconciler.aws.bus import EventBridgeBus
from reconciler.aws.clients import client
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.detection.detector import Detector, DetectorPorts
from reconciler.detection.securing import DetectorPolicy


@cache
def _function() -> tuple[Detector, Observability]:
    settings = read_settings(os.environ)
    region = settings.region
    observability = Observability("detect", settings.table, region)
    evidence = S3Evidence(settings.evidence_bucket, client("s3", region))
    ports = DetectorPorts(
        ledger=DynamoLedger(settings.ledger_table, client("dynamodb", region), observability.note),
        bus=EventBridgeBus(settings.bus, client("events", region), trace_loss, observability.note),
        evidence=evidence,
        parked=SqsParked(settings.parked_queue_url, client("sqs", region), evidence),
        telemetry=observability,
    )
    policy = DetectorPolicy(settings.table, region, settings.outside_writes, folds=settings.folds)
    return Detector(policy, ports, now_ms), observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Detect the losses in a batch; answer with the record to come back to, if any."""
    detector, observability = _function()
    with observability.invocation(context):
        first_unsafe = detector.detect(event["Records"])
    failures = [] if first_unsafe is None else [{"itemIdentifier": first_unsafe}]
    return {"batchItemFailures": failures}
