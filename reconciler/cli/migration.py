"""`reconciler migration-drill`: a live table moves in, step by step, and loses nothing by it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.cli.options import AsJson
from reconciler.cli.terminal import console, grid, print_json
from reconciler.drills.failure.drill import counts_in_words
from reconciler.drills.migration.books import Account
from reconciler.drills.migration.drill import drill
from reconciler.text.counts import count_in_words
from reconciler.text.plain_text import shown, shown_lines

_Rows = Annotated[int, typer.Option(min=20, metavar="N", help="how many rows the table has")]
_NUMBERS = ("rows", "acknowledged", "as DynamoDB leaves it", "lost", "doubled")


def command(rows: _Rows = 10_000, as_json: AsJson = False) -> None:
    """Let a live table of two regions move in on this machine, and out again, and judge.

    Raw, named, instrumented and library writers, under lag and cut off from each other. Exits with
    1 if a write is lost or doubled that DynamoDB alone would keep, or that the library promised.
    """
    told = console(stderr=as_json)
    report = drill(count=rows, say=lambda text: told.print(shown_lines(text), markup=False))
    if as_json:
        print_json(json.dumps(asdict(report)))
    told.print(_table(told, report.accounts))
    for problem in report.problems:
        told.print(shown(problem), markup=False, style="bold red")
    told.print(f"adopted: {counts_in_words(report.adopted)}", markup=False)
    verdict = count_in_words(len(report.problems), "problem") if report.problems else "good"
    lost = count_in_words(report.losses, "loss")
    became = "found" if report.problems else "repaired"
    told.print(f"{lost} {became}; verdict: {verdict}", markup=False)
    raise typer.Exit(int(bool(report.problems)))


def _table(told: Console, accounts: Sequence[Account]) -> Table:
    table = grid(told, title="Acknowledged writes of a table that moves in")
    for name in ("phase", "writer"):
        table.add_column(name, no_wrap=True)
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    for each in accounts:
        left = each.as_dynamodb_leaves_it
        counts = (each.rows, each.acknowledged, left, each.lost, each.doubled)
        style = "bold red" if each.lost or each.doubled else None
        table.add_row(each.phase, each.writer, *(f"{count:,}" for count in counts), style=style)
    return table
