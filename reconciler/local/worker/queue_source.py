"""The event-source mapping from an SQS queue to a function.

Behaviour: a batch of messages goes to the function; the messages it does not report as failed are
deleted. The others stay in flight until the visibility timeout, and the queue's own redrive policy
moves them to its dead-letter queue after enough receives. An exception, or an answer that is not
well formed, leaves the whole batch.
Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS" (event, error handling).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.aws_model.stream_source import InvocationResult
from reconciler.local.worker.lambda_runtime import LambdaFunction

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

    def __init__(self, sqs: Any, url: str, function: LambdaFunction, *, batch_size: int) -> None:
        self._sqs = sqs
        self._url = url
        self._function = function
        self._batch_size = batch_size
        described = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._arn: str = described["Attributes"]["QueueArn"]

    def poll(self) -> bool:
        """Receive one batch and hand it to the function; tell whether there was any."""
        received = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._batch_size,
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
        return True
