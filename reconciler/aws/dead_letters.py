"""One region's dead-letter queues, over the SQS API.

A message is hidden, not removed, while it is worked on; whoever stops working on it leaves it to
come back by itself. Queues are named; their URLs are looked up once.
Source: SQS API Reference, ReceiveMessage, ChangeMessageVisibility, StartMessageMoveTask.
"""

import base64
from collections.abc import Mapping
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.ports import DeadLetter

_WAIT_SECONDS = 1  # any wait asks all of SQS's servers; none asks a few, and may find nothing


class SqsDeadLetters:
    """The dead-letter queues of one region, each by its name."""

    def __init__(self, sqs: Any) -> None:
        self._client = sqs
        self._urls: dict[str, str] = {}

    def receive(self, queue: str, most: int, visibility_seconds: int) -> list[DeadLetter]:
        """Return up to `most` (10) messages, hidden from others for a while; none: none is left."""
        with idempotent("ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=most,
                VisibilityTimeout=visibility_seconds,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                MessageAttributeNames=["All"],
            )
        return [_letter(queue, message) for message in answer.get("Messages", [])]

    def keep(self, letter: DeadLetter, visibility_seconds: int) -> None:
        """Hide a message for that long from now on; 0 shows it again."""
        with idempotent("ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._url(letter.queue),
                ReceiptHandle=letter.receipt,
                VisibilityTimeout=visibility_seconds,
            )

    def delete(self, letter: DeadLetter) -> None:
        """Remove a message whose work is done."""
        with idempotent("DeleteMessage"):
            self._client.delete_message(
                QueueUrl=self._url(letter.queue), ReceiptHandle=letter.receipt
            )

    def depth(self, queue: str) -> int:
        """Return about how many messages a queue holds, the hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, self._attributes(queue, names).values()))

    def move_back(self, queue: str) -> str:
        """Start SQS's own redrive of a queue to its source; return the task's handle.

        SQS serves queues that are the dead-letter queue of another queue only, one task at a time.
        """
        arn = self._attributes(queue, ["QueueArn"])["QueueArn"]
        with idempotent("StartMessageMoveTask"):
            handle: str = self._client.start_message_move_task(SourceArn=arn)["TaskHandle"]
        return handle

    def _attributes(self, queue: str, names: list[str]) -> Mapping[str, str]:
        with idempotent("GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url(queue), AttributeNames=names
            )
        attributes: Mapping[str, str] = answer["Attributes"]
        return attributes

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            with idempotent("GetQueueUrl"):
                self._urls[queue] = self._client.get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]


def _letter(queue: str, message: Mapping[str, Any]) -> DeadLetter:
    system = message["Attributes"]
    return DeadLetter(
        queue=queue,
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        sent_at_ms=int(system["SentTimestamp"]),
        receives=int(system["ApproximateReceiveCount"]),
        attributes={name: _text(v) for name, v in message.get("MessageAttributes", {}).items()},
    )


def _text(value: Mapping[str, Any]) -> str:
    if "BinaryValue" in value:
        return base64.b64encode(value["BinaryValue"]).decode()
    text: str = value["StringValue"]
    return text
