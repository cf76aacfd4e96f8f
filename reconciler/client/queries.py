"""Queries of a table: items as plain values, tombstones left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import InvalidInput
from reconciler.item.image import may_be_deleted, read
from reconciler.item.metadata import METADATA
from reconciler.item.schema import Schema
from reconciler.ports import ItemStore
from reconciler.values.wire import to_wire

_HIDING = {"AttributesToGet", "ProjectionExpression", "Select"}


def found(
    store: ItemStore, schema: Schema, parameters: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what a Query finds; its parameters are in plain values.

    InvalidInput for what hides the metadata: a deleted item could not be told from a live one.
    """
    for name in _HIDING & parameters.keys():
        raise InvalidInput(f"query: {name} hides the metadata; choose attributes afterwards")
    values = parameters.get("ExpressionAttributeValues")
    if values:
        wires = {name: to_wire(value, (name,)) for name, value in values.items()}
        parameters = {**parameters, "ExpressionAttributeValues": wires}
    index = parameters.get("IndexName")
    for image in store.query(parameters):
        if index and may_be_deleted(image, schema):
            raise InvalidInput(
                f"query: index {index} shows keys without {METADATA}, so deleted items look"
                f" like others: project ALL, or include {METADATA}"
            )
        plain = read(image)
        if plain is not None:
            yield plain
