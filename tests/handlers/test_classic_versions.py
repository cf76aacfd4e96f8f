"""Items of a classic schema, without metadata, through both functions: found, merged, counted.

`Id`, `Data`, `Version`, `LastUpdatedRegion`, `Timestamp`, `IdempotencyKey`: two regions raise one
version to the same number at once, and DynamoDB keeps one of the two images in both.
"""

import json
from typing import Any

import pytest

from handlers import detect
from reconciler.deployment.names import Names
from reconciler.deployment.versions import VersionAttributes
from reconciler.deployment.wiring import function_environment
from tests.handlers.conftest import NAMES, Context, Region, _forget, metrics
from tests.handlers.streams import batch, record
from tests.handlers.test_resolve import message, resolved

EAST, WEST = "us-east-1", "eu-west-1"
ROLES = VersionAttributes(version="Version", region="LastUpdatedRegion", written_at="Timestamp")


def item(region: str, at: str, key: str, *, version: int = 8, **data: str) -> dict[str, Any]:
    return {
        "Id": {"S": "p1"},
        "Data": {"M": {name: {"S": value} for name, value in data.items()}},
        "Version": {"N": str(version)},
        "LastUpdatedRegion": {"S": region},
        "Timestamp": {"S": f"2026-03-01T12:00:{at}Z"},
        "IdempotencyKey": {"S": key},
    }


LOST = {**item(EAST, "01", "order-1", name="Ada"), "Email": {"S": "ada@example.com"}}
WON = {**item(WEST, "02", "order-2", name="Eve"), "Phone": {"S": "555"}}
MERGED = {**LOST, **WON, "Version": {"N": "9"}}


@pytest.fixture
def classic(region: Region, monkeypatch: pytest.MonkeyPatch) -> Region:
    """Return the region that lost, whose table has the classic key and declares its version."""
    region.dynamodb.delete_table(TableName=NAMES.table)
    region.dynamodb.create_table(
        TableName=NAMES.table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("RECONCILER_VERSION_ATTRIBUTES", ROLES.text())
    return region


def change(old: Any, new: Any) -> dict[str, Any]:
    return batch(record(1, old, new, Keys={"Id": {"S": "p1"}}))


def stands(region: Region) -> Any:
    return region.dynamodb.get_item(TableName=NAMES.table, Key={"Id": {"S": "p1"}})["Item"]


def detected(region: Region, old: Any, new: Any) -> str:
    """Let replication put one image in the other's place; return the message of the loss."""
    region.place(new)
    assert detect.handler(change(old, new), Context()) == {"batchItemFailures": []}
    (event,) = region.conflicts()
    return json.dumps(event)


def test_one_version_made_in_two_regions_is_found_counted_merged_and_closed(
    classic: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    body = detected(classic, LOST, WON)
    counted = metrics(capsys.readouterr().out)
    assert counted["Conflicts"] == [1.0]
    assert classic.ledger_states() == ["OPEN"]

    assert resolved(message(body)) == []
    assert stands(classic) == MERGED
    assert classic.ledger_states() == ["RESOLVED"]
    repaired = metrics(capsys.readouterr().out)
    assert (repaired["WriteBacks"], repaired["WritesRescued"]) == ([1.0], [1.0])


def test_the_values_of_the_later_image_stand_though_it_was_the_one_that_lost(
    classic: Region,
) -> None:
    later = {**LOST, "Timestamp": {"S": "2026-03-01T12:00:03Z"}}
    resolved(message(detected(classic, later, WON)))
    assert stands(classic) == {**WON, **later, "Version": {"N": "9"}}


def test_of_one_time_the_region_s_name_decides_alike_in_both_regions(classic: Region) -> None:
    one_time = {"Timestamp": WON["Timestamp"]}
    resolved(message(detected(classic, {**LOST, **one_time}, WON)))
    first = stands(classic)
    assert first["LastUpdatedRegion"]["S"] == max(EAST, WEST)


def test_a_message_that_comes_twice_writes_nothing_more(classic: Region) -> None:
    body = detected(classic, LOST, WON)
    resolved(message(body))
    assert resolved(message(body, "m2")) == []
    assert stands(classic) == MERGED


def test_the_merge_is_clean_in_the_region_that_had_won(
    classic: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved(message(detected(classic, LOST, WON)))
    for name, value in function_environment(
        Names(NAMES.table, WEST), parked_queue_url=classic.parked_url
    ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", WEST)
    _forget()
    # Nothing is there to record a loss in: a batch that found one would come back.
    assert detect.handler(change(WON, stands(classic)), Context()) == {"batchItemFailures": []}
    assert classic.conflicts() == []
