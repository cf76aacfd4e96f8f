"""What differs between two looks at an item, and what of it can be known."""

import pytest

from reconciler.conflict.row import Row
from reconciler.item.adoption import adopted
from reconciler.item.image import DELETE, merge
from reconciler.sweeping.differences import Expired, Look, Unknowable, differs, lasts, losses
from reconciler.values.wire import Image
from tests.builders import Replica, assign, increment, written
from tests.named import named_on
from tests.resolution.test_past import row
from tests.sweeping.replicas import SCHEMA

KEY: Image = {"id": {"S": "p1"}}
OLD = written(assign("name", "Ada"))
NEW = Replica("use1", OLD).write(increment("balance", 5), at=2_000)
NEWER = Replica("use1", NEW).write(increment("balance", 7), at=3_000)
THEIRS = Replica("euw1", OLD).write(assign("email", "eve"), at=2_500)
RAW: Image = {**KEY, "name": {"S": "Ada"}}
OTHER_RAW: Image = {**KEY, "name": {"S": "Eve"}}
STAMPED = adopted(RAW, KEY, SCHEMA.spec)
NOW_MS = 4_000


def look(us: Image | None, eu: Image | None) -> Look:
    return {"us-east-1": us, "eu-west-1": eu}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(look(NEW, OLD), look(NEW, NEW), False, id="replication brought it"),
        pytest.param(look(NEW, OLD), look(NEW, OLD), True, id="it did not"),
        pytest.param(look(NEW, OLD), look(NEWER, NEW), False, id="one write further, it is behind"),
        pytest.param(look(NEWER, OLD), look(NEWER, NEW), True, id="it brought only some of it"),
        pytest.param(look(NEW, THEIRS), look(NEW, THEIRS), True, id="each lacks something"),
        pytest.param(look(NEW, None), look(NEW, None), True, id="missing"),
        pytest.param(look(NEW, None), look(None, None), False, id="a delete was on its way"),
        pytest.param(look(NEW, None), look(NEWER, None), True, id="missing, and written elsewhere"),
        pytest.param(look(None, NEW), look(NEW, None), False, id="a delete may be on its way"),
        pytest.param(look(NEW, NEW), look(NEW, None), False, id="a delete is on its way"),
        pytest.param(look(RAW, OTHER_RAW), look(RAW, OTHER_RAW), True, id="two plain ones"),
        pytest.param(look(RAW, OTHER_RAW), look(NEW, OTHER_RAW), False, id="one was written since"),
        pytest.param(look(RAW, STAMPED), look(RAW, STAMPED), True, id="a stamp did not arrive"),
    ],
)
def test_what_lasts_is_what_replication_had_time_to_bring(
    first: Look, second: Look, expected: bool
) -> None:
    assert lasts(first, second) is expected


def test_items_differ_if_not_all_replicas_show_the_same() -> None:
    assert differs(look(NEW, OLD))
    assert differs(look(None, OLD))
    assert not differs(look(OLD, OLD))
    assert not differs(look(None, None))


def found(us: Image | None, eu: Image | None, *told: Row, now_ms: int = NOW_MS) -> object:
    return losses(look(us, eu), lambda: told, now_ms)


def test_what_has_names_is_merged() -> None:
    assert found(NEW, OLD) == [NEW, OLD]
    assert found(NEW, None) == [NEW]
    assert found(named_on(NEW, increment("balance", 1)), NEW) == [
        named_on(NEW, increment("balance", 1)),
        NEW,
    ]


@pytest.mark.parametrize(
    ("us", "eu"),
    [
        pytest.param(RAW, OTHER_RAW, id="two plain ones"),
        pytest.param(RAW, None, id="a plain one that is missing"),
        pytest.param(NEW, RAW, id="a plain one beside a managed one"),
        pytest.param({**NEW, "name": {"S": "x"}}, {**NEW, "name": {"S": "y"}}, id="one token"),
        pytest.param(NEW, written(assign("name", "x"), replica="euw1"), id="two lives"),
    ],
)
def test_what_nobody_can_know_is_told(us: Image | None, eu: Image | None) -> None:
    assert isinstance(found(us, eu), Unknowable)


def test_what_a_ledger_says_was_deleted_is_not_brought_back() -> None:
    removed = row(NEW, None)
    assert isinstance(found(NEW, None, removed), Unknowable)


def test_a_tombstone_that_time_to_live_takes_is_not_brought_back() -> None:
    dead = Replica("use1", merge(NEW, NEW)).write(DELETE, at=3_000)
    assert found(dead, None) == [dead]
    assert isinstance(found(dead, None, now_ms=3_000 + 9 * 86_400_000), Expired)
