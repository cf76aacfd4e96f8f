"""`reconciler metrics`: what the functions of a table measured, in numbers and charts."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import typer

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.cloudwatch import read_metrics
from reconciler.cli.metric_views import print_region
from reconciler.cli.options import AllRegions, AsJson, Endpoint, MetricsPage, Suffix, TableName
from reconciler.cli.terminal import print_json, say
from reconciler.deployment.telemetry import OPEN_LOSSES
from reconciler.metrics.document import document
from reconciler.metrics.page import page
from reconciler.metrics.readings import LEAST_SECONDS, MOST_MINUTES, PanelReadings, line_of, window


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: AllRegions,
    endpoint: Endpoint = None,
    minutes: Annotated[
        int, typer.Option(min=1, max=MOST_MINUTES, help="how far to look back")
    ] = 60,
    as_json: AsJson = False,
    file: MetricsPage = None,
    suffix: Suffix = "",  # noqa: ARG001 (metrics bear the table's name; one set of options serves all)
) -> None:
    """Print and chart a table's metrics, region by region; exit with 1 if one does not answer."""
    now = now_ms()
    least = LEAST_SECONDS if endpoint is None else 1  # a local cloud keeps every value apart
    asked = window(now - minutes * 60_000, now, least_seconds=least)
    found, problems = read_metrics(table, regions, partial(client, attempts=2), asked)
    for region, why in (problems | _unknown(found)).items():
        say(f"reconciler: {region}: {why}", err=True)
    if as_json:
        print_json(json.dumps(document(table, asked, found, problems)))
    else:
        for region, panels in found.items():
            print_region(region, panels, asked)
    if file:
        file.write_text(page(table, asked, found, problems), encoding="utf-8")
        say(f"The charts are in {file}", err=as_json)
    raise typer.Exit(int(bool(problems)))


def _unknown(found: Mapping[str, Sequence[PanelReadings]]) -> dict[str, str]:
    """Return what to say of regions whose gauge, which measures zeros, too, was not heard."""
    return {
        region: "nothing measures what waits there: is the table's name right, is it deployed?"
        for region, panels in found.items()
        if line_of(panels, OPEN_LOSSES, "Maximum").total is None
    }
