"""What the README says runs, and is true."""

import os
import re
from pathlib import Path

import pytest

from reconciler.crdt.base import TYPES
from reconciler.demo.workload import party_schema
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.provision import TableSpec

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_library_example_runs_as_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    table = party_schema().table
    with LocalCloud([TableSpec(table, "id")], regions=DEFAULT_REGIONS[:2]) as cloud:
        for name, value in aws_environment("eu-west-1", cloud.endpoint).items():
            monkeypatch.setenv(name, value)
        exec(compile(example, "README.md", "exec"), {})  # noqa: S102 (it is our own example)

    printed = eval(capsys.readouterr().out)  # noqa: S307 (the dict that the example printed)
    assert printed == {
        "id": "p1",
        "name": "Ada",
        "address": {"city": "London"},
        "loyalty": 25,
        "tags": {"vip"},
    }


def test_every_command_of_the_readme_is_a_script_that_can_be_run() -> None:
    commands = re.findall(r"```console\n(.*?)\n```", README, re.DOTALL)

    assert commands == ["./scripts/demo", "./scripts/test"]
    assert all(os.access(ROOT / command, os.X_OK) for command in commands)
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text()


def test_the_table_of_types_names_every_type_there_is() -> None:
    (table,) = re.findall(r"\| type \| after.*?\n\n", README, re.DOTALL)
    first_column = [line.split("|")[1] for line in table.strip().splitlines()[2:]]

    named = {name for cell in first_column for name in re.findall(r"`(\w+)`", cell)}

    assert named == set(TYPES)
