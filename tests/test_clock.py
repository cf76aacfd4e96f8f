"""A ready writer's clock: this machine's time, and nonces that no other writer draws."""

import time

from reconciler.clock import now_ms, system_clock


def test_stamps_follow_this_machines_time_and_never_repeat() -> None:
    clock, before = system_clock(), time.time_ns() // 1_000_000

    stamps = [clock.stamp(None) for _ in range(3)]

    hlcs = [stamp.hlc for stamp in stamps]
    assert hlcs == sorted(set(hlcs))
    assert before <= hlcs[0].wall_ms <= now_ms()


def test_two_writers_start_lineages_of_their_own() -> None:
    assert system_clock().stamp(None).epoch != system_clock().stamp(None).epoch
