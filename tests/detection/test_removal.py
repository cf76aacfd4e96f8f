"""What becomes of hard deletes of items that named writes keep alive."""

from typing import Any

import pytest

from reconciler.detection.change import parse
from reconciler.detection.removal import Fate, fate_of
from reconciler.item.image import DELETE
from reconciler.item.metadata import NAMES
from reconciler.values.wire import Image
from tests.builders import Replica, as_stream, assign, written

HERE: Image = {"id": {"S": "p1"}}
AT_MS = 10_000_000


def name(at_ms: int) -> Image:
    told = {"L": [{"S": "increment"}, {"S": "balance"}, {"N": "5"}]}
    who: Image = {"by": {"S": "use1"}, "at": {"N": str(at_ms)}, "id": {"S": "A" * 11}}
    return {"balance": {"N": "5"}, NAMES: {"L": [{"M": {**who, "do": {"L": [told]}}}]}}


def tombstone() -> Image:
    replica = Replica("use1")
    replica.write(assign("name", "Ada"))
    return replica.write(DELETE)


def fate(removed: Image) -> Fate:
    told: dict[str, Any] = {"Keys": HERE, "OldImage": as_stream(removed)}
    change = parse({"eventName": "REMOVE", "dynamodb": {**told, "SequenceNumber": "1"}})
    return fate_of(change, AT_MS, restores=False, ttl_attribute="")


@pytest.mark.parametrize("beneath", [HERE, written(assign("name", "Ada")), tombstone()])
@pytest.mark.parametrize(("age_ms", "expected"), [(1_000, Fate.ASKED), (600_000, Fate.STANDS)])
def test_a_hard_delete_that_takes_a_fresh_named_write_is_asked_about(
    beneath: Image, age_ms: int, expected: Fate
) -> None:
    """Of an item of names alone it was taken for a broken record, which nobody can read."""
    assert fate({**beneath, **name(AT_MS - age_ms)}) is expected
