"""The HTTP door as API Gateway calls it: requests of payload format 2.0 to the real handler."""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from handlers import api
from reconciler.aws.clients import client
from reconciler.causality.keys import Once
from reconciler.deployment.names import Names
from reconciler.local.provision import create_ledger
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.handlers.conftest import Context

NAMES = Names("parties", REGION)
TYPES = {
    "loyalty": "counter_pn",
    "tags": "set_aw",
    "optins": "set_rw",
    "address": "map_or",
    "owner": "manual",
    "seen": "register_max",
    "held": "flag_ew",
    "names": "register_mv",
    "phones": {"type": "map_or", "values": {"type": "map_or", "fields": {"tags": "set_aw"}}},
}
SCHEMA = {"table": NAMES.table, "key": ["id"], "attributes": TYPES}
SIGNED = {"iam": {"userArn": "arn:aws:iam::123456789012:user/ann", "accountId": "123456789012"}}
REFUSAL = {"@type", "code", "reason", "message", "status", "referenceError"}


class Answered:
    """An answer of the door, read as its client reads it."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.status: int = answer["statusCode"]
        self.text: str = answer.get("body") or ""
        self.headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert not answer.get("isBase64Encoded")

    @property
    def document(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of an error, whose body is as TMF630 has it."""
        document = self.document
        assert document.keys() >= REFUSAL
        assert document["status"] == str(self.status)
        assert all(isinstance(document[name], str) and document[name] for name in REFUSAL)
        assert document["referenceError"].startswith("/openapi.json#/components/responses/")
        return str(document["code"])

    @property
    def etag(self) -> str:
        return str(self.headers["etag"])


def event(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a request as payload format 2.0 has it; a body that is no text is sent as JSON."""
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    kind = {"content-type": "application/json"} if body is not None else {}
    named = {name.lower(): value for name, value in (headers or {}).items()}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": kind | named,
        **({"queryStringParameters": dict(query)} if query else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a",
            "stage": "$default",
            "requestId": "r",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1"},
            **({"authorizer": dict(authorizer)} if authorizer else {}),
        },
        **({"body": text} if text is not None else {}),
        "isBase64Encoded": False,
        **more,
    }


class Door:
    """The door of one region, behind IAM, and the tables behind it."""

    def __init__(self) -> None:
        self.dynamodb = client("dynamodb", REGION)
        self.create(NAMES.table, "id")
        create_ledger(self.dynamodb, NAMES.ledger)

    def create(self, table: str, *keys: str, kinds: str = "SS") -> None:
        roles = zip(keys, ("HASH", "RANGE"), strict=False)
        types = zip(keys, kinds, strict=False)
        self.dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, t in types],
            KeySchema=[{"AttributeName": k, "KeyType": role} for k, role in roles],
        )

    def add_index(self, name: str, *keys: str) -> None:
        """Add an index of strings that has all of each item."""
        roles = zip(keys, ("HASH", "RANGE"), strict=False)
        index = {
            "IndexName": name,
            "KeySchema": [{"AttributeName": k, "KeyType": role} for k, role in roles],
            "Projection": {"ProjectionType": "ALL"},
        }
        self.dynamodb.update_table(
            TableName=NAMES.table,
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Answered:
        """Send a request, signed if it does not say otherwise."""
        request = event(method, path, body, **({"authorizer": SIGNED} | more))
        return Answered(api.handler(request, Context()))

    def write(self, *edits: Mapping[str, Any], key: Any = None, **headers: str) -> Answered:
        """Send the edits of one item, with headers named in snake case."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"key": key or {"id": "p1"}, "edits": list(edits)}
        return self.send("POST", "/write", body, headers=named)

    def get(self, path: str, **more: Any) -> Answered:
        return self.send("GET", path, **more)

    def place(self, image: Image, table: str = NAMES.table) -> None:
        self.dynamodb.put_item(TableName=table, Item=image)

    def stored(self, identifier: str = "p1") -> Any:
        key = {"id": {"S": identifier}}
        return self.dynamodb.get_item(TableName=NAMES.table, Key=key).get("Item")


def assign(path: Any, value: Any) -> dict[str, Any]:
    return {"type": "assign", "path": path, "value": value}


def increment(path: Any, amount: Any) -> dict[str, Any]:
    return {"type": "increment", "path": path, "amount": amount}


def uuid7(number: int, at_ms: int | None = None) -> str:
    """Return a key made now, or at a time."""
    ms = f"{time.time_ns() // 1_000_000 if at_ms is None else at_ms:012x}"
    made = f"{ms[:8]}-{ms[8:]}-7000-8000-{number:012x}"
    assert Once.of(made).issued_at_ms > 0
    return made
