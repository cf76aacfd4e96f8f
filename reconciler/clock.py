"""This machine's clock: the wall time, and the hybrid clock of a writer on it.

Only here and in the adapters is time read; everywhere else it is an argument.
"""

import secrets
import time
from collections.abc import Callable

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width


def now_ms() -> int:
    """Return the wall clock, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a clock that nobody sets, in milliseconds since some moment."""
    return time.monotonic_ns() // 1_000_000


def system_clock(wall_ms: Callable[[], int] = now_ms) -> HybridClock:
    """Return a new writer's clock, which follows this machine's and draws its own nonces.

    One for each process that writes, kept as long as it writes. `wall_ms` is another clock to
    follow, such as the region's time.
    """
    return HybridClock(wall_ms, nonce)


def nonce() -> str:
    """Return 66 random bits of the operating system in base 64: no two draws are the same."""
    return fixed_width(secrets.randbelow(64**NONCE_WIDTH), NONCE_WIDTH)
