"""Put an image in place of exactly the one that it was made on. Pure.

Source: DynamoDB API Reference, PutItem; Developer Guide, "Constraints": an expression takes 300
operators and 4 KB.
"""

from typing import Any

from reconciler.client.placeholders import Placeholders
from reconciler.item.metadata import (
    METADATA,
    NAMES,
    TOKEN,
    is_managed,
    key_names_in,
    reading,
    token_of,
)
from reconciler.ports import Replacement
from reconciler.values.size import COMPARED_ATTRIBUTES
from reconciler.values.wire import Wires


def replacement_of(write: Replacement) -> dict[str, Any]:
    """Return what PutItem is given for a write, beside its table."""
    placeholders = Placeholders({})
    # What takes an item's place may have no metadata, as merges by a version of the items' own.
    key = reading(write.image, key_names_in)[0] if write.replacing is None else ""
    return {
        "Item": write.image,
        "ConditionExpression": unchanged(write.replacing, key, placeholders, adopts=write.adopts),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **placeholders.parameters(),
    }


def unchanged(image: Wires | None, key: str, placeholders: Placeholders, *, adopts: bool) -> str:
    """Return the condition that an item is still this image, names included; None: no item.

    Where the write `adopts` what was done around the library, it is so attribute by attribute.
    """
    name, value = placeholders.name, placeholders.value
    if image is None:
        return f"attribute_not_exists({name(key)})"
    if is_managed(image):
        tests = [f"{name(METADATA)}.{name(TOKEN)} = {value({'S': token_of(image)})}"]
    else:
        tests = [f"attribute_not_exists({name(METADATA)})"]
    listed = image.get(NAMES)
    if listed is None:
        tests.append(f"attribute_not_exists({name(NAMES)})")
    else:
        tests.append(f"{name(NAMES)} = {value(listed)}")
    if adopts or not is_managed(image):
        # Writers around the library change no token: the attributes say what was read.
        plain = sorted((n, v) for n, v in image.items() if n not in (METADATA, NAMES))
        tests += [f"{name(n)} = {value(v)}" for n, v in plain[:COMPARED_ATTRIBUTES]]
    return " AND ".join(tests)
