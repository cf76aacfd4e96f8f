"""The way through a replica: every item once, no faster than told, and no further than it must."""

from collections.abc import Sequence

import pytest

from reconciler.errors import Unavailable
from reconciler.ports import Segment
from reconciler.sweeping.walk import Budget, Stretch, Walk, looked_up, scanned_units, write_units
from reconciler.values.wire import Image
from tests.sweeping.replicas import Run


def item(number: int, size: int = 1) -> Image:
    return {"id": {"S": f"p{number:02d}"}, "x": {"S": "x" * size}}


@pytest.mark.parametrize("segments", [1, 3, 16])
def test_every_item_is_handed_over_once_and_told(segments: int) -> None:
    run, found, told = Run(), list[str](), list[int]()
    run.eu.put(*map(item, range(11)))

    def work(images: Sequence[Image]) -> None:
        found.extend(image["id"]["S"] for image in images)

    Walk(run.eu.whole, segments, run.reads, told.append).go(work)

    assert sorted(found) == [item(number)["id"]["S"] for number in range(11)]
    assert sum(told) == 11


@pytest.mark.parametrize("segments", [1, 3])
def test_a_segment_that_is_gone_through_in_stretches_hands_every_item_over_once(
    segments: int,
) -> None:
    run, found = Run(), list[str]()
    run.eu.put(*map(item, range(11)))

    for number in range(segments):
        after, is_done, stretches = None, False, 0
        while not is_done:
            asked = iter([True, True, False])  # a page, its batch, and no more
            stretch = Stretch(
                run.eu.whole, Segment(number, segments), ["id"], run.reads, after, asked.__next__
            )
            stretch.go(lambda images: found.extend(image["id"]["S"] for image in images))
            after, is_done, stretches = stretch.after, stretch.is_done, stretches + 1
        assert stretches > 1

    assert sorted(found) == [item(number)["id"]["S"] for number in range(11)]


def test_a_stretch_without_time_stays_where_it_is() -> None:
    run = Run()
    run.eu.put(*map(item, range(11)))
    stretch = Stretch(run.eu.whole, Segment(0, 1), ["id"], run.reads, None, lambda: False)
    stretch.go(lambda _: None)
    assert (stretch.after, stretch.is_done, run.eu.whole.names()) == (None, False, [])


def test_a_failure_ends_all_segments() -> None:
    run = Run()
    run.eu.put(*map(item, range(40)))

    def work(images: Sequence[Image]) -> None:
        raise Unavailable("refused")

    with pytest.raises(Unavailable):
        Walk(run.eu.whole, 2, run.reads, lambda _: None).go(work)

    assert run.eu.whole.names().count("page") <= 2


def test_a_budget_is_not_passed_however_much_is_spent_at_once() -> None:
    run = Run()
    budget, started = Budget(100, run.time), run.now_ms
    for _ in range(3):
        budget.spend(200)
    assert run.now_ms - started == 4_000  # the last is worked off by what comes next


def test_a_look_reads_what_a_consistent_read_costs() -> None:
    run = Run()
    run.eu.put(item(1, 9_000))
    reads, started = Budget(1, run.time), run.now_ms
    keys: list[Image] = [{"id": item(1)["id"]}, {"id": item(2)["id"]}]

    found = looked_up([run.eu.whole, run.us.whole], keys, reads)

    assert found == [(item(1, 9_000), None), (None, None)]
    assert run.now_ms - started == 4_000  # three units and one, before the next region is read


def test_units_are_counted_as_dynamodb_counts_them() -> None:
    assert scanned_units([item(n, 1_000) for n in range(8)]) == 2
    assert scanned_units([]) == 1
    assert (write_units(item(1)), write_units(item(1, 1_030))) == (1, 2)
