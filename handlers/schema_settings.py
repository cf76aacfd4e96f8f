"""The settings of functions that write items by the table's schema."""

from functools import cached_property

from pydantic import Field

from handlers.settings import FunctionSettings
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.text.plain_json import parse_json


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
