"""What a redrive of one region works with, over AWS's APIs."""

from collections.abc import Callable
from threading import local
from typing import Any

from reconciler.aws.bus import EventBridgeBus
from reconciler.aws.clients import idempotent
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.aws.set_aside import S3SetAside
from reconciler.aws.streams import StreamRecords
from reconciler.deployment.names import Names
from reconciler.redrive.redriver import RedrivePorts

ClientOf = Callable[[str, int], Any]  # service, attempts


class Refusals(local):
    """What was last refused, and why, in this thread: each thread works on one letter."""

    why = ""

    def note(self, message: str, *, error: str, **_: object) -> None:
        """Remember a refusal."""
        self.why = f"{message}: {error}"


def redrive_ports(names: Names, client_of: ClientOf) -> RedrivePorts:
    """Return the ports of a region's redrive; Unavailable if its parked queue does not exist."""
    sqs, evidence = client_of("sqs", 4), S3Evidence(names.evidence_bucket, client_of("s3", 4))
    with idempotent(f"GetQueueUrl {names.parked_queue}"):
        parked_url = sqs.get_queue_url(QueueName=names.parked_queue)["QueueUrl"]
    refusals = Refusals()
    return RedrivePorts(
        items=DynamoItems(names.table, client_of("dynamodb", 1)),
        ledger=DynamoLedger(names.ledger, client_of("dynamodb", 4), refusals.note),
        bus=EventBridgeBus(names.bus, client_of("events", 4), note=refusals.note),
        evidence=evidence,
        parked=SqsParked(parked_url, sqs, evidence),
        set_aside=S3SetAside(names.evidence_bucket, client_of("s3", 4)),
        streams=StreamRecords(client_of("dynamodbstreams", 4)),
        refusal=lambda: refusals.why,
    )
