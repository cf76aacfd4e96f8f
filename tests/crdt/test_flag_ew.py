"""flag_ew: enabling wins over concurrent disabling."""

from reconciler.item.image import merge, read
from tests.builders import KEY, Replica, assign, remove, written


def test_enabling_wins_over_a_concurrent_disabling_whatever_the_clocks_say() -> None:
    base = written(assign("active", True))
    on = Replica("use1", base).write(assign("active", True), at=2_000)
    off = Replica("euw1", base).write(assign("active", False), at=9_000)
    assert read(merge(on, off)) == KEY | {"active": True}


def test_disabling_after_having_seen_every_enabling_disables() -> None:
    base = written(assign("active", True))
    off = Replica("euw1", base).write(assign("active", False))
    assert read(merge(base, off)) == KEY | {"active": False}


def test_a_removed_flag_is_no_attribute() -> None:
    assert read(Replica("use1", written(assign("active", True))).write(remove("active"))) == KEY
