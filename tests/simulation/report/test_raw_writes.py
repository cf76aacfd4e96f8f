"""Writes around the library in the story and on the page: their own words, their own mark."""

import re
from html import unescape

import pytest

from reconciler.simulation import Run, page, run_plan, tell
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA
from reconciler.simulation.plan.plan import Operation, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, PUT, SAVE, UPDATE, append
from reconciler.simulation.report.story import command
from tests.builders import assign
from tests.pages import stands_alone

EAST, WEST = REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def run() -> Run:
    operations = (
        Operation(0, 0, EAST, "k1", (assign("name", "Lib"),)),
        Operation(1, 10_000, WEST, "k1", (append("log", "x"),), UPDATE),
        Operation(2, 20_000, WEST, "k1", (), SAVE, read_at_ms=9_000),
        Operation(3, 30_000, WEST, "k1", (), PUT),
        Operation(4, 40_000, WEST, "k1", (), DELETE_ITEM),
    )
    return run_plan(Plan(1, DEFAULT_SCHEMA, REGIONS, operations, outside="all"))


def test_a_story_says_with_which_call_a_raw_client_wrote(run: Run) -> None:
    story = tell(run, [Problem("lost", "k1", "something")])

    assert "operation 1 writes k1 over operation 0: raw update: log \u2026[x]" in story
    assert "raw save of a copy of 0:09.000" in story
    assert "raw put" in story
    assert "raw delete" in story


def test_the_page_draws_raw_writes_with_a_mark_of_their_own(run: Run) -> None:
    text = page(run, [])

    stands_alone(text)
    assert len(re.findall(r'<g class="mark raw [^>]*transform=', text)) == 4
    assert "a client writes around the library" in unescape(text)
    assert "raw save of a copy" in unescape(text)


def test_the_command_names_the_writers_around_the_library(run: Run) -> None:
    assert command(run.plan, 5).endswith("--operations 5 --outside all")
