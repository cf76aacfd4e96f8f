"""PynamoDB's models on an instrumented client: save, update, delete, transactions, versions."""

from collections.abc import Iterator
from typing import Any

import pytest
from pynamodb.attributes import (
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from reconciler import Schema, instrument
from tests.aws.conftest import REGION
from tests.aws.test_contract import make_table

TYPES: dict[str, Any] = {
    "points": "counter_pn",
    "tags": "set_aw",
    "address": "map_or",
    "version": "version",
}
SCHEMA = Schema.of(table="parties", key=["id"], attributes=TYPES)


class Address(MapAttribute[str, Any]):
    city = UnicodeAttribute(null=True)
    zip = UnicodeAttribute(null=True)


class Party(Model):
    class Meta:
        table_name = "parties"
        region = REGION

    id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(null=True)
    points = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    lines: ListAttribute[Any] = ListAttribute(null=True)
    address = Address(null=True)  # type: ignore[no-untyped-call]


class Locked(Model):
    class Meta:
        table_name = "parties"
        region = REGION

    id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(null=True)
    points = NumberAttribute(default=0)
    version = VersionAttribute()


@pytest.fixture(params=["plain", "instrumented"])
def raw(request: pytest.FixtureRequest, aws: None) -> Iterator[Any]:
    """Return a plain client of the table; the models go through one that is, or is not."""
    dynamodb = make_table("parties", "id")
    for model in (Party, Locked):
        model._connection = None
        if request.param == "instrumented":
            instrument(model._get_connection().connection.client, SCHEMA)
    yield dynamodb
    for model in (Party, Locked):
        model._connection = None


def test_a_model_is_saved_changed_and_saved_again(raw: Any) -> None:
    address = Address(city="London")  # type: ignore[no-untyped-call]
    party = Party("p1", name="Ada", points=5, tags={"a", "b"}, address=address)
    party.save()
    party.points += 2
    party.tags = {"b", "c"}
    party.address.zip = "N1"
    party.name = None
    party.save()

    found = Party.get("p1", consistent_read=True)
    assert found.attribute_values["points"] == 7
    assert found.tags == {"b", "c"}
    assert found.address.attribute_values == {"city": "London", "zip": "N1"}
    assert found.name is None
    assert Party.count("p1") == 1


def test_a_model_is_updated_and_shows_what_became_of_it(raw: Any) -> None:
    party = Party("p1", points=5)
    party.save()
    party.update(
        actions=[
            Party.points.add(2),
            Party.name.set("Ada"),
            Party.tags.add({"x"}),
            Party.lines.set((Party.lines | []).append(["first"])),
        ],
        condition=Party.points == 5,
    )

    assert (party.points, party.name, party.tags, party.lines) == (7, "Ada", {"x"}, ["first"])
    with pytest.raises(UpdateError) as refusal:
        party.update(actions=[Party.points.set(1)], condition=Party.points == 5)
    assert refusal.value.cause_response_code == "ConditionalCheckFailedException"


def test_a_deleted_model_does_not_exist_and_can_be_made_anew(raw: Any) -> None:
    party = Party("p1", name="Ada", points=5)
    party.save(condition=Party.id.does_not_exist())
    with pytest.raises(PutError):
        Party("p1").save(condition=Party.id.does_not_exist())
    party.delete(condition=Party.name == "Ada")

    with pytest.raises(Party.DoesNotExist):
        Party.get("p1")
    with pytest.raises(DeleteError):
        Party("p1").delete(condition=Party.id.exists())
    assert list(Party.scan()) == list(Party.query("p1")) == []
    Party("p1", points=1).save(condition=Party.id.does_not_exist())
    assert Party.get("p1").attribute_values == {"id": "p1", "points": 1}


def test_a_version_refuses_who_saves_over_what_it_has_not_read(raw: Any) -> None:
    first = Locked("p1", points=5)
    first.save()
    other = Locked.get("p1", consistent_read=True)
    first.points = 6
    first.save()
    other.points = 7

    with pytest.raises(PutError) as refusal:
        other.save()
    assert refusal.value.cause_response_code == "ConditionalCheckFailedException"
    other.refresh()
    other.update(actions=[Locked.points.add(1)])
    assert (other.points, other.version) == (7, 3)
    with pytest.raises(DeleteError):
        first.delete()
    other.delete()
    Locked("p1").save()
    assert Locked.get("p1").version == 1


def test_a_transaction_writes_all_or_nothing(raw: Any) -> None:
    Party("p1", points=5).save()
    Party("p2", points=1).save()
    connection = Connection(region=REGION)
    connection._client = Party._get_connection().connection.client
    with TransactWrite(connection=connection) as transaction:
        transaction.update(Party("p1"), actions=[Party.points.add(-2)], condition=Party.points >= 2)
        transaction.delete(Party("p2"))
        transaction.save(Party("p3", name="Eve", points=2), condition=Party.id.does_not_exist())
    refused = TransactWrite(connection=connection)
    refused.condition_check(Party, "p2", condition=Party.id.exists())
    refused.update(Party("p1"), actions=[Party.points.add(100)])
    with pytest.raises(TransactWriteError) as refusal:
        refused._commit()

    reasons = [each and each.code for each in refusal.value.cancellation_reasons]
    assert reasons == ["ConditionalCheckFailed", None]
    with TransactGet(connection=connection) as read:
        one, three = read.get(Party, "p1"), read.get(Party, "p3")
    assert (one.get().points, three.get().name) == (3, "Eve")
    assert {party.id for party in Party.scan()} == {"p1", "p3"}


def test_batches_write_and_read(raw: Any) -> None:
    with Party.batch_write() as batch:
        for number in range(30):
            batch.save(Party(f"p{number}", points=number))
    with Party.batch_write() as batch:
        for number in range(0, 30, 2):
            batch.delete(Party(f"p{number}"))

    assert {party.points for party in Party.batch_get([f"p{n}" for n in range(30)])} == {
        *range(1, 30, 2)
    }
    assert len(list(Party.scan())) == 15
    page = Party.scan(limit=4)
    assert len(list(page)) == 4
