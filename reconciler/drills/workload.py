"""A burst of edits to TMF632 parties, and the two ways of writing them.

Every edit leaves a mark of its own (a tag, a contact, a digit of a sum), so that a lost or doubled
one can be named afterwards. The same edits go to a table with the reconciler and, with ordinary
DynamoDB calls, to one without. Source: TM Forum TMF632 Party Management, `Individual`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from reconciler.drills.tables import Editor, Table
from reconciler.item.schema import Schema

RECONCILED, PLAIN = "parties", "parties-plain"
PARTIES, CLOSING_PARTIES = 10, 8
MOST_POINTS_PER_PARTY = 36  # each adds 10^n to one counter, which holds 38 digits exactly


def party_schema(table: str = RECONCILED) -> Schema:
    """Return the schema of the parties, with every attribute that an edit is about."""
    return Schema.of(
        table=table,
        key=["id"],
        attributes={
            "givenName": "register_lww",
            "loyalty": "counter_pn",
            "tags": "set_aw",
            "contactMedium": {"type": "map_or", "values": {"type": "map_or"}},
        },
    )


@dataclass(frozen=True)
class PartyEdit:
    """One edit of one party in one region; `kind` says which, `value` is its mark."""

    party: str
    region: str
    kind: str
    value: Any


@dataclass(frozen=True)
class Acknowledged:
    """An edit that was answered with success, and what its writer saw in the same call."""

    edit: PartyEdit
    saw: Any


def write_in_words(done: Acknowledged) -> str:
    """Return a write in words."""
    edit = done.edit
    return f"{edit.kind} {edit.value} of {edit.party} in {edit.region}"


def first_edits(region: str) -> Iterator[PartyEdit]:
    """Yield the edits that create every party."""
    for number in range(PARTIES):
        yield PartyEdit(f"party-{number:02d}", region, "phone", "+44 20 7946 0000")
    for number in range(CLOSING_PARTIES):
        yield PartyEdit(f"closing-{number:02d}", region, "tag", "created")


def burst(count: int, regions: Sequence[str], draw: Random) -> Iterator[PartyEdit]:
    """Yield `count` edits from all regions, most of them to a few hot parties."""
    points: dict[str, int] = {}
    for number in range(count):
        region = draw.choice(regions)
        if draw.random() < 0.12:
            party = f"closing-{draw.randrange(CLOSING_PARTIES):02d}"
            kind = "delete" if draw.random() < 0.4 else "tag"
            yield PartyEdit(party, region, kind, f"t{number}")
            continue
        party = f"party-{min(draw.randrange(PARTIES), draw.randrange(PARTIES)):02d}"
        kind = draw.choice(("rename", "points", "points", "tag", "contact", "phone"))
        if kind == "points":
            place = points[party] = points.get(party, -1) + 1
            if place < MOST_POINTS_PER_PARTY:
                yield PartyEdit(party, region, "points", 10**place)
                continue
            kind = "tag"
        mark = {"rename": "Ada", "tag": "t", "contact": "c", "phone": "+44 20 "}[kind]
        yield PartyEdit(party, region, kind, f"{mark}{number}")


def apply_reconciled(
    table: Table, edit: PartyEdit, key: Mapping[str, Any] | None = None
) -> Acknowledged:
    """Write the edit through the library. key: of the party, if it is not its name alone."""
    seen: list[Any] = [None]

    def change(item: Editor) -> None:
        if edit.kind == "rename":
            seen[0] = item.get("givenName")
            item["givenName"] = edit.value
        elif edit.kind == "points":
            item.increment("loyalty", edit.value)
        elif edit.kind == "tag":
            item.add("tags", edit.value)
        elif edit.kind == "contact":
            item["contactMedium", edit.value] = _contact(edit.value)
        elif edit.kind == "phone":
            seen[0] = item.get(("contactMedium", "home", "phoneNumber"))
            item["contactMedium", "home", "phoneNumber"] = edit.value
        else:
            seen[0] = item.get("tags")
            item.delete()

    table.apply(key or {"id": edit.party}, change)
    return Acknowledged(edit, seen[0])


def _contact(mark: str) -> dict[str, Any]:
    return {"contactType": "email", "emailAddress": f"{mark}@example.com"}


def create_plain(client: Any, party: str) -> None:
    """Create a plain party, with the maps that nested updates need."""
    home = {"M": {"phoneNumber": {"S": "+44 20 7946 0000"}}}
    item = {"id": {"S": party}, "contactMedium": {"M": {"home": home}}}
    if party.startswith("closing"):
        item = {"id": {"S": party}, "tags": {"SS": ["created"]}}
    client.put_item(TableName=PLAIN, Item=item)


def apply_plain(client: Any, edit: PartyEdit) -> Acknowledged:
    """Write the edit as one ordinary update of the attribute it is about."""
    key = {"id": {"S": edit.party}}
    if edit.kind == "delete":
        answer = client.delete_item(TableName=PLAIN, Key=key, ReturnValues="ALL_OLD")
        tags = answer.get("Attributes", {}).get("tags", {}).get("SS")
        return Acknowledged(edit, set(tags) if tags else None)
    expression, names, value = _update(edit)
    answer = client.update_item(
        TableName=PLAIN,
        Key=key,
        UpdateExpression=expression,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":value": value},
        ReturnValues="ALL_OLD",
    )
    old = answer.get("Attributes", {})
    if edit.kind == "rename":
        return Acknowledged(edit, old.get("givenName", {}).get("S"))
    if edit.kind == "phone":
        return Acknowledged(edit, old["contactMedium"]["M"]["home"]["M"]["phoneNumber"]["S"])
    return Acknowledged(edit, None)


def _update(edit: PartyEdit) -> tuple[str, dict[str, str], dict[str, Any]]:
    if edit.kind == "rename":
        return "SET #name = :value", {"#name": "givenName"}, {"S": edit.value}
    if edit.kind == "points":
        return "ADD #points :value", {"#points": "loyalty"}, {"N": str(edit.value)}
    if edit.kind == "tag":
        return "ADD #tags :value", {"#tags": "tags"}, {"SS": [edit.value]}
    contacts = {"#contacts": "contactMedium"}
    if edit.kind == "phone":
        names = {**contacts, "#home": "home", "#phone": "phoneNumber"}
        return "SET #contacts.#home.#phone = :value", names, {"S": edit.value}
    contact = {name: {"S": text} for name, text in _contact(edit.value).items()}
    return "SET #contacts.#id = :value", {**contacts, "#id": edit.value}, {"M": contact}
