"""The demo: a story told, a burst of edits with and without the reconciler, and what it came to."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from reconciler.aws import connect, now_ms
from reconciler.conflict.row import Row, State
from reconciler.demo.readings import readings_since
from reconciler.demo.story import Say, tell
from reconciler.deployment.names import Names
from reconciler.deployment.telemetry import WRITE_BACKS
from reconciler.drills.accounting import lost_writes
from reconciler.drills.http_table import HttpTable
from reconciler.drills.replica import as_bytes, parties
from reconciler.drills.tables import Table
from reconciler.drills.workload import (
    PLAIN,
    RECONCILED,
    Acknowledged,
    PartyEdit,
    apply_plain,
    apply_reconciled,
    burst,
    create_plain,
    first_edits,
    party_schema,
)
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from reconciler.metrics.readings import line_of

SETTLE_SECONDS = 120


@dataclass(frozen=True)
class Counts:
    """What the demo led to; times are in milliseconds, from a loss to its first repair."""

    acknowledged_writes: int
    lost_with_last_writer_wins: int
    lost_with_reconciler: int
    conflicts: int
    unresolved: int
    write_backs: int
    loss_to_repair_p50_ms: int
    loss_to_repair_p99_ms: int
    replicas_identical: bool
    regions: tuple[str, ...]
    seconds: float

    @property
    def nothing_lost(self) -> bool:
        return self.lost_with_reconciler == 0 and self.unresolved == 0 and self.replicas_identical


def open_cloud(regions: Sequence[str], port: int, seed: int) -> LocalCloud:
    """Return the demo's cloud, not started: two global tables, one of them reconciled."""
    return LocalCloud(
        tables=[TableSpec(RECONCILED, "id"), TableSpec(PLAIN, "id")],
        reconciled=RECONCILED,
        regions=regions,
        lag_ms=(150, 500),
        port=port,
        seed=seed,
    )


def client_tables(cloud: LocalCloud) -> dict[str, Table]:
    """Return the reconciled table in each region, written by the write client."""
    return {
        region: connect(party_schema(), region=region, dynamodb=cloud.client("dynamodb", region))
        for region in cloud.regions
    }


def http_tables(doors: Mapping[str, str]) -> dict[str, Table]:
    """Return the same, written through the region's HTTP door."""
    return {region: HttpTable({region: address}) for region, address in doors.items()}


def run(  # noqa: PLR0913 (what it tells is one callable each)
    cloud: LocalCloud,
    tables: Mapping[str, Table],
    edits: int,
    seed: int,
    *,
    say: Say,
    started: Callable[[], None],
    advance: Callable[[str], None],
) -> Counts:
    """Tell the story with `say`, run a burst by way of `tables`, by region, and count.

    `started` is called when the burst begins, `advance` with "edit" for each edit of it and with
    what else is going on.
    """
    since_ms = now_ms()
    tell(cloud, tables, say)
    started()
    beginning = time.monotonic()
    with_us, without = _burst(cloud, tables, edits, seed, advance)
    advance("repairing the last ones")
    cloud.settle(SETTLE_SECONDS)
    seconds = time.monotonic() - beginning
    panels = readings_since(cloud, since_ms).values()
    write_backs = sum(line_of(each, WRITE_BACKS).total or 0 for each in panels)
    return _count(cloud, with_us, without, int(write_backs), seconds)


def _burst(
    cloud: LocalCloud,
    tables: Mapping[str, Table],
    count: int,
    seed: int,
    advance: Callable[[str], None],
) -> tuple[list[Acknowledged], list[Acknowledged]]:
    def write(edit: PartyEdit) -> tuple[Acknowledged, Acknowledged]:
        done = apply_reconciled(tables[edit.region], edit)
        plain = apply_plain(cloud.client("dynamodb", edit.region), edit)
        advance("edit")
        return done, plain

    for edit in first_edits(cloud.regions[0]):
        create_plain(cloud.client("dynamodb", edit.region), edit.party)
        apply_reconciled(tables[edit.region], edit)
    cloud.settle(SETTLE_SECONDS)
    planned = list(burst(count, cloud.regions, Random(seed)))
    third = len(planned) // 3
    pairs: list[tuple[Acknowledged, Acknowledged]] = []
    with ThreadPoolExecutor(len(cloud.regions)) as writers:
        pairs += writers.map(write, planned[:third])
        cloud.isolate(cloud.regions[-1])
        pairs += writers.map(write, planned[third : 2 * third])
        cloud.heal()
        pairs += writers.map(write, planned[2 * third :])
    return [done for done, _ in pairs], [plain for _, plain in pairs]


def _count(
    cloud: LocalCloud,
    with_us: list[Acknowledged],
    without: list[Acknowledged],
    write_backs: int,
    seconds: float,
) -> Counts:
    replicas = [cloud.scan(RECONCILED, region) for region in cloud.regions]
    plain = cloud.scan(PLAIN, cloud.regions[0])
    rows = [row for region in cloud.regions for row in _ledger(cloud, region)]
    repairs = _repair_times(rows)
    cuts = statistics.quantiles(repairs, n=100) if len(repairs) > 1 else [*repairs, 0] * 99
    return Counts(
        acknowledged_writes=len(with_us),
        lost_with_last_writer_wins=len(lost_writes(without, parties(plain))),
        lost_with_reconciler=len(lost_writes(with_us, parties(replicas[0]))),
        conflicts=len({row.conflict_id for row in rows}),
        unresolved=sum(row.state is not State.RESOLVED for row in rows),
        write_backs=write_backs,
        loss_to_repair_p50_ms=round(cuts[49]),
        loss_to_repair_p99_ms=round(cuts[98]),
        replicas_identical=len({as_bytes(replica) for replica in replicas}) == 1,
        regions=tuple(cloud.regions),
        seconds=round(seconds, 1),
    )


def _ledger(cloud: LocalCloud, region: str) -> list[Row]:
    return list(map(Row.of, cloud.scan(Names(RECONCILED, region).ledger, region)))


def _repair_times(rows: Iterable[Row]) -> list[int]:
    """Return the milliseconds from each loss to its repair, the shortest first.

    A loss seen in several regions is repaired when the first of them has repaired it.
    """
    lost: dict[str, int] = {}
    repaired: dict[str, int] = {}
    for row in rows:
        name = row.conflict_id
        lost[name] = min(lost.get(name, 2**63), row.lost_at_ms)
        repaired[name] = min(repaired.get(name, 2**63), row.state_at_ms)
    return sorted(max(0, repaired[name] - lost[name]) for name in lost)
