"""The write client: nothing acknowledged is lost, nothing is written twice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import Dot
from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.causality.region_time import RegionTime
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import written_dot
from reconciler.client.memory import REMEMBERED_ITEMS
from reconciler.client.sending import Retries
from reconciler.client.table import ReplicatedTable
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import (
    Contention,
    InvalidInput,
    ItemTooLarge,
    OutcomeUnknown,
    Unavailable,
    UnknownWireVersion,
)
from reconciler.item import edits
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import context_of, token_of
from reconciler.item.schema import Schema
from reconciler.ports import Replacement, Superseded
from reconciler.values.wire import MAX_DIGITS, Image
from tests.builders import KEY, SCHEMA, Replica, assign, clock, increment, surroundings, written
from tests.fakes import REFUSED, AnswerLost, FakeItems, Port

APPLIED, NEVER_ARRIVED = AnswerLost(applied=True), AnswerLost(applied=False)
nonces: Iterator[int] = count(1)
ATTEMPTS = Retries().attempts


def table(
    store: FakeItems,
    *,
    replica: str = "use1",
    at: int = 1_000,
    pauses: list[float] | None = None,
    draw: Callable[[], float] | None = None,
    schema: Schema = SCHEMA,
    outside_writers: OutsideWriters = "none",
) -> ReplicatedTable:
    slept: list[float] = [] if pauses is None else pauses
    return ReplicatedTable(
        schema,
        store,
        replica=lambda: replica,
        clock=clock(at, nonces),
        surroundings=surroundings(slept.append, draw or Random(7).random),
        outside_writers=outside_writers,
    )


def add(amount: int = 1) -> Callable[[ItemEditor], None]:
    """Return a change that looks at the item, so that it is made on an image alone."""

    def change(item: ItemEditor) -> None:
        assert item.get("balance", 0) is not None
        item.increment("balance", amount)

    return change


def blindly(amount: int) -> Callable[[ItemEditor], None]:
    return lambda item: item.increment("balance", amount)


def rename(name: str) -> Callable[[ItemEditor], None]:
    def change(item: ItemEditor) -> None:
        item["name"] = name

    return change


def balance(store: FakeItems) -> Any:
    item = table(store).get(KEY)
    return item["balance"] if item else None


def store_with(*edits: Any, replica: str = "use1") -> FakeItems:
    store = FakeItems()
    store.place(written(*edits, replica=replica))
    return store


def foreign_write(store: FakeItems, name: str = "Foreign") -> Callable[[], None]:
    """Return the step in which another region's image takes the place of the whole item."""
    return lambda: store.place(written(assign("name", name), replica="euw1", at=9_000))


def puts(port: Port) -> int:
    return sum(name in ("put", "put_all") for name in port.names())


# Edits


def test_an_item_that_is_not_there_is_created() -> None:
    store = FakeItems()
    with table(store).edit(KEY) as party:
        party["name"] = "Ada"
        party.increment("balance", 5)
    assert table(store).get(KEY) == {"id": "p1", "name": "Ada", "balance": 5}


@pytest.mark.parametrize("key", ["p1", {"pk": "p1"}, {"id": "p1", "sk": "1"}, {}, None])
def test_a_key_of_another_form_is_answered_with_the_right_one(key: Any) -> None:
    store = FakeItems()
    for use in (table(store).get, lambda wrong: table(store).apply(wrong, add())):
        with pytest.raises(InvalidInput, match=r'is not a key of parties, which is \{"id": ...\}'):
            use(key)


class Machine:
    """A machine in a region where it is `true_ms`; its monotonic clock stops while it sleeps."""

    def __init__(self) -> None:
        self.true_ms = 10_000_000
        self.store = store = FakeItems()
        self.heard = heard = RegionTime(lambda: self.true_ms, lambda: 0)

        class Answering(FakeItems):
            def get(self, key: Image) -> Image | None:
                machine.heard.hear(machine.true_ms)
                return store.get(key)

            def put(self, write: Replacement) -> Superseded | None:
                machine.heard.hear(machine.true_ms)
                return store.put(write)

        machine = self
        self.table = ReplicatedTable(
            SCHEMA,
            Answering(),
            replica=lambda: "use1",
            clock=HybridClock(heard.now_ms, lambda: fixed_width(next(nonces), NONCE_WIDTH)),
            surroundings=replace(surroundings(), time_is_sure=heard.is_sure),
        )

    def last_stamp_ms(self) -> int:
        (image,) = self.store.items.values()
        return written_dot(image).hlc.wall_ms


def test_the_first_write_after_a_sleep_is_stamped_with_the_time_of_the_region() -> None:
    machine = Machine()
    machine.table.apply({"id": "p1"}, add())
    machine.true_ms += 3 * 3_600_000
    machine.table.apply({"id": "p1"}, add())
    assert machine.last_stamp_ms() >= machine.true_ms - 2_000


def test_a_block_that_was_open_while_the_machine_slept_is_stamped_when_it_is_written() -> None:
    machine = Machine()
    with machine.table.edit({"id": "p1"}) as item:
        item.increment("balance", 1)
        machine.true_ms += 3 * 3_600_000
    assert machine.last_stamp_ms() >= machine.true_ms - 2_000
    assert machine.table.get({"id": "p1"}) == {"id": "p1", "balance": 1}


def test_an_edit_keeps_what_it_does_not_touch() -> None:
    store = store_with(assign("name", "Ada"), increment("balance", 5))
    with table(store).edit(KEY) as party:
        party["name"] = "Grace"
    assert table(store).get(KEY) == {"id": "p1", "name": "Grace", "balance": 5}


def test_an_edit_block_that_raises_writes_nothing() -> None:
    store = store_with(assign("name", "Ada"))
    with pytest.raises(InvalidInput), table(store).edit(KEY) as party:
        party["name"] = 1.5
    assert puts(store) == 0


def test_an_edit_block_without_edits_writes_nothing() -> None:
    store = store_with(assign("name", "Ada"))
    with table(store).edit(KEY) as party:
        assert party["name"] == "Ada"
    assert puts(store) == 0


def test_edits_are_replayed_on_the_newer_image_without_a_second_read() -> None:
    store = store_with(increment("balance", 5))
    store.faults.append(lambda: table(store).apply(KEY, add(10)))
    with table(store).edit(KEY) as party:
        party.increment("balance", 1)
    assert balance(store) == 16
    assert store.names()[:4] == ["get", "put", "get", "put"]  # ours, and the other writer's two
    assert store.names()[4:5] == ["update"]


def test_plus_equals_on_a_counter_under_contention_adds_once() -> None:
    store = store_with(increment("balance", 5))
    store.faults.append(lambda: table(store).apply(KEY, add(10)))
    with table(store).edit(KEY) as party:
        party["balance"] += 1
    assert balance(store) == 16


# A block that ends on an image which it has not seen


def both(
    first: Callable[[ItemEditor], object],
    second: Callable[[ItemEditor], object],
    *before: Any,
) -> dict[str, Any] | None:
    """Let a block read, another block write and be acknowledged, then let the first one end."""
    store = store_with(*before) if before else FakeItems()
    slow = table(store)
    with slow.edit(KEY) as item:
        with table(store, at=1_500).edit(KEY) as other:
            first(other)
        second(item)
    return table(store).get(KEY)


def in_two_regions(
    first: Callable[[ItemEditor], object],
    second: Callable[[ItemEditor], object],
    *before: Any,
) -> dict[str, Any] | None:
    """Let the same two blocks run in two regions at once, and merge what they wrote."""
    images = []
    for replica, change, at in (("euw1", first, 1_500), ("use1", second, 1_000)):
        store = store_with(*before) if before else FakeItems()
        with table(store, replica=replica, at=at).edit(KEY) as item:
            change(item)
        (image,) = store.items.values()
        images.append(image)
    return read(merge(*images))


def put(where: Any, value: Any) -> Callable[[ItemEditor], object]:
    return lambda item: item.__setitem__(where, value)


def take(where: Any) -> Callable[[ItemEditor], object]:
    return lambda item: item.__delitem__(where)


def test_two_blocks_that_create_sets_and_maps_at_once_keep_what_both_assigned() -> None:
    def vip(item: ItemEditor) -> None:
        item["tags"] = {"vip"}
        item["profile"] = {"city": "London"}

    def new(item: ItemEditor) -> None:
        item["tags"] = {"new"}
        item["profile"] = {"zip": "W1"}

    found = both(vip, new)
    assert found == {**KEY, "tags": {"vip", "new"}, "profile": {"city": "London", "zip": "W1"}}
    assert in_two_regions(vip, new) == found


BESIDE: dict[str, tuple[Any, Any, list[Any], Any]] = {
    "a counter removed beside an increment": (
        lambda item: item.increment("balance", 7),
        take("balance"),
        [assign("balance", 100)],
        {"balance": 7},
    ),
    "a set removed beside an addition": (
        lambda item: item.add("tags", "x"),
        take("tags"),
        [assign("tags", {"a"})],
        {"tags": {"x"}},
    ),
    "an item deleted beside an edit": (
        lambda item: item.add("tags", "x"),
        ItemEditor.delete,
        [assign("tags", {"a"}), assign("name", "Ada")],
        {"tags": {"a", "x"}, "name": "Ada"},
    ),
    "a register_mv assigned twice": (
        put("notes", "one"),
        put("notes", "two"),
        [],
        {"notes": ["one", "two"]},
    ),
    "a flag set and unset": (put("active", True), put("active", False), [], {"active": True}),
    "an element discarded beside its addition": (
        lambda item: item.add("tags", "x"),
        lambda item: item.discard("tags", "x"),
        [assign("tags", {"a"})],
        {"tags": {"a", "x"}},
    ),
    "an element added beside its discard, where removing wins": (
        lambda item: item.discard("blocked", "a"),
        lambda item: item.add("blocked", "a"),
        [assign("blocked", {"a", "b"})],
        {"blocked": {"b"}},
    ),
    "a map's field removed beside another that is added": (
        put(("profile", "zip"), "W1"),
        take("profile"),
        [assign("profile", {"city": "London"})],
        {"profile": {"zip": "W1"}},
    ),
}


@pytest.mark.parametrize(
    ("first", "second", "before", "expected"), BESIDE.values(), ids=BESIDE.keys()
)
def test_a_block_takes_away_only_what_it_saw_as_if_the_two_were_in_two_regions(
    first: Any, second: Any, before: list[Any], expected: dict[str, Any]
) -> None:
    found = both(first, second, *before)
    assert found == {**KEY, **expected}
    assert in_two_regions(first, second, *before) == found


def test_a_block_that_only_adds_extends_the_lineage_it_finds() -> None:
    store = store_with(assign("balance", 1))
    with table(store).edit(KEY) as item:
        table(store).apply(KEY, add(5))
        item.increment("balance", 7)
        item["name"] = "Ada"
    (image,) = store.items.values()
    assert read(image) == {**KEY, "balance": 13, "name": "Ada"}
    assert len(context_of(image).heads) == 1


def test_a_write_beside_another_can_be_extended_and_loses_nothing_to_a_later_conflict() -> None:
    store = store_with(assign("balance", 100), assign("tags", {"a"}))
    client = table(store)
    with client.edit(KEY) as item:
        table(store, at=1_500).apply(KEY, add(7))
        del item["balance"]
    client.apply(KEY, add(5))
    (mine,) = store.items.values()
    theirs = Replica("euw1", written(assign("balance", 100))).write(increment("balance", 30))
    assert read(merge(mine, theirs)) == read(merge(theirs, mine))
    assert read(mine) == {**KEY, "balance": 12, "tags": {"a"}}


# Writers that are alike


def test_two_clients_in_one_random_state_both_count() -> None:
    # A SnapStart image or a restored snapshot: the same generator, the same millisecond.
    store = store_with(assign("balance", 0))
    clients = [table(store, draw=Random(3).random) for _ in range(2)]
    images = [store.get({"id": {"S": "p1"}}) for _ in clients]
    for client, image in zip(clients, images, strict=True):
        client._writer.memory.keep(client._writer.name(KEY), image or {})
    for client in clients:
        client.apply(KEY, add(1))
    assert balance(store) == 2


def test_two_writers_that_draw_one_nonce_in_one_millisecond_both_count() -> None:
    store = FakeItems()
    first, second = (
        ReplicatedTable(
            SCHEMA,
            store,
            replica=lambda: "use1",
            clock=clock(1_000, iter([7, 7, 7, 7])),
            surroundings=surroundings(lambda _: None, lambda: 0.5),
        )
        for _ in range(2)
    )
    with second.edit(KEY) as item:  # it reads that there is no item
        first.apply(KEY, add(1))
        item.increment("balance", 1)
    assert balance(store) == 2


def test_a_write_on_a_foreign_image_keeps_the_foreign_write() -> None:
    store = store_with(assign("name", "Ada"))
    store.faults.append(foreign_write(store))
    table(store).apply(KEY, add(1))
    assert table(store).get(KEY) == {"id": "p1", "name": "Foreign", "balance": 1}


def test_bounded_attempts_end_in_contention_and_nothing_is_written() -> None:
    store = store_with(assign("name", "Ada"))
    others = (foreign_write(store, f"other-{number}") for number in range(ATTEMPTS))
    store.faults.extend(others)
    pauses: list[float] = []
    with pytest.raises(Contention, match="nothing was written"):
        table(store, pauses=pauses).apply(KEY, add(1))
    assert puts(store) == ATTEMPTS
    assert table(store).get(KEY) == {"id": "p1", "name": f"other-{ATTEMPTS - 1}"}
    assert all(0 <= pause <= 1 for pause in pauses)


def test_every_write_has_a_version_token_of_its_own_even_beside_an_identical_one() -> None:
    image = written(increment("balance", 5))
    stores = [FakeItems(), FakeItems()]
    draws = Random(1).random
    for store in stores:
        store.place(image)
        table(store, draw=draws).apply(KEY, add(1))
    mine, theirs = (store.get({"id": {"S": "p1"}}) or {} for store in stores)
    assert context_of(mine) == context_of(theirs)
    assert token_of(mine) != token_of(theirs)


# Answers that are lost (W4)


def test_a_write_that_was_applied_although_its_answer_was_lost_succeeds_once() -> None:
    store = store_with(increment("balance", 5))
    store.faults.append(APPLIED)
    answer = table(store).apply(KEY, add(1))
    assert answer == {"id": "p1", "balance": 6}
    assert balance(store) == 6


def test_a_creation_whose_answer_was_lost_succeeds_once() -> None:
    store = FakeItems()
    store.faults.append(APPLIED)
    table(store).apply(KEY, add(1))
    assert balance(store) == 1


def test_a_write_that_never_arrived_is_sent_again_as_the_same_image() -> None:
    store = store_with(increment("balance", 5))
    sent: list[str] = []
    carry_out = store.put

    def watched(write: Any) -> Any:
        sent.append(repr(write.image))
        return carry_out(write)

    store.put = watched  # type: ignore[method-assign]
    store.faults.append(NEVER_ARRIVED)
    table(store).apply(KEY, add(1))
    assert balance(store) == 6
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_a_lost_answer_and_a_foreign_write_end_in_outcome_unknown_and_no_second_try() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([APPLIED, foreign_write(store)])
    with pytest.raises(OutcomeUnknown) as caught:
        table(store).apply(KEY, add(1))
    assert puts(store) == 2
    (dot,) = caught.value.evidence["dots"]
    assert Dot.parse(dot).lineage.replica == "use1"
    assert table(store).get(KEY) == {"id": "p1", "name": "Foreign"}


def test_a_creation_whose_answer_was_lost_succeeds_if_another_client_built_on_it() -> None:
    store = FakeItems()
    writer = table(store)

    def another_client_builds_on_it() -> None:
        table(store).apply(KEY, add(10))

    store.faults.extend([APPLIED, another_client_builds_on_it])
    writer.apply(KEY, add(1))  # it started its lineage, so whoever holds the lineage holds it
    assert balance(store) == 11


def test_a_write_that_never_arrived_is_not_taken_for_another_clients_write_in_its_lineage() -> None:
    """Both clients extend one lineage: a later stamp in it covers a dot that was never written."""
    store = store_with(increment("balance", 5))
    later = table(store, at=50_000)
    store.faults.extend([NEVER_ARRIVED, lambda: later.apply(KEY, add(10))])
    with pytest.raises(OutcomeUnknown):
        table(store, at=2_000).apply(KEY, add(1))
    assert balance(store) == 15


def test_a_write_that_never_arrived_is_not_taken_for_an_identical_one_of_another_client() -> None:
    """The same edit of the same image in the same millisecond: only the token tells them apart."""
    store = store_with(increment("balance", 5))
    draws = Random(1).random
    twin = table(store, draw=draws)
    store.faults.extend([NEVER_ARRIVED, lambda: twin.apply(KEY, add(1))])
    with pytest.raises(OutcomeUnknown):
        table(store, draw=draws).apply(KEY, add(1))
    assert balance(store) == 6


def test_an_item_deleted_outright_after_a_lost_answer_is_not_written_again() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([APPLIED, store.items.clear])
    with pytest.raises(OutcomeUnknown):
        table(store).apply(KEY, add(1))
    assert store.items == {}


def test_a_put_without_metadata_after_a_lost_answer_is_not_written_over() -> None:
    store = store_with(increment("balance", 5))
    raw = {"id": {"S": "p1"}, "balance": {"N": "99"}}
    store.faults.extend([APPLIED, lambda: store.place(raw)])
    with pytest.raises(OutcomeUnknown):
        table(store).apply(KEY, add(1))
    assert balance(store) == 99


def test_a_newer_releases_write_after_a_lost_answer_leaves_the_outcome_unknown() -> None:
    """An older client said that its write was refused, although it had been carried out."""
    store = store_with(increment("balance", 5))
    store.faults.extend([APPLIED, lambda: store.place(of_a_newer_release(store))])
    with pytest.raises(OutcomeUnknown):
        table(store).apply(KEY, add(1))
    assert balance(store) == 6


def test_an_item_of_a_newer_release_refuses_an_older_client_and_stays_as_it_is() -> None:
    store = store_with(increment("balance", 5))
    store.place(newer := of_a_newer_release(store))
    with pytest.raises(UnknownWireVersion, match="deploy the newer release"):
        table(store).apply(KEY, add(1))
    assert list(store.items.values()) == [newer]


def of_a_newer_release(store: FakeItems) -> dict[str, Any]:
    (image,) = store.items.values()
    metadata = {**image["_rec"]["M"], "v": {"N": "2"}, "t": {"S": "newer"}}
    return {**image, "_rec": {"M": metadata}}


def test_answers_that_are_all_lost_end_in_outcome_unknown_naming_the_dot() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([NEVER_ARRIVED] * ATTEMPTS)
    with pytest.raises(OutcomeUnknown) as caught:
        table(store).apply(KEY, add(1))
    assert len(caught.value.evidence["dots"]) == 1
    assert balance(store) == 5


def test_doubt_is_not_forgotten_when_later_tries_are_refused() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([APPLIED, *[REFUSED] * (ATTEMPTS - 1)])
    with pytest.raises(OutcomeUnknown):
        table(store).apply(KEY, add(1))
    assert balance(store) == 6


def test_an_unavailable_store_is_tried_again() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([REFUSED, REFUSED])
    pauses: list[float] = []
    table(store, pauses=pauses).apply(KEY, add(1))
    assert balance(store) == 6
    assert len(pauses) == 2


def test_an_unavailable_read_is_tried_again() -> None:
    store = store_with(increment("balance", 5))
    store.read_faults.append(REFUSED)
    assert table(store).get(KEY) == {"id": "p1", "balance": 5}


def test_a_store_that_stays_unavailable_is_reported_and_nothing_is_written() -> None:
    store = store_with(increment("balance", 5))
    store.faults.extend([REFUSED] * ATTEMPTS)
    with pytest.raises(Unavailable):
        table(store).apply(KEY, add(1))
    assert balance(store) == 5
    assert puts(store) == ATTEMPTS


# What a client remembers


def test_a_steady_write_from_the_same_client_is_one_round_trip() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, add(1))
    store.log.clear()
    for _ in range(3):
        writer.apply(KEY, add(1))
    assert store.names() == ["put", "put", "put"]
    assert balance(store) == 4


def test_where_others_write_around_the_library_an_item_is_read_before_it_is_written_on() -> None:
    """A raw value was gone from all readers until a detector had it put back."""
    store = FakeItems()
    writer = table(store, outside_writers="expected")
    writer.apply(KEY, rename("Ada"))
    image = store.get({"id": {"S": "p1"}}) or {}
    store.place({**image, "fax": {"S": "raw"}})

    answer = writer.apply(KEY, add(1))

    assert (answer or {})["fax"] == "raw"
    assert table(store).get(KEY) == {**KEY, "name": "Ada", "fax": "raw", "balance": 1}


def test_what_a_type_cannot_hold_is_assigned_over_as_a_dict_user_does() -> None:
    """The error said "assign it", and an assignment met the same error."""
    store = store_with(edits.increment("balance", 3), edits.add("tags", "a"))
    image = store.get({"id": {"S": "p1"}}) or {}
    store.place({**image, "balance": {"S": "x"}, "tags": {"S": "y"}})

    def change(item: ItemEditor) -> None:
        item["balance"] = 5
        item["tags"] = {"b"}

    assert table(store).apply(KEY, change) == {**KEY, "balance": 5, "tags": {"b"}}


def test_steady_writes_stay_in_one_lineage() -> None:
    store = FakeItems()
    writer = table(store)
    for _ in range(5):
        writer.apply(KEY, add(1))
    image = store.get({"id": {"S": "p1"}}) or {}
    assert len(context_of(image).heads) == 1


def test_a_change_that_refuses_a_stale_image_is_run_again_on_a_fresh_one() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, add(1))
    table(store).apply(KEY, add(100))

    def spend(item: ItemEditor) -> None:
        if item["balance"] < 50:
            raise ValueError("not enough")
        item.increment("balance", -50)

    assert writer.apply(KEY, spend) == {"id": "p1", "balance": 51}


def test_what_is_beneath_a_change_is_looked_at_afresh_as_no_condition_tells_of_raw_writes() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, add(1))
    store.place({**(store.get({"id": {"S": "p1"}}) or {}), "email": {"S": "ada@example.org"}})

    def only_without_email(image: Image | None) -> Image | None:
        if "email" in (image or {}):
            raise ValueError("another version")
        return image

    with pytest.raises(ValueError, match="another version"):
        writer.apply(KEY, add(1), only_without_email)
    assert balance(store) == 1


def test_a_change_that_refuses_a_fresh_image_is_seen_by_the_caller_and_nothing_is_written() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, add(1))
    store.log.clear()

    def refuse(item: ItemEditor) -> None:
        raise ValueError(f"has only {item['balance']}")

    with pytest.raises(ValueError, match="has only 1"):
        writer.apply(KEY, refuse)
    assert store.names() == ["get"]


def test_a_change_that_would_do_nothing_on_a_stale_image_is_run_on_a_fresh_one() -> None:
    """The client remembers "active"; another has ended it since, and no write would have told."""
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, rename("active"))
    table(store).apply(KEY, rename("ended"))

    def activate(item: ItemEditor) -> None:
        if item["name"] != "active":
            item["name"] = "active"

    assert writer.apply(KEY, activate) == {"id": "p1", "name": "active"}
    assert table(store).get(KEY) == {"id": "p1", "name": "active"}


def test_a_change_that_raises_on_the_newer_image_of_a_refused_write_writes_nothing() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, add(60))
    table(store).apply(KEY, add(-50))

    def spend(item: ItemEditor) -> None:
        if item["balance"] < 50:
            raise ValueError("not enough")
        item.increment("balance", -50)

    with pytest.raises(ValueError, match="not enough"):
        writer.apply(KEY, spend)
    assert balance(store) == 10


def test_a_client_remembers_a_bounded_number_of_items() -> None:
    store = FakeItems()
    writer = table(store)
    for number in range(REMEMBERED_ITEMS + 1):
        writer.apply({"id": f"p{number}"}, add(1))
    store.log.clear()
    writer.apply({"id": f"p{REMEMBERED_ITEMS}"}, add(1))
    writer.apply({"id": "p0"}, add(1))
    assert store.names() == ["put", "get", "put"]


# Transactions

TWO: list[tuple[dict[str, Any], Callable[[ItemEditor], None]]] = [
    ({"id": "p1"}, add(-5)),
    ({"id": "p2"}, add(5)),
]


def two_accounts() -> FakeItems:
    store = FakeItems()
    for identifier in ("p1", "p2"):
        table(store).apply({"id": identifier}, add(100))
    store.log.clear()
    return store


def balances(store: FakeItems) -> list[Any]:
    images = (store.items[name] for name in sorted(store.items))
    return [(read(image) or {})["balance"] for image in images]


def test_a_transaction_writes_all_its_items_each_with_a_stamp() -> None:
    store = two_accounts()
    table(store, at=5_000).transact(TWO)
    assert balances(store) == [95, 105]
    assert all(written_dot(image).hlc.wall_ms == 5_000 for image in store.items.values())
    assert store.names() == ["get", "get", "put_all"]


def test_a_refused_item_is_replayed_on_its_newer_image_without_another_read() -> None:
    store = two_accounts()
    store.faults.append(lambda: table(store).apply({"id": "p2"}, add(7)))
    table(store).transact(TWO)
    others = ["get", "put"]
    assert store.names() == ["get", "get", "put_all", *others, "put_all"]
    assert balances(store) == [95, 112]


def test_a_transaction_that_stays_refused_ends_in_contention_and_writes_nothing() -> None:
    store = two_accounts()

    def other() -> None:
        table(store).apply({"id": "p2"}, add(1))

    for _ in range(ATTEMPTS):
        store.faults.extend([other, None])  # the other writer's own put takes the second
    with pytest.raises(Contention):
        table(store).transact(TWO)
    assert balances(store) == [100, 100 + ATTEMPTS]


@pytest.mark.parametrize("fault", [APPLIED, NEVER_ARRIVED, REFUSED])
def test_a_transaction_whose_answer_is_lost_is_carried_out_once(fault: Any) -> None:
    store = two_accounts()
    store.faults.append(fault)
    table(store).transact(TWO)
    assert balances(store) == [95, 105]


def test_a_transaction_that_is_never_answered_names_the_dots_of_all_its_writes() -> None:
    store = two_accounts()
    store.faults.extend([APPLIED] * ATTEMPTS)
    store.put_all = lost  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown) as caught:
        table(store).transact(TWO)
    assert len(caught.value.evidence["dots"]) == 2


def lost(writes: Any) -> Any:
    raise OutcomeUnknown("no answer")


def test_identical_transactions_of_two_clients_both_count() -> None:
    """Made of the same images in the same millisecond, they must not pass for one resent."""
    store = two_accounts()
    draws = Random(1).random
    first, second = table(store, draw=draws), table(store, draw=draws)
    store.faults.append(lambda: second.transact(TWO))
    first.transact(TWO)
    assert balances(store) == [90, 110]


def test_a_transaction_whose_changes_change_nothing_sends_nothing() -> None:
    store = FakeItems()  # so there is nothing to delete
    table(store).transact([({"id": "p1"}, ItemEditor.delete)])
    assert puts(store) == 0


def test_a_change_that_raises_stops_the_whole_transaction() -> None:
    store = two_accounts()

    def refuse(item: ItemEditor) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        table(store).transact([({"id": "p1"}, add(1)), ({"id": "p2"}, refuse)])
    assert balances(store) == [100, 100]


@pytest.mark.parametrize("keys", [[], ["p1", "p1"], [f"p{n}" for n in range(101)]])
def test_a_transaction_edits_1_to_100_items_each_once(keys: list[str]) -> None:
    store = FakeItems()
    with pytest.raises(InvalidInput, match="1 to 100"):
        table(store).transact([({"id": key}, add(1)) for key in keys])
    assert store.log == []


# What readers see


def test_readers_see_neither_tombstones_nor_metadata() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, rename("Ada"))
    assert writer.get(KEY) == {"id": "p1", "name": "Ada"}
    with writer.edit(KEY) as party:
        party.delete()
    assert writer.get(KEY) is None
    assert len(store.items) == 1


def test_a_query_yields_plain_items_and_leaves_tombstones_out() -> None:
    store = FakeItems("id", "at")
    for number in range(4):
        image = written(assign("name", f"n{number}")) | {"at": {"N": str(number)}}
        store.place(image)
    store.place(Replica("use1").write(assign("name", "x")) | {"at": {"N": "9"}})
    found = table(store).query(
        KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"}, Limit=2
    )
    assert [item["name"] for item in found] == ["n0", "n1", "n2", "n3", "x"]
    assert store.names() == ["query"] * 3


def test_a_query_leaves_deleted_items_out() -> None:
    store = FakeItems()
    writer = table(store)
    writer.apply(KEY, rename("Ada"))
    with writer.edit(KEY) as party:
        party.delete()
    found = writer.query(KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"})
    assert list(found) == []


class Index(FakeItems):
    """What an index shows: some attributes of each item."""

    def __init__(self, *shown: str) -> None:
        super().__init__()
        self.shown = shown

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        for image in super().query(parameters):
            yield {name: wire for name, wire in image.items() if name in self.shown}


def by_index(store: FakeItems, schema: Schema = SCHEMA) -> list[dict[str, Any]]:
    return list(
        table(store, schema=schema).query(
            IndexName="by-id",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": "p1"},
        )
    )


@pytest.mark.parametrize("shown", [("id",), ("id", "_rec_ttl")])
def test_an_index_that_cannot_tell_a_deleted_item_is_refused_with_the_fix(
    shown: tuple[str, ...],
) -> None:
    deleted = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    store = Index(*shown)
    store.place(deleted)
    with pytest.raises(InvalidInput, match=r"index by-id .* _rec"):
        by_index(store)


def test_an_index_on_a_tables_own_time_to_live_cannot_tell_a_deleted_item_either() -> None:
    schema = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    store = Index("id", "until")
    store.place(Replica("use1", written(assign("until", 5))).write(DELETE, schema=schema))
    with pytest.raises(InvalidInput, match=r"index by-id .* _rec"):
        by_index(store, schema)


def test_an_index_that_shows_more_than_the_key_shows_a_living_item() -> None:
    store = Index("id", "name")
    store.place(written(assign("name", "Ada"), assign("note", "x")))
    assert by_index(store) == [{"id": "p1", "name": "Ada"}]


def test_an_index_that_projects_the_metadata_leaves_deleted_items_out() -> None:
    store = Index("id", "_rec")
    store.place(Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000))
    assert by_index(store) == []


def test_an_item_from_before_the_library_that_is_only_a_key_is_found_in_the_table() -> None:
    store = FakeItems()
    store.place({"id": {"S": "p1"}})
    found = table(store).query(
        KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"}
    )
    assert list(found) == [{"id": "p1"}]


# Bad input never reaches the table


def assigning(name: Any, value: Any) -> Callable[[ItemEditor], None]:
    def change(item: ItemEditor) -> None:
        item[name] = value

    return change


BAD: dict[str, Callable[[ItemEditor], None]] = {
    "a float": assigning("name", 1.5),
    "the reserved map": assigning("_rec", "x"),
    "a reserved name": assigning("_rec_ttl", 1),
    "a key edit": assigning("id", "p2"),
    "an empty set in a register": assigning("name", set()),
    "39 digits": assigning("name", Decimal("1" * 39)),
    "an empty path": assigning((), "x"),
    "adding to a text": lambda item: item.add("name", "x"),
    "a field of a number": assigning(("balance", "x"), 1),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_bad_input_raises_before_anything_is_sent(change: Callable[[ItemEditor], None]) -> None:
    store = FakeItems()
    with pytest.raises(InvalidInput):
        table(store).apply(KEY, change)
    assert puts(store) == 0


def test_an_item_over_400_kb_raises_and_nothing_is_written() -> None:
    store = FakeItems()
    with pytest.raises(ItemTooLarge, match="409,600"):
        table(store).apply(KEY, rename("x" * 410_000))
    assert puts(store) == 0


def test_one_bad_item_keeps_a_whole_transaction_from_being_sent() -> None:
    store = two_accounts()
    with pytest.raises(InvalidInput):
        table(store).transact([*TWO[:1], ({"id": "p2"}, assigning("name", 1.5))])
    assert puts(store) == 0


# Every increment once, whatever happens

FAULTS = st.sampled_from([None, None, REFUSED, APPLIED, NEVER_ARRIVED])


class Schedule:
    """Two clients of one region; each write may be preceded by edits of the other client."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.store = FakeItems()
        draw = Random(data.draw(st.integers(0, 99))).random
        self.clients = [table(self.store, at=1_000, draw=draw) for _ in range(2)]
        self.places = iter(range(MAX_DIGITS))
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self.refused: set[int] = set()

    def step(self, client: int, depth: int = 0) -> None:
        """Add a new power of ten, and keep what its writer was told."""
        place = next(self.places, None)
        if place is None:
            return
        amount = 10**place
        mine = [self.fault(1 - client, depth) for _ in range(self.data.draw(st.integers(0, 3)))]
        held, self.store.faults = self.store.faults, type(self.store.faults)(mine)
        try:
            blind = self.data.draw(st.booleans())
            self.clients[client].apply(KEY, blindly(amount) if blind else add(amount))
            self.acknowledged.add(amount)
        except OutcomeUnknown:
            self.unknown.add(amount)
        except (Unavailable, Contention):
            self.refused.add(amount)
        finally:
            self.store.faults = held

    def fault(self, other: int, depth: int) -> Any:
        if depth < 2 and self.data.draw(st.booleans()):
            return lambda: self.step(other, depth + 1)
        return self.data.draw(FAULTS)


@given(st.data())
def test_acknowledged_increments_count_once_refused_ones_never_doubtful_ones_at_most_once(
    data: st.DataObject,
) -> None:
    schedule = Schedule(data)
    for client in data.draw(st.lists(st.sampled_from([0, 1]), min_size=1, max_size=6)):
        schedule.step(client)
    digits = str(balance(schedule.store) or 0)[::-1]
    counted = {10**place: int(digit) for place, digit in enumerate(digits)}
    assert set(counted.values()) <= {0, 1}
    assert all(counted.get(amount) == 1 for amount in schedule.acknowledged)
    assert all(counted.get(amount, 0) == 0 for amount in schedule.refused)


@pytest.mark.parametrize("name", ["ProjectionExpression", "Select", "AttributesToGet"])
def test_a_query_that_would_hide_the_metadata_is_refused(name: str) -> None:
    parties = table(FakeItems())

    with pytest.raises(InvalidInput, match=name):
        list(parties.query(KeyConditionExpression="id = :id", **{name: "id"}))
