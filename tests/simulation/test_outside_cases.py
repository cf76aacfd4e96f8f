"""Writers around the library beside it: each small schedule ends with the right values.

What does not yet is marked, with what is seen instead; strictly, so that a mark that is not needed
any more is a failure.
"""

from typing import Any

import pytest

from reconciler.item.metadata import EXPIRY, METADATA
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import from_wire
from tests.simulation.outside_cases import CASES, Case

SEEN_TODAY = {
    "O5": "100 and no name",
    "O6": "100 and no name",
    "O6b": "no loss is noted",
    "O6c": "the older value, by the order of a hash",
    "O7": "the put's phone is gone",
    "O9": "the put is undone",
    "O9 ttl": "the item comes back",
    "O19": "201",
}


def shown(run: Run) -> dict[str, Any]:
    """Return what readers see in each region, None for no item."""
    held = {region: items.get("p1") for region, items in run.items.items()}
    return {
        region: image
        and {name: from_wire(image[name]) for name in image if name not in {METADATA, EXPIRY}}
        for region, image in held.items()
    }


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.name,
            marks=pytest.mark.xfail(reason=SEEN_TODAY[case.name], strict=True)
            if case.name in SEEN_TODAY
            else (),
        )
        for case in CASES
    ],
)
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
    assert SEEN_TODAY.keys() <= set(names)
