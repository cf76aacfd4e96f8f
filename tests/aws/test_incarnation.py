"""Which replica a table is, as DynamoDB in this process answers."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from reconciler.aws import connect
from reconciler.aws.clients import client
from reconciler.aws.incarnation import FRESH_MS, ReplicaCode
from reconciler.causality.context import is_replica_of, replica_id
from reconciler.errors import Unavailable
from reconciler.item.filing import file
from reconciler.item.schema import Schema
from tests.aws.conftest import REGION

TABLE = "cats"
SCHEMA = Schema.of(table=TABLE, key=["id"], attributes={"points": "counter_pn"})


@pytest.fixture
def dynamodb(aws: None) -> Any:
    return client("dynamodb", REGION, attempts=1)


class Clocks:
    """Both clocks of a machine, and a replica's code as it is asked for by them."""

    def __init__(self, dynamodb: Any, table: str = TABLE) -> None:
        self.wall_ms = self.monotonic_ms = 0
        self.code = ReplicaCode(
            table, REGION, dynamodb, lambda: self.wall_ms, lambda: self.monotonic_ms
        )


class Deaf:
    """A client whose calls fail with one error, once there is one."""

    def __init__(self, real: Any) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self._real = real

    def describe_table(self, **given: Any) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self._real.describe_table(**given)


def refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribeTable")


def make(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def make_anew(dynamodb: Any) -> None:
    dynamodb.delete_table(TableName=TABLE)
    make(dynamodb)


def test_a_table_that_is_made_anew_is_another_replica_to_whoever_asks(dynamodb: Any) -> None:
    make(dynamodb)
    first, same = Clocks(dynamodb).code(), Clocks(dynamodb).code()
    make_anew(dynamodb)
    second = Clocks(dynamodb).code()
    assert first == same != second
    assert is_replica_of(first, REGION)
    assert is_replica_of(second, REGION)


@pytest.mark.parametrize("clock", ["wall_ms", "monotonic_ms"])
def test_a_client_that_outlives_its_table_learns_of_it_within_a_minute_of_either_clock(
    dynamodb: Any, clock: str
) -> None:
    make(dynamodb)
    clocks = Clocks(dynamodb)
    first = clocks.code()
    make_anew(dynamodb)
    setattr(clocks, clock, FRESH_MS - 1)
    assert clocks.code() == first
    setattr(clocks, clock, FRESH_MS)  # wall: a snapshot restored, whose monotonic clock stood still
    assert clocks.code() != first


def test_dynamodb_is_asked_once_a_minute_and_a_clock_that_goes_back_asks_again(
    dynamodb: Any,
) -> None:
    make(dynamodb)
    deaf = Deaf(dynamodb)
    clocks = Clocks(deaf)
    for _ in range(5):
        clocks.code()
    assert deaf.asked == 1
    clocks.wall_ms = -FRESH_MS
    clocks.code()
    assert deaf.asked == 2


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="nowhere"),
        refused("ThrottlingException", 400),
        refused("InternalServerError", 500),
    ],
)
def test_while_nobody_answers_writes_go_on_as_a_replica_that_goes_on_with_no_other_s_lineage(
    dynamodb: Any, error: Exception
) -> None:
    make(dynamodb)
    deaf = Deaf(dynamodb)
    clocks = Clocks(deaf)
    known = clocks.code()
    deaf.error = error
    clocks.wall_ms = clocks.monotonic_ms = FRESH_MS
    assert clocks.code() == clocks.code() == replica_id(REGION) != known
    assert deaf.asked == 2  # it is left alone for a while
    deaf.error = None
    clocks.wall_ms = clocks.monotonic_ms = FRESH_MS + 5_000
    assert clocks.code() == known


def test_a_table_that_is_not_there_and_a_right_that_is_missing_are_said_with_the_fix(
    dynamodb: Any,
) -> None:
    with pytest.raises(Unavailable, match="table cats: check its name and the region"):
        Clocks(dynamodb).code()
    denied = Deaf(dynamodb)
    denied.error = refused("AccessDeniedException", 400)
    with pytest.raises(Unavailable, match="table cats: grant dynamodb:DescribeTable on it"):
        Clocks(denied).code()


def test_writers_before_and_after_a_replica_is_made_anew_spend_dots_of_two_replicas(
    dynamodb: Any,
) -> None:
    make(dynamodb)
    connect(SCHEMA, dynamodb=dynamodb, region=REGION).apply(
        {"id": "p1"}, lambda item: item.increment("points", 7)
    )
    image = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "p1"}})["Item"]
    make_anew(dynamodb)
    dynamodb.put_item(TableName=TABLE, Item=image)  # the copy of another region's replica
    connect(SCHEMA, dynamodb=dynamodb, region=REGION).apply(
        {"id": "p1"}, lambda item: item.increment("points", 1)
    )
    again = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "p1"}})["Item"]
    assert again["points"] == {"N": "8"}
    assert len({lineage.replica for lineage in file(again).context.heads}) == 2
