"""One region's ingest queue, over the SQS API. Source: SQS API Reference, SendMessageBatch."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.errors import Unavailable
from reconciler.ingest.messages import Task, message_of

_MESSAGES_PER_CALL = 10


class SqsPartQueue:
    """The queue of what is to be ingested; its URL is asked for once."""

    def __init__(self, queue: str, sqs: Any) -> None:
        self._queue = queue
        self._client = sqs

    def send(self, tasks: Sequence[Task]) -> None:
        """Ask for work, ten messages a call; Unavailable if one was not taken."""
        for start in range(0, len(tasks), _MESSAGES_PER_CALL):
            entries = [
                {"Id": str(number), "MessageBody": message_of(task)}
                for number, task in enumerate(tasks[start : start + _MESSAGES_PER_CALL])
            ]
            with idempotent("SendMessageBatch"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                code = answer["Failed"][0].get("Code")
                raise Unavailable(f"SendMessageBatch: {code}", call="SendMessageBatch", code=code)

    @cached_property
    def _url(self) -> str:
        with idempotent(f"GetQueueUrl {self._queue}"):
            url: str = self._client.get_queue_url(QueueName=self._queue)["QueueUrl"]
        return url
