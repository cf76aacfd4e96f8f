"""The migration drill: each step of the way in keeps what it promises, and its judge can say no."""

import json
from collections import defaultdict
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from reconciler.cli import migration
from reconciler.drills.guests.writes import ALONE, LIBRARY, NAMED
from reconciler.drills.migration.drill import drill
from reconciler.drills.migration.rows import INSTRUMENTED, PHASES
from tests.drills.migration import idle

OURS = {INSTRUMENTED, NAMED, LIBRARY}


def command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(migration.command)
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_a_live_table_moves_in_and_out_and_loses_nothing_that_dynamodb_alone_keeps() -> None:
    done = command("--rows", "100", "--json")

    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert report["losses"] > 0
    assert sum(report["adopted"].values()) > 0
    writers = defaultdict(set)
    for each in report["accounts"]:
        writers[each["phase"]].add(each["writer"])
        assert (each["lost"], each["doubled"]) == (0, 0)
        assert each["writer"] not in OURS or each["as_dynamodb_leaves_it"] == 0
    assert list(writers) == [phase.name for phase in PHASES]
    for phase in PHASES:
        ours = OURS if LIBRARY in phase.hands else set()
        assert writers[phase.name] & OURS == ours
        assert phase.is_raw == (writers[phase.name] == {ALONE})


@pytest.mark.slow
def test_with_a_resolver_that_repairs_nothing_the_drill_names_what_is_lost() -> None:
    report = drill(
        count=100, say=lambda _: None, resolve=f"{idle.__name__}:{idle.resolve.__name__}"
    )

    lost = {each.writer for each in report.accounts if each.lost}
    assert lost & OURS
    assert any(each.startswith("watched: lost, of phase watched: ") for each in report.problems)
    assert any("losses OPEN, no reason is told: " in each for each in report.problems)
    assert not [each for each in report.accounts if each.phase == "before" and each.lost]
