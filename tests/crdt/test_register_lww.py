"""register_lww: the later writer wins; ties are broken the same way everywhere."""

from functools import reduce
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.hlc import NONCE_WIDTH, WALL_WIDTH, Hlc, Stamp, fixed_width
from reconciler.item.image import merge, read, write
from reconciler.values.wire import to_json
from tests.builders import KEY, SCHEMA, Replica, assign, remove, written


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


# Stamps below what they replace


def stamped(wall_ms: int) -> Any:
    """Return a clock that gives one stamp, whatever was seen, as a writer who reads nothing has."""

    class Blind:
        def stamp(self, seen: str | None) -> Stamp:  # noqa: ARG002 (it reads nothing)
            epoch = fixed_width(wall_ms, WALL_WIDTH) + "0" * NONCE_WIDTH
            return Stamp(Hlc.of(wall_ms), epoch)

        def now(self) -> Hlc:
            return Hlc.of(wall_ms)

    return Blind()


def named(image: Any, name: str, *, replica: str, at: int) -> Any:
    edits = [assign("name", name)]
    return write(image, edits, key=KEY, schema=SCHEMA, replica=replica, clock=stamped(at))


def test_a_write_stamped_below_what_it_replaced_wins_whatever_the_order_of_merges() -> None:
    first = named(None, "one", replica="use1", at=10)
    second = named(first, "two", replica="euw1", at=5)
    third = named(None, "three", replica="apse1", at=7)
    for left, middle, right in permutations((first, second, third)):
        assert read(merge(merge(left, middle), right)) == {**KEY, "name": "two"}
        assert read(merge(left, merge(middle, right))) == {**KEY, "name": "two"}


@given(
    walls=st.lists(st.integers(1, 4), min_size=3, max_size=6),
    onto=st.lists(st.integers(-1, 4), min_size=6, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_merges_of_writes_with_any_stamps_agree_in_any_order_and_show_a_value(
    walls: list[int], onto: list[int], order: Any
) -> None:
    images: list[Any] = []
    for number, wall in enumerate(walls):
        base = images[onto[number]] if 0 <= onto[number] < number else None
        images.append(named(base, f"v{number}", replica=f"r{number}x1", at=wall))
    expected = reduce(merge, images)
    order.shuffle(images)
    found = reduce(merge, images)
    assert to_json(found) == to_json(expected)
    assert "name" in (read(found) or {})
