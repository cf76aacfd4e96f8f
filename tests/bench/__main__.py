"""Benchmarks: each prints the ratio of two things measured in one run, beside its target.

The two things take turns and the median of the paired ratios is printed, so a noisy
machine moves both. Nothing here passes or fails. Run it with `./scripts/bench`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import Any

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from pycrdt import Doc, Map, merge_updates
from rich.console import Console
from rich.table import Table

from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.item.image import merge, write
from reconciler.item.metadata import METADATA
from reconciler.values.size import item_size
from reconciler.values.wire import Image
from tests.bench import bulk_load, hot_counter
from tests.builders import SCHEMA, add, as_stream, assign, clock, discard, increment
from tests.fakes import FakePorts

ROUNDS = 15
_NONCES = count()


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median of ours / theirs over rounds in which each runs once."""
    return median(seconds(ours) / seconds(theirs) for _ in range(rounds))


def party(number: int, *edits: Any, on: Image | None = None, replica: str = "use1") -> Image:
    key = {"id": f"party-{number:05d}"}
    at = clock(1_790_000_000_000 + next(_NONCES), _NONCES)
    return write(on, edits, key=key, schema=SCHEMA, replica=replica, clock=at)


def clean_batch(size: int = 1_000) -> str:
    """Return the event of a batch of clean MODIFY records, about 2 KB each."""
    records = []
    for number in range(size):
        profile = {"city": "London", "street": "12 St James's Square", "zip": "SW1Y 4JH"}
        first = party(number, assign("name", "Ada"), increment("balance", 5), add("tags", "vip"))
        before = party(number, assign("profile", profile), assign("note", "x" * 150), on=first)
        after = party(number, increment("balance", 1), on=before)
        change = {
            "Keys": {"id": first["id"]},
            "OldImage": as_stream(before),
            "NewImage": as_stream(after),
            "SequenceNumber": str(10**20 + number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        records.append({"eventID": str(number), "eventName": "MODIFY", "dynamodb": change})
    return json.dumps({"Records": records})


def detecting(event: str) -> tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]:
    """Return: our detector, it with parsing, and Powertools' images compared, with parsing."""
    detector = Detector(
        DetectorPolicy("parties", "us-east-1"), FakePorts(), lambda: 1_790_000_000_000
    )
    records = json.loads(event)["Records"]

    def powertools() -> None:
        for record in DynamoDBStreamEvent(json.loads(event)).records:
            change = record.dynamodb
            if change is None or change.old_image == change.new_image:
                raise ValueError("the benchmark's records change something")

    return (
        lambda: detector.detect(records),
        lambda: detector.detect(json.loads(event)["Records"]),
        powertools,
    )


def set_merge(size: int = 10_000) -> float:
    """A set of 10,000 members, added to in one region and discarded from in the other."""
    members = [f"member-{number:06d}" for number in range(size)]
    base = party(1, add("tags", *members))
    ours = party(1, add("tags", *(f"new-{n}" for n in range(100))), on=base)
    theirs = party(1, discard("tags", *members[:1_000:3]), on=base, replica="euw1")
    left: Doc[Any] = Doc()
    right: Doc[Any] = Doc()
    held = left.get("tags", type=Map)
    for member in members:
        held[member] = True
    right.apply_update(left.get_update())
    for number in range(100):
        held[f"new-{number}"] = True
    for member in members[:1_000:3]:
        del right.get("tags", type=Map)[member]
    updates = left.get_update(), right.get_update()

    def merged() -> Image:
        key = {"id": {"S": str(next(_NONCES))}}  # what was decoded just before is remembered
        return merge({**ours, **key}, {**theirs, **key})

    return ratio(merged, lambda: merge_updates(*updates))


def imports() -> float:
    """A fresh interpreter that imports the detect handler, beside boto3 and one client."""

    def run(code: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    client = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
    nothing = median(run("pass") for _ in range(5))
    return median(
        (run("import handlers.detect") - nothing) / (run(client) - nothing) for _ in range(5)
    )


def metadata() -> tuple[int, int]:
    """Bytes of `_rec` of an item that two regions wrote, beside 64 + 36 a lineage and a dot."""
    image = party(1, assign("name", "Ada"), increment("balance", 5), add("tags", "vip", "eu"))
    image = party(1, assign("email", "ada@example.com"), on=image, replica="euw1")
    held = image[METADATA]["M"]
    budget = 64 + 36 * (len(held["c"]["M"]) + len(held["d"]["L"]))
    return item_size({METADATA: image[METADATA]}), budget


def main() -> None:
    """Measure and print."""
    event = clean_batch()
    detect, whole, powertools = detecting(event)
    size, budget = metadata()
    table = Table("what", "measured", "target")
    rows = [
        ("detect 1,000 clean records / json.loads of the event",
         ratio(detect, lambda: json.loads(event)), "<= 0.12"),
        ("Powertools images + compare / parse + detect", ratio(powertools, whole), ">= 2.5"),
        ("merge a set of 10,000, wire to wire / pycrdt merge_updates", set_merge(), "<= 1"),
        ("import the detect handler / boto3 and one client", imports(), "<= 1.25"),
        *((f"{clients} clients add to one counter / plain ADD by as many",
           hot_counter.throughput(clients), ">= 0.8") for clients in (4, 8, 16)),
    ]  # fmt: skip
    plain, same = bulk_load.rates()
    rows += [
        ("lines of a bulk load / BatchWriteItem of the same items", same, ">= 0.7"),
        ("the same / BatchWriteItem of their plain values, without metadata", plain, ">= 0.7"),
    ]
    for what, measured, target in rows:
        table.add_row(what, f"{measured:.2f}", target)
    table.add_row("bytes of metadata, four attributes, two regions", str(size), f"<= {budget}")
    largest = hot_counter.largest_item(clients=16, minutes=10)
    table.add_row(
        "most bytes of an item that 16 clients add to for 10 minutes", str(largest), "<= 8192"
    )
    Console().print(table)


if __name__ == "__main__":
    main()
