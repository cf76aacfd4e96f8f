"""The rules of the layout, held by parsing the code: who imports whom, who is pure, how large."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("reconciler", "handlers", "infra", "scripts")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

# A room imports only rooms on steps above its own; rooms on one step do not know each other.
STEPS = """
    errors
    values causality
    crdt text clock
    item
    conflict
    ports deployment
    detection resolution client doctor metrics aws_model ingest
    calls
    redrive feed sweeping aws api appsync
    simulation local handlers
    drills
    demo
    cli
"""
# So do the parts of the simulator; the modules beside them are the ways in and know all of them.
SIMULATION_STEPS = ("plan", "world", "judge", "report")
STEP_OF = {room: number for number, step in enumerate(STEPS.split("\n")) for room in step.split()}
INFRA_KNOWS = {"deployment", "errors", "api", "item"}  # the last two: a door's paths, its schema
WITH_THE_SDK = {"aws", "local", "handlers"}
# Time, randomness and the environment are arguments in all rooms but these.
IMPURE_ROOMS = WITH_THE_SDK | {"clock", "simulation", "drills", "demo", "cli"}
IMPURE = {
    *("boto3", "botocore", "datetime", "os", "random", "secrets", "socket", "threading", "time"),
    "uuid",
}
PURE_ALL_THE_SAME = {
    ("reconciler/causality/hlc.py", "threading.Lock"),  # keeps a process's clock safe among threads
    ("reconciler/redrive/drain.py", "threading.Lock"),  # counts what its threads did
    ("reconciler/sweeping/adoption.py", "threading.Lock"),  # so do these
    ("reconciler/sweeping/anti_entropy.py", "threading.Lock"),
    ("reconciler/sweeping/tally.py", "threading.Lock"),
    ("reconciler/sweeping/walk.py", "threading.Lock"),
    ("reconciler/metrics/text.py", "datetime.UTC"),  # a calendar writes a time that it is given
    ("reconciler/metrics/text.py", "datetime.datetime"),
    ("reconciler/api/tmf632/events.py", "datetime.UTC"),  # likewise
    ("reconciler/api/tmf632/events.py", "datetime.datetime"),
    ("reconciler/aws_model/stream_source.py", "datetime.UTC"),
    ("reconciler/aws_model/stream_source.py", "datetime.datetime"),
    ("reconciler/aws_model/replication.py", "random.Random"),  # the type of an argument
}
MOST_LINES = 250
LONGER = {
    "reconciler/crdt/counter_pn.py": "sums, removals and what images showed meet in each amount",
    "reconciler/cli/conflicts.py": "the commands of one person's work, with all their options",
    "reconciler/conflict/row.py": "ledger rows are written and read in one place",
    "reconciler/item/filing.py": "what others did is filed beside what names did, in their order",
    "reconciler/item/sightings.py": "what an image shows of another one's writes, or took from it",
    "reconciler/item/joining.py": "what two items know of each other is told before the one join",
    "reconciler/item/plain.py": "what a plain image is, and what of it counts, side by side",
    "reconciler/item/metadata.py": "the letters of `_rec` are read and written in one place",
    "reconciler/resolution/resolver.py": "what becomes of each message, in the order it happens",
    "reconciler/values/wire.py": "a wire value, its Python and its canonical form side by side",
    "reconciler/ports.py": "the whole outside world, which is read in one place",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1].removesuffix(".py") if parts[0] == "reconciler" else parts[0]


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each import of ours and the room it is from, this file's own left out."""
    for name in imports(path):
        top, *rest = name.split(".")
        if top in ("handlers", "infra") or (top == "reconciler" and rest):
            room = rest[0] if top == "reconciler" else top
            if room not in (room_of(path), "__version__"):
                yield name, room


def test_every_room_has_its_step() -> None:
    rooms = {room_of(p) for p in SOURCES if relative(p).startswith(("reconciler/", "handlers/"))}
    assert rooms - {"__init__"} == set(STEP_OF)


def test_a_room_imports_only_rooms_on_steps_above_its_own() -> None:
    wrong = {
        (relative(path), name)
        for path in SOURCES
        if room_of(path) in STEP_OF
        for name, room in rooms_imported(path)
        if STEP_OF.get(room, len(STEP_OF)) >= STEP_OF[room_of(path)]
    }
    assert wrong == set()


def test_a_part_of_the_simulator_imports_only_parts_before_its_own() -> None:
    def step(part: str) -> int:
        known = part in SIMULATION_STEPS
        return SIMULATION_STEPS.index(part) if known else len(SIMULATION_STEPS)

    folder = ROOT / "reconciler" / "simulation"
    wrong = {
        (relative(path), name)
        for path in folder.rglob("*.py")
        for name in imports(path)
        if name.startswith("reconciler.simulation.")
        and step(name.split(".")[2]) > step(path.relative_to(folder).parts[0])
    }
    assert wrong == set()


def test_infra_knows_the_deployment_the_errors_and_what_a_door_is_made_of() -> None:
    known = {
        (relative(path), name)
        for path in SOURCES
        if room_of(path) == "infra"
        for name, room in rooms_imported(path)
        if room not in INFRA_KNOWS
    }
    assert known == set()


def rooms_with(*packages: str) -> set[str]:
    return {
        room_of(path)
        for path in SOURCES
        for name in imports(path)
        if name.split(".")[0] in packages
    }


def test_only_the_adapters_the_local_cloud_and_the_handlers_import_the_aws_sdk() -> None:
    assert rooms_with("boto3") == {"aws", "local"}
    assert rooms_with("botocore") == {"aws", "local", "infra"}  # infra: its list of regions


def test_only_the_handlers_import_powertools_and_the_xray_sdk() -> None:
    assert rooms_with("aws_lambda_powertools", "aws_xray_sdk") == {"handlers"}


def test_pure_rooms_read_no_clock_no_randomness_and_no_environment() -> None:
    impure = {
        (relative(path), name)
        for path in SOURCES
        if room_of(path) in STEP_OF.keys() - IMPURE_ROOMS
        for name in imports(path)
        if name.split(".")[0] in IMPURE
    }
    assert impure == PURE_ALL_THE_SAME


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_is_at_most_250_lines_of_100_columns(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert (len(lines) > MOST_LINES) == (relative(path) in LONGER)
    code = [line.split("  # noqa")[0].split("  # type:")[0] for line in lines]
    assert [number for number, line in enumerate(code, 1) if len(line) > 100] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_function_is_at_most_40_lines(path: Path) -> None:
    functions = [
        node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
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
