"""`reconciler adopt`: metadata for the items from before the library; a dry run by default."""

from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.aws.whole_table import Table
from reconciler.cli.options import (
    AllRegions,
    AsJson,
    CustomTypes,
    Endpoint,
    Execute,
    ReadUnits,
    Segments,
    Suffix,
    TableName,
)
from reconciler.cli.whole_tables import Run
from reconciler.deployment.names import home_of
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.sweeping.adoption import LEFT, Adopter, Adoption
from reconciler.sweeping.walk import Budget, Walk
from reconciler.text.plain_json import parse_json

_SCHEMA = typer.Option(
    "--schema",
    metavar="FILE.json",
    help="""the writers' schema: '{"table": ..., "key": [...], "attributes": {...}}'""",
)
_WRITES = typer.Option(min=1, metavar="N", help="write units a second, in each region")


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: AllRegions,
    schema: Annotated[Path, _SCHEMA],
    suffix: Suffix = "",
    execute: Execute = False,
    write_units: Annotated[float, _WRITES] = 100,
    read_units: ReadUnits = 1_000,
    segments: Segments = 4,
    custom_types: CustomTypes = "",  # noqa: ARG001 (its callback has used it)
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
    as_json: AsJson = False,
) -> None:
    """Give each item from before the library its metadata, and change nothing else about it.

    Stopping, starting again and running twice at once are harmless. Exits with 1 if items are left.
    """
    whole, home = Table(table, regions, suffix), home_of(regions)
    types = _schema(schema, whole)
    run = Run(Adoption, LEFT, execute, as_json)
    with run.going(whole.items[home]) as (time, hear):
        reads = Budget(read_units, time)
        replicas = {name: region.whole for name, region in whole.regions.items()}
        adopter = Adopter(
            replicas,
            types,
            run.tally,
            time,
            execute=execute,
            reads=reads,
            writes=Budget(write_units, time),
        )
        adopter.adopt(Walk(replicas[home], segments, reads, hear))
    raise typer.Exit(run.end(table=table, regions=regions, home=home))


def _schema(file: Path, table: Table) -> Schema:
    """Return the schema of a file; InvalidInput if it is not that of the table."""
    try:
        told: Any = parse_json(file.read_bytes(), f"--schema {file}")
    except OSError as problem:
        raise InvalidInput(f"--schema {file}: {problem.strerror}") from None
    if not isinstance(told, dict):
        raise InvalidInput(f"--schema {file}: give the schema as one JSON object")
    found = Schema.of(**told)
    if (found.table, found.key) != (table.name, table.key):
        raise InvalidInput(
            f"--schema {file}: it is of {found.table}, with the key {', '.join(found.key)}; this is"
            f" {table.name}, with {', '.join(table.key)}"
        )
    return found
