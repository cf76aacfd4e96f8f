"""The guests drill: strangers' writes and ours stand as acknowledged, and its judge can say no."""

import json
import shutil
from collections import Counter
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from reconciler.cli import guests as guests_command
from reconciler.conflict.row import Row
from reconciler.drills.guests.drill import judge
from reconciler.drills.guests.stage import Stage
from reconciler.drills.guests.writes import (
    ALONE,
    APART,
    BOTH_SIDES,
    KINDS,
    ONE_SIDE,
    RAW,
    Answered,
    Item,
    Write,
)

US, EU = "us-east-1", "eu-west-1"


def command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(guests_command.command)
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_beside_clients_that_do_not_know_the_library_every_write_is_as_acknowledged() -> None:
    done = command("--items", "1", "--rounds", "2", "--json")

    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert report["losses"] > 0
    accounts = {(each["kind"], each["hand"]): each for each in report["accounts"]}
    assert set(accounts) == {(kind, hand) for kind in KINDS for hand in KINDS[kind]}
    left_out = {"JavaScript"} | ({"AWS CLI"} if shutil.which("aws") is None else set())
    sent_by = {"boto3", "AWS CLI", "JavaScript"} - left_out
    assert set(report["left_out"]) == left_out
    assert all(f"{name} is left out: " in done.stderr for name in left_out)
    for (_, hand), account in accounts.items():
        assert set(account["written"]) == ({"library"} if hand == "library" else sent_by)
        assert hand == RAW or account["found"] == {}


class StillStage(Stage):
    """A stage on which nothing happens: it shows what a test tells it."""

    def __init__(self, **shown: Any) -> None:
        self.shown = shown
        self.cloud = self  # type: ignore[assignment]  # it is asked for its regions alone
        self.regions = (US, EU)

    def items(self, region: str) -> dict[str, dict[str, Any]]:
        found: dict[str, Any] = self.shown["items"][region]
        return found

    def images(self, region: str) -> dict[str, list[dict[str, Any] | None]]:
        return {name: [item] for name, item in self.items(region).items()}

    def rows(self) -> list[Row]:
        return [Row.of(row) for row in self.shown["rows"]]

    def waiting(self) -> Counter[str]:
        return Counter(self.shown.get("waiting", {}))


def row(name: str, state: str, reason: str = "") -> dict[str, Any]:
    key = {"id": {"S": name}}
    return {
        "conflict_id": {"S": "c1"},
        "item_key": {"S": json.dumps(key)},
        "key": {"M": key},
        "state": {"S": state},
        "region": {"S": EU},
        "reason": {"S": reason},
    }


def shows(name: str, **attributes: str) -> dict[str, Any]:
    return {name: {"id": {"S": name}, **{each: {"N": n} for each, n in attributes.items()}}}


RESOLVED = row("another", "RESOLVED")


def problems(kind: str, here: dict[str, Any], there: dict[str, Any], **more: Any) -> list[str]:
    """Judge an item to which a raw client of the first region added 1."""
    item = Item("i", kind)
    left = shows("i", points="1")["i"]
    entry = Answered(Write(item, US, RAW, 0, "increment", 1), "boto3", left=left)
    stage = StillStage(items={US: here, EU: there}, **{"rows": [RESOLVED], **more})
    return judge(stage, [entry], [item]).problems


GOOD = shows("i", points="1")


@pytest.mark.parametrize("kind", [ALONE, ONE_SIDE, BOTH_SIDES])
def test_a_good_end_has_no_problem(kind: str) -> None:
    assert problems(kind, GOOD, GOOD) == []


def test_a_write_that_is_lost_where_raw_clients_write_in_one_region_is_a_problem() -> None:
    lost = shows("i", points="0")
    said = "lost in us-east-1, eu-west-1: increment 1 of i in us-east-1, raw, by boto3"

    assert [problems(kind, lost, lost) for kind in (APART, ONE_SIDE)] == [[said], [said]]
    assert problems(BOTH_SIDES, lost, lost) == []


@pytest.mark.parametrize("kind", [ONE_SIDE, BOTH_SIDES])
def test_a_write_that_counts_twice_is_a_problem_everywhere(kind: str) -> None:
    twice = shows("i", points="2")

    assert len(problems(kind, twice, twice)) == 1


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"rows": [row("i", "RESOLVED")]}, "i: 1 row of the ledger about it"),
        (
            {"rows": [row("j", "PARKED", "ItemGone: it was removed")]},
            '1 loss PARKED, ItemGone: it was removed: {"id": {"S": "j"}} in eu-west-1',
        ),
        ({"rows": []}, "nothing was lost to a conflict: the drill has shown nothing"),
        ({"waiting": {"q": 2}}, "2 messages in q"),
    ],
)
def test_each_other_thing_that_can_be_wrong_is_a_problem(
    more: dict[str, Any], problem: str
) -> None:
    assert problems(ALONE, GOOD, GOOD, **more) == [problem]


def test_replicas_that_differ_are_a_problem_in_what_readers_do_not_see_too() -> None:
    marked = {"i": {**GOOD["i"], "_rec": {"M": {}}}}

    assert problems(ONE_SIDE, GOOD, marked) == ["i: the replicas differ"]
