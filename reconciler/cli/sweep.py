"""`reconciler sweep`: replicas compared, and what stays different merged; a dry run by default."""

from typing import Annotated

import typer

from reconciler.aws.whole_table import Table
from reconciler.cli.options import (
    AllRegions,
    AsJson,
    CustomTypes,
    Endpoint,
    Execute,
    ReadUnits,
    Segments,
    Suffix,
    TableName,
)
from reconciler.cli.whole_tables import Run
from reconciler.errors import InvalidInput
from reconciler.sweeping.anti_entropy import Sweep, Sweeper
from reconciler.sweeping.walk import Budget, Walk
from reconciler.text.durations import duration_ms

_WAIT = typer.Option(help="between two looks, longer than replication takes: 30s, 5m")


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: AllRegions,
    suffix: Suffix = "",
    execute: Execute = False,
    wait: Annotated[str, _WAIT] = "30s",
    read_units: ReadUnits = 1_000,
    segments: Segments = 4,
    custom_types: CustomTypes = "",  # noqa: ARG001 (its callback has used it)
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
    as_json: AsJson = False,
) -> None:
    """Compare the replicas of all items, and merge what replication does not bring any more.

    What nobody can know is only told. Exits with 1 if, in the end, items differ.
    """
    if len(regions) < 2:
        raise InvalidInput("--region: name two regions at least, with commas between")
    wait_ms = duration_ms(wait)
    whole = Table(table, regions, suffix)
    differing = (Sweep.UNKNOWABLE, Sweep.LEFT, *(() if execute else (Sweep.REPAIRED,)))
    run = Run(Sweep, differing, execute, as_json)
    with run.going(sum(whole.items.values())) as (time, hear):
        reads = Budget(read_units, time)
        sweeper = Sweeper(
            whole.regions, whole.key, run.tally, time, execute=execute, reads=reads, wait_ms=wait_ms
        )
        for name, region in whole.regions.items():
            sweeper.sweep(name, Walk(region.whole, segments, reads, hear))
    raise typer.Exit(run.end(table=table, regions=regions))
