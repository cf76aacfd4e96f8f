"""What an instrumented client sends, keeps apart and refuses."""

import gc
import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import ref

import boto3
import pytest
from boto3.dynamodb.conditions import Attr
from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError

from reconciler import Dot, InvalidInput, Schema, instrument, merge, read
from reconciler.aws import connect
from reconciler.aws.instrumented import Mode
from reconciler.calls.seen import REMEMBERED_MS
from reconciler.clock import monotonic_ms
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS
from reconciler.errors import Contention, ItemTooLarge, OutcomeUnknown, TypeMismatch
from reconciler.item.metadata import NAMES
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.aws.test_contract import make_table
from tests.aws.test_instrumented import OURS, PLAIN, SCHEMA, Pair, at, outcome, wires

KEY = wires(id="p1")
POINTS = {"ExpressionAttributeValues": {":n": {"N": "2"}}, "UpdateExpression": "ADD points :n"}


@pytest.fixture
def pair(aws: None) -> Pair:
    return Pair()


def points_of(pair: Pair) -> Any:
    return (read(pair.stored(KEY)) or {}).get("points")


def put(pair: Pair, **values: Any) -> Any:
    return pair.both("put_item", TableName="TABLE", Item={**KEY, **wires(**values)})


# What is sent


def test_an_update_is_one_call_whatever_stands_there(pair: Pair) -> None:
    put(pair, points=5)
    pair.calls.clear()
    for _ in range(3):
        pair.both("update_item", TableName="TABLE", Key=KEY, **POINTS)

    assert pair.calls == ["UpdateItem"] * 3
    assert len(pair.stored(KEY)[NAMES]["L"]) == 3


TAKEN: dict[str, Any] = {
    "UpdateExpression": "REMOVE #n DELETE tags :t",
    "ExpressionAttributeNames": {"#n": "name"},
    "ExpressionAttributeValues": {":t": {"SS": ["a"]}},
}


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_NEW"])
@pytest.mark.parametrize("there", ["nothing", "deleted"])
def test_an_update_that_only_takes_away_makes_no_item_where_none_is(
    pair: Pair, there: str, returns: str
) -> None:
    """Its name was put on an item that it made: reads showed one that nobody had written."""
    if there == "deleted":
        put(pair, points=5)
        pair.both("delete_item", TableName="TABLE", Key=KEY)
    before = pair.stored(KEY)
    pair.calls.clear()
    pair.both("update_item", TableName="TABLE", Key=KEY, ReturnValues=returns, **TAKEN)
    taken = [{"Update": {"TableName": "TABLE", "Key": KEY, **TAKEN}}]
    pair.both("transact_write_items", TransactItems=taken)

    assert pair.stored(KEY) == before
    assert pair.calls.count("UpdateItem") == 1
    pair.both("get_item", TableName="TABLE", Key=KEY)


@pytest.mark.parametrize("there", ["nothing", "deleted", "alive"])
@pytest.mark.parametrize(
    "when", ["attribute_exists(id)", "attribute_not_exists(id)", "#n <> :v", "#n = :v"]
)
def test_an_update_that_only_takes_away_has_its_condition_looked_at_where_no_item_is(
    pair: Pair, there: str, when: str
) -> None:
    if there != "nothing":
        put(pair, points=5, name="Ada", tags={"a", "b"})
    if there == "deleted":
        pair.both("delete_item", TableName="TABLE", Key=KEY)
    values = {
        **TAKEN["ExpressionAttributeValues"],
        **({":v": {"S": "Ada"}} if ":v" in when else {}),
    }
    given = {**TAKEN, "ExpressionAttributeValues": values, "ConditionExpression": when}
    given["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    taken = [{"Update": {"TableName": "TABLE", "Key": KEY, **given}}]
    pair.both("transact_write_items", TransactItems=taken)
    pair.both("get_item", TableName="TABLE", Key=KEY)
    pair.both("update_item", TableName="TABLE", Key=KEY, **given)
    pair.both("get_item", TableName="TABLE", Key=KEY)


def test_an_update_that_only_takes_away_is_one_call_where_an_item_is(pair: Pair) -> None:
    put(pair, name="Ada", tags={"a", "b"})
    pair.calls.clear()
    pair.both("update_item", TableName="TABLE", Key=KEY, ReturnValues="ALL_NEW", **TAKEN)

    assert pair.calls == ["UpdateItem"]
    assert read(pair.stored(KEY)) == {"id": "p1", "tags": {"b"}}


@pytest.mark.parametrize("condition", [{}, {"ConditionExpression": "attribute_not_exists(q)"}])
def test_what_others_make_while_nothing_is_taken_away_from_is_taken_away_from(
    pair: Pair, condition: dict[str, str]
) -> None:
    put(pair, points=5)
    pair.client.delete_item(TableName=OURS, Key=KEY)

    def make(**_: Any) -> None:
        by_another(pair, Item={**KEY, **wires(name="Ada", points=1)})

    made = [make]
    pair.client.meta.events.register_first(
        "before-send.dynamodb.PutItem", lambda **_: made.pop()() if made else None
    )
    pair.client.update_item(TableName=OURS, Key=KEY, **TAKEN, **condition)

    shown = read(pair.stored(KEY))
    assert shown == ({"id": "p1", "points": 1} if condition else None)


def test_what_was_brought_back_around_the_library_is_taken_away_from(pair: Pair) -> None:
    put(pair, points=5)
    pair.client.delete_item(TableName=OURS, Key=KEY)
    name = {"ExpressionAttributeNames": {"#n": "name"}}
    ada = {"ExpressionAttributeValues": {":n": {"S": "Ada"}}}
    pair.raw.update_item(TableName=OURS, Key=KEY, UpdateExpression="SET #n = :n", **name, **ada)
    pair.client.update_item(TableName=OURS, Key=KEY, UpdateExpression="REMOVE #n", **name)

    assert "name" not in pair.stored(KEY)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in a transaction"])
def test_a_condition_that_does_not_hold_of_what_was_brought_back_is_the_callers_own(
    pair: Pair, *, together: bool
) -> None:
    """The refusal did not show the item, so it was taken for gone, and found again, 30 times."""
    put(pair, points=5)
    pair.client.delete_item(TableName=OURS, Key=KEY)
    ada, eve = ({"ExpressionAttributeValues": {":v": {"S": each}}} for each in ("Ada", "Eve"))
    item: Any = {"TableName": OURS, "Key": KEY, "ExpressionAttributeNames": {"#n": "name"}}
    pair.raw.update_item(**item, **ada, UpdateExpression="SET #n = :v")
    taken = {**item, **eve, "UpdateExpression": "REMOVE #n", "ConditionExpression": "#n = :v"}
    before = pair.stored(KEY)
    pair.calls.clear()
    asked = {"TransactItems": [{"Update": taken}]} if together else taken
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        getattr(pair.client, "transact_write_items" if together else "update_item")(**asked)

    assert len(pair.calls) == 2
    assert pair.stored(KEY) == before


def test_what_was_brought_back_and_deleted_again_meanwhile_stays_deleted(pair: Pair) -> None:
    """The name of the update made it a living item, of which nothing but the key was left."""
    put(pair, points=5)
    pair.client.delete_item(TableName=OURS, Key=KEY)
    deleted = pair.stored(KEY)
    pair.raw.put_item(TableName=OURS, Item={**deleted, **wires(phone="1")})
    tries = count()

    def delete_again(**_: Any) -> None:
        if next(tries) == 1:
            pair.raw.put_item(TableName=OURS, Item=deleted)

    pair.client.meta.events.register_first("before-send.dynamodb.UpdateItem", delete_again)
    pair.client.update_item(TableName=OURS, Key=KEY, UpdateExpression="REMOVE phone")

    assert pair.stored(KEY) == deleted


def test_a_put_is_one_call_where_its_caller_saw_the_item(pair: Pair) -> None:
    put(pair, points=5)
    put(pair, points=6)
    item = pair.client.get_item(TableName=OURS, Key=KEY)["Item"]
    pair.calls.clear()
    pair.client.put_item(TableName=OURS, Item={**item, **wires(points=9)})

    assert pair.calls == ["PutItem"]
    assert points_of(pair) == 9


def test_a_delete_reads_what_nobody_saw_and_leaves_what_can_be_merged(pair: Pair) -> None:
    pair.place({**KEY, **wires(points=5)})
    pair.client.put_item(TableName=OURS, Item=wires(id="p2"))
    pair.calls.clear()
    pair.both("delete_item", TableName="TABLE", Key=KEY)

    assert pair.calls == ["GetItem", "PutItem"]
    assert pair.stored(KEY).keys() == {"id", "_rec", "_rec_ttl"}


def test_what_nobody_saw_of_a_batch_is_read_at_once(pair: Pair) -> None:
    keys = [wires(id=f"p{number}") for number in range(25)]
    for key in (*keys[:20], keys[-1]):
        pair.place({**key, **wires(points=5)})
    pair.client.put_item(TableName=OURS, Item=wires(id="first"))
    pair.calls.clear()
    requests = [{"DeleteRequest": {"Key": key}} for key in keys[:-1]]
    requests.append({"PutRequest": {"Item": {**keys[-1], **wires(points=1)}}})
    pair.both("batch_write_item", RequestItems={"TABLE": requests})

    # Those that are not there are deleted with a condition that nobody makes them meanwhile.
    assert Counter(pair.calls) == {"BatchGetItem": 1, "PutItem": 21, "DeleteItem": 4}
    assert [read(pair.stored(key)) for key in keys[:20]] == [None] * 20


def test_what_a_batch_could_not_read_at_once_is_read_one_by_one(pair: Pair) -> None:
    keys = [wires(id=f"p{number}") for number in range(3)]
    for key in keys:
        pair.place({**key, **wires(points=5)})
    pair.client.put_item(TableName=OURS, Item=wires(id="first"))
    pair.calls.clear()

    def leave(parsed: Any, **_: Any) -> None:
        items = parsed["Responses"][OURS]
        parsed["UnprocessedKeys"] = {OURS: {"Keys": [{"id": items.pop()["id"]}]}}

    pair.client.meta.events.register_first("after-call.dynamodb.BatchGetItem", leave)
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    pair.client.batch_write_item(RequestItems={OURS: requests})

    assert Counter(pair.calls) == {"BatchGetItem": 1, "GetItem": 1, "PutItem": 3}
    assert [read(pair.stored(key)) for key in keys] == [None] * 3


def test_what_others_wrote_since_a_batch_read_it_is_deleted_as_it_is_then(pair: Pair) -> None:
    keys = [wires(id=f"p{number}") for number in range(2)]
    for key in keys:
        pair.place({**key, **wires(points=5)})

    def write_meanwhile(**_: Any) -> None:
        pair.raw.update_item(TableName=OURS, Key=keys[1], **POINTS)

    pair.client.meta.events.register_last("after-call.dynamodb.BatchGetItem", write_meanwhile)
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    pair.client.batch_write_item(RequestItems={OURS: requests})

    assert [read(pair.stored(key)) for key in keys] == [None] * 2


def puts_of(*items: Any) -> list[Any]:
    return [{"PutRequest": {"Item": item}} for item in items]


@pytest.mark.parametrize(
    "requests",
    [
        {"TABLE": puts_of(*[wires(id=f"p{number}") for number in range(26)])},
        {"TABLE": puts_of(wires(id="p0"), wires(id=""))},
        {"TABLE": puts_of(wires(id="p0")), "nowhere": puts_of(wires(id="p1"))},
    ],
    ids=["too many", "a key that is empty", "another table is not there"],
)
def test_a_batch_that_is_refused_writes_nothing(pair: Pair, requests: Any) -> None:
    """Its first items were written, one by one, before the request that is wrong was met."""
    with pytest.raises(ClientError):
        pair.client.batch_write_item(RequestItems=at(OURS, requests))

    assert pair.raw.scan(TableName=OURS)["Items"] == []


def test_a_batch_with_an_item_too_large_writes_nothing(pair: Pair) -> None:
    requests = puts_of(wires(id="p0"), wires(id="p1", name="x" * 420_000))
    with pytest.raises(ItemTooLarge):
        pair.client.batch_write_item(RequestItems={OURS: requests})

    assert pair.raw.scan(TableName=OURS)["Items"] == []


@pytest.mark.parametrize("beside", ["an item that was seen", "one that was not", "another table"])
def test_a_batch_is_refused_if_a_key_cannot_be_read(pair: Pair, beside: str) -> None:
    """One of another type was found when its turn came, and what came before was written."""

    def refuse(parsed: Any, **_: Any) -> None:
        parsed["Error"] = {"Code": "ValidationException", "Message": "no such key"}

    pair.client.meta.events.register_first("after-call.dynamodb.BatchGetItem", refuse)
    table = PLAIN if beside == "another table" else OURS
    if beside == "an item that was seen":
        pair.client.get_item(TableName=OURS, Key=wires(id="p0"))
    requests: dict[str, Any] = {table: puts_of(wires(id="p0"))}
    requests[OURS] = [*requests.get(OURS, []), *puts_of(wires(id=7))]
    with pytest.raises(ClientError, match="no such key"):
        pair.client.batch_write_item(RequestItems=requests)

    assert pair.raw.scan(TableName=table)["Items"] == []


@pytest.mark.parametrize("mode", ["strict", "observe"])
@pytest.mark.parametrize("wrong", [wires(points="5"), wires(_rec_x=1), wires(name="x" * 409_500)])
def test_a_batch_with_a_put_that_is_refused_here_writes_nothing(
    aws: None, mode: Mode, wrong: Image
) -> None:
    """What came before was written, and passed on whole, in the other mode, put once more."""
    pair = Pair(mode)
    requests = puts_of(wires(id="p0", points=5), {**wires(id="p1"), **wrong})
    with suppress(InvalidInput, TypeMismatch, ClientError):
        pair.client.batch_write_item(RequestItems={OURS: requests})

    assert "PutItem" not in pair.calls


def test_what_is_not_taken_of_a_batch_now_is_left_of_all_tables(pair: Pair) -> None:
    def leave(parsed: Any, **_: Any) -> None:
        parsed["UnprocessedItems"] = parsed["UnprocessedItems"] or {PLAIN: others}

    def throttle(parsed: Any, **_: Any) -> None:
        parsed["Error"] = {"Code": "ThrottlingException", "Message": "slower"}

    pair.client.meta.events.register_first("after-call.dynamodb.BatchWriteItem", leave)
    pair.client.meta.events.register_first("after-call.dynamodb.PutItem", throttle)
    ours, others = puts_of(wires(id="p0"), wires(id="p1")), puts_of(wires(id="p2"))
    answer = pair.client.batch_write_item(RequestItems={OURS: ours, PLAIN: others})

    assert answer["UnprocessedItems"] == {OURS: ours, PLAIN: others}


def test_other_tables_are_left_alone(pair: Pair) -> None:
    item = {**KEY, **wires(points=5)}
    pair.client.put_item(TableName=PLAIN, Item=item)
    pair.client.update_item(TableName=PLAIN, Key=KEY, **POINTS)
    pair.client.batch_write_item(
        RequestItems={
            PLAIN: [{"PutRequest": {"Item": wires(id="p2")}}],
            OURS: [{"PutRequest": {"Item": wires(id="p2")}}],
        }
    )
    found = pair.client.batch_get_item(
        RequestItems={each: {"Keys": [KEY, wires(id="p2")]} for each in (PLAIN, OURS)}
    )["Responses"]

    assert found == {PLAIN: [{**item, **wires(points=7)}, wires(id="p2")], OURS: [wires(id="p2")]}
    assert pair.raw.get_item(TableName=PLAIN, Key=wires(id="p2"))["Item"] == wires(id="p2")
    assert pair.stored(wires(id="p2")).keys() == {"id", "_rec"}


def test_a_table_is_known_by_its_arn_too(pair: Pair) -> None:
    arn = pair.raw.describe_table(TableName=OURS)["Table"]["TableArn"]
    pair.client.put_item(TableName=arn, Item={**KEY, **wires(points=5)})
    pair.client.delete_item(TableName=arn, Key=KEY)

    assert "Item" not in pair.client.get_item(TableName=arn, Key=KEY)
    assert "_rec" in pair.stored(KEY)


def test_a_resource_and_its_tables_speak_plain_values(pair: Pair) -> None:
    resource = boto3.resource("dynamodb", region_name=REGION)
    instrument(resource, SCHEMA)
    table = resource.Table(OURS)
    item = {"id": "p1", "points": 5, "photo": b"\xff", "tags": {"a"}}
    for _ in range(2):
        table.put_item(Item=item, ConditionExpression=Attr("id").not_exists())
        table.delete_item(Key={"id": "p1"}, ConditionExpression=Attr("id").exists())
    table.put_item(Item=item, ConditionExpression=Attr("id").not_exists())
    with pytest.raises(resource.meta.client.exceptions.ConditionalCheckFailedException) as refusal:
        table.put_item(
            Item={"id": "p1"},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    shown = {"id": "p1", "points": 5, "photo": b"\xff", "tags": {"a"}}
    assert table.get_item(Key={"id": "p1"})["Item"] == shown
    assert refusal.value.response["Item"] == wires(**shown)
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"id": f"b{number}", "points": number})
    found = table.scan(FilterExpression=Attr("points").gte(50), ProjectionExpression="points")
    assert {each["points"] for each in found["Items"]} == {*range(50, 60)}


def test_a_paginator_goes_through_all_that_is_not_deleted(pair: Pair) -> None:
    for number in range(12):
        pair.client.put_item(TableName=OURS, Item=wires(id=f"p{number}"))
    for number in range(0, 12, 2):
        pair.client.delete_item(TableName=OURS, Key=wires(id=f"p{number}"))
    pages = pair.client.get_paginator("scan").paginate(
        TableName=OURS, PaginationConfig={"PageSize": 2}
    )

    found = [[each["id"]["S"] for each in page["Items"]] for page in pages]
    assert {name for page in found for name in page} == {f"p{n}" for n in range(1, 12, 2)}
    assert [len(page) for page in found if page] == [2, 2, 2]


# What is merged


def by_another(pair: Pair, **parameters: Any) -> None:
    """Let another client of the library's write the item."""
    other = boto3.client("dynamodb", region_name=REGION)
    instrument(other, SCHEMA)
    if "Item" in parameters:
        other.get_item(TableName=OURS, Key=KEY)
        other.put_item(TableName=OURS, **parameters)
    else:
        other.update_item(TableName=OURS, Key=KEY, **parameters)


def test_a_put_leaves_alone_what_others_wrote_since_its_caller_read(pair: Pair) -> None:
    put(pair, points=100, name="Ada", tags={"a"})
    item = pair.client.get_item(TableName=OURS, Key=KEY)["Item"]
    by_another(pair, **POINTS)
    by_another(pair, Item={**KEY, **wires(points=110, name="Ada", tags={"b"}, email="a@b")})
    pair.client.put_item(TableName=OURS, Item={**item, **wires(points=101, tags={"a", "c"})})

    shown = {"id": "p1", "points": 111, "name": "Ada", "tags": {"b", "c"}, "email": "a@b"}
    assert read(pair.stored(KEY)) == shown


def test_a_put_of_what_is_there_takes_away_nothing_that_was_set_around_the_library(
    pair: Pair,
) -> None:
    """It put the bytes that it had seen, and no record tells that from taking a value back."""
    put(pair, points=5)
    item = pair.client.get_item(TableName=OURS, Key=KEY)["Item"]
    set_ = "SET email = :e ADD points :n"
    values = {":e": {"S": "a@b"}, ":n": {"N": "2"}}
    pair.raw.update_item(
        TableName=OURS, Key=KEY, UpdateExpression=set_, ExpressionAttributeValues=values
    )
    pair.client.put_item(TableName=OURS, Item=item)

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 7, "email": "a@b"}


def test_a_put_takes_out_of_a_set_what_its_caller_saw_there_and_not_what_came_again(
    pair: Pair,
) -> None:
    put(pair, tags={"a", "b", "c"})
    again = {":a": {"SS": ["a"]}}
    by_another(pair, UpdateExpression="ADD tags :a", ExpressionAttributeValues=again)
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(tags={"c"})})

    assert read(pair.stored(KEY)) == {"id": "p1", "tags": {"a", "c"}}


def test_a_put_removes_what_its_caller_read_and_left_out(pair: Pair) -> None:
    put(pair, points=5, name="Ada", email="a@b")
    pair.client.get_item(TableName=OURS, Key=KEY)
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=5)})

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 5}


def test_a_second_put_takes_away_nothing_that_its_caller_never_saw(pair: Pair) -> None:
    put(pair, points=5)
    phone = {":p": {"S": "1"}}
    by_another(pair, UpdateExpression="SET phone = :p", ExpressionAttributeValues=phone)
    for points in (6, 7):
        pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=points)})

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 7, "phone": "1"}


def test_what_a_caller_changes_in_its_hands_is_what_it_puts(pair: Pair) -> None:
    put(pair, points=5, address={"city": "London"})
    reads: tuple[Callable[[], Any], ...] = (
        lambda: pair.client.get_item(TableName=OURS, Key=KEY)["Item"],
        lambda: pair.client.scan(TableName=OURS)["Items"][0],
        lambda: pair.client.update_item(TableName=OURS, Key=KEY, ReturnValues="ALL_NEW", **POINTS)[
            "Attributes"
        ],
    )
    for read_again in reads:
        item = read_again()
        item["points"]["N"] = str(int(item["points"]["N"]) + 1)
        item["address"]["M"]["city"]["S"] += "!"
        pair.client.put_item(TableName=OURS, Item=item)

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 10, "address": {"city": "London!!!"}}


def test_a_put_after_an_update_of_its_own_does_not_count_that_again(pair: Pair) -> None:
    put(pair, points=5)
    pair.client.update_item(TableName=OURS, Key=KEY, **POINTS)
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=8)})

    assert points_of(pair) == 8


def test_a_put_of_what_a_refusal_showed_differs_from_that(pair: Pair) -> None:
    put(pair, points=100)
    by_another(pair, **POINTS)
    with pytest.raises(ClientError) as refusal:
        pair.client.put_item(
            TableName=OURS,
            Item={**KEY, **wires(points=101)},
            ConditionExpression="points = :p",
            ExpressionAttributeValues={":p": {"N": "100"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert dict(refusal.value.response)["Item"] == {**KEY, **wires(points=102)}
    by_another(pair, **POINTS)
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=103)})

    assert points_of(pair) == 105


def test_what_was_seen_long_ago_is_forgotten(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    later = [0]
    monkeypatch.setattr(
        "reconciler.aws.instrumented.monotonic_ms", lambda: monotonic_ms() + later[0]
    )
    pair = Pair()
    put(pair, points=100, name="Ada")
    by_another(
        pair, UpdateExpression="SET email = :e", ExpressionAttributeValues={":e": {"S": "x"}}
    )
    later[0] = REMEMBERED_MS
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=101, name="Ada")})

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 101, "name": "Ada"}


@pytest.mark.parametrize("projection", ["ALL", "INCLUDE"])
def test_a_put_of_what_an_index_shows_counts_what_it_adds(aws: None, projection: str) -> None:
    raw = make_table(OURS, "id")
    included = {"NonKeyAttributes": ["points"]} if projection == "INCLUDE" else {}
    index = {
        "IndexName": "by_mail",
        "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": projection, **included},
    }
    raw.update_table(
        TableName=OURS,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "mail")],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    client, other = (boto3.client("dynamodb", region_name=REGION) for _ in range(2))
    for each in (client, other):
        instrument(each, SCHEMA)
    client.put_item(TableName=OURS, Item={**KEY, **wires(mail="a@b", points=100)})
    other.update_item(TableName=OURS, Key=KEY, **POINTS)
    (item,) = client.query(
        TableName=OURS,
        IndexName="by_mail",
        KeyConditionExpression="mail = :m",
        ExpressionAttributeValues={":m": {"S": "a@b"}},
    )["Items"]
    if projection == "ALL":
        other.update_item(TableName=OURS, Key=KEY, **POINTS)
    client.put_item(TableName=OURS, Item={**item, **wires(points=103)})

    found = read(raw.get_item(TableName=OURS, Key=KEY)["Item"])
    assert found == {"id": "p1", "mail": "a@b", "points": 105 if projection == "ALL" else 103}


def test_what_another_thread_read_is_not_what_a_put_saw(pair: Pair) -> None:
    put(pair, points=100)
    item = pair.client.get_item(TableName=OURS, Key=KEY)["Item"]
    by_another(pair, **POINTS)
    thread = Thread(target=lambda: pair.client.get_item(TableName=OURS, Key=KEY))
    thread.start()
    thread.join()
    pair.client.put_item(TableName=OURS, Item={**item, **wires(points=101)})

    assert points_of(pair) == 103


def test_what_a_thread_read_that_is_gone_is_not_what_the_next_one_saw(pair: Pair) -> None:
    put(pair, points=100)

    def in_a_thread(call: Any) -> None:
        thread = Thread(target=call)  # which may get the identity of the one before
        thread.start()
        thread.join()

    in_a_thread(lambda: pair.client.get_item(TableName=OURS, Key=KEY))
    by_another(pair, **POINTS)
    in_a_thread(lambda: pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=0)}))

    assert points_of(pair) == 0


@pytest.mark.parametrize("others", [0, 1])
def test_an_item_put_with_its_metadata_is_changed_from_what_it_was(pair: Pair, others: int) -> None:
    put(pair, points=100, name="Ada")
    item = pair.stored(KEY)
    by_another(pair, **POINTS)
    if others:
        pair.client.update_item(TableName=OURS, Key=KEY, **POINTS)
    pair.client.put_item(TableName=OURS, Item={**item, **wires(points=101, name="Eve")})

    assert read(pair.stored(KEY)) == {"id": "p1", "points": 103 + 2 * others, "name": "Eve"}


def test_regions_that_write_at_once_lose_nothing(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients, raws = [], []
    for region in ("us-east-1", "eu-west-1"):
        monkeypatch.setattr("tests.aws.test_contract.REGION", region)
        raws.append(make_table(OURS, "id"))
        clients.append(boto3.client("dynamodb", region_name=region))
        instrument(clients[-1], SCHEMA)
    clients[0].put_item(TableName=OURS, Item={**KEY, **wires(points=100, tags={"a"})})
    raws[1].put_item(TableName=OURS, Item=raws[0].get_item(TableName=OURS, Key=KEY)["Item"])
    total = 100
    for round_ in range(5):
        for number, client in enumerate(clients):
            client.update_item(TableName=OURS, Key=KEY, **POINTS)
            item = client.get_item(TableName=OURS, Key=KEY)["Item"]
            item["points"]["N"] = str(int(item["points"]["N"]) + 10 + number)
            item["tags"] = {"SS": [*item["tags"]["SS"], f"{round_}{number}"]}
            client.put_item(TableName=OURS, Item=item)
            total += 12 + number
        images = [raw.get_item(TableName=OURS, Key=KEY)["Item"] for raw in raws]
        merged = merge(*images)
        assert merged == merge(*reversed(images))
        for raw in raws:
            raw.put_item(TableName=OURS, Item=merged)

    found = clients[1].get_item(TableName=OURS, Key=KEY)["Item"]
    tags = {f"{round_}{number}" for round_ in range(5) for number in (0, 1)}
    assert found["points"] == {"N": str(total)}
    assert set(found["tags"]["SS"]) == {"a", *tags}


# What is read


@pytest.fixture
def sorted_pair(aws: None) -> Any:
    """Return both tables with a sort key: every other item of two partitions is deleted."""
    schema = Schema.of(table="sorted", key=["pk", "sk"], attributes={"points": "counter_pn"})
    raw = make_table("sorted", "pk", "sk")
    make_table(PLAIN, "pk", "sk")
    client = boto3.client("dynamodb", region_name=REGION)
    instrument(client, schema)
    for number in range(20):
        key = wires(pk="ab"[number % 2], sk=f"s{number:02}")
        for each, table in ((client, "sorted"), (raw, PLAIN)):
            each.put_item(TableName=table, Item={**key, **wires(points=number, extra="x")})
            if number % 4 < 2:
                each.delete_item(TableName=table, Key=key)

    def both(operation: str, **parameters: Any) -> Any:
        ours = outcome(client, operation, at("sorted", parameters))
        other = outcome(raw, operation, at(PLAIN, parameters))
        if "FilterExpression" in parameters:  # nobody can tell how many of these were deleted
            del ours["ScannedCount"], other["ScannedCount"]
        assert ours == at("sorted", other)
        return ours

    return both


IN_A = {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
ODD = {"KeyConditionExpression": "pk = :a", "FilterExpression": "points > :z"}
ODD_VALUES = {"ExpressionAttributeValues": {":a": {"S": "a"}, ":z": {"N": "5"}}}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"ProjectionExpression": "sk"},
        {"ProjectionExpression": "points, #e", "ExpressionAttributeNames": {"#e": "extra"}},
        {"AttributesToGet": ["sk", "points"]},
        {"Select": "COUNT"},
        {"Limit": 2},
        {"Limit": 3, "ScanIndexForward": False},
        {"Limit": 100, "Select": "COUNT"},
        {"Limit": 2, "Select": "COUNT"},
        {"Limit": 1, "ProjectionExpression": "points"},
        {**ODD, **ODD_VALUES},
        {**ODD, **ODD_VALUES, "Select": "COUNT"},
    ],
    ids=str,
)
def test_a_query_shows_what_it_would_if_deleted_items_were_gone(
    sorted_pair: Any, parameters: dict[str, Any]
) -> None:
    answer = sorted_pair("query", TableName="TABLE", **{**IN_A, **parameters})

    assert answer["Count"] > 0
    if "LastEvaluatedKey" in answer:
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        sorted_pair("query", TableName="TABLE", **{**IN_A, **parameters, **start})


def test_a_scan_counts_and_pages_as_if_deleted_items_were_gone(sorted_pair: Any) -> None:
    sorted_pair("scan", TableName="TABLE", Select="COUNT")
    start: dict[str, Any] = {}
    shown = 0
    while True:
        answer = sorted_pair("scan", TableName="TABLE", Limit=3, **start)
        shown += answer["Count"]
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    assert shown == 10


def test_a_batch_and_a_transaction_read_as_if_deleted_items_were_gone(sorted_pair: Any) -> None:
    keys = [wires(pk="a", sk=f"s{number:02}") for number in (0, 2, 4, 6)]
    found = sorted_pair(
        "batch_get_item",
        RequestItems={"TABLE": {"Keys": keys, "ProjectionExpression": "points"}},
    )
    gets = [{"Get": {"TableName": "TABLE", "Key": key}} for key in keys]
    told = sorted_pair("transact_get_items", TransactItems=gets)

    assert len(found["Responses"]["sorted"]) == 2
    assert [bool(each.get("Item")) for each in told["Responses"]] == [False, True, False, True]


# Transactions


def test_a_transaction_is_tried_again_on_what_others_wrote_meanwhile(pair: Pair) -> None:
    put(pair, points=5)
    by_another(pair, **POINTS)
    other = wires(id="p2")
    pair.client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": OURS, "Item": {**KEY, **wires(points=6)}}},
            {"Update": {"TableName": OURS, "Key": other, **POINTS}},
            {"Put": {"TableName": PLAIN, "Item": other}},
        ],
    )

    assert points_of(pair) == 8
    assert read(pair.stored(other)) == {"id": "p2", "points": 2}
    assert pair.raw.get_item(TableName=PLAIN, Key=other)["Item"] == other


@pytest.mark.parametrize("there", ["nothing", "alive", "deleted"])
def test_a_transaction_is_cancelled_for_the_reasons_that_a_plain_one_has(
    pair: Pair, there: str
) -> None:
    if there != "nothing":
        put(pair, points=5)
    if there == "deleted":
        pair.both("delete_item", TableName="TABLE", Key=KEY)
    condition = {"TableName": "TABLE", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    exists = {**condition, "ConditionExpression": "attribute_exists(id)"}
    absent = {**condition, "ConditionExpression": "attribute_not_exists(id)"}
    for test in (exists, absent):
        for action in (
            {"Put": {**test, "Item": {**KEY, **wires(points=5)}}},
            {"Update": {**test, "Key": KEY, "UpdateExpression": "SET seen = id"}},
            {"Delete": {**test, "Key": KEY}},
            {"ConditionCheck": {**test, "Key": KEY}},
        ):
            second = {"Put": {**condition, "Item": wires(id="p2")}}
            pair.both("transact_write_items", TransactItems=[action, second])
            pair.both("get_item", TableName="TABLE", Key=KEY)


# What is refused


@pytest.mark.parametrize(
    ("operation", "parameters", "said"),
    [
        ("execute_statement", {"Statement": "DELETE FROM parties WHERE id='p1'"}, "PartiQL|known"),
        ("put_item", {"TableName": OURS, "Item": KEY, "Expected": {}}, "ConditionExpression"),
        (
            "update_item",
            {"TableName": OURS, "Key": KEY, "AttributeUpdates": {}},
            "UpdateExpression",
        ),
        (
            "update_item",
            {"TableName": OURS, "Key": KEY, "UpdateExpression": "REMOVE #r"}
            | {"ExpressionAttributeNames": {"#r": "_rec"}},
            "reserved",
        ),
        ("put_item", {"TableName": OURS, "Item": {**KEY, "_rec_x": {"S": "x"}}}, "reserved"),
        ("put_item", {"TableName": OURS, "Item": {**KEY, "tags": {"S": "x"}}}, "tags"),
        (
            "batch_write_item",
            {
                "RequestItems": {
                    OURS: [{"PutRequest": {"Item": KEY}, "DeleteRequest": {"Key": KEY}}]
                }
            },
            "each of its parts is one",
        ),
        (
            "transact_write_items",
            {
                "TransactItems": [
                    {
                        "Put": {"TableName": OURS, "Item": KEY},
                        "Delete": {"TableName": OURS, "Key": wires(id="p2")},
                    }
                ]
            },
            "each of its parts is one",
        ),
        (
            "update_item",
            {"TableName": OURS, "Key": KEY, "UpdateExpression": "REMOVE #half"}
            | {"ExpressionAttributeNames": {"#half": "\ud800"}},
            "a name must be UTF-8 text",
        ),
    ],
    ids=[
        *("partiql", "expected", "updates", "metadata", "reserved", "type"),
        *("two requests", "two actions", "half a name"),
    ],
)
def test_what_is_not_known_is_refused_before_it_is_sent_or_passed_on_and_counted(
    pair: Pair, operation: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        getattr(pair.client, operation)(**parameters)
    assert pair.calls == ["DescribeTable"] * len(pair.calls)

    observed = boto3.client("dynamodb", region_name=REGION)
    counts = instrument(observed, SCHEMA, mode="observe").passed
    outcome(observed, operation, parameters)
    assert sum(counts.values()) == 1


def test_a_statement_on_another_table_is_left_alone(pair: Pair) -> None:
    pair.client.execute_statement(Statement="SELECT * FROM others")

    assert pair.calls == ["ExecuteStatement"]


def test_an_index_of_keys_alone_does_not_tell_who_is_deleted(aws: None) -> None:
    raw = make_table(OURS, "id", "sk")
    index = {
        "IndexName": "turned",
        "KeySchema": [
            {"AttributeName": "sk", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    raw.update_table(
        TableName=OURS,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "sk")],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    client = boto3.client("dynamodb", region_name=REGION)
    instrument(client, Schema.of(table=OURS, key=["id", "sk"]))
    client.put_item(TableName=OURS, Item=wires(id="p1", sk="a"))

    for select in ({}, {"Select": "COUNT"}):
        with pytest.raises(InvalidInput, match="include _rec"):
            client.query(
                TableName=OURS,
                IndexName="turned",
                KeyConditionExpression="sk = :a",
                ExpressionAttributeValues={":a": {"S": "a"}},
                **select,
            )


def test_a_client_has_one_schema_for_a_table_and_is_not_the_write_clients(pair: Pair) -> None:
    assert instrument(pair.client, SCHEMA) is pair.instrumented
    with pytest.raises(InvalidInput, match="another client"):
        instrument(pair.client, Schema.of(table=OURS, key=["id"]))
    with pytest.raises(InvalidInput, match="instrumented"):
        connect(SCHEMA, region=REGION, dynamodb=pair.client)


def test_a_client_that_nobody_holds_is_gone(aws: None) -> None:
    client = boto3.client("dynamodb", region_name=REGION)
    instrument(client, SCHEMA)
    held = ref(client)
    del client
    gc.collect()

    assert held() is None


# What goes wrong on the way


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, aws: None) -> Pair:
    """Return clients that wait for nothing between tries."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Pair()


def lose_answers(
    pair: Pair,
    operation: str,
    *,
    carried_out: bool,
    then: Callable[[], object] = int,
    times: int = 1,
) -> None:
    """Lose answers to the next calls of an operation, which are carried out, or never come."""
    left = [1] * times

    def strike(request: Any, **_: Any) -> None:
        if left:
            left.pop()
            pair.calls.append(operation)
            if carried_out:
                with suppress(ClientError):
                    getattr(pair.raw, xform_name(operation))(**json.loads(request.body))
            then()
            raise ReadTimeoutError(endpoint_url="http://nowhere")

    pair.client.meta.events.register_first(f"before-send.dynamodb.{operation}", strike)


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_an_update_whose_answer_is_lost_counts_once(hasty: Pair, returns: str) -> None:
    put(hasty, points=5)
    lose_answers(hasty, "UpdateItem", carried_out=True)
    hasty.calls.clear()
    answer = hasty.client.update_item(TableName=OURS, Key=KEY, ReturnValues=returns, **POINTS)

    assert hasty.calls == ["UpdateItem", "GetItem"]
    assert points_of(hasty) == 7
    after = {**KEY, **wires(points=7)} if returns == "ALL_NEW" else None
    assert answer.get("Attributes") == after


def test_an_update_that_may_still_come_is_not_sent_again(hasty: Pair) -> None:
    put(hasty, points=5)
    lose_answers(hasty, "UpdateItem", carried_out=False)

    with pytest.raises(OutcomeUnknown) as doubt:
        hasty.client.update_item(TableName=OURS, Key=KEY, **POINTS)
    assert points_of(hasty) == 5
    assert isinstance(doubt.value.__cause__, ReadTimeoutError)
    assert doubt.value.evidence["call"] == "UpdateItem"
    (dot,) = doubt.value.evidence["dots"]
    assert Dot.parse(dot).lineage.replica.endswith("~")


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_put_that_the_sdk_sends_again_takes_effect_once(hasty: Pair, carried_out: bool) -> None:
    put(hasty, points=5)
    lose_answers(hasty, "PutItem", carried_out=carried_out)
    item = {**KEY, **wires(points=8)}
    answer = hasty.client.put_item(TableName=OURS, Item=item, ReturnValues="ALL_OLD")

    assert answer["Attributes"] == {**KEY, **wires(points=5)}
    assert points_of(hasty) == 8


def test_a_put_that_its_caller_makes_again_counts_once(hasty: Pair) -> None:
    put(hasty, points=5)
    lose_answers(hasty, "PutItem", carried_out=True, times=3)
    item = {**KEY, **wires(points=8)}
    with pytest.raises(OutcomeUnknown):
        hasty.client.put_item(TableName=OURS, Item=item)
    hasty.client.put_item(TableName=OURS, Item=item)

    assert points_of(hasty) == 8


def test_a_transaction_whose_answers_are_all_lost_may_have_been_carried_out(hasty: Pair) -> None:
    put(hasty, points=5)
    lose_answers(hasty, "TransactWriteItems", carried_out=True, times=3)
    with pytest.raises(OutcomeUnknown) as doubt:
        hasty.client.transact_write_items(
            TransactItems=[{"Update": {"TableName": OURS, "Key": KEY, **POINTS}}]
        )

    assert doubt.value.evidence["call"] == "TransactWriteItems"


def test_a_read_that_has_no_answer_fails_as_ever(hasty: Pair) -> None:
    lose_answers(hasty, "GetItem", carried_out=False, times=3)
    with pytest.raises(ReadTimeoutError):
        hasty.client.get_item(TableName=OURS, Key=KEY)


def test_a_refusal_leaves_what_was_seen(pair: Pair) -> None:
    put(pair, points=5)
    by_another(pair, **POINTS)
    no: dict[str, Any] = {"TableName": OURS, "ConditionExpression": "attribute_exists(nothing)"}
    item = {**KEY, **wires(points=6)}
    calls: tuple[Callable[[], Any], ...] = (
        lambda: pair.client.put_item(Item=item, **no),
        lambda: pair.client.delete_item(Key=KEY, **no),
        lambda: pair.client.update_item(Key=KEY, **POINTS, **no),
        lambda: pair.client.transact_write_items(TransactItems=[{"Put": {"Item": item, **no}}]),
    )
    for refused in calls:
        with pytest.raises(ClientError):
            refused()
    pair.client.put_item(TableName=OURS, Item=item)

    assert points_of(pair) == 8


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("put_item", {"TableName": "TABLE", "Item": wires(name="Ada")}),
        ("delete_item", {"TableName": "TABLE", "Key": wires(id="p1", name="Ada")}),
        ("update_item", {"TableName": "TABLE", "Key": wires(name="Ada"), **POINTS}),
        ("batch_write_item", {"RequestItems": {"TABLE": [{"PutRequest": {"Item": {}}}]}}),
    ],
)
def test_a_write_without_its_key_is_refused_as_ever(
    pair: Pair, operation: str, parameters: dict[str, Any]
) -> None:
    assert pair.both(operation, **parameters)["Error"]["Code"] == "ValidationException"
    assert pair.calls == ["".join(word.title() for word in operation.split("_"))]


def test_an_item_whose_metadata_somebody_broke_can_be_read(pair: Pair) -> None:
    pair.place({**KEY, "_rec": {"S": "x"}})

    assert pair.client.get_item(TableName=OURS, Key=KEY)["Item"] == KEY


@pytest.mark.parametrize("late_ms", [0, CLOCK_SKEW_MARGIN_MS // 2 + 1])
def test_a_write_is_sent_again_for_half_the_margin_of_a_fold(
    aws: None, monkeypatch: pytest.MonkeyPatch, late_ms: int
) -> None:
    later = [0]
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(
        "reconciler.aws.instrumented.monotonic_ms", lambda: monotonic_ms() + later[-1]
    )
    pair = Pair()
    put(pair, points=5)
    lose_answers(
        pair, "PutItem", carried_out=False, then=lambda: later.append(later.pop() + late_ms)
    )
    pair.calls.clear()
    if late_ms:
        with pytest.raises(OutcomeUnknown):
            put_ours(pair)
    else:
        put_ours(pair)

    assert pair.calls == ["PutItem"] * (1 if late_ms else 2)
    assert points_of(pair) == (5 if late_ms else 8)


def put_ours(pair: Pair) -> None:
    pair.client.put_item(TableName=OURS, Item={**KEY, **wires(points=8)})


def test_a_put_that_may_have_been_overwritten_is_not_made_anew(hasty: Pair) -> None:
    put(hasty, points=5)
    elsewhere = wires(id="p1", points=5, name="Ada")
    lose_answers(
        hasty,
        "PutItem",
        carried_out=True,
        then=lambda: hasty.raw.put_item(TableName=OURS, Item=elsewhere),
    )

    with pytest.raises(OutcomeUnknown):
        hasty.client.put_item(TableName=OURS, Item={**KEY, **wires(points=8)})


def test_an_item_that_others_keep_writing_is_given_up(hasty: Pair) -> None:
    put(hasty, points=5)
    hasty.client.meta.events.register_first(
        "before-send.dynamodb.PutItem",
        lambda **_: by_another(hasty, **POINTS),
    )

    with pytest.raises(Contention, match="nothing was written"):
        hasty.client.put_item(TableName=OURS, Item={**KEY, **wires(points=8)})
    assert points_of(hasty) == 5 + 2 * 30


def test_errors_of_dynamodb_are_the_callers(pair: Pair) -> None:
    put(pair, name="Ada")
    refused = {"UpdateExpression": "SET #n = #n + :n", "ExpressionAttributeNames": {"#n": "name"}}
    more = {"ExpressionAttributeValues": {":n": {"N": "1"}}}
    pair.both("update_item", TableName="TABLE", Key=KEY, **refused, **more)
    with pytest.raises(pair.client.exceptions.ResourceNotFoundException):
        pair.client.get_item(TableName="nowhere", Key=KEY)
    pair.raw.delete_table(TableName=OURS)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        pair.client.get_item(TableName=OURS, Key=KEY)


def test_the_example_of_the_document_runs_as_printed(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.aws.test_contract.REGION", "eu-west-1")
    raw = make_table(OURS, "id")
    document = Path(__file__).parents[2] / "reconciler/calls/README.md"
    (example,) = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 (it is our own example)

    shown = {"id": "p1", "points": 8, "email": "ada@example.com"}
    assert eval(capsys.readouterr().out, {"Decimal": Decimal}) == shown  # noqa: S307 (it printed it)
    assert read(raw.get_item(TableName=OURS, Key=KEY)["Item"]) == shown
