"""Unmodified code through an instrumented client is answered as through a plain one."""

from collections.abc import Iterable
from itertools import cycle
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reconciler import Schema, instrument
from reconciler.aws.instrumented import Instrumented, Mode
from reconciler.values.wire import Image, canonical_image, to_json, to_wire
from tests.aws.conftest import REGION
from tests.aws.test_contract import make_table

OURS, PLAIN = "parties", "others"
TYPES: dict[str, Any] = {
    "points": "counter_pn",
    "tags": "set_aw",
    "address": "map_or",
    "revision": "version",
}
SCHEMA = Schema.of(table=OURS, key=["id"], attributes=TYPES)


def wires(**values: Any) -> Image:
    return {name: to_wire(value, (name,)) for name, value in values.items()}


class Pair:
    """The same calls on a plain table through a plain client, and on ours through another one."""

    def __init__(self, mode: Mode = "strict") -> None:
        self.raw = make_table(OURS, "id")
        make_table(PLAIN, "id")
        retries: Any = {"total_max_attempts": 3, "mode": "standard"}
        self.client = boto3.client("dynamodb", region_name=REGION, config=Config(retries=retries))
        self.instrumented: Instrumented = instrument(self.client, SCHEMA, mode=mode)
        self.calls: list[str] = []
        self.client.meta.events.register(
            "before-send.dynamodb",
            lambda request, **_: (
                self.calls.append(request.headers["X-Amz-Target"].decode()[18:])
                if isinstance(request.headers["X-Amz-Target"], bytes)
                else self.calls.append(request.headers["X-Amz-Target"][18:])
            ),
        )

    def both(self, operation: str, **parameters: Any) -> Any:
        """Make a call on both tables; return what ours answered, which is what the other did."""
        ours = outcome(self.client, operation, at(OURS, parameters))
        plain = outcome(self.raw, operation, at(PLAIN, parameters))
        assert unordered(ours) == unordered(at(OURS, plain)), (operation, parameters)
        return ours

    def place(self, item: Image) -> None:
        """Put an item into both tables around the library."""
        for table in (OURS, PLAIN):
            self.raw.put_item(TableName=table, Item=item)

    def stored(self, key: Image) -> Image:
        """Return the item with all that is the library's."""
        found = self.raw.get_item(TableName=OURS, Key=key, ConsistentRead=True)
        return canonical_image(found.get("Item", {}))


def at(table: str, parameters: Any) -> Any:
    """Return parameters, or an answer, in which "TABLE" or the other table is this one."""
    if isinstance(parameters, dict):
        return {at(table, name): at(table, value) for name, value in parameters.items()}
    if isinstance(parameters, list):
        return [at(table, value) for value in parameters]
    return table if parameters in ("TABLE", PLAIN) else parameters


def outcome(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    """Make a call; return its answer, or its error with what that shows."""
    try:
        answer = getattr(client, operation)(**parameters)
    except ClientError as error:
        answer = dict(error.response)
    if str(parameters.get("ReturnValues")).startswith("UPDATED"):
        # The server here, unlike DynamoDB, shows the key of an item that was not there, and an
        # empty map of nothing.
        answer["Attributes"] = {n: v for n, v in answer.get("Attributes", {}).items() if n != "id"}
    if not answer.get("Attributes", True):
        del answer["Attributes"]
    hidden = ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics")
    return plain({name: part for name, part in answer.items() if name not in hidden})


def unordered(answer: Any) -> Any:
    """Return an answer in which the items of a batch have one order."""
    responses = answer.get("Responses")
    if not isinstance(responses, dict):
        return answer
    ordered = {name: sorted(items, key=to_json) for name, items in responses.items()}
    return {**answer, "Responses": ordered}


def plain(value: Any) -> Any:
    """Return an answer in which sets have one order."""
    if isinstance(value, dict):
        return {
            name: sorted(each) if name in ("SS", "NS") else plain(each)
            for name, each in value.items()
        }
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def pair(aws: None) -> Pair:
    return Pair()


WHOLE = wires(name="Ada", points=5, tags={"a", "b"}, address={"city": "London"})
PUT: tuple[str, dict[str, Any]] = ("put_item", {"Item": WHOLE})
DELETE: tuple[str, dict[str, Any]] = ("delete_item", {})


def update(text: str, **values: Any) -> tuple[str, dict[str, Any]]:
    given = {f":{name}": value for name, value in wires(**values).items()}
    more = {"ExpressionAttributeValues": given} if given else {}
    names = {"#n": "name"} if "#n" in text else {}
    named: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    return "update_item", {"UpdateExpression": text, **more, **named}


ADD = update("ADD points :u", u=2)
HISTORIES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "put": [PUT],
    "deleted": [PUT, DELETE],
    "nothing": [],
    "made by an update": [ADD],
    "put and updated": [PUT, ADD],
    "deleted and put again": [PUT, DELETE, ("put_item", {"Item": wires(points=1)})],
    "deleted and updated": [PUT, DELETE, ADD],
    "put around the library": [("place", {"Item": WHOLE})],
    "a key alone": [("put_item", {"Item": {}})],
}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    PUT,
    ("put_item", {"Item": wires(points=9, tags={"b", "c"}, address={"zip": 1})}),
    ("put_item", {"Item": {}}),
    DELETE,
    ADD,
    update("SET #n = :u, points = if_not_exists(points, :v) + :v", u="Eve", v=3),
    update("SET address = :u REMOVE tags", u={"city": "Rome"}),
    update("ADD tags :u SET lines = list_append(if_not_exists(lines, :v), :v)", u={"c"}, v=["x"]),
    update("DELETE tags :u REMOVE #n", u={"a"}),
]
CONDITIONS = [
    "",
    "attribute_exists(id)",
    "attribute_not_exists(id)",
    "attribute_not_exists(#c) OR points < :p",
    "NOT attribute_exists(id)",
    "(attribute_exists(id))",
    "(attribute_exists(id) AND points > :p) OR (attribute_not_exists(id))",
    "NOT (attribute_exists(#c) OR attribute_exists(points))",
    "id = :id",
    "id <> :p",
    "begins_with(id, :k) AND size(id) > :z",
    "id IN (:id, :k) and points between :z and :p",
    "points = :p",
]
RETURNS = {
    "put_item": ("NONE", "ALL_OLD"),
    "delete_item": ("ALL_OLD", "NONE"),
    "update_item": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "UPDATED_NEW", "NONE"),
}


def conditional(condition: str, parameters: dict[str, Any], key: Image) -> dict[str, Any]:
    """Return the parameters of a call with a condition, whose placeholders they hold, too."""
    if not condition:
        return parameters
    every = {":id": key["id"], ":p": {"N": "5"}, ":k": {"S": "k"}, ":z": {"N": "0"}}
    values = {name: wire for name, wire in every.items() if name in condition}
    names = {"#c": "name"} if "#c" in condition else {}
    values |= parameters.get("ExpressionAttributeValues", {})
    names |= parameters.get("ExpressionAttributeNames", {})
    held = {"ExpressionAttributeValues": values, "ExpressionAttributeNames": names}
    more = {name: given for name, given in held.items() if given}
    return {**parameters, **more, "ConditionExpression": condition}


def made(pair: Pair, operation: str, parameters: dict[str, Any], key: Image) -> Any:
    """Make one call of a history, or of the matrix, on an item."""
    if operation == "place":
        return pair.place({**key, **parameters["Item"]})
    if operation == "put_item":
        given = {**parameters, "Item": {**key, **parameters["Item"]}}
    else:
        given = {**parameters, "Key": key}
    return pair.both(operation, TableName="TABLE", **given)


def quick_first(cases: Iterable[Any], quick: int) -> list[Any]:
    """Return cases of a test of which all but some are left to the whole run."""
    return [
        pytest.param(case, marks=pytest.mark.slow if number >= quick else ())
        for number, case in enumerate(cases)
    ]


@pytest.mark.parametrize("history", quick_first(HISTORIES, 2))
def test_every_call_is_answered_as_by_a_plain_client(pair: Pair, history: str) -> None:
    number = 0
    returns = {operation: cycle(each) for operation, each in RETURNS.items()}
    shows = cycle([{}, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}])
    for condition in CONDITIONS:
        for operation, parameters in CHANGES:
            number += 1
            key = wires(id=f"k{number}")
            for before in HISTORIES[history]:
                made(pair, *before, key)
            more = {"ReturnValues": next(returns[operation]), **next(shows)}
            given = {**conditional(condition, parameters, key), **more}
            made(pair, operation, given, key)
            pair.both("get_item", TableName="TABLE", Key=key, ConsistentRead=True)
            pair.both("get_item", TableName="TABLE", Key=key, ProjectionExpression="id, points")
    pair.both("scan", TableName="TABLE", Select="COUNT")
    assert number == len(CONDITIONS) * len(CHANGES)


def drawn_action(random: Random, key: Image) -> dict[str, Any]:
    """Return an action of a transaction on an item."""
    kinds = {"put_item": "Put", "delete_item": "Delete", "update_item": "Update"}
    operation, parameters = random.choice(CHANGES)
    given = conditional(random.choice(["", *CONDITIONS]), parameters, key)
    shows = {"ReturnValuesOnConditionCheckFailure": random.choice(["ALL_OLD", "NONE"])}
    what = {"Item": {**key, **given["Item"]}} if "Item" in given else {"Key": key}
    return {kinds[operation]: {"TableName": "TABLE", **given, **what, **shows}}


@pytest.mark.parametrize("seed", quick_first(range(25), 5))
def test_a_history_of_calls_is_answered_as_by_a_plain_client(pair: Pair, seed: int) -> None:
    random = Random(seed)
    keys = [wires(id=f"k{number}") for number in range(4)]
    for _ in range(40):
        key = random.choice(keys)
        kind = random.choice(["one", "one", "one", "together", "many", "read"])
        if kind == "one":
            operation, parameters = random.choice(CHANGES)
            more = {"ReturnValues": random.choice(RETURNS[operation])}
            shows = {"ReturnValuesOnConditionCheckFailure": random.choice(["ALL_OLD", "NONE"])}
            given = conditional(random.choice(["", *CONDITIONS]), parameters, key)
            made(pair, operation, {**given, **more, **shows}, key)
        elif kind == "together":
            actions = [drawn_action(random, each) for each in random.sample(keys, 2)]
            pair.both("transact_write_items", TransactItems=actions)
        elif kind == "many":
            put, delete = random.sample(keys, 2)
            item = {**put, **wires(points=random.randrange(9))}
            requests = [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": delete}}]
            pair.both("batch_write_item", RequestItems={"TABLE": requests})
        else:
            pair.both("get_item", TableName="TABLE", Key=key)
            pair.both("get_item", TableName="TABLE", Key=key, ProjectionExpression="points")
            pair.both("query", TableName="TABLE", **of_key(key))
    pair.both("batch_get_item", RequestItems={"TABLE": {"Keys": keys}})


def of_key(key: Image) -> dict[str, Any]:
    values = {":id": key["id"]}
    return {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
