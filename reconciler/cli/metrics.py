"""`reconciler metrics`: what the functions of a table measured, in numbers and charts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.aws import now_ms
from reconciler.aws.cloudwatch import read_metrics
from reconciler.cli.conflicts import AsJson, TableName
from reconciler.cli.doctor import Address, RegionNames, clients_at
from reconciler.cli.metric_views import print_region
from reconciler.cli.simulate import writable
from reconciler.deployment.telemetry import OPEN_LOSSES
from reconciler.metrics.document import document
from reconciler.metrics.page import page
from reconciler.metrics.readings import LEAST_SECONDS, MOST_MINUTES, PanelReadings, line_of, window


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: RegionNames,
    endpoint: Address = None,
    minutes: Annotated[
        int, typer.Option(min=1, max=MOST_MINUTES, help="how far to look back")
    ] = 60,
    as_json: AsJson = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--page",
            metavar="FILE.html",
            dir_okay=False,
            writable=True,
            callback=writable,
            help="draw them as a page, too",
        ),
    ] = None,
) -> None:
    """Print and chart a table's metrics, region by region; exit with 1 if one does not answer."""
    now = now_ms()
    least = LEAST_SECONDS if endpoint is None else 1  # a local cloud keeps every value apart
    asked = window(now - minutes * 60_000, now, least_seconds=least)
    found, problems = read_metrics(table, regions.split(","), clients_at(endpoint), asked)
    for region, why in (problems | _unknown(found)).items():
        typer.echo(f"reconciler: {region}: {why}", err=True)
    if as_json:
        typer.echo(json.dumps(document(table, asked, found, problems)))
    else:
        for region, panels in found.items():
            print_region(region, panels, asked)
    if file:
        file.write_text(page(table, asked, found, problems), encoding="utf-8")
        typer.echo(f"The charts are in {file}", err=as_json)
    raise typer.Exit(int(bool(problems)))


def _unknown(found: Mapping[str, Sequence[PanelReadings]]) -> dict[str, str]:
    """Return what to say of regions whose gauge, which measures zeros, too, was not heard."""
    return {
        region: "nothing measures what waits there: is the table's name right, is it deployed?"
        for region, panels in found.items()
        if line_of(panels, OPEN_LOSSES, "Maximum").total is None
    }
