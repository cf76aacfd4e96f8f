"""An individual of TMF632 v5 as an item, and back: what is a list there is a map by id here.

So two regions that add a contact medium each keep both, and two that edit one merge it field by
field. An entry without an id is named by its content, a related party by its role and party: the
same entry, sent again, is the same.
Source: TMF632 Party Management API v5.0.0 (Individual, MergePatch); RFC 7396.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.api.answers import Refused
from reconciler.api.values import value_of
from reconciler.client.editor import ItemEditor
from reconciler.client.tracked import plain
from reconciler.errors import InvalidInput
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.values.wire import canonical_bytes, digest, to_wire

COLLECTION = "/tmf-api/partyManagement/v5/individual"
_BY_ID = {"type": "map_or", "values": {"type": "map_or"}}
ATTRIBUTES: Mapping[str, Any] = {
    "contactMedium": _BY_ID,
    "partyCharacteristic": _BY_ID,
    "relatedParty": _BY_ID,
}
_OURS = ("id", "href", "@type")
_ID_WIDTH = 22


class Individual(BaseModel):
    """What must be so of an individual; whatever else it says is kept."""

    model_config = ConfigDict(extra="allow", strict=True)

    type_: Literal["Individual"] = Field(alias="@type")
    given_name: str = Field(alias="givenName", min_length=1)
    family_name: str = Field(alias="familyName", min_length=1)
    contact_medium: list[dict[str, Any]] = Field([], alias="contactMedium")
    party_characteristic: list[dict[str, Any]] = Field([], alias="partyCharacteristic")
    related_party: list[dict[str, Any]] = Field([], alias="relatedParty")


_Names = Annotated[str, Field(min_length=1)]
_Entries = list[dict[str, Any]] | None


class IndividualPatch(BaseModel):
    """What must be so of a merge patch: null takes away what need not be there."""

    model_config = ConfigDict(extra="allow", strict=True)

    type_: Literal["Individual"] = Field("Individual", alias="@type")
    given_name: _Names = Field("-", alias="givenName")
    family_name: _Names = Field("-", alias="familyName")
    contact_medium: _Entries = Field(None, alias="contactMedium")
    party_characteristic: _Entries = Field(None, alias="partyCharacteristic")
    related_party: _Entries = Field(None, alias="relatedParty")


def individuals(table: str) -> Schema:
    """Return the schema of a table of individuals."""
    return Schema.of(table=table, key=["id"], attributes=ATTRIBUTES)


def holds_individuals(schema: Schema) -> bool:
    """Return whether a table's schema has what individuals need."""
    wanted = individuals(schema.table).attributes
    return schema.key == ("id",) and all(schema.attributes.get(n) == t for n, t in wanted.items())


def created(document: Any) -> dict[str, Any]:
    """Return the attributes of the individual that a body describes; Refused for mistakes."""
    _checked(Individual, document)
    if "id" in document or "href" in document:
        raise Refused("invalidRequest", "body: id and href are given by this API")
    told = {name: value for name, value in document.items() if value is not None}
    return {name: _held(name, value) for name, value in told.items() if name not in _OURS}


def patched(document: Any, identifier: str) -> Callable[[ItemEditor], None]:
    """Return the change that a merge patch asks for; Refused for mistakes."""
    _checked(IndividualPatch, document)
    if document.get("id", identifier) != identifier:
        raise Refused("invalidRequest", "body.id: an individual's id never changes")
    told = {name: value for name, value in document.items() if name not in _OURS}
    values = {n: v if v is None else _held(n, v) for n, v in told.items()}

    def change(item: ItemEditor) -> None:
        for name, value in values.items():
            if value is None:
                if name in item:
                    del item[name]
            elif name in ATTRIBUTES:
                item[name] = value
            else:
                before = item.get(name)
                item[name] = _merged(None if before is None else plain(before), value)

    return change


def resource_of(item: Mapping[str, Any], fields: Iterable[str] = ()) -> dict[str, Any]:
    """Return an item as an individual: all of it, or the fields that are asked for."""
    wanted = {*_OURS, *fields}
    shown = {n: _listed(v) if n in ATTRIBUTES else v for n, v in item.items()}
    whole = {**shown, "href": f"{COLLECTION}/{item['id']}", "@type": "Individual"}
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
    if not all(isinstance(each, dict) for each in held):  # {"set": [...]} is none
        raise Refused("invalidRequest", f"body.{name}: it is a list of objects")
    return {_id_of(name, each): _named(name, each) for each in held}


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


def _listed(entries: Any) -> Any:
    if not isinstance(entries, Mapping):
        return entries  # put there around the library
    return [entries[name] for name in sorted(entries)]


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


def _checked(model: type[BaseModel], document: Any) -> None:
    try:
        model.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(['body', *map(str, each['loc'])])}: {each['msg']}" for each in found]
        raise Refused("invalidRequest", "; ".join(told[:20])) from None
