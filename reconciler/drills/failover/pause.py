"""A region whose replication is paused for a while, on a table that knows nothing of a drill.

A pause counts as begun when probes written in the region arrive nowhere, and none arrives there,
because replication goes on for minutes after the pause was asked for. At the end nothing says what
is still under way: all must be well in two looks, with a quiet time between.
Source: FIS guide, "AWS FIS actions reference" (`aws:dynamodb:global-table-pause-replication`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

from reconciler.drills.arrivals import Patience, Probes
from reconciler.errors import Unavailable


class PausingExperiment(Protocol):
    """What pauses the replication of one region, into it and out of it, and ends the pause."""

    def start(self) -> None:
        """Begin the pause."""

    def stop(self) -> str:
        """End it, also if it was only begun; return how it ended."""


@dataclass(frozen=True)
class Waits:
    """How long a drill waits for what it must see.

    silence: how long a probe must not arrive. pausing_ms: until replication must have stopped.
    settling: how long until all must be well. quiet_seconds: between the two looks.
    """

    silence: Patience
    pausing_ms: int
    settling: Patience
    quiet_seconds: float


class PausedReplication:
    """A `Separation`: `region` is cut off from the other regions."""

    def __init__(
        self,
        experiment: PausingExperiment,
        region: str,
        probes: Probes,
        waits: Waits,
        say: Callable[[str], object],
    ) -> None:
        self._experiment, self._region, self._probes = experiment, region, probes
        self._waits, self._say = waits, say

    def begin(self) -> None:
        """Pause, and wait until nothing arrives. Unavailable if replication goes on."""
        self._say(f"pausing replication into and out of {self._region} ...")
        self._experiment.start()
        others = [each for each in self._probes.tables if each != self._region]
        pairs = [p for each in others for p in ((each, self._region), (self._region, each))]
        rounds = count()
        paused = replace(self._waits.silence, timeout_ms=self._waits.pausing_ms).until(
            lambda: self._is_silent(str(next(rounds)), pairs)
        )
        if paused is None:
            raise Unavailable(
                f"replication still goes on {self._waits.pausing_ms // 1000} s after its pause"
                " began; nothing was drilled"
            )
        self._say(f"nothing arrives any more, {paused // 1000} s after the pause began")

    def end(self) -> None:
        """Resume replication."""
        self._say(f"the pause has ended: {self._experiment.stop()}")

    def settle(self, well: Callable[[], bool]) -> None:
        """Wait until all is well twice, or for as long as that may take."""
        self._waits.settling.until(lambda: well() and self._still(well))

    def _still(self, well: Callable[[], bool]) -> bool:
        self._waits.settling.sleep(self._waits.quiet_seconds)
        return well()

    def _is_silent(self, mark: str, pairs: Sequence[tuple[str, str]]) -> bool:
        lags = self._probes.lags(mark, pairs, self._waits.silence)
        return all(lag is None for lag in lags.values())
