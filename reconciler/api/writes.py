"""The body of a write, read once: edits by type, of one item or of several in one transaction.

What is read here cannot be wrong later in itself: names are names, values are DynamoDB's, keys are
the table's. Whether an edit fits the item and its types only the write can tell. All mistakes are
told at once, each with its path.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, assert_never

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from reconciler.api.answers import Refused
from reconciler.api.keys import KeyShape
from reconciler.api.values import value_of
from reconciler.client.editor import ItemEditor
from reconciler.errors import InvalidInput
from reconciler.item.schema import RESERVED_PREFIX
from reconciler.values.wire import MAX_VALUE_DEPTH, Image, canonical_image, to_json, to_wire

MOST_WRITES = 100  # a transaction of DynamoDB has no more
MOST_EDITS = 256
_MOST_MISTAKES = 20
_VALUE = {
    "description": 'A JSON value; {"set": [...]} is a set and {"bytes": "<base64>"} is binary.'
    " Numbers have up to 38 digits, and keep them."
}
_MEMBERS = {"type": "array", "minItems": 1}
_SET_KINDS: tuple[dict[str, Any], ...] = (
    {"type": "string"},
    {"type": "number"},
    {"type": "object", "properties": {"bytes": {"type": "string"}}, "required": ["bytes"]},
)
_PATH = {
    "description": "An attribute's name, or a list of names that leads into maps.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "maxItems": MAX_VALUE_DEPTH,
        },
    ],
}


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _not_ours(path: tuple[str, ...]) -> tuple[str, ...]:
    if path[0].startswith(RESERVED_PREFIX):
        raise ValueError(f"names that start with {RESERVED_PREFIX!r} are reserved")
    return path


def _plain(value: Any) -> Any:
    try:
        return value_of(value, "value")
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


def _members(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError("it is a list of members")
    members: set[Any] = _plain({"set": value})
    return frozenset(members)


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("it is a number")
    return _plain(value)


def _key(given: Any, info: ValidationInfo) -> Any:
    shape: KeyShape = (info.context or {})["keys"]
    try:
        return shape.of_values(given)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Name = Annotated[str, Field(min_length=1, max_length=65_535)]
Where = Annotated[
    tuple[_Name, ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MAX_VALUE_DEPTH),
    AfterValidator(_not_ours),
    WithJsonSchema(_PATH),
]
Value = Annotated[Any, BeforeValidator(_plain), WithJsonSchema(_VALUE)]
Members = Annotated[
    frozenset[Any],
    BeforeValidator(_members),
    WithJsonSchema({"anyOf": [{**_MEMBERS, "items": each} for each in _SET_KINDS]}),
]
Amount = Annotated[Any, BeforeValidator(_amount), WithJsonSchema({"type": "number"})]


class Assign(_Model):
    """Give an attribute or a field a value; of a counter, set or map, what differs is changed."""

    type: Literal["assign"]
    path: Where
    value: Value


class Increment(_Model):
    """Add to a counter; a negative amount subtracts."""

    type: Literal["increment"]
    path: Where
    amount: Amount = 1


class Add(_Model):
    """Add members to a set."""

    type: Literal["add"]
    path: Where
    members: Members


class Discard(_Model):
    """Discard members from a set."""

    type: Literal["discard"]
    path: Where
    members: Members


class Remove(_Model):
    """Take an attribute or a field away."""

    type: Literal["remove"]
    path: Where


class Delete(_Model):
    """Delete the item."""

    type: Literal["delete"]


AnEdit = Annotated[
    Assign | Increment | Add | Discard | Remove | Delete, Field(discriminator="type")
]
VERBS = {"assign", "increment", "add", "discard", "remove", "delete"}


class ItemWrite(_Model):
    """The edits of one item, in order."""

    key: Annotated[Any, BeforeValidator(_key), WithJsonSchema({"type": "object"})]
    edits: Annotated[list[AnEdit], Field(min_length=1, max_length=MOST_EDITS)]

    def change(self, item: ItemEditor) -> None:
        """Carry the edits out on an item."""
        for edit in self.edits:
            _carry_out(edit, item)


class Transaction(_Model):
    """The writes of several items: all of them, or none."""

    writes: Annotated[list[ItemWrite], Field(min_length=1, max_length=MOST_WRITES)]


def writes_in(document: Any, keys: KeyShape) -> ItemWrite | Transaction:
    """Return what a body asks for; Refused names each mistake with its path."""
    if not isinstance(document, Mapping):
        raise Refused("invalidRequest", "body: it is an object with key and edits, or with writes")
    model = Transaction if "writes" in document else ItemWrite
    try:
        return model.model_validate(document, context={"keys": keys})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{_place(each['loc'])}: {_words(each['msg'])}" for each in found[:_MOST_MISTAKES]]
    more = [f"and {len(found) - _MOST_MISTAKES} more"] if len(found) > _MOST_MISTAKES else []
    raise Refused("invalidRequest", "; ".join(told + more))


def payload_of(asked: ItemWrite | Transaction) -> bytes:
    """Return what an idempotency key stands for: the same for the same writes, however written."""
    writes: Sequence[ItemWrite] = asked.writes if isinstance(asked, Transaction) else [asked]
    told = [[_wires(each.key), [_wires(dict(edit)) for edit in each.edits]] for each in writes]
    return to_json([isinstance(asked, Transaction), told]).encode()


def _wires(named: Mapping[str, Any]) -> Image:
    return canonical_image({name: to_wire(value, (name,)) for name, value in named.items()})


def _carry_out(edit: AnEdit, item: ItemEditor) -> None:
    match edit:
        case Assign():
            item[edit.path] = edit.value
        case Increment():
            item.increment(edit.path, edit.amount)
        case Add():
            item.add(edit.path, *edit.members)
        case Discard():
            item.discard(edit.path, *edit.members)
        case Remove():
            del item[edit.path]
        case Delete():
            item.delete()
        case _:
            assert_never(edit)


def _place(loc: Sequence[int | str]) -> str:
    # pydantic names the edit's type, too, as if it were a step of the path
    parts = [
        str(part)
        for before, part in zip(("", *loc), loc, strict=False)
        if not (isinstance(before, int) and part in VERBS)
    ]
    return ".".join(["body", *parts])


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")
