"""The failover drill's steps: what it counts as lost, what shows nothing, and what it leaves."""

import pytest

from reconciler.conflict.row import State
from reconciler.drills.failover.steps import Report, play
from reconciler.drills.workload import PartyEdit
from reconciler.errors import Unavailable
from tests.drills.failover.stage import EDITS, HERE, THERE, Stage, later
from tests.fakes import REFUSED

MISSING = ["points 1 of party-00 in us-east-1", "tag mine of party-00 in us-east-1"]


def played(stage: Stage) -> Report:
    return play(stage.drill, stage, EDITS, stage.write)


def test_writes_of_both_sides_that_are_merged_are_a_good_end() -> None:
    stage = Stage()

    report = played(stage)

    assert report.problems == []
    assert (report.acknowledged, report.apart, report.conflicts) == (7, 5, 1)
    assert report.by_role == {"home": 1, "witness": 0}
    assert stage.calls == ["settle", "begin", "end", "settle"]


def test_a_write_that_the_last_writer_replaced_is_named_in_each_region_that_lacks_it() -> None:
    report = played(Stage(settled=later))

    assert {region: sorted(lost) for region, lost in report.lost.items()} == {
        HERE: MISSING,
        THERE: MISSING,
    }
    assert report.replicas_identical
    assert report.problems == [
        f"2 acknowledged writes lost in {region}" for region in (HERE, THERE)
    ]


def test_a_write_that_one_region_alone_lacks_is_named_there() -> None:
    stage = Stage()
    played(stage)
    stage.items[THERE].items.pop('{"id":{"S":"drill-party-01"}}')

    report = stage.drill.judge()

    assert report.lost[HERE] == []
    assert "contact c1 of party-01 in eu-west-1" in report.lost[THERE]
    assert "the replicas differ" in report.problems


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (State.OPEN, "1 loss still OPEN"),
        (State.PARKED, "1 loss for a person to decide"),
    ],
)
def test_a_loss_that_waits_at_the_end_is_a_problem(state: State, problem: str) -> None:
    stage = Stage()
    played(stage)
    assert stage.drill.is_well()

    stage.loss(state)

    assert not stage.drill.is_well()
    assert stage.drill.judge().problems == [problem]


def test_losses_of_the_table_s_other_items_are_not_the_drill_s() -> None:
    stage = Stage()
    played(stage)
    stage.loss(State.OPEN)
    [other] = [r for r in stage.ledgers[HERE].rows.values() if r["state"]["S"] == "OPEN"]
    other["item_key"] = {"S": '{"id":{"S":"p1"}}'}

    assert stage.drill.is_well()


def test_regions_that_saw_each_other_all_the_time_have_shown_nothing() -> None:
    stage = Stage()

    def write() -> None:
        stage.write()
        stage.replicate()

    report = play(stage.drill, stage, EDITS, write)

    assert report.problems == ["nothing was shown: no region was out of another's sight"]


def test_a_drill_without_a_conflict_has_shown_nothing() -> None:
    stage = Stage()

    report = play(stage.drill, stage, EDITS, lambda: stage.drill.write(EDITS))

    assert report.problems == ["nothing was shown: no write was lost to a conflict"]


def test_the_separation_ends_however_the_writes_do() -> None:
    stage = Stage()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(stage.drill, stage, EDITS, interrupted)

    assert stage.calls == ["settle", "begin", "end"]


def test_an_interrupted_drill_leaves_no_item_in_any_region() -> None:
    stage = Stage()
    stage.drill.create(EDITS)
    stage.drill.write(EDITS)

    with pytest.raises(KeyboardInterrupt), stage.drill.leaving_nothing():
        raise KeyboardInterrupt

    assert stage.parties(HERE) == stage.parties(THERE) == [None, None]
    stage.replicate()
    assert stage.parties(HERE) == [None, None]


def test_what_went_wrong_is_told_even_if_the_items_cannot_be_deleted() -> None:
    stage = Stage()
    stage.drill.create(EDITS)
    stage.items[HERE].faults.extend([REFUSED] * 50)

    with pytest.raises(Unavailable, match="the pause"), stage.drill.leaving_nothing():
        raise Unavailable("the pause could not be ended")


def test_removed_items_are_gone_everywhere_once_that_has_replicated() -> None:
    stage = Stage()
    played(stage)

    stage.drill.remove()
    stage.replicate()

    assert stage.parties(THERE) == [None, None]


def test_each_region_makes_its_edits_in_their_order() -> None:
    stage = Stage()
    names = [PartyEdit("party-00", HERE, "rename", f"Ada{number}") for number in range(5)]

    stage.drill.create(names)
    stage.drill.write(names)

    assert (stage.parties(HERE)[0] or {})["givenName"] == "Ada4"
