"""A party of TMF632 v5 as an item, and back: what is a list there is a map by id here.

So two regions that add a contact medium each keep both, and two that edit one merge it field by
field. An entry without an id is named by its content, a related party by its role and party: the
same entry, sent again, is the same. Periods of validity are registers: nobody edits half of one.
Source: TMF632 Party Management API v5.0.0 (MergePatch); RFC 7396.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from reconciler.api.answers import Refused
from reconciler.api.tmf632.json_patch import carry_out, operations_in, touched_by
from reconciler.api.tmf632.resources import Resource
from reconciler.api.tmf632.resources import resource_of as resource_named
from reconciler.api.tmf632.spellings import respelled
from reconciler.api.values import value_of
from reconciler.client.editor import ItemEditor
from reconciler.client.tracked import plain
from reconciler.errors import InvalidInput
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.text.plain_json import json_text, parse_json
from reconciler.values.wire import canonical_bytes, digest, to_wire

_BY_ID = {"type": "map_or", "values": {"type": "map_or"}}
ATTRIBUTES: Mapping[str, Any] = {
    "contactMedium": _BY_ID,
    "partyCharacteristic": _BY_ID,
    "relatedParty": _BY_ID,
}
# What an entry is shown as that does not say it, as one of v4 need not: v5 requires it of all.
_KINDS: Mapping[str, str] = {
    "contactMedium": "ContactMedium",
    "partyCharacteristic": "Characteristic",
    "relatedParty": "RelatedPartyOrPartyRole",
}
OURS = ("id", "href", "@type")
_ID_WIDTH = 22
_MOST_MISTAKES = 20
_Text = Annotated[str, Field(min_length=1)]
_Entries = list[dict[str, Any]]
Change = Callable[[ItemEditor], None]


@cache
def body_model(resource: Resource, *, is_patch: bool) -> type[BaseModel]:
    """Return what must be so of a body; whatever else it says is kept.

    Of a patch: null takes away what need not be there.
    """
    kind: Any = Literal[resource.kind]
    state: Any = Literal[resource.states]
    fields: dict[str, Any] = {
        "kind": (kind, Field(resource.kind if is_patch else ..., alias="@type"))
    }
    fields |= {name: (_Text, Field("-" if is_patch else ...)) for name in resource.required}
    fields |= {name: (_Entries | None, Field(None)) for name in ATTRIBUTES}
    fields["status"] = (state | None, Field(None))
    config = ConfigDict(extra="allow", strict=True)
    return create_model(resource.kind, __config__=config, **fields)


def parties(table: str) -> Schema:
    """Return the schema of a table of individuals and organizations."""
    return Schema.of(table=table, key=["id"], attributes=ATTRIBUTES)


def holds_parties(schema: Schema) -> bool:
    """Return whether a table's schema has what parties need."""
    wanted = parties(schema.table).attributes
    return schema.key == ("id",) and all(schema.attributes.get(n) == t for n, t in wanted.items())


def created(resource: Resource, document: Any) -> dict[str, Any]:
    """Return the attributes of the party that a body describes; Refused for mistakes."""
    told = _checked(resource, document, is_patch=False)
    if given := [name for name in ("id", "href") if name in told]:
        raise Refused("invalidRequest", f"body.{given[0]}: it is given by this API")
    values = {name: value for name, value in told.items() if value is not None}
    return {name: _held(name, value) for name, value in values.items()}


def patched(resource: Resource, document: Any, identifier: str) -> Change:
    """Return the change that a merge patch asks for; Refused for mistakes."""
    told = _checked(resource, document, is_patch=True)
    if told.get("id", identifier) != identifier:
        raise Refused("invalidRequest", "body.id: an id never changes")
    values = values_of({name: value for name, value in told.items() if name not in OURS})

    def change(item: ItemEditor) -> None:
        for name, value in values.items():
            if name in ATTRIBUTES or value is None:
                put(item, name, value)
            else:
                before = item.get(name)
                put(item, name, _merged(None if before is None else plain(before), value))

    return change


def json_patched(resource: Resource, document: Any) -> Change:
    """Return the change that a JSON Patch asks for; Refused for mistakes.

    It is carried out on the party as it is shown at that time; what becomes of the attributes that
    it touches are edits of the item. So what it does not touch stays as others write it.
    """
    operations = operations_in(document)
    touched = touched_by(operations)

    def change(item: ItemEditor) -> None:
        before = {str(name): plain(value) for name, value in item.items()}
        told = {name: [] for name in ATTRIBUTES} | _as_json(shown(before))
        carry_out(operations, told)
        after = {name: told.get(name) for name in touched}
        for name, value in values_of(_checked(resource, after, is_patch=True)).items():
            put(item, name, _as_they_were(name, before.get(name), value))

    return change


def put(item: ItemEditor, name: str, value: Any) -> None:
    """Give an attribute a value, by its type what differs alone; None takes it away."""
    if value is not None:
        item[name] = value
    elif name in item:
        del item[name]


def values_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as the item holds them; Refused for what no item can hold."""
    return {name: value if value is None else _held(name, value) for name, value in told.items()}


def shown(item: Mapping[str, Any], fields: Iterable[str] = ()) -> dict[str, Any]:
    """Return an item as the party that it is: all of it, or the fields that are asked for."""
    resource = resource_named(item)
    assert resource is not None  # noqa: S101 (whoever reads an item has asked)
    listed = {n: _listed(n, v) if n in ATTRIBUTES else v for n, v in item.items()}
    place = f"{resource.collection}/{item['id']}"
    whole = {**listed, "href": place, "@type": resource.kind}
    wanted = {*OURS, *fields}
    return {name: value for name, value in whole.items() if not fields or name in wanted}


def _held(name: str, value: Any) -> Any:
    if name.startswith(RESERVED_PREFIX) or not name:
        raise Refused("invalidRequest", f"body.{name}: no name starts with {RESERVED_PREFIX!r}")
    try:
        held = value_of(value, name)
    except InvalidInput as problem:
        raise Refused("invalidRequest", f"body.{problem}") from None
    if name not in ATTRIBUTES:
        return held
    entries: dict[str, Any] = {}
    for number, each in enumerate(held):
        if not isinstance(each, dict):  # {"set": [...]} is none
            raise Refused("invalidRequest", f"body.{name}.{number}: it is an object")
        if not _is_text(each.get("id", "-")):
            raise Refused("invalidRequest", f"body.{name}.{number}.id: it is a text")
        identifier, entry = _id_of(name, each), _named(name, each)
        if entries.setdefault(identifier, entry) != entry:
            raise Refused("invalidRequest", f"body.{name}.{number}: another has its id, too")
    return entries


def _id_of(name: str, entry: Mapping[str, Any]) -> str:
    party, role, given = entry.get("partyOrPartyRole"), entry.get("role", ""), entry.get("id")
    if name == "relatedParty" and isinstance(party, Mapping):
        given = (
            f"{role}:{party['id']}" if _is_text(party.get("id")) and isinstance(role, str) else None
        )
    if _is_text(given):
        return str(given)
    return digest(canonical_bytes(to_wire(dict(entry), (name,))), _ID_WIDTH)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _named(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return dict(entry) if name == "relatedParty" else {**entry, "id": _id_of(name, entry)}


def _listed(name: str, entries: Any) -> Any:
    if not isinstance(entries, Mapping):
        return entries  # put there around the library
    return [_shown(name, each, entries[each]) for each in sorted(entries)]


def _shown(name: str, identifier: str, entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    named = {} if name == "relatedParty" else {"id": identifier}
    return {"@type": _KINDS[name], **entry, **named}


def _as_they_were(name: str, before: Any, after: Any) -> Any:
    """Return an attribute; entries that a patch leaves alone are what they were, ids included.

    HAZARD if each were named anew: one that the library put under another name would be replaced
    by a patch of its neighbour, and would be back if another region deletes it at once.
    """
    if name not in ATTRIBUTES or not isinstance(before, Mapping) or after is None:
        return after
    kept = {_text(_shown(name, each, entry)): (each, entry) for each, entry in before.items()}
    return dict(kept.get(_text(entry), (each, entry)) for each, entry in after.items())


def _text(entry: Any) -> bytes:
    return canonical_bytes(to_wire(entry, ("",)))


def _as_json(value: Mapping[str, Any]) -> Any:
    return parse_json(json_text(value), "item")


def _merged(target: Any, patch: Any) -> Any:
    """Return what RFC 7396 makes of a value and a patch."""
    if not isinstance(patch, Mapping):
        return patch
    kept = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), value)
    return kept


def _checked(resource: Resource, document: Any, *, is_patch: bool) -> dict[str, Any]:
    """Return a body in the words of v5; Refused names each mistake with its path."""
    told = respelled(resource, document) if isinstance(document, Mapping) else document
    try:
        body_model(resource, is_patch=is_patch).model_validate(told)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        each = [f"{'.'.join(['body', *map(str, e['loc'])])}: {e['msg']}" for e in found]
        raise Refused("invalidRequest", "; ".join(each[:_MOST_MISTAKES])) from None
    return dict(told)
