"""The HTTP doors of a cloud: the real function in each region, for keys of any type."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from reconciler.aws import now_ms
from reconciler.deployment.table_document import Index, Key
from reconciler.item.schema import Schema
from reconciler.local.cloud import LocalCloud
from reconciler.local.doors import Doors, open_doors
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US, eventually

TABLE = "visits"
SCHEMA = Schema.of(table=TABLE, key=["who", "at"], attributes={"points": "counter_pn"})
BY_PLACE = Index(
    name="by-place",
    partition_key=Key(name="place", type="S"),
    sort_key=Key(name="points", type="N"),
    projection="KEYS_ONLY",
)
SPEC = TableSpec(TABLE, "who", "at", kinds={"who": "B", "at": "N"}, indexes=[BY_PLACE])


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud([SPEC], reconciled=TABLE, regions=(US, EU), lag_ms=(5, 20)) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def doors(cloud: LocalCloud) -> Iterator[Doors]:
    with open_doors(cloud, SCHEMA) as doors:
        yield doors


def ask(address: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    request = Request(address, data, {**kind, **headers})  # noqa: S310 (our own address)
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except HTTPError as refused:
        return refused.code, json.loads(refused.read())


def write(address: str, at: float, *edits: dict[str, Any], **headers: str) -> int:
    key = {"who": {"bytes": "AQI="}, "at": at}
    return ask(f"{address}/write", {"key": key, "edits": list(edits)}, **headers)[0]


def points(amount: int) -> dict[str, Any]:
    return {"type": "increment", "path": "points", "amount": amount}


def test_what_two_doors_write_at_once_is_in_both_regions(cloud: LocalCloud, doors: Doors) -> None:
    here, there = doors.addresses[US], doors.addresses[EU]
    assert write(here, 1.5, {"type": "assign", "path": "place", "value": "Rome"}) == 200
    cloud.settle()
    cloud.partition(US, EU)

    assert write(here, 1.5, points(25)) == write(there, 1.5, points(10)) == 200

    cloud.heal()
    cloud.settle()
    seen = [ask(f"{each}/items/~AQI/1.5")[1] for each in (here, there)]
    assert seen == [{"who": {"bytes": "AQI="}, "at": 1.5, "place": "Rome", "points": 35}] * 2
    lost = [ask(f"{each}/conflicts?state=RESOLVED")[1]["conflicts"] for each in (here, there)]
    assert any(lost)


def test_an_index_that_the_table_has_finds_what_a_door_wrote(
    cloud: LocalCloud, doors: Doors
) -> None:
    edits = {"type": "assign", "path": "place", "value": "Oslo"}, points(3)
    assert write(doors.addresses[US], 2, *edits) == 200
    cloud.settle()

    found = cloud.client("dynamodb", EU).query(
        TableName=TABLE,
        IndexName="by-place",
        KeyConditionExpression="place = :oslo",
        ExpressionAttributeValues={":oslo": {"S": "Oslo"}},
    )["Items"]

    assert [item["at"] for item in found] == [{"N": "2"}]


def test_a_key_that_one_door_took_is_not_carried_out_at_another(
    cloud: LocalCloud, doors: Doors
) -> None:
    here, there = doors.addresses[US], doors.addresses[EU]
    once = {"Idempotency-Key": "order-17", "Idempotency-Issued-At": str(now_ms())}
    cloud.partition(US, EU)
    assert write(here, 3, points(5), **once) == write(there, 3, points(5), **once) == 200

    cloud.heal()
    cloud.settle()

    assert ask(f"{here}/items/~AQI/3")[1]["points"] == 5
    assert ask(f"{there}/items/~AQI/3")[1]["points"] == 5


def test_each_region_says_how_it_is_and_what_may_be_asked(doors: Doors) -> None:
    for region, address in doors.addresses.items():
        status, health = ask(f"{address}/health")
        assert (status, health["health"], health["region"]) == (200, "healthy", region)
        paths = ask(f"{address}/openapi.json")[1]["paths"]
        assert "/items/{partition}/{sort}" in paths


def test_a_page_of_a_browser_writes_nothing(doors: Doors) -> None:
    assert write(doors.addresses[US], 9, points(1), Origin="http://localhost:3000") == 403

    assert ask(f"{doors.addresses[US]}/items/~AQI/9")[0] == 404


def test_a_door_whose_process_ends_is_told() -> None:
    with (
        LocalCloud([TableSpec("parties", "id")], regions=(US, EU)) as cloud,
        open_doors(cloud, Schema.of(table="parties", key=["id"])) as doors,
    ):
        doors.check()
        os.kill(doors.children[0].pid, signal.SIGKILL)

        def is_told() -> bool:
            try:
                doors.check()
            except LocalCloudError as told:
                return "door-us-east-1 ended with status -9" in str(told)
            return False

        assert eventually(is_told)


def test_a_door_that_refuses_its_settings_ends_the_start_with_its_reason() -> None:
    spec = TableSpec("parties", "id", environment={"RECONCILER_KEY_LIFETIME_MINUTES": "-5"})
    refused = r"(?s)door-\S+ answers 500: .*RECONCILER_KEY_LIFETIME_MINUTES is '-5'; it is a"
    with (
        LocalCloud([spec], regions=(US, EU)) as cloud,
        pytest.raises(LocalCloudError, match=refused),
        open_doors(cloud, Schema.of(table="parties", key=["id"])),
    ):
        raise AssertionError("the doors are open")
