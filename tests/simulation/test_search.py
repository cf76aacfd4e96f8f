"""Many seeds: what the search counts, when it ends, and the command in front of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.resolution.resolver import Resolver
from reconciler.simulation import Experiment, Fault, Totals
from reconciler.simulation.search import RunCounts, search
from tests.simulation.commands import process, simulate

SMALL = Experiment(operations=8)


def without_time(totals: Totals) -> Totals:
    return replace(totals, seconds=0.0)


@pytest.fixture
def no_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resolver, "resolve", lambda *_: [])


@pytest.mark.slow
def test_totals_and_hash_do_not_depend_on_the_number_of_workers() -> None:
    alone, several = (search(SMALL, range(1, 21), workers=workers) for workers in (1, 3))

    assert without_time(alone) == without_time(several)
    assert alone.seeds == 20
    assert alone.operations == 160
    assert alone.hash != search(SMALL, range(2, 22)).hash


@pytest.mark.slow
def test_two_processes_that_run_the_same_seeds_print_the_same_document() -> None:
    options = ("--seeds", "12", "--operations", "10", "--seed", "7", "--json")

    documents = [json.loads(process(*options, hashseed=each).stdout) for each in ("1", "2")]

    for document in documents:
        del document["seconds"], document["operations_per_second"]
    assert documents[0] == documents[1]
    assert documents[0]["hash"] == search(Experiment(operations=10), range(7, 19)).hash


@pytest.mark.slow
def test_every_run_is_announced_in_the_order_of_the_seeds() -> None:
    heard: list[RunCounts] = []

    totals = search(SMALL, range(3, 15), workers=2, each=heard.append)

    assert [tally.seed for tally in heard] == list(range(3, 15))
    assert totals.conflicts == sum(tally.counts["conflicts"] for tally in heard)
    assert totals.acknowledged == sum(tally.acknowledged for tally in heard)


def test_faults_are_counted_by_how_often_they_began_and_struck() -> None:
    throttling = Fault("throttle", 0, 10**9, "us-east-1", rate=0.5)
    experiment = replace(SMALL, faults=(throttling,))

    totals = search(experiment, range(1, 6))

    assert totals.faults == {"throttle": 5}
    assert totals.strikes["throttle"] > 0


@pytest.mark.usefixtures("no_repair")
def test_the_search_ends_with_the_failing_seed_it_was_told_to_stop_after() -> None:
    everything = search(SMALL, range(1, 13), stop_after=100)
    failing = [failure.seed for failure in everything.problems]

    stopped = search(SMALL, range(1, 13), stop_after=2)

    assert len(failing) > 2
    assert [failure.seed for failure in stopped.problems] == failing[:2]
    assert stopped.seeds == failing[1]


def test_an_error_inside_a_run_names_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fall_over(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reconciler.simulation.search.check", fall_over)

    with pytest.raises(ZeroDivisionError) as raised:
        search(SMALL, range(5, 6))

    assert raised.value.__notes__ == ["seed 5"]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault("lightning", 0, 1), "lightning"),
        (Fault("partition", 0, 1, "us-east-1", "mars-1"), "mars-1"),
        (Fault("outage", 0, 1, "us-west-2"), "us-west-2"),
    ],
)
def test_a_fault_that_cannot_strike_is_refused_with_what_could(fault: Fault, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        replace(SMALL, faults=(fault,)).plan(1)


def test_a_clock_fault_says_ahead_or_behind_where_others_name_a_region() -> None:
    fault = Fault("clock", 0, 1000, "us-east-1", "ahead", 0.5)

    assert replace(SMALL, faults=(fault,)).plan(1).faults == (fault,)


def test_the_command_counts_and_exits_with_0_when_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = simulate("--seeds", "6", "--operations", "10", "--json")

    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert document["first_seed"] == 1
    assert document["seeds"] == 6
    assert document["operations"] == 60
    assert document["problems"] == []
    assert document["story"] is None
    assert document["conflicts"] > 0
    assert document["operations_per_second"] > 0
    assert len(document["hash"]) == 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_repair")
def test_the_command_exits_with_1_and_tells_a_short_story_when_nothing_is_repaired() -> None:
    done = simulate("--seeds", "6", "--seed", "4", "--operations", "10")

    assert done.exit_code == 1
    assert "What happened:" in done.stdout
    assert "LOST" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("   seed "))
    assert f"--seed {line.split()[1]} --regions 3 --operations 10" in done.stdout
    assert isinstance(done.exception, SystemExit)


@pytest.mark.usefixtures("no_repair")
def test_the_command_that_a_story_ends_with_fails_on_the_same_seed() -> None:
    told = simulate("--seeds", "6", "--operations", "10", "--no-folds", "--json")
    command = json.loads(told.stdout)["story"].splitlines()[-1].split()

    again = simulate(*command[2:], "--json")

    assert command[:2] == ["reconciler", "simulate"]
    assert "--no-folds" in command
    first, only = (json.loads(each.stdout)["problems"] for each in (told, again))
    assert only == first[:1]


def test_what_the_command_prints_into_a_pipe_has_no_colours_and_no_bar() -> None:
    done = process("--seeds", "3", "--operations", "5")

    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options",
    [
        ("--seeds", "0"),
        ("--regions", "9"),
        ("--operations", "many"),
        ("--seed", "-1"),
        ("--report", "no/such/folder/report.html"),
    ],
)
def test_the_command_refuses_nonsense_with_a_sentence_and_no_traceback(
    options: tuple[str, str],
) -> None:
    done = simulate(*options)

    assert done.exit_code == 2
    assert options[0] in done.stderr
    assert isinstance(done.exception, SystemExit)

    assert "Traceback" not in done.stderr


def test_writers_around_the_library_are_counted_and_so_is_what_cannot_be_kept() -> None:
    experiment = Experiment(operations=20, outside="all")

    totals = search(experiment, range(1, 13), stop_after=100)

    assert totals.raw_writes > 0
    assert totals.odds.keys() >= {"a raw increment gone"}
    assert all(0 < schedules <= totals.seeds for schedules in totals.odds.values())
    assert search(SMALL, range(1, 5)).raw_writes == 0
    assert search(SMALL, range(1, 5)).odds == {}


def test_the_command_tells_of_writers_around_the_library_if_asked_for() -> None:
    done = simulate("--seeds", "6", "--operations", "20", "--outside", "one", "--json")
    document = json.loads(done.stdout)

    assert document["outside"] == "one"
    assert document["raw_writes"] > 0
    assert "--outside" not in simulate("--seeds", "2", "--operations", "5").stdout
    if document["problems"]:
        assert "--outside one" in document["story"]


def test_the_command_refuses_outside_writers_in_some_regions_only() -> None:
    done = simulate("--outside", "some")

    assert done.exit_code == 2
    assert "none" in done.stderr
    assert isinstance(done.exception, SystemExit)
