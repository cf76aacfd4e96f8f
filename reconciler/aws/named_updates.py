"""A named write as the parameters of an UpdateItem. Pure.

Source: DynamoDB API Reference, UpdateItem; Developer Guide, "Using update expressions", "Condition
and filter expressions": size of a list or a map counts its elements.
"""

from typing import Any

from reconciler.item.metadata import (
    CONTEXT,
    EXPIRY,
    METADATA,
    NAMES,
    TOMBSTONE,
    VERSION,
    WIRE_VERSION,
)
from reconciler.item.names import ID
from reconciler.item.standing import MOST_BESIDE_A_NAME, Standing
from reconciler.ports import Naming
from reconciler.values.wire import Path, Wire

_CLAUSE_OF = {"add": "ADD", "discard": "DELETE"}  # of a set; all else is a SET
_TAKES_A_NAME = (
    "#rec.#rec_v = :rec_v AND attribute_not_exists(#rec.#rec_s) AND size(#rec.#rec_c) < :rec_most"
    " AND (attribute_not_exists(#rec_w) OR size(#rec_w) < :rec_most)"
)


def update_of(write: Naming) -> dict[str, Any]:
    """Return what UpdateItem is given for a named write, beside its table and key."""
    update = _Update()
    for edit in write.edits:
        place, value = update.place(edit.path), update.value(edit.value or {})
        if edit.verb in _CLAUSE_OF:
            update.do(_CLAUSE_OF[edit.verb], f"{place} {value}")
        elif edit.verb == "increment":
            update.values[":rec_zero"] = {"N": "0"}
            update.do("SET", f"{place} = if_not_exists({place}, :rec_zero) + {value}")
        else:
            update.do("SET", f"{place} = {value}")
    update.names["#rec_w"] = NAMES
    if write.standing is not None:
        condition = _adding(update, write.element, write.standing)
    else:
        condition = _appending(update, write.element)
    clauses = [f"{clause} {', '.join(said)}" for clause, said in update.clauses.items()]
    return {
        "UpdateExpression": " ".join(clauses),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": update.names,
        "ExpressionAttributeValues": update.values,
    }


class _Update:
    """An expression that is being put together, with its placeholders."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Wire] = {}
        self.clauses: dict[str, list[str]] = {}

    def do(self, clause: str, action: str) -> None:
        self.clauses.setdefault(clause, []).append(action)

    def place(self, path: Path) -> str:
        said = [f"#a{len(self.names) + number}" for number in range(len(path))]
        self.names |= dict(zip(said, path, strict=True))
        return ".".join(said)

    def value(self, value: Wire) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name


def _appending(update: _Update, element: Wire) -> str:
    update.do("SET", "#rec_w = list_append(if_not_exists(#rec_w, :rec_none), :rec_op)")
    update.do("REMOVE", "#rec_ttl")
    update.names |= {"#rec": METADATA, "#rec_ttl": EXPIRY}
    update.names |= {"#rec_v": VERSION, "#rec_s": TOMBSTONE, "#rec_c": CONTEXT}
    update.values |= {":rec_none": {"L": []}, ":rec_op": {"L": [element]}}
    update.values |= {":rec_v": {"N": WIRE_VERSION}, ":rec_most": {"N": str(MOST_BESIDE_A_NAME)}}
    return _TAKES_A_NAME


def _adding(update: _Update, element: Wire, standing: Standing) -> str:
    place, last = f"#rec_w[{standing.place}]", standing.size - 1
    update.do("SET", f"{place} = :rec_op")
    update.names["#rec_id"] = ID
    update.values |= {":rec_op": element, ":rec_was": standing.element}
    update.values |= {":rec_last": {"S": standing.last}, ":rec_size": {"N": str(standing.size)}}
    return f"{place} = :rec_was AND size(#rec_w) = :rec_size AND #rec_w[{last}].#rec_id = :rec_last"
