"""Probes: a write in one region, and how long until another region shows it.

A lag counts from the write's answer to the answer of the read that first shows it, both by this
machine's clock: it is at most too long, by one read and one pause.
"""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from reconciler.drills.tables import Editor, Table

PROBE = "probe"  # the attribute that carries the mark
PROBE_ATTRIBUTES = {PROBE: "register_lww"}

Pair = tuple[str, str]  # from a region, to a region


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to look; with the clock and the sleep to do it by."""

    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
    timeout_ms: int
    pause_seconds: float

    def until(self, seen: Callable[[], bool]) -> int | None:
        """Look until it is seen; return the milliseconds it took, None if it took too long."""
        started = self.now_ms()
        while not seen():
            if self.now_ms() - started > self.timeout_ms:
                return None
            self.sleep(self.pause_seconds)
        return self.now_ms() - started


def clock_ms() -> int:
    """Return a clock that only goes forward, in milliseconds."""
    return time.monotonic_ns() // 1_000_000


def patience(seconds: float, look_seconds: float) -> Patience:
    """Return how to wait, by this machine's clock."""
    return Patience(clock_ms, time.sleep, int(seconds * 1000), look_seconds)


@dataclass(frozen=True)
class Probes:
    """One probe for each region, which is written there alone; `key` makes a probe's key."""

    tables: Mapping[str, Table]
    key: Callable[[str], dict[str, Any]]

    def lags(
        self, mark: str, pairs: Collection[Pair], patience: Patience
    ) -> dict[Pair, int | None]:
        """Write a mark in each region that a pair begins with, and wait for it where it ends.

        None: it did not arrive in time.
        """

        def change(item: Editor) -> None:
            item[PROBE] = mark

        def seen(pair: Pair) -> bool:
            source, destination = pair
            return (self.tables[destination].get(self.key(source)) or {}).get(PROBE) == mark

        def follow(source: str) -> dict[Pair, int | None]:
            self.tables[source].apply(self.key(source), change)
            mine = [pair for pair in pairs if pair[0] == source]
            with ThreadPoolExecutor(len(mine)) as watchers:
                times = watchers.map(lambda pair: patience.until(lambda: seen(pair)), mine)
                return dict(zip(mine, times, strict=True))

        sources = dict.fromkeys(source for source, _ in pairs)
        with ThreadPoolExecutor(len(sources)) as writers:
            followed = list(writers.map(follow, sources))
        return {pair: lag for lags in followed for pair, lag in lags.items()}

    def remove(self) -> None:
        """Delete each probe where it was written; one that cannot be deleted keeps no other."""
        with ExitStack() as every:
            for region, table in self.tables.items():
                every.callback(table.apply, self.key(region), lambda item: item.delete())
