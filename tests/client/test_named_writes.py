"""Writes that read nothing: one call, never refused, and a steady writer keeps one name."""

import threading
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from reconciler.causality.context import Dot, named_by
from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.client.editor import ItemEditor
from reconciler.client.sending import Retries, Surroundings
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.folding import SIGNED_WITHIN_MS
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import InvalidInput, OutcomeUnknown, Unavailable
from reconciler.item.image import DELETE, MOST_LINEAGES, merge, read
from reconciler.item.metadata import NAMES, context_of
from reconciler.item.names import names_in
from reconciler.item.standing import MOST_BESIDE_A_NAME, Standing, added_to
from reconciler.ports import Naming, Replacement, Superseded
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, Replica, assign, increment, written
from tests.fakes import REFUSED, AnswerLost, FakeItems
from tests.named import element

APPLIED, NEVER_ARRIVED = AnswerLost(applied=True), AnswerLost(applied=False)
HERE: Image = {"id": {"S": "p1"}}
_nonces = count(1)


def with_an_item(store: FakeItems) -> FakeItems:
    store.place(written(increment("balance", 0)))
    return store


class Machine:
    """One process that writes: a table, a clock that a test moves on, and a fork at will."""

    def __init__(
        self, store: FakeItems | None = None, outside_writers: OutsideWriters = "none"
    ) -> None:
        self.store = store or with_an_item(FakeItems())
        self.at_ms, self.process, self.is_sure = 10_000_000, 1, True
        self.table = ReplicatedTable(
            SCHEMA,
            self.store,
            replica=lambda: "use1",
            clock=HybridClock(lambda: self.at_ms, lambda: fixed_width(next(_nonces), NONCE_WIDTH)),
            surroundings=Surroundings(
                lambda: 0,
                lambda _: None,
                lambda: 0.5,
                lambda: str(next(_nonces)).encode(),
                time_is_sure=lambda: self.is_sure,
                process=lambda: self.process,
            ),
            outside_writers=outside_writers,
        )

    def add(self, amount: int | Decimal = 1) -> dict[str, Any] | None:
        return self.table.apply(KEY, lambda item: item.increment("balance", amount))

    def assign(self, value: str) -> dict[str, Any] | None:
        return self.table.apply(KEY, lambda item: item.__setitem__("name", value))

    def listed(self) -> list[Any]:
        (image,) = self.store.items.values()
        listed: list[Any] = image.get(NAMES, {"L": []})["L"]
        return listed

    def shown(self) -> Any:
        return read(self.store.get(HERE))


def as_filed(store: FakeItems) -> dict[str, Any] | None:
    """Return what readers see once the names are metadata."""
    image = store.get(HERE) or {}
    assert len(names_in(image)) == len(image[NAMES]["L"])
    return read(merge(image, image))


# One call


def test_an_edit_that_looks_at_nothing_is_one_call_on_an_item_that_was_never_seen() -> None:
    machine = Machine()
    assert machine.add(5) == {"id": "p1", "balance": 5}
    assert machine.store.names() == ["update"]
    assert len(machine.listed()) == 1


@pytest.mark.parametrize("plain", [None, {"id": {"S": "p1"}, "balance": {"N": "2"}}])
def test_an_item_that_the_library_never_wrote_is_taken_in_without_a_read(plain: Any) -> None:
    """A name there says nothing of what others did around the library, before it and after."""
    machine = Machine(FakeItems())
    if plain:
        machine.store.place(plain)
    assert machine.add(5) == {"id": "p1", "balance": 7 if plain else 5}
    assert machine.store.names() == ["update", "put"]
    assert machine.listed() == []


def test_an_item_that_others_wrote_is_added_to_in_one_call_and_keeps_what_they_wrote() -> None:
    machine = Machine()
    machine.store.place(written(assign("name", "Ada"), increment("balance", 5), replica="euw1"))

    def change(item: ItemEditor) -> None:
        item.increment("balance", 2)
        item.add("tags", "vip")
        item["email"] = "ada@example.com"
        item.increment("balance", 3)

    shown = machine.table.apply(KEY, change)
    assert shown == {
        "id": "p1", "name": "Ada", "balance": 10, "tags": {"vip"}, "email": "ada@example.com",
    }  # fmt: skip
    assert machine.store.names() == ["update"]
    assert as_filed(machine.store) == shown


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item.get("name"),
        lambda item: "name" in item,
        len,
        list,
        lambda item: item.exists,
        lambda item: item.setdefault("name", "Eve"),
        lambda item: item.__setitem__("tags", {"x"}),
        lambda item: item.__setitem__("balance", 3),
        lambda item: item.__setitem__("profile", {"city": "Paris"}),
        lambda item: item.__delitem__("name"),
        lambda item: item.clear(),
        lambda item: item.delete(),
    ],
)
def test_a_change_that_looks_at_the_item_is_made_on_what_was_read(
    change: Callable[[ItemEditor], Any],
) -> None:
    machine = Machine()
    machine.store.place(written(assign("name", "Ada")))

    def whole(item: ItemEditor) -> None:
        item.increment("balance", 1)
        change(item)

    machine.table.apply(KEY, whole)
    assert machine.store.names() == ["get", "put"]


def test_a_look_that_a_change_catches_is_a_look_all_the_same() -> None:
    machine = Machine()
    machine.store.place(written(increment("balance", 7)))

    def double(item: ItemEditor) -> None:
        try:
            amount = item["balance"]
        except Exception:
            amount = 1
        item.increment("balance", amount)

    assert machine.table.apply(KEY, double) == {"id": "p1", "balance": 14}
    assert machine.store.names() == ["get", "put"]


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item.increment(("profile", "visits"), 2),
        lambda item: item.add(("profile", "labels"), "x"),
        lambda item: item.__setitem__("notes", "a note"),
    ],
    ids=["a field of a map that is not there", "a set in a map", "a register that shows a list"],
)
def test_what_an_update_cannot_do_blindly_is_made_on_what_was_read(change: Any) -> None:
    machine = Machine()
    machine.store.place(written(assign("name", "Ada")))
    machine.table.apply(KEY, change)
    assert machine.store.names()[-2:] == ["get", "put"]
    assert NAMES not in (machine.store.get(HERE) or {})


def test_a_number_where_a_raw_client_left_text_is_refused_as_ever_and_not_named() -> None:
    machine = Machine()
    machine.store.place({**written(increment("balance", 1)), "balance": {"S": "none"}})
    with pytest.raises(Exception, match="balance"):
        machine.add(5)
    assert NAMES not in (machine.store.get(HERE) or {})


@pytest.mark.parametrize("broken", [{"S": "x"}, {"M": {}}])
def test_a_list_of_names_that_others_broke_is_mended_by_the_next_write(broken: Any) -> None:
    machine = Machine()
    machine.store.place({**written(increment("balance", 1)), NAMES: broken})
    assert machine.add(5) == {"id": "p1", "balance": 6}
    assert NAMES not in (machine.store.get(HERE) or {})


def test_a_deleted_item_is_brought_back_by_what_was_read_and_time_to_live_leaves_it() -> None:
    machine = Machine()
    replica = Replica("use1")
    replica.write(increment("balance", 5))
    machine.store.place(replica.write(DELETE))
    assert machine.add(2) == {"id": "p1", "balance": 2}
    assert machine.store.names() == ["update", "put"]
    assert "_rec_ttl" not in (machine.store.get(HERE) or {})


def test_a_write_that_is_refused_goes_on_by_a_name_and_ends() -> None:
    machine = Machine()
    with machine.table.edit(KEY) as item:
        item.increment("balance", 1)
        machine.store.place(written(increment("balance", 10)))
    assert machine.store.names() == ["get", "put", "update"]
    assert machine.shown()["balance"] == 11


def test_a_block_whose_item_was_deleted_meanwhile_is_no_named_write() -> None:
    machine, replica = Machine(), Replica("use1")
    machine.store.place(replica.write(increment("balance", 10)))
    with machine.table.edit(KEY) as item:
        item.increment("balance", 1)
        machine.store.place(replica.write(DELETE))
    assert machine.store.names() == ["get", "put", "put"]


class OneAtATime(FakeItems):
    """A store that many threads use: as in DynamoDB, one write of an item after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def get(self, key: Image) -> Image | None:
        with self._lock:
            return super().get(key)

    def put(self, write: Replacement) -> Superseded | None:
        with self._lock:
            return super().put(write)

    def update(self, write: Naming) -> Image | Superseded:
        with self._lock:
            return super().update(write)


def in_a_block(machine: Machine) -> None:
    with machine.table.edit(KEY) as item:
        item.increment("balance", 1)


@pytest.mark.parametrize("write", [Machine.add, in_a_block])
def test_eight_threads_of_six_increments_are_never_refused(write: Callable[[Any], Any]) -> None:
    """They ended in Contention: 48 edits of one item, each on the image that another replaced."""
    store = with_an_item(OneAtATime())
    problems: list[Exception] = []

    def work() -> None:
        machine = Machine(store)
        for _ in range(6):
            try:
                write(machine)
            except Exception as problem:
                problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert read(store.get(HERE)) == {"id": "p1", "balance": 48}


def test_beside_writers_around_the_library_only_what_takes_nothing_away_is_named() -> None:
    """A raw client's value came back over the name that was assigned after it."""
    machine = Machine(outside_writers="expected")
    machine.add(1)
    machine.table.apply(KEY, lambda item: item.add("tags", "vip"))
    assert "put" in machine.store.names()  # alone: one lineage goes on
    store = with_an_item(FakeItems())
    Machine(store, "expected").add(1)
    assert store.names() == ["update"]
    Machine(store, "expected").assign("Ada")
    Machine(store, "expected").table.apply(KEY, lambda item: item.discard("tags", "vip"))
    assert store.names()[1:] == ["get", "put", "get", "put"]


# Answers that are lost


@pytest.mark.parametrize("is_second", [False, True])
def test_a_lost_answer_is_settled_by_the_name(is_second: bool) -> None:
    machine = Machine()
    machine.add(10)
    writer = machine if is_second else Machine(machine.store)
    machine.store.faults.append(APPLIED)
    assert writer.add(1) == {"id": "p1", "balance": 11}
    assert machine.store.names()[1:] == ["update", "get"]


def test_a_lost_answer_is_settled_where_another_writer_filed_the_name() -> None:
    machine = Machine()
    machine.store.place(written(increment("balance", 10)))
    machine.store.faults.append(APPLIED)
    fetch = machine.store.get

    def filed(key: Image) -> Image | None:
        machine.store.place(Replica("use1", fetch(key)).write(assign("name", "Ada"), at=20_000_000))
        return fetch(key)

    machine.store.get = filed  # type: ignore[method-assign]
    assert machine.add(1) == {"id": "p1", "balance": 11, "name": "Ada"}


def test_a_named_write_is_never_sent_again_once_it_may_have_been_carried_out() -> None:
    machine = Machine()
    for fault in (NEVER_ARRIVED, APPLIED):
        machine.store.faults.append(fault)
        machine.store.read_faults.extend([REFUSED] * Retries().attempts)
        with pytest.raises(OutcomeUnknown) as caught:
            machine.add(1)
        machine.store.read_faults.clear()
        (dot,) = caught.value.evidence["dots"]
        assert Dot.parse(dot).lineage.replica == named_by("use1")
    assert machine.store.names().count("update") == 2
    assert machine.shown() == {"id": "p1", "balance": 1}


def test_a_named_write_that_never_arrived_ends_in_outcome_unknown() -> None:
    machine = Machine()
    machine.store.faults.append(NEVER_ARRIVED)
    with pytest.raises(OutcomeUnknown):
        machine.add(1)
    assert machine.shown() == {"id": "p1", "balance": 0}


def test_a_name_in_doubt_is_not_added_to() -> None:
    machine = Machine()
    machine.add(1)
    machine.store.faults.append(NEVER_ARRIVED)
    with pytest.raises(OutcomeUnknown):
        machine.add(1)
    machine.add(1)
    assert len(machine.listed()) == 2


def test_a_store_that_refuses_is_tried_again() -> None:
    machine = Machine()
    machine.store.faults.extend([REFUSED, REFUSED])
    assert machine.add(1) == {"id": "p1", "balance": 1}
    machine.store.faults.extend([REFUSED] * Retries().attempts)
    with pytest.raises(Unavailable):
        machine.add(1)


# A name that is added to


def test_a_steady_writer_adds_to_its_name() -> None:
    machine = Machine()
    for amount in range(1, 6):
        machine.add(amount)
        machine.at_ms += 10_000
    assert machine.store.names() == ["update"] * 5
    (element,) = machine.listed()
    assert element["M"]["do"] == {"L": [{"L": [{"S": "increment"}, {"S": "balance"}, {"N": "15"}]}]}
    assert element["M"]["to"] == {"N": str(10_000_000 + 40_000)}
    assert machine.shown() == {"id": "p1", "balance": 15}


def test_each_addition_has_a_later_stamp_even_where_the_clock_stands() -> None:
    machine = Machine()
    dots = []
    for _ in range(3):
        machine.add()
        (name,) = names_in({NAMES: {"L": machine.listed()}})
        dots.append(name.dot)
    assert len({dot.lineage for dot in dots}) == 1
    assert dots[0].hlc < dots[1].hlc < dots[2].hlc


def test_steady_writers_side_by_side_keep_one_name_each() -> None:
    first = Machine()
    others = [first, *(Machine(first.store) for _ in range(3))]
    for _ in range(5):
        for machine in others:
            machine.add(1)
    assert len(first.listed()) == 4
    assert first.store.names()[-8:] == ["update"] * 8
    assert first.shown() == {"id": "p1", "balance": 20}


def end_after_five_minutes(machine: Machine) -> None:
    machine.at_ms += SIGNED_WITHIN_MS


def end_by_a_fork(machine: Machine) -> None:
    machine.process += 1


def end_by_a_snapshot(machine: Machine) -> None:
    machine.is_sure = False


def behind(machine: Machine, element: Any, **shown: Any) -> None:
    (image,) = machine.store.items.values()
    machine.store.place({**image, **shown, NAMES: {"L": [*image[NAMES]["L"], element]}})


def assigning(value: str) -> dict[str, Any]:
    """Return the name of another client, which sets the counter."""
    told = {"L": [{"S": "assign"}, {"S": "balance"}, {"N": value}, {"S": "counter_pn"}]}
    who = {"by": {"S": "use1"}, "at": {"N": "10000001"}, "id": {"S": "A" * 11}}
    return {"M": {**who, "do": {"L": [told]}}}


def end_by_an_assignment_behind_it(machine: Machine) -> None:
    behind(machine, assigning("3"), balance={"N": "3"})


def end_by_what_nobody_can_read_behind_it(machine: Machine) -> None:
    behind(machine, {"S": "?"})


@pytest.mark.parametrize(
    "end",
    [
        end_after_five_minutes,
        end_by_a_fork,
        end_by_a_snapshot,
        end_by_an_assignment_behind_it,
        end_by_what_nobody_can_read_behind_it,
    ],
)
def test_a_name_is_added_to_no_more(end: Callable[[Machine], None]) -> None:
    machine = Machine()
    machine.add(1)
    before = machine.listed()
    end(machine)
    stands = machine.listed()
    machine.add(1)
    assert machine.listed()[: len(stands)] == stands
    assert machine.listed()[0] == before[0]
    assert len(machine.listed()) == len(stands) + 1


def test_a_name_is_not_added_to_in_another_list_of_the_same_length() -> None:
    """Another region's image had the same name, and an assignment where ours had an addition."""
    machine = Machine()
    machine.add(1)
    first = machine.listed()
    Machine(machine.store).add(10)
    machine.add(1)
    own = machine.listed()[0]
    (image,) = machine.store.items.values()
    machine.store.place({**image, "balance": {"N": "5"}, NAMES: {"L": [own, assigning("5")]}})
    machine.add(1)
    assert machine.listed()[:2] == [own, assigning("5")]
    assert len(machine.listed()) == 3
    assert first != [own]


def test_a_name_is_added_to_where_names_before_it_were_filed() -> None:
    first = Machine()
    first.add(1)
    second = Machine(first.store)
    second.add(1)
    (image,) = first.store.items.values()
    first.store.place({**image, NAMES: {"L": image[NAMES]["L"][1:]}})
    second.add(1)
    assert len(first.listed()) == 1


def test_what_cannot_be_added_to_a_name_has_one_of_its_own_beside_other_writers() -> None:
    machine = Machine()
    machine.add(1)
    Machine(machine.store).add(1)
    machine.add(1)  # now it knows that it is not alone
    machine.assign("Ada")
    machine.table.apply(KEY, lambda item: item.add("tags", "vip"))
    assert len(machine.listed()) == 4
    assert machine.store.names()[-2:] == ["update", "update"]


def test_a_client_that_writes_alone_what_cannot_be_added_to_names_it_once_only() -> None:
    """A name for each assignment would fill the item; one lineage goes on for ever."""
    machine = Machine()
    for number in range(5):
        machine.assign(f"name {number}")
    assert machine.store.names() == ["update", "get", "put", "put", "put", "put"]
    assert NAMES not in (machine.store.get(HERE) or {})


def test_an_item_that_ever_new_clients_write_takes_names_up_to_a_number() -> None:
    store = with_an_item(FakeItems())
    for _ in range(MOST_BESIDE_A_NAME + 20):
        Machine(store).add(1)
    image = store.get(HERE) or {}
    assert store.names()[-3:-1] == ["update", "put"]
    assert len(image.get(NAMES, {"L": []})["L"]) <= MOST_BESIDE_A_NAME
    assert len(context_of(image).heads) <= MOST_LINEAGES
    assert (read(image) or {})["balance"] == MOST_BESIDE_A_NAME + 20


def test_a_name_whose_total_has_too_many_digits_is_followed_by_another() -> None:
    machine = Machine()
    machine.add(1)
    Machine(machine.store).add(1)
    machine.add(1)
    machine.add(Decimal("1E-38"))
    assert len(machine.listed()) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item.increment("id", 1),
        lambda item: item.increment("_rec_x", 1),
        lambda item: item.increment("name", 1),
        lambda item: item.add("tags", "a", 1),
        lambda item: item.__setitem__("id", "p2"),
    ],
)
def test_what_cannot_be_written_is_refused_as_ever_and_not_sent(change: Any) -> None:
    machine = Machine()
    with pytest.raises(InvalidInput):
        machine.table.apply(KEY, change)
    assert machine.store.names() == ["get"]


def test_a_name_of_two_counters_is_not_added_to_by_a_write_of_one() -> None:
    """Of the other one, what a delete had seen would be as new."""
    both = element(increment("balance", 5), increment("profile.visits", 1))
    standing = Standing(both, 0, 1, both["M"]["id"]["S"])
    assert added_to(standing, [increment("balance", 2)], 3_000) is None
    again = [increment("profile.visits", 2), increment("balance", 2)]
    assert added_to(standing, again, 3_000) is not None
