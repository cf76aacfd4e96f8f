"""Keyed writes: one key counts once, in any region, whatever became of its answers."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.causality.keys import Once, stem_of
from reconciler.client.editor import ItemEditor
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.folding import folded
from reconciler.errors import InvalidInput, KeyExpired, KeyReused, OutcomeUnknown
from reconciler.item.filing import file
from reconciler.item.image import merge, read
from reconciler.item.metadata import METADATA, encode
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, Wire, to_json
from tests.builders import KEY, increment, surroundings, written
from tests.client.test_table import table
from tests.fakes import AnswerLost, FakeItems

AT = 1_000_000_000
ONCE = Once("order-17", AT - 60_000)
HERE: Image = {"id": {"S": "p1"}}
OTHER: dict[str, Any] = {"id": "p2"}
APPLIED, NEVER_ARRIVED = AnswerLost(applied=True), AnswerLost(applied=False)
SHORT = Schema.of(
    table="parties",
    key=["id"],
    attributes={"balance": "counter_pn", "tags": "set_aw"},
    key_lifetime_minutes=10,
)


def client(store: FakeItems, replica: str = "use1", at: int = AT) -> ReplicatedTable:
    return table(store, replica=replica, at=at, schema=SHORT)


def store(*edits: Any) -> FakeItems:
    made = FakeItems()
    made.place(written(*(edits or (increment("balance", 100),)), at=AT - 500_000))
    return made


def add(amount: int = 10) -> Callable[[ItemEditor], None]:
    return lambda item: item.increment("balance", amount)


def shown(*stores: FakeItems) -> Any:
    """Return the balance once what the regions hold is merged."""
    first, *rest = (each.get(HERE) or {} for each in stores)
    for image in rest:
        assert to_json(merge(first, image)) == to_json(merge(image, first))
        first = merge(first, image)
    return (read(first) or {}).get("balance")


def test_a_key_that_is_repeated_counts_once_and_is_answered_with_the_item() -> None:
    here = store()
    assert client(here).apply(KEY, add(), once=ONCE) == {"id": "p1", "balance": 110}
    puts = here.names().count("put")
    assert client(here).apply(KEY, add(), once=ONCE) == {"id": "p1", "balance": 110}
    assert here.names().count("put") == puts


def test_a_key_that_a_named_write_of_another_client_carried_out_is_answered() -> None:
    here, key = store(), ONCE.lineage()
    done: Wire = {"L": [{"S": "increment"}, {"S": "balance"}, {"N": "10"}]}
    name: Image = {"by": {"S": "use1"}, "id": {"S": "0" * 11}, "at": {"N": str(AT)}}
    name |= {"do": {"L": [done]}, "once": {"S": key.epoch}}
    listed: Wire = {"L": [{"M": name}, {"S": stem_of(key)}]}
    here.place({**(here.get(HERE) or {}), "balance": {"N": "110"}, "_rec_w": listed})

    assert client(here).apply(KEY, add(), once=ONCE) == {"id": "p1", "balance": 110}
    assert client(here).apply(KEY, add(7)) == {"id": "p1", "balance": 117}
    assert client(here).apply(KEY, add(), once=ONCE) == {"id": "p1", "balance": 117}


def test_a_repetition_is_told_from_the_write_itself_with_the_image_as_it_is_now() -> None:
    here = store()
    first = client(here).carry_out(KEY, add(), once=ONCE)
    assert (first.image, first.repeated) == (here.get(HERE), False)
    client(here).apply(KEY, add(7))
    again = client(here).carry_out(KEY, add(), once=ONCE)
    assert (again.image, again.repeated) == (here.get(HERE), True)
    assert client(here).carry_out(KEY, add()).repeated is False


def test_of_a_transaction_each_item_is_told_whether_it_was_carried_out_before() -> None:
    here = store()
    client(here).apply(KEY, add(), once=ONCE)
    several = client(here).transact([(KEY, add()), (OTHER, add(1))], once=ONCE)
    assert [each.repeated for each in several] == [True, False]
    assert [each.image for each in several] == [here.get(HERE), here.get({"id": {"S": "p2"}})]


def test_a_key_that_two_regions_carry_out_counts_once() -> None:
    here, there = store(), store()
    client(here).apply(KEY, add(), once=ONCE)
    client(here).apply(KEY, add(7))
    client(there, "euw1", AT + 50).apply(KEY, add(), once=ONCE)
    client(there, "euw1", AT + 60).apply(KEY, add(5))
    assert shown(here, there) == 122


def test_a_key_that_came_with_replication_is_not_carried_out_again() -> None:
    here, there = store(), FakeItems()
    client(here).apply(KEY, add(), once=ONCE)
    there.place(here.get(HERE) or {})
    client(there, "euw1").apply(KEY, add(3))
    client(there, "euw1").apply(KEY, add(), once=ONCE)
    assert shown(there) == 113


@pytest.mark.parametrize("change", ["edit", "transact"])
def test_a_block_and_a_transaction_count_once_too(change: str) -> None:
    here = store()
    for _ in range(2):
        if change == "transact":
            client(here).transact([(KEY, add()), (OTHER, add(1))], once=ONCE)
        else:
            with client(here).edit(KEY, once=ONCE) as item:
                item.increment("balance", 10)
    assert shown(here) == 110


def test_a_transaction_of_which_one_item_came_by_replication_edits_the_other_one() -> None:
    here, there = store(), store()
    client(here).transact([(KEY, add()), (OTHER, add(1))], once=ONCE)
    there.place(here.get(HERE) or {})
    client(there, "euw1").transact([(KEY, add()), (OTHER, add(1))], once=ONCE)
    assert shown(there) == 110
    assert read(there.get({"id": {"S": "p2"}})) == {"id": "p2", "balance": 1}


@pytest.mark.parametrize("lost", [APPLIED, NEVER_ARRIVED])
def test_a_keyed_write_in_doubt_is_made_again_and_counts_once(lost: AnswerLost) -> None:
    here = store()
    here.faults.extend([lost] * 3)
    client(here).apply(KEY, add(), once=ONCE)
    assert shown(here) == 110


def test_a_keyed_write_that_was_overwritten_unseen_is_made_again_and_counts_once() -> None:
    here, before = store(), store().get(HERE) or {}
    lost: list[Image] = []

    def overwrite() -> None:
        lost.append(here.get(HERE) or {})
        here.place(written(increment("balance", 5), replica="euw1", at=AT + 5))

    here.faults.extend([APPLIED, overwrite])
    client(here).apply(KEY, add(), once=ONCE)
    merged = merge(merge(lost[0], here.get(HERE) or {}), before)
    assert (read(merged) or {})["balance"] == 115


def test_a_keyed_write_in_doubt_is_not_told_as_refused_by_what_refuses_its_next_try() -> None:
    """Its answer was lost, and the item had a newer release's form when it was made again."""
    here = store()

    def overwrite() -> None:
        newer = dict(here.get(HERE) or {})
        metadata = {**newer[METADATA]["M"], "v": {"N": "99"}}
        here.place({**newer, METADATA: {"M": metadata}})

    here.faults.extend([APPLIED, overwrite])
    with pytest.raises(OutcomeUnknown, match="make it again"):
        client(here).apply(KEY, add(), once=ONCE)


def test_nor_is_a_keyed_transaction_none_of_whose_answers_arrived() -> None:
    here = store()

    def overwrite_unheard() -> None:
        newer = dict(here.get(HERE) or {})
        here.place({**newer, METADATA: {"M": {**newer[METADATA]["M"], "v": {"N": "99"}}}})
        raise OutcomeUnknown("the answer was lost")

    here.faults.extend([overwrite_unheard] * 2_000)
    with pytest.raises(OutcomeUnknown, match="make it again"):
        client(here).transact([(KEY, add()), (OTHER, add(1))], once=ONCE)


def test_a_keyed_write_that_never_gets_an_answer_says_that_it_may_be_made_again() -> None:
    here = store()
    here.faults.extend([NEVER_ARRIVED] * 2_000)
    with pytest.raises(OutcomeUnknown, match="make it again"):
        client(here).apply(KEY, add(), once=ONCE)


@pytest.mark.parametrize("issued", [AT - 10 * 60_000 - 1, AT + 61_000])
def test_a_key_that_is_too_old_or_of_the_future_is_refused_before_anything(issued: int) -> None:
    here = store()
    with pytest.raises(KeyExpired):
        client(here).apply(KEY, add(), once=Once("order-17", issued))
    assert "put" not in here.names()


def test_a_key_with_another_payload_is_refused() -> None:
    here = store()
    client(here).apply(KEY, add(), once=Once("order-17", AT, b"10"))
    with pytest.raises(KeyReused):
        client(here).apply(KEY, add(11), once=Once("order-17", AT, b"11"))
    assert shown(here) == 110


def test_a_key_without_a_time_is_refused_with_the_fix() -> None:
    with pytest.raises(InvalidInput, match="UUIDv7"):
        client(store()).apply(KEY, add(), once="order-17")


def test_assignments_and_sets_are_made_again_as_the_later_write() -> None:
    here, there = store(), store()

    def change(item: ItemEditor) -> None:
        item["name"] = "Ada"
        item.add("tags", "vip")
        item["balance"] = 50

    client(here).apply(KEY, change, once=ONCE)
    client(there, "euw1", AT + 50).apply(KEY, change, once=ONCE)
    first, second = (each.get(HERE) or {} for each in (here, there))
    assert read(merge(first, second)) == {
        "id": "p1",
        "name": "Ada",
        "tags": {"vip"},
        "balance": 50,
    }


def test_a_key_that_is_forgotten_in_the_item_is_answered_as_one_that_stands_there() -> None:
    here = store()
    client(here).apply(KEY, add(), once=ONCE)
    item, lineage = file(here.get(HERE) or {}), ONCE.lineage()
    here.place(encode(folded(item, lineage.replica, lineage.epoch)))
    assert client(here).apply(KEY, add(), once=ONCE) == {"id": "p1", "balance": 110}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=14))
def test_however_keys_are_repeated_in_regions_each_counts_once(
    tries: list[tuple[int, int]],
) -> None:
    stores = [store(), store(), store()]
    for place, (region, key) in enumerate(tries):
        writer = client(stores[region], f"r{region}x", AT + place)
        writer.apply(KEY, add(10**key), once=Once(f"order-{key}", AT - key))
        if place % 3 == 2:  # what one region has reaches another one
            onto = stores[(region + 1) % 3]
            onto.place(merge(stores[region].get(HERE) or {}, onto.get(HERE) or {}))
    assert shown(*stores) == 100 + sum(10**key for key in {key for _, key in tries})


def by(way: str, writer: ReplicatedTable, change: Callable[[ItemEditor], None]) -> None:
    """Carry out a keyed change in one of the three ways there are."""
    if way == "apply":
        writer.apply(KEY, change, once=ONCE)
    elif way == "transact":
        writer.transact([(KEY, change)], once=ONCE)
    else:
        with writer.edit(KEY, once=ONCE) as item:
            change(item)


@pytest.mark.parametrize("way", ["apply", "edit", "transact"])
def test_a_change_that_finds_nothing_to_do_spends_its_key_all_the_same(way: str) -> None:
    """Made again, it once took away what others had added since."""
    here = store(increment("balance", 100))
    client(here).apply(KEY, lambda item: item.add("tags", "a"))

    def change(item: ItemEditor) -> None:
        item["tags"] = {"a"}

    by(way, client(here), change)
    client(here, at=AT + 50).apply(KEY, lambda item: item.add("tags", "b"))
    by(way, client(here, at=AT + 99), change)

    assert (client(here).get(KEY) or {})["tags"] == {"a", "b"}


@pytest.mark.parametrize("way", ["apply", "edit", "transact"])
def test_a_change_whose_condition_did_not_hold_is_not_made_when_it_is_repeated(way: str) -> None:
    here = store(increment("balance", 100))

    def change(item: ItemEditor) -> None:
        if item.get("name") == "open":
            item.increment("balance", 10)

    by(way, client(here), change)
    client(here, at=AT + 50).apply(KEY, lambda item: item.update({"name": "open"}))
    by(way, client(here, at=AT + 99), change)

    assert (client(here).get(KEY) or {})["balance"] == 100


@pytest.mark.parametrize("way", ["apply", "edit", "transact"])
def test_a_repeated_delete_of_what_was_not_there_leaves_what_others_created_since(way: str) -> None:
    here = FakeItems()

    by(way, client(here), lambda item: item.delete())
    assert client(here).get(KEY) is None
    client(here, at=AT + 50).apply(KEY, lambda item: item.increment("balance", 50))
    by(way, client(here, at=AT + 99), lambda item: item.delete())

    assert (client(here).get(KEY) or {})["balance"] == 50


@pytest.mark.parametrize("delete", ["update_wins", "delete_wins"])
def test_a_key_spent_where_there_is_no_item_deletes_none_that_another_region_creates(
    delete: Literal["update_wins", "delete_wins"],
) -> None:
    schema = SHORT.model_copy(update={"delete": delete})
    here, there = FakeItems(), FakeItems()
    table(here, at=AT, schema=schema).apply(KEY, lambda item: item.delete(), once=ONCE)
    table(there, replica="euw1", at=AT, schema=schema).apply(KEY, add(50))

    merged = merge(here.get(HERE) or {}, there.get(HERE) or {})
    assert (read(merged) or {})["balance"] == 50
    assert "_rec_ttl" in (here.get(HERE) or {}), "nobody would ever remove it"


def test_a_change_that_finds_nothing_to_do_leaves_an_item_as_deleted_as_it_was() -> None:
    here, never = store(), FakeItems()
    client(here).apply(KEY, lambda item: item.delete())

    for items in (here, never):
        assert client(items, at=AT + 50).apply(KEY, lambda item: item.delete(), once=ONCE) is None
        assert client(items).get(KEY) is None


def test_a_key_that_grew_too_old_while_a_block_was_open_is_refused_when_it_is_sent() -> None:
    here, now = store(), [AT]
    writer = ReplicatedTable(
        SHORT,
        here,
        replica=lambda: "use1",
        clock=HybridClock(lambda: now[0], lambda: fixed_width(1, NONCE_WIDTH)),
        surroundings=surroundings(lambda _: None, lambda: 0.5),
    )

    def too_late() -> None:
        with writer.edit(KEY, once=ONCE) as item:
            item.increment("balance", 10)
            now[0] += 10 * 60_000

    with pytest.raises(KeyExpired):
        too_late()
    assert "put" not in here.names()
