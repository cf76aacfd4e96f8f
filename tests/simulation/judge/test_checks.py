"""What a run must leave behind: nothing lost, nothing doubled, nothing open, nothing endless."""

from typing import Any

import pytest

from reconciler.client.lost_answers import written_dot
from reconciler.item.image import merge
from reconciler.item.metadata import NAMES
from reconciler.item.names import names_in
from reconciler.simulation.judge.checks import check
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.world.history import Done, Run
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import Image
from tests.builders import Replica, add, assign, increment, written
from tests.named import element
from tests.simulation.histories import REGIONS, done, run_of


def images(image: Image | None) -> dict[str, Image | None]:
    return dict.fromkeys(REGIONS, image)


def kinds(run: Run) -> list[str]:
    return [problem.kind for problem in check(run)]


FIRST, SECOND = increment("balance", 100), increment("balance", 7)
ONE = Replica("use1").write(FIRST)
OTHER = Replica("euw1").write(SECOND, at=2_000)
WRITES = [done(0, FIRST), done(1, SECOND, region="eu-west-1")]


def test_a_run_that_kept_everything_has_no_problem() -> None:
    assert check(run_of(WRITES, images(merge(ONE, OTHER)))) == []


def test_a_write_that_is_in_no_replica_is_lost() -> None:
    problems = check(run_of(WRITES, images(OTHER)))
    assert [(p.kind, p.key, p.operations) for p in problems] == [("lost", "p1", (0,))]


def test_an_item_that_is_in_no_replica_is_lost() -> None:
    assert kinds(run_of(WRITES, images(None))) == ["lost"]


def test_replicas_that_show_the_same_values_in_other_bytes_differ() -> None:
    merged = merge(ONE, OTHER)
    tipped = Replica("use1", merged).write(add("tags", "a"))
    run = run_of(WRITES, {REGIONS[0]: merged, REGIONS[1]: tipped})
    assert kinds(run) == ["differing", "wrong"]


def test_an_unknown_write_that_took_effect_must_be_there() -> None:
    writes = [WRITES[0], done(1, SECOND, outcome="unknown", applied=True)]
    assert check(run_of(writes, images(merge(ONE, OTHER)))) == []
    assert kinds(run_of(writes, images(ONE))) == ["lost"]


def test_an_unknown_write_that_did_not_take_effect_must_not_be_there() -> None:
    writes = [WRITES[0], done(1, SECOND, outcome="unknown", applied=False)]
    assert check(run_of(writes, images(ONE))) == []
    assert kinds(run_of(writes, images(merge(ONE, OTHER)))) != []


def test_a_refused_write_must_have_no_effect() -> None:
    writes = [WRITES[0], done(1, SECOND, outcome="refused", applied=True)]
    assert kinds(run_of(writes, images(merge(ONE, OTHER)))) != []


def test_a_write_that_never_left_a_destroyed_region_is_excused() -> None:
    writes = [WRITES[0], done(1, SECOND, region="eu-west-1", stranded=True)]
    assert check(run_of(writes, {REGIONS[0]: ONE})) == []


def test_an_open_loss_is_unresolved() -> None:
    run = run_of(WRITES, images(merge(ONE, OTHER)), open_rows=["c1"])
    assert kinds(run) == ["unresolved"]


def parked(**more: Any) -> dict[str, Any]:
    event = {"conflict_id": "c1", "key": {"id": {"S": "p1"}}, "lost": OTHER} | more
    return {"reason": "for a person", "event": event}


def test_a_parked_loss_counts_as_merged_and_its_row_may_be_open() -> None:
    assert check(run_of(WRITES, images(ONE), parked=[parked()], open_rows=["c1"])) == []


def test_a_write_that_went_with_its_replica_but_is_parked_may_be_there_and_counts() -> None:
    writes = [done(0, FIRST, stranded=True, dot=str(written_dot(ONE))), WRITES[1]]
    assert check(run_of(writes, images(OTHER))) == []
    assert check(run_of(writes, images(OTHER), parked=[parked(lost=ONE)])) == []
    assert kinds(run_of(writes, images(merge(ONE, OTHER)))) != []


def test_a_named_write_that_stands_in_what_is_parked_is_there_though_its_replica_is_gone() -> None:
    name = element(increment("balance", 5), at=2_000, number=1)
    image = {**written(increment("balance", 100)), "balance": {"N": "105"}, NAMES: {"L": [name]}}
    (named,) = names_in(image)
    first = done(0, increment("balance", 100), stranded=True, dot=str(written_dot(image)))
    second = done(1, increment("balance", 5), seen=[0], stranded=True, dot=str(named.dot))
    assert check(run_of([first, second], images(None), parked=[parked(lost=image)])) == []


def test_a_parked_loss_of_another_item_does_not_count() -> None:
    other = parked(key={"id": {"S": "p2"}})
    assert kinds(run_of(WRITES, images(ONE), parked=[other])) == ["lost"]


def test_a_parked_record_counts_with_its_old_image() -> None:
    change = {"Keys": {"id": {"S": "p1"}}, "OldImage": OTHER, "SequenceNumber": "1"}
    document = {"reason": "Undecodable", "record": {"dynamodb": change}}
    assert check(run_of(WRITES, images(ONE), parked=[document])) == []


def test_values_are_not_judged_where_what_is_parked_can_be_read_nowhere() -> None:
    unread = parked(lost=None, images_ref="memory://c1")
    assert check(run_of(WRITES, images(ONE), parked=[unread])) == []


def test_a_parked_change_without_image_record_or_reference_is_incomplete() -> None:
    assert "incomplete" in kinds(run_of(WRITES, images(ONE), parked=[parked(lost=None)]))


@pytest.mark.parametrize(
    "counts",
    [
        {"unrested": 1},
        {"write_backs": 31, "conflicts": 10, "writes": 10},
        {"events": 61, "conflicts": 10, "writes": 10},
        {"conflicts": 41, "writes": 15},
    ],
)
def test_work_that_the_losses_do_not_explain_is_unbounded(counts: dict[str, int]) -> None:
    assert kinds(run_of(WRITES, images(merge(ONE, OTHER)), counts=counts)) == ["unbounded"]


def test_old_lineages_that_nobody_folds_are_unbounded() -> None:
    one, other = Replica("use1"), Replica("euw1")
    writes: list[Done] = []
    for n in range(60):
        writer = (one, other)[n % 2]
        writer.image = (other, one)[n % 2].image
        last = writer.write(add("tags", "a"), at=10_000 * n)
        writes.append(done(n, add("tags", "a"), seen=range(n)))
    assert set(kinds(run_of(writes, images(last)))) == {"unbounded"}


def test_one_problem_in_two_regions_is_told_once() -> None:
    problems = check(run_of([done(0, assign("name", "Ada"))], images(ONE)))
    assert len(problems) == len(set(problems)) == 2  # the name is lost, the balance is foreign


def test_a_problem_names_what_it_is_about() -> None:
    (problem,) = check(run_of(WRITES, images(OTHER)))
    assert problem == Problem(
        "lost",
        "p1",
        "balance must show 107, shows 7: lost is what operation 0 added",
        (0,),
    )


@pytest.mark.slow  # the loop runs seeds of its own beside the tests
@pytest.mark.parametrize("folds", [True, False])
def test_the_product_breaks_no_promise_whatever_goes_wrong(folds: bool) -> None:
    for seed in range(1, 41):
        assert check(run_plan(draw_plan(seed, operations=25, folds=folds), trace=False)) == []
