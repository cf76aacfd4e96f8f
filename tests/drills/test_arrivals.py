"""Probes: when a write is seen elsewhere, and when it is not."""

from dataclasses import dataclass, field
from threading import Lock

import pytest

from reconciler.drills.arrivals import Patience, Probes
from reconciler.errors import ReconcilerError
from tests.drills.failover.stage import HERE, HOST, THERE, Stage
from tests.fakes import REFUSED


@dataclass
class Time:
    """A clock that sleeping moves on."""

    now: int = 0
    slept: list[float] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def now_ms(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += int(seconds * 1000)
            self.slept.append(seconds)

    def patience(self, timeout_ms: int, pause_seconds: float = 0.1) -> Patience:
        return Patience(self.now_ms, self.sleep, timeout_ms, pause_seconds)


def probes(stage: Stage) -> Probes:
    tables = {each.region: each.table for each in stage.replicas}
    return Probes(tables, lambda region: HOST.key(f"probe-{region}"))


def test_waiting_ends_when_it_is_seen_and_says_how_long_it_took() -> None:
    time = Time()

    assert time.patience(1_000).until(lambda: time.now >= 300) == 300
    assert time.slept == [0.1] * 3


def test_waiting_ends_when_it_takes_too_long() -> None:
    time = Time()

    assert time.patience(1_000).until(lambda: False) is None
    assert time.now == 1_100


def test_a_lag_counts_from_the_write_to_the_read_that_shows_it() -> None:
    stage, time = Stage(), Time()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if time.now >= 200:
            stage.replicate()

    patience = Patience(time.now_ms, sleep, 1_000, 0.1)

    assert probes(stage).lags("m1", [(HERE, THERE)], patience) == {(HERE, THERE): 200}


def test_an_older_mark_is_not_the_one_that_is_waited_for() -> None:
    stage, time = Stage(), Time()
    probing = probes(stage)
    probing.lags("m1", [(HERE, THERE)], time.patience(0))
    stage.replicate()

    assert probing.lags("m2", [(HERE, THERE)], time.patience(500)) == {(HERE, THERE): None}


def test_each_pair_has_its_own_lag() -> None:
    stage, time = Stage(), Time()
    pairs = [(HERE, THERE), (THERE, HERE)]

    assert probes(stage).lags("m1", pairs, time.patience(300)) == dict.fromkeys(pairs)


def test_probes_are_deleted_where_they_were_written_though_one_region_refuses() -> None:
    stage, time = Stage(), Time()
    probing = probes(stage)
    probing.lags("m1", [(HERE, THERE), (THERE, HERE)], time.patience(0))
    stage.items[THERE].faults.extend([REFUSED] * 50)

    with pytest.raises(ReconcilerError):
        probing.remove()

    assert probing.tables[HERE].get(HOST.key(f"probe-{HERE}")) is None
    assert probing.tables[THERE].get(HOST.key(f"probe-{THERE}")) is not None
