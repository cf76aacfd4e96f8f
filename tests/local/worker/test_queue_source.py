"""What of a batch of messages is done after an invocation."""

from typing import Any

import pytest

from reconciler.aws_model.stream_source import InvocationResult
from reconciler.deployment.wiring import QueueSource
from reconciler.local.worker.queue_source import QueueConsumer, messages_to_delete, sqs_event

MESSAGES = [
    {
        "MessageId": name,
        "ReceiptHandle": f"handle-{name}",
        "Body": name,
        "MD5OfBody": "md5",
        "Attributes": {"ApproximateReceiveCount": "1"},
    }
    for name in ("a", "b", "c")
]


def done(answer: object) -> list[Any]:
    messages = messages_to_delete(MESSAGES, InvocationResult("request", answer=answer))
    return [message["MessageId"] for message in messages]


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
)
def test_an_empty_answer_means_that_all_are_done(answer: object) -> None:
    assert done(answer) == ["a", "b", "c"]


def test_only_the_messages_that_are_not_reported_are_done() -> None:
    assert done({"batchItemFailures": [{"itemIdentifier": "b"}]}) == ["a", "c"]


@pytest.mark.parametrize(
    "failure", [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"id": "a"}, "a", {}]
)
def test_a_malformed_identifier_leaves_the_whole_batch(failure: object) -> None:
    assert done({"batchItemFailures": [failure]}) == []


def test_an_answer_that_is_no_document_leaves_the_whole_batch() -> None:
    assert done("done") == []


def test_an_exception_leaves_the_whole_batch() -> None:
    assert messages_to_delete(MESSAGES, InvocationResult("request", error="ValueError()")) == []


def test_the_event_has_the_shape_that_lambda_gives_to_sqs_messages() -> None:
    attribute = {"DataType": "String", "StringValue": "x"}
    message = {**MESSAGES[0], "MessageAttributes": {"why": attribute}}
    arn = "arn:aws:sqs:eu-west-1:123456789012:parties-resolve-eu-west-1"

    assert sqs_event([message], queue_arn=arn) == {
        "Records": [
            {
                "messageId": "a",
                "receiptHandle": "handle-a",
                "body": "a",
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {
                    "why": {
                        "stringValue": "x",
                        "stringListValues": [],
                        "binaryListValues": [],
                        "dataType": "String",
                    }
                },
                "md5OfBody": "md5",
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "eu-west-1",
            }
        ]
    }


class Queue:
    """A queue that hands out its messages once, and notes what becomes of them."""

    def __init__(self) -> None:
        self.held_seconds = 0
        self.deleted: list[str] = []
        self.comes_back: dict[str, int] = {}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:work"}}

    def receive_message(self, *, VisibilityTimeout: int, **_: Any) -> Any:  # noqa: N803 (boto3's)
        self.held_seconds = VisibilityTimeout
        return {"Messages": MESSAGES}

    def delete_message_batch(self, *, Entries: Any, **_: Any) -> None:  # noqa: N803 (boto3's)
        self.deleted = [entry["ReceiptHandle"] for entry in Entries]

    def change_message_visibility_batch(self, *, Entries: Any, **_: Any) -> None:  # noqa: N803
        self.comes_back = {each["ReceiptHandle"]: each["VisibilityTimeout"] for each in Entries}


class Reporting:
    """A function that reports one message as failed."""

    def invoke(self, _: object) -> InvocationResult:
        return InvocationResult("request", answer={"batchItemFailures": [{"itemIdentifier": "b"}]})


def test_a_slow_function_keeps_its_messages_and_gives_a_failed_one_back_when_the_queue_says() -> (
    None
):
    queue, function = Queue(), Reporting()
    source = QueueSource(visibility_timeout_seconds=2)

    assert QueueConsumer(queue, "url", function, source).poll()  # type: ignore[arg-type]  # plays one

    assert queue.held_seconds > source.visibility_timeout_seconds
    assert queue.deleted == ["handle-a", "handle-c"]
    assert queue.comes_back == {"handle-b": 2}
