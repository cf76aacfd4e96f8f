"""A replica gone through item by item: the contract of `WholeReplica`, and what AWS answers it."""

from typing import Any

import pytest

from reconciler.aws.whole_replica import DynamoReplica
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.adoption import adopted
from reconciler.item.metadata import METADATA, NAMES
from reconciler.ports import Page, Segment, Stamp, TableFacts, WholeReplica
from reconciler.values.wire import Image, canonical_image, to_json
from tests.aws.test_contract import make_table
from tests.builders import SCHEMA, assign, increment, written
from tests.fakes import FakeItems, FakeWhole
from tests.named import named_on

both = pytest.mark.parametrize("kind", ["fake", "aws"])
KEY: Image = {"id": {"S": "p1"}}
RAW: Image = {**KEY, "name": {"S": "Ada"}, "tags": {"SS": ["a", "b"]}, "n": {"N": "1.5"}}


class Replica:
    """A replica of either kind, and a way around it."""

    def __init__(self, kind: str) -> None:
        self.port: WholeReplica
        self.place: Any
        if kind == "fake":
            items = FakeItems("id")
            self.port, self.place = FakeWhole(items), items.place
        else:
            dynamodb = make_table("parties", "id")
            self.port = DynamoReplica("parties", dynamodb)
            self.place = lambda image: dynamodb.put_item(TableName="parties", Item=image)

    def current(self) -> Image | None:
        (found,) = self.port.images([KEY])
        return canonical_image(found) if found is not None else None


@pytest.fixture
def replica(kind: str, aws: None) -> Replica:
    return Replica(kind)


def stamp_of(image: Image, *absent: str) -> Stamp:
    stamped = adopted(image, KEY, SCHEMA.spec)
    assert stamped is not None
    return Stamp(stamped, KEY, image, absent)


@both
def test_all_items_are_in_the_pages_of_the_segments_once(replica: Replica) -> None:
    for number in range(9):
        replica.place({**RAW, "id": {"S": f"p{number}"}})

    found = []
    for number in range(3):
        after = None
        while True:
            page = replica.port.page(Segment(number, 3), after)
            found += [each["id"]["S"] for each in page.images]
            after = page.after
            if after is None:
                break

    assert sorted(found) == [f"p{number}" for number in range(9)]
    assert replica.port.facts() == TableFacts(("id",), frozenset(), 9)


@both
def test_items_come_in_the_order_of_their_keys_and_what_is_not_there_is_none(
    replica: Replica,
) -> None:
    for name in ("b", "a"):
        replica.place({**RAW, "id": {"S": name}})

    found = replica.port.images([{"id": {"S": name}} for name in ("b", "nobody", "a")])

    assert [each and each["id"]["S"] for each in found] == ["b", None, "a"]


@both
@pytest.mark.parametrize(
    "image", [RAW, {**KEY}, named_on(RAW, increment("n", 5)), named_on(KEY, assign("name", "x"))]
)
def test_a_stamp_is_put_on_an_item_that_is_as_it_was(replica: Replica, image: Image) -> None:
    replica.place(image)

    assert replica.port.stamp(stamp_of(image, "balance"))

    stamped = adopted(image, KEY, SCHEMA.spec)
    assert to_json(replica.current()) == to_json(canonical_image(stamped or {}))
    assert not replica.port.stamp(stamp_of(image, "balance"))


@both
@pytest.mark.parametrize(
    "newer",
    [
        pytest.param({**RAW, "name": {"S": "Eve"}}, id="another value"),
        pytest.param({**RAW, "tags": {"SS": ["a", "c"]}}, id="another member"),
        pytest.param({n: v for n, v in RAW.items() if n != "n"}, id="an attribute less"),
        pytest.param({**RAW, "balance": {"N": "3"}}, id="an attribute that matters more"),
        pytest.param(named_on(RAW, increment("n", 5)), id="a named write"),
        pytest.param(stamp_of(RAW).image, id="stamped already"),
        pytest.param(written(assign("name", "Ada")), id="a library write"),
        pytest.param(None, id="deleted"),
    ],
)
def test_a_stamp_is_refused_by_an_item_that_is_not_as_it_was(
    replica: Replica, newer: Image | None
) -> None:
    if newer is not None:
        replica.place(newer)

    assert not replica.port.stamp(stamp_of(RAW, "balance", NAMES))
    assert replica.current() == newer


@both
def test_a_stamp_leaves_named_writes_that_came_since_to_another_look(replica: Replica) -> None:
    before = named_on(RAW, increment("n", 5))
    newer = named_on(before, increment("n", 7), number=2)
    replica.place(newer)

    assert not replica.port.stamp(stamp_of(before))
    assert METADATA not in (replica.current() or {})


class Client:
    """A client that answers a batch with one key at a time, or with none."""

    def __init__(self, answered: int) -> None:
        self.answered = answered

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 (as boto3 has it)
        keys = RequestItems["parties"]["Keys"]
        done, left = keys[: self.answered], keys[self.answered :]
        again = {"parties": {"Keys": left, "ConsistentRead": True}} if left else {}
        return {"Responses": {"parties": done}, "UnprocessedKeys": again}


def test_keys_that_an_answer_leaves_over_are_asked_for_again() -> None:
    keys: list[Image] = [{"id": {"S": f"p{number}"}} for number in range(3)]
    assert DynamoReplica("parties", Client(1)).images(keys) == keys


def test_keys_that_are_left_over_each_time_are_no_items_that_are_missing() -> None:
    with pytest.raises(Unavailable, match="left over"):
        DynamoReplica("parties", Client(0)).images([KEY])


class Described:
    """A client that describes a table."""

    def __init__(self, **more: Any) -> None:
        keys = [("RANGE", "at"), ("HASH", "id")]
        schema = [{"AttributeName": name, "KeyType": kind} for kind, name in keys]
        self._table = {"KeySchema": schema, "ItemCount": 7, **more}

    def describe_table(self, **_: Any) -> Any:
        return {"Table": self._table}


def test_a_table_is_in_the_regions_of_its_replicas_and_has_its_keys_in_order() -> None:
    replicas = [{"RegionName": "eu-west-1"}, {"RegionName": "ap-southeast-1"}]
    found = DynamoReplica("parties", Described(Replicas=replicas)).facts()
    assert found == TableFacts(("id", "at"), frozenset({"eu-west-1", "ap-southeast-1"}), 7)


def test_a_table_whose_regions_are_strongly_consistent_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none differs"):
        DynamoReplica("parties", Described(MultiRegionConsistency="STRONG")).facts()


def test_a_page_says_where_to_go_on(aws: None) -> None:
    dynamodb = make_table("parties", "id")
    dynamodb.put_item(TableName="parties", Item=RAW)
    assert DynamoReplica("parties", dynamodb).page(Segment(0, 1), None) == Page([RAW], None)
