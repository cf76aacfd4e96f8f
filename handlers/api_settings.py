"""What the HTTP door is told through its environment, beside what every function is."""

import os
from functools import cache
from typing import Annotated

from pydantic import Field, PlainValidator

from handlers.schema_settings import SchemaSettings
from handlers.settings import Switch, listed, read_as
from reconciler.api.access import Access, Authorizer
from reconciler.api.keys import KeyKind, KeyShape, key_kinds
from reconciler.crdt import custom
from reconciler.errors import InvalidInput

_KeyKinds = Annotated[
    tuple[KeyKind, ...],
    PlainValidator(lambda text: key_kinds(listed(text))),
    Field(description="it lists the type of each key attribute: S, N or B"),
]
_Authorizer = Annotated[Authorizer, Field(description="it is 'iam', 'jwt' or 'none'")]


class ApiSettings(SchemaSettings):
    """The environment of the HTTP door.

    `key_kinds` are the types of the key attributes, in the order of the schema's `key`. Without an
    `authorizer` the door is closed. `scope_prefix` is what the scopes of tokens begin with, before
    read, write and conflicts. `keys_required`: whether each write must have an idempotency key.
    """

    key_kinds: _KeyKinds = Field(("S",), alias="RECONCILER_KEY_TYPES", validate_default=False)
    authorizer: _Authorizer = Field("none", alias="RECONCILER_API_AUTHORIZER")
    scope_prefix: str = Field("reconciler/", alias="RECONCILER_API_SCOPE_PREFIX")
    keys_required: Switch = Field(False, alias="RECONCILER_API_KEYS_REQUIRED")

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
