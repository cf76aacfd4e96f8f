"""Bodies that spell as TMF632 v4 does, in the words of v5. What says both is refused.

A medium's `characteristic` becomes fields of the medium, and its `@type` is told by them; a related
party becomes a role and a reference. What v5 has no word for is kept as it is.
Source: TMF632 v4.0.0 and v5.0.0 (ContactMedium, MediumCharacteristic, RelatedParty).
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.api.answers import Refused
from reconciler.api.tmf632.resources import Resource

_MEDIA = {
    "emailAddress": "EmailContactMedium",
    "phoneNumber": "PhoneContactMedium",
    "faxNumber": "FaxContactMedium",
    "socialNetworkId": "SocialContactMedium",
    "city": "GeographicAddressContactMedium",
    "street1": "GeographicAddressContactMedium",
}
_REFERENCE = ("id", "href", "name", "@referredType")


def respelled(resource: Resource, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in the words of v5; Refused if it says one thing in both."""
    told = dict(document)
    for older, ours in resource.older_names.items():
        if older in told:
            _is_free(ours, told, f"body.{older}")
            told[ours] = told.pop(older)
    status = told.get("status")
    if isinstance(status, str):
        told["status"] = resource.older_states.get(status, status)
    for name, each in (("contactMedium", _medium), ("relatedParty", _related)):
        if isinstance(told.get(name), list):
            told[name] = _each(told[name], each, f"body.{name}")
    return told


def _each(
    entries: list[Any], respell: Callable[[dict[str, Any], str], dict[str, Any]], place: str
) -> list[Any]:
    return [
        respell(entry, f"{place}.{number}") if isinstance(entry, dict) else entry
        for number, entry in enumerate(entries)
    ]


def _medium(entry: dict[str, Any], place: str) -> dict[str, Any]:
    told = entry.get("characteristic")
    if not isinstance(told, dict):
        return entry
    fields = {name: value for name, value in told.items() if not name.startswith("@")}
    rest = {name: value for name, value in entry.items() if name != "characteristic"}
    for name in fields:
        _is_free(name, rest, f"{place}.characteristic.{name}")
    kind = next((kind for name, kind in _MEDIA.items() if name in fields), "ContactMedium")
    return {"@type": kind, **rest, **fields}


def _related(entry: dict[str, Any], place: str) -> dict[str, Any]:
    if "id" not in entry:
        return entry
    _is_free("partyOrPartyRole", entry, f"{place}.id")
    party = {name: entry[name] for name in _REFERENCE if name in entry}
    rest = {n: v for n, v in entry.items() if n not in party and not n.startswith("@")}
    return {**rest, "partyOrPartyRole": {"@type": "PartyRef", **party}}


def _is_free(name: str, told: Mapping[str, Any], place: str) -> None:
    if name in told:
        raise Refused("invalidRequest", f"{place}: {name} says it already")
