"""Lambda entry point of a conflict handler of AppSync: which item two mutations become.

Invoked by AppSync for a mutation whose `_version` is not that of the item, as the role of the data
source. In: `newItem`, `existingItem`, `arguments`, `resolver` and `identity`. Out: `action`, which
is RESOLVE with an `item`, REJECT or REMOVE. It makes no call; AppSync writes the item, if that did
not change meanwhile, and asks again if it did.
"""

import os
from functools import cache
from typing import Any

from pydantic import Field

from handlers.observability import Observability
from handlers.schema_settings import SchemaSettings
from handlers.settings import read_as
from handlers.tracing import traced
from reconciler.appsync.answer import Policy, verdict
from reconciler.appsync.conflict import Conflict
from reconciler.item.schema import Schema


class AppsyncSettings(SchemaSettings):
    """The environment of the conflict handler: whether it merges by types, or as Automerge does."""

    policy: Policy = Field(
        "types", alias="RECONCILER_APPSYNC_POLICY", description="it is 'types' or 'automerge'"
    )


@cache
def _function() -> tuple[AppsyncSettings, Schema, Observability]:
    settings = read_as(AppsyncSettings, os.environ)
    observability = Observability(
        "appsync", settings.table, settings.region, log_items=settings.log_items
    )
    return settings, settings.item_schema, observability


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one conflict."""
    settings, schema, observability = _function()
    with observability.invocation(context):
        found = verdict(Conflict.of(event, schema), schema, settings.policy)
        # Why is told only where items may be: the reasons name attributes.
        observability.note("answered", outcome=found.action, reasons=found.reasons)
    return found.answer()
