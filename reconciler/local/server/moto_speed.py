"""moto's queues and event bus with many messages: the same answers, sooner.

moto counts a queue's messages for each message that it sends or receives, with a clock that takes
microseconds, and makes a parser for each path of each event. With 2,000 messages one receive took
more than a second, while all other queues waited.
"""

import time
from functools import cache
from typing import Any

import jsonpath_ng.ext
import moto.sqs.models


def hurry_messaging() -> None:
    """Replace what is slow in moto in this process."""
    sqs: Any = moto.sqs.models
    paths: Any = jsonpath_ng.ext
    sqs.unix_time_millis = lambda: time.time() * 1000
    sqs.SQSBackend.is_message_valid_based_on_retention_period = _is_retained
    paths.parse = cache(paths.parse)


def _is_retained(backend: Any, queue_name: str, message: Any) -> bool:
    queue = backend.get_queue(queue_name)
    kept_until = message.sent_timestamp / 1000 + queue.message_retention_period
    return bool(kept_until > time.time())
