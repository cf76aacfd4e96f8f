"""Writers around the library beside it: each small schedule ends with the right values."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from reconciler.conflict import closing
from reconciler.conflict.folding import MOST_NAMES
from reconciler.detection import securing
from reconciler.item.metadata import EXPIRY, METADATA
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.plan.raw import REPLACE, SAVE
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from reconciler.simulation.world.setting import Calls
from reconciler.values.wire import from_wire
from tests.builders import assign, increment
from tests.simulation import aims, sabotage_lives, sabotage_named, sabotage_outside, sabotage_plain
from tests.simulation.aims import Aim
from tests.simulation.outside_cases import (
    BASE,
    CASES,
    EAST,
    WEST,
    Case,
    Steps,
    cut,
    unresolved,
)
from tests.simulation.sabotage import replacing


def shown(run: Run) -> dict[str, Any]:
    """Return what readers see in each region, None for no item."""
    held = {region: items.get("p1") for region, items in run.items.items()}
    return {
        region: image
        and {name: from_wire(image[name]) for name in image if name not in {METADATA, EXPIRY}}
        for region, image in held.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_region_ends_with_what_is_right(case: Case) -> None:
    run = run_plan(case.plan())

    assert {done.outcome for done in run.done} == {"acknowledged"}
    for item in shown(run).values():
        if case.right is None:
            assert item is None
        else:
            assert {name: (item or {}).get(name) for name in case.right} == case.right, case.what
    assert case.holds(run), case.what


@pytest.mark.parametrize(
    ("name", "broken", "wrong"),
    [
        (
            "put, no type",
            sabotage_plain.a_number_of_no_type_counts_beside_puts_that_hold_it,
            {"points": 216},
        ),
        (
            "put on a put",
            sabotage_plain.a_put_counts_beside_amounts_that_it_may_hold,
            {"points": 205},
        ),
        (
            "named on a put",
            sabotage_plain.what_a_put_leaves_out_of_a_map_is_removed_by_names,
            {"profile": {"zip": "1"}},
        ),
        (
            "copies of a deleted item",
            sabotage_lives.whatever_two_images_show_alike_is_of_one_life,
            {"tags": {"a", "b", "x"}},
        ),
        (
            "update on a put",
            sabotage_plain.an_update_on_a_put_rests_on_nothing,
            {"phone": "2", "points": 110, "tags": {"a", "b"}},
        ),
        (
            "moment",
            sabotage_plain.a_value_for_a_moment_brings_back_what_was_deleted,
            {"phone": "y"},
        ),
        (
            "update on a put, plain",
            sabotage_plain.amounts_of_an_item_begun_on_a_put_count_beside_what_the_put_took,
            {"points": 3_140},
        ),
        (
            "O16",
            sabotage_outside.what_a_library_write_took_away_is_not_looked_for,
            {"points": 108, "email": "first"},
        ),
        (
            "between repairs",
            sabotage_outside.two_regions_write_one_merge_alike,
            {"tags": {"x"}},
        ),
    ],
)
def test_a_rule_that_is_broken_is_caught_by_a_case(
    name: str, broken: Callable[[], AbstractContextManager[Any]], wrong: dict[str, Any]
) -> None:
    (case,) = (each for each in CASES if each.name == name)
    with broken():
        run = run_plan(case.plan())

    for item in shown(run).values():
        assert {name: (item or {})[name] for name in wrong} == wrong


def test_a_merge_that_saw_half_of_what_was_added_does_not_stand_for_one_that_saw_all() -> None:
    """Their contexts are equal: what is added to one image has one name, however much it is."""
    third = "ap-southeast-1"
    steps = Steps(*BASE)
    steps.raw(0, EAST, increment("points", 5))
    steps.raw(60, EAST, assign("email", "raw"))
    steps.raw(85, EAST, increment("points", 7))
    steps.library(86, WEST, assign("phone", "2"))
    late = replace(cut(80, 130), other=third)
    plan = Case(
        "", "", tuple(steps.done), {}, [cut(50, 90), late, unresolved(third, 50, 120)]
    ).plan()
    plan = replace(plan, regions=(EAST, WEST, third))

    assert [item["points"] for item in shown(run_plan(plan)).values()] == [112] * 3
    with sabotage_outside.amounts_of_one_raw_addition_are_not_compared():
        assert [item["points"] for item in shown(run_plan(plan)).values()] == [105] * 3


def a_read_takes_a_while() -> AbstractContextManager[Any]:
    """Let others write between a read and what is written after it."""

    def make(real: Any) -> Any:
        def end(self: Calls, call: str) -> None:
            real(self, call)
            if call == "get":
                self.setting.agenda.wait(400)

        return end

    return replacing(Calls, "end", make)


def test_names_of_writers_that_go_on_are_filed_though_others_are_added_meanwhile() -> None:
    steps = Steps(*BASE)
    for number in range(300):
        steps.named(number / 5, EAST, assign("phone", str(number)))
    plan = Case("", "", tuple(steps.done), {}).plan()

    with a_read_takes_a_while():
        run = run_plan(plan, trace=False)
        assert [item["phone"] for item in shown(run).values()] == ["299"] * 2
        assert run.counts["names_most"] <= MOST_NAMES + 20
        with sabotage_named.names_are_filed_all_at_once():
            assert run_plan(plan, trace=False).counts["names_most"] > 3 * MOST_NAMES


def test_a_raw_value_that_a_later_one_replaced_before_a_name_is_no_loss() -> None:
    steps = Steps(*BASE)
    steps.raw(10, WEST, assign("phone", "x"))
    steps.raw(25, WEST, assign("phone", "y"))
    steps.named(30, WEST, increment("points", 10))
    plan = Case("", "", tuple(steps.done), {}, [cut(20, 60)]).plan()

    assert run_plan(plan).counts["conflicts"] == 0
    with sabotage_plain.of_two_raw_values_each_is_a_loss():
        assert run_plan(plan).counts["conflicts"] == 1


def test_a_put_that_a_named_write_of_elsewhere_took_the_place_of_stands_beside_it() -> None:
    steps = Steps(*BASE)
    steps.raw(0, WEST, assign("phone", "2"), call=REPLACE)
    steps.library(5, EAST, increment("points", 10))
    plan = Case("", "", tuple(steps.done), {}, [cut(-10, 60)]).plan()

    runs = [run_plan(replace(plan, seed=seed), trace=False) for seed in range(1, 9)]
    assert any(run.counts.get("named_writes") for run in runs)
    for run in runs:
        for item in shown(run).values():
            assert (item["phone"], item["points"]) == ("2", 110)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def detectors_told(*, to_expect_outside: bool) -> AbstractContextManager[Any]:
    """Let detectors look for what raw clients did, or not, whatever the plan says."""

    def make(real: Any) -> Any:
        def classify(*images: Any, **named: Any) -> Any:
            return real(*images, **{**named, "expects_outside": to_expect_outside})

        return classify

    return replacing(securing, "classify", make)


def test_where_only_the_library_writes_it_loses_nothing_that_nobody_looks_for_others() -> None:
    for seed in range(20):
        plan = draw_plan(seed)
        with detectors_told(to_expect_outside=False):
            skipped = run_plan(plan, trace=False)
        with detectors_told(to_expect_outside=True):
            looked = run_plan(plan, trace=False)
        assert skipped.trace_hash == looked.trace_hash


def test_what_a_raw_client_did_is_lost_where_nobody_looks_for_it() -> None:
    (case,) = (each for each in CASES if each.name == "O18 at once")
    with detectors_told(to_expect_outside=False):
        run = run_plan(case.plan())
    assert [item["tags"] for item in shown(run).values() if item] == [{"a"}, {"a"}]


def saved_once_it_is_folded() -> Plan:
    """A raw client saves, with more added to it, its copy of an hour ago, before many writes."""
    steps = Steps(increment("points", 100))
    steps.raw(1, EAST, increment("points", 5))
    for turn in range(60):
        steps.library(60 + 60 * turn, (EAST, WEST)[turn % 2], assign("name", f"{turn}"))
    steps.raw(62 * 60, EAST, assign("points", 112), call=SAVE, read=2)
    steps.library(64 * 60, EAST, assign("name", "last"))
    return Case("late save", "", tuple(steps.done), {}).plan()


def test_what_is_done_to_a_version_that_is_folded_since_is_set_aside_and_not_counted() -> None:
    with Aim(lambda _: saved_once_it_is_folded(), aims.ANY_MARKS).set_up():
        run = run_plan(saved_once_it_is_folded())
        with replacing(closing, "is_closed", lambda _: lambda *_: False):
            without_the_rule = run_plan(saved_once_it_is_folded())

    assert [item["points"] for item in shown(run).values() if item] == [105, 105]
    assert {region for region, found in losses(run) if found == "closed"} == {EAST, WEST}
    # Nobody would ever hear of what was added since: the sum has that name, and another amount.
    assert shown(without_the_rule) == shown(run)
    assert "closed" not in {found for _, found in losses(without_the_rule)}


def losses(run: Run) -> list[tuple[str, Any]]:
    """Return the losses that regions noted, and what they took them for."""
    return [(each.region, each.detail["finding"]) for each in run.trace if each.kind == "loss"]
