"""The schema of a replicated table: which type merges each attribute.

An attribute that the schema does not name is a register_lww. All mistakes are reported at once,
each with its attribute's path. The schema is for writers: the merge needs none, because items carry
their attributes' types.

    Schema.of(table="parties", key=["id"], attributes={
        "loyalty": "counter_pn",
        "address": {"type": "map_or"},
        "contacts": {"type": "map_or", "values": {"type": "map_or", "fields": {"tags": "set_aw"}}},
        "colour": {"type": "custom", "function": "brightest"},
    })
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

import reconciler.crdt  # noqa: F401 (registers the types)
from reconciler.causality.keys import LIFETIME_MINUTES
from reconciler.crdt.base import TYPES, Spec
from reconciler.errors import InvalidInput
from reconciler.values.wire import Image, Path, canonical_image, check_names, to_wire

RESERVED_PREFIX = "_rec"
_DEFAULT = Spec(TYPES["register_lww"])


class AttributeSchema(BaseModel):
    """The type of one attribute; `fields` (named keys) and `values` (other keys) are a map_or's.

    `function` names the merge function of a custom: see `reconciler.crdt.custom`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    fields: Mapping[str, "AttributeSchema"] = Field(default_factory=dict)
    values: "AttributeSchema | None" = None
    function: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        return {"type": data} if isinstance(data, str) else data

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TYPES:
            raise ValueError(f"unknown type {name!r}; known types: {', '.join(sorted(TYPES))}")
        return name

    @model_validator(mode="after")
    def _only_maps_have_fields(self) -> "AttributeSchema":
        if self.type != "map_or" and (self.fields or self.values):
            raise ValueError(f"only a map_or has fields or values, not a {self.type}")
        return self

    @model_validator(mode="after")
    def _only_customs_have_a_function(self) -> "AttributeSchema":
        if self.type == "custom" and not self.function:
            raise ValueError("a custom needs the name of its merge function: 'function'")
        if self.type != "custom" and self.function:
            raise ValueError(f"only a custom has a function, not a {self.type}")
        return self

    def spec(self) -> Spec:
        """Return this type as the data types take it."""
        fields = {name: nested.spec() for name, nested in self.fields.items()}
        values = self.values.spec() if self.values else None
        return Spec(TYPES[self.type], fields, values, self.function or "")


class Schema(BaseModel):
    """Which type each attribute of a replicated table has, and what deleting an item means.

    `key` names the partition key and, if there is one, the sort key. `delete` says who wins when an
    item is deleted in one region and updated in another. A tombstone, with the values that it
    takes away, is kept for `tombstone_retention_days`. A loss that is resolved later finds none and
    is parked, not lost: so a week, which a repair rarely takes, and personal data do not wait long.
    `ttl_attribute` is what the table's TTL is on, if not `_rec_ttl`: an attribute like others, but
    that a tombstone shows its own expiry there, too. `key_lifetime_minutes` is for how long after
    it was made an idempotency key may be repeated; each that an item knows costs it some 50 bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{3,255}$")]
    key: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    attributes: Mapping[str, AttributeSchema] = Field(default_factory=dict)
    delete: Literal["update_wins", "delete_wins"] = "update_wins"
    tombstone_retention_days: Annotated[int, Field(ge=1, le=3650)] = 7
    ttl_attribute: Annotated[str, Field(max_length=255)] = ""
    key_lifetime_minutes: Annotated[int, Field(ge=1, le=7 * 1_440)] = LIFETIME_MINUTES

    @field_validator("key", "attributes")
    @classmethod
    def _names_are_free(cls, names: Any) -> Any:
        reserved = [name for name in names if name.startswith(RESERVED_PREFIX)]
        if reserved:
            raise ValueError(f"{reserved[0]!r} is reserved: no name may start with '_rec'")
        try:
            check_names(tuple(names))
        except InvalidInput as problem:
            raise ValueError(str(problem)) from None
        return names

    @field_validator("attributes")
    @classmethod
    def _keys_have_no_type(cls, names: Any, info: ValidationInfo) -> Any:
        keys = [name for name in info.data.get("key", ()) if name in names]
        if keys:
            raise ValueError(f"{keys[0]!r} is a key attribute: a key never changes, so no type")
        return names

    @field_validator("ttl_attribute")
    @classmethod
    def _ttl_attribute_is_free(cls, name: str, info: ValidationInfo) -> str:
        if name.startswith(RESERVED_PREFIX):
            raise ValueError(
                f"names that start with {RESERVED_PREFIX!r} are reserved; leave it out"
            )
        if name in info.data.get("key", ()):
            raise ValueError(
                f"{name!r} is a key attribute: a tombstone cannot show its expiry there"
            )
        return name

    @field_validator("key_lifetime_minutes")
    @classmethod
    def _tombstones_outlive_keys(cls, minutes: int, info: ValidationInfo) -> int:
        if minutes > info.data.get("tombstone_retention_days", 0) * 1_440:
            raise ValueError("a tombstone must know a key for as long as it may be repeated")
        return minutes

    @field_validator("key")
    @classmethod
    def _two_keys_differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("the partition key and the sort key must be two attributes")
        return names

    @classmethod
    def of(cls, /, **definition: Any) -> "Schema":
        """Build a schema; InvalidInput lists every mistake with the path of its attribute."""
        try:
            return cls.model_validate(definition)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, each['loc'])) or 'schema'}: {each['msg']}"
                for each in error.errors()
            ]
            raise InvalidInput("invalid schema: " + "; ".join(problems)) from None

    def key_image(self, key: Any) -> Image:
        """Return an item's key in wire format; InvalidInput if it is not the table's key."""
        if not isinstance(key, Mapping) or set(key) != set(self.key):
            right = ", ".join(f'"{name}": ...' for name in self.key)
            raise InvalidInput(f"{key!r} is not a key of {self.table}, which is {{{right}}}")
        return canonical_image({name: to_wire(value, (name,)) for name, value in key.items()})

    def type_at(self, path: Path) -> str:
        """Return the name of the type of what is at a path, "" for the item itself."""
        if not path:
            return ""
        declared = self.attributes.get(path[0])
        for name in path[1:]:
            declared = declared and (declared.fields.get(name) or declared.values)
        return declared.type if declared else "register_lww"

    def spec(self, attribute: str) -> Spec:
        """Return the declared type of a top-level attribute."""
        declared = self.attributes.get(attribute)
        return declared.spec() if declared else _DEFAULT
