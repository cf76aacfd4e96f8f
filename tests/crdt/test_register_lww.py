"""register_lww: the later writer wins; ties are broken the same way everywhere."""

from functools import reduce
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import ADOPTED, CausalContext, Dot, Lineage, named_by
from reconciler.causality.hlc import EPOCH_WIDTH, NONCE_WIDTH, WALL_WIDTH, Hlc, Stamp, fixed_width
from reconciler.crdt.register_lww import RegisterLww
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


# Beside what was written around the library


def written_by(replica: str, value: str, at: int, rank: int = 0) -> tuple[Any, CausalContext]:
    """Return a register that one write made, and what is known of it."""
    lineage = Lineage.of(replica, fixed_width(1 + at, EPOCH_WIDTH))
    dot = Dot(lineage, Hlc.of(at))
    ranks = {dot: Hlc.of(rank)} if rank else {}
    return RegisterLww({dot: {"S": value}}, ranks), CausalContext({lineage: dot.hlc})


def joined(one: tuple[Any, CausalContext], other: tuple[Any, CausalContext]) -> Any:
    (mine, known), (theirs, knows) = one, other
    return mine.join(theirs, known, knows).prune(), known.join(knows)


NAMED, RAW = written_by(named_by("use1"), "named", at=5), written_by(ADOPTED, "raw", 0, rank=9)
LATER, EARLIER = written_by("euw1", "later", at=7), written_by("euw1", "earlier", at=3)


def test_a_named_value_stands_over_a_raw_one_that_was_seen_later_for_it_may_have_replaced_it() -> (
    None
):
    """Its clock may be minutes behind: the raw value that it had replaced was back everywhere."""
    for one, other in ((NAMED, RAW), (RAW, NAMED)):
        assert joined(one, other)[0].visible() == {"S": "named"}
    assert joined(RAW, LATER)[0].visible() == {"S": "raw"}


def test_a_named_a_raw_and_a_library_value_join_alike_in_any_order() -> None:
    for library, stands in ((LATER, "later"), (EARLIER, "named")):
        found = [reduce(joined, order)[0] for order in permutations((NAMED, RAW, library))]
        assert all(each == found[0] for each in found)
        assert found[0].visible() == {"S": stands}


def test_two_raw_values_that_regions_saw_in_other_orders_leave_one_and_not_nothing() -> None:
    """Each region dropped the one that it had seen first, so the join of both had neither."""

    def seen(at: int, other_at: int) -> Any:
        return joined(
            written_by(ADOPTED, "one", 0, rank=at), written_by(ADOPTED, "other", 1, rank=other_at)
        )

    for more in ([], [EARLIER], [NAMED]):
        here, there = (reduce(joined, [seen(*at), *more]) for at in ((12, 13), (15, 14)))
        both = joined(here, there)[0]
        assert both == joined(there, here)[0]
        assert both.visible() == {"S": "named" if more == [NAMED] else "one"}
