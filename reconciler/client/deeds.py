"""What an update did, as its name says it: verbs on attributes, by the types of the schema. Pure.

A number added to a counter_pn is an increment, members added to a set are an add. To any other type
an expression of DynamoDB's is an assignment; where the caller does not know its value, what shows
afterwards is the value. An edit inside a value that merges as a whole assigns that whole.
Errors: InvalidInput for what the declared type can never hold, for keys and for reserved names.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.client.shown import SETS
from reconciler.client.update_expressions import Action, Call, Given, Operand, Place
from reconciler.crdt.base import Edit, LocalWrite, Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.map_or import MapOr, child_of
from reconciler.crdt.register_lww import RegisterLww
from reconciler.crdt.register_mv import RegisterMv
from reconciler.crdt.set_rw import SetRw
from reconciler.errors import InvalidInput
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.values.size import item_size
from reconciler.values.wire import SET_KINDS, Path, Wire, check_names, label, number_text

MOST_VALUE_BYTES = 256  # of an assigned value in a name; the item holds a larger one already
_OWN_TYPES = {"increment": "counter_pn", "add": "set_aw", "discard": "set_aw"}
_NOTHING: Wire = {"NULL": True}
_TRIED = LocalWrite(Dot(Lineage.of("any", fixed_width(0, EPOCH_WIDTH)), Hlc.of(0)), {})


class Deed(NamedTuple):
    """One thing that a write did; `value` is None where nothing is to be said of it."""

    verb: str
    path: Path
    value: Wire | None
    spec: Spec

    def wire(self) -> Wire:
        """Return the deed as a name holds it: verb, path, value, and a type if it must be said."""
        path = [{"S": part} for part in self.path]
        said: list[Wire] = [{"S": self.verb}, path[0] if len(path) == 1 else {"L": path}]
        declared = ":".join(filter(None, (self.spec.type.NAME, self.spec.function)))
        is_told = declared == _OWN_TYPES.get(self.verb, RegisterLww.NAME)
        if self.value is not None or not is_told:
            said.append(self.value or _NOTHING)
        return {"L": said if is_told else [*said, {"S": declared}]}


def deeds_of(actions: Iterable[Action], schema: Schema) -> list[Deed]:
    """Return what the actions do, in their order, each thing once."""
    deeds: list[Deed] = []
    for action in actions:
        deeds += [deed for deed in _deeds(action, schema) if deed not in deeds]
    return deeds


def _deeds(action: Action, schema: Schema) -> Iterator[Deed]:
    path, spec, inner = _held(action.place, schema)
    if inner:
        document: Wire = {"L": []} if isinstance(inner[0], int) else {"M": {}}
        return _assigned(path, spec, document, is_known=False)
    if action.clause in ("SET", "REMOVE"):
        _check_is_told_whole(path, spec)
    if action.clause == "REMOVE" or action.operand is None:
        return iter([Deed("remove", path, None, spec)])
    if action.clause == "SET":
        amount = _amount(action.operand, action.place)
        if amount is not None and spec.type is CounterPn:
            return iter([_tried(Deed("increment", path, amount, spec))])
        return _set(path, spec, action.operand)
    return _added(action.clause, path, spec, _shown(action.operand) or _NOTHING)


def _held(place: Place, schema: Schema) -> tuple[Path, Spec, tuple[str | int, ...]]:
    """Return the path to what merges as a whole at a place, its type, and the rest of the place."""
    name, *parts = place.parts
    if name in schema.key:
        raise InvalidInput(f"{name} is part of the key; a key never changes: write another item")
    if not isinstance(name, str) or name.startswith(RESERVED_PREFIX):
        raise InvalidInput(f"{name!r}: names starting with '_rec' are reserved; leave it out")
    check_names(tuple(part for part in place.parts if isinstance(part, str)))
    path: Path = (name,)
    spec = schema.spec(name)
    while parts and spec.type is MapOr and isinstance(parts[0], str):
        key = parts.pop(0)
        path = (*path, str(key))
        spec, _ = child_of(None, spec, str(key), path)
    return path, spec, tuple(parts)


def _amount(operand: Operand, place: Place) -> Wire | None:
    """Return what a SET adds to what was at its own place, or None if it does something else."""
    if not isinstance(operand, Call) or operand.function not in ("+", "-"):
        return None
    left, right = operand.left, operand.right
    if operand.function == "+" and isinstance(left, Given):
        left, right = right, left
    if not _is_own(left, place) or not isinstance(right, Given) or "N" not in right.value:
        return None
    amount = Decimal(right.value["N"])
    return {"N": number_text(amount if operand.function == "+" else amount.copy_negate())}


def _is_own(operand: Operand, place: Place) -> bool:
    """Return whether an operand is what was at the place, and 0 if nothing was."""
    if isinstance(operand, Call) and operand.function == "if_not_exists":
        return operand.left == place and operand.right == Given({"N": "0"})
    return operand == place


def _shown(operand: Operand) -> Wire | None:
    """Return a value such as an operand has, or None if nothing is known of it."""
    if isinstance(operand, Given):
        return operand.value
    if isinstance(operand, Place):
        return None
    if operand.function == "if_not_exists":
        return _shown(operand.right)
    return {"L": []} if operand.function == "list_append" else {"N": "0"}


def _set(path: Path, spec: Spec, operand: Operand) -> Iterator[Deed]:
    shown = _shown(operand)
    if shown is not None:
        return _assigned(path, spec, shown, is_known=isinstance(operand, Given))
    if spec.type is MapOr:
        raise InvalidInput(
            f"{label(path)}: a map_or is not copied from another attribute; give its value"
        )
    return iter([Deed("assign", path, None, spec)])


def _added(clause: str, path: Path, spec: Spec, value: Wire) -> Iterator[Deed]:
    (kind,) = value
    if clause == "ADD" and kind == "N" and spec.type is CounterPn:
        return iter([_tried(Deed("increment", path, value, spec))])
    if kind in SET_KINDS and spec.type in SETS:
        verb = "add" if clause == "ADD" else "discard"
        return iter([_tried(Deed(verb, path, value, spec))])
    return _assigned(path, spec, value, is_known=False)


def _assigned(path: Path, spec: Spec, shown: Wire, *, is_known: bool) -> Iterator[Deed]:
    """Yield the assignment of what shows then; before it, those of fields with types of their own.

    Whoever replays the name has no schema: a field that is new gets its type here or never.
    """
    _check_is_told_whole(path, spec)
    deed = _tried(Deed("assign", path, _assignment(path, spec, shown), spec))
    if spec.type is MapOr:
        for key, value in shown["M"].items():
            nested, _ = child_of(None, spec, key, (*path, key))
            if nested.type is not RegisterLww:
                yield from _assigned((*path, key), nested, value, is_known=is_known)
    fits = is_known and deed.value != _NOTHING and _size(deed.value) <= MOST_VALUE_BYTES
    yield deed if fits else deed._replace(value=None)


def _check_is_told_whole(path: Path, spec: Spec) -> None:
    """Refuse a whole set in which removing wins: its votes are by member.

    HAZARD if a name only said that the set is another one now: what was added to it at once would
    stay, although it was removed.
    """
    if spec.type is SetRw:
        raise InvalidInput(
            f"{label(path)}: a name does not say which members of a set_rw go when it is set or"
            " removed whole: ADD and DELETE members"
        )


def _assignment(path: Path, spec: Spec, shown: Wire) -> Wire:
    """Return the value whose assignment shows as it does."""
    if spec.type is not RegisterMv:
        return shown
    if len(shown.get("L", ())) != 1:
        raise InvalidInput(
            f"{label(path)}: a register_mv shows a list of the values that stand;"
            " set it to a list of one"
        )
    value: Wire = shown["L"][0]
    return value


def _size(value: Wire | None) -> int:
    return item_size({"": value}) if value else 0


def _tried(deed: Deed) -> Deed:
    """Return the deed; InvalidInput if it is none for its type, as the type itself says."""
    edit = Edit(deed.path, deed.verb, deed.value)
    deed.spec.type().apply(edit, len(deed.path), _TRIED, deed.spec)
    return deed
