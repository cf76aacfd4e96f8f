"""Anti-entropy: what stays different is merged as a resolver merges it, the rest is told."""

import pytest

from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.item.image import merge, read
from reconciler.item.schema import Schema
from reconciler.sweeping.anti_entropy import Sweeper
from reconciler.sweeping.walk import Walk
from reconciler.values.wire import Image, to_json
from tests.builders import Replica, assign, increment, written
from tests.sweeping.replicas import Run

OLD = written(assign("name", "Ada"))
NEW = Replica("use1", OLD).write(increment("balance", 5), at=2_000)
THEIRS = Replica("euw1", OLD).write(assign("email", "eve"), at=2_500)
RAW: Image = {"id": {"S": "p1"}, "name": {"S": "Ada"}}


def sweep(run: Run, *, execute: bool = True) -> dict[str, int]:
    sweeper = Sweeper(
        run.ports, ["id"], run.tally, run.time, execute=execute, reads=run.reads, wait_ms=30_000
    )
    for name, ports in run.ports.items():
        sweeper.sweep(name, Walk(ports.whole, 2, run.reads, lambda _: None))
    return run.counts()


@pytest.fixture
def run() -> Run:
    return Run()


def named(image: Image, name: str) -> Image:
    return {**image, "id": {"S": name}}


def test_replicas_that_agree_are_left_alone_and_nobody_waits(run: Run) -> None:
    run.both(NEW, named(RAW, "p2"))
    assert sweep(run) == {"same everywhere": 2}
    assert run.waits == []


def test_an_older_copy_gets_what_it_lacks_and_what_includes_all_is_not_written(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(OLD)

    assert sweep(run) == {"repaired": 1}

    assert to_json(run.eu.item()) == to_json(merge(OLD, NEW))
    assert run.us.item() == NEW
    assert run.waits == [30]
    (said,) = run.said
    assert said[2] == "us-east-1 has metadata, eu-west-1 has metadata: merged in eu-west-1"


def test_two_replicas_that_each_lack_something_get_the_same_bytes(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(THEIRS)

    assert sweep(run) == {"repaired": 1}

    assert to_json(run.us.item()) == to_json(run.eu.item()) == to_json(merge(NEW, THEIRS))


def test_an_item_that_is_missing_in_the_first_or_in_another_region_comes_back(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(named(NEW, "p2"))

    assert sweep(run) == {"repaired": 2}

    for place in (run.us, run.eu):
        assert [(read(place.item(name)) or {})["balance"] for name in ("p1", "p2")] == [5, 5]


def test_what_replication_brings_meanwhile_is_no_difference(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(OLD)
    run.while_waiting = [lambda: run.eu.put(NEW)]
    assert sweep(run) == {"same everywhere": 1}
    assert "put" not in run.eu.store.names()


def test_a_dry_run_says_what_it_would_repair(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(OLD)
    assert sweep(run, execute=False) == {"repaired": 1}
    assert run.eu.item() == OLD


def test_a_second_sweep_finds_nothing(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(THEIRS)
    sweep(run)
    again = Run()
    again.us, again.eu = run.us, run.eu
    assert sweep(again) == {"same everywhere": 1}


def test_what_is_written_during_a_repair_stays(run: Run) -> None:
    run.us.put(NEW)
    run.eu.put(OLD)
    later = Replica("euw1", OLD).write(increment("balance", 7), at=5_000)
    run.eu.store.faults.append(lambda: run.eu.put(later))

    assert sweep(run) == {"repaired": 1}

    assert (read(run.eu.item()) or {})["balance"] == 12


def test_plain_items_that_differ_are_told_and_left(run: Run) -> None:
    run.us.put(RAW)
    run.eu.put({**RAW, "name": {"S": "Eve"}})

    assert sweep(run) == {"differs: cannot be known": 1}
    assert (run.eu.item() or {})["name"] == {"S": "Eve"}
    assert run.said[0][2].startswith("us-east-1 is plain, eu-west-1 is plain: without metadata")


def test_an_item_that_cannot_be_read_is_told_and_stops_nothing(run: Run) -> None:
    run.us.put({**RAW, "_rec": {"S": "?"}}, named(NEW, "p2"))
    run.eu.put(OLD)

    assert sweep(run) == {"differs: not repaired": 1, "repaired": 1}
    assert "Undecodable" in next(why for key, _, why in run.said if "p1" in key)


@pytest.mark.parametrize("problem", [Unavailable("throttled"), OutcomeUnknown("no answer")])
def test_a_repair_that_is_not_carried_out_is_left_for_the_next_sweep(
    run: Run, problem: Exception
) -> None:
    run.us.put(NEW)
    run.eu.put(OLD)
    run.eu.store.faults.append(problem)
    assert sweep(run) == {"differs: not repaired": 1}


def test_a_merge_that_only_a_person_can_decide_is_merged_and_told(run: Run) -> None:
    schema = Schema.of(table="parties", key=["id"], attributes={"owner": "manual"})
    base = Replica("use1").write(assign("owner", "Ada"), schema=schema)
    run.us.put(Replica("use1", base).write(assign("owner", "Eve"), at=2_000, schema=schema))
    run.eu.put(Replica("euw1", base).write(assign("owner", "Bob"), at=2_500, schema=schema))

    assert sweep(run) == {"repaired": 1}
    assert run.said[0][2].endswith("; a person must decide owner")
