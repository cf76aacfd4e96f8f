"""TMF632's individuals and organizations through the HTTP door."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from handlers import api
from reconciler.api.paths import OF_PARTIES, PATHS
from reconciler.api.tmf632.json_patch import JSON_PATCH
from reconciler.api.tmf632.party import ATTRIBUTES, parties
from reconciler.api.tmf632.resources import INDIVIDUAL, ORGANIZATION, RESOURCES, Resource
from reconciler.aws import connect
from reconciler.aws.items import DynamoItems
from reconciler.item.edits import assign
from reconciler.item.image import merge, read
from reconciler.item.image import write as written_image
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.builders import clock
from tests.handlers.broken_requests import broken_parties
from tests.handlers.conftest import Context
from tests.handlers.documented import Documented
from tests.handlers.door import NAMES, Answered, Door, uuid7
from tests.handlers.test_api import GUIDE, opened

__all__ = ["opened"]

COLLECTION = INDIVIDUAL.collection
SCHEMA = {"table": NAMES.table, "key": ["id"], "attributes": dict(ATTRIBUTES)}
HOME = {"@type": "EmailContactMedium", "id": "home", "emailAddress": "ada@example.org"}
WORK = {"@type": "PhoneContactMedium", "id": "work", "phoneNumber": "+44 1"}
FRIEND = {
    "@type": "RelatedPartyOrPartyRole",
    "role": "friend",
    "partyOrPartyRole": {"@type": "PartyRef", "id": "p2"},
}
HEIGHT = {"@type": "NumberCharacteristic", "id": "c1", "name": "height", "value": 1.63}
ADA = {
    "@type": "Individual",
    "givenName": "Ada",
    "familyName": "Byron",
    "contactMedium": [HOME],
    "relatedParty": [FRIEND],
    "partyCharacteristic": [HEIGHT],
}
ACME = {
    "@type": "Organization",
    "name": "Acme",
    "contactMedium": [HOME],
    "existsDuring": {"startDateTime": "1990-01-01T00:00:00Z"},
    "status": "validated",
}
BOTH: list[tuple[Resource, dict[str, Any]]] = [(INDIVIDUAL, ADA), (ORGANIZATION, ACME)]
PATCH = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def door(opened: Callable[..., Door]) -> Door:
    return opened(RECONCILER_SCHEMA=json.dumps(SCHEMA))


def create(door: Door, **changed: Any) -> Answered:
    return door.send("POST", COLLECTION, {**ADA, **changed})


def patch(door: Door, path: str, changes: Any, **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.send("PATCH", path, changes, headers={**PATCH, **named})


def test_an_individual_is_created_and_found_at_its_place(door: Door) -> None:
    made = create(door)
    assert made.status == 201
    place = made.headers["location"]
    assert made.document == {**ADA, "id": place.removeprefix(f"{COLLECTION}/"), "href": place}
    found = door.get(place)
    assert (found.status, found.document, found.etag) == (200, made.document, made.etag)
    assert door.get(place, headers={"If-None-Match": made.etag}).status == 304
    few = door.get(place, query={"fields": "givenName, nothing"}).document
    assert few.keys() == {"id", "href", "@type", "givenName"}


def test_a_creation_that_is_repeated_makes_one_individual(door: Door) -> None:
    key = {"Idempotency-Key": uuid7(1)}
    first = door.send("POST", COLLECTION, ADA, headers=key)
    again = door.send("POST", COLLECTION, dict(reversed(ADA.items())), headers=key)
    assert (again.status, again.document) == (201, first.document)
    assert again.headers["idempotency-replayed"] == "true"
    other = door.send("POST", COLLECTION, {**ADA, "givenName": "Eve"}, headers=key)
    assert other.code == "keyReused"
    assert len(door.get(COLLECTION).document) == 1


def test_a_creation_repeated_with_its_key_in_capitals_makes_one_individual(door: Door) -> None:
    key = uuid7(0xABC)
    first, again = (
        door.send("POST", COLLECTION, ADA, headers={"Idempotency-Key": each})
        for each in (key, key.upper())
    )
    assert (again.document, again.headers["idempotency-replayed"]) == (first.document, "true")
    assert len(door.get(COLLECTION).document) == 1


@pytest.mark.parametrize(("resource", "body"), BOTH)
def test_each_resource_is_created_read_patched_listed_and_deleted(
    door: Door, resource: Resource, body: dict[str, Any]
) -> None:
    made = door.send("POST", resource.collection, body)
    place = made.headers["location"]
    assert place.startswith(f"{resource.collection}/")
    whole = {**body, "id": place.rpartition("/")[2], "href": place}
    assert (made.status, made.document) == (201, whole)
    assert door.get(resource.collection, query={"fields": "status"}).status == 200
    changes = {"contactMedium": [HOME, WORK], "existsDuring": {"endDateTime": "2030"}}
    assert patch(door, place, changes).document["contactMedium"] == [HOME, WORK]
    assert door.get(place).document["existsDuring"]["endDateTime"] == "2030"
    assert [each["id"] for each in door.get(resource.collection).document] == [whole["id"]]
    assert door.send("DELETE", place).status == 204
    assert door.get(resource.collection).document == []


@pytest.mark.parametrize(("resource", "body"), BOTH)
def test_a_party_is_found_as_what_it_is_and_as_nothing_else(
    door: Door, resource: Resource, body: dict[str, Any]
) -> None:
    (other,) = {*RESOURCES} - {resource}
    place = door.send("POST", resource.collection, body).headers["location"]
    elsewhere = place.replace(resource.collection, other.collection)
    assert door.get(other.collection).document == []
    for answer in (door.get(elsewhere), door.send("DELETE", elsewhere), patch(door, elsewhere, {})):
        assert answer.code == "notFound"
    assert door.get(place).status == 200


def test_an_item_without_a_type_is_an_individual_and_one_of_another_type_is_no_party(
    door: Door,
) -> None:
    table = connect(parties(NAMES.table), region=REGION)
    for identifier, told in (("p1", {"givenName": "Ada"}), ("x1", {"@type": "Order"})):
        with table.edit({"id": identifier}) as item:
            item.update(told)
    assert [each["id"] for each in door.get(INDIVIDUAL.collection).document] == ["p1"]
    assert door.get(f"{INDIVIDUAL.collection}/x1").code == "notFound"
    assert door.get(ORGANIZATION.collection).document == []


def test_what_is_spelled_as_in_v4_is_taken_as_v5_has_it(door: Door) -> None:
    characteristic = {"@type": "MediumCharacteristic", "emailAddress": "ada@example.org"}
    medium = {"mediumType": "email", "preferred": True, "characteristic": characteristic}
    older = {
        **ADA,
        "fullName": "Ada Byron",
        "status": "deceaded",
        "contactMedium": [medium],
        "relatedParty": [{"id": "p2", "@referredType": "Individual", "role": "friend"}],
    }
    made = door.send("POST", COLLECTION, older)
    (shown,) = made.document["contactMedium"]
    assert shown.pop("id")
    assert shown == {
        "@type": "EmailContactMedium",
        "mediumType": "email",
        "preferred": True,
        "emailAddress": "ada@example.org",
    }
    party = {"@type": "PartyRef", "id": "p2", "@referredType": "Individual"}
    assert made.document["relatedParty"] == [{**FRIEND, "partyOrPartyRole": party}]
    assert (made.document["name"], made.document["status"]) == ("Ada Byron", "deceased")
    assert not {"fullName", "characteristic"} & made.document.keys()
    done = patch(door, made.headers["location"], {"fullName": "Ada Lovelace"})
    assert done.document["name"] == "Ada Lovelace"


def test_a_merge_patch_changes_what_it_names(door: Door) -> None:
    place = create(door, validFor={"startDateTime": "2026", "endDateTime": "2027"}).headers[
        "location"
    ]
    changes = {
        "familyName": "Lovelace",
        "validFor": {"endDateTime": None},
        "relatedParty": None,
        "contactMedium": [{**HOME, "preferred": True}, WORK],
        "title": None,
    }
    done = patch(door, place, changes)
    assert done.status == 200
    document = door.get(place).document
    assert document == done.document
    assert document["familyName"] == "Lovelace"
    assert document["validFor"] == {"startDateTime": "2026"}
    assert "relatedParty" not in document
    assert document["contactMedium"] == [{**HOME, "preferred": True}, WORK]
    assert document["partyCharacteristic"] == ADA["partyCharacteristic"]


def json_patch(door: Door, path: str, *operations: Any, **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"content-type": JSON_PATCH}
    return door.send("PATCH", path, list(operations), headers={**kind, **named})


def test_an_entry_is_shown_with_its_type_even_if_nobody_told_it(door: Door) -> None:
    bare = {
        "contactMedium": {"phoneNumber": "+44 1"},
        "partyCharacteristic": {"name": "height", "value": 1.63},
        "relatedParty": {"role": "friend", "partyOrPartyRole": FRIEND["partyOrPartyRole"]},
    }
    made = create(door, **{name: [entry] for name, entry in bare.items()})
    types = {name: made.document[name][0]["@type"] for name in bare}
    assert types == {
        "contactMedium": "ContactMedium",
        "partyCharacteristic": "Characteristic",
        "relatedParty": "RelatedPartyOrPartyRole",
    }
    place = made.headers["location"]
    assert door.get(place).document == made.document
    again = patch(door, place, {name: made.document[name] for name in bare})
    assert again.document == made.document


@pytest.mark.parametrize(("resource", "body"), BOTH)
def test_a_json_patch_changes_what_it_names(
    door: Door, resource: Resource, body: dict[str, Any]
) -> None:
    place = door.send("POST", resource.collection, body).headers["location"]
    done = json_patch(
        door,
        place,
        {"op": "test", "path": "/contactMedium/0/id", "value": "home"},
        {"op": "add", "path": "/contactMedium/-", "value": WORK},
        {"op": "replace", "path": "/contactMedium/home/emailAddress", "value": "a@example.org"},
        {"op": "add", "path": "/status", "value": "initialized"},
    )
    assert done.status == 200
    media = [{**HOME, "emailAddress": "a@example.org"}, WORK]
    assert done.document == {
        **body,
        "contactMedium": media,
        "status": "initialized",
        "id": place.rpartition("/")[2],
        "href": place,
    }
    assert door.get(place).document == done.document


def test_the_guides_patch_is_taken(door: Door) -> None:
    (steps,) = re.findall(r"```json\n(\[.*?)```", GUIDE, re.DOTALL)
    place = create(door, status="initialized").headers["location"]
    done = json_patch(door, place, *json.loads(steps))
    assert (done.status, done.document["status"]) == (200, "validated")
    assert [each["id"] for each in done.document["contactMedium"]] == ["home", "work"]


def test_a_patch_that_does_not_fit_what_is_there_changes_nothing(door: Door) -> None:
    place = create(door).headers["location"]
    added = {"op": "add", "path": "/title", "value": "Countess"}
    for misfit in (
        {"op": "test", "path": "/givenName", "value": "Eve"},
        {"op": "remove", "path": "/contactMedium/5"},
        {"op": "replace", "path": "/middleName", "value": "K"},
    ):
        refused = json_patch(door, place, added, misfit)
        assert (refused.status, refused.code) == (409, "patchMismatch")
        assert refused.document["message"].startswith("body.1: ")
    for bad in (
        {"op": "remove", "path": "/familyName"},
        {"op": "add", "path": "/status", "value": "asleep"},
        {"op": "add", "path": "/contactMedium/-", "value": 5},
        {"op": "add", "path": "/_rec", "value": 5},
        {"op": "replace", "path": "/id", "value": "p2"},
    ):
        assert json_patch(door, place, added, bad).code == "invalidRequest"
    stale = json_patch(door, place, added, If_Match='"stale"')
    assert (stale.status, stale.code) == (412, "preconditionFailed")
    assert "title" not in door.get(place).document


def test_a_json_patch_that_is_repeated_counts_once(door: Door) -> None:
    place = create(door).headers["location"]
    once = {"Idempotency_Key": uuid7(1)}
    added = {"op": "add", "path": "/contactMedium/-", "value": WORK}
    assert json_patch(door, place, added, **once).status == 200
    json_patch(door, place, {"op": "remove", "path": "/contactMedium/work"})
    again = json_patch(door, place, added, **once)
    assert (again.status, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.document["contactMedium"] == [HOME]


def test_a_patch_of_one_medium_and_a_write_of_its_neighbour_elsewhere_are_both_kept(
    door: Door,
) -> None:
    place = create(door, contactMedium=[HOME, WORK]).headers["location"]
    key = {"id": place.rpartition("/")[2]}
    before: Image = door.stored(key["id"])
    json_patch(
        door, place, {"op": "replace", "path": "/contactMedium/0/emailAddress", "value": "a@b.org"}
    )
    elsewhere = written_image(
        before,
        [
            assign(("contactMedium", "work", "phoneNumber"), "+44 2"),
            assign(("contactMedium", "home", "preferred"), True),
        ],
        key=key,
        schema=parties(NAMES.table),
        replica="euw1",
        clock=clock(4_000_000_000_000, iter(range(9))),
    )
    door.place(merge(door.stored(key["id"]), elsewhere))
    assert door.get(place).document["contactMedium"] == [
        {**HOME, "emailAddress": "a@b.org", "preferred": True},
        {**WORK, "phoneNumber": "+44 2"},
    ]


def test_a_patch_of_one_entry_leaves_alone_what_the_library_named_otherwise(door: Door) -> None:
    place = create(door).headers["location"]
    key = {"id": place.rpartition("/")[2]}
    with connect(parties(NAMES.table), region=REGION).edit(key) as item:
        item["contactMedium", "fax"] = {"faxNumber": "1"}
        item["relatedParty", "boss"] = {"role": "boss"}
    shown = json_patch(
        door,
        place,
        {"op": "add", "path": "/contactMedium/home/preferred", "value": True},
        {"op": "remove", "path": "/relatedParty/1"},
    ).document
    fax = {"@type": "ContactMedium", "id": "fax", "faxNumber": "1"}
    assert shown["contactMedium"] == [fax, {**HOME, "preferred": True}]
    kept = read(door.stored(key["id"])) or {}
    assert kept["contactMedium"]["fax"] == {"faxNumber": "1"}
    assert kept["relatedParty"] == {"boss": {"role": "boss"}}


def test_contact_media_that_two_regions_add_at_once_are_both_kept(door: Door) -> None:
    place = create(door, contactMedium=[]).headers["location"]
    key = {"id": place.rpartition("/")[2]}
    before: Image = door.stored(key["id"])
    schema = parties(NAMES.table)
    patch(door, place, {"contactMedium": [HOME]})
    elsewhere = written_image(
        before,
        [assign(("contactMedium", "work", name), value) for name, value in WORK.items()],
        key=key,
        schema=schema,
        replica="euw1",
        clock=clock(4_000_000_000_000, iter(range(9))),
    )
    door.place(merge(door.stored(key["id"]), elsewhere))
    assert door.get(place).document["contactMedium"] == [HOME, WORK]


def test_an_entry_without_an_id_is_named_by_its_content(door: Door) -> None:
    bare = {"@type": "EmailContactMedium", "emailAddress": "ada@example.org"}
    first, second = (create(door, contactMedium=[bare]).document["contactMedium"] for _ in "12")
    assert first == second
    assert first[0]["id"]
    assert {n: v for n, v in first[0].items() if n != "id"} == bare


def test_a_deleted_individual_is_gone(door: Door) -> None:
    place = create(door).headers["location"]
    key = {"Idempotency-Key": uuid7(1)}
    assert door.send("DELETE", place, headers=key).status == 204
    again = door.send("DELETE", place, headers=key)
    assert (again.status, again.headers["idempotency-replayed"]) == (204, "true")
    for answer in (door.get(place), door.send("DELETE", place), patch(door, place, {"a": 1})):
        assert (answer.status, answer.code) == (404, "notFound")
    assert door.get(COLLECTION).document == []


def test_another_version_is_not_patched_or_deleted(door: Door) -> None:
    made = create(door)
    place = made.headers["location"]
    patch(door, place, {"title": "Countess"}, If_Match=made.etag)
    assert patch(door, place, {"title": "Dr"}, If_Match=made.etag).code == "preconditionFailed"
    refused = door.send("DELETE", place, headers={"If-Match": made.etag})
    assert refused.code == "preconditionFailed"
    assert door.get(place).document["title"] == "Countess"


def test_a_list_has_pages(door: Door) -> None:
    places = {create(door, givenName=f"Ada {n}").document["href"] for n in range(5)}
    seen: list[str] = []
    for offset, size, status in ((0, 2, 206), (2, 2, 206), (4, 1, 200)):
        query = {"offset": str(offset), "limit": "2", "fields": "givenName"}
        page = door.get(COLLECTION, query=query)
        assert (page.status, page.headers["x-result-count"]) == (status, str(size))
        seen += [each["href"] for each in page.document]
        assert all(each.keys() == {"id", "href", "@type", "givenName"} for each in page.document)
    assert (set(seen), len(seen)) == (places, 5)


def test_a_list_is_filtered_by_what_an_index_serves_and_by_nothing_else(
    opened: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [{"name": "familyName", "type": "S"}, {"name": "givenName", "type": "S"}]
    index = {"name": "by-name", "partition_key": keys[0], "sort_key": keys[1]}
    by_status = {"name": "by-status", "partition_key": {"name": "status", "type": "S"}}
    told = json.dumps([index, by_status])
    door = opened(RECONCILER_SCHEMA=json.dumps(SCHEMA), RECONCILER_API_INDEXES=told)
    door.add_index("by-name", "familyName", "givenName")
    door.add_index("by-status", "status")
    ada, eve = create(door).headers["location"], create(door, givenName="Eve").headers["location"]
    create(door, familyName="Lovelace", status="validated")
    acme = door.send("POST", ORGANIZATION.collection, ACME).headers["location"]
    deleted = create(door, givenName="Bob").headers["location"]
    door.send("DELETE", deleted)
    monkeypatch.setattr(DynamoItems, "scan", lambda _: pytest.fail("a filter scans no table"))

    def found(collection: str = COLLECTION, **query: str) -> set[str]:
        return {each["href"] for each in door.get(collection, query=query).document}

    assert found(familyName="Byron") == {ada, eve}
    assert found(familyName="Byron", givenName="Eve", fields="id") == {eve}
    assert found(familyName="Nobody") == set()
    assert found(ORGANIZATION.collection, status="validated") == {acme}
    page = door.get(COLLECTION, query={"familyName": "Byron", "limit": "1"})
    assert (page.status, len(page.document)) == (206, 1)
    for query in ({"givenName": "Eve"}, {"title": "Dr"}, {"familyName": "Byron", "status": "x"}):
        refused = door.get(COLLECTION, query=query)
        assert (refused.status, refused.code) == (400, "invalidRequest")
        by = "familyName; familyName and givenName; status"
        assert refused.document["message"].endswith(f"; lists are filtered by {by}")
    (operation,) = [door.get("/openapi.json").document["paths"][COLLECTION]["get"]]
    named = {each["name"] for each in operation["parameters"]}
    assert named == {"fields", "offset", "limit", "familyName", "givenName", "status"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "body.@type: Field required; body.givenName: Field required"),
        ([], "body: Input should be"),
        ({**ADA, "@type": "Organization"}, "body.@type: Input should be 'Individual'"),
        ({**ADA, "givenName": 5}, "body.givenName: Input should be a valid string"),
        ({**ADA, "contactMedium": {"a": 1}}, "body.contactMedium: Input should be a valid list"),
        ({**ADA, "relatedParty": ["p2"]}, "body.relatedParty.0: Input should be"),
        ({**ADA, "contactMedium": [{"set": ["a"]}]}, "body.contactMedium.0: it is an object"),
        ({**ADA, "id": "mine"}, "body.id: it is given by this API"),
        ({**ADA, "status": "asleep"}, "body.status: Input should be"),
        ({**ADA, "contactMedium": [{"id": 5}]}, "body.contactMedium.0.id: it is a text"),
        ({**ADA, "contactMedium": [HOME, {**WORK, "id": "home"}]}, "contactMedium.1: another has"),
        ({**ADA, "name": "A", "fullName": "B"}, "body.fullName: name says it already"),
        ({**ADA, "_rec": {}}, "body._rec: no name starts with"),
        ({**ADA, "": 1}, "no name starts with"),
        ({**ADA, "\ud800": 1}, "Input should be a valid string"),
        ({**ADA, "height": 10**40 + 1}, "41 significant digits"),
    ],
)
def test_what_is_no_individual_is_refused(door: Door, body: Any, told: str) -> None:
    refused = door.send("POST", COLLECTION, body)
    assert (refused.status, refused.code) == (400, "invalidRequest")
    assert told in refused.document["message"]
    assert door.get(COLLECTION).document == []


def test_what_no_individual_can_become_is_refused(door: Door) -> None:
    place = create(door).headers["location"]
    bad: list[Any] = [
        {"givenName": None},
        {"id": "other"},
        {"contactMedium": "x"},
        {"_rec_w": 1},
        [],
        [{"op": "remove", "path": "/title"}],  # as a merge patch
    ]
    for changes in bad:
        assert patch(door, place, changes).code == "invalidRequest"
    assert door.send("PATCH", place, {}, headers={"content-type": "text/plain"}).status == 415
    for query in ({"limit": "-1"}, {"offset": "1000"}, {"familyName": "Byron"}):
        assert door.get(COLLECTION, query=query).code == "invalidRequest"


def test_a_table_of_other_items_has_no_parties(opened: Callable[..., Door]) -> None:
    door = opened()
    for each in RESOURCES:
        assert door.get(each.collection).code == "notFound"
        assert each.collection not in door.get("/openapi.json").document["paths"]


def test_the_document_has_the_paths_of_parties(door: Door) -> None:
    document = door.get("/openapi.json").document
    validate(document)
    for path in OF_PARTIES:
        assert {method.upper() for method in document["paths"][path]} == set(PATHS[path])


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("ItemWrite", {"key": {"id": "p1"}, "edits": [{"type": "remove", "path": "title"}]}),
        ("IndividualCreation", ADA),
        ("IndividualPatch", {"title": None, "contactMedium": [WORK]}),
        ("OrganizationCreation", ACME),
        ("JsonPatch", [{"op": "remove", "path": "/title"}]),
        ("Hub", {"callback": "https://crm.example.org/", "query": "eventType=x"}),
    ],
)
def test_the_document_takes_what_the_door_takes(
    opened: Callable[..., Door], schema: str, body: Any
) -> None:
    told = {"RECONCILER_API_EVENTS_ROLE": "arn:aws:iam::123456789012:role/r"}
    document = opened(RECONCILER_SCHEMA=json.dumps(SCHEMA), **told).get("/openapi.json").document
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    assert Draft202012Validator(whole).is_valid(body)
    broken_ones: list[Any] = [[{}], [], 5, {**body, "@type": 5} if "@type" in body else {"x": 1}]
    for broken in broken_ones if schema != "IndividualPatch" else [[], 5, {"givenName": None}]:
        assert not Draft202012Validator(whole).is_valid(broken)


def test_the_library_and_the_door_see_one_individual(door: Door) -> None:
    place = create(door).headers["location"]
    key = {"id": place.rpartition("/")[2]}
    with connect(parties(NAMES.table), region=REGION).edit(key) as item:
        item["contactMedium", "work"] = WORK
    assert door.get(place).document["contactMedium"] == [HOME, WORK]
    assert (read(door.stored(key["id"])) or {})["contactMedium"].keys() == {"home", "work"}


def test_thousands_of_broken_requests_are_each_refused_as_tmf630_says(door: Door) -> None:
    statuses = Counter[int]()
    documented = Documented(door.get("/openapi.json").document)
    for seed in range(10):
        resource, body = BOTH[seed % 2]
        place = door.send("POST", resource.collection, body).headers["location"]
        asked = broken_parties(seed, 150, body, resource.collection, place.rpartition("/")[2])
        for request in asked:
            answered = Answered(api.handler(request, Context()))
            statuses[answered.status] += 1
            documented.check(request, answered)
            assert answered.status < 500, (request, answered.text)
            assert answered.status < 400 or answered.code
    assert statuses.keys() >= {200, 201, 204, 400, 404, 405, 412, 415}
