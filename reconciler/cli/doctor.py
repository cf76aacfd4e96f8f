"""`reconciler doctor`: is a deployed system as it must be, region by region, and what to fix."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.inspection import inspect
from reconciler.cli.options import AllRegions, AsJson, Endpoint, Suffix, TableName
from reconciler.deployment.names import Names
from reconciler.doctor import Finding, Severity, examine

_STYLES: dict[Severity, str] = {
    "problem": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "ok": "green",
}


def command(
    table: TableName,
    regions: AllRegions,
    endpoint: Endpoint = None,
    suffix: Suffix = "",
    as_json: AsJson = False,
) -> None:
    """Check a deployed system and say what to fix; exit with 1 if there is a problem."""
    places = [Names(table, region, suffix) for region in regions]
    clients = partial(client, attempts=2)  # throttled once is nothing; a dead region is told soon
    seen = inspect(places, clients, now_ms, endpoint=endpoint)
    findings = [finding for each in seen for finding in examine(each)]
    counted = Counter(finding.severity for finding in findings)
    if as_json:
        document = {
            "table": table,
            "regions": regions,
            "counts": {severity: counted[severity] for severity in _STYLES},
            "findings": [asdict(finding) for finding in findings],
        }
        typer.echo(json.dumps(document))
    else:
        told = Console(highlight=False)
        for region in regions:
            _show(told, region, [each for each in findings if each.region == region])
    raise typer.Exit(1 if counted["problem"] else 0)


def _show(told: Console, region: str, findings: Sequence[Finding]) -> None:
    counted = Counter(finding.severity for finding in findings)
    counts = ", ".join(f"{counted[each]} {each}" for each in _STYLES if counted[each])
    told.print(f"\n[bold]{region}[/bold]: {counts}")
    for finding in findings:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=8)
        row.add_column(width=27, overflow="fold")
        row.add_column(overflow="fold")
        severity = Text(finding.severity, style=_STYLES[finding.severity])
        row.add_row(severity, Text(finding.id), Text(finding.found))
        told.print(Padding(row, (0, 0, 0, 2)))
        for line in finding.fix.splitlines():
            # Never wrapped here: a command line is there to be copied.
            told.print(Text(f"    {line}", style="cyan"), soft_wrap=True)
