"""What a caller is shown of an item: its own attributes, and nothing of a deleted one. Pure."""

from collections.abc import Mapping
from typing import Any

from reconciler.calls.conditions import hidden_of
from reconciler.calls.steps import REFUSED, Answer, Parameters
from reconciler.errors import MALFORMED
from reconciler.item.metadata import (
    EXPIRY,
    hidden_in,
    is_named,
    is_tombstone_in,
    metadata_in,
)
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.values.wire import Image, Wires


def is_deleted(image: Wires, schema: Schema) -> bool:
    """Return whether what a call shows of an item is what is left of a deleted one.

    The whole item is not needed: its expiry tells, and whatever else of a user's shows tells that
    it is alive.
    """
    try:
        is_marked = EXPIRY in image or is_tombstone_in(metadata_in(image))
    except MALFORMED:
        return False  # whoever broke the metadata, the reader sees what is there
    if not is_marked or is_named(image):
        return False
    others = {name for name in image if not name.startswith(RESERVED_PREFIX)}
    return others <= hidden_of(schema) | hidden_in(image)


def shown(image: Wires, schema: Schema) -> Image | None:
    """Return what a caller is shown of an item, None of a deleted one."""
    if is_deleted(image, schema):
        return None
    return {name: image[name] for name in image if not name.startswith(RESERVED_PREFIX)}


def written_answer(answer: Answer, asked: Parameters, schema: Schema) -> Answer:
    """Return the answer to a write of one item as its caller asked for it."""
    returns = asked.get("ReturnValues", "NONE")
    before = answer.parsed.get("Attributes")
    attributes = shown(before, schema) if before is not None else None
    is_wanted = returns not in ("NONE", None) and bool(attributes)
    answer = answer.with_(Attributes=attributes if is_wanted else None)
    return refused_answer(answer, asked, schema) if answer.code == REFUSED else answer


def refused_answer(answer: Answer, asked: Parameters, schema: Schema) -> Answer:
    """Return a refusal with the item only if its caller wants to see it."""
    return Answer(refusal_shown(answer.parsed, asked, schema))


def refusal_shown(refusal: Mapping[str, Any], asked: Parameters, schema: Schema) -> dict[str, Any]:
    """Return a refusal, or a reason for one, with the item only if its caller wants to see it."""
    rest = {name: part for name, part in refusal.items() if name != "Item"}
    found = refusal.get("Item")
    item = shown(found, schema) if found else None
    is_wanted = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return {**rest, "Item": item} if is_wanted and item else rest
