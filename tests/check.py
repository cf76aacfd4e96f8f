"""The loop of a minute: what is to be right after every change of some rooms.

Lint and format, with fixes; then, side by side, the tests of the rooms named and of the
modules above them that use them, and types and 50 schedules of the simulator. Without names all
rooms. Tests that are about no room in particular always run. Slow tests are left out, and few
examples are drawn: continuous integration does the rest.
"""

import gc
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import is_slow
from tests.test_architecture import ROOT, SOURCES, STEP_OF, relative, rooms_imported
from tests.test_layout import place_of_tests

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


def tests_of(rooms: set[str]) -> Iterator[str]:
    """Yield the folders of rooms, and the files of other tests that say something about them."""
    yield from (str(TESTS / room) for room in sorted(rooms) if (TESTS / room).is_dir())
    modules = {place_of_tests(path): path for path in SOURCES}
    # Slow files are left out here: pytest imports a file that is named, wanted or not.
    for path in sorted(each for each in TESTS.rglob("test_*.py") if not is_slow(each)):
        top = path.relative_to(TESTS).parts[0]
        module = modules.get(relative(path))
        known = {room for each in (path, module) if each for _, room in rooms_imported(each)}
        about_all = top not in ROOMS and not known & ROOMS
        if top not in rooms and (known & rooms or about_all):
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
    places = list(tests_of(named)) if named else [str(TESTS)]
    first = [run("lint", "ruff", "check", "--fix", "."), run("format", "ruff", "format", ".")]
    with ThreadPoolExecutor(1) as beside:
        tests = beside.submit(run, "tests", "pytest", *_QUICK, *places)
        types = run("types", "mypy")
        seeds = run("simulator", "reconciler", "simulate", "--seeds", str(SEEDS))
    return [*first, types, seeds, tests.result()]


def main(arguments: Sequence[str]) -> None:
    """Check the rooms that are named; exit with 1 if anything is wrong."""
    gc.disable()  # it would look through every syntax tree again and again, and find nothing
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
