"""Work waits for a newer release for an hour, and for a service as long as it takes."""

import pytest

from reconciler.conflict.waiting import LATER_ROWS_MS, NEWER_RELEASE_MS, is_to_wait
from reconciler.errors import (
    Contention,
    HistoryUnknown,
    Unavailable,
    Undecodable,
    UnknownWireVersion,
)

NEWER = UnknownWireVersion("version 2")


@pytest.mark.parametrize(
    ("age_ms", "waits"), [(0, True), (NEWER_RELEASE_MS - 1, True), (NEWER_RELEASE_MS, False)]
)
def test_what_only_a_newer_release_can_read_waits_for_an_hour(age_ms: int, waits: bool) -> None:
    assert is_to_wait(NEWER, 5_000, 5_000 + age_ms) is waits


@pytest.mark.parametrize(
    ("age_ms", "waits"), [(0, True), (LATER_ROWS_MS - 1, True), (LATER_ROWS_MS, False)]
)
def test_a_loss_waits_for_later_rows_for_an_hour(age_ms: int, waits: bool) -> None:
    assert is_to_wait(HistoryUnknown("none yet"), 5_000, 5_000 + age_ms) is waits


def test_what_has_no_age_does_not_wait_for_a_release() -> None:
    assert not is_to_wait(NEWER, None, 5_000)


@pytest.mark.parametrize("problem", [Unavailable("no"), Contention("busy")])
def test_what_may_succeed_later_waits_however_old_it_is(problem: Exception) -> None:
    assert is_to_wait(problem, 0, 10**12)


@pytest.mark.parametrize("problem", [Undecodable("never"), KeyError("a bug")])
def test_what_cannot_succeed_does_not_wait(problem: Exception) -> None:
    assert not is_to_wait(problem, 0, 1)
