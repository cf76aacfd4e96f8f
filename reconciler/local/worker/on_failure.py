"""The on-failure destinations of a stream's event-source mapping.

A message with its records is written to the evidence bucket, and then the bucket's notification of
it is sent to the queue; one that only names its records is sent to the queue. Of one message the
object's key is always the same, so delivering it again is harmless.
Source: AWS Lambda developer guide, "Retaining discarded records for a DynamoDB event source"; S3
user guide, "Event message structure".
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from reconciler.aws.clients import idempotent
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import SET_ASIDE_PREFIX

SetAsideMessage = Mapping[str, Any]


class OnFailure:
    """Takes the messages that an event-source mapping sets aside in one region."""

    def __init__(self, names: Names, queue_url: str, client: Callable[[str], Any]) -> None:
        """`queue_url` is the stream's dead-letter queue; `client` returns a boto3 client."""
        self._names = names
        self._queue_url = queue_url
        self._client = client

    def deliver(self, message: SetAsideMessage) -> None:
        """Deliver a message; it is safe once this returns. Unavailable if it could not be."""
        body = self._store(message) if "payload" in message else message
        with idempotent("SendMessage"):
            self._client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(body))

    def _store(self, message: SetAsideMessage) -> dict[str, Any]:
        key, document = object_key(message), json.dumps(message).encode()
        with idempotent("PutObject"):
            self._client("s3").put_object(
                Bucket=self._names.evidence_bucket, Key=key, Body=document
            )
        return notification(self._names, key, len(document), message["timestamp"])


def object_key(message: SetAsideMessage) -> str:
    """Return the key of a message's object, in the form that Lambda gives it."""
    batch = message["DDBStreamBatchInfo"]
    source = _uuid(message["requestContext"]["functionArn"], batch["streamArn"])
    number = _uuid(*map(str, batch.values()))
    at = datetime.fromisoformat(message["timestamp"])
    return f"{SET_ASIDE_PREFIX}{source}/{batch['shardId']}/{at:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{number}"


def notification(names: Names, key: str, size: int, at: str) -> dict[str, Any]:
    """Return what S3 tells a queue about an object that was put."""
    bucket = names.evidence_bucket
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": names.region,
                "eventTime": at,
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "set-aside",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key, safe="/"), "size": size},
                },
            }
        ]
    }


def _uuid(*parts: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, " ".join(parts))
