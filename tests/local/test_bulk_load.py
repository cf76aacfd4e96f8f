"""A bulk load in two regions at once, whose workers are killed: each line counts once.

What the lines assign is counted outside the items, and the items of both regions are held to it.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.aws import connect
from reconciler.deployment.wiring import function_environment
from reconciler.ingest.jobs import JobState
from reconciler.item.image import read
from reconciler.item.schema import Schema
from reconciler.local.children import Child, stop
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.ingest.region import IngestRegion
from tests.local.support import EU, US, eventually

SCHEMA = {
    "table": "parties",
    "key": ["id"],
    "attributes": {"points": "counter_pn", "visits": "counter_pn", "tags": "set_aw"},
}
OLD, NEW, KILLS = 40, 300, 2
BEFORE, VISITS = 100, 7  # of what an item had, and of what others add to it meanwhile


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        [TableSpec("parties", "id")], reconciled="parties", regions=(US, EU), lag_ms=(20, 80)
    ) as cloud:
        yield cloud


class Worker:
    """The ingest of a region, killed and started again."""

    def __init__(self, cloud: LocalCloud, region: IngestRegion, folder: Path) -> None:
        self._environment = {
            **aws_environment(region.names.region, cloud.endpoint),
            **function_environment(region.names, parked_queue_url=region.parked_url),
            "RECONCILER_SCHEMA": json.dumps(SCHEMA),
            "AWS_LAMBDA_FUNCTION_NAME": region.names.ingest_function,
        }
        self._log = folder / f"ingest-{region.names.region}.log"
        self.start()

    def start(self) -> None:
        module = "tests.local.ingest_worker"
        self.child = Child(module, {}, log=self._log, environment=self._environment)

    def kill(self) -> None:
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        assert self.child.status == -signal.SIGKILL


@contextmanager
def workers(cloud: LocalCloud, regions: list[IngestRegion], folder: Path) -> Iterator[list[Worker]]:
    with ExitStack() as undo:
        made = [Worker(cloud, each, folder) for each in regions]
        undo.callback(lambda: stop([each.child for each in made]))
        yield made


def put_in_both(regions: list[IngestRegion], data: bytes) -> None:
    """Put one object there, at one time, as S3's replication does; ask for its ingest, twice."""
    told = [each.put("load.jsonl", data) for each in regions]
    while len({each.modified("load.jsonl") for each in regions}) > 1:
        told = [each.put("load.jsonl", data) for each in regions]
    for region, message in zip(regions, told, strict=True):
        for _ in range(2):
            region.sqs.send_message(QueueUrl=region.queue_url, MessageBody=message)


def shown(cloud: LocalCloud, region: str) -> dict[str, Any]:
    images = map(read, cloud.scan("parties", region))
    return {each["id"]: each for each in images if each is not None}


def test_each_line_counts_once_in_two_regions_whose_workers_are_killed(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    regions = [IngestRegion(each, client_of=cloud.client) for each in (US, EU)]
    schema = Schema.of(**SCHEMA)
    tables = [
        connect(schema, region=each, dynamodb=cloud.client("dynamodb", each)) for each in (US, EU)
    ]
    for number in range(OLD):
        tables[0].apply({"id": f"p{number}"}, lambda item: item.increment("points", BEFORE))
    cloud.settle()
    lines: list[bytes] = []
    expected: dict[str, dict[str, Any]] = {}
    for number in range(OLD + NEW):
        party: dict[str, Any] = {
            "id": f"p{number}",
            "points": BEFORE + number + 1,
            "tags": [f"t{number}"],
        }
        lines.append(json.dumps(party).encode() + b"\n")
        expected[party["id"]] = {**party, "tags": {f"t{number}"}}
    cloud.partition(US, EU)
    put_in_both(regions, b"".join(lines))

    with workers(cloud, regions, tmp_path) as at_work:
        for kill in range(KILLS):
            wanted = (kill + 1) * (OLD + NEW) // (KILLS + 1)
            eventually(lambda wanted=wanted: _written(cloud) >= wanted)  # type: ignore[misc]
            for worker in at_work:
                worker.kill()
            for number, table in enumerate(tables):
                table.apply({"id": f"p{number}"}, lambda item: item.increment("visits", VISITS))
                known = expected[f"p{number}"]
                known["visits"] = known.get("visits", 0) + VISITS
            for worker in at_work:
                worker.start()
        for region in regions:
            eventually(lambda r=region: next(r.jobs.latest(1)).state is JobState.DONE)  # type: ignore[misc]
    cloud.heal()
    cloud.settle()

    for region in regions:
        counts = region.job().counts
        assert counts.lines == counts.written + counts.repeated == OLD + NEW
        assert shown(cloud, region.names.region) == expected
    begun_again = [region.job().counts.repeated for region in regions]
    assert any(begun_again), "no worker was killed within a part"


def _written(cloud: LocalCloud) -> int:
    """Return how many lines a region that is behind has written."""
    return min(sum("tags" in each for each in shown(cloud, region).values()) for region in (US, EU))
