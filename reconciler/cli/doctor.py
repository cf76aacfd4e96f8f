"""`reconciler doctor`: is a deployed system as it must be, region by region, and what to fix."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.inspection import ClientOf, inspect
from reconciler.causality.context import replica_id
from reconciler.cli.conflicts import Suffix
from reconciler.deployment.names import Names
from reconciler.doctor import Finding, Severity, examine
from reconciler.errors import InvalidInput
from reconciler.local.clients import Boto3Clients

_STYLES: dict[Severity, str] = {
    "problem": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "ok": "green",
}


def _region_names(text: str) -> str:
    regions = [region.strip() for region in text.split(",")]
    try:
        for region in regions:
            replica_id(region)
    except InvalidInput as problem:
        raise typer.BadParameter(str(problem)) from None
    return ",".join(dict.fromkeys(regions))


def _address(endpoint: str | None) -> str | None:
    parts = urlsplit(endpoint or "")
    if endpoint is not None and not (parts.scheme in ("http", "https") and parts.hostname):
        raise typer.BadParameter(f"{endpoint} is no address such as http://127.0.0.1:4777")
    return endpoint


RegionNames = Annotated[
    str,
    typer.Option(
        metavar="us-east-1,eu-west-1",
        callback=_region_names,
        help="the regions it is deployed in, with commas between",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="URL", callback=_address, help="a local cloud, instead of AWS"),
]


def command(
    table: Annotated[str, typer.Option(metavar="NAME", help="the replicated table")],
    regions: RegionNames,
    endpoint: Address = None,
    suffix: Suffix = "",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Check a deployed system and say what to fix; exit with 1 if there is a problem."""
    names = regions.split(",")
    places = [Names(table, region, suffix) for region in names]
    seen = inspect(places, clients_at(endpoint), now_ms, endpoint=endpoint)
    findings = [finding for each in seen for finding in examine(each)]
    counted = Counter(finding.severity for finding in findings)
    if as_json:
        document = {
            "table": table,
            "regions": names,
            "counts": {severity: counted[severity] for severity in _STYLES},
            "findings": [asdict(finding) for finding in findings],
        }
        typer.echo(json.dumps(document))
    else:
        told = Console(highlight=False)
        for region in names:
            _show(told, region, [each for each in findings if each.region == region])
    raise typer.Exit(1 if counted["problem"] else 0)


def clients_at(endpoint: str | None) -> ClientOf:
    """Return the clients of a local cloud at this address, or of AWS."""
    if endpoint is None:
        return partial(client, attempts=2)  # throttled once is nothing; a dead region is told soon
    local = Boto3Clients(endpoint)
    return lambda service, region: local.get(service, region=region)


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
