"""A table in use, as DynamoDB describes it, and the guests that fit into it."""

from typing import Any

import pytest

from reconciler.aws.clients import client
from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.drills.hosts import Host, host_of, replica
from reconciler.errors import InvalidInput, Unavailable
from tests.aws.conftest import REGION

pytestmark = pytest.mark.usefixtures("aws")


def create(**more: Any) -> Any:
    dynamodb = client("dynamodb", REGION, attempts=1)
    kinds = {"pk": "S", "sk": "N", "email": "S"}
    dynamodb.create_table(
        TableName="parties",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-email",
                "KeySchema": [{"AttributeName": "email", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return dynamodb


class Describing:
    """A client whose tables have what moto leaves out."""

    def __init__(self, dynamodb: Any, **more: Any) -> None:
        self._dynamodb, self._more = dynamodb, more

    def describe_table(self, **arguments: Any) -> Any:
        answer = self._dynamodb.describe_table(**arguments)
        return {"Table": answer["Table"] | self._more}


def test_its_keys_come_in_order_and_its_indexes_attributes_are_taken() -> None:
    host = host_of("parties", create())

    assert list(host.keys.items()) == [("pk", "S"), ("sk", "N")]
    assert host.indexed == {"email"}
    assert host.arn == f"arn:aws:dynamodb:{REGION}:123456789012:table/parties"


def test_its_replicas_are_named() -> None:
    dynamodb = Describing(create(), Replicas=[{"RegionName": "eu-west-1"}])

    assert host_of("parties", dynamodb).replicas == {"eu-west-1"}


def test_a_table_that_is_not_there_says_so() -> None:
    with pytest.raises(Unavailable, match="DescribeTable: ResourceNotFoundException"):
        host_of("nowhere", client("dynamodb", REGION, attempts=1))


def test_strongly_consistent_replicas_have_no_guests() -> None:
    dynamodb = Describing(create(), MultiRegionConsistency="STRONG")

    with pytest.raises(InvalidInput, match="strongly consistent"):
        host_of("parties", dynamodb)


def test_a_region_s_part_writes_and_reads_the_same_item() -> None:
    dynamodb = create()
    host = host_of("parties", dynamodb)
    schema = host.schema({"tags": "set_aw"})
    part = replica(Region(Names("parties", REGION)), schema)

    part.table.apply(host.key("p1"), lambda item: item.add("tags", "vip"))

    image = part.items.get({"pk": {"S": "p1"}, "sk": {"N": "0"}})
    assert image is not None
    assert image["tags"] == {"SS": ["vip"]}


def test_a_guest_has_the_key_that_the_table_asks_for() -> None:
    assert Host("t", {"pk": "S"}).key("probe") == {"pk": "probe"}
    for kind, value in (("S", "guest"), ("N", 0), ("B", b"guest")):
        host = Host("t", {"pk": "S", "sk": kind})
        assert host.key("probe") == {"pk": "probe", "sk": value}


def test_the_tombstones_of_guests_go_after_a_day() -> None:
    schema = Host("parties", {"pk": "S", "sk": "N"}).schema({"tags": "set_aw"})

    assert schema.tombstone_retention_days == 1
    assert schema.key == ("pk", "sk")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (Host("parties", {"pk": "N"}), "--table parties: its partition key pk has the type N"),
        (
            Host("parties", {"pk": "S"}, indexed=frozenset({"tags", "email"})),
            "its keys and indexes use tags, which",
        ),
        (Host("parties", {"tags": "S"}), "its keys and indexes use tags, which"),
    ],
)
def test_a_table_that_cannot_have_guests_is_refused_with_the_reason(
    host: Host, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        host.schema({"tags": "set_aw"})
