"""`reconciler guests-drill`: clients that do not know this library write beside it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.cli.options import AsJson
from reconciler.cli.terminal import console, grid, print_json
from reconciler.drills.failure.drill import counts_in_words
from reconciler.drills.guests.drill import GuestReport, drill
from reconciler.drills.guests.writes import ALONE, BOTH_SIDES, RAW
from reconciler.text.counts import count_in_words
from reconciler.text.plain_text import shown, shown_lines

_Packages = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        exists=True,
        file_okay=False,
        help="where `npm install @aws-sdk/lib-dynamodb` was run; without it, no JavaScript",
    ),
]
_Items = Annotated[int, typer.Option(min=1, max=20, help="how many items of each kind")]
_Rounds = Annotated[int, typer.Option(min=1, max=20, help="how often all write in each phase")]


def command(
    javascript: _Packages = None, items: _Items = 2, rounds: _Rounds = 3, as_json: AsJson = False
) -> None:
    """Let boto3, the AWS CLI and JavaScript write beside the library on this machine, and judge.

    Two regions, under lag, cut off from each other, and with stopped functions. Exits with 1 if a
    write is not as its client was told, or the reconciler touched what is not its own.
    """
    told = console(stderr=as_json)
    report = drill(
        count=items,
        rounds=rounds,
        packages=javascript,
        say=lambda text: told.print(shown_lines(text), markup=False),
    )
    if as_json:
        print_json(json.dumps(asdict(report)))
    told.print(_table(told, report))
    for problem in report.problems:
        told.print(shown(problem), markup=False, style="bold red")
    verdict = count_in_words(len(report.problems), "problem") if report.problems else "good"
    lost = count_in_words(report.losses, "loss")
    became = "found" if report.problems else "repaired"
    told.print(f"{lost} {became}; verdict: {verdict}", markup=False)
    raise typer.Exit(int(bool(report.problems)))


def _table(told: Console, report: GuestReport) -> Table:
    table = grid(told, title="Acknowledged writes, beside clients that do not know the library")
    for name in ("items", "writes", "sent by"):
        table.add_column(name, no_wrap=True)
    table.add_column("in the end")
    for account in report.accounts:
        end = counts_in_words(account.found) if account.found else "each counts once"
        if account.kind == ALONE:
            end = "as DynamoDB leaves it"
        elif account.found and (account.kind, account.hand) == (BOTH_SIDES, RAW):
            end += ", as DynamoDB leaves it"
        table.add_row(account.kind, account.hand, counts_in_words(account.written), end)
    return table
