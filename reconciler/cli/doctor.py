"""`reconciler doctor`: is a deployed system as it must be, region by region, and what to fix."""

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import typer
from rich.console import Console
from rich.text import Text

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.inspection import inspect
from reconciler.cli.options import AllRegions, AsJson, Endpoint, Suffix, TableName
from reconciler.cli.terminal import console, print_json, say_line
from reconciler.deployment.names import Names
from reconciler.doctor import CheckResult, Severity, examine
from reconciler.text.plain_text import shown

_STYLES: dict[Severity, str] = {
    "problem": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "ok": "green",
}
_HANGING = " " * 11


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
        print_json(json.dumps(document))
    else:
        told = console()
        for region in regions:
            _show(told, region, [each for each in findings if each.region == region])
    raise typer.Exit(1 if counted["problem"] else 0)


def _show(told: Console, region: str, findings: Sequence[CheckResult]) -> None:
    counted = Counter(finding.severity for finding in findings)
    counts = ", ".join(f"{counted[each]} {each}" for each in _STYLES if counted[each])
    told.print(f"\n[bold]{region}[/bold]: {counts}")
    for finding in findings:
        name, found = f"{finding.severity:8} {shown(finding.id)}", shown(finding.found)
        fits = len(f"  {name}  {found}") <= told.width
        first = f"  {name}  {found}" if fits else f"  {name}"
        # A check's name and the names in what was found stay whole: they are there to be searched.
        more = [] if fits else _whole_words(found, told.width - len(_HANGING))
        line = Text(first)
        line.stylize(_STYLES[finding.severity], 2, 2 + len(finding.severity))
        told.print(line, soft_wrap=True)
        for each in more:
            say_line(told, f"{_HANGING}{each}")
        for each in finding.fix.split("\n") if finding.fix else []:
            say_line(told, f"    {each}", "cyan")


def _whole_words(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
