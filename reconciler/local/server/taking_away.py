"""An update that only takes away, where no item is: DynamoDB makes none, and moto does.

Source: DynamoDB API reference, UpdateItem (AttributeUpdates, DELETE: "causes nothing to happen").
"""

from functools import cache
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item

from reconciler.client.update_expressions import parse
from reconciler.errors import InvalidInput


@cache
def make_nothing_of_nothing() -> None:
    """Let moto's updates do nothing to what is not there if they only take away."""
    kind: Any = DynamoDBBackend
    moto_s = kind.update_item

    def update(  # noqa: PLR0913 (they are moto's)
        backend: Any,
        table_name: str,
        key: dict[str, Any],
        update_expression: str,
        *,
        attribute_updates: dict[str, Any] | None = None,
        expected: dict[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        given: Any = {
            "update_expression": update_expression,
            "attribute_updates": attribute_updates,
        }
        is_new = backend.get_item(table_name, key) is None
        if expected or not is_new or not _takes_only(**given, **more):
            return moto_s(backend, table_name, key, **given, expected=expected, **more)
        backend.delete_item(table_name, key, **more)  # its condition is looked at
        partition, sort = backend.get_keys_value(backend.get_table(table_name), key)
        return Item(partition, sort, attrs={})

    kind.update_item = update


def _takes_only(
    update_expression: str,
    attribute_updates: dict[str, Any] | None,
    expression_attribute_names: dict[str, str] | None,
    expression_attribute_values: dict[str, Any] | None,
    **_: Any,
) -> bool:
    if not update_expression:
        actions = [each.get("Action", "PUT") for each in (attribute_updates or {}).values()]
        return actions != [] and {*actions} == {"DELETE"}
    names, values = expression_attribute_names or {}, expression_attribute_values or {}
    try:
        return parse(update_expression, names, values).takes_only
    except InvalidInput:
        return False  # moto says so
