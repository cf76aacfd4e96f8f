"""What the owner of a table says of functions that go by the table's schema.

The schema is given without `table` and `key`, which the deployment knows; so is `ttl_attribute`.
HAZARD if keys lived longer by the schema than the functions keep them: a write would count twice.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema

if TYPE_CHECKING:
    from infra.settings import Settings

MOST_SCHEMA = 2_500  # of 4 KB that a function's variables have
_LONGEST = 2_000  # characters, with the modules' names: all variables of a function have 4 KB
_OF_THE_DEPLOYMENT = ("table", "key", "ttl_attribute")
_Role = Annotated[str, StringConstraints(pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:role/[!-~]{1,512}$")]


def _fitting(schema: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(schema)) > MOST_SCHEMA:
        raise ValueError
    return schema


SchemaDocument = Annotated[dict[str, Any], AfterValidator(_fitting)]


class WithSchema(BaseModel):
    """A part of the settings that has the table's schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table_schema: dict[str, Any] = Field(description="what Schema.of takes, as a JSON object")


class Workflow(WithSchema):
    """The workflow of keyed writes."""


class Adoption(WithSchema):
    """The adoption of the table's items as a workflow, in one region."""


class Appsync(WithSchema):
    """A conflict handler for AppSync. data_source_roles: as whom AppSync calls it.

    policy: merge by the types of the schema, or as AppSync's own Automerge does.
    """

    data_source_roles: tuple[_Role, ...] = Field(
        min_length=1, max_length=20, description="a list of roles' ARNs, arn:aws:iam::...:role/NAME"
    )
    policy: Literal["types", "automerge"] = Field("types", description="types or automerge")


def definition(settings: "Settings", part: WithSchema) -> dict[str, Any]:
    """Return the whole of a schema, as `Schema.of` takes it."""
    keys = (settings.partition_key, settings.sort_key)
    known: dict[str, Any] = {
        "table": settings.names(settings.owner).table,
        "key": [key.name for key in keys if key is not None],
    }
    if settings.ttl_attribute:
        known["ttl_attribute"] = settings.ttl_attribute
    return {**part.table_schema, **known}


def schema_text(settings: "Settings", part: WithSchema) -> str:
    """Return the JSON of a schema as a function is told it."""
    return json.dumps(definition(settings, part), separators=(",", ":"))


def schema_agrees(settings: "Settings", name: str, part: WithSchema) -> Iterator[str]:
    """Yield what is wrong with the schema of the part of that name."""
    path = f"{name}.table_schema"
    known = [each for each in _OF_THE_DEPLOYMENT if each in part.table_schema]
    if known:
        yield f"{path}: {', '.join(known)}: the deployment's own; leave it out"
        return
    modules = ",".join(settings.custom_types)
    if len(modules) + len(schema_text(settings, part)) > _LONGEST:
        yield f"{path}: it and custom_types are longer than {_LONGEST} characters"
    try:
        lives = Schema.of(**definition(settings, part)).key_lifetime_minutes
    except InvalidInput as problem:
        told = str(problem).removeprefix("invalid schema: ").replace("Value error, ", "")
        yield f"{path}: {json.dumps(told[:500])[1:-1]}"
    else:
        if lives > settings.key_lifetime_minutes:
            yield f"{path}: its keys live {lives} minutes; raise key_lifetime_minutes"


def appsync_agrees(settings: "Settings") -> Iterator[str]:
    """Yield what is wrong with the conflict handler of AppSync."""
    if settings.appsync:
        yield from schema_agrees(settings, "appsync", settings.appsync)


def workflow_agrees(settings: "Settings") -> Iterator[str]:
    """Yield what is wrong with the workflow of writes."""
    if settings.workflow:
        yield from schema_agrees(settings, "workflow", settings.workflow)
        if settings.network:
            yield "workflow: it looks into every region, and a network leads to none; choose one"


def adoption_agrees(settings: "Settings") -> Iterator[str]:
    """Yield what is wrong with the adoption."""
    if settings.adoption:
        yield from schema_agrees(settings, "adoption", settings.adoption)
        if settings.network:
            yield "adoption: it looks into every region, and a network leads to none; choose one"
