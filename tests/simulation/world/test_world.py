"""The world: one plan is one run, faults strike, everything comes to rest, and images stay."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import pytest

from reconciler.item.image import DELETE, read
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA, REGIONS, draw_plan
from reconciler.simulation.plan.faults import MINUTE
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.run import run_plan
from reconciler.simulation.world.streams import Shard
from reconciler.values.wire import Image, to_json
from tests.builders import assign, increment

EAST, WEST, ASIA = REGIONS[:3]
HOUR = faults.HOUR
SEEDS = range(80)


def plan(*operations: Operation, troubles: tuple[Fault, ...] = ()) -> Plan:
    return Plan(1, DEFAULT_SCHEMA, (EAST, WEST, ASIA), operations, troubles)


def adding(number: int, at_ms: int, region: str, amount: int) -> Operation:
    return Operation(number, at_ms, region, "k1", (increment("balance", amount),))


def balances(run: Run) -> dict[str, object]:
    plain = {region: read(items["k1"]) or {} for region, items in run.items.items()}
    return {region: item["balance"] for region, item in plain.items()}


RACE = (adding(0, 0, EAST, 100), adding(1, 5, WEST, 20), adding(2, 7, ASIA, 3))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [run_plan(draw_plan(seed)) for seed in SEEDS]


def test_concurrent_writes_are_merged_in_every_region() -> None:
    run = run_plan(plan(*RACE))
    assert balances(run) == dict.fromkeys((EAST, WEST, ASIA), 123)
    assert run.counts["conflicts"] > 0
    assert [done.outcome for done in run.done] == ["acknowledged"] * 3
    assert all(done.seen == frozenset() for done in run.done)


def test_a_write_has_seen_what_it_replaces_and_what_was_merged_into_that() -> None:
    run = run_plan(plan(*RACE, adding(3, HOUR, WEST, 4)))
    assert run.done[3].seen == {0, 1, 2}
    assert balances(run)[EAST] == 127


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_seed_has_one_hash_in_every_process(hash_seed: str, runs: list[Run]) -> None:
    code = (
        "from reconciler.simulation.plan.drawing import draw_plan\n"
        "from reconciler.simulation.world.run import run_plan\n"
        "print(*[run_plan(draw_plan(seed), trace=False).trace_hash for seed in range(12)])"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [run.trace_hash for run in runs[:12]]
    assert other.stdout.split() == here
    assert len(set(here)) == 12


def test_a_plan_is_one_run_and_the_hash_tells_runs_apart() -> None:
    drawn = draw_plan(9)
    run, again = run_plan(drawn), run_plan(drawn)
    assert run == again
    less = replace(drawn, operations=drawn.operations[:-1])
    assert run_plan(less).trace_hash != run.trace_hash


def test_a_run_with_one_operation_less_draws_the_same_for_the_others() -> None:
    drawn = replace(draw_plan(11, items=4), faults=())
    first, *others = drawn.operations
    all_of_it = run_plan(drawn)
    rest = run_plan(replace(drawn, operations=tuple(others)))
    elsewhere = [o.number for o in others if o.key != first.key]

    def dots(run: Run) -> dict[int, str]:
        return {done.operation.number: done.dot for done in run.done}

    assert elsewhere
    # Which wall time and nonce an operation meets does not depend on another item's.
    assert [dots(rest)[n] for n in elsewhere] == [dots(all_of_it)[n] for n in elsewhere]


@pytest.mark.slow
def test_every_kind_of_fault_really_strikes(runs: list[Run]) -> None:
    totals = Counter[str]()
    for run in runs:
        totals.update(run.counts)
    struck = {
        name for name in totals if name.startswith(("struck.", "faults.")) and totals[name] > 0
    }
    reigning = {
        faults.PARTITION,
        faults.OUTAGE,
        faults.DESTROYED,
        faults.REMADE,
        faults.LAG,
        faults.SKEW,
        faults.CLOCK,
        faults.DETECTOR_OFF,
        faults.RESOLVER_OFF,
        faults.EXPIRY,
        faults.DEPLOY,
        faults.GIVEN_UP,
        faults.CLASH,
        faults.HARD_DELETE,
    }
    assert {name.split(".")[1] for name in struck} == faults.KINDS.keys()
    assert {f"struck.{kind}" for kind in faults.KINDS if kind not in reigning} <= struck
    for seen in ("set_aside.queue", "set_aside.stream", "redrive.redriven", "expired", "coalesced"):
        assert totals[seen] > 0, seen
    assert totals["discarded"] > 0
    assert totals["refusals"] > 0
    assert totals["through_json"] > 0
    assert totals["decided"] > 0
    assert totals["broken_off"] > 0


@pytest.mark.slow
def test_all_outcomes_happen_and_lost_answers_hide_both_ends(runs: list[Run]) -> None:
    outcomes = Counter((done.outcome, done.applied) for run in runs for done in run.done)
    assert outcomes["unknown", True] > 0
    assert outcomes["unknown", False] > 0
    assert outcomes["refused", False] > 0
    assert outcomes["acknowledged", False] == 0
    assert outcomes["refused", True] == 0


@pytest.mark.slow
def test_nothing_is_left_under_way(runs: list[Run]) -> None:
    for run in runs:
        assert run.counts["unrested"] == 0
        assert not any(run.open_rows.values())
        assert run.counts["trimmed"] == 0
        assert run.counts["cause_clashes"] == 0
        assert run.counts["applied_twice"] == 0


@pytest.mark.slow
def test_the_replicas_that_are_left_hold_the_same_bytes(runs: list[Run]) -> None:
    for run in runs:
        assert len({to_json(items) for items in run.items.values()}) == 1


@pytest.mark.slow
def test_nobody_changes_an_image() -> None:
    kept: list[tuple[Image, str]] = []
    become = SimulatedReplica._become

    def keeping(
        self: SimulatedReplica, name: str, new: Image | None, *rest: object, **named: object
    ) -> bool:
        if new is not None:
            kept.append((new, to_json(new)))
        return become(self, name, new, *rest, **named)  # type: ignore[arg-type]

    with patch.object(SimulatedReplica, "_become", keeping):
        for seed in range(30):
            run_plan(draw_plan(seed), trace=False)
    assert len(kept) > 1_000
    assert all(to_json(image) == before for image, before in kept)


def test_a_partition_ends_and_what_was_written_meanwhile_is_merged() -> None:
    cut = Fault(faults.PARTITION, 0, 5 * HOUR, EAST, WEST)
    run = run_plan(plan(*RACE, adding(3, HOUR, EAST, 4), troubles=(cut,)))
    assert set(balances(run).values()) == {127}
    crossing = [
        moment
        for moment in run.trace
        if moment.kind == "replicate" and {moment.region, moment.detail["source"]} == {EAST, WEST}
    ]
    assert crossing
    assert all(moment.at_ms >= 5 * HOUR for moment in crossing)


def test_a_region_that_is_gone_takes_no_operation_and_comes_back() -> None:
    gone = Fault(faults.OUTAGE, 1_000, 2 * HOUR, EAST)
    late = (adding(3, HOUR, EAST, 4_000), adding(4, HOUR, WEST, 50_000))
    run = run_plan(plan(*RACE, *late, troubles=(gone,)))
    assert run.done[3].outcome == "refused"
    assert set(balances(run).values()) == {50_123}


def test_what_had_not_left_a_destroyed_region_is_stranded() -> None:
    lag = Fault(faults.LAG, 0, 100, rate=1.0)
    end = Fault(faults.DESTROYED, 60, faults.FOR_EVER, EAST)
    run = run_plan(plan(adding(0, 50, EAST, 100), adding(1, 50, WEST, 20), troubles=(lag, end)))
    assert [done.stranded for done in run.done] == [True, False]
    assert EAST not in run.items
    assert set(balances(run).values()) == {20}


def test_replicas_that_a_destroyed_region_left_apart_meet_at_the_next_write() -> None:
    # Its last write reached Asia and not the west; replication goes from a write's region only.
    cut = Fault(faults.PARTITION, 0, 9 * HOUR, EAST, WEST)
    end = Fault(faults.DESTROYED, 8 * HOUR, faults.FOR_EVER, EAST)
    first, later = adding(0, 0, WEST, 20), adding(1, HOUR, EAST, 100)
    run = run_plan(plan(first, later, troubles=(cut, end)))
    assert not any(done.stranded for done in run.done)
    assert set(balances(run).values()) == {120}


def made_anew(*later: Operation, cut_off_until: int) -> dict[str, object]:
    """Return the balances after the east's last 7 reached Asia alone, and a copy of the west."""
    troubles = (
        Fault(faults.PARTITION, HOUR, 3 * HOUR, EAST, WEST),
        Fault(faults.PARTITION, HOUR, cut_off_until, WEST, ASIA),
        Fault(faults.REMADE, 2 * HOUR, 3 * HOUR, EAST, WEST),
        Fault(faults.PARTITION, 2 * HOUR, cut_off_until, EAST, ASIA),
    )
    first, second = adding(0, 0, EAST, 100), adding(1, HOUR, EAST, 7)
    run = run_plan(plan(first, second, *later, troubles=troubles))
    assert not any(done.stranded for done in run.done)
    return balances(run)


def test_a_replica_made_anew_does_not_claim_what_the_one_before_it_wrote() -> None:
    later = adding(2, 4 * HOUR, EAST, 1)
    assert set(made_anew(later, cut_off_until=3 * HOUR).values()) == {108}


def test_a_replica_made_anew_does_not_fold_what_the_one_before_it_wrote() -> None:
    """Its ten next lineages were folded, and the watermark covered the 7 that it never had."""
    ours = [adding(n, 3 * HOUR + n * 10 * MINUTE, EAST, 1) for n in range(2, 22)]
    theirs = [adding(n + 100, 3 * HOUR + n * 10 * MINUTE + MINUTE, WEST, 1) for n in range(2, 22)]
    assert set(made_anew(*ours, *theirs, cut_off_until=9 * HOUR).values()) == {147}


@pytest.mark.parametrize("how", ["whole", faults.NAMES_ONLY])
def test_batches_that_the_event_source_gave_up_come_back(how: str) -> None:
    hasty = tuple(
        Fault(kind, 0, 2 * HOUR, region, how if kind == faults.GIVEN_UP else "")
        for region in (EAST, WEST, ASIA)
        for kind in (faults.ROW_REFUSED, faults.GIVEN_UP)
    )
    run = run_plan(plan(*RACE, troubles=hasty))
    assert run.counts["set_aside.stream"] > 0
    assert run.counts["redrive.redriven"] > 0
    assert set(balances(run).values()) == {123}


def test_a_stream_keeps_its_records_for_a_day() -> None:
    hasty = tuple(
        Fault(kind, 0, 30 * HOUR, region, faults.NAMES_ONLY if kind == faults.GIVEN_UP else "")
        for region in (EAST, WEST, ASIA)
        for kind in (faults.ROW_REFUSED, faults.GIVEN_UP)
    )
    in_blocks = (replace(each, read_at_ms=each.at_ms) for each in RACE)
    run = run_plan(plan(*in_blocks, troubles=hasty))
    assert run.counts["trimmed"] > 0
    assert run.counts["redrive.expired"] > 0


def test_an_event_that_the_bus_dropped_is_sent_again() -> None:
    deaf = tuple(Fault(faults.LOST_EVENT, 0, HOUR, region) for region in (EAST, WEST, ASIA))
    run = run_plan(plan(*RACE, troubles=deaf))
    assert run.counts["struck.lost_event"] > 0
    assert set(balances(run).values()) == {123}
    assert not any(run.open_rows.values())


def test_clients_of_one_region_come_between_each_others_calls() -> None:
    slow = Fault(faults.SLOW_CALL, 0, HOUR)
    busy = tuple(adding(n, n * 150, EAST, 2**n) for n in range(40))
    run = run_plan(plan(*busy, troubles=(slow,)))
    assert run.counts["refusals"] > 0
    added = sum(2**done.operation.number for done in run.done if done.applied)
    assert set(balances(run).values()) == {added}


def test_tombstones_expire_and_replicas_forget_them() -> None:
    gone = Operation(1, faults.MINUTE, WEST, "k1", (DELETE,))
    expiry = Fault(faults.EXPIRY, 25 * HOUR, 26 * HOUR)
    run = run_plan(plan(RACE[0], gone, troubles=(expiry,)))
    assert run.counts["expired"] > 0
    assert all(items == {} for items in run.items.values())
    back = Operation(2, 25 * HOUR + 5_000, ASIA, "k1", (assign("name", "Ada"),))
    revived = run_plan(plan(RACE[0], gone, back, troubles=(expiry,)))
    assert revived.done[2].seen == frozenset()
    assert [done.expired for done in revived.done] == [True, True, False]
    assert read(revived.items[EAST]["k1"]) == {"id": "k1", "name": "Ada"}


def test_an_edit_that_changes_nothing_is_no_write() -> None:
    run = run_plan(plan(Operation(0, 0, EAST, "k1", (DELETE,))))
    assert (run.done[0].outcome, run.done[0].applied) == ("refused", False)


def test_the_trace_costs_nothing_but_itself() -> None:
    drawn = draw_plan(4)
    with_trace, without = run_plan(drawn), run_plan(drawn, trace=False)
    assert without.trace == ()
    assert with_trace.trace_hash == without.trace_hash
    assert replace(with_trace, trace=()) == without


def test_a_run_that_never_rests_says_so() -> None:
    def again(self: Shard) -> None:
        self._setting.agenda.after(1, lambda: again(self))

    with (
        patch.object(Shard, "_poll", again),
        patch("reconciler.simulation.world.world._ACTIONS_AT_LEAST", 2_000),
        patch("reconciler.simulation.world.world._ACTIONS_PER_OPERATION", 0),
    ):
        assert run_plan(plan(*RACE)).counts["unrested"] > 0


def test_a_revival_that_time_to_live_raced_is_restored_though_the_clocks_are_behind() -> None:
    # The tombstone goes in one region while another writes on it; the detectors' clocks show that
    # it could not have expired yet.
    day = 24 * HOUR + faults.MINUTE
    gone = Operation(1, faults.MINUTE, EAST, "k1", (DELETE,))
    back = Operation(2, day - 100, WEST, "k1", (assign("name", "Ada"),))
    expiry = Fault(faults.EXPIRY, day, day + HOUR, ASIA)
    behind = tuple(
        Fault(faults.CLOCK, day - faults.MINUTE, day + HOUR, region, "behind")
        for region in (EAST, WEST, ASIA)
    )
    run = run_plan(plan(RACE[0], gone, back, troubles=(expiry, *behind)))
    assert run.counts["expired"] > 0
    for items in run.items.values():
        assert read(items["k1"]) == {"id": "k1", "name": "Ada"}


def test_a_write_that_a_destroyed_region_took_with_it_keeps_no_deleted_item_alive() -> None:
    run = run_plan(draw_plan(1037))

    assert any(done.stranded for done in run.done)
    assert check(run) == []
