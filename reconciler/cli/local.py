"""`reconciler local`: the regions of one's own table on this machine, until Ctrl-C."""

import json
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any

import typer

from reconciler.cli.schema_file import SchemaFile, read_schema_file
from reconciler.cli.terminal import console, say_line
from reconciler.deployment.table_document import TableDocument
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.doors import Doors, open_doors
from reconciler.local.errors import LocalCloudError
from reconciler.local.port import taken
from reconciler.local.provision import TableSpec

_LOOK_SECONDS = 1
_VALUES: dict[str, tuple[Any, str]] = {  # of a key attribute: in a body, and in a path
    "S": ("p1", "p1"),
    "N": (17, "17"),
    "B": ({"bytes": "AQI="}, "~AQI"),
}
_ONCE = ' -H "Idempotency-Key: $(date +%s)" -H "Idempotency-Issued-At: $(date +%s000)"'


def command(
    schema: SchemaFile = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_000, help="AWS's; the doors' follow; 0 picks free ones")
    ] = 4777,
) -> None:
    """Run a table's regions on this machine, with functions and HTTP doors, until Ctrl-C.

    Nothing listens beyond this machine, and nothing is kept.
    """
    document = read_schema_file(schema)
    told = console()
    with _until_interrupted(), ExitStack() as running:
        types = document.schema_of_writers()
        cloud = _cloud(document, port)
        _check_ports(port, len(cloud.regions))
        told.print(f"Starting {len(cloud.regions)} regions on this machine ...")
        running.enter_context(cloud)
        doors = running.enter_context(open_doors(cloud, types, port=port and cloud.port + 1))
        for line in _lines(document, types, cloud, doors):
            say_line(told, line)
        while True:
            time.sleep(_LOOK_SECONDS)
            cloud.check()
            doors.check()
    told.print("\nStopped: the regions and all their data are gone.")


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Take Ctrl-C as the end, not as a failure; a second one does not disturb the first."""
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)


def _cloud(document: TableDocument, port: int) -> LocalCloud:
    table = TableSpec(
        document.table,
        document.partition_key.name,
        document.sort_key.name if document.sort_key else None,
        kinds={key.name: key.type for key in document.keys},
        indexes=document.indexes,
        environment=document.environment(),
    )
    regions = document.regions or DEFAULT_REGIONS
    try:
        return LocalCloud([table], reconciled=table.name, regions=regions, port=port)
    except LocalCloudError as problem:
        raise InvalidInput(f"--schema: regions: {problem}") from None


def _check_ports(port: int, doors: int) -> None:
    """InvalidInput if a port is taken: what was pasted before would reach somebody else."""
    if port and (used := taken(range(port, port + 1 + doors))):
        raise InvalidInput(
            f"--port: {port} to {port + doors} are needed, and {', '.join(map(str, used))} taken;"
            " name another one, or 0 for any that are free"
        )


def _lines(
    document: TableDocument, types: Schema, cloud: LocalCloud, doors: Doors
) -> Iterator[str]:
    """Yield what there is now, and a line to paste for each way to it."""
    first, second, *_ = cloud.regions
    keys = ", ".join(f"{key.name} ({key.type})" for key in document.keys)
    yield f"Table {document.table}, key {keys}, in {', '.join(cloud.regions)}"
    for region, address in doors.addresses.items():
        yield f"HTTP door of {region}: {address}"
    yield f"AWS of all regions: {cloud.endpoint}"
    yield ""
    key = {each.name: _VALUES[each.type][0] for each in document.keys}
    edit = {"type": "assign", "path": _free_name(document), "value": "hello"}
    body = shlex.quote(json.dumps({"key": key, "edits": [edit]}))
    here, there = doors.addresses[first], doors.addresses[second]
    once = _ONCE if document.api.keys_required else ""
    yield f"curl {here}/write -H 'Content-Type: application/json'{once} -d {body}"
    yield f"curl {there}/items/{'/'.join(_VALUES[each.type][1] for each in document.keys)}"
    yield (
        "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws"
        f" --endpoint-url {cloud.endpoint} --region {first}"
        f" dynamodb scan --table-name {document.table}"
    )
    told = types.model_dump(mode="json", exclude_defaults=True)
    schema = ", ".join(f"{name}={value!r}" for name, value in told.items())
    yield "In Python:"
    yield "from reconciler import Schema; from reconciler.aws import connect"
    yield (
        "from reconciler.aws.clients import use_endpoint;"
        f' use_endpoint("{cloud.endpoint}")  # of all clients of this process'
    )
    yield f'table = connect(Schema.of({schema}), region="{first}")'
    yield ""
    yield "Nothing listens beyond this machine. Ctrl-C ends it, and all its data are gone then."


def _free_name(document: TableDocument) -> str:
    """Return the name of an attribute that takes any text: no schema and no index speaks of it."""
    indexed = (
        {index.partition_key.name, *([index.sort_key.name] if index.sort_key else [])}
        for index in document.indexes
    )
    taken = set(document.api.table_schema.get("attributes", {})).union(*indexed)
    taken |= {key.name for key in document.keys}
    name = "note"
    while name in taken:
        name += "s"
    return name
