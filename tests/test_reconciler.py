"""What strangers may import: exactly these names, with types that a checker sees from outside."""

import os
import re
import shutil
import subprocess
import sys
import venv
from importlib import resources
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import reconciler
from reconciler.item import image

ROOT = Path(__file__).parent.parent
FUNCTIONS = {
    "classify",
    "instrument",
    "merge",
    "named",
    "read",
    "replica_id",
    "shows_key",
    "system_clock",
    "write",
}
EDITS = {"add", "assign", "delete", "discard", "increment", "remove"}
TYPES = {
    *("Edit", "HybridClock", "ItemEditor", "ReplicatedTable", "Schema"),
    *("Dot", "Finding", "Once", "Ordering", "Verdict"),
}
ERRORS = {
    *("Contention", "InvalidInput", "ItemTooLarge", "MergeFunctionFailed", "OutcomeUnknown"),
    *("KeyExpired", "KeyReused", "ReconcilerError", "TypeMismatch", "Unavailable"),
    *("Undecodable", "UnknownWireVersion"),
}
STRANGER = """
from typing import assert_type

from reconciler import (
    Edit, Finding, InvalidInput, Ordering, ReplicatedTable, Schema, Verdict, assign, classify,
    increment, merge, read, replica_id, system_clock, write,
)
from reconciler.aws import connect

schema = Schema.of(table="parties", key=["id"], attributes={"points": "counter_pn"})
edits: list[Edit] = [assign("name", "Ada"), increment(("profile", "visits"), 2)]
here = replica_id("us-east-1")
first = write(None, edits, key={"id": "p1"}, schema=schema, replica=here, clock=system_clock())
try:
    found = classify(first, merge(first, first), replica=here)
except InvalidInput as problem:
    print(problem.evidence, problem.disposition)
assert_type(found, Verdict)
assert_type(found.finding, Finding)
assert_type(found.ordering, Ordering)
assert_type(connect(schema, region="us-east-1"), ReplicatedTable)
values = read(first)
assert values is not None
print(values["name"])
"""


def test_these_names_are_public_and_no_others() -> None:
    assert set(reconciler.__all__) == FUNCTIONS | EDITS | TYPES | ERRORS
    assert all(hasattr(reconciler, name) for name in reconciler.__all__)


def test_a_public_name_says_in_a_sentence_what_it_is() -> None:
    for name in reconciler.__all__:
        first, *_ = (getattr(reconciler, name).__doc__ or "").splitlines()
        assert first.endswith((".", ":"))
        assert first != "See the module."


def test_the_example_of_the_pure_functions_runs_as_printed() -> None:
    [example] = re.findall(r"\n\n((?: {4}.*\n)+)", image.__doc__ or "")
    names: dict[str, Any] = {name: getattr(reconciler, name) for name in reconciler.__all__}

    exec(compile(dedent(example), "image.py", "exec"), names)  # noqa: S102 (it is our own example)

    merged, second, other = (names[name] for name in ("merged", "second", "other"))
    assert merged == reconciler.merge(other, second)
    assert reconciler.read(merged) == {"id": "p1", "name": "Eve", "points": 5}


def test_every_edit_can_be_made_by_a_stranger() -> None:
    attributes = {"tags": "set_aw", "points": "counter_pn", "address": "map_or"}
    schema = reconciler.Schema.of(table="parties", key=["id"], attributes=attributes)
    key, clock = {"id": "p1"}, reconciler.system_clock()

    def written(before: Any, *edits: reconciler.Edit) -> Any:
        return reconciler.write(before, edits, key=key, schema=schema, replica="use1", clock=clock)

    first = written(
        None,
        reconciler.assign("name", "Ada"),
        reconciler.assign(("address", "city"), "London"),
        reconciler.increment("points", 5),
        reconciler.add("tags", "a", "b"),
    )
    second = written(first, reconciler.discard("tags", "a"), reconciler.remove("name"))

    city = {"city": "London"}
    assert reconciler.read(second) == {"id": "p1", "points": 5, "tags": {"b"}, "address": city}
    assert reconciler.read(written(second, reconciler.delete())) is None


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", reconciler.__version__)
    assert 'attr = "reconciler.__version__"' in (ROOT / "pyproject.toml").read_text()


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files(reconciler).joinpath("py.typed").is_file()


@pytest.mark.slow
def test_a_type_checker_sees_the_types_from_outside_the_repository(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(STRANGER)
    venv.create(tmp_path / "elsewhere")
    [packages] = (tmp_path / "elsewhere").glob("lib/*/site-packages")
    for path in [*(ROOT / "reconciler").rglob("*.py"), ROOT / "reconciler" / "py.typed"]:
        copy = packages / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)

    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "stranger.py"]
    command += ["--python-executable", "elsewhere/bin/python"]
    environment = {**os.environ, "MYPYPATH": "", "PYTHONPATH": ""}
    checked = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert checked.stdout == "Success: no issues found in 1 source file\n"
