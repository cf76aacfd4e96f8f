"""What the HTTP door is told through its environment, beside what every function is."""

import os
from functools import cache
from typing import Annotated

from pydantic import Field, Json

from handlers.schema_settings import KeyShapeSettings
from handlers.settings import Switch, read_as
from reconciler.api.access import Access, Authorizer
from reconciler.api.tmf632.filters import Index
from reconciler.crdt import custom

_Authorizer = Annotated[Authorizer, Field(description="it is 'iam', 'jwt' or 'none'")]


class ApiSettings(KeyShapeSettings):
    """The environment of the HTTP door.

    Without an `authorizer` the door is closed. `scope_prefix` is what the scopes of tokens begin
    with, before read, write, conflicts and events. `keys_required`: whether each write must have an
    idempotency key. `indexes`: those of the table by which lists are filtered. `events_role`: the
    ARN of the role in whose name subscribers are told of parties; without one nobody can subscribe.
    """

    authorizer: _Authorizer = Field("none", alias="RECONCILER_API_AUTHORIZER")
    scope_prefix: str = Field("reconciler/", alias="RECONCILER_API_SCOPE_PREFIX")
    events_role: str = Field("", alias="RECONCILER_API_EVENTS_ROLE")
    indexes: Json[tuple[Index, ...]] = Field(
        "[]",
        alias="RECONCILER_API_INDEXES",
        validate_default=True,
        description="it is a JSON list of indexes, each with its name and partition_key",
    )
    keys_required: Switch = Field(False, alias="RECONCILER_API_KEYS_REQUIRED")

    @property
    def access(self) -> Access:
        """Who may do what."""
        return Access(self.authorizer, self.scope_prefix)


@cache
def api_settings() -> ApiSettings:
    """Return the settings of this process; InvalidInput names every variable that is wrong."""
    settings = read_as(ApiSettings, os.environ)
    custom.load(settings.custom_types)
    _ = settings.keys  # what is wrong with them is told before the first request
    return settings
