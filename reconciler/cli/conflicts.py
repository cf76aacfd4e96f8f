"""`reconciler conflicts`: the losses that wait for a person, and what is decided about them."""

import getpass
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from reconciler.aws import connect, now_ms
from reconciler.aws.region import Region
from reconciler.causality.context import replica_id
from reconciler.cli.conflict_views import print_case, print_outcome, print_rows
from reconciler.cli.options import (
    AsJson,
    Endpoint,
    Execute,
    LedgerRegion,
    OutsideWritersOption,
    Regions,
    Suffix,
    TableName,
)
from reconciler.cli.terminal import print_json, say
from reconciler.conflict.row import State
from reconciler.deployment.names import Names, checked_region
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import (
    EvidenceExpired,
    InvalidInput,
    ReconcilerError,
    Unavailable,
    Undecodable,
)
from reconciler.feed.carrying_out import Desk, decide, is_decided, rehearse
from reconciler.feed.case import document, open_case
from reconciler.feed.decision import Answer, parse_decision
from reconciler.feed.rows import Wanted, item_key_of, loss_named, losses, summary, with_images
from reconciler.ports import Unheard
from reconciler.text.durations import duration_ms
from reconciler.text.plain_json import json_text
from reconciler.values.wire import to_json

app = typer.Typer(no_args_is_help=True, help="List, show, decide and export lost writes.")


_NO_LEDGER = ("Query", "ResourceNotFoundException")
_EXAMPLE = """a key as JSON: '{"id": "p1"}'"""
_FILE = """decisions as JSON: '{"a": {"take": "lost"}, "b": {"value": 1}, "c": {"remove": true}}'"""
States = Annotated[
    list[State] | None, typer.Option(help="OPEN and PARKED, if not given; repeatable")
]
Key = Annotated[str | None, typer.Option(help=f"losses of one item only; {_EXAMPLE}")]
Since = Annotated[str | None, typer.Option(help="lost at most this long ago: 90s, 15m, 2h, 3d")]
Until = Annotated[str | None, typer.Option(help="lost at least this long ago")]
Reason = Annotated[str, typer.Option(help="text that the reason must contain")]
Limit = Annotated[int | None, typer.Option(min=1, help="most rows of a region, oldest first")]
ConflictId = Annotated[str, typer.Argument(metavar="ID", help="the loss, as `list` names it")]


class _NamesALoss(TyperCommand):
    """A command whose argument may be an id that begins with "-", as ids of older rows can."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ids = [each for each in args if re.fullmatch(r"-[\w-]{21}", each, re.ASCII)]
        if ids and "--" not in args:
            args = [*(each for each in args if each not in ids), "--", *ids]
        return super().parse_args(ctx, args)


class _ToThePerson(Unheard):
    """A `Telemetry` that says why something was not done to whoever gave the command."""

    def __init__(self, region: str) -> None:
        self._region = region

    def note(self, message: str, **fields: Any) -> None:
        """Print what was refused, and why."""
        _told(self._region, message, fields["error"])


@contextmanager
def ledger_in(table: str, region: str, suffix: str) -> Iterator[Region]:
    """Yield the adapters of the table's region, to read its ledger.

    InvalidInput for a name that is no region, and for a region that has no ledger.
    """
    names = Names(table, checked_region(region), suffix)
    try:
        yield Region(names, telemetry=_ToThePerson(region))
    except Unavailable as problem:
        if (problem.evidence.get("call"), problem.evidence.get("code")) != _NO_LEDGER:
            raise
        raise InvalidInput(
            f"there is no ledger {names.ledger} in {region}: check --table,"
            " --region and --suffix, or deploy the reconciler there"
        ) from None


def _wanted(  # noqa: PLR0913, PLR0917 (one for each option)
    state: Sequence[State] | None,
    key: str | None,
    since: str | None,
    until: str | None,
    reason: str,
    limit: int | None,
) -> Wanted:
    now = now_ms()
    return Wanted(
        states=tuple(dict.fromkeys(state)) if state else Wanted.states,
        item_key=item_key_of(key) if key else None,
        since_ms=now - duration_ms(since) if since else None,
        until_ms=now - duration_ms(until) if until else None,
        reason=reason,
        limit=limit,
    )


def _told(region: str, *problem: object) -> None:
    say(f"reconciler: {region}: {': '.join(map(str, problem))}", err=True)


@app.command("list")
def list_losses(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    region: Regions,
    state: States = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    limit: Limit = None,
    as_json: AsJson = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """List the losses in each region's ledger, the oldest first."""
    wanted = _wanted(state, key, since, until, reason, limit)
    found, failed = [], False
    for each in region:
        try:
            with ledger_in(table, each, suffix) as ports:
                rows = [summary(row, now_ms()) for row in losses(ports.ledger, wanted)]
        except ReconcilerError as problem:
            failed = True
            _told(each, problem)
            continue
        found += rows
        if not as_json:
            print_rows(each, rows)
    if as_json:
        print_json(json_text(found))
    raise typer.Exit(int(failed))


@app.command("export")
def export(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    region: Regions,
    state: States = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    limit: Limit = None,
    output: Annotated[
        typer.FileTextWrite, typer.Option(encoding="utf-8", help="a file; - is stdout")
    ] = "-",  # type: ignore[assignment]  # typer opens it
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Write rows as JSON lines in DynamoDB's wire format, their images included."""
    wanted = _wanted(state, key, since, until, reason, limit)
    failed = False
    for each in region:
        try:
            with ledger_in(table, each, suffix) as ports:
                for row in losses(ports.ledger, wanted):
                    try:
                        image = with_images(row, ports.evidence)
                    except (EvidenceExpired, Undecodable) as problem:
                        failed, image = True, row.image
                        _told(each, problem)
                    typer.echo(to_json(image), file=output)
        except ReconcilerError as problem:
            failed = True
            _told(each, problem)
    raise typer.Exit(int(failed))


@app.command("show", cls=_NamesALoss)
def show(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    conflict_id: ConflictId,
    table: TableName,
    region: LedgerRegion,
    as_json: AsJson = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Show the lost write beside the winner and the item as it is now, attribute by attribute."""
    with ledger_in(table, region, suffix) as ports:
        row = loss_named(ports.ledger, conflict_id)
    case = open_case(row, ports.items, ports.evidence, ports.ledger)
    told = document(case, now_ms())
    if as_json:
        print_json(json_text(told))
    else:
        print_case(told)


@app.command("resolve", cls=_NamesALoss)
def resolve(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    conflict_id: ConflictId,
    table: TableName,
    region: LedgerRegion,
    take: Annotated[
        list[str] | None,
        typer.Option(help="attribute=lost|winner|current, or all=...; repeatable"),
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="attribute=JSON value; repeatable")
    ] = None,
    file: Annotated[typer.FileBinaryRead | None, typer.Option(help=_FILE)] = None,
    by: Annotated[str | None, typer.Option(help="who decides; this user, if not given")] = None,
    why: Annotated[str, typer.Option(help="the reason, for the ledger")] = "",
    outside_writers: OutsideWritersOption = "expected",
    execute: Execute = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Decide a loss: merge what can be merged, then write what stands, then close its row.

    In one region: elsewhere the decision arrives by replication, and the next redrive there closes
    that region's row.
    """
    decision = parse_decision(take or (), values or (), file.read() if file else None)
    with ledger_in(table, region, suffix) as ports:
        row = loss_named(ports.ledger, conflict_id)
    if is_decided(row, decision):
        say(f"{conflict_id} is already resolved, with this decision; nothing is written")
        return
    case = open_case(row, ports.items, ports.evidence, ports.ledger)
    print_outcome(case, rehearse(case, decision, replica_id(region), now_ms()))
    if not execute:
        typer.echo("Nothing is written yet; --execute writes it.")
        return
    decide(case, Answer(decision, by or _user(), why), _desk(ports, region, outside_writers))
    say(f"{conflict_id} is resolved.")


def _desk(ports: Region, region: str, outside: OutsideWriters) -> Desk:
    return Desk(
        ports.items,
        ports.ledger,
        lambda schema: connect(schema, region=region, outside_writers=outside),
        replica_id(region),
        now_ms,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise InvalidInput("this system does not say who you are: give --by NAME") from None
