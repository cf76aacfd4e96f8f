"""A region may stop showing its own write only if it notes the loss."""

from typing import Any

from reconciler.item.image import merge
from reconciler.simulation.judge.checks import check
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.judge.reads import reads_that_went_back
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.world.history import Done, Moment
from reconciler.simulation.world.run import run_plan
from tests.builders import Replica, increment
from tests.simulation import sabotage_detection
from tests.simulation.histories import REGIONS, done, run_of

HERE, THERE = REGIONS
EDITS = increment("balance", 100), increment("balance", 7)
WRITES = [done(0, EDITS[0], dot="d0"), done(1, EDITS[1], region=THERE, dot="d1")]
MERGED = merge(Replica("use1").write(EDITS[0]), Replica("euw1").write(EDITS[1], at=2_000))


def at(region: str, kind: str, image: str = "", **detail: Any) -> Moment:
    return Moment(0, region, kind, "p1", {"token": image, **detail})


MINE = at(HERE, "write", operation=0, image="t0")
THEIRS = at(THERE, "write", operation=1, image="t1")
OVERWRITTEN = at(HERE, "replicate", image="t1")
LOSS = at(HERE, "loss", conflict="c", dots="d0")


def found(*trace: Moment, writes: list[Done] = WRITES) -> list[Problem]:
    return list(reads_that_went_back(run_of(writes, dict.fromkeys(REGIONS, MERGED), trace=trace)))


def test_an_own_write_that_is_overwritten_without_a_loss_record_is_named() -> None:
    (problem,) = found(MINE, THEIRS, OVERWRITTEN)
    assert (problem.kind, problem.key, problem.operations) == ("lost", "p1", (0,))
    assert "us-east-1 shows operation 0 no more" in problem.message


def test_a_loss_record_excuses_it() -> None:
    assert found(MINE, THEIRS, OVERWRITTEN, LOSS) == []


def test_a_loss_record_of_another_write_does_not_excuse_it() -> None:
    assert len(found(MINE, THEIRS, OVERWRITTEN, at(HERE, "loss", conflict="c", dots="d1"))) == 1


def test_a_loss_record_names_what_the_lost_write_had_seen_as_well() -> None:
    writes = [*WRITES, done(2, EDITS[0], seen=[0], dot="d2")]
    after = at(HERE, "write", operation=2, image="t2")
    loss = at(HERE, "loss", conflict="c", dots="d2")
    assert found(MINE, after, THEIRS, OVERWRITTEN, loss, writes=writes) == []


def test_a_merge_shows_what_it_replaced_and_what_was_lost() -> None:
    repaired = at(HERE, "merge", image="t3", conflicts="c")
    arrives = at(THERE, "replicate", image="t3")
    assert found(MINE, THEIRS, OVERWRITTEN, LOSS, repaired, arrives) == []


def test_an_item_whose_history_was_folded_is_left_out() -> None:
    assert found(MINE, THEIRS, OVERWRITTEN, at(HERE, "fold", image="t4")) == []


def test_healthy_runs_note_every_read_that_goes_back() -> None:
    for seed in range(1, 16):
        assert check(run_plan(draw_plan(seed, operations=25, folds=False))) == []


def test_a_detector_that_takes_losses_for_clean_is_found_in_what_the_regions_read() -> None:
    with sabotage_detection.one_more_write_counts_as_clean():
        runs = [run_plan(draw_plan(seed, operations=25, folds=False)) for seed in range(1, 6)]
    assert any([*reads_that_went_back(run)] for run in runs)


def test_an_item_that_was_touched_at_the_end_shows_what_its_region_held() -> None:
    """A write without an operation reunites replicas after a region is gone; it broke the check."""
    touched = at(THERE, "replicate", image="touched", source=HERE)
    back = at(THERE, "write", operation=1, image="t1")
    assert found(MINE, touched, writes=WRITES[:1]) == []
    assert len(found(MINE, back, touched)) == 1
