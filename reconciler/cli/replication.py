"""`reconciler verify-replication`: write in each region and see it in the others, with its lag."""

import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from secrets import token_hex
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.aws import connect
from reconciler.aws.clients import client
from reconciler.cli.options import AllRegions, AsJson, Endpoint, Suffix, TableName
from reconciler.cli.terminal import console, grid, print_json
from reconciler.drills.arrivals import PROBE_ATTRIBUTES, Pair, Probes, patience
from reconciler.drills.hosts import host_of
from reconciler.errors import InvalidInput, Unavailable

_LOOK_SECONDS = 0.05


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: AllRegions,
    timeout: Annotated[int, typer.Option(min=1, help="seconds that a write may take")] = 60,
    as_json: AsJson = False,
    suffix: Suffix = "",  # noqa: ARG001 (a probe uses the table alone; one set of options serves all)
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Write a probe in each region, wait for it in each other one, and print the lags.

    Exits with 1 if one does not arrive in time. The probes are deleted in any case.
    """
    if len(regions) < 2:
        raise InvalidInput("--region: name two regions at least, with commas between")
    told = console(stderr=as_json)
    run = f"replication-probe-{token_hex(4)}"
    probes = _probes(table, regions, run)
    try:
        lags = probes.lags(run, list(permutations(regions, 2)), patience(timeout, _LOOK_SECONDS))
    finally:
        probes.remove()
        told.print(f"deleted: {', '.join(f'{run}-{region}' for region in regions)}", markup=False)
    if as_json:
        print_json(json.dumps(_document(table, regions, lags)))
    told.print(_matrix(told, regions, lags))
    late = [pair for pair, lag in lags.items() if lag is None]
    for source, destination in late:
        told.print(f"not seen within {timeout} s: a write of {source} in {destination}")
    raise typer.Exit(int(bool(late)))


def _probes(table: str, regions: Sequence[str], run: str) -> Probes:
    """Open the table in each region; Unavailable names the one that has none."""
    tables = {}
    for region in regions:
        dynamodb = client("dynamodb", region, attempts=1)
        try:
            host = host_of(table, dynamodb)
        except Unavailable as problem:
            raise Unavailable(f"{region}: {problem}") from None
        schema = host.schema(PROBE_ATTRIBUTES)
        tables[region] = connect(schema, region=region, dynamodb=dynamodb)
    return Probes(tables, lambda region: host.key(f"{run}-{region}"))


def _document(
    table: str, regions: Sequence[str], lags: Mapping[Pair, int | None]
) -> dict[str, object]:
    by_source = {
        source: {region: lags[source, region] for region in regions if region != source}
        for source in regions
    }
    late = [list(pair) for pair, lag in lags.items() if lag is None]
    return {"table": table, "regions": list(regions), "lags_ms": by_source, "not_seen": late}


def _matrix(told: Console, regions: Sequence[str], lags: Mapping[Pair, int | None]) -> Table:
    table = grid(told, title="From region to region, in milliseconds")
    table.add_column("written in / seen in", no_wrap=True)
    for region in regions:
        table.add_column(region, justify="right")
    for source in regions:
        cells = [_cell(source, region, lags) for region in regions]
        table.add_row(source, *cells)
    return table


def _cell(source: str, region: str, lags: Mapping[Pair, int | None]) -> str:
    if source == region:
        return ""
    lag = lags[source, region]
    return "[bold red]not seen[/bold red]" if lag is None else str(lag)
