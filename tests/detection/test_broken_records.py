"""One record, item or row that is broken stands in no other's way (D6)."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from reconciler.deployment import telemetry
from reconciler.detection.change import parse, records_in
from reconciler.errors import MOST_REASON, InvalidInput, ReconcilerError
from reconciler.item.image import write
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, Replica, assign, clock, increment, written
from tests.detection.test_detector import NOW, World, loss, record

HOUR_MS = 3_600_000


def neighbours_of(bad: Any, **setting: Any) -> World:
    """Detect a batch with a loss before and a loss behind; both must be safe."""
    world = World(**setting)
    assert world.detect(loss(1), bad, loss(3, name="Bob")) is None
    assert [event.sequence_number for event in world.bus.sent][:: len(world.bus.sent) - 1] == [
        "1",
        "3",
    ]
    return world


def parked_alone(bad: Any, **setting: Any) -> dict[str, Any]:
    """Return the document in which a record is parked, whole."""
    world = neighbours_of(bad, **setting)
    (document,) = world.parked.documents
    assert document["record"] == bad
    assert len(document["reason"]) <= MOST_REASON
    return dict(document)


@pytest.mark.parametrize(
    "value",
    [{"B": "some data"}, {"N": "Infinity"}, {}, {"S": "\ud800"}, {"SS": []}, {"M": ""}, {"S": 5}],
    ids=str,
)
def test_a_loss_whose_image_holds_no_value_of_dynamodb_is_parked_and_the_rest_done(
    value: Any,
) -> None:
    bad = loss(2)
    bad["dynamodb"]["OldImage"]["note"] = value
    parked_alone(bad)


def test_a_loss_nested_as_deep_as_dynamodb_takes_is_kept_in_the_evidence_bucket() -> None:
    deep: Any = {"S": "x"}
    for _ in range(31):
        deep = {"M": {"a": deep}}
    base = written(assign("name", "Ada"))
    bad = record(
        2, base | {"doc": deep}, Replica("euw1", base).write(assign("name", "Eve"), at=2_000)
    )
    world = neighbours_of(bad)
    (event,) = (each for each in world.bus.sent if each.sequence_number == "2")
    row = world.ledger.rows[event.conflict_id]
    assert row["images_ref"] == {"S": event.images_ref}
    assert "lost" not in row
    assert "doc" in world.evidence.documents[str(event.images_ref)]


@pytest.mark.parametrize(
    "heads",
    [
        {"\x01" * 110_000: {"S": "0" * 12}},
        {f"use1.{number:013d}": {"S": f"{number:012d}"} for number in range(14_621)},
        {f"use1.0{number}": {"S": "0" * 12} for number in range(9)},
    ],
    ids=["control characters", "too many", "nine without sense"],
)
def test_a_context_that_no_row_can_name_is_parked_with_a_short_reason(heads: Image) -> None:
    mine = written(assign("name", "Ada"))
    told = mine["_rec"]["M"] | {"c": {"M": heads}}
    parked_alone(
        record(2, mine | {"_rec": {"M": told}}, written(assign("name", "Eve"), replica="euw1"))
    )


def newer(number: int, created_s: float | None) -> dict[str, Any]:
    image = written(assign("name", "Ada"))
    made = record(number, image | {"_rec": {"M": {"v": {"N": "2"}}}}, image)
    made["dynamodb"]["ApproximateCreationDateTime"] = created_s
    return made


def test_a_version_of_the_future_waits_an_hour_and_is_then_parked_and_counted() -> None:
    world = World(now=HOUR_MS + 8_999)
    assert world.detect(loss(1), newer(2, 9.0), loss(3)) == "2"
    assert world.telemetry.counts[telemetry.UNKNOWN_VERSIONS] == 0
    world = neighbours_of(newer(2, 9.0), now=HOUR_MS + 9_000)
    assert world.telemetry.counts[telemetry.UNKNOWN_VERSIONS] == 1
    assert len(world.parked.documents) == 1


def test_a_version_of_the_future_whose_age_nobody_knows_does_not_wait() -> None:
    assert parked_alone(newer(2, None))["reason"].startswith("UnknownWireVersion")


@pytest.mark.parametrize(
    "bad",
    [None, "text", 7, [], {}, {"dynamodb": None}, {"dynamodb": []}, {"dynamodb": {"Keys": 5}}],
    ids=str,
)
def test_what_is_no_stream_record_is_parked_as_it_is(bad: Any) -> None:
    parked_alone(bad)


def test_records_without_a_number_do_not_share_one_row() -> None:
    world = World()
    assert world.detect(None, {}, {"dynamodb": None}) is None  # type: ignore[arg-type]
    assert len(world.ledger.rows) == len(world.evidence.documents) == 3
    again = dict(world.ledger.rows)
    world.detect(None, {}, {"dynamodb": None})  # type: ignore[arg-type]
    assert world.ledger.rows == again


def test_a_record_without_its_time_is_read() -> None:
    made = loss(1)
    del made["dynamodb"]["ApproximateCreationDateTime"]
    assert parse(made).created_at_ms is None
    world = World()
    assert world.detect(made) is None
    assert [event.lost_at_ms for event in world.bus.sent] == [str(NOW)]


@pytest.mark.parametrize("event", [{"key1": "value1"}, {"Records": None}, None, []], ids=str)
def test_an_event_of_another_source_is_answered_with_the_source_that_is_expected(
    event: Any,
) -> None:
    with pytest.raises(InvalidInput, match="DynamoDB stream"):
        records_in(event)


def spoiled(part: str, value: Any) -> Callable[[Image], Image]:
    return lambda image: image | {"_rec": {"M": image["_rec"]["M"] | {part: value}}}


BROKEN = {
    "a watermark": spoiled("w", {"M": {"use1": {"S": "Z"}}}),
    "a lineage": lambda image: spoiled(
        "c", {"M": image["_rec"]["M"]["c"]["M"] | {"x": {"S": "0" * 12}}}
    )(image),
    "a stamp": spoiled("c", {"M": {"use1.0000000v80001": {"S": "zz"}}}),
    "no dots": lambda image: (
        image | {"_rec": {"M": {k: v for k, v in image["_rec"]["M"].items() if k != "d"}}}
    ),
    "no states": spoiled("a", {"S": "short"}),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN.keys())
def test_broken_metadata_that_covers_the_old_one_is_parked(spoil: Callable[[Image], Image]) -> None:
    replica = Replica("use1")
    old, new = replica.write(assign("name", "Ada")), replica.write(increment("balance"))
    parked_alone(record(2, old, spoil(new)))


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_an_edit_of_an_item_with_broken_metadata_is_refused_with_the_fix(name: str) -> None:
    image = BROKEN[name](written(assign("name", "Ada")))
    given: dict[str, Any] = {"key": KEY, "schema": SCHEMA, "replica": "use1"}
    with pytest.raises(
        ReconcilerError, match="put the item back as it was, or remove the attribute"
    ):
        write(image, [assign("name", "x")], clock=clock(9_000, iter([1])), **given)


def test_a_loss_of_more_writes_than_a_row_can_name_is_parked_and_the_rest_done() -> None:
    many = deepcopy(written(assign("name", "Ada")))
    many["_rec"]["M"]["c"]["M"] |= {
        f"use1.-----Ec{number:011d}": {"S": "-----Ec--"} for number in range(3_000)
    }
    bad = record(2, many, written(assign("note", "Eve"), replica="euw1", at=2_000))
    document = parked_alone(bad)
    assert "no ledger row can name them" in document["reason"]
