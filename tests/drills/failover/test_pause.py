"""A pause counts once nothing arrives; and at the end all is well only if it stays so."""

from collections.abc import Callable

import pytest

from reconciler.drills.arrivals import Patience
from reconciler.drills.failover.pause import PausedReplication, Waits
from reconciler.errors import Unavailable
from tests.drills.failover.stage import HERE, THERE, Stage
from tests.drills.test_arrivals import Time, probes


class Asked:
    """An experiment that pauses replication some time after it was asked to."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> str:
        self.calls.append("stop")
        return "stopped: as asked"


class Scene:
    """Two regions that replicate until a moment, and the pause of one of them."""

    def __init__(self, until_ms: int, replicate: Callable[[Stage], None] = Stage.replicate) -> None:
        self.stage, self.time, self.experiment = Stage(), Time(), Asked()
        self.said: list[str] = []
        self._until_ms, self._replicate = until_ms, replicate
        waits = Waits(
            silence=Patience(self.time.now_ms, self.sleep, 2_000, 0.5),
            pausing_ms=60_000,
            settling=Patience(self.time.now_ms, self.sleep, 30_000, 5),
            quiet_seconds=10,
        )
        self.paused = PausedReplication(
            self.experiment, HERE, probes(self.stage), waits, self.said.append
        )

    def sleep(self, seconds: float) -> None:
        self.time.sleep(seconds)
        if self.time.now < self._until_ms:
            self._replicate(self.stage)


def test_the_pause_has_begun_when_nothing_arrives_any_more() -> None:
    scene = Scene(until_ms=10_000)

    scene.paused.begin()

    assert scene.experiment.calls == ["start"]
    assert scene.time.now >= 12_000
    assert scene.said[-1].startswith("nothing arrives any more")


def test_a_pause_that_does_not_come_is_told_and_nothing_is_drilled() -> None:
    scene = Scene(until_ms=10_000_000)

    with pytest.raises(Unavailable, match="replication still goes on 60 s after"):
        scene.paused.begin()


def test_the_end_says_how_the_experiment_ended() -> None:
    scene = Scene(until_ms=0)

    scene.paused.end()

    assert scene.experiment.calls == ["stop"]
    assert scene.said[-1] == "the pause has ended: stopped: as asked"


def test_all_must_be_well_twice_with_a_quiet_time_between() -> None:
    scene = Scene(until_ms=0)
    looks = iter([False, True, False, True, True])

    scene.paused.settle(lambda: next(looks))

    assert next(looks, None) is None
    assert scene.time.slept == [5, 10, 5, 10]


def test_what_is_never_well_is_not_waited_for_for_ever() -> None:
    scene = Scene(until_ms=0)

    scene.paused.settle(lambda: False)

    assert 30_000 < scene.time.now <= 35_000


@pytest.mark.parametrize(("source", "destination"), [(HERE, THERE), (THERE, HERE)])
def test_replication_that_goes_on_in_one_direction_is_not_paused(
    source: str, destination: str
) -> None:
    scene = Scene(10_000_000, lambda stage: stage.deliver(source, destination))

    with pytest.raises(Unavailable, match="goes on"):
        scene.paused.begin()
