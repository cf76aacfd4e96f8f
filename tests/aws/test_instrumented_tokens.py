"""Transactions that are made again with their ClientRequestToken, in either region."""

import json
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from reconciler import KeyExpired, instrument, merge, read
from reconciler.clock import now_ms
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.aws.test_contract import make_table
from tests.aws.test_instrumented import OURS, PLAIN, SCHEMA, Pair, wires

ONE, TWO, THREE = (wires(id=name) for name in ("p1", "p2", "p3"))
Actions = list[dict[str, Any]]


@pytest.fixture
def pair(aws: None) -> Pair:
    made = Pair()
    for key in (ONE, TWO):
        made.client.put_item(TableName=OURS, Item={**key, **wires(points=5)})
    made.calls.clear()
    return made


class Abroad:
    """A replica in another region, which has the items of a pair as they are now."""

    def __init__(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.aws.test_contract.REGION", "eu-west-1")
        self._here, self._there = pair, make_table(OURS, "id")
        self.others = make_table(PLAIN, "id")
        self.client = boto3.client("dynamodb", region_name="eu-west-1")
        instrument(self.client, SCHEMA)
        for key in (ONE, TWO):
            self.replicate(key)

    def replicate(self, key: Image) -> None:
        self._there.put_item(TableName=OURS, Item=self._here.stored(key))

    def stored(self, key: Image) -> Image:
        found: Image = self._there.get_item(TableName=OURS, Key=key)["Item"]
        return found

    def merged(self, key: Image) -> Any:
        here, there = self._here.stored(key), self.stored(key)
        assert merge(here, there) == merge(there, here)
        return read(merge(here, there))


def token(age_ms: int = 1_000) -> str:
    """Return a UUIDv7 that was made so long ago."""
    number = (now_ms() - age_ms) << 80 | 7 << 76 | 2 << 62 | uuid4().int & (1 << 62) - 1
    return str(UUID(int=number))


def add(key: Image, amount: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": OURS,
            "Key": key,
            "UpdateExpression": "ADD points :n",
            **more,
            "ExpressionAttributeValues": {
                ":n": {"N": str(amount)},
                **more.get("ExpressionAttributeValues", {}),
            },
        }
    }


def put(item: Image, table: str = OURS, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item, **more}}


def make(client: Any, actions: Actions, given: str) -> None:
    client.transact_write_items(TransactItems=actions, ClientRequestToken=given)


def points(pair: Pair, key: Image) -> Any:
    return (read(pair.stored(key)) or {}).get("points")


def test_what_a_transaction_only_takes_away_it_takes_once_and_makes_nothing_of_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    name: dict[str, Any] = {"TableName": OURS, "ExpressionAttributeNames": {"#n": "name"}}
    ada = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeValues": {":n": {"S": "Ada"}}}
    pair.client.update_item(Key=ONE, **name, **ada)
    actions = [
        {"Update": {"Key": key, "UpdateExpression": "REMOVE #n", **name}} for key in (ONE, THREE)
    ]
    given = token()
    make(pair.client, actions, given)
    assert read(pair.stored(ONE)) == {"id": "p1", "points": 5}
    for key in (ONE, THREE):
        pair.client.update_item(Key=key, **name, **ada)
    abroad = Abroad(pair, monkeypatch)
    for client in (pair.client, abroad.client):
        make(client, actions, given)

    assert read(pair.stored(ONE)) == {"id": "p1", "points": 5, "name": "Ada"}
    assert abroad.merged(ONE) == read(pair.stored(ONE))
    assert read(pair.stored(THREE)) == {"id": "p3", "name": "Ada"}


def test_a_transaction_that_is_made_again_in_its_region_is_answered_and_counts_once(
    pair: Pair,
) -> None:
    once, actions = token(), [add(ONE), put({**TWO, **wires(points=9)}), put(THREE, PLAIN)]
    make(pair.client, actions, once)
    stored = [pair.stored(key) for key in (ONE, TWO)]
    pair.raw.delete_item(TableName=PLAIN, Key=THREE)
    for _ in range(2):
        make(pair.client, actions, once)

    assert (points(pair, ONE), points(pair, TWO)) == (7, 9)
    assert [pair.stored(key) for key in (ONE, TWO)] == stored
    assert "Item" not in pair.raw.get_item(TableName=PLAIN, Key=THREE)


def test_what_others_wrote_since_stands_when_a_transaction_is_made_again(pair: Pair) -> None:
    once, gone = token(), {"Delete": {"TableName": OURS, "Key": THREE}}
    pair.client.put_item(TableName=OURS, Item=THREE)
    pair.client.delete_item(TableName=OURS, Key=THREE)
    make(pair.client, [put({**TWO, **wires(points=5)}), gone], once)
    pair.client.put_item(TableName=OURS, Item={**TWO, **wires(points=50)})
    pair.client.put_item(TableName=OURS, Item={**THREE, **wires(points=1)})
    make(pair.client, [put({**TWO, **wires(points=5)}), gone], once)

    assert (points(pair, TWO), points(pair, THREE)) == (50, 1)


def test_two_regions_that_carry_out_one_transaction_count_it_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    abroad, once = Abroad(pair, monkeypatch), token()
    for client in (pair.client, abroad.client):
        client.get_item(TableName=OURS, Key=TWO)
        make(client, [add(ONE), put({**TWO, **wires(points=9)})], once)

    assert abroad.merged(ONE) == {"id": "p1", "points": 7}
    assert abroad.merged(TWO) == {"id": "p2", "points": 9}


def test_where_one_item_has_arrived_the_others_are_written_and_other_tables_left_alone(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    abroad, once = Abroad(pair, monkeypatch), token()
    five = {"ExpressionAttributeValues": {":five": {"N": "5"}}}
    condition = {"ConditionExpression": "points = :five", **five}
    actions = [add(ONE), add(TWO, 3, **condition), put(THREE, PLAIN)]
    make(pair.client, actions, once)
    abroad.replicate(ONE)
    make(abroad.client, actions, once)

    assert read(abroad.stored(ONE)) == {"id": "p1", "points": 7}
    assert read(abroad.stored(TWO)) == abroad.merged(TWO) == {"id": "p2", "points": 8}
    assert "Item" not in abroad.others.get_item(TableName=PLAIN, Key=THREE)
    abroad.replicate(TWO)
    make(abroad.client, actions, once)
    assert read(abroad.stored(TWO)) == {"id": "p2", "points": 8}


def test_a_cancellation_tells_each_action_its_own_reason_though_some_were_made_before(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    abroad, once = Abroad(pair, monkeypatch), token()
    condition: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#n)",
        "ExpressionAttributeNames": {"#n": "name"},
    }
    actions = [add(ONE), put({**TWO, **wires(points=6)}, **condition)]
    make(pair.client, actions, once)
    abroad.replicate(ONE)
    abroad.client.put_item(TableName=OURS, Item={**TWO, **wires(name="Ada")})
    with pytest.raises(ClientError) as cancelled:
        make(abroad.client, actions, once)

    codes = [each["Code"] for each in cancelled.value.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed"]
    assert str(cancelled.value).endswith("[None, ConditionalCheckFailed]")


@pytest.mark.parametrize("kind", ["update", "put"])
def test_another_payload_under_a_token_is_a_mismatch_and_writes_nothing(
    pair: Pair, kind: str
) -> None:
    once = token()
    make(pair.client, [add(ONE)], once)
    other = add(ONE, 3) if kind == "update" else put({**ONE, **wires(points=1)})
    with pytest.raises(pair.client.exceptions.IdempotentParameterMismatchException):
        make(pair.client, [other, add(TWO)], once)

    assert (points(pair, ONE), points(pair, TWO)) == (7, 5)


def test_one_payload_may_be_said_in_many_ways(pair: Pair) -> None:
    once, arn = token(), f"arn:aws:dynamodb:{REGION}:123456789012:table/{OURS}"
    for tags, table in ((["a", "b"], OURS), (["b", "a"], arn)):
        item = {**ONE, "tags": {"SS": tags}, "image": {"B": b"\0\1"}}
        make(pair.client, [put(item, table)], once)

    assert (read(pair.stored(ONE)) or {})["tags"] == {"a", "b"}


@pytest.mark.parametrize("mode", ["strict", "observe"])
def test_a_token_that_is_too_old_is_refused_before_anything_is_sent(aws: None, mode: Any) -> None:
    make_table(OURS, "id")
    client = boto3.client("dynamodb", region_name=REGION)
    instrument(client, SCHEMA, mode=mode)
    with pytest.raises(KeyExpired):
        make(client, [add(ONE)], token(age_ms=86_400_000 + 60_000))

    assert "Item" not in client.get_item(TableName=OURS, Key=ONE)


def test_under_a_token_that_tells_no_time_nothing_is_tried_again(pair: Pair) -> None:
    def others_are_first(request: Any, **_: Any) -> None:
        pair.client.meta.events.unregister(event, others_are_first)
        by_another = boto3.client("dynamodb", region_name=REGION)
        instrument(by_another, SCHEMA)
        by_another.update_item(**add(ONE)["Update"])

    event = "before-send.dynamodb.TransactWriteItems"
    item = pair.client.get_item(TableName=OURS, Key=ONE)["Item"]
    item = {**item, **wires(points=6)}
    pair.client.meta.events.register_first(event, others_are_first)
    once = str(uuid4())
    with pytest.raises(pair.client.exceptions.TransactionCanceledException) as cancelled:
        make(pair.client, [put(item), add(TWO)], once)
    codes = [each["Code"] for each in cancelled.value.response["CancellationReasons"]]
    assert codes == ["TransactionConflict", "None"]
    assert (points(pair, ONE), points(pair, TWO)) == (7, 5)

    make(pair.client, [put(item), add(TWO)], once)  # on what is there now
    assert (points(pair, ONE), points(pair, TWO)) == (8, 7)
    assert pair.calls.count("TransactWriteItems") == 2


def test_without_a_token_what_others_wrote_meanwhile_is_no_matter(pair: Pair) -> None:
    item = pair.client.get_item(TableName=OURS, Key=ONE)["Item"]
    other = boto3.client("dynamodb", region_name=REGION)
    instrument(other, SCHEMA)
    other.update_item(**add(ONE)["Update"])
    pair.client.transact_write_items(TransactItems=[put({**item, **wires(points=6)}), add(TWO)])

    assert (points(pair, ONE), points(pair, TWO)) == (8, 7)


def sent_together(pair: Pair) -> list[dict[str, Any]]:
    """Return what is sent as transactions, as it is sent."""
    sent: list[dict[str, Any]] = []
    pair.client.meta.events.register(
        "before-send.dynamodb.TransactWriteItems",
        lambda request, **_: sent.append(json.loads(request.body)),
    )
    return sent


def test_a_token_that_none_of_our_items_will_show_is_left_to_dynamodb_each_time(
    pair: Pair,
) -> None:
    sent, once = sent_together(pair), token()
    check = {"TableName": OURS, "Key": ONE, "ConditionExpression": "attribute_exists(id)"}
    for _ in range(2):
        make(pair.client, [{"ConditionCheck": check}, put(THREE, PLAIN)], once)

    assert [each["ClientRequestToken"] for each in sent] == [once, once]
    assert sent[0] == sent[1]  # else DynamoDB would refuse the second
    stale = token(age_ms=86_400_000 + 60_000)
    make(pair.client, [{"ConditionCheck": check}, put(THREE, PLAIN)], stale)
    assert sent[-1]["ClientRequestToken"] == stale


def test_a_delete_of_what_is_not_there_shows_the_key_so_other_tables_are_written_once(
    pair: Pair,
) -> None:
    once, gone = token(), {"Delete": {"TableName": OURS, "Key": THREE}}
    pay = {**add(THREE)["Update"], "TableName": PLAIN}
    for _ in range(2):
        make(pair.client, [gone, {"Update": pay}], once)

    assert pair.raw.get_item(TableName=PLAIN, Key=THREE)["Item"]["points"] == {"N": "2"}
    assert "Item" not in pair.client.get_item(TableName=OURS, Key=THREE)
    assert "_rec_ttl" in pair.stored(THREE)


def test_a_delete_of_what_was_not_there_leaves_what_others_created_since(pair: Pair) -> None:
    once, gone = token(), {"Delete": {"TableName": OURS, "Key": THREE}}
    make(pair.client, [gone, add(ONE)], once)
    pair.client.put_item(TableName=OURS, Item={**THREE, **wires(points=1)})
    make(pair.client, [gone, add(ONE)], once)

    assert (points(pair, ONE), points(pair, THREE)) == (7, 1)


@pytest.mark.parametrize("rule", ["update_wins", "delete_wins"])
def test_a_delete_of_what_is_not_there_leaves_what_another_region_created(
    aws: None, monkeypatch: pytest.MonkeyPatch, rule: Any
) -> None:
    schema = SCHEMA.model_copy(update={"delete": rule})
    monkeypatch.setattr("tests.aws.test_instrumented.SCHEMA", schema)
    monkeypatch.setattr("tests.aws.test_instrumented_tokens.SCHEMA", schema)
    pair = Pair()
    for key in (ONE, TWO):
        pair.client.put_item(TableName=OURS, Item=key)
    abroad = Abroad(pair, monkeypatch)
    abroad.client.put_item(TableName=OURS, Item={**THREE, **wires(points=1)})
    make(pair.client, [{"Delete": {"TableName": OURS, "Key": THREE}}], token())

    assert abroad.merged(THREE) == {"id": "p3", "points": 1}


def test_a_deleted_item_shows_the_key_of_another_delete_for_as_long_as_a_new_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"Delete": {"TableName": OURS, "Key": TWO}}
    make(pair.client, [gone], token())
    first = int(pair.stored(TWO)["_rec_ttl"]["N"])
    later = now_ms() + 6 * 86_400_000
    monkeypatch.setattr("reconciler.causality.region_time.RegionTime.now_ms", lambda _: later)
    monkeypatch.setattr("tests.aws.test_instrumented_tokens.now_ms", lambda: later)
    client = boto3.client("dynamodb", region_name=REGION)
    instrument(client, SCHEMA)
    make(client, [gone], token())

    assert int(pair.stored(TWO)["_rec_ttl"]["N"]) > first


NO_TIMES = {
    "a date": "20261129070000000000000042",
    "a number": "00000000000000000000000042",
    "a number with a time of 2006": "01234567890123456789012345",
    "a number beyond all times": "7fffffffffffffffffffffffff",
    "letters that are alike": "01\N{KELVIN SIGN}B" + 22 * "0",
    "a UUIDv7 without a time": "00000000-0000-7000-8000-000000000042",
}


@pytest.mark.parametrize("mode", ["strict", "observe"])
@pytest.mark.parametrize("given", NO_TIMES.values(), ids=NO_TIMES)
def test_a_token_in_the_form_of_a_key_with_an_absurd_time_is_any_other_token(
    aws: None, given: str, mode: Any
) -> None:
    pair = Pair(mode)
    sent = sent_together(pair)
    make(pair.client, [add(ONE)], given)

    assert [each["ClientRequestToken"] for each in sent] == [given]
    assert "_rec_w" in pair.stored(ONE)
    assert not pair.instrumented.passed


@pytest.mark.parametrize(
    ("ahead_ms", "is_key"), [(30_000, True), (86_400_000 + 60_000, False)], ids=["drift", "absurd"]
)
def test_a_token_of_the_future_is_a_key_within_the_drift_of_clocks_and_none_beyond_a_day(
    pair: Pair, ahead_ms: int, is_key: bool
) -> None:
    sent, given = sent_together(pair), token(-ahead_ms)
    make(pair.client, [add(ONE)], given)

    assert [each["ClientRequestToken"] == given for each in sent] == [not is_key]


@pytest.mark.parametrize("ahead_ms", [5 * 60_000, 86_400_000 - 60_000])
def test_a_token_that_would_become_a_key_while_it_is_repeated_is_refused(
    pair: Pair, ahead_ms: int
) -> None:
    with pytest.raises(KeyExpired, match="clock"):
        make(pair.client, [add(ONE)], token(-ahead_ms))

    assert points(pair, ONE) == 5


def test_a_key_that_was_made_years_ago_is_refused_however_old(pair: Pair) -> None:
    with pytest.raises(KeyExpired):
        make(pair.client, [add(ONE)], "01DXF6DT00" + 16 * "0")  # a ULID of 2020

    assert points(pair, ONE) == 5
