"""`reconciler failover-drill`: cut a region off, write on both sides, and count what is lost."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.cli.options import AnyRegions, AnyTableName, AsJson, Endpoint, Execute, Suffix
from reconciler.cli.terminal import console, grid, print_json
from reconciler.deployment.names import Names
from reconciler.drills.failover.on_aws import DrillPlan, Wish, plan_for
from reconciler.drills.failover.on_this_machine import drill
from reconciler.drills.failover.steps import Report
from reconciler.drills.failure.drill import counts_in_words
from reconciler.errors import InvalidInput
from reconciler.text.plain_text import shown, shown_lines

_Isolate = Annotated[
    str | None, typer.Option(help="the region whose replication pauses; if not given, the last")
]
_Minutes = Annotated[int, typer.Option(min=10, max=720, help="the longest the pause may take")]
_Edits = Annotated[int, typer.Option(min=10, max=2000, help="how many edits to make")]
_Role = Annotated[
    str | None, typer.Option(metavar="ARN", help="the role for FIS, if not the deployed one")
]
_Alarm = Annotated[
    str | None, typer.Option(metavar="ARN", help="an alarm that ends the pause when it goes off")
]
_Local = Annotated[bool, typer.Option("--local", help="on this machine, with no AWS at all")]


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    local: _Local = False,
    table: AnyTableName = None,
    regions: AnyRegions = None,
    suffix: Suffix = "",
    isolate: _Isolate = None,
    minutes: _Minutes = 15,
    edits: _Edits = 60,
    role: _Role = None,
    stop_alarm: _Alarm = None,
    execute: Execute = False,
    as_json: AsJson = False,
    endpoint: Endpoint = None,
) -> None:
    """Cut a region off from the others, write everywhere, mend, and judge what is left.

    On AWS a dry run unless told otherwise, because the whole table's replication pauses. Exits
    with 1 if an acknowledged write is lost or doubled in any region.
    """
    told = console(stderr=as_json)
    if local:
        if table or regions or endpoint:
            raise InvalidInput("--local makes a table and regions of its own: name none")
        reports = drill(
            edits=edits, seed=1, say=lambda text: told.print(shown_lines(text), markup=False)
        )
        _tell(told, reports, as_json=as_json)
        raise typer.Exit(int(any(each.problems for each in reports)))
    if not table:
        raise InvalidInput("--table: name a table, or give --local to drill on this machine")
    places = [Names(table, each, suffix) for each in regions or ()]
    wish = Wish(isolate or (regions or [""])[-1], minutes, edits, role, stop_alarm)
    plan = plan_for(places, wish)
    told.print(f"{plan.warning()}.", style="bold red")
    if execute:
        report = plan.carry_out(lambda text: told.print(shown_lines(text), markup=False))
        _tell(told, [report], as_json=as_json)
        raise typer.Exit(int(bool(report.problems)))
    _rehearse(told, plan, as_json=as_json)


def _rehearse(told: Console, plan: DrillPlan, *, as_json: bool) -> None:
    if as_json:
        document = {"executed": False, "warning": plan.warning(), "would": plan.steps()}
        print_json(json.dumps(document))
    for number, step in enumerate(plan.steps(), 1):
        told.print(shown_lines(f"{number}. would {step}"), markup=False)
    told.print("This was a dry run: nothing was written or paused. --execute does it.")


def _tell(told: Console, reports: Sequence[Report], *, as_json: bool) -> None:
    if as_json:
        document = {"executed": True, "reports": [asdict(report) for report in reports]}
        print_json(json.dumps(document))
    told.print(_table(told, reports))
    for report in reports:
        for region, lost in report.lost.items():
            for each in lost:
                told.print(shown(f"{report.scene}: lost in {region}: {each}"), markup=False)


def _table(told: Console, reports: Sequence[Report]) -> Table:
    table = grid(told, title="Acknowledged writes, after regions were apart")
    table.add_column("scene", no_wrap=True)
    for name in ("written", "apart", "conflicts"):
        table.add_column(name, justify="right")
    table.add_column("repaired by")
    table.add_column("lost", justify="right")
    table.add_column("verdict")
    for report in reports:
        lost = {each for lost in report.lost.values() for each in lost}
        table.add_row(
            report.scene,
            str(report.acknowledged),
            str(report.apart),
            str(report.conflicts),
            counts_in_words(report.by_role),
            str(len(lost)),
            "; ".join(report.problems) or "good",
            style="bold red" if report.problems else None,
        )
    return table
