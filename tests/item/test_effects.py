"""One write's effect on an item: it finds a deleted one empty, and keeps the item alive."""

import pytest

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.crdt.base import LocalWrite
from reconciler.errors import TypeMismatch
from reconciler.item.effects import alive, applied
from reconciler.item.filing import file
from reconciler.item.image import DELETE
from tests.builders import SCHEMA, Replica, assign, increment, remove, written

BASE = written(assign("name", "Ada"), increment("balance", 100))
DELETED = Replica("use1", BASE).write(DELETE, at=2_000)
DOT = Dot(Lineage.of("euw1", fixed_width(3_000, EPOCH_WIDTH)), Hlc.of(3_000))
WRITE = LocalWrite(DOT, {})


def test_a_write_finds_a_deleted_item_empty() -> None:
    item = applied(file(DELETED), increment("balance", 5), WRITE, SCHEMA.spec("balance"))

    assert item.exists
    assert item.shown() == {"balance": {"N": "5"}}


def test_whatever_a_write_does_it_keeps_the_item_alive_and_alone_does() -> None:
    item = applied(file(BASE), remove("name"), WRITE, SCHEMA.spec("name"))

    assert (item.alive, item.dead) == ((DOT,), ())
    assert alive(file(DELETED), DOT).alive == (DOT,)


def test_a_value_that_the_type_cannot_hold_is_only_assigned_or_removed() -> None:
    item = file({**BASE, "balance": {"S": "many"}})
    spec = SCHEMA.spec("balance")

    with pytest.raises(TypeMismatch, match="put there around the library: assign it, or remove it"):
        applied(item, increment("balance", 5), WRITE, spec)
    assert applied(item, assign("balance", 5), WRITE, spec).shown()["balance"] == {"N": "5"}
    assert "balance" not in applied(item, remove("balance"), WRITE, spec).shown()
