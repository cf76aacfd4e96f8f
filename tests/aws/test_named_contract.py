"""The item store's contract for named writes: what DynamoDB makes of one, and when it refuses."""

from itertools import count
from typing import Any

import pytest

from reconciler.aws.items import DynamoItems
from reconciler.client.table import ReplicatedTable
from reconciler.errors import InvalidInput
from reconciler.item.edits import add, assign, discard, increment
from reconciler.item.image import DELETE, read
from reconciler.item.metadata import NAMES
from reconciler.item.standing import MOST_BESIDE_A_NAME, Standing
from reconciler.ports import Naming, Superseded
from reconciler.values.wire import Image, Wire, canonical_image
from tests.aws.test_contract import KEY, Store, both, make_table
from tests.builders import SCHEMA, Replica, clock, surroundings, written

nonces = count(1)


@pytest.fixture
def store(kind: str, aws: None) -> Store:
    return Store(kind, "id")


def element(identifier: str = "A" * 11, at_ms: int = 10_000, **more: Wire) -> Wire:
    told: Image = {"by": {"S": "use1"}, "at": {"N": str(at_ms)}, "id": {"S": identifier}}
    return {"M": {**told, "do": {"L": []}, **more}}


def named(*edits: Any, standing: Standing | None = None, **parts: Any) -> Naming:
    return Naming(KEY, edits, element(**parts), standing)


@both
def test_a_named_write_answers_with_the_item_after_it(store: Store) -> None:
    store.place(before := written(increment("balance", 0)))
    answer = store.port.update(named(increment("balance", 5), assign("name", "Ada")))

    assert not isinstance(answer, Superseded)
    shown = {"balance": {"N": "5"}, "name": {"S": "Ada"}}
    assert canonical_image(answer) == canonical_image(
        {**before, **shown, NAMES: {"L": [element()]}}
    )
    assert store.current() == canonical_image(answer)


@both
def test_a_named_write_does_each_verb_and_leaves_the_rest_alone(store: Store) -> None:
    held = {"profile": {"visits": 1, "city": "Paris"}, "balance": 5, "tags": {"a", "b"}}
    store.place(before := written(*(assign(name, value) for name, value in held.items())))
    store.port.update(
        named(
            increment("balance", -2),
            increment(("profile", "visits"), 2),
            assign(("profile", "city"), "Rome"),
            add("labels", "new"),
            discard("tags", "a", "x"),
            assign("name", "Ada"),
        )
    )

    after = store.current() or {}
    assert after["_rec"] == before["_rec"]
    assert read({**after, NAMES: {"L": []}}) == {
        "id": "p1",
        "profile": {"visits": 3, "city": "Rome"},
        "balance": 3,
        "tags": {"b"},
        "labels": {"new"},
        "name": "Ada",
    }


@both
def test_names_stand_in_the_order_in_which_they_were_made(store: Store) -> None:
    store.place(written(increment("balance", 0)))
    for letter in "ABC":
        store.port.update(named(increment("balance", 1), identifier=letter * 11))

    listed = (store.current() or {})[NAMES]["L"]
    assert [each["M"]["id"]["S"][0] for each in listed] == ["A", "B", "C"]


def deleted() -> Image:
    replica = Replica("use1")
    replica.write(increment("balance", 1))
    return replica.write(DELETE)


def of_a_newer_release() -> Image:
    image = written(increment("balance", 1))
    return {**image, "_rec": {"M": {**image["_rec"]["M"], "v": {"N": "2"}}}}


def full_of_names() -> Image:
    return {**written(increment("balance", 0)), NAMES: {"L": [element()] * MOST_BESIDE_A_NAME}}


def plain() -> Image:
    return {**KEY, "balance": {"N": "2"}}


def nothing() -> Image:
    return {}


def full_of_lineages() -> Image:
    image = written(increment("balance", 1))
    heads = {f"use1.{number:018}": {"S": "0" * 9} for number in range(MOST_BESIDE_A_NAME)}
    return {**image, "_rec": {"M": {**image["_rec"]["M"], "c": {"M": heads}}}}


@both
@pytest.mark.parametrize(
    "held", [deleted, of_a_newer_release, full_of_names, full_of_lineages, plain, nothing]
)
def test_an_item_that_takes_no_name_is_left_alone_and_shown(store: Store, held: Any) -> None:
    if held():
        store.place(held())
    before = store.current()
    answer = store.port.update(named(increment("balance", 1)))

    assert isinstance(answer, Superseded)
    assert canonical_image(answer.current or {}) == (before or {})
    assert store.current() == before


@both
@pytest.mark.parametrize(
    "edit",
    [increment("name", 1), add("name", "x"), increment(("gone", "visits"), 1), add("tags", 1)],
    ids=["text plus one", "text as a set", "a map that is not there", "members of another kind"],
)
def test_what_the_item_is_not_for_is_bad_input_and_changes_nothing(store: Store, edit: Any) -> None:
    store.place(written(assign("name", "Ada"), add("tags", "x")))
    before = store.current()
    with pytest.raises(InvalidInput):
        store.port.update(named(edit))

    assert store.current() == before


def adding(standing: Standing) -> Naming:
    return named(increment("balance", 7), at_ms=10_000, to={"N": "10001"}, standing=standing)


@both
@pytest.mark.parametrize("place", [0, 1])
def test_a_name_that_stands_is_added_to_in_its_place(store: Store, place: int) -> None:
    names = [element("A" * 11), element("B" * 11)]
    store.place({**written(increment("balance", 1)), NAMES: {"L": names}})
    standing = Standing(names[place], place, 2, "B" * 11)
    answer = store.port.update(adding(standing))

    assert not isinstance(answer, Superseded)
    listed = answer[NAMES]["L"]
    assert listed[1 - place] == names[1 - place]
    assert listed[place]["M"]["to"] == {"N": "10001"}
    assert answer["balance"] == {"N": "8"}
    assert store.current() == canonical_image(answer)


@both
@pytest.mark.parametrize(
    "standing",
    [
        Standing(element("A" * 11, at_ms=9_999), 0, 2, "B" * 11),
        Standing(element("A" * 11), 0, 1, "A" * 11),
        Standing(element("A" * 11), 0, 3, "B" * 11),
        Standing(element("A" * 11), 0, 2, "C" * 11),
        Standing(element("A" * 11), 1, 2, "B" * 11),
        Standing(element("A" * 11), 5, 6, "B" * 11),
    ],
    ids=["another", "more behind it", "fewer", "another behind it", "moved", "gone"],
)
def test_a_name_that_stands_otherwise_is_not_added_to(store: Store, standing: Standing) -> None:
    names = [element("A" * 11), element("B" * 11)]
    store.place({**written(increment("balance", 1)), NAMES: {"L": names}})
    before = store.current()
    answer = store.port.update(adding(standing))

    assert isinstance(answer, Superseded)
    assert canonical_image(answer.current or {}) == before == store.current()


def test_clients_over_dynamodb_add_to_one_counter_in_one_call_each(aws: None) -> None:
    dynamodb = make_table("parties", "id")
    dynamodb.put_item(TableName="parties", Item=written(increment("balance", 0)))
    calls: list[str] = []
    dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    clients = [
        ReplicatedTable(
            SCHEMA,
            DynamoItems("parties", dynamodb),
            replica=lambda: "use1",
            clock=clock(10_000_000, nonces),
            surroundings=surroundings(),
        )
        for _ in range(3)
    ]
    for client in clients * 4:
        shown = client.apply({"id": "p1"}, lambda item: item.increment("balance", 2))

    assert shown == {"id": "p1", "balance": 24}
    assert calls[-6:] == ["UpdateItem"] * 6
    assert set(calls) == {"UpdateItem"}
    assert len(dynamodb.get_item(TableName="parties", Key=KEY)["Item"][NAMES]["L"]) == 3
