"""register_mv: concurrent values are all kept until somebody decides."""

from reconciler.item.image import merge, read
from tests.builders import KEY, Replica, assign, remove, written


def siblings() -> tuple[Replica, Replica]:
    base = written(assign("notes", "first"))
    ours, theirs = Replica("use1", base), Replica("euw1", base)
    ours.write(assign("notes", "b"), at=2_000)
    theirs.write(assign("notes", "a"), at=3_000)
    return ours, theirs


def test_concurrent_values_are_listed_in_canonical_order() -> None:
    ours, theirs = siblings()
    assert read(merge(ours.image or {}, theirs.image or {})) == KEY | {"notes": ["a", "b"]}


def test_the_next_assignment_replaces_the_values_it_saw() -> None:
    ours, theirs = siblings()
    merged = merge(ours.image or {}, theirs.image or {})
    decided = Replica("use1", merged).write(assign("notes", "c"), at=4_000)
    assert read(merge(decided, theirs.image or {})) == KEY | {"notes": ["c"]}


def test_equal_concurrent_values_show_once() -> None:
    sides = [Replica(name).write(assign("notes", "same")) for name in ("use1", "euw1")]
    assert read(merge(*sides)) == KEY | {"notes": ["same"]}


def test_removing_takes_away_the_values_it_saw() -> None:
    ours, theirs = siblings()
    removed = ours.write(remove("notes"), at=9_000)
    assert read(merge(removed, theirs.image or {})) == KEY | {"notes": ["a"]}
