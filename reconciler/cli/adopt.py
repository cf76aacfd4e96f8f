"""`reconciler adopt`: metadata for the items from before the library; a dry run by default."""

from typing import Annotated

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
from reconciler.cli.schema_file import SchemaFile, read_schema_file
from reconciler.cli.whole_tables import Run
from reconciler.deployment.names import home_of
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.sweeping.adoption import LEFT, Adopter, Adoption
from reconciler.sweeping.walk import Budget, Walk

_WRITES = typer.Option(min=1, metavar="N", help="write units a second, in each region")


def command(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    regions: AllRegions,
    schema: SchemaFile = None,
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
    given = read_schema_file(schema).schema_of_writers()
    whole, home = Table(table, regions, suffix), home_of(regions)
    types = _of_the_table(given, whole, suffix)
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


def _of_the_table(given: Schema, table: Table, suffix: str) -> Schema:
    """Return the schema under the table's name; InvalidInput if it is another table's."""
    # A deployment's document names the table without its environment.
    names = {table.name, table.name.removesuffix(f"-{suffix}") if suffix else table.name}
    if given.table not in names or given.key != table.key:
        raise InvalidInput(
            f"--schema: it is of {given.table}, with the key {', '.join(given.key)}; this is"
            f" {table.name}, with {', '.join(table.key)}"
        )
    return given.model_copy(update={"table": table.name})
