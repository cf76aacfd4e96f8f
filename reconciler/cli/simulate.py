"""`reconciler simulate`: many seeded schedules with faults; the first to fail becomes a story."""

import json
from dataclasses import asdict
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from reconciler.cli.options import AsJson, ScheduleReport
from reconciler.cli.terminal import console, grid, print_json
from reconciler.simulation.experiment import Experiment, explained
from reconciler.simulation.plan.outside import ALL, NONE, ONE
from reconciler.simulation.report.page import page
from reconciler.simulation.search import Totals, search
from reconciler.text.counts import count_in_words
from reconciler.text.plain_text import shown_lines


class Outside(Enum):
    """In which regions there are writers around the library."""

    NONE = NONE
    ONE = ONE
    ALL = ALL


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    seeds: Annotated[int, typer.Option(min=1, max=10_000_000, help="how many schedules")] = 100,
    regions: Annotated[int, typer.Option(min=2, max=5, help="how many regions")] = 3,
    operations: Annotated[int, typer.Option(min=1, max=5000, help="edits in a schedule")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="the first seed")] = 1,
    report: ScheduleReport = None,
    as_json: AsJson = False,
    folds: Annotated[bool, typer.Option(help="let detectors and resolvers fold contexts")] = True,
    outside: Annotated[
        Outside, typer.Option(help="in which regions others write around the library")
    ] = Outside.NONE,
    named: Annotated[bool, typer.Option(help="let some clients name their updates")] = False,
    keyed: Annotated[bool, typer.Option(help="repeat some writes, with idempotency keys")] = False,
) -> None:
    """Try many schedules with faults, in virtual time, and exit with 1 if one loses anything."""
    told = console(stderr=as_json)
    experiment = Experiment(
        regions=regions,
        operations=operations,
        folds=folds,
        outside=outside.value,
        named=named,
        keyed=keyed,
    )
    totals = _search(experiment, range(seed, seed + seeds), told)
    told.print(_table(told, totals))
    with told.status("looking at one schedule ..."):
        failed = totals.first_failure()
        shown = failed or (explained(experiment, seed) if report else None)
    if report and shown:
        report.write_text(page(shown.run, shown.problems, shown.notes), encoding="utf-8")
        told.print(f"The schedule of seed {shown.run.plan.seed} is drawn in {report}", markup=False)
    if failed:
        told.print(shown_lines(f"\n{failed.story}"), markup=False)
    if as_json:
        print_json(json.dumps(_document(totals, failed.story if failed else None)))
    raise typer.Exit(1 if totals.problems else 0)


def _search(experiment: Experiment, seeds: range, told: Console) -> Totals:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=told, disable=not told.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("schedules", total=len(seeds))
        return search(experiment, seeds, each=lambda _: bar.update(task, advance=1))


def _table(told: Console, totals: Totals) -> Table:
    last = totals.first_seed + totals.seeds - 1
    title = f"{count_in_words(totals.seeds, 'schedule')}, seeds {totals.first_seed} to {last}"
    table = grid(told, title=title, heads=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in _numbers(totals).items():
        table.add_row(name.replace("_", " "), f"{number:,}")
    for kind, began in totals.faults.items():
        strikes = f", {totals.strikes[kind]:,} strikes" if kind in totals.strikes else ""
        table.add_row(f"  {kind.replace('_', ' ')}", f"{began:,}{strikes}")
    for what, schedules in totals.odds.items():
        table.add_row(f"  {what}", f"in {schedules:,}")
    table.add_row("hash of all traces", totals.hash)
    failed = len(totals.problems)
    style = "bold red" if failed else "bold green"
    table.add_row("schedules that broke a promise", str(failed), style=style)
    for failure in totals.problems:
        kinds = ", ".join(sorted({problem.kind for problem in failure.problems}))
        table.add_row(f"  seed {failure.seed}", kinds, style="red")
    return table


def _numbers(totals: Totals) -> dict[str, int]:
    names = ["operations", "acknowledged", "conflicts", "write_backs", "folds"]
    names += ["raw_writes"] if totals.raw_writes else []
    return {name: getattr(totals, name) for name in (*names, "operations_per_second")}


def _document(totals: Totals, story: str | None) -> dict[str, Any]:
    return {
        "first_seed": totals.first_seed,
        "seeds": totals.seeds,
        **_numbers(totals),
        "seconds": round(totals.seconds, 3),
        "faults": dict(totals.faults),
        "strikes": dict(totals.strikes),
        "outside": totals.experiment.outside,
        "raw_writes": totals.raw_writes,
        "odds": dict(totals.odds),
        "hash": totals.hash,
        "problems": [asdict(failure) for failure in totals.problems],
        "story": story,
    }
