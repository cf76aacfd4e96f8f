"""The failure drill: every scene ends well, and its judge can say that one did not."""

import json
from collections import Counter
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from reconciler.cli import drill as drill_command
from reconciler.conflict.row import Row
from reconciler.drills.failure.drill import Play, SceneReport, drill
from reconciler.drills.failure.redrive import LocalRedrive, RedriveReport
from reconciler.drills.failure.scenes import SCENES
from reconciler.drills.failure.stage import Stage
from reconciler.drills.workload import Acknowledged, PartyEdit
from reconciler.errors import InvalidInput
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.redrive.redriver import Redriver

HERE, THERE = "us-east-1", "eu-west-1"
WRITE = Acknowledged(PartyEdit("party-00", HERE, "tag", "t1"), None)


# A redrive that is killed, or meets another, costs processes: ./scripts/drill plays those scenes,
# and tests/redrive/test_interruptions.py stops redrives at every step.
PLAYED = [scene for scene in SCENES if scene.name not in ("two-at-once", "killed")]


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def reports(told: list[str]) -> dict[str, SceneReport]:
    return {report.scene: report for report in drill(PLAYED, say=told.append)}


@pytest.mark.slow
@pytest.mark.parametrize("scene", [scene.name for scene in PLAYED])
def test_the_verdict_of_every_scene_is_good(scene: str, reports: dict[str, SceneReport]) -> None:
    report = reports[scene]

    assert report.problems == []
    assert report.acknowledged >= 24
    assert report.replicas_identical
    assert report.open_rows == 0


@pytest.mark.slow
def test_what_a_failure_took_is_all_brought_back(reports: dict[str, SceneReport]) -> None:
    brought_back = [each for each in reports.values() if each.scene not in ("poison", "trimmed")]

    assert len(brought_back) == len(PLAYED) - 2
    assert all(report.missing_before > 0 for report in brought_back)
    assert all(report.missing == [] for report in brought_back)


@pytest.mark.slow
def test_a_dry_run_says_of_each_message_what_the_redrive_then_does(
    reports: dict[str, SceneReport],
) -> None:
    for scene in ("resolver", "rule-target", "detector-names", "trimmed", "poison"):
        report = reports[scene]
        assert report.rehearsed == report.redriven
        assert sum(report.redriven.values()) == sum(report.waited.values())


@pytest.mark.slow
def test_a_poison_record_stays_in_both_regions_for_a_person(
    reports: dict[str, SceneReport],
) -> None:
    poison = reports["poison"]

    assert poison.left == {f"{HERE}/parties-parked-{HERE}": 1, f"{THERE}/parties-parked-{THERE}": 1}
    assert poison.redriven == {"poison": 2}
    assert poison.missing_before == 0


@pytest.mark.slow
def test_records_that_are_gone_are_named_with_every_write_that_they_held(
    reports: dict[str, SceneReport], told: list[str]
) -> None:
    trimmed = reports["trimmed"]
    (text,) = [each for each in told if each.startswith("trimmed: ")]

    assert len(trimmed.missing) == trimmed.missing_before > 0
    assert set(trimmed.redriven) == {"expired"}
    assert all(write in text for write in trimmed.missing)
    assert text.count("conflict feed: expired-use1-") == sum(trimmed.waited.values())
    assert "Traceback" not in text


@pytest.mark.slow
def test_what_the_drill_put_there_itself_is_said(reports: dict[str, SceneReport]) -> None:
    assert "the drill put the" in reports["rule-target"].remarks[0]
    assert "the drill set their ledger rows back" in reports["dropped-events"].remarks[0]


def command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(drill_command.command)
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_a_redrive_that_deletes_without_doing_fails_the_drill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claimed = Result(RedriveOutcome.REDRIVEN, "so it says")
    monkeypatch.setattr(Redriver, "redrive", lambda *_: claimed)

    done = command("--scene", "resolver", "--json")

    assert done.exit_code == 1
    (report,) = json.loads(done.stdout)
    lost = report["missing_before"]
    assert lost > 0
    assert len(report["missing"]) == lost
    assert f"missing: {lost} acknowledged writes" in report["problems"]
    assert f"{sum(report['waited'].values())} losses still OPEN" in report["problems"]
    assert report["left"] == {}


def test_a_scene_that_does_not_exist_is_answered_with_those_that_do() -> None:
    done = command("--scene", "earthquake")

    assert isinstance(done.exception, InvalidInput)
    assert "--scene earthquake: the scenes are resolver, rule-target" in str(done.exception)


OPEN_ROW = Row.of({"conflict_id": {"S": "c1"}, "item_key": {"S": "{}"}})


class StillStage(Stage):
    """A stage on which nothing happens: it shows what a test tells it."""

    def __init__(self) -> None:
        self.here, self.there = HERE, THERE
        self.lost: list[Acknowledged] = []
        self.queues: Counter[str] = Counter()
        self.still_open: list[Row] = []
        self.identical = True

    def missing(self, *_: Any) -> list[Acknowledged]:
        return self.lost

    def waiting(self) -> Counter[str]:
        return Counter(self.queues)

    def rows(self, *_: Any) -> list[Row]:
        return self.still_open

    def replicas_identical(self) -> bool:
        return self.identical


class TakesAtOnce(LocalRedrive):
    """A redrive that takes what waits although it is only rehearsed."""

    def __init__(self, stage: StillStage) -> None:
        self.stage = stage

    def run(self, *_: Any, **__: Any) -> RedriveReport:
        self.stage.queues.clear()
        return RedriveReport([], {})


def play_on(stage: StillStage) -> Play:
    play = Play("still", stage, TakesAtOnce(stage))
    play.report.missing_before = 3
    return play


def test_a_good_end_has_no_problem() -> None:
    play = play_on(StillStage())

    play.judge()

    assert play.report.problems == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"lost": [WRITE]}, "missing: 1 acknowledged write"),
        ({"identical": False}, "the replicas differ"),
        ({"still_open": [OPEN_ROW, OPEN_ROW]}, "2 losses still OPEN"),
        ({"queues": Counter({"r/q": 4})}, "the queues hold 4 r/q instead of nothing"),
    ],
)
def test_each_thing_that_can_be_wrong_at_the_end_is_a_problem(
    wrong: dict[str, Any], problem: str
) -> None:
    stage = StillStage()
    play = play_on(stage)
    vars(stage).update(wrong)

    play.judge()

    assert play.report.problems == [problem]


def test_a_scene_whose_fault_cost_nothing_has_shown_nothing() -> None:
    play = play_on(StillStage())
    play.report.missing_before = 0

    play.judge()

    assert play.report.problems == ["before the redrive, missing: 0 writes"]


def test_what_an_earlier_scene_left_for_a_person_is_not_this_ones() -> None:
    stage = StillStage()
    stage.queues = Counter({"r/parked": 1})
    play = play_on(stage)

    play.judge()

    assert play.report.left == {}
    assert play.report.problems == []


def test_a_dry_run_that_takes_a_message_and_repairs_items_is_a_problem() -> None:
    stage = StillStage()
    play = play_on(stage)
    stage.queues = Counter({f"{HERE}/parties-resolve-dlq": 1})

    play.rehearse()

    assert play.report.problems == [
        "the dry run changed what the queues hold",
        "the dry run changed items",
    ]
