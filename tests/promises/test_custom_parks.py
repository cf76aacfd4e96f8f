"""A conflict whose merge function fails is parked whole, and merges once the function works."""

from typing import Any

import pytest

from reconciler.crdt import custom
from reconciler.deployment.telemetry import PARKED
from reconciler.item.image import read
from reconciler.resolution.resolver import Message, Resolver
from reconciler.values.wire import to_json
from tests.builders import Replica, as_stream, assign
from tests.crdt.deciding import SCHEMA, told
from tests.fakes import Fakes
from tests.resolution.test_resolver import event

WIRE_KEY = {"id": {"S": "p1"}}
LOST = Replica("use1").write(assign("colour", "red"), assign("name", "Ada"), schema=SCHEMA)
WINNER = Replica("euw1").write(assign("colour", "blue"), at=2_000, schema=SCHEMA)


class World(Fakes):
    """A resolver, and the item in which the winner stands."""

    def __init__(self) -> None:
        super().__init__()
        self.items.place(WINNER)
        self.resolver = Resolver(self.ports, lambda: 20_000)

    def item(self) -> Any:
        return self.items.items[to_json(WIRE_KEY)]


def failing(values: list[Any], _about: custom.Siblings) -> Any:
    raise KeyError("no such colour")


@pytest.mark.parametrize(
    ("registered", "cause"),
    [
        ({}, "is not registered in this process"),
        ({"told": failing}, "failed: KeyError: 'no such colour'"),
    ],
)
def test_a_conflict_is_parked_whole_and_merges_once_its_function_works(
    registered: dict[str, Any], cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    monkeypatch.setattr(custom, "_FUNCTIONS", registered)

    assert world.resolver.resolve([Message("m1", event(LOST, WINNER))]) == []

    assert world.item() == WINNER
    assert world.ledger.states() == ["PARKED"]
    (document,) = world.parked.documents
    assert document["reason"] == f"MergeFunctionFailed: colour: the merge function 'told' {cause}"
    assert document["event"]["lost"] == as_stream(LOST)
    assert world.telemetry.counts[PARKED] == 1

    registered["told"] = told
    assert world.resolver.resolve([Message("m2", event(LOST, WINNER))]) == []

    plain = read(world.item()) or {}
    assert plain["name"] == "Ada"
    assert plain["colour"]["values"] == ["blue", "red"]
    assert world.ledger.states() == ["RESOLVED"]
