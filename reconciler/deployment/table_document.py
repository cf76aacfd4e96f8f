"""What a JSON document says of a table: its key, indexes, types and policies.

It is a schema as `Schema.of` takes it, or a deployment's document, of which `infra.settings` reads
the whole, and refuses what it does not know. Here is what the table is made of, for who needs no
more: what else a deployment's document says is of no matter. What a schema does not say is as a
deployment's document leaves it: its keys are strings, and it has no indexes.
"""

from codecs import BOM_UTF8
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import from_json

from reconciler.deployment import table_rules
from reconciler.deployment.names import checked_region
from reconciler.deployment.versions import VersionAttributes
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES, OutsideWriters, OutsideWrites
from reconciler.errors import InvalidInput, bounded
from reconciler.item.schema import Schema

FORMS = (
    """the schema, such as {"table": "parties", "key": ["id"], "attributes": {"loyalty":"""
    """ "counter_pn"}}, or a deployment's document, with partition_key and api.table_schema"""
)
KEY = 'an attribute, such as {"name": "id", "type": "S"}'
TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$")]
TtlAttribute = Annotated[str, StringConstraints(max_length=255)]
KeyLifetime = Annotated[int, Field(ge=1, le=10_080)]  # minutes
MOST_INDEXES = 20


def _region(name: str) -> str:
    try:
        return checked_region(name)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


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

    table: TableName
    regions: tuple[Annotated[str, AfterValidator(_region)], ...] = ()
    partition_key: Key
    sort_key: Key | None = None
    indexes: tuple[Index, ...] = Field((), max_length=MOST_INDEXES)
    api: _Door
    outside_writers: OutsideWriters = "expected"
    outside_writes: OutsideWrites = "accept"
    ttl_attribute: TtlAttribute = ""
    key_lifetime_minutes: KeyLifetime = KEY_LIFETIME_MINUTES
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
        schema = Schema.of(**{**self.api.table_schema, **known})
        if schema.key_lifetime_minutes > self.key_lifetime_minutes:
            raise InvalidInput(
                f"api.table_schema: its keys live {schema.key_lifetime_minutes} minutes;"
                " raise key_lifetime_minutes"
            )
        return schema

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
    """Return what a document says of its table; InvalidInput, one line that begins with `name`."""
    data = text.encode() if isinstance(text, str) else text
    try:
        given = from_json(data.removeprefix(BOM_UTF8))  # editors of Windows begin files with it
    except ValueError as problem:
        raise _unknown(name, f"the file must hold one JSON object: {problem}") from None
    if not isinstance(given, dict):
        raise _unknown(name, "the file must hold one JSON object")
    if not {"key", "partition_key"} & given.keys():
        found = ", ".join(map(table_rules.shown, given)) or "nothing"
        raise _unknown(name, f"found {found}, and neither key nor partition_key")
    if "partition_key" not in given:
        given = _as_deployed(name, given)
    try:
        document = TableDocument.model_validate(given)
    except ValidationError as problem:
        told = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()]
    else:
        rules = table_rules.key_kinds, table_rules.index_names, table_rules.ttl_attribute
        told = [mistake for rule in rules for mistake in rule(document)]
        told = told or _mistakes_of_the_schema(document)
        if not told:
            return document
    raise _refused(name, "; ".join(told))


def _mistakes_of_the_schema(document: TableDocument) -> list[str]:
    try:
        document.schema_of_writers()
    except InvalidInput as problem:
        return [str(problem).replace("invalid schema", "api.table_schema")]
    return []


def _as_deployed(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a schema as a deployment's document has it; InvalidInput if it is none."""
    try:
        schema = Schema.of(**given)
    except InvalidInput as problem:
        raise _refused(name, str(problem)) from None
    keys = zip(("partition_key", "sort_key"), schema.key, strict=False)
    elsewhere = {"table", "key", "ttl_attribute"}
    return {
        "table": schema.table,
        **{role: {"name": key} for role, key in keys},
        "api": {"table_schema": {each: given[each] for each in given.keys() - elsewhere}},
        "ttl_attribute": schema.ttl_attribute,
        "key_lifetime_minutes": schema.key_lifetime_minutes,
    }


def _unknown(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"{name}: {bounded(why)}; give {FORMS}")


def _refused(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"{name}: {bounded(why.replace('Value error, ', ''))}")
