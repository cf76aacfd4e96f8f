"""`--schema FILE.json`, the same file for each command that takes it: what the table is."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.crdt import custom
from reconciler.deployment.table_document import FORMS, TableDocument, read_table_document
from reconciler.errors import InvalidInput

SchemaFile = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        metavar="FILE.json",
        help="""'{"table": ..., "key": [...], "attributes": {...}}', or a deployment's document""",
    ),
]


def read_schema_file(file: Path | None) -> TableDocument:
    """Return what the file says, its modules of custom types imported; InvalidInput, one line."""
    if file is None:
        raise InvalidInput(f"--schema: name a file with {FORMS}")
    try:
        text = file.read_bytes()
    except (OSError, ValueError) as problem:  # a name with a NUL is a ValueError
        why = problem.strerror if isinstance(problem, OSError) else problem
        raise InvalidInput(f"--schema {file}: {why}; give {FORMS}") from None
    document = read_table_document(text, f"--schema {file}")
    custom.load(document.custom_types)
    return document
