"""The event-source mapping from an SQS queue to a function.

A batch of messages goes to the function; the messages it does not report as failed are deleted. The
others come back after the queue's visibility timeout, and its own redrive policy moves them to its
dead-letter queue after enough receives. An exception, or an answer that is not well formed, leaves
the whole batch.
Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS" (event, error handling).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.aws_model.stream_source import InvocationResult
from reconciler.deployment.wiring import QueueSource
from reconciler.local.worker.lambda_runtime import LambdaFunction

# A deployed queue hides a message for six times as long as its function may run. Here it does so
# for moments, which a busy machine can use up while the function is at work; then the message would
# be received again and again, and end as a dead letter although nothing failed.
_HELD_SECONDS = 15

# A message as ReceiveMessage returns it: MessageId, ReceiptHandle, Body, Attributes, ...
SqsMessage = Mapping[str, Any]


def sqs_event(messages: Sequence[SqsMessage], *, queue_arn: str) -> dict[str, Any]:
    """Return the event Lambda makes of received messages."""
    region = queue_arn.split(":")[3]
    return {"Records": [_record(message, queue_arn, region) for message in messages]}


def _record(message: SqsMessage, queue_arn: str, region: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: _message_attribute(value)
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stringValue": value.get("StringValue"),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def messages_to_delete(
    messages: Sequence[SqsMessage], outcome: InvocationResult
) -> list[SqsMessage]:
    """Return the messages to delete after an invocation."""
    if outcome.error is not None:
        return []
    if outcome.answer is None:
        return list(messages)
    if not isinstance(outcome.answer, Mapping):
        return []
    failures = outcome.answer.get("batchItemFailures") or []
    ids = {message["MessageId"] for message in messages}
    try:
        failed = {failure["itemIdentifier"] for failure in failures}
    except (KeyError, TypeError):
        return []
    return [m for m in messages if m["MessageId"] not in failed] if failed <= ids else []


class QueueConsumer:
    """One queue of one region, polled for one function."""

    def __init__(self, sqs: Any, url: str, function: LambdaFunction, source: QueueSource) -> None:
        self._sqs = sqs
        self._url = url
        self._function = function
        self._source = source
        described = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._arn: str = described["Attributes"]["QueueArn"]

    def poll(self) -> bool:
        """Receive one batch and hand it to the function; tell whether there was any."""
        received = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._source.batch_size,
            VisibilityTimeout=_HELD_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return False
        outcome = self._function.invoke(sqs_event(messages, queue_arn=self._arn))
        done = messages_to_delete(messages, outcome)
        if done:
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                for place, message in enumerate(done)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        self._give_back([message for message in messages if message not in done])
        return True

    def _give_back(self, failed: Sequence[SqsMessage]) -> None:
        """Let what failed come back when the queue says, and not only when it is held no longer."""
        if failed:
            entries = [
                {
                    "Id": str(place),
                    "ReceiptHandle": message["ReceiptHandle"],
                    "VisibilityTimeout": self._source.visibility_timeout_seconds,
                }
                for place, message in enumerate(failed)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
