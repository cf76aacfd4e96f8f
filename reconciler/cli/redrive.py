"""`reconciler redrive`: put back what failed, region by region; a dry run unless told otherwise."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.aws import now_ms
from reconciler.aws.region import Region, open_region
from reconciler.cli.options import (
    AsJson,
    CustomTypes,
    Endpoint,
    Execute,
    OutsideWritersOption,
    OutsideWritesOption,
    Regions,
    Suffix,
    TableName,
    TtlAttribute,
    VersionAttributes,
)
from reconciler.cli.terminal import console, print_json, stoppable
from reconciler.deployment.names import DEAD_LETTERS, Names
from reconciler.deployment.versions import parse_versions
from reconciler.deployment.wiring import OutsideWriters, OutsideWrites
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable
from reconciler.redrive.drain import Filter, Pace, Time
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.redrive.run import HearInRegion, Policy, RedriveRun
from reconciler.text.counts import count_in_words
from reconciler.text.durations import duration_ms
from reconciler.text.plain_text import shown

_PAUSE_SECONDS = 5
_NATIVE = ("resolve-dlq", "witness-dlq")
_STYLES = {
    RedriveOutcome.REDRIVEN: "green",
    RedriveOutcome.ALREADY_REPAIRED: "green",
    RedriveOutcome.EXPIRED: "bold red",
    RedriveOutcome.POISON: "red",
    RedriveOutcome.LEFT: "yellow",
}


def _per_second(text: str) -> float:
    try:
        rate = float(text.removesuffix("/s"))
    except ValueError:
        rate = 0
    if not 0.001 <= rate <= 1_000_000:
        raise InvalidInput(f"--rate {text}: give messages a second, such as 10/s")
    return rate


_Rate = Annotated[
    float | None, typer.Option(parser=_per_second, metavar="N/s", help="messages a second")
]


def _policy(
    writes: OutsideWrites, writers: OutsideWriters, ttl_attribute: str, versions: str
) -> Policy:
    try:
        found = parse_versions(versions)
    except InvalidInput as problem:
        raise InvalidInput(f"--version-attributes: {problem}") from None
    return partial(
        DetectorPolicy,
        outside_writes=writes,
        outside_writers=writers,
        ttl_attribute=ttl_attribute,
        version_attributes=found.ordered() if found else (),
    )


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    region: Regions,
    suffix: Suffix = "",
    execute: Execute = False,
    rate: _Rate = None,
    most: Annotated[int | None, typer.Option("--max-messages", min=1, help="in a region")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="messages at once")] = 1,
    key: Annotated[str, typer.Option(help="text in the item's key")] = "",
    error: Annotated[str, typer.Option(help="text in the message: an error, a reason")] = "",
    older_than: Annotated[str | None, typer.Option(help="failed so long ago: 90s, 2h, 1d")] = None,
    newer_than: Annotated[str | None, typer.Option(help="failed within: 90s, 2h, 1d")] = None,
    queue: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(DEAD_LETTERS)}; repeatable")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="go on until Ctrl-C")] = False,
    native: Annotated[
        str | None, typer.Option(metavar="QUEUE", help="let SQS move a resolve DLQ's messages back")
    ] = None,
    outside_writes: OutsideWritesOption = "accept",
    outside_writers: OutsideWritersOption = "expected",
    ttl_attribute: TtlAttribute = "",
    version_attributes: VersionAttributes = "",
    custom_types: CustomTypes = "",  # noqa: ARG001 (its callback has used it)
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
    as_json: AsJson = False,
) -> None:
    """Work off the dead letters of a table, the batches set aside and the losses never sent.

    A message is deleted only after its work is confirmed; stopping, and running twice, is harmless.
    """
    names, told = [Names(table, each, suffix) for each in dict.fromkeys(region)], _console(as_json)
    wanted = Filter(key, error, _ms(older_than) or 0, _ms(newer_than))
    policy = _policy(outside_writes, outside_writers, ttl_attribute, version_attributes)
    run = RedriveRun(open_region, execute, queue or (), wanted, Pace(rate, most, parallel), policy)
    if native:
        return _move_back(told, names, native, run)
    stopped = _carry_out(run, names, told, follow=follow)
    _say(told, run, stopped=stopped, as_json=as_json)
    raise typer.Exit(130 if stopped else int(run.needs_somebody()))


def _check_queues(queues: Sequence[str]) -> None:
    for each in queues:
        if each not in DEAD_LETTERS:
            raise InvalidInput(f"--queue {each}: a redrive reads {', '.join(DEAD_LETTERS)}")


def _carry_out(run: RedriveRun, regions: Sequence[Names], told: Console, *, follow: bool) -> bool:
    """Work off all regions, again and again if told so; return whether Ctrl-C ended it."""
    _check_queues(run.queues)
    try:
        with stoppable() as stop, _progress(told, run, regions) as hear:
            while True:
                for names in regions:
                    run.work_off(names, Time(now_ms, stop.wait), hear)
                if run.problems and not run.drains:
                    raise Unavailable("; ".join(run.problems.values()))
                if not follow:
                    return False
                time.sleep(_PAUSE_SECONDS)
    except KeyboardInterrupt:
        return True


def _move_back(told: Console, regions: Sequence[Names], queue: str, run: RedriveRun) -> None:
    if (run.wanted, run.pace) != (Filter(), Pace()) or run.queues:
        raise InvalidInput("--native moves a queue whole: give no other choice and no pace")
    if queue not in _NATIVE:
        raise InvalidInput(
            f"--native {queue}: SQS moves messages only back to the queue that gave them up, so it"
            f" serves {' and '.join(_NATIVE)}; the others need a redrive without --native"
        )
    for names in regions:
        letters, named = Region(names).letters, names.of(queue)
        if run.execute:
            said = f"SQS moves the messages of {named} back: task {letters.move_back(named)}"
        else:
            depth = count_in_words(letters.depth(named), "message")
            said = f"SQS would move about {depth} of {named} back"
        told.print(shown(f"{names.region}: {said}"), markup=False)


@contextmanager
def _progress(told: Console, run: RedriveRun, names: Sequence[Names]) -> Iterator[HearInRegion]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    would = "" if run.execute else "would be "
    with Progress(
        *columns, TimeElapsedColumn(), console=told, disable=not told.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("looking ...", total=_waiting(run, names) if told.is_terminal else None)

        def hear(region: str, queue: str, about: str, result: Result) -> None:
            style = _STYLES[result.outcome]
            what = f"[{style}]{would}{result.outcome.value}[/{style}]"
            told.print(f"{region} {_own(f'{queue} {about}')}: {what}: {_own(result.why)}")
            bar.update(task, advance=1, description=_text(run.counts()))

        yield hear


def _waiting(run: RedriveRun, regions: Sequence[Names]) -> int:
    """Return about how many messages there are to work off, where that can be told."""
    found = 0
    for names in regions:
        letters = Region(names).letters
        for queue in run.queues_of(names):
            with suppress(ReconcilerError):  # told when the queue is to be worked off
                found += letters.depth(queue)
    return found


def _own(text: str) -> str:
    """Return text from outside for a line that has markup of ours."""
    return escape(shown(text))


def _console(as_json: bool) -> Console:
    return console(stderr=as_json)


def _say(told: Console, run: RedriveRun, *, stopped: bool, as_json: bool) -> None:
    if as_json:
        print_json(json.dumps({"executed": run.execute, "stopped": stopped, **run.summary()}))
    for region, drain in run.drains.items():
        told.print(f"[bold]{region}[/bold]: {_text(drain.tally.counts)}")
    for problem in run.problems.values():
        told.print(f"not worked off to the end: {_own(problem)}")
    if not run.execute and run.counts().total():
        told.print("This was a dry run: nothing was written or deleted. --execute does it.")


def _text(counts: Counter[RedriveOutcome]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in _STYLES)


def _ms(duration: str | None) -> int | None:
    return None if duration is None else duration_ms(duration)
