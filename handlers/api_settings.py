"""What the HTTP door is told through its environment, beside what every function is."""

import os
from functools import cache, cached_property
from typing import Annotated

from pydantic import Field, PlainValidator

from handlers.settings import FunctionSettings, Switch, listed, read_as
from reconciler.api.access import Access, Authorizer
from reconciler.api.keys import KeyKind, KeyShape, key_kinds
from reconciler.crdt import custom
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.text.plain_json import parse_json

_KeyKinds = Annotated[
    tuple[KeyKind, ...],
    PlainValidator(lambda text: key_kinds(listed(text))),
    Field(description="it lists the type of each key attribute: S, N or B"),
]
_Authorizer = Annotated[Authorizer, Field(description="it is 'iam', 'jwt' or 'none'")]


class ApiSettings(FunctionSettings):
    """The environment of the HTTP door.

    The schema is the JSON of what `Schema.of` takes; a function's variables have 4 KB together.
    `key_kinds` are the types of the key attributes, in the order of the schema's `key`. Without an
    `authorizer` the door is closed. `scope_prefix` is what the scopes of tokens begin with, before
    read, write and conflicts. `keys_required`: whether each write must have an idempotency key.
    """

    schema_text: str = Field(alias="RECONCILER_SCHEMA", min_length=1)
    key_kinds: _KeyKinds = Field(("S",), alias="RECONCILER_KEY_TYPES", validate_default=False)
    authorizer: _Authorizer = Field("none", alias="RECONCILER_API_AUTHORIZER")
    scope_prefix: str = Field("reconciler/", alias="RECONCILER_API_SCOPE_PREFIX")
    keys_required: Switch = Field(False, alias="RECONCILER_API_KEYS_REQUIRED")

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

    @property
    def access(self) -> Access:
        """Who may do what."""
        return Access(self.authorizer, self.scope_prefix)

    @property
    def keys(self) -> KeyShape:
        """The table's key, which bodies and paths name."""
        return KeyShape(self.item_schema.key, self.key_kinds)


@cache
def api_settings() -> ApiSettings:
    """Return the settings of this process; InvalidInput names every variable that is wrong."""
    settings = read_as(ApiSettings, os.environ)
    custom.load(settings.custom_types)
    wanted, told = len(settings.item_schema.key), len(settings.key_kinds)
    if wanted != told:
        raise InvalidInput(f"environment: RECONCILER_KEY_TYPES lists {told} of {wanted} types")
    return settings
