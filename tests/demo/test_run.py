"""The demo, run as its user runs it, and run with the reconciler broken: then it must say so."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from random import Random

import pytest

from reconciler.demo.run import Counts, client_tables, open_cloud, run
from reconciler.drills.workload import burst
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud

BROKEN = "tests.demo.broken_resolvers"
COUNTED, BROKEN_EDITS = 45, 45


def silent(*_: str) -> None:
    return None


def demo_on(cloud: LocalCloud, edits: int) -> Counts:
    tables = client_tables(cloud)
    return run(cloud, tables, edits, 3, say=silent, started=silent, advance=silent)


def certain_losses(edits: int, seed: int) -> set[str]:
    """Return the parties of which plain last-writer-wins surely loses a mark, however threads run.

    In the middle third the last region is cut off. Whole items that two sides changed meanwhile
    never come together: whichever wins, the marks of the other are gone.
    """
    planned = list(burst(edits, DEFAULT_REGIONS, Random(seed)))
    third = len(planned) // 3
    marks = [e for e in planned[third : 2 * third] if e.kind in ("points", "tag", "contact")]
    apart = {e.party for e in marks if e.region == DEFAULT_REGIONS[-1]}
    return apart & {e.party for e in marks if e.region != DEFAULT_REGIONS[-1]}


@pytest.mark.parametrize(("edits", "seed"), [(COUNTED, 1), (BROKEN_EDITS, 3)])
def test_what_these_tests_write_surely_collides(edits: int, seed: int) -> None:
    assert certain_losses(edits, seed)


@pytest.mark.parametrize("door", ["client", "http"])
def test_the_command_counts_losses_without_the_reconciler_and_none_with_it_in_80_columns(
    door: str,
) -> None:
    command = [sys.executable, "-c", "from reconciler.cli import main; main()", "demo"]

    done = subprocess.run(
        [*command, "--json", "--edits", str(COUNTED), "--seed", "1", "--port", "0", "--door", door],
        capture_output=True,
        text=True,
        check=False,
    )

    counts = json.loads(done.stdout)
    assert done.returncode == 0
    assert counts["acknowledged_writes"] == COUNTED
    assert counts["lost_with_reconciler"] == 0
    assert counts["lost_with_last_writer_wins"] > 0
    assert counts["conflicts"] > 0
    assert counts["unresolved"] == 0
    assert counts["replicas_identical"] is True
    assert counts["write_backs"] > 0
    assert counts.keys() == {field.name for field in fields(Counts)}
    assert max(map(len, done.stderr.splitlines())) <= 80
    measured = [line.split() for line in done.stderr.splitlines()]
    [write_backs] = [line for line in measured if line[:1] == ["write-backs"] and len(line) > 3]
    assert sum(int(cell) for cell in write_backs if cell.isdecimal()) == counts["write_backs"]
    assert "\x1b[" not in done.stdout + done.stderr


def test_the_command_refuses_nonsense_with_a_sentence_and_no_traceback() -> None:
    command = [sys.executable, "-c", "from reconciler.cli import main; main()", "demo"]

    done = subprocess.run([*command, "--regions", "7"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--regions" in done.stderr


def test_a_resolver_that_does_nothing_shows_as_lost_writes() -> None:
    broken = replace(open_cloud(DEFAULT_REGIONS, 0, 3), resolve=f"{BROKEN}:resolve_nothing")

    with broken as cloud:
        outcome = demo_on(cloud, edits=BROKEN_EDITS)

    assert outcome.lost_with_reconciler > 0
    assert outcome.unresolved > 0
    assert not outcome.nothing_lost
