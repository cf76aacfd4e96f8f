"""register_lww: the later writer wins; ties are broken the same way everywhere."""

from reconciler.item.image import merge, read
from tests.builders import KEY, Replica, assign, remove, written


def test_the_later_writer_wins_attribute_by_attribute() -> None:
    base = written(assign("name", "Ada"), assign("city", "Rome"))
    ours = Replica("use1", base).write(assign("name", "Grace"), at=3_000)
    theirs = Replica("euw1", base).write(assign("name", "Joan"), assign("city", "Oslo"), at=2_000)
    assert read(merge(ours, theirs)) == KEY | {"name": "Grace", "city": "Oslo"}


def test_of_two_writes_at_one_instant_the_greater_replica_wins() -> None:
    ours = Replica("use1").write(assign("name", "a"))
    theirs = Replica("euw1").write(assign("name", "z"))
    assert read(merge(ours, theirs)) == KEY | {"name": "a"}


def test_removing_is_a_write_like_any_other() -> None:
    base = written(assign("name", "Ada"))
    removed = Replica("use1", base).write(remove("name"), at=3_000)
    assigned = Replica("euw1", base).write(assign("name", "Joan"), at=2_000)
    assert read(merge(removed, assigned)) == KEY
    assigned_later = Replica("euw1", base).write(assign("name", "Joan"), at=4_000)
    assert read(merge(removed, assigned_later)) == KEY | {"name": "Joan"}


def test_null_is_a_value_and_not_an_absence() -> None:
    assert read(written(assign("name", None))) == KEY | {"name": None}
