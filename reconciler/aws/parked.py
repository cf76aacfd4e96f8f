"""One region's queue of parked changes, over the SQS API.

Source: SQS API Reference, SendMessage.
"""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.ports import EvidenceStore
from reconciler.values.wire import digest, to_json

_MESSAGE_BYTES = 1_000_000


class SqsParked:
    """The queue of parked changes; what is too large for a message goes to the evidence bucket."""

    def __init__(self, queue_url: str, sqs: Any, evidence: EvidenceStore) -> None:
        self._queue_url = queue_url
        self._client = sqs
        self._evidence = evidence

    def park(self, document: Mapping[str, Any]) -> None:
        """Keep the change; it is safe once this returns."""
        body = to_json(document)
        if len(body.encode()) > _MESSAGE_BYTES:
            name = f"parked-{digest(body.encode(), 22)}"
            reason = document.get("reason")
            body = json.dumps({"reason": reason, "document_ref": self._evidence.put(name, body)})
        with idempotent("SendMessage"):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)
