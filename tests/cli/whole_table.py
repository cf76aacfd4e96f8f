"""Two regions of one table in this process, as moto plays them: nothing replicates there."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tests.redrive.region import Region

US, EU = "us-east-1", "eu-west-1"
SCHEMA: dict[str, Any] = {
    "table": "parties",
    "key": ["id"],
    "attributes": {"balance": "counter_pn"},
}


class Table:
    """The regions, and what they have."""

    def __init__(self) -> None:
        self.us, self.eu = Region(US), Region(EU)

    def both(self, *images: Any) -> None:
        for image in images:
            self.us.place(image)
            self.eu.place(image)


def run(app: Any, *arguments: str, regions: str = f"{US},{EU}") -> Any:
    at = ("--table", "parties", "--region", regions)
    return CliRunner().invoke(app, [*at, *arguments], env={"COLUMNS": "300"})


def schema_file(folder: Path, **changed: Any) -> str:
    """Write the writers' schema; return where."""
    file = folder / "parties.json"
    file.write_text(json.dumps({**SCHEMA, **changed}), encoding="utf-8")
    return str(file)
