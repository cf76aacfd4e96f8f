"""Whole tables, adopted and swept by the commands on a local cloud, beside those who write them.

What was acknowledged is counted outside the items, by whoever wrote it; the items are held to that.
"""

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest

from reconciler import Schema, named
from reconciler.aws import connect
from reconciler.aws.incarnation import ReplicaCode
from reconciler.clock import monotonic_ms, now_ms
from reconciler.deployment.names import Names
from reconciler.item.image import read
from reconciler.item.metadata import is_managed
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US, eventually, sorted_scan

TABLE = "parties"
TYPES = {"points": "counter_pn", "tags": "set_aw"}
SCHEMA = Schema.of(table=TABLE, key=["id"], attributes=TYPES)
ITEMS = 200
_COMMAND = "from reconciler.cli import main; main()"


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        [TableSpec(TABLE, "id")], reconciled=TABLE, regions=(US, EU), lag_ms=(20, 80)
    ) as cloud:
        yield cloud


@dataclass
class Ledger:
    """What writers were answered: amounts and tags, and the last value of each attribute."""

    points: Counter[str] = field(default_factory=Counter)
    tags: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    values: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    lock: Lock = field(default_factory=Lock)

    def note(self, name: str, amount: int, tag: str, attribute: str, value: str) -> None:
        with self.lock:
            self.points[name] += amount
            self.tags[name].add(tag)
            self.values[name][attribute] = value

    def item(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "points": 100 + self.points[name],
            "tags": {"old", *self.tags[name]},
            "email": "ada",
            **self.values[name],
        }

    def wrong(self, item: dict[str, Any] | None) -> dict[str, Any]:
        """Return, of what is not as it was acknowledged, what there is and what should be."""
        assert item is not None
        right = self.item(item["id"])
        names = sorted(item.keys() | right.keys())
        return {n: (item.get(n), right.get(n)) for n in names if item.get(n) != right.get(n)}


Write = Callable[[LocalCloud, str, str, int, str], None]


def raw(cloud: LocalCloud, region: str, name: str, amount: int, tag: str) -> None:
    cloud.client("dynamodb", region).update_item(TableName=TABLE, **_update(name, amount, tag))


def by_name(cloud: LocalCloud, region: str, name: str, amount: int, tag: str) -> None:
    dynamodb = cloud.client("dynamodb", region)
    replica = ReplicaCode(TABLE, region, dynamodb, now_ms, monotonic_ms)()
    update = _update(name, amount, tag, f"{region}-value".replace("-", "_"))
    dynamodb.update_item(TableName=TABLE, **named(update, schema=SCHEMA, replica=replica))


def by_library(cloud: LocalCloud, region: str, name: str, amount: int, tag: str) -> None:
    table = connect(SCHEMA, region=region, dynamodb=cloud.client("dynamodb", region))
    with table.edit({"id": name}) as party:
        party.increment("points", amount)
        party.add("tags", tag)
        party[f"{region}-value".replace("-", "_")] = tag


def _update(name: str, amount: int, tag: str, attribute: str = "raw_value") -> dict[str, Any]:
    return {
        "Key": {"id": {"S": name}},
        "UpdateExpression": f"SET {attribute} = :value ADD points :amount, tags :tags",
        "ExpressionAttributeValues": {
            ":value": {"S": tag},
            ":amount": {"N": str(amount)},
            ":tags": {"SS": [tag]},
        },
    }


def names_of(kind: int) -> list[str]:
    return [f"p{number:03d}" for number in range(kind, ITEMS, 4)]


# Of items that others write around the library, each is written in one region only: of two regions
# at once, DynamoDB itself keeps one. They take turns, so that none is written again before a repair
# is through: an addition on top of what replaced another one leaves that one out.
WRITERS: list[tuple[Write, str, str, list[str], float]] = [
    (raw, US, "raw_value", names_of(0), 0.08),
    (raw, EU, "raw_value", names_of(1), 0.08),
    (by_name, US, "us_east_1_value", names_of(2), 0.02),
    (by_name, EU, "eu_west_1_value", names_of(2), 0.02),
    (by_library, US, "us_east_1_value", names_of(3), 0.02),
    (by_library, EU, "eu_west_1_value", names_of(3), 0.02),
]


@contextmanager
def writing(cloud: LocalCloud, ledger: Ledger) -> Iterator[None]:
    """Let all writers write as long as the block is open."""
    over, failed = Event(), list[BaseException]()

    def go(  # noqa: PLR0917 (a writer is all of these)
        write: Write, region: str, attribute: str, names: list[str], pause: float, seed: int
    ) -> None:
        draw, number = random.Random(seed), 0
        draw.shuffle(names)
        try:
            while not over.is_set():
                number += 1
                name, amount = names[number % len(names)], draw.randint(1, 9)
                tag = f"{seed}-{number:06d}"
                write(cloud, region, name, amount, tag)
                ledger.note(name, amount, tag, attribute, tag)
                over.wait(pause)
        except BaseException as problem:
            failed.append(problem)
            raise

    threads = [Thread(target=go, args=(*each, seed)) for seed, each in enumerate(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []


def start(cloud: LocalCloud, *arguments: str, regions: str) -> "subprocess.Popen[str]":
    at = ("--table", TABLE, "--region", regions, "--endpoint", cloud.endpoint, "--json")
    command = [sys.executable, "-c", _COMMAND, *arguments, *at]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def ended(process: "subprocess.Popen[str]") -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=300)
    assert process.returncode in (0, 1), err
    return process.returncode, json.loads(out)


def stamped(cloud: LocalCloud, region: str) -> int:
    return sum(map(is_managed, cloud.scan(TABLE, region)))


def fill(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb", US)
    for kind in range(4):
        for name in names_of(kind):
            item = {"id": {"S": name}, "points": {"N": "100"}, "tags": {"SS": ["old"]}}
            dynamodb.put_item(TableName=TABLE, Item={**item, "email": {"S": "ada"}})
    cloud.settle()


def adoption(folder: Path) -> tuple[str, ...]:
    """Return the command that adopts the table."""
    schema = folder / "parties.json"
    schema.write_text(json.dumps({"table": TABLE, "key": ["id"], "attributes": TYPES}))
    return ("adopt", "--schema", str(schema), "--execute", "--write-units", "40")


def test_a_table_in_use_is_adopted_from_two_regions_though_one_is_killed_on_the_way(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    ledger, adopt = Ledger(), adoption(tmp_path)
    fill(cloud)
    with writing(cloud, ledger):
        killed = start(cloud, *adopt, regions=f"{US},{EU}")
        eventually(lambda: stamped(cloud, EU) >= ITEMS // 3)
        killed.kill()
        killed.communicate()
        here = stamped(cloud, EU)
        assert here < ITEMS
        both = [start(cloud, *adopt, regions=regions) for regions in (f"{US},{EU}", f"{EU},{US}")]
        reports = [ended(process) for process in both]
    cloud.settle()
    last = ended(start(cloud, *adopt, regions=f"{US},{EU}"))
    cloud.settle()

    assert sum(report["counts"]["stamped"] for _, report in reports) > 0
    assert last[0] == 0, last[1]
    for region in (US, EU):
        items = {image["id"]["S"]: image for image in cloud.scan(TABLE, region)}
        assert len(items) == ITEMS
        assert all(map(is_managed, items.values()))
        assert {name: wrong for name in items if (wrong := ledger.wrong(read(items[name])))} == {}
    assert sorted_scan(cloud, TABLE, US) == sorted_scan(cloud, TABLE, EU)
    rows = [row for region in (US, EU) for row in cloud.scan(Names(TABLE, region).ledger, region)]
    assert {row["state"]["S"] for row in rows} <= {"RESOLVED"}


def test_nothing_is_adopted_of_which_a_region_is_behind(cloud: LocalCloud, tmp_path: Path) -> None:
    """It took the version that it had for one that the stamp had lost, and that one stood again."""
    adopt, names = adoption(tmp_path), names_of(0)[:10]
    for tag in ("zz", "aa"):
        for name in names:
            raw(cloud, EU, name, 1, tag)
        if tag == "zz":
            cloud.settle()
            cloud.partition(US, EU)
    code, told = ended(start(cloud, *adopt, regions=f"{US},{EU}"))
    assert (code, told["counts"]["left: it changes, or replicas differ"]) == (1, 10)

    cloud.heal()
    cloud.settle()
    code, told = ended(start(cloud, *adopt, regions=f"{US},{EU}"))
    cloud.settle()

    assert (code, told["counts"]["stamped"]) == (0, 10)
    for region in (US, EU):
        assert [i["raw_value"]["S"] for i in cloud.scan(TABLE, region)] == ["aa"] * 10


def test_what_differs_behind_replications_back_is_found_and_merged(cloud: LocalCloud) -> None:
    for name in ("older", "missing", "gone", "same"):
        by_library(cloud, US, name, 5, "x")
    raw(cloud, US, "plain", 5, "x")
    cloud.settle()
    older = {image["id"]["S"]: image for image in cloud.scan(TABLE, EU)}
    by_library(cloud, US, "older", 7, "y")
    by_library(cloud, EU, "older", 9, "z")
    cloud.settle()
    for region, name, left in (
        (EU, "older", older["older"]),
        (EU, "missing", None),
        (US, "gone", None),
        (EU, "plain", {**older["plain"], "points": {"N": "1"}}),
    ):
        cloud.place(region, TABLE, {"id": {"S": name}}, left)
    sweep = ("sweep", "--wait", "1s", "--read-units", "500")

    code, told = ended(start(cloud, *sweep, regions=f"{US},{EU}"))
    assert (code, told["counts"]["repaired"]) == (1, 3)
    assert len(cloud.scan(TABLE, EU)) == 4  # it was a dry run

    code, told = ended(start(cloud, *sweep, "--execute", regions=f"{US},{EU}"))
    cloud.settle()
    ends = {json.loads(each["key"])["id"]["S"]: each["outcome"] for each in told["items"]}
    assert ends == {
        **dict.fromkeys(("older", "missing", "gone"), "repaired"),
        "plain": "differs: cannot be known",
    }
    for region in (US, EU):
        found = {image["id"]["S"]: read(image) or {} for image in cloud.scan(TABLE, region)}
        points = {name: found[name]["points"] for name in ("older", "missing", "gone", "same")}
        assert points == {"older": 21, "missing": 5, "gone": 5, "same": 5}
    code, told = ended(start(cloud, *sweep, regions=f"{US},{EU}"))
    assert (code, told["counts"]["repaired"], told["counts"]["same everywhere"]) == (1, 0, 4)
