"""What a decision makes of the item as it is after the merge: what it must show, as edits. Pure.

What already stands is not written again. An attribute keeps the type that the item's own
metadata gives it; an attribute that the item does not know is a register_lww.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.client.editor import ItemEditor
from reconciler.crdt.base import Spec
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_extreme import RegisterMax
from reconciler.errors import Contention, InvalidInput, Undecodable
from reconciler.feed.decision import ALL, Choice, Decision
from reconciler.feed.rows import Side
from reconciler.item.filing import file
from reconciler.item.metadata import decode, is_managed, is_named
from reconciler.item.plain import file_plain
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, Wire, canonical, from_wire, to_wire


@dataclass(frozen=True)
class Ruling:
    """What to assign to each decided attribute, None to remove it, or that the item is deleted.

    `shows` is what readers must see afterwards of the attributes taken from an image.
    """

    assigns: Mapping[str, Wire | None]
    shows: Mapping[str, Wire | None]
    deletes: bool = False


def ruling_of(
    decision: Decision, sides: Mapping[str, Side | None], now: Side, schema: Schema
) -> Ruling:
    """Return the ruling; InvalidInput names an attribute that cannot be decided so, and the fix.

    `sides` are the three images by name, `now` is the item after the merge.
    """
    choices = {name: choice for name, choice in decision.items() if name != ALL}
    taken: dict[str, Wire | None] = {}
    if ALL in decision:
        whole = _side(ALL, decision[ALL], sides)
        if whole.deleted and choices:
            raise InvalidInput(
                f"{ALL}: the {decision[ALL].take} item is deleted, so {next(iter(choices))}"
                " cannot be decided as well; leave one of them out"
            )
        if whole.deleted:
            return Ruling({}, {}, deletes=True)
        taken = {name: whole.values.get(name) for name in whole.values.keys() | now.values.keys()}
    known = {name for side in (now, *sides.values()) if side is not None for name in side.values}
    given: dict[str, Wire | None] = {}
    for name, choice in choices.items():
        if name in schema.key:
            raise InvalidInput(f"{name}: is part of the key, which never changes; leave it out")
        if choice.value is not None:
            given[name] = choice.value
            taken.pop(name, None)
            continue
        if name not in known:
            raise InvalidInput(
                f"{name}: neither the item nor this loss has it, only"
                f" {', '.join(sorted(known)) or 'nothing'}; give a value: --set {name}=JSON"
            )
        taken[name] = _side(name, choice, sides).values.get(name) if choice.take else None
    assigns = {
        name: None if wire is None else schema.spec(name).type().assignment(wire)
        for name, wire in taken.items()
    }
    return Ruling(dict(sorted((assigns | given).items())), taken)


def _side(name: str, choice: Choice, sides: Mapping[str, Side | None]) -> Side:
    side = sides[str(choice.take)]
    if side is not None:
        return side
    if choice.take == "current":
        return Side({}, deleted=True)
    raise InvalidInput(
        f"{name}: this loss has no {choice.take} image; take another one, or give values with --set"
    )


def rule(
    item: ItemEditor, ruling: Ruling, *, now: Side, disputed: Collection[str], schema: Schema
) -> None:
    """Edit an item so that it shows what is decided; of `disputed` attributes, whatever they show.

    Contention if a decided attribute is not as it is in `now`: the decision was about that.
    """
    if ruling.deletes:
        item.delete()
    for name, wanted in ruling.assigns.items():
        shown = to_wire(item[name], (name,)) if name in item else None
        shown = canonical(shown) if shown is not None else None
        if shown != now.shows(name):
            raise Contention(
                f"{name} was written again in the meantime; look at the item and decide again"
            )
        kind = schema.spec(name).type
        if name not in disputed and wanted == (shown and kind().assignment(shown)):
            continue
        if wanted is None or issubclass(kind, RegisterMax) or (kind is MapOr and name in disputed):
            del item[name]  # else one only moves on, and the other only writes what differs
        if wanted is not None:
            item[name] = from_wire(wanted)


def schema_of(
    table: str, key_names: Collection[str], lost: Image | None, now: Image | None
) -> Schema:
    """Return a schema with the types that the metadata of the item, or else of its loss, names.

    HAZARD if an attribute that only the loss has were taken for a register: the table's writers,
    whose schema says otherwise, could not write it any more. Undecodable if the item's metadata is
    not readable: no write client can write it.
    """
    item = _decoded(now, key_names)
    try:
        then = _decoded(lost, key_names)
    except Undecodable:
        then = None
    sides = [side for side in (then, item) if side is not None]
    types: dict[str, Spec] = {}
    for side in sides:
        for name, state in side.attributes.items():
            types[name] = _with_fields_of(state.spec(), types.get(name))
    item = item or then
    own = sorted(name for side in sides for name in side.expires_by)
    return Schema.of(
        table=table,
        key=sorted(key_names),
        attributes={name: _definition(spec) for name, spec in types.items()},
        delete="delete_wins" if item is not None and item.dead else "update_wins",
        ttl_attribute=own[-1] if own else "",
    )


def _decoded(image: Image | None, key_names: Collection[str]) -> ReplicatedItem | None:
    """Return an image's item with its named writes filed, which tell types, too."""
    if image is None or not is_named(image):
        return decode(image)[0] if image is not None and is_managed(image) else None
    if is_managed(image):
        return file(image)
    return file_plain(image, {name: image[name] for name in key_names}, lambda _: None)


def _with_fields_of(spec: Spec, other: Spec | None) -> Spec:
    """Return a type that knows the map fields of another one, too."""
    fields = dict(other.fields if other is not None else {})
    for name, nested in spec.fields.items():
        fields[name] = _with_fields_of(nested, fields.get(name))
    return replace(spec, fields=fields) if spec.type is MapOr else spec


def _definition(spec: Spec) -> dict[str, Any]:
    fields = {name: _definition(nested) for name, nested in spec.fields.items()}
    return {"type": spec.type.NAME, "fields": fields, "function": spec.function or None}
