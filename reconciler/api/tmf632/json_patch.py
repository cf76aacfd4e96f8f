"""JSON Patch on a JSON document, in memory: what it asks for is read once, then carried out.

In a list, a segment of digits is an index and any other the `id` of an entry; that is ours, and
safer: an index means whatever is there when the patch is carried out.
HAZARD if copies were free: a few hundred of them double a document until the process dies.
Source: RFC 6902; RFC 6901.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from reconciler.api.answers import Refused
from reconciler.api.requests import MOST_BODY_BYTES, MOST_BODY_DEPTH
from reconciler.text.plain_json import json_text

JSON_PATCH = "application/json-patch+json"
MOST_OPERATIONS = 256
_GIVEN = ("id", "href", "@type")  # they never change
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_MOST_MISTAKES = 20
Pointer = tuple[str, ...]


def _pointer(text: Any) -> Any:
    if not isinstance(text, str) or not _POINTER.fullmatch(text):
        raise ValueError("it is a JSON Pointer, such as /contactMedium/0/preferred")
    segments = (part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])
    return tuple(segments)


def _changeable(path: Pointer) -> Pointer:
    if not path:
        raise ValueError("it names an attribute, not the whole")
    if path[0] in _GIVEN:
        raise ValueError(f"{path[0]} never changes")
    return path


_Anywhere = Annotated[
    Pointer,
    BeforeValidator(_pointer),
    Field(max_length=MOST_BODY_DEPTH),
    WithJsonSchema({"type": "string", "pattern": "^(/([^/~]|~[01])*)*$"}),
]
_Place = Annotated[
    Pointer,
    BeforeValidator(_pointer),
    Field(max_length=MOST_BODY_DEPTH),
    AfterValidator(_changeable),
    WithJsonSchema({"type": "string", "pattern": "^(/([^/~]|~[01])*)+$"}),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)  # as the RFC says


class AddStep(_Model):
    """Put a value there, into a list before what is there."""

    op: Literal["add"]
    path: _Place
    value: Any


class RemoveStep(_Model):
    """Take away what is there."""

    op: Literal["remove"]
    path: _Place


class ReplaceStep(_Model):
    """Put a value in the place of what is there."""

    op: Literal["replace"]
    path: _Place
    value: Any


class MoveStep(_Model):
    """Take away what is there, and put it elsewhere."""

    op: Literal["move"]
    path: _Place
    source: Annotated[_Place, Field(alias="from")]


class CopyStep(_Model):
    """Put what is there elsewhere, too."""

    op: Literal["copy"]
    path: _Place
    source: Annotated[_Anywhere, Field(alias="from")]


class TestStep(_Model):
    """Refuse the whole patch unless this is there."""

    op: Literal["test"]
    path: _Anywhere
    value: Any


Operation = Annotated[
    AddStep | RemoveStep | ReplaceStep | MoveStep | CopyStep | TestStep,
    Field(discriminator="op"),
]
OPERATIONS = TypeAdapter[list[Operation]](
    Annotated[list[Operation], Field(min_length=1, max_length=MOST_OPERATIONS)]
)


def operations_in(document: Any) -> list[Operation]:
    """Return the operations that a body lists; Refused names each mistake with its path."""
    try:
        return OPERATIONS.validate_python(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    # pydantic names the operation, too, as if it were a step of the path
    told = [
        f"{'.'.join(['body', *map(str, (*each['loc'][:1], *each['loc'][2:]))])}:"
        f" {each['msg'].removeprefix('Value error, ')}"
        for each in found[:_MOST_MISTAKES]
    ]
    raise Refused("invalidRequest", "; ".join(told))


def touched_by(operations: Sequence[Operation]) -> tuple[str, ...]:
    """Return the attributes that operations change, each once."""
    places = [each.path for each in operations if not isinstance(each, TestStep)]
    places += [each.source for each in operations if isinstance(each, MoveStep)]
    return tuple(dict.fromkeys(path[0] for path in places))


def carry_out(operations: Sequence[Operation], document: dict[str, Any]) -> None:
    """Change a document; Refused with 409 if an operation does not fit what is there."""
    left = MOST_BODY_BYTES
    for number, operation in enumerate(operations):
        try:
            if isinstance(operation, CopyStep):
                left -= len(json_text(_at(document, operation.source)))
                if left < 0:
                    raise Refused("contentTooLarge", f"body.{number}: the copies are too large")
            _do(operation, document)
        except LookupError as problem:
            raise Refused("patchMismatch", f"body.{number}: {problem.args[0]}") from None


def _do(operation: Operation, document: dict[str, Any]) -> None:
    match operation:
        case AddStep():
            _add(document, operation.path, deepcopy(operation.value))
        case RemoveStep():
            _take(document, operation.path)
        case ReplaceStep():
            _replace(document, operation.path, deepcopy(operation.value))
        case MoveStep():
            _add(document, operation.path, _take(document, operation.source))
        case CopyStep():
            _add(document, operation.path, deepcopy(_at(document, operation.source)))
        case TestStep() if not _same(_at(document, operation.path), operation.value):
            raise LookupError("another value is there")


def _at(document: Any, path: Pointer) -> Any:
    value = document
    for segment in path:
        value = value[_place(value, segment)]
    return value


def _add(document: Any, path: Pointer, value: Any) -> None:
    _check_depth(path, value)
    within = _at(document, path[:-1])
    if isinstance(within, dict):
        within[path[-1]] = value
    elif isinstance(within, list) and path[-1] in ("-", str(len(within))):
        within.append(value)
    else:
        where = _place(within, path[-1])
        within.insert(where, value)


def _replace(document: Any, path: Pointer, value: Any) -> None:
    _check_depth(path, value)
    within = _at(document, path[:-1])
    within[_place(within, path[-1])] = value


def _take(document: Any, path: Pointer) -> Any:
    within = _at(document, path[:-1])
    where = _place(within, path[-1])
    return within.pop(where)


def _place(within: Any, segment: str) -> Any:
    """Return where a segment leads within a container; LookupError if it leads nowhere."""
    if isinstance(within, dict) and segment in within:
        return segment
    if isinstance(within, list):
        if not _INDEX.fullmatch(segment):
            known = [each.get("id") if isinstance(each, Mapping) else None for each in within]
            if segment in known:
                return known.index(segment)
        elif int(segment) < len(within):
            return int(segment)
    raise LookupError("its path leads to nothing that is there")


def _check_depth(path: Pointer, value: Any) -> None:
    if len(path) + _depth(value) > MOST_BODY_DEPTH:
        told = f"body: the patch nests deeper than {MOST_BODY_DEPTH} levels"
        raise Refused("invalidRequest", told)


def _depth(value: Any) -> int:
    within = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, within), default=0) if isinstance(value, dict | list) else 0


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: true is not 1, but 1.0 is."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    is_number = [
        isinstance(each, int | Decimal) and not isinstance(each, bool) for each in (one, other)
    ]
    return (all(is_number) or type(one) is type(other)) and bool(one == other)
