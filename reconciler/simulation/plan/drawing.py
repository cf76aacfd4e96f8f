"""Plans drawn from a seed: who edits what, when and where, and what goes wrong.

A plan follows from its seed and the arguments alone. Operations come in bursts, so that
several regions write to one item within the replication lag; bursts are seconds to hours apart.
Every operation is drawn from the seed and its own number.
Units: virtual milliseconds.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import partial
from random import Random

from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.item.schema import AttributeSchema, Schema
from reconciler.simulation.plan.edits import draw_edits
from reconciler.simulation.plan.faults import (
    CLASH,
    DECIDED,
    EXPIRY,
    FOR_EVER,
    HARD_DELETE,
    HOUR,
    MINUTE,
    SECOND,
    draw_faults,
)
from reconciler.simulation.plan.plan import Fault, Operation, Plan

REGIONS = (
    "us-east-1",
    "eu-west-1",
    "ap-southeast-1",
    "us-west-2",
    "eu-central-1",
    "sa-east-1",
)
_MAP = {
    "type": "map_or",
    "fields": {
        "visits": "counter_pn",
        "labels": "set_aw",
        "bans": "set_rw",
        "best": "register_max",
        "deep": {"type": "map_or", "values": "counter_pn"},
    },
}
_TYPES = {
    "name": "register_lww",
    "notes": "register_mv",
    "balance": "counter_pn",
    "points": "counter_pn",
    "tags": "set_aw",
    "blocked": "set_rw",
    "active": "flag_ew",
    "high": "register_max",
    "low": "register_min",
    "profile": _MAP,
}
DEFAULT_SCHEMA = Schema.of(
    table="simulated",
    key=["id"],
    attributes={**_TYPES, "revision": "version"},
    tombstone_retention_days=1,
)
# Where people decide losses: what only they can decide, and a merge function that nobody has.
DISPUTED_SCHEMA = Schema.of(
    table="simulated",
    key=["id"],
    attributes={
        **_TYPES,
        "limit": "manual",
        "colour": {"type": "custom", "function": "nobody_has_it"},
    },
    tombstone_retention_days=1,
)
OWN_TTL = "until"  # the attribute of a table's own time-to-live
_OWN_TTL = 0.5  # of the runs in which tombstones expire
_DAY = 24 * HOUR
_DELETES, _DELETES_IF_EXPIRING = 0.04, 0.15
_BEFORE_DELETE = (3 * SECOND, MINUTE, 2 * HOUR)  # so that it mostly meets an item at rest
_AFTER_DELETE = (3 * SECOND, MINUTE, 2 * HOUR, 30 * HOUR)
_BURST_SPANS = (300, 1_500, 6_000)
_PAUSES = (300, 3 * SECOND, 30 * SECOND, 3 * MINUTE, 30 * MINUTE, 2 * HOUR)


def draw_plan(  # noqa: PLR0913 (a plan is all of these, by name)
    seed: int,
    *,
    schema: Schema | None = None,
    regions: int = 3,
    operations: int = 40,
    items: int | None = None,
    folds: bool = True,
) -> Plan:
    """Return the plan of a seed.

    Without a schema it is one with every type, and in every fourth run deletes win. Without `items`
    one to four are drawn: hot keys. InvalidInput for a number of regions that is not from 1 to 6.
    """
    if not 1 <= regions <= len(REGIONS):
        raise InvalidInput(f"regions must be from 1 to {len(REGIONS)}, not {regions}")
    drawn = Random(f"{seed}/plan")
    delete_wins = drawn.random() < 0.25
    held = drawn.choice((1, 1, 1, 2, 3, 4))
    names = REGIONS[:regions]
    writers = drawn.sample(names, drawn.randint(min(2, regions), regions))
    times = _times(drawn, operations)
    faults = draw_faults(seed, names, times[-1] if times else 0)
    kinds = {fault.kind for fault in faults}
    clash = CLASH in kinds and schema is None
    schema = schema or _schema(seed, kinds, delete_wins=delete_wins)
    deletes = _DELETES
    if EXPIRY in kinds:
        faults, times = _with_expiry(drawn, faults, times, schema.tombstone_retention_days * _DAY)
        deletes = _DELETES_IF_EXPIRING
    elif HARD_DELETE in kinds:
        faults, times = _with_delete(drawn, faults, times)
    edits = partial(draw_edits, schema=schema, deletes=deletes, clash=clash)
    draw = partial(_operation, writers=writers, items=items or held, edits=edits)
    edited = (
        draw(Random(f"{seed}/operation/{number}"), number, at_ms)
        for number, at_ms in enumerate(times)
    )
    return Plan(seed, schema, names, tuple(edited), faults, folds)


def _schema(seed: int, kinds: Set[str], *, delete_wins: bool) -> Schema:
    schema = DISPUTED_SCHEMA if kinds & {CLASH, DECIDED} else DEFAULT_SCHEMA
    drawn = Random(f"{seed}/own time-to-live")
    if EXPIRY in kinds and drawn.random() < _OWN_TTL:
        # Clients give it values that no time-to-live takes: text, and times of long ago.
        own = {OWN_TTL: AttributeSchema(type=drawn.choice(("register_lww", "register_max")))}
        more = {"attributes": {**schema.attributes, **own}, "ttl_attribute": OWN_TTL}
        schema = schema.model_copy(update=more)
    return schema.model_copy(update={"delete": "delete_wins"}) if delete_wins else schema


def _times(drawn: Random, operations: int) -> list[int]:
    """Return when operations begin: bursts, with pauses of all magnitudes between them."""
    span = drawn.choice(_BURST_SPANS)
    longest = drawn.choice(_PAUSES)
    burst = drawn.randint(2, 12)
    times: list[int] = []
    start = 0
    while len(times) < operations:
        several = min(drawn.randint(1, burst), operations - len(times))
        times += sorted(start + drawn.randint(0, span) for _ in range(several))
        start = times[-1] + drawn.randint(0, longest)
    return times


def _with_expiry(
    drawn: Random, faults: tuple[Fault, ...], times: list[int], retention_ms: int
) -> tuple[tuple[Fault, ...], list[int]]:
    """Let what is later happen when the tombstones of what was earlier are removed."""
    pivot = drawn.randrange(len(times)) if times else 0
    at_ms = times[pivot] if times else 0
    shifted = [*times[:pivot], *(time + retention_ms for time in times[pivot:])]
    begin = at_ms + retention_ms + drawn.randint(-MINUTE, MINUTE)

    def moved(fault: Fault) -> Fault:
        if fault.kind == EXPIRY:
            return replace(fault, at_ms=begin, until_ms=begin + fault.until_ms - fault.at_ms)
        if fault.at_ms < at_ms or fault.until_ms >= FOR_EVER:
            return fault
        return replace(
            fault, at_ms=fault.at_ms + retention_ms, until_ms=fault.until_ms + retention_ms
        )

    return tuple(moved(fault) for fault in faults), shifted


def _with_delete(
    drawn: Random, faults: tuple[Fault, ...], times: list[int]
) -> tuple[tuple[Fault, ...], list[int]]:
    """Let an operator delete between two operations, and the later ones wait after that."""
    pivot = drawn.randrange(len(times)) if times else 0
    at_ms = (times[pivot - 1] if pivot else 0) + drawn.choice(_BEFORE_DELETE)
    wait = at_ms + drawn.choice(_AFTER_DELETE) - times[pivot] if times else 0
    shifted = [*times[:pivot], *(time + wait for time in times[pivot:])]
    moved = (
        replace(fault, at_ms=at_ms, until_ms=at_ms + fault.until_ms - fault.at_ms)
        if fault.kind == HARD_DELETE
        else fault
        for fault in faults
    )
    return tuple(moved), shifted


def _operation(  # noqa: PLR0913 (an operation is drawn from all of these)
    drawn: Random,
    number: int,
    at_ms: int,
    *,
    writers: Sequence[str],
    items: int,
    edits: Callable[..., tuple[Edit, ...]],
) -> Operation:
    region = drawn.choice(writers)
    key = f"k{min(drawn.randint(1, items), drawn.randint(1, items))}"  # the first is the hottest
    return Operation(number, at_ms, region, key, edits(drawn, number=number))
