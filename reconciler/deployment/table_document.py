"""What a deployment's JSON document says of its table: key, indexes, types and policies.

`infra.settings` reads the whole of the document, and refuses what it does not know. Here is what
the table is made of, for who needs no more: what else the document says is of no matter.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from reconciler.deployment.versions import VersionAttributes
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES, OutsideWriters, OutsideWrites
from reconciler.errors import InvalidInput, bounded
from reconciler.item.schema import Schema

EXAMPLE = """\
{"table": "parties", "regions": ["us-east-1", "eu-west-1"], "partition_key": {"name": "id"},
 "api": {"authorizer": "iam", "table_schema": {"attributes": {"loyalty": "counter_pn"}}}}"""
KEY = 'an attribute, such as {"name": "id", "type": "S"}'


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Part):
    """One attribute of the key of a table or index: a string, a number or binary."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="the attribute's name, 1 to 255 characters"
    )
    type: Literal["S", "N", "B"] = Field("S", description="S, N or B")


class Index(_Part):
    """One of the table's global secondary indexes, with its own key."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$")] = Field(
        description="3 to 255 of letters, digits and _ . -"
    )
    partition_key: Key = Field(description=KEY)
    sort_key: Key | None = Field(None, description=KEY)
    projection: Literal["ALL", "KEYS_ONLY"] = Field("ALL", description="ALL or KEYS_ONLY")


class _Door(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    table_schema: dict[str, Any]
    keys_required: bool = False


class TableDocument(BaseModel):
    """A deployment's document, as far as it is about the table."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    table: str
    regions: tuple[str, ...] = ()
    partition_key: Key
    sort_key: Key | None = None
    indexes: tuple[Index, ...] = ()
    api: _Door
    outside_writers: OutsideWriters = "expected"
    outside_writes: OutsideWrites = "accept"
    ttl_attribute: str = ""
    key_lifetime_minutes: int = KEY_LIFETIME_MINUTES
    version_attributes: VersionAttributes | None = None
    folds: bool = True
    custom_types: tuple[str, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """The attributes of the table's key."""
        return [key for key in (self.partition_key, self.sort_key) if key is not None]

    def schema_of_writers(self) -> Schema:
        """Return the schema that writers and the HTTP door have; InvalidInput."""
        known: dict[str, Any] = {"table": self.table, "key": [key.name for key in self.keys]}
        if self.ttl_attribute:
            known["ttl_attribute"] = self.ttl_attribute
        return Schema.of(**{**self.api.table_schema, **known})

    def environment(self) -> dict[str, str]:
        """Return what the functions are told of the table beside its name."""
        versions = self.version_attributes
        return {
            "RECONCILER_OUTSIDE_WRITERS": self.outside_writers,
            "RECONCILER_OUTSIDE_WRITES": self.outside_writes,
            "RECONCILER_TTL_ATTRIBUTE": self.ttl_attribute,
            "RECONCILER_KEY_LIFETIME_MINUTES": str(self.key_lifetime_minutes),
            "RECONCILER_VERSION_ATTRIBUTES": versions.text() if versions else "",
            "RECONCILER_FOLDS": "on" if self.folds else "off",
            "RECONCILER_CUSTOM_TYPES": ",".join(self.custom_types),
            "RECONCILER_API_KEYS_REQUIRED": "on" if self.api.keys_required else "off",
        }


def read_table_document(text: str | bytes, name: str) -> TableDocument:
    """Return what a document says of its table; InvalidInput, which begins with `name`."""
    try:
        given = from_json(text)
    except ValueError as problem:
        raise _refused(name, f"the file must hold one JSON object: {problem}") from None
    try:
        return TableDocument.model_validate(given)
    except ValidationError as problem:
        found = problem.errors(include_url=False, include_input=False)
    places = (".".join(map(str, each["loc"])) or "the file" for each in found)
    told = "; ".join(f"{p}: {each['msg']}" for p, each in zip(places, found, strict=True))
    raise _refused(name, told)


def _refused(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"{name}: {bounded(why)}\nwrite it as a deployment's, such as\n{EXAMPLE}")
