"""moto with many items and messages: the same answers, sooner, and in less memory.

With 2,000 messages one receive took moto more than a second, while all other queues waited. Here
each thing that took the time is replaced by one that does the same.
"""

import time
from functools import cache
from typing import Any

import jsonpath_ng.ext
import moto.sqs.models
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer, JSONSerializer


def hurry_moto() -> None:
    """Replace what is slow in moto in this process."""
    BaseModel.__new__ = _untracked  # type: ignore[method-assign]  # moto's
    serializer: Any = JSONSerializer
    serializer._serialize_type_structure = _serialize_structure
    sqs: Any = moto.sqs.models
    paths: Any = jsonpath_ng.ext
    sqs.unix_time_millis = lambda: time.time() * 1000
    sqs.SQSBackend.is_message_valid_based_on_retention_period = _is_retained
    paths.parse = cache(paths.parse)


def _untracked(cls: type[Any], *_: Any, **__: Any) -> Any:
    """Make an object that moto does not keep for ever, as it does for a page that nobody opens."""
    return object.__new__(cls)


def _is_retained(backend: Any, queue_name: str, message: Any) -> bool:
    queue = backend.get_queue(queue_name)
    kept_until = message.sent_timestamp / 1000 + queue.message_retention_period
    return bool(kept_until > time.time())


def _serialize_structure(
    serializer: Any, serialized: Any, value: Any, shape: Any, key: str
) -> None:
    if shape.name == "AttributeValue" and isinstance(value, dict) and key:
        serialized[key] = _sent(serializer, value)
    else:
        BaseJSONSerializer._serialize_type_structure(serializer, serialized, value, shape, key)


def _sent(serializer: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Return an attribute's value as it is sent."""
    [(kind, content)] = value.items()
    match kind:
        case "M":
            return {kind: {name: _sent(serializer, inner) for name, inner in content.items()}}
        case "L":
            return {kind: [_sent(serializer, inner) for inner in content]}
        case "B":
            return {kind: serializer._base64(content)}
        case "BS":
            return {kind: [serializer._base64(element) for element in content]}
        case "SS" | "NS":
            return {kind: [str(element) for element in content]}
        case "S" | "N":
            return {kind: str(content)}
    return value
