"""The books of a migration say which write is gone, and whether DynamoDB alone would keep it."""

from typing import Any

import pytest

from reconciler.drills.guests.writes import BOTH_SIDES, ONE_SIDE, RAW, Answered, Item, Write
from reconciler.drills.migration.books import Account, Books
from reconciler.drills.migration.rows import (
    ADOPTING,
    BEFORE,
    INSTRUMENTED,
    ONE_LINE,
    PHASES,
    WATCHED,
    Phase,
    Row,
    is_hot,
    rows,
)

US, EU = REGIONS = ("us-east-1", "eu-west-1")


def a_row(phase: Phase, *, hot: bool, kind: str = ONE_SIDE) -> Row:
    return next(
        row
        for row in rows(2_000, REGIONS)
        if row.shared.kind == kind and is_hot(row.name, phase) == hot
    )


def shown(row: Row, **attributes: Any) -> dict[str, dict[str, Any]]:
    return {row.name: {"id": {"S": row.name}, **attributes}}


def judged(
    phase: Phase, row: Row, hand: str, there: dict[str, Any], here: dict[str, Any] | None = None
) -> tuple[Account, list[str]]:
    """Judge a row to which a hand added 10 in a phase, by what the regions show."""
    books = Books([row])
    item: Item = row.alone if phase.is_raw else row.shared
    books.note(Answered(Write(item, US, hand, PHASES.index(phase), "increment", 10), hand))
    books.judge(phase, {US: there if here is None else here, EU: there})
    (account,) = books.accounts()
    return account, books.problems


@pytest.mark.parametrize("phase", [BEFORE, ONE_LINE, ADOPTING, WATCHED])
@pytest.mark.parametrize("hot", [True, False])
def test_a_write_that_stands_once_in_all_regions_is_no_problem(phase: Phase, hot: bool) -> None:
    row = a_row(phase, hot=hot)

    account, problems = judged(phase, row, RAW, shown(row, points={"N": "10"}))

    assert problems == []
    assert (account.rows, account.acknowledged) == (1, 1)
    assert (account.as_dynamodb_leaves_it, account.lost, account.doubled) == (0, 0, 0)


@pytest.mark.parametrize(
    ("phase", "hot", "kind", "hand", "is_promised"),
    [
        (BEFORE, True, ONE_SIDE, RAW, False),
        (BEFORE, False, ONE_SIDE, RAW, True),
        (ADOPTING, True, ONE_SIDE, RAW, False),
        (ADOPTING, False, ONE_SIDE, RAW, True),
        (WATCHED, True, ONE_SIDE, RAW, True),
        (WATCHED, True, BOTH_SIDES, RAW, False),
        (ONE_LINE, True, BOTH_SIDES, INSTRUMENTED, True),
    ],
)
def test_a_lost_write_is_told_from_one_that_dynamodb_alone_loses(
    phase: Phase, hot: bool, kind: str, hand: str, is_promised: bool
) -> None:
    row = a_row(phase, hot=hot, kind=kind)

    account, problems = judged(phase, row, hand, shown(row))

    assert (account.lost, account.as_dynamodb_leaves_it) == (is_promised, not is_promised)
    assert len(problems) == is_promised


def test_a_write_that_counts_twice_is_a_problem_in_every_phase() -> None:
    row = a_row(BEFORE, hot=True)

    account, problems = judged(BEFORE, row, RAW, shown(row, points={"N": "20"}))

    assert account.doubled == 1
    assert problems[0].startswith("before: counted twice, of phase before: increment 10 of ")


def test_a_write_that_a_later_phase_takes_away_is_a_problem_whoever_made_it() -> None:
    row = a_row(BEFORE, hot=True)
    books = Books([row])
    books.note(Answered(Write(row.alone, US, RAW, 0, "assign", 1), RAW))
    stands = shown(row, a1={"S": "t1"})
    books.judge(BEFORE, {US: stands, EU: stands})
    assert books.problems == []

    books.judge(ADOPTING, {US: shown(row), EU: shown(row)})

    assert [problem.split(": ")[:2] for problem in books.problems] == [
        ["adopting", "lost, of phase before"]
    ]


def test_what_was_lost_and_is_back_or_was_never_written_is_a_problem() -> None:
    row = a_row(BEFORE, hot=True)

    _, problems = judged(BEFORE, row, RAW, shown(row, points={"N": "110"}, a9={"S": "t9"}))

    assert [problem.split(" shows ")[1].split(",")[0] for problem in problems] == ["a9", "100"]


def test_replicas_that_differ_are_a_problem() -> None:
    row = a_row(WATCHED, hot=False)
    marked = shown(row, points={"N": "10"}, _rec={"M": {}})

    _, problems = judged(WATCHED, row, RAW, marked, shown(row, points={"N": "10"}))

    assert problems == [f"watched: {row.name}: the replicas differ"]
