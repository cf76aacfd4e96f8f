"""The options that several commands take: each one once, checked before a command begins.

What is refused here is one sentence and exit code 2, and nobody has been asked for anything.
"""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from reconciler.causality.context import replica_id
from reconciler.crdt import custom
from reconciler.deployment.wiring import OutsideWriters, OutsideWrites
from reconciler.errors import InvalidInput

_OWN = ["AWS_REGION", "AWS_DEFAULT_REGION"]


def _region(name: str) -> str:
    try:
        replica_id(name)
    except InvalidInput as problem:
        raise typer.BadParameter(str(problem), param_hint="--region") from None
    return name


def _regions(given: list[str] | None) -> list[str]:
    """Return the regions in the order they are named, each once."""
    names = (name.strip() for each in given or () for name in each.split(","))
    return list(dict.fromkeys(map(_region, names)))


def _endpoint(address: str | None) -> str | None:
    if address is not None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise typer.BadParameter(f"{address} is no address such as http://127.0.0.1:4777")
        from reconciler.aws.clients import use_endpoint  # noqa: PLC0415 (not all need the AWS SDK)

        use_endpoint(address)
    return address


def _writable(path: Path | None) -> Path | None:
    # Checked before a search of minutes or hours, which would otherwise end in nothing.
    if path is not None and not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"there is no folder {path.parent} that can be written to")
    return path


def _modules(listed: str) -> str:
    custom.load([name.strip() for name in listed.split(",") if name.strip()])
    return listed


def _page(name: str, help_: str) -> Any:
    return typer.Option(
        name,
        metavar="FILE.html",
        dir_okay=False,
        writable=True,
        callback=_writable,
        help=help_,
    )


def _several(help_: str, **more: Any) -> Any:
    return typer.Option(
        *("--region", "--regions"),
        metavar="us-east-1,eu-west-1",
        callback=_regions,
        help=f"{help_}, with commas between, or the option repeated",
        **more,
    )


_TABLE = typer.Option("--table", metavar="NAME", help="the replicated table")
_ALL = _several("all regions that the table is in")

TableName = Annotated[str, _TABLE]
AnyTableName = Annotated[str | None, _TABLE]
LedgerRegion = Annotated[
    str, typer.Option("--region", envvar=_OWN, callback=_region, help="the ledger's region")
]
Regions = Annotated[list[str], _several("the regions to ask", envvar=_OWN)]
AllRegions = Annotated[list[str], _ALL]
AnyRegions = Annotated[list[str] | None, _ALL]
Suffix = Annotated[
    str, typer.Option("--suffix", envvar="RECONCILER_SUFFIX", help="the environment, if it has one")
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint", metavar="URL", callback=_endpoint, help="a local cloud, instead of AWS"
    ),
]
OutsideWritersOption = Annotated[
    OutsideWriters,
    typer.Option(
        "--outside-writers",
        envvar="RECONCILER_OUTSIDE_WRITERS",
        help="whether anybody writes the table without this library, as the functions are told",
    ),
]
OutsideWritesOption = Annotated[
    OutsideWrites,
    typer.Option(
        "--outside-writes",
        envvar="RECONCILER_OUTSIDE_WRITES",
        help="the functions' policy for deletes made without this library",
    ),
]
TtlAttribute = Annotated[
    str,
    typer.Option(
        "--ttl-attribute",
        envvar="RECONCILER_TTL_ATTRIBUTE",
        help="that of the table's own time-to-live, as the functions are told",
    ),
]
VersionAttributes = Annotated[
    str,
    typer.Option(
        "--version-attributes",
        envvar="RECONCILER_VERSION_ATTRIBUTES",
        metavar="ROLE=NAME,...",
        help="those of the items' own version: version=Version,region=...,written_at=...",
    ),
]
Execute = Annotated[bool, typer.Option("--execute", help="do it; else only say what would be done")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document")]
CustomTypes = Annotated[
    str,
    typer.Option(
        envvar="RECONCILER_CUSTOM_TYPES", callback=_modules, help="the modules the functions have"
    ),
]
Segments = Annotated[int, typer.Option(min=1, max=64, help="parts that are gone through at once")]
ReadUnits = Annotated[
    float, typer.Option(min=1, metavar="N", help="read units a second, in all regions together")
]
MetricsPage = Annotated[Path | None, _page("--page", "draw them as a page, too")]
ScheduleReport = Annotated[
    Path | None, _page("--report", "draw one schedule: the first that fails, else the first")
]
