"""The loop of a minute: what is to be right after every change of some rooms.

Behaviour: lint and format, with fixes; then, side by side, the tests of the rooms named and of the
rooms that import them, and types and 50 schedules of the simulator. Without names all rooms. Of
the tests that lie in no room's folder, those run that import one of these rooms, or none at all.
Slow tests are left out, and few examples are drawn: continuous integration does the rest.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.test_architecture import ROOT, SOURCES, STEP_OF, room_of, rooms_imported

ROOMS = {*STEP_OF, "infra"}
TESTS = ROOT / "tests"
SEEDS = 50
_PROGRAMS = Path(sys.executable).parent
_QUICK = ("-m", "not slow", "--hypothesis-profile=quick", "-n", "2", "--dist", "loadfile")


@dataclass(frozen=True)
class Done:
    """How a step went: what it printed, and whether that is well."""

    name: str
    seconds: float
    output: str
    good: bool

    def __str__(self) -> str:
        said = [line for line in self.output.splitlines() if any(map(str.isalpha, line))]
        last = " ".join(said[-1].replace("│", " ").split()) if said else ""
        return f"{'  ' if self.good else '! '}{self.name:10}{self.seconds:6.1f} s  {last}"


def with_those_above(rooms: set[str]) -> set[str]:
    """Return rooms, and those that import one of them."""
    importing = {
        room_of(path) for path in SOURCES if any(room in rooms for _, room in rooms_imported(path))
    }
    return rooms | importing & ROOMS


def tests_of(rooms: set[str]) -> Iterator[str]:
    """Yield the folders and files with the tests that say something about rooms."""
    yield from (str(TESTS / room) for room in sorted(rooms) if (TESTS / room).is_dir())
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.relative_to(TESTS).parts[0] not in ROOMS:
            known = {room for _, room in rooms_imported(path)} & ROOMS
            if not known or known & rooms:
                yield str(path)


def run(name: str, program: str, *options: str) -> Done:
    """Run a program of this environment as a step, and print how it went."""
    began = time.monotonic()
    command = [str(_PROGRAMS / program), *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    done = Done(name, took, ran.stdout + ran.stderr, ran.returncode == 0)
    print(done, flush=True)  # noqa: T201 (a command)
    return done


def check(named: set[str]) -> list[Done]:
    """Run all steps for these rooms; none named means all."""
    rooms = with_those_above(named) if named else ROOMS
    places = list(tests_of(rooms)) if named else [str(TESTS)]
    print(f"  rooms     {' '.join(sorted(rooms)) if named else 'all'}")  # noqa: T201
    first = [run("lint", "ruff", "check", "--fix", "."), run("format", "ruff", "format", ".")]
    with ThreadPoolExecutor(1) as beside:
        tests = beside.submit(run, "tests", "pytest", *_QUICK, *places)
        types = run("types", "mypy")
        seeds = run("simulator", "reconciler", "simulate", "--seeds", str(SEEDS))
    return [*first, types, seeds, tests.result()]


def main(arguments: Sequence[str]) -> None:
    """Check the rooms that are named; exit with 1 if anything is wrong."""
    named = set(arguments)
    if unknown := named - ROOMS:
        rooms = " ".join(sorted(ROOMS))
        sys.exit(f"{', '.join(sorted(unknown))}: there is no such room; the rooms are {rooms}")
    failed = [done for done in check(named) if not done.good]
    for done in failed:
        print(f"\n{done.name}:\n{done.output.strip()}")  # noqa: T201
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
