"""`reconciler redrive`: put back what failed, region by region; a dry run unless told otherwise."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reconciler.aws import now_ms
from reconciler.aws.clients import client
from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.redriving import redrive_ports
from reconciler.cli.conflicts import Endpoint, TableName
from reconciler.deployment import Names, dead_letter_queue
from reconciler.errors import InvalidInput
from reconciler.feed import duration_ms
from reconciler.loss import DetectorPolicy
from reconciler.redrive.drain import Choice, Drain, Hear, Pace, Time
from reconciler.redrive.outcome import Outcome, Result, Tally
from reconciler.redrive.redriver import Redriver, rehearsed

_PAUSE_SECONDS = 5
_STYLES = {
    Outcome.REDRIVEN: "green",
    Outcome.ALREADY_REPAIRED: "green",
    Outcome.EXPIRED: "bold red",
    Outcome.POISON: "red",
    Outcome.LEFT: "yellow",
}
_REGIONS = Annotated[
    list[str],
    typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="repeatable"),
]


_Hear = Callable[[str, str, str, Result], object]  # region, queue, what it is about, how it ended


@dataclass(frozen=True)
class _Asked:
    """What a run was asked for."""

    table: str
    queues: Sequence[str]
    execute: bool
    choice: Choice
    pace: Pace


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    region: _REGIONS,
    execute: Annotated[bool, typer.Option("--execute", help="do it; else only say what")] = False,
    rate: Annotated[float | None, typer.Option(min=0.01, help="messages a second")] = None,
    most: Annotated[int | None, typer.Option("--max-messages", min=1, help="in a region")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="messages at once")] = 1,
    key: Annotated[str, typer.Option(help="text in the item's key")] = "",
    error: Annotated[str, typer.Option(help="text in the message: an error, a reason")] = "",
    older_than: Annotated[str | None, typer.Option(help="failed so long ago: 90s, 2h, 1d")] = None,
    newer_than: Annotated[str | None, typer.Option(help="failed within: 90s, 2h, 1d")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="this queue only; repeatable")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="go on until Ctrl-C")] = False,
    native: Annotated[
        str | None, typer.Option(metavar="QUEUE", help="let SQS move a resolve DLQ's messages back")
    ] = None,
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Work off the dead letters of a table, the batches set aside and the losses never sent.

    A message is deleted only after its work is confirmed; stopping, and running twice, is harmless.
    """
    told = Console(stderr=as_json, soft_wrap=True, highlight=False)
    if native:
        _move_back(told, Names(table, region[0]), native)
        return
    choice = Choice(key, error, _ms(older_than) or 0, _ms(newer_than))
    asked = _Asked(table, queue or (), execute, choice, Pace(rate, most, parallel))
    raise typer.Exit(_redrive(asked, region, told, follow=follow, as_json=as_json))


def _redrive(
    asked: _Asked, regions: Sequence[str], told: Console, *, follow: bool, as_json: bool
) -> int:
    """Work the regions off and say what was done; return the exit code."""
    tallies = {region: Tally() for region in regions}
    execute, stopped = asked.execute, False
    try:
        with _progress(told, tallies, "" if execute else "would be ") as hear:
            _run(asked, tallies, hear, follow=follow)
    except KeyboardInterrupt:
        stopped = True
    if as_json:
        counts = {name: tally.summary() for name, tally in tallies.items()}
        typer.echo(json.dumps({"executed": execute, "stopped": stopped, "regions": counts}))
    _say(told, tallies, execute=execute)
    return 130 if stopped else int(execute and _needs_somebody(tallies))


def _run(asked: _Asked, tallies: Mapping[str, Tally], hear: _Hear, *, follow: bool) -> None:
    while True:
        for region, tally in tallies.items():
            _work_off(asked, Names(asked.table, region), tally, partial(hear, region))
        if not follow:
            return
        time.sleep(_PAUSE_SECONDS)


def _work_off(asked: _Asked, names: Names, tally: Tally, hear: Hear) -> None:
    ports = redrive_ports(names, partial(_client, names.region))
    if not asked.execute:
        ports = rehearsed(ports)
    drain = Drain(
        SqsDeadLetters(_client(names.region, "sqs", 4)),
        Redriver(DetectorPolicy(asked.table, names.region), ports, now_ms),
        Time(now_ms, time.sleep),
        execute=asked.execute,
        choice=asked.choice,
        pace=asked.pace,
        hear=hear,
    )
    drain.tally = tally
    drain.queues(asked.queues or names.dead_letter_queues())
    if not asked.queues and asked.choice == Choice():
        drain.leftovers(ports)


def _move_back(told: Console, names: Names, queue: str) -> None:
    served = [dead_letter_queue(each) for each in (names.home_queue, names.witness_queue)]
    if queue not in served:
        raise InvalidInput(
            f"--native {queue}: SQS moves messages only back to the queue that gave them up, so it"
            f" serves {' and '.join(served)}; the others need a redrive without --native"
        )
    handle = SqsDeadLetters(_client(names.region, "sqs", 4)).move_back(queue)
    told.print(f"SQS moves the messages of {queue} back: task {handle}", markup=False)


@contextmanager
def _progress(told: Console, tallies: Mapping[str, Tally], would: str) -> Iterator[_Hear]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=told, disable=not told.is_terminal, transient=True) as bar:
        task = bar.add_task("looking ...", total=None)

        def hear(region: str, queue: str, about: str, result: Result) -> None:
            style = _STYLES[result.outcome]
            what = f"[{style}]{would}{result.outcome.value}[/{style}]"
            told.print(f"{region} {escape(f'{queue} {about}')}: {what}: {escape(result.why)}")
            bar.update(task, description=_counts(tallies))

        yield hear


def _say(told: Console, tallies: Mapping[str, Tally], *, execute: bool) -> None:
    for region, tally in tallies.items():
        told.print(f"[bold]{region}[/bold]: {_counts({region: tally})}")
    if not execute and any(tally.counts.total() for tally in tallies.values()):
        told.print("This was a dry run: nothing was written or deleted. --execute does it.")


def _counts(tallies: Mapping[str, Tally]) -> str:
    sums = sum((tally.counts for tally in tallies.values()), Counter())
    return ", ".join(f"{sums[outcome]} {outcome.value}" for outcome in _STYLES)


def _needs_somebody(tallies: Mapping[str, Tally]) -> bool:
    waiting = (Outcome.EXPIRED, Outcome.POISON, Outcome.LEFT)
    return any(tally.counts[outcome] for tally in tallies.values() for outcome in waiting)


def _ms(duration: str | None) -> int | None:
    return None if duration is None else duration_ms(duration)


def _client(region: str, service: str, attempts: int) -> Any:
    return client(service, region, attempts=attempts)
