"""Writers around the library beside it: each small schedule ends with the right values."""

from contextlib import AbstractContextManager
from typing import Any

import pytest

from reconciler.detection import securing
from reconciler.item.metadata import EXPIRY, METADATA
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import from_wire
from tests.simulation.outside_cases import CASES, Case
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
    (case,) = (each for each in CASES if each.name == "O2 one by one")
    with detectors_told(to_expect_outside=False):
        run = run_plan(case.plan())
    assert [item["points"] for item in shown(run).values() if item] == [110, 110]
