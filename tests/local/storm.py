"""A storm: many items in conflict in two regions at once, drained, and judged for loss.

By hand, for any number of items: `python -m tests.local.storm 2000`. What it prints: how long the
writes and the drain took, messages a second, and how much memory each process held in the end.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reconciler import Schema
from reconciler.aws import connect
from reconciler.deployment.names import Names
from reconciler.item.image import read
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US

TABLE = "parties"
SCHEMA = Schema.of(table=TABLE, key=["id"], attributes={"loyalty": "counter_pn", "tags": "set_aw"})
WRITERS = 4


@dataclass(frozen=True)
class Storm:
    """What a storm led to. `wrong` are items that lack a write or count one twice, in any region.

    messages: losses that the queues carried. memory_mb: resident, by the process's name.
    """

    writes: int
    wrong: list[str]
    unresolved: int
    messages: int
    write_seconds: float
    drain_seconds: float
    memory_mb: dict[str, int]

    def __str__(self) -> str:
        memory = ", ".join(f"{name} {size} MB" for name, size in self.memory_mb.items())
        return (
            f"{self.writes} writes in {self.write_seconds:.1f} s; {self.messages} losses drained in"
            f" {self.drain_seconds:.1f} s, {self.messages / self.drain_seconds:.1f} a second;"
            f" wrong: {len(self.wrong)}, unresolved: {self.unresolved}; {memory}"
        )


def storm(count: int, *, seconds: float = 120) -> Storm:
    """Let two parted regions both change `count` items, heal, and wait until all is repaired."""
    with LocalCloud([TableSpec(TABLE, "id")], reconciled=TABLE, regions=(US, EU)) as cloud:
        cloud.partition(US, EU)
        begun = time.monotonic()
        with ThreadPoolExecutor(WRITERS) as writers:
            places = [(region, number) for number in range(count) for region in (US, EU)]
            list(writers.map(lambda place: _write(cloud, *place), places))
        healed = time.monotonic()
        cloud.heal()
        cloud.settle(seconds)
        drained = time.monotonic()
        replicas = {region: cloud.scan(TABLE, region) for region in cloud.regions}
        rows = [r for name in cloud.regions for r in cloud.scan(Names(TABLE, name).ledger, name)]
        return Storm(
            writes=2 * count,
            wrong=[
                f"{region} {number}"
                for region, items in replicas.items()
                for number in _wrong(count, {item["id"]["S"]: read(item) for item in items})
            ],
            unresolved=sum(row["state"]["S"] != "RESOLVED" for row in rows),
            messages=len(rows),
            write_seconds=healed - begun,
            drain_seconds=drained - healed,
            memory_mb={child.name: _resident_mb(child.pid) for child in cloud.children},
        )


def _write(cloud: LocalCloud, region: str, number: int) -> None:
    table = connect(SCHEMA, region=region, dynamodb=cloud.client("dynamodb", region))
    with table.edit({"id": f"p{number}"}) as party:
        party.increment("loyalty", {US: 1, EU: 10}[region])
        party.add("tags", region)
        party[f"from-{region}"] = number


def _wrong(count: int, parties: dict[str, dict[str, object] | None]) -> list[int]:
    return [number for number in range(count) if parties.get(f"p{number}") != _right(number)]


def _right(number: int) -> dict[str, object]:
    names = {f"from-{region}": number for region in (US, EU)}
    return {"id": f"p{number}", "loyalty": 11, "tags": {US, EU}, **names}


def _resident_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 // 1_000_000


if __name__ == "__main__":
    print(storm(int(sys.argv[1]), seconds=600))  # noqa: T201 (a script answers its caller)
