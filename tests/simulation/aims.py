"""Schedules aimed at one kind of trouble, and settings that make rare things frequent.

A setting breaks no rule of the protocol: a healthy product passes every aim.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from reconciler.causality.region_time import RegionTime
from reconciler.conflict import folding, forgetting, marking
from reconciler.crdt.base import Edit
from reconciler.deployment.wiring import STREAM_SOURCE
from reconciler.item.image import DELETE
from reconciler.item.metadata import is_managed
from reconciler.item.schema import AttributeSchema, Schema
from reconciler.resolution import write_back
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import (
    DEFAULT_SCHEMA,
    DISPUTED_SCHEMA,
    OWN_TTL,
    draw_plan,
)
from reconciler.simulation.plan.edits import draw_edits
from reconciler.simulation.plan.faults import FOR_EVER, HOUR, MINUTE, SECOND
from reconciler.simulation.plan.keyed import with_keyed
from reconciler.simulation.plan.named import with_named
from reconciler.simulation.plan.outside import (
    ALL,
    ONE,
    SLOTS,
    item_before,
    with_outside,
)
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.raw import PUT, SAVE, UPDATE
from reconciler.simulation.plan.steady import with_steady
from reconciler.simulation.world import client, named_clients, setting, streams, world
from reconciler.values import size
from tests.builders import assign, increment

Planner = Callable[[int], Plan]
_LONG = 10 * MINUTE


@dataclass(frozen=True)
class Aim:
    """Plans by seed, and the module settings that hold while they run."""

    plan: Planner
    settings: Sequence[tuple[Any, str, Any]] = ()

    def set_up(self) -> AbstractContextManager[Any]:
        """Return a context in which the settings hold; a run that never rests ends early."""
        stack = ExitStack()
        cut_off = ((world, "_ACTIONS_AT_LEAST", 20_000), (world, "_ACTIONS_PER_OPERATION", 500))
        for owner, name, value in (*cut_off, *self.settings):
            stack.enter_context(patch.object(owner, name, value))
        return stack


def mixed(seed: int) -> Plan:
    """Return twenty operations on one item, with any faults."""
    return draw_plan(seed, operations=20, items=1)


def steady_writers(seed: int) -> Plan:
    """Steady writers of one counter, which others set now and then by a name."""
    plan = with_steady(draw_plan(seed, regions=2, items=1), runs=1.0)
    hot = next(o.edits[0].path[0] for o in plan.operations if _adds(o))

    def aimed(operation: Operation) -> Operation:
        if operation.number % 6 != 5:
            return operation
        edits = (assign(hot, 10**9 + operation.number),)
        return replace(operation, edits=edits, named=True, key="k1", read_at_ms=None)

    return replace(plan, operations=tuple(map(aimed, plan.operations)))


def _adds(operation: Operation) -> bool:
    return [edit.verb for edit in operation.edits] == ["increment"]


def plain_items(seed: int) -> Plan:
    """Return operations on one item that was there before the library, which others update, too."""
    plan = with_outside(mixed(seed), ALL, [UPDATE])
    keys = sorted({operation.key for operation in plan.operations})
    before = {key: image for key in keys if (image := item_before(plan, key, "plain"))}
    return replace(plan, before=before)


def whole_puts(seed: int) -> Plan:
    """Return operations on one managed item, which others put whole, too, in one region."""
    plan = with_outside(mixed(seed), ONE, [PUT])
    keys = sorted({operation.key for operation in plan.operations})
    before = {key: image for key in keys if (image := item_before(plan, key, "managed"))}
    return replace(plan, before=before)


def named_writes(seed: int) -> Plan:
    """Return twenty operations on one item, some of them named writes, with any faults."""
    return with_named(mixed(seed))


def keyed_writes(seed: int) -> Plan:
    """Return twenty operations on one item, of which some are repeated under their keys."""
    return with_keyed(mixed(seed))


def keyed_names(seed: int) -> Plan:
    """Return twenty operations on one item, named ones too, some repeated under their keys."""
    return with_keyed(with_named(mixed(seed)))


def keyed_for_hours(seed: int) -> Plan:
    """Return hours of writes of one item, most under keys, which regions forget at their time.

    Regions are cut off from each other, functions stand still and events come late, some by more
    than keys live.
    """
    plan = draw_plan(seed, operations=60, items=1, regions=2 + seed % 2, schema=DEFAULT_SCHEMA)
    drawn = Random(f"{seed}/keyed for hours")
    kept = [each for each in plan.operations if DELETE not in each.edits]
    adding = (increment("points", 1 + each.number**3) for each in kept)
    kept = [
        replace(each, edits=(edit,)) if drawn.random() < 0.7 else each
        for each, edit in zip(kept, adding, strict=True)
    ]
    times = sorted(drawn.randint(0, 3 * HOUR) for _ in kept)
    troubles = []
    for _ in range(drawn.randint(1, 5)):
        since, kind = drawn.randint(0, 2 * HOUR), drawn.choice((faults.PARTITION, *_STOPPED))
        until = since + drawn.choice((MINUTE, 10 * MINUTE, HOUR))
        one, other = drawn.sample(plan.regions, 2)
        apart = kind == faults.PARTITION
        troubles.append(Fault(kind, since, until, one, other if apart else ""))
    troubles.append(Fault(faults.LATE_EVENT, 0, 3 * HOUR, rate=0.3))
    plan = _at(replace(plan, operations=tuple(kept), faults=tuple(troubles)), times)
    return with_keyed(plan)


_STOPPED = (faults.DETECTOR_OFF, faults.RESOLVER_OFF)


def names_apart(seed: int) -> Plan:
    """Return bursts of named and library writes by two regions that do not hear of each other."""
    plan = draw_plan(seed, operations=40, items=1, regions=2, schema=DEFAULT_SCHEMA)
    drawn = Random(f"{seed}/apart")

    def done(number: int) -> tuple[Edit, ...]:
        amount = 1 + number * number
        points = increment("points", amount), assign("points", amount)
        names = [assign("name", f"v{number}")] * 2
        return (drawn.choice((*points, *names)),)

    made = (
        replace(each, edits=done(each.number), named=drawn.random() < 0.7, read_at_ms=None)
        for each in plan.operations
    )
    bursts = range(0, 50 * MINUTE, 5 * MINUTE)
    times = sorted(drawn.choice(bursts) + drawn.randint(0, 20 * SECOND) for _ in plan.operations)
    one, other = plan.regions
    cut = [Fault(faults.PARTITION, since, since + MINUTE, one, other) for since in bursts]
    return _at(replace(plan, operations=tuple(made), faults=tuple(cut)), times)


def names_unrepaired(seed: int) -> Plan:
    """Return bursts of named and library writes apart, of which nothing is repaired for an hour."""
    plan = names_apart(seed)
    off = [Fault(faults.RESOLVER_OFF, 0, HOUR, region) for region in plan.regions]
    return replace(plan, faults=(*plan.faults, *off))


def named_on_an_older_image(seed: int) -> Plan:
    """Return library writes of one region, read early; in between a name brings that image back.

    It was made in the other region, before the write in between came there. Nothing is repaired.
    """
    plan = draw_plan(seed, operations=40, items=1, regions=2, schema=DEFAULT_SCHEMA)
    drawn = Random(f"{seed}/older")
    one, other = plan.regions

    def made(each: Operation) -> Operation:
        turn, step = divmod(each.number, 4)
        begin = turn * 2 * MINUTE
        at_ms = begin + (0, 10 * SECOND, 10 * SECOND + drawn.randint(0, 200), 15 * SECOND)[step]
        return replace(
            each,
            at_ms=at_ms,
            region=other if step == 2 else one,
            edits=(increment("points", 1 + each.number**2),),
            named=step == 2,
            read_at_ms=begin + 5 * SECOND if step == 3 else None,
        )

    off = [Fault(faults.RESOLVER_OFF, 0, HOUR, region) for region in plan.regions]
    return replace(plan, operations=tuple(map(made, plan.operations)), faults=tuple(off))


def names_alone(seed: int) -> Plan:
    """Return bursts of named writes alone by two regions that do not hear of each other."""
    plan = names_apart(seed)
    return replace(plan, operations=tuple(replace(each, named=True) for each in plan.operations))


def raw_beside_names(seed: int) -> Plan:
    """Return a managed item of two regions that mostly named and a few raw clients update at once.

    Others come between any two calls.
    """
    plans = (
        with_named(_beside(turn, ALL, UPDATE)) for turn in range(seed * 1_000, seed * 1_000 + 999)
    )
    plan = next(each for each in plans if _few(each, "raw", 15) and not _few(each, "named", 10))
    slow = Fault(faults.SLOW_CALL, 0, HOUR, rate=0.9)
    return replace(plan, faults=(slow,))


def named_over_raw(seed: int) -> Plan:
    """Return raw values of one region, named over there, and written on top by the library.

    The other region has the raw value, and hears of the rest late, as of one change.
    """
    plan = draw_plan(seed, operations=42, items=1, regions=2, schema=DEFAULT_SCHEMA)
    drawn = Random(f"{seed}/named over raw")
    one, other = plan.regions

    def made(each: Operation) -> Operation:
        turn, step = divmod(each.number, 3)
        name, points = assign("name", f"v{each.number}"), increment("points", 1 + each.number)
        return replace(
            each,
            at_ms=turn * 2 * MINUTE + step * 10 * SECOND + drawn.randint(0, 3 * SECOND),
            region=other,
            edits=(name if step < 2 else drawn.choice((name, points)),),
            raw="" if step else UPDATE,
            named=step == 1,
            read_at_ms=None,
        )

    starts = range(8 * SECOND, 28 * MINUTE, 2 * MINUTE)
    cut = [Fault(faults.PARTITION, start, start + MINUTE, one, other) for start in starts]
    operations = tuple(map(made, plan.operations))
    before = {operations[0].key: item_before(plan, operations[0].key, "managed") or {}}
    return replace(plan, operations=operations, faults=tuple(cut), before=before, outside=ONE)


def _few(plan: Plan, kind: str, most: int) -> bool:
    return sum(bool(getattr(each, kind)) for each in plan.operations) <= most


def with_folds(seed: int) -> Plan:
    """Return forty operations on one item, with any faults but wall clocks that step."""
    return _without(draw_plan(seed, operations=40, items=1), faults.CLOCK)


def an_hour(seed: int) -> Plan:
    """Return an hour of operations on one item, and nothing that goes wrong."""
    plan = draw_plan(seed, operations=120, items=1, regions=3)
    drawn = Random(f"{seed}/hour")
    times = sorted(drawn.randint(0, HOUR) // 24_000 * 24_000 for _ in plan.operations)
    return _at(replace(plan, faults=()), times)


def a_burst(seed: int) -> Plan:
    """Return a burst of operations on one item, and nothing that goes wrong."""
    plan = draw_plan(seed, operations=30, items=1)
    drawn = Random(f"{seed}/burst")
    times = sorted(drawn.randint(0, 10 * SECOND) for _ in plan.operations)
    return _at(replace(plan, faults=()), times)


def slow_calls(seed: int) -> Plan:
    """Return a burst of operations on one item while others come between any two calls."""
    plan = draw_plan(seed, operations=25, items=1)
    drawn = Random(f"{seed}/slow")
    times = sorted(drawn.randint(0, 8 * SECOND) for _ in plan.operations)
    slow = Fault(faults.SLOW_CALL, 0, _LONG, rate=0.9)
    return _at(replace(plan, faults=(slow,)), times)


def refused_rows(seed: int) -> Plan:
    """Return operations on one item while ledger rows are refused now and then."""
    plan = _without(draw_plan(seed, operations=40, items=1), faults.CLOCK)
    refusals = [Fault(faults.ROW_REFUSED, 0, _LONG, region, rate=0.7) for region in plan.regions]
    return replace(plan, faults=(*plan.faults, *refusals))


def alone_and_late(seed: int) -> Plan:
    """Return a region cut off from the others, and events that come hours late once it is back."""
    plan = draw_plan(seed, operations=30, items=1, regions=3)
    drawn = Random(f"{seed}/alone")
    alone, *others = drawn.sample(plan.regions, 3)
    cut = [Fault(faults.PARTITION, 0, 30 * SECOND, alone, other) for other in others]
    late = Fault(faults.LATE_EVENT, 20 * SECOND, _LONG, rate=0.6)
    ahead = Fault(faults.SKEW, 0, _LONG, alone, "ahead", 1.0)
    times = sorted(drawn.randint(0, MINUTE) for _ in plan.operations)
    return _at(replace(plan, faults=(*cut, late, ahead)), times)


def a_clock_steps_back(seed: int) -> Plan:
    """Return operations on one item in regions of which one has its clock put back by seconds."""
    plan = draw_plan(seed, operations=40, items=1, regions=2)
    drawn = Random(f"{seed}/step")
    ahead = Fault(faults.CLOCK, 0, 20 * SECOND, plan.regions[0], "ahead", 1.0)
    times = sorted(drawn.randint(0, 40 * SECOND) for _ in plan.operations)
    return _at(replace(plan, faults=(ahead,)), times)


def clocks_off(seed: int) -> Plan:
    """Return bursts on one item by machines whose clocks are off by minutes, for good."""
    plan = draw_plan(seed, operations=60, items=1, regions=2)
    drawn = Random(f"{seed}/off")
    off = [Fault(faults.CLOCK, 0, FOR_EVER, region, "ahead", 0.01) for region in plan.regions]
    late = [Fault(faults.SKEW, 0, HOUR, region, "ahead", 1.0) for region in plan.regions]
    times = sorted(
        drawn.randint(0, 20) * 30 * SECOND + drawn.randint(0, 5 * SECOND) for _ in plan.operations
    )
    return _at(replace(plan, faults=(*off, *late)), times)


def made_anew(seed: int) -> Plan:
    """Return a replica made anew from that of a region which had not heard the last of it.

    What it wrote last has reached a third region alone, which it hears from again at the end.
    """
    plan = draw_plan(seed, operations=40, items=1, regions=3)
    drawn = Random(f"{seed}/anew")
    anew, source, third = drawn.sample(plan.regions, 3)
    cut = (
        Fault(faults.PARTITION, 15 * SECOND, 30 * SECOND, anew, source),
        Fault(faults.PARTITION, 15 * SECOND, 5 * MINUTE, source, third),
        Fault(faults.REMADE, 30 * SECOND, MINUTE, anew, source),
        Fault(faults.PARTITION, 30 * SECOND, 5 * MINUTE, anew, third),
    )
    times = sorted(
        drawn.choice([drawn.randint(0, 30), drawn.randint(60, 240)]) * SECOND
        for _ in plan.operations
    )
    moved = tuple(
        replace(each, region=anew) if drawn.random() < 0.9 else each for each in plan.operations
    )
    return _at(replace(plan, operations=moved, faults=cut), times)


def a_late_detector_and_a_clock_that_steps_back(seed: int) -> Plan:
    """Return the same with a stream that nobody reads until the clock has been put back."""
    plan = a_clock_steps_back(seed)
    off = Fault(faults.DETECTOR_OFF, 0, 45 * SECOND, plan.regions[0])
    return replace(plan, faults=(*plan.faults, off))


def a_foreign_clock_is_ahead(seed: int) -> Plan:
    """Return a region whose clock is ahead for ever, and one that does not hear of it at first."""
    plan = draw_plan(seed, operations=40, items=1, regions=3)
    drawn = Random(f"{seed}/ahead")
    _, ahead, deaf = plan.regions
    clock = Fault(faults.CLOCK, 0, FOR_EVER, ahead, "ahead", 1.0)
    skew = Fault(faults.SKEW, 0, _LONG, deaf, "ahead", 1.0)
    cut = Fault(faults.PARTITION, 0, 20 * SECOND, ahead, deaf)
    times = sorted(drawn.randint(0, 30 * SECOND) for _ in plan.operations)
    return _at(replace(plan, faults=(clock, skew, cut)), times)


def batches_given_up(seed: int) -> Plan:
    """Return bursts on one item while rows are refused and the event source is impatient."""
    return _given_up(seed, "whole")


def batches_given_up_by_name(seed: int) -> Plan:
    """Return the same with messages that name records, of which some are poison to the code."""
    return _given_up(seed, faults.NAMES_ONLY)


def dropped_events(seed: int) -> Plan:
    """Return bursts on one item while the bus drops most of what it accepts."""
    plan = draw_plan(seed, operations=30, items=1)
    dropped = [Fault(faults.LOST_EVENT, 0, HOUR, region, "", 0.8) for region in plan.regions]
    return replace(plan, faults=tuple(dropped))


def people_decide(seed: int) -> Plan:
    """Return bursts on one item by writers who disagree on a type, while people decide losses."""
    plan = draw_plan(seed, operations=30, items=1, schema=DISPUTED_SCHEMA)
    drawn = Random(f"{seed}/decided")
    edits = partial(draw_edits, drawn, plan.schema, deletes=0.02, clash=True)
    operations = tuple(replace(each, edits=edits(each.number)) for each in plan.operations)
    clash = Fault(faults.CLASH, 0, HOUR, plan.regions[0])
    people = [Fault(faults.DECIDED, 0, HOUR, region, "", 0.5) for region in plan.regions]
    times = sorted(
        drawn.randint(0, 4) * 5 * MINUTE + drawn.randint(0, 3 * SECOND) for _ in operations
    )
    plan = replace(plan, operations=operations, faults=(clash, *people))
    return _at(plan, times)


def beside_raw_clients(seed: int) -> Plan:
    """Return bursts on one managed item of two regions, many of them raw updates of one region."""
    return _beside(seed, ONE, UPDATE)


def beside_stale_saves(seed: int) -> Plan:
    """Return the same with raw saves of an earlier copy of the item, `_rec` and all."""
    return _beside(seed, ALL, SAVE)


def _beside(seed: int, where: str, call: str) -> Plan:
    drawn = Random(f"{seed}/beside")
    plans = (
        with_outside(draw_plan(turn, operations=40, items=1, regions=2), where, (call,))
        for turn in range(seed * 100, seed * 100 + 100)
    )
    # A copy of nothing, or of a plain item, would be saved without `_rec`; and what a stale save
    # brings back of a deleted item, nobody can know.
    plan = next(each for each in plans if each.before and is_managed(*each.before.values()))
    kept = tuple(each for each in plan.operations if DELETE not in each.edits)
    times = sorted(drawn.randint(0, 3) * 2 * MINUTE + drawn.randint(0, 4 * SECOND) for _ in kept)
    return _at(replace(plan, operations=kept, faults=()), times)


def raw_for_hours(seed: int) -> Plan:
    """Return hours of raw updates and library writes of one item, and nothing goes wrong."""
    plan = _in_turn(seed)
    drawn = Random(f"{seed}/hours")
    times = sorted(drawn.randint(0, 3 * HOUR) for _ in plan.operations)
    return _at(plan, times)


def raw_apart_for_hours(seed: int) -> Plan:
    """Return the same while regions are cut off from each other, and functions stand still.

    So a region goes on with an image of which the others have none any more, and brings it back.
    In some runs replication is slow as well, or repairs are late.
    """
    plan = raw_for_hours(seed)
    drawn = Random(f"{seed}/apart")
    stopped = (faults.DETECTOR_OFF, faults.RESOLVER_OFF)
    troubles = []
    for _ in range(drawn.randint(2, 6)):
        since = drawn.randint(0, 3 * HOUR)
        one, other = drawn.sample(plan.regions, 2)
        until = since + drawn.choice((MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR))
        troubles.append(Fault(faults.PARTITION, since, until, one, other))
    for _ in range(drawn.randint(0, 5)):
        since = drawn.randint(0, 3 * HOUR)
        until = since + drawn.choice((5 * MINUTE, 20 * MINUTE, HOUR, 2 * HOUR))
        region = drawn.choice(plan.regions)
        troubles.append(Fault(drawn.choice(stopped), since, until, region))
    slow = (faults.LAG, 1.0), (faults.LATE_EVENT, 0.6)
    for kind, rate in drawn.sample(slow, drawn.randint(0, 2)):
        since = drawn.randint(0, 2 * HOUR)
        troubles.append(Fault(kind, since, since + HOUR, rate=rate))
    return replace(plan, faults=tuple(troubles))


def raw_repaired_late(seed: int) -> Plan:
    """Return bursts of raw updates of one region beside library writes, many repaired late."""
    plan = _beside(seed, ONE, UPDATE)
    drawn = Random(f"{seed}/late")
    bursts = range(0, HOUR, 4 * MINUTE)
    times = sorted(drawn.choice(bursts) + drawn.randint(0, 2 * SECOND) for _ in plan.operations)
    late = Fault(faults.LATE_EVENT, 0, 2 * HOUR, rate=0.4)
    return _at(replace(plan, faults=(late,)), times)


def _in_turn(seed: int) -> Plan:
    """Return a managed item that is written by the library, and around it, about as often."""
    plans = (
        with_outside(draw_plan(turn, operations=110, items=1, regions=2 + seed % 2), ALL, [UPDATE])
        for turn in range(seed * 100, seed * 100 + 100)
    )
    plan = next(
        each
        for each in plans
        if each.before
        and is_managed(*each.before.values())
        and 40 <= sum(bool(operation.raw) for operation in each.operations) <= 90
    )
    # Each raw amount once, so that the judge knows whose is gone.
    first = {each.number % SLOTS: each.number for each in reversed(plan.operations) if each.raw}
    kept = (
        each
        for each in plan.operations
        if DELETE not in each.edits and (not each.raw or first[each.number % SLOTS] == each.number)
    )
    return replace(plan, operations=tuple(kept), faults=())


def tombstones_expire(seed: int, schema: Schema = DEFAULT_SCHEMA) -> Plan:
    """Return a deleted item whose tombstone a region that is cut off removes, near others' writes.

    They revive it before the removal or create it anew afterwards, and so does that region.
    """
    plan = draw_plan(seed, operations=14, items=1, schema=schema, regions=3)
    drawn = Random(f"{seed}/expire")
    gone, few = 20 * MINUTE + 24 * HOUR, drawn.randint(1, 5)
    runs = gone + drawn.randint(0, 30 * SECOND)
    least = drawn.choice((-MINUTE, 0, 30 * SECOND))
    after = [gone + drawn.randint(least, 3 * MINUTE) for _ in range(few)]
    before = [drawn.randint(0, 10 * MINUTE) for _ in range(13 - few)]
    times = sorted([*before, 20 * MINUTE, *after])
    one, other, third = drawn.sample(plan.regions, 3)

    def aimed(operation: Operation, at_ms: int) -> Operation:
        if at_ms == 20 * MINUTE:
            return replace(operation, at_ms=at_ms, region=one, edits=(DELETE,))
        is_theirs = gone - MINUTE <= at_ms < runs and operation.region == one
        return replace(operation, at_ms=at_ms, region=other if is_theirs else operation.region)

    timed = zip(plan.operations, times, strict=True)
    troubles = [
        Fault(faults.EXPIRY, runs, runs + drawn.randint(SECOND, MINUTE), one),
        Fault(faults.PARTITION, gone - 2 * MINUTE, runs + drawn.randint(0, HOUR), one, other),
        Fault(faults.PARTITION, gone - 2 * MINUTE, runs + drawn.randint(0, HOUR), one, third),
        Fault(faults.LAG, gone - MINUTE, gone + HOUR, rate=drawn.choice((0.01, 0.2))),
    ]
    return replace(plan, operations=tuple(aimed(*each) for each in timed), faults=tuple(troubles))


def tombstones_expire_by_the_tables_own(seed: int) -> Plan:
    """Return the same on a table with a time-to-live attribute of its own, which clients write."""
    own = {OWN_TTL: AttributeSchema(type="register_max")}
    more = {"attributes": {**DEFAULT_SCHEMA.attributes, **own}, "ttl_attribute": OWN_TTL}
    return tombstones_expire(seed, DEFAULT_SCHEMA.model_copy(update=more))


def deleted_for_good(seed: int) -> Plan:
    """Return an item that an operator deletes and clients create anew, while repairs are late."""
    plan = draw_plan(seed, operations=14, items=1, schema=DEFAULT_SCHEMA, regions=3)
    drawn = Random(f"{seed}/deleted")
    before = [drawn.randint(0, 2 * SECOND) for _ in range(9)]
    gone, anew = HOUR, HOUR + drawn.choice((MINUTE, HOUR, 30 * HOUR))
    after = [anew + 10 * SECOND * number for number in range(5)]
    off = [
        Fault(faults.RESOLVER_OFF, 0, anew + drawn.choice((-MINUTE, MINUTE, HOUR)), region)
        for region in plan.regions
    ]
    late = Fault(faults.LATE_EVENT, 0, HOUR, rate=0.5)
    gone_for_good = Fault(faults.HARD_DELETE, gone, gone + 1, drawn.choice(plan.regions))
    plan = replace(plan, faults=(gone_for_good, late, *off))
    return _at(plan, sorted([*before, *after]))


def deleted_unheard(seed: int) -> Plan:
    """Return the same, while a region is gone, whose replica is made anew without the item."""
    plan = deleted_for_good(seed)
    gone = next(fault for fault in plan.faults if fault.kind == faults.HARD_DELETE)
    others = [region for region in plan.regions if region != gone.region]
    anew, source = Random(f"{seed}/unheard").sample(others, 2)
    remade = Fault(faults.REMADE, gone.at_ms - SECOND, gone.at_ms + 10 * MINUTE, anew, source)
    return replace(plan, faults=(remade, *plan.faults))


def tombstone_deleted(seed: int) -> Plan:
    """Return the same of an item that a client had deleted before."""
    plan = deleted_for_good(seed)
    first = plan.operations[0]
    deleted = replace(first, number=100, at_ms=10 * SECOND, edits=(DELETE,), read_at_ms=None)
    return replace(plan, operations=(*plan.operations, deleted))


def _given_up(seed: int, how: str) -> Plan:
    plan = draw_plan(seed, operations=40, items=1, regions=2)  # so that no witness helps
    drawn = Random(f"{seed}/given up")
    troubles = [
        Fault(kind, 0, drawn.randint(MINUTE, HOUR), region, how if kind == faults.GIVEN_UP else "")
        for region in plan.regions
        for kind in (faults.GIVEN_UP, faults.ROW_REFUSED)
    ]
    poison = [Fault(faults.POISON, 0, 6 * HOUR, region, "", 0.3) for region in plan.regions]
    slots = (drawn.randint(0, HOUR) // _LONG * _LONG for _ in plan.operations)
    times = sorted(slot + drawn.randint(0, SECOND) for slot in slots)
    return _at(replace(plan, faults=(*troubles, *poison)), times)


def _without(plan: Plan, kind: str) -> Plan:
    return replace(plan, faults=tuple(fault for fault in plan.faults if fault.kind != kind))


def _at(plan: Plan, times: Sequence[int]) -> Plan:
    timed = zip(plan.operations, times, strict=True)
    return replace(plan, operations=tuple(replace(each, at_ms=time) for each, time in timed))


# Writers follow their machines, whose clocks are 0.1 s apart, and step by seconds together.
DEAF_WRITERS = (
    (RegionTime, "hear", lambda *_: None),
    (setting, "_MACHINE_STEP_MS", 20_000),
    (client, "MACHINE_PERCENT", (100, 100)),
)
ANY_FOLDS = ((folding, "MOST_CLOSED_LINEAGES", 0),)  # one closed lineage is enough to certify
EAGER_FOLDS = (*ANY_FOLDS, (folding, "CLOCK_SKEW_MARGIN_MS", 1_000), *DEAF_WRITERS)
SMALL_BATCHES = ((streams, "STREAM_SOURCE", replace(STREAM_SOURCE, batch_size=1)),)
# However young: exact as long as the clocks of one region never go back.
FOLDS_AT_ONCE = (*ANY_FOLDS, (folding, "CLOCK_SKEW_MARGIN_MS", -60_000), *DEAF_WRITERS)
MIXED = Aim(mixed)
STEADY = Aim(steady_writers)
KEYED = Aim(keyed_writes)
ANY_KEYS = ((forgetting, "MOST_CLOSED_LINEAGES", 0),)
KEYED_FOR_HOURS = Aim(keyed_for_hours, ANY_KEYS)
KEYED_NAMES = Aim(keyed_names)
PLAIN_ITEMS = Aim(plain_items)
WHOLE_PUTS = Aim(whole_puts)
NAMED_WRITES = Aim(named_writes)
NAMED_BETWEEN = Aim(named_on_an_older_image)
# Every name is drawn minutes before its write lands; all that may be is filed and folded.
ALWAYS_LATE = ((named_clients, "_LATE_IN", 1), (folding, "MOST_STANDING_NAMES", 0), *ANY_FOLDS)
NAMED_APART = Aim(names_apart, ALWAYS_LATE)
NAMES_UNREPAIRED = Aim(names_unrepaired)
NAMES_ALONE = Aim(names_alone, ((folding, "MOST_STANDING_NAMES", 100),))
BESIDE_NAMES = Aim(raw_beside_names, ALWAYS_LATE)
NAMED_OVER_RAW = Aim(named_over_raw, ALWAYS_LATE)
FOLDS = Aim(with_folds, EAGER_FOLDS)
AN_HOUR = Aim(an_hour)
A_BURST = Aim(a_burst)
SLOW_CALLS = Aim(slow_calls)
ONE_ATTEMPT = Aim(slow_calls, ((write_back, "ATTEMPTS", 1),))
REFUSED_ROWS = Aim(refused_rows, EAGER_FOLDS)
ALONE_AND_LATE = Aim(alone_and_late, EAGER_FOLDS)
CLOCK_STEPS = Aim(a_clock_steps_back, (*ANY_FOLDS, *DEAF_WRITERS))
CLOCKS_OFF = Aim(clocks_off, ANY_FOLDS)
MADE_ANEW = Aim(made_anew)
MADE_ANEW_AND_FOLDED = Aim(made_anew, EAGER_FOLDS)
LATE_DETECTOR = Aim(a_late_detector_and_a_clock_that_steps_back, (*EAGER_FOLDS, *SMALL_BATCHES))
GIVEN_UP = Aim(batches_given_up, EAGER_FOLDS)
NAMED = Aim(batches_given_up_by_name)
DROPPED = Aim(dropped_events)
EXPIRING = Aim(tombstones_expire)
EXPIRING_BY_OWN = Aim(tombstones_expire_by_the_tables_own)
DELETED = Aim(deleted_for_good)
DELETED_UNHEARD = Aim(deleted_unheard)
TOMBSTONE_DELETED = Aim(tombstone_deleted)
DECIDED = Aim(people_decide)
BESIDE_RAW = Aim(beside_raw_clients)
RAW_FOR_HOURS = Aim(raw_for_hours)
ANY_MARKS = ((marking, "MOST_CLOSED_LINEAGES", 0),)  # one lineage is enough for a round
RAW_APART = Aim(raw_apart_for_hours, ANY_MARKS)
RAW_LATE = Aim(raw_repaired_late, ANY_MARKS)
BESIDE_SAVES = Aim(beside_stale_saves)
# Items that are soon too large to be merged.
TOO_LARGE = Aim(people_decide, ((size, "MAX_ITEM_BYTES", 1_600),))
CLOCK_AHEAD = Aim(a_foreign_clock_is_ahead, FOLDS_AT_ONCE)
