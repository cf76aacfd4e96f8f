"""What the README says runs, and is true."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.crdt.base import TYPES
from reconciler.drills.workload import party_schema
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.provision import TableSpec

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_library_example_runs_as_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example, *_ = EXAMPLES
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


def test_the_example_of_types_declares_a_schema() -> None:
    _, example, _ = EXAMPLES
    names: dict[str, Any] = {}

    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 (it is our own example)

    assert names["schema"].attributes["colour"].function == "brightest"


def test_the_simulator_example_holds_tests_that_pass() -> None:
    *_, example = EXAMPLES
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 (it is our own example)

    tests = [names[name] for name in names if name.startswith("test_")]

    assert len(tests) == 2
    for test in tests:
        test()


def test_every_command_of_the_readme_can_be_run(tmp_path: Path) -> None:
    commands = re.findall(r"```console\n(.*?)\n```", README, re.DOTALL)
    *scripts, metrics, simulate = commands

    assert [script.split()[0] for script in scripts] == [
        "./scripts/demo",
        "./scripts/test",
        "./scripts/redrive_dlq.py",
        "./scripts/drill",
        "./scripts/failover_drill.py",
        "./scripts/verify_replication.py",
    ]
    assert all(os.access(ROOT / script.split()[0], os.X_OK) for script in scripts)
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text()
    program, *options = simulate.replace("--seeds 200", "--seeds 5").split()
    assert program == ".venv/bin/reconciler"
    installed = Path(sys.executable).with_name("reconciler")  # wherever these tests are installed
    subprocess.run([installed, *options], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "schedule.html").stat().st_size > 0

    program, *options = metrics.split()
    assert program == ".venv/bin/reconciler"
    nobody = ["--endpoint", "http://127.0.0.1:9"]
    asked = subprocess.run(
        [installed, *options, *nobody], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert asked.returncode == 1
    assert asked.stderr.count("Could not connect") == 2  # once for each region
    assert (tmp_path / "metrics.html").stat().st_size > 0


def test_the_table_of_types_names_every_type_there_is() -> None:
    (table,) = re.findall(r"\| type \| after.*?\n\n", README, re.DOTALL)
    first_column = [line.split("|")[1] for line in table.strip().splitlines()[2:]]

    named = {name for cell in first_column for name in re.findall(r"`(\w+)`", cell)}

    assert named == set(TYPES)
