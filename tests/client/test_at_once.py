"""Keyed edits of many items at once: what is done in few calls, and what is left."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reconciler.causality.keys import Once
from reconciler.client.table import ReplicatedTable
from reconciler.errors import InvalidInput, KeyExpired, OutcomeUnknown, Unavailable
from reconciler.item.image import read
from reconciler.ports import KeyedEdit
from reconciler.values.wire import Image, to_json
from tests.bench.hot_counter import client
from tests.fakes import FakeItems

NOW_MS = 1_790_000_000_000


class Many(FakeItems):
    """A store that is asked for many items at once; `trouble` is what inserts end in."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        self.comes: Callable[[], object] = lambda: None  # before an insert
        self.trouble: Exception | None = None

    def images(self, keys: Sequence[Image]) -> list[Image | None]:
        return [self.get(key) for key in keys]

    def insert(self, images: Sequence[Image]) -> list[bool]:
        self.comes()
        self.calls.append(len(images))
        written = []
        for image in images:
            is_there = self.get({"id": image["id"]}) is not None
            if not is_there:
                self.place(image)
            written.append(not is_there)
        if self.trouble:
            raise self.trouble
        return written


@pytest.fixture
def store() -> Many:
    return Many()


@pytest.fixture
def table(store: Many) -> ReplicatedTable:
    return client(store, lambda: NOW_MS)


def adding(key: str, amount: int = 5, *, payload: bytes = b"") -> KeyedEdit:
    once = Once(f"line {key}", NOW_MS - 1_000, payload)
    return KeyedEdit({"id": key}, lambda item: item.increment("balance", amount), once)


def balances(store: Many) -> dict[str, Any]:
    shown = [read(image) or {} for image in store.items.values()]
    return {each["id"]: each["balance"] for each in shown}


def test_new_items_are_inserted_25_a_call_and_each_answer_is_what_stands(
    store: Many, table: ReplicatedTable
) -> None:
    edits = [adding(f"p{number}") for number in range(60)]
    answers = table.carry_out_at_once(store, edits)
    assert store.calls == [25, 25, 10]
    assert [each and each.image for each in answers] == [
        store.get({"id": {"S": f"p{number}"}}) for number in range(60)
    ]
    assert not any(each and each.repeated for each in answers)


def test_edits_that_come_again_are_answered_and_nothing_is_sent(
    store: Many, table: ReplicatedTable
) -> None:
    edits = [adding("p1"), adding("p2")]
    table.carry_out_at_once(store, edits)
    before = to_json([*store.items.values()])
    answers = client(store, lambda: NOW_MS).carry_out_at_once(store, edits)
    assert [each and each.repeated for each in answers] == [True, True]
    assert store.calls == [2]
    assert to_json([*store.items.values()]) == before


def test_an_item_that_is_there_is_left_and_so_is_one_that_comes_meanwhile(
    store: Many, table: ReplicatedTable
) -> None:
    table.apply({"id": "p1"}, lambda item: item.increment("balance", 100))
    store.comes = lambda: table.apply({"id": "p2"}, lambda item: item.increment("balance", 100))
    edits = [adding("p1"), adding("p2"), adding("p3")]

    first, second, third = table.carry_out_at_once(store, edits)

    assert (first, second) == (None, None)
    assert third is not None
    for edit in edits[:2]:
        table.carry_out(edit.key, edit.change, once=edit.once)
    assert balances(store) == {"p1": 105, "p2": 105, "p3": 5}


def test_a_batch_that_cannot_be_sent_holds_up_no_other_batch(
    store: Many, table: ReplicatedTable
) -> None:
    def fails_first() -> None:
        if not store.calls:
            store.calls.append(0)
            raise OSError("what nobody thought of")

    store.comes = fails_first
    answers = table.carry_out_at_once(store, [adding(f"p{number}") for number in range(30)])
    assert answers[:25] == [None] * 25
    assert all(answers[25:])


@pytest.mark.parametrize(
    "trouble",
    [
        OutcomeUnknown("lost"),
        Unavailable("throttled"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        OSError("no such socket"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_edit_whose_answer_was_lost_is_left_and_counts_once(
    store: Many, table: ReplicatedTable, trouble: Exception
) -> None:
    store.trouble = trouble
    edit = adding("p1")
    assert table.carry_out_at_once(store, [edit]) == [None]
    assert table.carry_out(edit.key, edit.change, once=edit.once).repeated
    assert balances(store) == {"p1": 5}


def test_edits_whose_items_cannot_be_looked_for_are_left(
    store: Many, table: ReplicatedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(keys: Sequence[Image]) -> list[Image | None]:
        raise Unavailable("throttled")

    monkeypatch.setattr(store, "images", refuses)
    assert table.carry_out_at_once(store, [adding("p1"), adding("p2")]) == [None, None]


@pytest.mark.parametrize("problem", [InvalidInput("no"), OSError("what nobody thought of")])
def test_an_edit_that_is_refused_holds_up_no_other(
    store: Many, table: ReplicatedTable, problem: Exception
) -> None:
    def refuse(_: Any) -> None:
        raise problem

    bad = KeyedEdit({"id": "p1"}, refuse, Once("bad", NOW_MS))
    assert table.carry_out_at_once(store, [bad]) == [None]
    first, second = table.carry_out_at_once(store, [bad, adding("p2")])
    assert first is None
    assert second is not None
    assert store.calls == [1]


def test_a_key_that_is_reused_is_left_to_be_refused_alone(
    store: Many, table: ReplicatedTable
) -> None:
    table.carry_out_at_once(store, [adding("p1", payload=b"one")])
    assert table.carry_out_at_once(store, [adding("p1", payload=b"other")]) == [None]


def test_keys_that_are_too_old_are_refused_before_anything_is_sent(store: Many) -> None:
    late = client(store, lambda: NOW_MS + 86_400_000)
    with pytest.raises(KeyExpired):
        late.carry_out_at_once(store, [adding("p1")])
    assert store.calls == []
