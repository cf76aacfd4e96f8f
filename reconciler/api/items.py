"""Items as they are answered: plain JSON, each with its entity tag."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.api.answers import Answer, Refused
from reconciler.api.conditions import Conditions, etag_of
from reconciler.client.writer import Written
from reconciler.item.image import read
from reconciler.text.plain_json import json_text
from reconciler.values.wire import Image

REPLAYED = {"Idempotency-Replayed": "true"}
_HEADERS = {"Cache-Control": "private, no-cache"}


def item_answer(image: Image | None, conditions: Conditions) -> Answer:
    """Return the answer to a reader, who may have the item already; Refused if there is none."""
    plain = read(image)
    if image is None or plain is None:
        raise Refused("notFound", "there is no such item, or it was deleted")
    headers = {"ETag": etag_of(image), **_HEADERS}
    if conditions.has(headers["ETag"]):
        return Answer(304, "", headers)
    return Answer(200, json_text(plain), headers)


def written_answer(written: Written) -> Answer:
    """Return the answer to the writer of one item; nothing is left to show of a deleted one."""
    replayed = REPLAYED if written.repeated else {}
    plain = read(written.image)
    if written.image is None or plain is None:
        return Answer(204, "", {**_HEADERS, **replayed})
    headers = {"ETag": etag_of(written.image), **_HEADERS, **replayed}
    return Answer(200, json_text(plain), headers)


def transaction_answer(keys: Sequence[Mapping[str, Any]], several: Sequence[Written]) -> Answer:
    """Return the answer to the writer of several items; a deleted one is null."""
    told = []
    for key, written in zip(keys, several, strict=True):
        plain = read(written.image)
        tag = etag_of(written.image) if written.image is not None and plain is not None else None
        told.append({"key": dict(key), "item": plain, "etag": tag})
    replayed = REPLAYED if all(each.repeated for each in several) else {}
    return Answer(200, json_text({"items": told}), {**_HEADERS, **replayed})
