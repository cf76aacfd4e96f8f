"""`reconciler demo`: one conflict told step by step, then a burst, counted."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from reconciler.aws import now_ms
from reconciler.cli.metric_views import side_by_side
from reconciler.cli.options import AsJson
from reconciler.cli.terminal import console, grid, print_json
from reconciler.demo.readings import readings_since
from reconciler.demo.run import Counts, client_tables, http_tables, open_cloud, run
from reconciler.demo.story import PARTY
from reconciler.deployment.telemetry import (
    CONFLICTS,
    LOSS_TO_REPAIR_MS,
    WRITE_BACKS,
    WRITES_RESCUED,
)
from reconciler.drills.workload import RECONCILED, party_schema
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.doors import open_doors
from reconciler.text.counts import count_in_words
from reconciler.text.plain_text import shown_lines

# Of the metrics, in short: everything about conflicts and their repair.
_MEASURED = {CONFLICTS, WRITES_RESCUED, WRITE_BACKS, LOSS_TO_REPAIR_MS}


class Door(Enum):
    """The ways in that edits may take."""

    CLIENT = "client"
    HTTP = "http"


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    edits: Annotated[int, typer.Option(min=1, max=5000, help="edits in the burst")] = 300,
    regions: Annotated[int, typer.Option(min=2, max=5, help="how many regions")] = 3,
    seed: Annotated[int, typer.Option(help="the burst's random seed")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one")] = 4777,
    door: Annotated[
        Door, typer.Option(help="edit by the Python client, or by HTTP in each region")
    ] = Door.CLIENT,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option(help="leave the cloud running until Ctrl-C")] = False,
) -> None:
    """Show a lost write and its repair on this machine, then count a burst of them."""
    told = console(stderr=as_json)
    with ExitStack() as running:
        told.print(f"Starting {regions} regions on this machine ...")
        cloud = running.enter_context(open_cloud(_region_names(regions), port, seed))
        doors = running.enter_context(_doors(cloud, door))
        tables = http_tables(doors) if doors else client_tables(cloud)
        bar = _progress(told)
        task = bar.add_task("edits from all regions", total=edits)

        def advance(what: str) -> None:
            bar.update(task, advance=1) if what == "edit" else bar.update(task, description=what)

        def say(text: str) -> None:
            told.print(shown_lines(text), markup=False)

        told.print()
        since_ms = now_ms()
        running.callback(bar.stop)
        outcome = run(cloud, tables, edits, seed, say=say, started=bar.start, advance=advance)
        bar.stop()
        if as_json:
            print_json(json.dumps(asdict(outcome)))
        told.print(_table(told, outcome))
        told.print(side_by_side(told, _MEASURED, readings_since(cloud, since_ms)))
        if keep:
            _wait(cloud, doors, told)
    raise typer.Exit(0 if outcome.nothing_lost else 1)


@contextmanager
def _doors(cloud: LocalCloud, door: Door) -> Iterator[Mapping[str, str]]:
    """Open the doors that edits go through; give their addresses by region, none for none."""
    if door is Door.CLIENT:
        yield {}
        return
    with open_doors(cloud, party_schema()) as doors:
        yield doors.addresses


def _progress(told: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=told, disable=not told.is_terminal)


def _region_names(count: int) -> tuple[str, ...]:
    return (*DEFAULT_REGIONS, "us-west-2", "sa-east-1")[:count]


def _table(told: Console, outcome: Counts) -> Table:
    table = grid(
        told, title=count_in_words(outcome.acknowledged_writes, "acknowledged write"), heads=False
    )
    table.add_column()
    table.add_column(justify="right")
    good, bad = "bold green", "bold red"
    lost, plain = outcome.lost_with_reconciler, outcome.lost_with_last_writer_wins
    table.add_row("lost under plain last-writer-wins", str(plain), style=bad if plain else None)
    table.add_row("lost with the reconciler", str(lost), style=bad if lost else good)
    table.add_row("conflicts", str(outcome.conflicts))
    table.add_row("conflicts not resolved", str(outcome.unresolved))
    table.add_row("write-backs", str(outcome.write_backs))
    p50, p99 = outcome.loss_to_repair_p50_ms, outcome.loss_to_repair_p99_ms
    table.add_row("from loss to repair, p50 / p99", f"{p50:,} ms / {p99:,} ms")
    same = "yes" if outcome.replicas_identical else "NO"
    table.add_row("all replicas identical", same, style=None if outcome.replicas_identical else bad)
    table.add_row("burst and repair", f"{outcome.seconds} s")
    return table


def _wait(cloud: LocalCloud, doors: Mapping[str, str], told: Console) -> None:
    told.print(f"\nThe cloud keeps running at {cloud.endpoint}; Ctrl-C ends it. For example:")
    for address in doors.values():
        told.print(f"curl {address}/items/{PARTY}", style="bold")
    told.print(
        "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws"
        f" --endpoint-url {cloud.endpoint} --region {cloud.regions[1]}"
        f" dynamodb scan --table-name {RECONCILED}",
        style="bold",
    )
    told.print(
        f".venv/bin/reconciler metrics --table {RECONCILED} --region {','.join(cloud.regions)}"
        f" --endpoint {cloud.endpoint} --minutes 5 --page metrics.html",
        style="bold",
    )
    threading.Event().wait()
