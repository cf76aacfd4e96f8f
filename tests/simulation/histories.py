"""Hand-made histories, of operations and what each of them saw, and hand-made runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.simulation.plan.plan import Operation, Plan
from reconciler.simulation.world.history import Done, Moment, Run
from reconciler.values.wire import Image
from tests.builders import SCHEMA

QUIET = {"writes": 0, "write_backs": 0, "conflicts": 0, "events": 0, "folds": 0}
REGIONS = ("us-east-1", "eu-west-1")


def done(
    number: int,
    *edits: Edit,
    seen: Iterable[int] = (),
    region: str = "us-east-1",
    wall: int = 0,
    **ending: Any,
) -> Done:
    """Return an operation that was acknowledged, unless `ending` says how it ended."""
    operation = Operation(number, 10 * number, region, "p1", edits)
    return Done(
        operation,
        ending.pop("outcome", "acknowledged"),
        10 * number,
        wall or 1_000 + number,
        frozenset(seen),
        **ending,
    )


def run_of(
    writes: Sequence[Done],
    images: Mapping[str, Image | None],
    *,
    parked: Sequence[Mapping[str, Any]] = (),
    open_rows: Sequence[str] = (),
    trace: Sequence[Moment] = (),
    counts: Mapping[str, int] = QUIET,
) -> Run:
    """Return a run that left these images of one item; what is parked or open is in one region."""
    return Run(
        plan=Plan(7, SCHEMA, REGIONS, tuple(write.operation for write in writes)),
        done=writes,
        items={region: {"p1": image} if image else {} for region, image in images.items()},
        open_rows={REGIONS[0]: open_rows},
        parked={REGIONS[0]: parked},
        counts={**QUIET, **counts},
        trace=trace,
        trace_hash="",
    )
