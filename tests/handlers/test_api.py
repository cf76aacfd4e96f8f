"""The HTTP door, from the request as API Gateway hands it over to the table and back."""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.client import BaseClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import reconciler.api
from handlers import api
from handlers.api_settings import ApiSettings
from handlers.settings import FunctionSettings
from reconciler.api.answers import REFUSALS
from reconciler.api.paths import PATHS
from reconciler.conflict.row import State
from reconciler.deployment.wiring import function_environment
from tests.builders import Replica, written
from tests.builders import assign as assigned
from tests.conflicts import loss
from tests.handlers.broken_requests import broken_requests
from tests.handlers.conftest import Context
from tests.handlers.documented import Documented
from tests.handlers.door import NAMES, SCHEMA, Answered, Door, assign, increment, uuid7

ADA = assign("name", "Ada")
_BEFORE = written(assigned("name", "old"))
LOST = Replica("use1", _BEFORE).write(assigned("name", "Ada"), at=2_000)
WINNER = Replica("euw1", _BEFORE).write(assigned("name", "Eve"), at=3_000)


@pytest.fixture
def opened(
    aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Door]:
    """Return a function that opens the door, with other variables if it is told."""

    def open_door(**variables: str) -> Door:
        told = function_environment(NAMES, parked_queue_url="http://queue")
        known = {"RECONCILER_SCHEMA": json.dumps(SCHEMA), "RECONCILER_API_AUTHORIZER": "iam"}
        for name, value in {**told, **known, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("RECONCILER_TRACING", raising=False)
        return Door()

    return open_door


@pytest.fixture
def door(opened: Callable[..., Door]) -> Door:
    return opened()


def test_an_edit_is_answered_with_the_item_as_written_and_its_tag(door: Door) -> None:
    written = door.write(ADA, increment("loyalty", 25), assign(["address", "city"], "London"))
    assert written.status == 200
    assert written.document == {
        "id": "p1",
        "name": "Ada",
        "loyalty": 25,
        "address": {"city": "London"},
    }
    read = door.get("/items/p1")
    assert (read.status, read.document) == (200, written.document)
    assert read.etag == written.etag


def test_every_edit_has_its_type(door: Door) -> None:
    door.write(
        ADA,
        {"type": "add", "path": "tags", "members": ["vip", "new"]},
        assign("scores", {"set": [2, 1.5]}),
        assign("photo", {"bytes": "AAE="}),
        assign(["phones", "home"], {"number": "1"}),
    )
    written = door.write(
        {"type": "discard", "path": "tags", "members": ["new"]},
        {"type": "remove", "path": ["phones", "home", "number"]},
        {"type": "increment", "path": "loyalty"},
    )
    assert written.document == {
        "id": "p1",
        "name": "Ada",
        "tags": {"set": ["vip"]},
        "scores": {"set": [1.5, 2]},
        "photo": {"bytes": "AAE="},
        "loyalty": 1,
    }


def test_numbers_of_38_digits_are_kept_both_ways(door: Door) -> None:
    number = "12345678901234567890.123456789012345678"
    edit = f'{{"type": "assign", "path": "exact", "value": {number}}}'
    body = f'{{"key": {{"id": "p1"}}, "edits": [{edit}]}}'
    assert f'"exact": {number}' in door.send("POST", "/write", body).text
    assert f'"exact": {number}' in door.get("/items/p1").text


def test_a_deleted_item_is_answered_without_a_body_and_is_not_found(door: Door) -> None:
    door.write(ADA)
    deleted = door.write({"type": "delete"})
    assert (deleted.status, deleted.text, "etag" in deleted.headers) == (204, "", False)
    assert "content-type" not in deleted.headers
    assert door.get("/items/p1").code == "notFound"
    assert door.write(ADA, If_None_Match="*").status == 200


def test_a_write_of_a_version_that_is_gone_changes_nothing(door: Door) -> None:
    first = door.write(ADA)
    second = door.write(assign("name", "Eve"), If_Match=first.etag)
    assert second.status == 200
    refused = door.write(assign("name", "Bob"), If_Match=first.etag)
    assert (refused.status, refused.code) == (412, "preconditionFailed")
    assert door.write(assign("name", "Bob"), If_Match=f'"x", {second.etag}').status == 200
    assert (
        door.write(assign("name", "Bo"), If_Match=f"W/{door.get('/items/p1').etag}").status == 412
    )
    assert door.write(assign("name", "Bo"), If_Match="*").status == 200
    assert door.write(ADA, key={"id": "p2"}, If_Match="*").status == 412


def test_an_item_that_must_not_exist_is_created_once(door: Door) -> None:
    assert door.write(ADA, If_None_Match="*").status == 200
    assert door.write(assign("name", "Eve"), If_None_Match="*").code == "preconditionFailed"
    assert door.get("/items/p1").document["name"] == "Ada"


def test_a_change_around_the_library_is_another_version(door: Door) -> None:
    before = door.write(ADA).etag
    door.dynamodb.update_item(
        TableName=NAMES.table,
        Key={"id": {"S": "p1"}},
        UpdateExpression="SET email = :email",
        ExpressionAttributeValues={":email": {"S": "ada@example.org"}},
    )
    assert door.write(assign("name", "Eve"), If_Match=before).code == "preconditionFailed"


def test_a_reader_who_has_the_item_is_told_so(door: Door) -> None:
    tag = door.write(ADA).etag
    known = door.get("/items/p1", headers={"If-None-Match": f'"old", W/{tag}'})
    assert (known.status, known.text, known.etag) == (304, "", tag)
    door.write(assign("name", "Eve"))
    assert door.get("/items/p1", headers={"If-None-Match": tag}).status == 200


def test_a_repeated_key_counts_once_and_is_answered_with_the_item_as_it_is_now(door: Door) -> None:
    key = uuid7(1)
    first = door.write(increment("loyalty", 5), Idempotency_Key=key)
    assert (first.document["loyalty"], "idempotency-replayed" in first.headers) == (5, False)
    door.write(increment("loyalty", 1))
    again = door.write(increment("loyalty", 5), Idempotency_Key=f'"{key}"')
    assert (again.status, again.document["loyalty"]) == (200, 6)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.etag == door.get("/items/p1").etag


def test_a_key_is_of_what_is_asked_for_however_that_is_written(door: Door) -> None:
    key = {"Idempotency-Key": uuid7(1)}
    edit = '{"path": ["tags"], "members": ["b", "a"], "type": "add"}'
    assert door.write({"type": "add", "path": "tags", "members": ["a", "b"]}, **key).status == 200
    body = f'{{"edits": [{edit}],  "key": {{"id": "p1"}}}}'
    assert door.send("POST", "/write", body, headers=key).headers["idempotency-replayed"] == "true"
    other = door.write({"type": "add", "path": "tags", "members": ["a"]}, **key)
    assert (other.status, other.code) == (409, "keyReused")


def test_a_repeated_write_is_replayed_though_its_version_is_gone(door: Door) -> None:
    tag = door.write(ADA).etag
    told = {"Idempotency_Key": uuid7(1), "If_Match": tag}
    assert door.write(assign("name", "Eve"), **told).status == 200
    assert door.write(assign("name", "Eve"), **told).headers["idempotency-replayed"] == "true"


def test_any_text_is_a_key_with_its_time_beside_it(door: Door) -> None:
    now = str(int(uuid7(1)[:13].replace("-", ""), 16))
    told = {"Idempotency_Key": "order 17", "Idempotency_Issued_At": now}
    assert door.write(increment("loyalty", 5), **told).status == 200
    assert door.write(increment("loyalty", 5), **told).document["loyalty"] == 5
    refused = door.write(increment("loyalty", 5), Idempotency_Key="order 17")
    assert (refused.status, refused.code) == (400, "invalidRequest")
    assert "Idempotency-Issued-At" in refused.document["message"]


def test_a_key_sent_with_and_without_its_time_counts_once_and_another_time_is_refused(
    door: Door,
) -> None:
    key = uuid7(1)
    at_ms = int(key[:13].replace("-", ""), 16)
    assert door.write(increment("loyalty", 5), Idempotency_Key=key).status == 200
    told = {"Idempotency_Key": key, "Idempotency_Issued_At": str(at_ms)}
    assert door.write(increment("loyalty", 5), **told).headers["idempotency-replayed"] == "true"
    other = told | {"Idempotency_Issued_At": str(at_ms - 5)}
    refused = door.write(increment("loyalty", 5), **other)
    assert (refused.status, refused.code) == (400, "invalidRequest")
    assert "leave Idempotency-Issued-At out" in refused.document["message"]
    assert door.get("/items/p1").document["loyalty"] == 5


@pytest.mark.parametrize("at_ms", [1_000_000_000_000, 4_000_000_000_000])
def test_a_key_that_is_too_old_or_of_the_future_is_refused(door: Door, at_ms: int) -> None:
    refused = door.write(ADA, Idempotency_Key=uuid7(1, at_ms))
    assert (refused.status, refused.code) == (422, "keyExpired")
    assert door.stored() is None


def test_a_deployment_can_require_keys(opened: Callable[..., Door]) -> None:
    door = opened(RECONCILER_API_KEYS_REQUIRED="on")
    assert door.write(ADA).code == "invalidRequest"
    assert door.write(ADA, Idempotency_Key=uuid7(1)).status == 200


def both(*edits: Any, others: Any = ()) -> dict[str, Any]:
    writes = [{"key": {"id": "p1"}, "edits": list(edits)}]
    return {"writes": [*writes, {"key": {"id": "p2"}, "edits": list(others or edits)}]}


def test_a_transaction_edits_all_items_or_none(door: Door) -> None:
    door.write(ADA, key={"id": "p2"})
    done = door.send("POST", "/write", both(increment("loyalty", 5), others=[{"type": "delete"}]))
    assert done.status == 200
    first, second = done.document["items"]
    assert (first["key"], first["item"]) == ({"id": "p1"}, {"id": "p1", "loyalty": 5})
    assert first["etag"] == door.get("/items/p1").etag
    assert second == {"key": {"id": "p2"}, "item": None, "etag": None}

    refused = door.send("POST", "/write", both(ADA, others=[increment("name", 1)]))
    assert (refused.status, refused.code) == (422, "refusedEdit")
    assert "name" not in door.get("/items/p1").document


def test_a_repeated_transaction_counts_once(door: Door) -> None:
    told = {"Idempotency-Key": uuid7(1)}
    body = both(increment("loyalty", 5))
    first = door.send("POST", "/write", body, headers=told)
    again = door.send("POST", "/write", body, headers=told)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.document == first.document
    assert [each["item"]["loyalty"] for each in again.document["items"]] == [5, 5]


def test_conditions_are_for_one_item(door: Door) -> None:
    refused = door.send("POST", "/write", both(ADA), headers={"If-Match": "*"})
    assert (refused.status, refused.code) == (400, "invalidRequest")


def b64(data: bytes) -> str:
    return "~" + base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("kinds", "key", "path"),
    [
        ("S,N", {"id": "a b", "at": 17}, "/items/a b/17"),  # as API Gateway decodes a%20b
        ("S,N", {"id": "ä:1", "at": -2.5}, "/items/ä:1/-2.5"),
        ("S,N", {"id": "a/b?c%41", "at": 1}, f"/items/{b64(b'a/b?c%41')}/1e0"),
        ("S,S", {"id": "~home", "at": "2026"}, f"/items/{b64(b'~home')}/2026"),
        ("N,B", {"id": 5, "at": {"bytes": "AP8="}}, f"/items/5/{b64(bytes([0, 255]))}"),
    ],
)
def test_an_item_is_found_by_keys_of_every_type(
    opened: Callable[..., Door], kinds: str, key: Any, path: str
) -> None:
    schema = {**SCHEMA, "table": "visits", "key": ["id", "at"]}
    told = {"RECONCILER_SCHEMA": json.dumps(schema), "RECONCILER_TABLE": "visits"}
    door = opened(**told, RECONCILER_KEY_TYPES=kinds)
    door.create("visits", "id", "at", kinds=kinds.replace(",", ""))
    assert door.write(ADA, key=key).document == {**key, "name": "Ada"}
    assert door.get(path).document == {**key, "name": "Ada"}
    assert door.get("/items/5").code == "invalidRequest"


def test_a_percent_sign_in_a_path_is_refused_as_nobody_knows_who_decoded_it(door: Door) -> None:
    door.write(ADA, key={"id": "aA"})
    assert door.get("/items/a%41").code == "invalidRequest"


BAD_BODIES: list[tuple[Any, str]] = [
    ("{", "body: Expecting property name"),
    ("[" * 100_000, "nested deeper than 40 levels"),
    ('{"key": {"id": "p1"}, "key": {"id": "p2"}, "edits": []}', "has a name twice"),
    ('{"key": {"id": "p1"}, "edits": NaN}', "DynamoDB holds no NaN"),
    ('{"key": 1e99999999999999999999999}', "outside DynamoDB's range"),
    ("[]", "body: it is an object"),
    ({}, "body.key: Field required; body.edits: Field required"),
    ({"key": {"id": "p1"}, "edits": []}, "body.edits: List should have at least 1 item"),
    ({"key": {"id": "p1"}, "edits": [ADA] * 257}, "body.edits: List should have at most 256"),
    ({"key": {"id": "p1"}, "edits": [ADA], "more": 1}, "body.more: Extra inputs"),
    ({"key": {"id": 5}, "edits": [ADA]}, "body.key: id: this key attribute is a text"),
    ({"key": {"id": ""}, "edits": [ADA]}, "body.key: id: this key attribute has 1 to 2,048 bytes"),
    ({"key": {"id": "x" * 2_049}, "edits": [ADA]}, "has 1 to 2,048 bytes"),
    ({"key": {}, "edits": [ADA]}, "body.key: a key is an object with exactly id"),
    ({"key": {"id": "p1"}, "edits": [{"type": "put"}]}, "body.edits.0: Input tag 'put'"),
    (
        {"key": {"id": "p1"}, "edits": [ADA, {"type": "assign"}]},
        "body.edits.1.path: Field required",
    ),
    ({"key": {"id": "p1"}, "edits": [assign([], 1)]}, "body.edits.0.path: "),
    ({"key": {"id": "p1"}, "edits": [assign(["a", ""], 1)]}, "body.edits.0.path.1: String should"),
    (
        {"key": {"id": "p1"}, "edits": [assign("a\ud800", 1)]},
        "body.edits.0.path.0: Input should be a valid",
    ),
    ({"key": {"id": "p1"}, "edits": [assign("a", "\ud800")]}, "body.edits.0.value: value: "),
    ({"key": {"id": "p1"}, "edits": [assign("_rec_w", 1)]}, "body.edits.0.path: names that start"),
    ({"key": {"id": "p1"}, "edits": [assign("n", 10**38 + 1)]}, "39 significant digits"),
    ({"key": {"id": "p1"}, "edits": [assign("n", {"set": []})]}, "DynamoDB has no empty set"),
    ({"key": {"id": "p1"}, "edits": [assign("n", {"bytes": "ö"})]}, "is no base64 text"),
    ({"key": {"id": "p1"}, "edits": [assign("n", [{"a": {"": 1}}])]}, "has one character at least"),
    ({"key": {"id": "p1"}, "edits": [increment("n", True)]}, "body.edits.0.amount: it is a number"),
    ({"key": {"id": "p1"}, "edits": [increment("n", "1")]}, "body.edits.0.amount: it is a number"),
    ({"key": {"id": "p1"}, "edits": [{"type": "add", "path": "t"}]}, "body.edits.0.members: "),
    ({"writes": []}, "body.writes: List should have at least 1 item"),
    ({"writes": [{"key": {"id": "p1"}, "edits": [1]}]}, "body.writes.0.edits.0: "),
    (both(ADA, others=[{"type": "delete", "path": "a"}]), "body.writes.1.edits.0.path: Extra"),
]


@pytest.mark.parametrize(("body", "told"), BAD_BODIES)
def test_a_body_that_is_wrong_is_refused_with_the_path_of_each_mistake(
    door: Door, body: Any, told: str
) -> None:
    refused = door.send("POST", "/write", body)
    assert (refused.status, refused.code) == (400, "invalidRequest")
    assert told in refused.document["message"]
    assert door.stored() is None


BAD_REQUESTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("GET", "/", {}, "404 notFound"),
    ("GET", "/items", {}, "404 notFound"),
    ("GET", "/items/a/b/c", {}, "404 notFound"),
    ("GET", '/items/a"b', {}, "404 notFound"),
    ("GET", "/items/a/b", {}, "400 invalidRequest"),
    ("GET", "/items/~!", {}, "400 invalidRequest"),
    ("GET", "/items/p1", {"headers": {"If-None-Match": "abc"}}, "400 invalidRequest"),
    ("DELETE", "/items/p1", {}, "405 methodNotAllowed"),
    ("GET", "/write", {}, "405 methodNotAllowed"),
    ("POST", "/write", {}, "415 unsupportedMediaType"),
    ("POST", "/write", {"body": "{}", "headers": {"content-type": "text/plain"}}, "415 unsu"),
    ("POST", "/write", {"body": "{}", "headers": {"content-encoding": "gzip"}}, "415 unsu"),
    ("POST", "/write", {"body": " " * 409_601}, "413 contentTooLarge"),
    ("POST", "/write", {"body": "!", "isBase64Encoded": True}, "400 invalidRequest"),
    ("POST", "/write", {"body": "/w==", "isBase64Encoded": True}, "400 invalidRequest"),
    ("POST", "/write", {"body": "A" * 600_000, "isBase64Encoded": True}, "413 contentTooLarge"),
    ("GET", "/conflicts", {"query": {"state": "DECIDED"}}, "400 invalidRequest"),
    ("GET", "/conflicts", {"query": {"limit": "0"}}, "400 invalidRequest"),
    ("GET", "/conflicts", {"query": {"limit": "9" * 99}}, "400 invalidRequest"),
    ("GET", "/conflicts", {"query": {"cursor": "e30"}}, "400 invalidRequest"),
    ("GET", "/conflicts", {"query": {"sort": "x"}}, "400 invalidRequest"),
    ("GET", "/conflicts/none", {}, "404 notFound"),
    ("GET", "/conflicts/none", {"query": {"item": "none"}}, "404 notFound"),
]


@pytest.mark.parametrize(("method", "path", "more", "told"), BAD_REQUESTS)
def test_what_the_door_does_not_take_it_refuses(
    door: Door, method: str, path: str, more: dict[str, Any], told: str
) -> None:
    refused = door.send(method, path, **more)
    assert f"{refused.status} {refused.code}".startswith(told)


def test_a_method_that_is_refused_is_told_the_others(door: Door) -> None:
    assert door.send("PUT", "/write").headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ([assign("id", "p2")], "422 refusedEdit"),
        ([increment("name", 1)], "422 refusedEdit"),
        ([{"type": "add", "path": "name", "members": ["a"]}], "422 refusedEdit"),
        ([assign("loyalty", "many")], "422 refusedEdit"),
        ([assign("big", "x" * 409_400)], "422 itemTooLarge"),
    ],
)
def test_an_edit_that_the_item_does_not_take_is_refused(
    door: Door, edits: list[Any], told: str
) -> None:
    refused = door.write(*edits)
    assert f"{refused.status} {refused.code}" == told
    assert door.stored() is None


def test_a_closed_door_answers_only_that_it_is_alive(opened: Callable[..., Door]) -> None:
    door = opened(RECONCILER_API_AUTHORIZER="none")
    assert door.get("/health/live").status == 200
    for method, path in (("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/items/p1")):
        refused = door.send(method, path)
        assert (refused.status, refused.code) == (403, "forbidden")
    assert door.write(ADA).code == "forbidden"
    assert door.get("/conflicts").code == "forbidden"
    assert door.get("/nowhere").code == "forbidden"
    assert door.send("POST", "/write", " " * 500_000).code == "forbidden"
    assert door.stored() is None


def test_a_request_that_came_past_the_authorizer_is_refused(door: Door) -> None:
    told: list[dict[str, Any]] = [{}, bearer("reconciler/read"), {"iam": {}}]
    for authorizer in told:
        assert door.get("/items/p1", authorizer=authorizer).code == "forbidden"


def bearer(scope: Any, claim: str = "scope") -> dict[str, Any]:
    return {"jwt": {"claims": {"sub": "ann", claim: scope}, "scopes": None}}


@pytest.mark.parametrize(
    ("authorizer", "may"),
    [
        (bearer("reconciler/read"), {"read"}),
        (bearer("openid reconciler/read reconciler/write"), {"read", "write"}),
        (bearer("[reconciler/conflicts openid]", "scp"), {"conflicts"}),
        (bearer(["reconciler/conflicts"], "scp"), {"conflicts"}),
        (bearer("read write conflicts reconciler/reader"), set()),
        ({"iam": {"userArn": "arn:aws:iam::123456789012:user/ann"}}, set()),
        ({"jwt": {"claims": None, "scopes": ["reconciler/read"]}}, set()),
    ],
)
def test_a_token_may_do_what_its_scopes_say(
    opened: Callable[..., Door], authorizer: dict[str, Any], may: set[str]
) -> None:
    door = opened(RECONCILER_API_AUTHORIZER="jwt")
    body = {"key": {"id": "p1"}, "edits": [ADA]}
    statuses = {
        "write": door.send("POST", "/write", body, authorizer=authorizer).status,
        "read": door.get("/items/p1", authorizer=authorizer).status,
        "conflicts": door.get("/conflicts", authorizer=authorizer).status,
    }
    assert {right for right, status in statuses.items() if status != 403} == may
    assert (door.get("/openapi.json", authorizer=authorizer).status == 200) == bool(may)


def test_the_conflicts_of_a_state_come_page_by_page_the_oldest_first(door: Door) -> None:
    for number in range(5):
        row = loss(
            LOST, WINNER, conflict_id=f"c{number}", lost_at_ms=str(9_000 - number), reason="why"
        )
        door.place(row.image, NAMES.ledger)
    door.place(loss(LOST, WINNER, State.OPEN, conflict_id="open").image, NAMES.ledger)

    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = door.get("/conflicts", query=query).document
        seen += [each["conflict_id"] for each in page["conflicts"]]
        if page["next"] is None:
            break
        query = {"limit": "2", "cursor": page["next"]}
    assert seen == ["c4", "c3", "c2", "c1", "c0"]
    (opened,) = door.get("/conflicts", query={"state": "OPEN"}).document["conflicts"]
    assert (opened["conflict_id"], opened["key"]) == ("open", {"id": "p1"})
    other = {"state": "OPEN", "cursor": query["cursor"]}
    assert door.get("/conflicts", query=other).code == "invalidRequest"


def test_a_conflict_is_shown_three_ways_by_its_href_and_by_its_id(door: Door) -> None:
    door.place(WINNER)
    door.place(loss(LOST, WINNER, conflict_id="c1", reason="ClockAhead").image, NAMES.ledger)
    (listed,) = door.get("/conflicts").document["conflicts"]
    path, _, item = listed["href"].partition("?item=")
    view = door.get(path, query={"item": unquote(item)})
    assert view.status == 200
    (name,) = (each for each in view.document["attributes"] if each["attribute"] == "name")
    assert (name["lost"], name["winner"], name["current"]) == ("Ada", "Eve", "Eve")
    assert view.document["conflict"]["reason"] == "ClockAhead"
    assert door.get("/conflicts/c1").document["attributes"] == view.document["attributes"]


def refusing(monkeypatch: pytest.MonkeyPatch, call: str, code: str, status: int) -> None:
    """Let every call of one operation of DynamoDB fail from now on."""
    real = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs leave it out

    def answer(self: BaseClient, operation: str, parameters: Any) -> Any:
        if operation != call:
            return real(self, operation, parameters)
        error = {"Code": code, "Message": "SECRET"}
        answered = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        kind: Any = self.exceptions.from_code(code)
        raise kind(answered, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    monkeypatch.setattr("reconciler.client.sending.Sender.pause", lambda *_: None)


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("ThrottlingException", 400, "429 tooManyRequests 1"),
        ("ProvisionedThroughputExceededException", 400, "429 tooManyRequests 1"),
        ("AccessDeniedException", 400, "503 unavailable 5"),
        ("ResourceNotFoundException", 400, "503 unavailable 5"),
        ("InternalServerError", 500, "503 unavailable 5"),
    ],
)
def test_a_table_that_does_not_answer_is_a_matter_of_time(
    door: Door, monkeypatch: pytest.MonkeyPatch, code: str, status: int, told: str
) -> None:
    refusing(monkeypatch, "GetItem", code, status)
    refused = door.get("/items/p1")
    assert f"{refused.status} {refused.code} {refused.headers['retry-after']}" == told
    assert "SECRET" not in refused.text


def test_a_write_in_doubt_is_made_again_only_with_its_key(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.write(ADA)
    refusing(monkeypatch, "PutItem", "InternalServerError", 500)
    refusing(monkeypatch, "UpdateItem", "InternalServerError", 500)
    keyed = door.write(increment("loyalty", 1), Idempotency_Key=uuid7(1))
    assert (keyed.status, keyed.code, keyed.headers["retry-after"]) == (503, "inDoubt", "1")
    assert "the same key" in keyed.document["message"]
    bare = door.write(increment("loyalty", 1))
    assert (bare.status, bare.code) == (504, "outcomeUnknown")
    assert "retry-after" not in bare.headers
    assert "do not make it again" in bare.document["message"]


def test_writers_that_keep_being_first_are_a_matter_of_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.write(ADA)
    refusing(monkeypatch, "PutItem", "ConditionalCheckFailedException", 400)
    refused = door.write({"type": "remove", "path": "name"})
    assert (refused.status, refused.code) == (503, "contention")
    assert refused.headers["retry-after"] == "1"


def test_an_item_of_a_newer_release_waits_for_it_and_a_broken_one_is_a_fault(door: Door) -> None:
    door.write(ADA)
    image = door.stored()
    newer = {"M": {**image["_rec"]["M"], "v": {"N": "99"}}}
    door.place({**image, "_rec": newer})
    assert door.write(increment("loyalty", 1), If_Match="*").code in {"unavailable"}
    door.place({**image, "_rec": {"M": {"v": {"S": "SECRET"}}}})
    refused = door.write(increment("loyalty", 1), If_Match="*")
    assert (refused.status, refused.code) == (500, "internalError")
    assert "SECRET" not in refused.text


def test_an_event_that_is_none_is_answered_like_any_fault(door: Door) -> None:
    answer = Answered(api.handler({"no": "request"}, Context()))
    assert (answer.status, answer.code) == (500, "internalError")


def test_in_development_mode_a_fault_shows_nothing_more(
    opened: Callable[..., Door], capsys: pytest.CaptureFixture[str]
) -> None:
    door = opened(POWERTOOLS_DEV="true")
    door.place({"id": {"S": "p1"}, "_rec": {"M": {"v": {"S": "SECRET"}}}})
    refused = door.write(ADA, If_Match="*")
    assert (refused.status, refused.code) == (500, "internalError")
    assert "SECRET" not in refused.text + capsys.readouterr().out


def test_the_document_is_valid_and_names_every_path_that_there_is(door: Door) -> None:
    document = door.get("/openapi.json").document
    validate(document)
    every = {path.partition("{")[0] for path in PATHS if not path.startswith("/tmf-api/")}
    assert {path.partition("{")[0] for path in document["paths"]} == every
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert PATHS[path] == (method.upper(),)
            known = door.send(method.upper(), path.replace("{", "~").replace("}", ""))
            assert known.status != 405
            assert str(known.status) in operation["responses"]


def test_every_answer_of_the_door_is_in_its_document(door: Door) -> None:
    document = door.get("/openapi.json").document
    door.place(WINNER | {"id": {"S": "p9"}})
    door.place(loss(LOST, WINNER, conflict_id="c1").image, NAMES.ledger)
    answers = [
        ("/write", "post", door.write(ADA)),
        ("/write", "post", door.send("POST", "/write", both(ADA))),
        ("/write", "post", door.send("POST", "/write", {})),
        ("/items/{partition}", "get", door.get("/items/p1")),
        ("/conflicts", "get", door.get("/conflicts")),
        ("/conflicts/{conflict_id}", "get", door.get("/conflicts/c1")),
        ("/conflicts/{conflict_id}", "get", door.get("/conflicts/c2")),
        ("/health", "get", door.get("/health")),
    ]
    for path, method, answer in answers:
        told = document["paths"][path][method]["responses"][str(answer.status)]
        if "$ref" in told:
            told = document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        schema = told["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(answer.document)


def test_thousands_of_broken_requests_are_each_refused_as_the_document_says(
    door: Door, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.client.sending.Sender.pause", lambda *_: None)
    statuses = Counter[int]()
    documented = Documented(door.get("/openapi.json").document)
    for request in broken_requests(seed=7, number=3_000):
        answered = Answered(api.handler(request, Context()))
        documented.check(request, answered)
        statuses[answered.status] += 1
        assert answered.status < 500, (request, answered.text)
        if answered.status >= 400:
            assert REFUSALS[answered.code][0] == answered.status
    assert statuses.keys() >= {200, 400, 404, 405, 412, 415, 422}
    assert "Traceback" not in capsys.readouterr().out


GUIDE = Path(reconciler.api.__file__).with_name("README.md").read_text()


def test_the_guides_bodies_are_taken(door: Door) -> None:
    bodies = re.findall(r"```json\n(\{.*?)```", GUIDE, re.DOTALL)
    answers = [door.send("POST", "/write", body) for body in bodies]
    assert [each.status for each in answers] == [200, 200]
    assert [each["item"]["loyalty"] for each in answers[1].document["items"]] == [20, 5]


def test_the_guide_names_every_variable_and_path_that_there_is() -> None:
    own = ApiSettings.model_fields.keys() - FunctionSettings.model_fields.keys()
    variables = {ApiSettings.model_fields[name].alias for name in own}
    assert set(re.findall(r"^\| `(RECONCILER_\w+)`", GUIDE, re.MULTILINE)) == variables
    for path in PATHS.keys() - {"/conflicts/{conflict_id}"}:
        assert f"{path}" in GUIDE
