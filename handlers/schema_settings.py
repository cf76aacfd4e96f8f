"""The settings of functions that write items by the table's schema."""

from functools import cached_property
from typing import Annotated

from pydantic import Field, PlainValidator

from handlers.settings import FunctionSettings, listed
from reconciler.api.keys import KeyKind, KeyShape, key_kinds
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.text.plain_json import parse_json

_KeyKinds = Annotated[
    tuple[KeyKind, ...],
    PlainValidator(lambda text: key_kinds(listed(text))),
    Field(description="it lists the type of each key attribute: S, N or B"),
]


class SchemaSettings(FunctionSettings):
    """The environment of such a function.

    The schema is the JSON of what `Schema.of` takes; a function's variables have 4 KB together.
    """

    schema_text: str = Field(alias="RECONCILER_SCHEMA", min_length=1)

    @cached_property
    def item_schema(self) -> Schema:
        """The table's schema; InvalidInput names what is wrong with it."""
        definition = parse_json(self.schema_text, "environment: RECONCILER_SCHEMA")
        if not isinstance(definition, dict):
            raise InvalidInput("environment: RECONCILER_SCHEMA is no JSON object")
        schema = Schema.of(**definition)
        if schema.table != self.table:
            raise InvalidInput("environment: RECONCILER_SCHEMA is of another table")
        # HAZARD: what functions forget of keys sooner than that would be carried out twice.
        if schema.key_lifetime_minutes > self.key_lifetime_minutes:
            raise InvalidInput(
                "environment: keys of RECONCILER_SCHEMA live longer than"
                " RECONCILER_KEY_LIFETIME_MINUTES says"
            )
        return schema


class KeyShapeSettings(SchemaSettings):
    """The environment of a function whose callers name items: the types of the key, too.

    `key_kinds` are the types of the key attributes, in the order of the schema's `key`.
    """

    key_kinds: _KeyKinds = Field(("S",), alias="RECONCILER_KEY_TYPES", validate_default=False)

    @cached_property
    def keys(self) -> KeyShape:
        """The table's key, which callers name; InvalidInput if its types are not all told."""
        wanted, told = len(self.item_schema.key), len(self.key_kinds)
        if wanted != told:
            raise InvalidInput(f"environment: RECONCILER_KEY_TYPES lists {told} of {wanted} types")
        return KeyShape(self.item_schema.key, self.key_kinds)
