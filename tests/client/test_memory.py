"""What a client remembers: which lineages it may go on with, whatever comes back."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from random import Random

import pytest

from reconciler.causality.context import Dot
from reconciler.causality.hlc import Hlc
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import written_dot
from reconciler.client.memory import REMEMBERED_ITEMS, Memory
from reconciler.client.table import ReplicatedTable
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import OutcomeUnknown
from reconciler.item.image import MOST_LINEAGES, merge, read
from reconciler.item.metadata import context_of
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, assign, clock, surroundings, written
from tests.fakes import AnswerLost, FakeItems

nonces = count(5_000)


class Machine:
    """A process and its clock, and a memory of it."""

    def __init__(self, *, keeps_to_lanes: bool = True) -> None:
        self.at_ms, self.process = 1_000, 1
        self.memory = Memory(
            lambda: Hlc.of(self.at_ms), lambda: self.process, keeps_to_lanes=keeps_to_lanes
        )

    def goes_on(self, image: Image) -> bool:
        return self.memory.goes_on("p1", written_dot(image))


IMAGE = written(assign("name", "Ada"))


def test_a_client_goes_on_with_what_it_wrote_last_itself_and_with_nothing_else() -> None:
    machine = Machine()
    assert not machine.goes_on(IMAGE)
    machine.memory.keep("p1", IMAGE)
    assert machine.goes_on(IMAGE)
    dot = written_dot(IMAGE)
    assert not machine.memory.goes_on("p1", Dot(dot.lineage, Hlc.of(dot.hlc.wall_ms - 1)))
    assert not machine.memory.goes_on("p2", dot)


def test_where_nobody_writes_around_the_library_any_tip_of_the_region_will_do() -> None:
    assert Machine(keeps_to_lanes=False).goes_on(IMAGE)


@pytest.mark.parametrize(("age_ms", "goes_on"), [(29_999, True), (30_000, False)])
def test_a_lane_ends_before_a_detector_can_take_it_for_closed(age_ms: int, goes_on: bool) -> None:
    machine = Machine()
    machine.memory.keep("p1", IMAGE)
    machine.at_ms = 1_000 + age_ms
    assert machine.goes_on(IMAGE) == goes_on


@pytest.mark.parametrize(
    "lose",
    [
        lambda machine: machine.memory.forget("p1"),
        lambda machine: machine.memory.forget_all(),
        lambda machine: setattr(machine, "process", 2),
    ],
    ids=["in doubt", "restored", "forked"],
)
def test_a_write_in_doubt_a_restored_snapshot_and_a_fork_end_a_lane(
    lose: Callable[[Machine], object],
) -> None:
    machine = Machine()
    machine.memory.keep("p1", IMAGE)
    lose(machine)
    assert not machine.goes_on(IMAGE)
    assert machine.memory.image("p1") is None


def test_of_very_many_items_the_last_ones_are_remembered() -> None:
    machine = Machine()
    for number in range(REMEMBERED_ITEMS + 1):
        machine.memory.keep(f"p{number}", IMAGE)
    assert machine.memory.image("p0") is None
    assert machine.memory.image(f"p{REMEMBERED_ITEMS}") is IMAGE


def table(store: FakeItems, outside_writers: OutsideWriters = "expected") -> ReplicatedTable:
    return ReplicatedTable(
        SCHEMA,
        store,
        replica=lambda: "use1",
        clock=clock(1_000, nonces),
        surroundings=surroundings(lambda _: None, Random(7).random),
        outside_writers=outside_writers,
    )


def add(amount: int) -> Callable[[ItemEditor], None]:
    """Return a change that looks at the item, so that it is made on an image alone."""

    def change(item: ItemEditor) -> None:
        assert item.get("balance", 0) is not None
        item.increment("balance", amount)

    return change


def lineages(store: FakeItems) -> int:
    (image,) = store.items.values()
    return len(context_of(image).heads)


def test_a_client_keeps_one_lineage_on_an_item_that_it_writes_alone() -> None:
    store = FakeItems()
    client = table(store)
    for _ in range(5):
        client.apply(KEY, add(1))
    with client.edit(KEY) as item:
        item["name"] = "Ada"
    client.transact([(KEY, add(1))])
    client.apply(KEY, add(1))
    assert lineages(store) == 1


def test_clients_in_turn_start_lineages_unless_nobody_writes_around_the_library() -> None:
    for outside_writers, several in (("expected", 4), ("none", 1)):
        store = FakeItems()
        clients = [table(store, outside_writers) for _ in range(2)]  # type: ignore[arg-type]  # both are literals
        for client in (*clients, *clients):
            client.apply(KEY, add(1))
        assert lineages(store) == several


def test_an_item_that_very_many_processes_write_at_once_stops_growing() -> None:
    """Each write of another process started a lineage, until the item was too large to write."""
    store = FakeItems()
    clients = [table(store) for _ in range(2)]
    for number in range(MOST_LINEAGES + 50):
        clients[number % 2].apply(KEY, add(1))
    assert lineages(store) == MOST_LINEAGES
    assert (clients[0].get(KEY) or {})["balance"] == MOST_LINEAGES + 50


def test_an_old_image_that_a_stale_save_brings_back_makes_no_client_claim_what_stood_there() -> (
    None
):
    """It came back with its token and its tip, and the next +1 claimed the +7 that it took away."""
    store = FakeItems()
    first, second = table(store), table(store)
    first.apply(KEY, add(100))
    (stale,) = store.items.values()
    second.apply(KEY, add(7))
    (lost,) = store.items.values()
    store.place(stale)  # a raw client's put of what it had read
    first.apply(KEY, add(1))
    (now,) = store.items.values()
    assert (read(merge(now, lost)) or {})["balance"] == 108


def test_a_restored_snapshot_goes_on_with_nothing_that_it_remembers() -> None:
    store, is_sure = FakeItems(), [True]
    around = replace(surroundings(), time_is_sure=lambda: is_sure[0])
    client = ReplicatedTable(
        SCHEMA, store, replica=lambda: "use1", clock=clock(1_000, nonces), surroundings=around
    )
    client.apply(KEY, add(1))
    is_sure[0] = False  # both clocks have not gone on alike
    client.apply(KEY, add(1))
    assert lineages(store) == 2


def test_a_write_whose_answer_was_lost_ends_the_lane() -> None:
    store = FakeItems()
    client = table(store)
    client.apply(KEY, add(1))
    (before,) = store.items.values()
    store.faults.extend([AnswerLost(applied=False)] * 40)
    with pytest.raises(OutcomeUnknown):
        client.apply(KEY, add(1))
    store.faults.clear()
    assert [*store.items.values()] == [before]
    client.apply(KEY, add(1))
    assert lineages(store) == 2
