"""The rules of the layout, held by parsing the code: who imports whom, and how large."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("reconciler", "handlers", "infra", "scripts")
    for path in (ROOT / folder).rglob("*.py")
)
PURE = [
    "hlc",
    "causality",
    "crdt",
    "codec",
    "size",
    "item",
    "image",
    "detection",
    "events",
    "ledger",
    "schema",
    "errors",
    "ports",
    "detector",
    "resolver",
    "settlement",
    "record",
    "folding",
    "table",
    "editor",
    "telemetry",
    "deployment",
    "repair",
    "loss",
    "redrive",
    "doctor",
    "plain_json",
    "feed",
    "decision",
    "case",
    "ruling",
    "arbitration",
    "approval",
    "question",
    "pausing",
    "panels",
    "metrics",
    "page",
    "failover",
]
LAYERS = [
    ["errors", "deployment", "page"],
    ["hlc"],
    ["causality"],
    ["codec"],
    ["size", "plain_json"],
    ["crdt"],
    ["schema", "item"],
    ["image"],
    ["editor", "detection", "repair"],
    ["events"],
    ["ledger", "record"],
    ["folding", "pausing"],
    ["ports", "telemetry"],
    ["loss", "panels"],
    ["detector", "resolver", "settlement", "feed", "metrics"],
    ["table", "decision", "case", "redrive"],
    ["ruling", "approval", "question"],
    ["arbitration", "doctor", "failover"],
]
IMPURE = {"time", "random", "os", "uuid", "secrets", "boto3", "botocore", "socket", "threading"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(path: Path) -> str:
    """Return the layer a file of the package belongs to: "hlc", or "crdt" for a file in it."""
    parts = path.relative_to(ROOT / "reconciler").parts
    return parts[0].removesuffix(".py")


def pure_files() -> list[Path]:
    return [p for p in SOURCES if relative(p).startswith("reconciler/") and module(p) in PURE]


def test_the_parser_of_these_rules_sees_the_code() -> None:
    assert {module(path) for path in pure_files()} == set(PURE)
    assert {name for layer in LAYERS for name in layer} == set(PURE)


def users_of(*packages: str) -> set[str]:
    return {
        relative(path)
        for path in SOURCES
        for name in imports(path)
        if name.split(".")[0] in packages
    }


def test_only_the_adapters_the_local_cloud_and_the_handlers_import_the_aws_sdk() -> None:
    allowed = ("reconciler/aws/", "reconciler/local/", "handlers/")
    users = users_of("boto3", "botocore")
    assert users
    assert {name for name in users if not name.startswith(allowed)} == set()


def test_only_the_handlers_import_powertools_and_the_xray_sdk() -> None:
    users = users_of("aws_lambda_powertools", "aws_xray_sdk")
    assert users
    assert {name for name in users if not name.startswith("handlers/")} == set()


def test_pure_modules_read_no_clock_no_randomness_and_no_environment() -> None:
    # A lock is no clock: hlc keeps the clock of a process safe among its threads.
    # And the redrive counts what its threads did. A calendar is none: it writes a given time.
    allowed = {(f"reconciler/{name}.py", "threading.Lock") for name in ("hlc", "redrive/drain")}
    allowed |= {("reconciler/metrics/text.py", f"datetime.{name}") for name in ("UTC", "datetime")}
    impure = {
        (relative(path), name)
        for path in pure_files()
        for name in imports(path)
        if name.split(".")[0] in IMPURE | {"datetime"}
    }
    assert impure - allowed == set()


def test_pure_modules_know_no_outer_module() -> None:
    outer = ("reconciler.local", "reconciler.aws", "reconciler.cli", "handlers", "scripts")
    known = {
        (relative(path), name)
        for path in pure_files()
        for name in imports(path)
        if name.startswith(outer)
    }
    assert known == set()


def test_imports_point_one_way() -> None:
    level = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    upward = set()
    for path in pure_files():
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "reconciler" or parts[1] not in level:
                continue
            here, there = level[module(path)], level[parts[1]]
            if there > here or (there == here and parts[1] != module(path)):
                upward.add((relative(path), name))
    assert upward == set()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_is_at_most_250_lines_of_100_columns(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 250
    code = [line.split("  # noqa")[0].split("  # type:")[0] for line in lines]
    assert [number for number, line in enumerate(code, 1) if len(line) > 100] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_function_is_at_most_40_lines(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno + 1 > 40]
    assert long == []


def test_the_top_level_holds_only_what_the_layout_names() -> None:
    named = {"handlers", "reconciler", "infra", "tests", "scripts", "pyproject.toml", "README.md"}
    built = {"build", "dist"}  # never checked in
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in found - named - built if not name.endswith(".egg-info")} == set()


def test_importing_the_library_does_not_load_the_aws_sdk() -> None:
    code = (
        "import sys, reconciler; sys.exit(int('boto3' in sys.modules or 'botocore' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
