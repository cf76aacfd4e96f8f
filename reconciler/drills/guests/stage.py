"""Where the guests drill plays: two regions with their functions, and what can be seen of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from reconciler.aws import connect
from reconciler.aws.incarnation import ReplicaCode
from reconciler.client.table import ReplicatedTable
from reconciler.clock import monotonic_ms, now_ms
from reconciler.conflict.row import Row
from reconciler.deployment.names import Names
from reconciler.drills.arrivals import patience
from reconciler.drills.guests.writes import COUNTER, SET
from reconciler.drills.workload import RECONCILED
from reconciler.item.schema import Schema
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import TableSpec
from reconciler.local.worker.stream_consumer import only_shard

SETTLE_SECONDS = 60
SCHEMA = Schema.of(table=RECONCILED, key=["id"], attributes={COUNTER: "counter_pn", SET: "set_aw"})


def open_cloud() -> LocalCloud:
    """Return the drill's cloud, not started: a process for each call is no slower than its lag."""
    return LocalCloud(
        tables=[TableSpec(RECONCILED, "id")],
        reconciled=RECONCILED,
        regions=DEFAULT_REGIONS[:2],
        lag_ms=(200, 600),
    )


class Stage:
    """A running cloud of two regions."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        clients = {region: cloud.client("dynamodb", region) for region in cloud.regions}
        self._tables = {
            region: connect(SCHEMA, region=region, dynamodb=client)
            for region, client in clients.items()
        }
        self._codes = {
            region: ReplicaCode(RECONCILED, region, client, now_ms, monotonic_ms)
            for region, client in clients.items()
        }

    def table(self, region: str) -> ReplicatedTable:
        """Return the library's client in a region."""
        return self._tables[region]

    def replica(self, region: str) -> str:
        """Return the code that named writes in a region say."""
        return self._codes[region]()

    def await_replication(self) -> None:
        """Wait until no change is under way between the regions, whatever the functions do."""

        def arrived() -> bool:
            return not any(link["pending"] for link in self.cloud.status()["links"])

        if patience(SETTLE_SECONDS, 0.05).until(arrived) is None:
            raise LocalCloudError(f"changes were under way for {SETTLE_SECONDS} s")

    def items(self, region: str) -> dict[str, dict[str, Any]]:
        """Return the items of a region's replica by name."""
        return {image["id"]["S"]: image for image in self.cloud.scan(RECONCILED, region)}

    def images(self, region: str) -> dict[str, list[dict[str, Any] | None]]:
        """Return what a region's stream shows of each item, from its beginning, None if deleted."""
        seen: dict[str, list[dict[str, Any] | None]] = defaultdict(list)
        for record in self._records(region):
            seen[record["Keys"]["id"]["S"]].append(record.get("NewImage"))
        return seen

    def _records(self, region: str) -> Iterator[dict[str, Any]]:
        table = self.cloud.client("dynamodb", region).describe_table(TableName=RECONCILED)["Table"]
        streams, arn = self.cloud.client("dynamodbstreams", region), table["LatestStreamArn"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn,
            ShardId=only_shard(streams, arn),
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        while (answer := streams.get_records(ShardIterator=iterator))["Records"]:
            yield from (record["dynamodb"] for record in answer["Records"])
            iterator = answer["NextShardIterator"]

    def rows(self) -> list[Row]:
        """Return the rows of both regions' ledgers."""
        return [
            Row.of(image)
            for region in self.cloud.regions
            for image in self.cloud.scan(Names(RECONCILED, region).ledger, region)
        ]

    def waiting(self) -> Counter[str]:
        """Return how many messages each dead-letter queue holds, parked ones included."""
        return +Counter(
            {
                queue: len(self.cloud.bodies(region, queue))
                for region in self.cloud.regions
                for queue in Names(RECONCILED, region).dead_letter_queues()
            }
        )
