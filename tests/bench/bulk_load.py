"""An object of lines as keyed writes, beside BatchWriteItem of the same items to the same server.

All of it is measured: the object is read, its lines are understood, looked for and written, its
parts and its job are kept. Plain items carry no metadata, so the same items, as the load left
them, are written in batches, too: what lies between the two is what metadata costs this server.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from statistics import median
from typing import Any

from reconciler.aws.clients import client, use_endpoint
from reconciler.aws.ingest import outside_of
from reconciler.aws.region import Region
from reconciler.ingest.ingester import Ingester
from reconciler.ingest.messages import parse_message
from reconciler.ingest.writing import WRITERS
from reconciler.item.schema import Schema
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from reconciler.values.wire import Image, canonical_image, to_wire
from tests.ingest.region import IngestRegion

LINES, ROUNDS, BATCH = 2_000, 9, 25
SCHEMA = Schema.of(
    table="parties", key=["id"], attributes={"points": "counter_pn", "tags": "set_aw"}
)
HERE = "us-east-1"
_rounds = count()


def party(number: int) -> dict[str, Any]:
    name, tags = f"name {number}", ["eu", "vip"]
    return {"id": f"p{number}", "name": name, "city": "London", "points": number, "tags": tags}


def batches(region: IngestRegion, images: Sequence[Image]) -> float:
    """Write items as anybody does without a library: 25 a call, several calls at once.

    Return how many seconds that took.
    """

    def write(start: int) -> None:
        puts = [{"PutRequest": {"Item": image}} for image in images[start : start + BATCH]]
        region.dynamodb.batch_write_item(RequestItems={region.names.table: puts})

    with ThreadPoolExecutor(WRITERS) as threads:
        return _seconds(lambda: list(threads.map(write, range(0, len(images), BATCH))))


class Loads:
    """The same items once more in each round, under other keys."""

    def __init__(self) -> None:
        self.region = IngestRegion(HERE)
        names = self.region.names
        self._ingester = Ingester(SCHEMA, outside_of(Region(names), names, SCHEMA, "expected"))

    def seconds(self) -> tuple[float, float, float]:
        """Return how long a load takes, then plain batches, then batches of what it made."""
        first = next(_rounds) * LINES
        items = [party(number) for number in range(first, first + LINES)]
        lines = b"".join(json.dumps(each).encode() + b"\n" for each in items)
        messages = [self.region.put(f"{first}.jsonl", lines)]
        load = _seconds(lambda: self._work_off(messages))
        made = [self.region.item(each["id"]) or {} for each in items]
        named = [{**image, "id": {"S": f"again-{image['id']['S']}"}} for image in made]
        plain = [
            canonical_image(
                {n: to_wire(set(v) if n == "tags" else v, (n,)) for n, v in each.items()}
            )
            for each in ({**each, "id": f"plain-{each['id']}"} for each in items)
        ]
        self._check(first)
        return load, batches(self.region, plain), batches(self.region, named)

    def _work_off(self, messages: list[str]) -> None:
        while messages:
            for each in messages:
                bucket = self.region.names.ingest_bucket
                self._ingester.do(parse_message(each, HERE, bucket))
            messages = self.region.waiting()

    def _check(self, first: int) -> None:
        job = next(iter(self.region.jobs.latest(1)))
        if job.counts.written != LINES or not job.source.key.startswith(f"{first}."):
            raise ValueError(f"not every line was written: {job.counts}")


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rates() -> tuple[float, float]:
    """Return a load's lines a second as a part of plain batches', and of batches' of its items."""
    with LocalCloud([TableSpec("others", "id")], regions=[HERE, "eu-west-1"]) as cloud:
        use_endpoint(cloud.endpoint)
        loads = Loads()
        rounds = [loads.seconds() for _ in range(ROUNDS + 1)][1:]  # the first one opens connections
    client.cache_clear()
    return (
        median(plain / load for load, plain, _ in rounds),
        median(same / load for load, _, same in rounds),
    )
