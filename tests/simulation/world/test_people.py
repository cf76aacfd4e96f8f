"""People decide losses in a run: whatever breaks them off, what they decide is there in the end."""

from collections import Counter
from dataclasses import replace

import pytest

from reconciler.feed.decision import Choice
from reconciler.item.edits import delete
from reconciler.item.image import read
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.clash import CLASHING
from reconciler.simulation.plan.drawing import DISPUTED_SCHEMA, REGIONS
from reconciler.simulation.plan.faults import HOUR
from reconciler.simulation.plan.plan import DECIDE, Fault, Operation, Plan
from reconciler.simulation.world import people
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from tests.builders import add, assign, increment
from tests.simulation import aims

EAST, WEST = REGIONS[:2]
CLASH = Fault(faults.CLASH, 0, HOUR, EAST)
ANYBODY = tuple(Fault(faults.DECIDED, 0, HOUR, region) for region in (EAST, WEST))


def race(seed: int, *troubles: Fault, attribute: str = CLASHING) -> Run:
    """Return a run in which two regions write one attribute at once, and one adds more beside."""
    beside = (add("tags", "vip"), increment("profile.visits", 7))
    operations = (
        Operation(0, 10_000, EAST, "k1", (assign(attribute, 5), *beside)),
        Operation(1, 10_005, WEST, "k1", (assign(attribute, 6),), read_at_ms=10_005),
    )
    return run_plan(Plan(seed, DISPUTED_SCHEMA, (EAST, WEST), operations, troubles))


@pytest.mark.parametrize("attribute", [CLASHING, "colour", "limit"])
def test_what_is_lost_beside_a_disputed_attribute_is_there_after_the_decision(
    attribute: str,
) -> None:
    ends = Counter[str]()
    for seed in range(12):
        run = race(seed, CLASH, *ANYBODY, attribute=attribute)
        assert check(run) == []
        ends.update(run.counts)
        for items in run.items.values():
            shown = read(items["k1"]) or {}
            assert (shown["tags"], shown["profile"]["visits"]) == ({"vip"}, 7)
    assert ends["decided"] > 0
    assert ends["broken_off"] > 0


def test_a_decision_is_an_operation_of_the_run_that_has_seen_the_loss_and_the_item() -> None:
    run = race(1, CLASH)
    decided = next(each for each in run.done if each.operation.number > 1)
    assert {edit.verb for edit in decided.operation.edits} == {DECIDE}
    assert decided.seen == {0, 1}
    assert not any(run.parked.values())


def test_a_loss_that_is_parked_where_it_is_noted_explains_the_merge_of_its_decision() -> None:
    # One region's clock is ahead, so the other's detector parks the loss and sends no event.
    ahead = Fault(faults.CLOCK, 0, HOUR, EAST, "ahead", 1.0)
    run = race(1, *ANYBODY, ahead)
    reasons = [str(each.detail.get("reason", "")) for each in run.trace if each.kind == "park"]
    assert any(each.startswith("ClockAhead") for each in reasons)
    assert run.counts["write_backs"] > 0
    assert run.counts["conflicts"] > 0
    assert check(run) == []


def test_without_people_what_is_parked_stays_parked() -> None:
    run = race(1, attribute="limit")
    assert [each.operation.number for each in run.done] == [0, 1]
    assert any(run.parked.values())


@pytest.mark.slow
def test_people_are_drawn_alike_whatever_else_is_in_the_plan() -> None:
    plan = aims.people_decide(3)
    elsewhere = Operation(99, 1, plan.regions[0], "k9", (assign("name", "Eve"),))
    more = replace(plan, operations=(*plan.operations, elsewhere))

    def decisions(run: Run) -> list[object]:
        return [each.operation.edits for each in run.done if each.operation.number > 29]

    assert decisions(run_plan(plan))
    assert [e for e in decisions(run_plan(more)) if e != elsewhere.edits] == decisions(
        run_plan(plan)
    )


def test_whoever_takes_an_attribute_of_a_deleted_item_takes_what_it_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = {CLASHING: Choice(value={"N": "7"}), "profile": Choice(take="current")}
    monkeypatch.setattr(people, "answer_to", lambda *_: answer)
    operations = (
        Operation(0, 1_000, EAST, "k1", (assign("profile.n", "held"),)),
        Operation(1, 10_000, EAST, "k1", (assign(CLASHING, 5),)),
        Operation(2, 10_005, WEST, "k1", (assign(CLASHING, 6),)),
        Operation(3, 25_000, EAST, "k1", (delete(),)),
    )
    over_a_tombstone = 0
    for seed in range(12):
        run = run_plan(Plan(seed, DISPUTED_SCHEMA, (EAST, WEST), operations, (CLASH,)))
        assert check(run) == []
        decided = [each for each in run.done if each.operation.number > 3]
        if decided and 3 in decided[0].seen:
            over_a_tombstone += 1
            for items in run.items.values():
                assert (read(items["k1"]) or {})["profile"] == {"n": "held"}
    assert over_a_tombstone > 0
