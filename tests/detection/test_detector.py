"""The detector: every loss is safe before its batch is done, and one record stops no shard."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import replica_id
from reconciler.conflict.verdict import Finding
from reconciler.deployment import telemetry
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import InvalidInput, OutcomeUnknown, UnsupportedStream
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import METADATA
from reconciler.values.size import item_size
from reconciler.values.wire import canonical_image
from tests.builders import SCHEMA, Replica, add, as_stream, assign, increment, written
from tests.fakes import (
    REFUSED,
    Call,
    Fakes,
)

US, EU, ASIA = "us-east-1", "eu-west-1", "ap-southeast-1"
NOW = 10_000


class World(Fakes):
    """A detector, with fakes that share one call log."""

    def __init__(
        self, region: str = US, outside_writes: Any = "accept", now: int = NOW, **policy: Any
    ) -> None:
        super().__init__(code=replica_id(region))
        self.now = now
        decided = DetectorPolicy("parties", region, outside_writes, **policy)
        self.detector = Detector(decided, self.ports, lambda: self.now)

    def detect(self, *records: Mapping[str, Any]) -> str | None:
        return self.detector.detect(records)


def record(number: int, old: Any, new: Any, **changed: Any) -> dict[str, Any]:
    """Return a stream record as Lambda passes it on."""
    change: dict[str, Any] = {
        "Keys": {"id": {"S": "p1"}},
        "SequenceNumber": str(number),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "ApproximateCreationDateTime": 9.0,
    }
    if old is not None:
        change["OldImage"] = as_stream(old)
    if new is not None:
        change["NewImage"] = as_stream(new)
    return {"eventName": "MODIFY", "dynamodb": change | changed}


def loss(number: int, *, name: str = "Ada", at: int = 1_000) -> dict[str, Any]:
    """Return a record in which this region's write lost against Europe's."""
    mine = written(assign("name", name), at=at)
    return record(number, mine, written(assign("name", "Eve"), replica="euw1", at=2_000))


def clean(number: int) -> dict[str, Any]:
    replica = Replica("use1")
    return record(number, replica.write(assign("name", "Ada")), replica.write(increment("balance")))


def of_version(version: str, number: int) -> dict[str, Any]:
    image = written(assign("name", "Ada"))
    return record(number, image | {"_rec": {"M": {"v": {"N": version}}}}, image)


def undecodable(number: int) -> dict[str, Any]:
    return of_version("0", number)


# Row first, then the event (D3)


def test_the_row_is_written_before_the_event_is_sent() -> None:
    world = World()
    assert world.detect(loss(1)) is None
    (event,) = world.bus.sent
    assert world.log == [
        Call("record", (event.conflict_id,)),
        Call("publish", (event.conflict_id,)),
    ]
    row = world.ledger.rows[event.conflict_id]
    assert row["state"] == {"S": "OPEN"}
    assert read(row["lost"]["M"]) == {"id": "p1", "name": "Ada"}


def test_the_row_and_the_event_hold_the_whole_losing_image() -> None:
    world = World()
    lost = written(assign("name", b"\x00\xff"), assign("tags", {b"\x01"}))
    world.detect(record(1, lost, written(assign("name", "x"), replica="euw1")))
    (event,) = world.bus.sent
    assert canonical_image(event.lost or {}) == canonical_image(lost)
    assert world.ledger.rows[event.conflict_id]["lost"] == {"M": canonical_image(lost)}


def test_clean_records_cost_no_call() -> None:
    world = World()
    assert world.detect(clean(1), clean(2), record(3, None, written(increment("balance")))) is None
    assert world.log == []
    assert world.telemetry.counts[telemetry.RECORDS] == 3


def test_a_batch_of_losses_costs_one_call_of_the_ledger_and_one_of_the_bus() -> None:
    world = World()
    assert world.detect(*(loss(n, name=f"n{n}", at=1_000 + n) for n in range(30))) is None
    assert world.calls() == ["record", "publish"]
    assert [event.sequence_number for event in world.bus.sent] == [str(n) for n in range(30)]
    assert world.telemetry.counts[telemetry.CONFLICTS] == 30


def test_a_row_that_is_not_written_keeps_its_event_back_and_returns_the_batch_from_there() -> None:
    world = World()
    world.ledger.refuses.append(lambda ids: {ids[1]})
    returned = world.detect(loss(1, at=1_001), loss(2, at=1_002), loss(3, at=1_003))
    assert returned == "2"
    assert [event.sequence_number for event in world.bus.sent] == ["1"]


def test_an_event_that_is_not_accepted_returns_the_batch_from_the_first_such() -> None:
    world = World()
    world.bus.refuses.append(lambda ids: {ids[1], ids[3]})
    returned = world.detect(*(loss(n, at=1_000 + n) for n in range(5)))
    assert returned == "1"
    assert len(world.ledger.rows) == 5
    assert world.telemetry.counts[telemetry.DETECTION_FAILURES] == 2


def test_a_ledger_that_is_down_keeps_every_event_back() -> None:
    world = World()
    world.ledger.refuses.append(set)
    assert world.detect(clean(1), loss(2, at=1_001), loss(3, at=1_002)) == "2"
    assert world.calls() == ["record"]


def test_the_same_loss_twice_in_one_batch_fails_at_its_first_record() -> None:
    world = World()
    world.bus.refuses.append(set)
    assert world.detect(clean(1), loss(2), loss(3)) == "2"


# Records that cannot be decoded


def test_a_record_of_a_newer_release_waits_for_it_and_is_not_parked() -> None:
    """A deployment across regions buried the parking place under every write of that time."""
    world = World()
    assert world.detect(loss(1), of_version("2", 2), loss(3)) == "2"
    assert world.parked.documents == []
    assert [event.sequence_number for event in world.bus.sent] == ["1"]


def test_an_undecodable_record_is_parked_whole_and_the_ones_after_it_are_detected() -> None:
    world = World()
    bad = undecodable(1)
    assert world.detect(bad, loss(2)) is None
    (document,) = world.parked.documents
    assert document["record"] == bad
    assert document["reason"].startswith("Undecodable: metadata version")
    assert [event.sequence_number for event in world.bus.sent] == ["2"]
    assert sorted(world.ledger.states()) == ["OPEN", "PARKED"]


def test_a_record_without_its_number_is_parked_and_the_ones_after_it_are_detected() -> None:
    world = World()
    bad = loss(1)
    del bad["dynamodb"]["SequenceNumber"]
    assert world.detect(bad, loss(2)) is None
    (document,) = world.parked.documents
    assert document["reason"].startswith("Undecodable: the record's key, number")
    assert [event.sequence_number for event in world.bus.sent] == ["2"]


@pytest.mark.parametrize("time", ["soon", [], float("inf")])
def test_a_loss_at_a_time_that_nobody_can_read_is_detected_all_the_same(time: Any) -> None:
    world = World()
    bad = loss(1)
    bad["dynamodb"]["ApproximateCreationDateTime"] = time
    assert world.detect(bad, loss(2)) is None
    assert [event.sequence_number for event in world.bus.sent] == ["1", "2"]


def test_an_undecodable_record_is_kept_for_ever_and_its_row_says_where() -> None:
    world = World()
    bad = undecodable(1)
    world.detect(bad)
    (row,) = world.ledger.rows.values()
    assert json.loads(world.evidence.documents[row["images_ref"]["S"]]) == {"record": bad}
    assert "expires" not in row


def test_a_record_that_cannot_be_kept_fails_the_batch() -> None:
    world = World()
    world.evidence.faults.append(REFUSED)
    assert world.detect(loss(1), undecodable(2), loss(3)) == "2"
    assert [event.sequence_number for event in world.bus.sent] == ["1"]
    assert world.parked.documents == []


def test_the_row_of_an_undecodable_record_is_written_before_it_is_parked_and_names_its_item() -> (
    None
):
    world = World()
    world.detect(undecodable(1))
    assert world.calls() == ["keep", "record", "park"]
    (row,) = world.ledger.rows.values()
    assert row["item_key"] == {"S": '{"id":{"S":"p1"}}'}
    assert row["reason"]["S"].startswith("Undecodable: metadata version")


def _without(*path: str) -> dict[str, Any]:
    image = json.loads(json.dumps(as_stream(written(assign("name", "Ada")))))
    at: Any = image["_rec"]["M"]
    for name in path[:-1]:
        at = at[name]
    del at[path[-1]]
    return dict(image)


def _with_context(context: Any) -> dict[str, Any]:
    image = as_stream(written(assign("name", "Ada")))
    image["_rec"]["M"]["c"] = context
    return image


MALFORMED: Mapping[str, Any] = {
    "no context": _without("c"),
    "no token": _without("t"),
    "no version": _without("v"),
    "a context that is no map": _with_context({"M": "x"}),
    "a head that is no text": _with_context({"M": {"use1.0000000000001": {"N": "1"}}}),
    "a head that is no value": _with_context({"M": {"use1.0000000000001": "x"}}),
    "metadata that is no map": {"id": {"S": "p1"}, "_rec": {"S": "x"}},
    "metadata that is nothing": {"id": {"S": "p1"}, "_rec": None},
}


@pytest.mark.parametrize("image", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("which", ["old", "new"])
def test_metadata_of_any_other_shape_parks_its_record_alone(which: str, image: Any) -> None:
    """A corrupt head once raised out of the detector and failed its batch until it expired."""
    world = World()
    good = written(assign("name", "Eve"), replica="euw1")
    bad = record(1, image, good) if which == "old" else record(1, good, image)
    assert world.detect(bad, loss(2)) is None
    assert [document["record"] for document in world.parked.documents] == [bad]
    assert [event.sequence_number for event in world.bus.sent] == ["2"]


@pytest.mark.parametrize("keys", [{}, None, {"id": {"X": "?"}}, {"id": "p1"}, "p1"])
def test_a_record_without_readable_keys_is_parked_whole(keys: Any) -> None:
    world = World()
    bad = loss(1)
    bad["dynamodb"]["Keys"] = keys
    assert world.detect(bad, loss(2)) is None
    assert [document["record"] for document in world.parked.documents] == [bad]
    assert len(world.bus.sent) == 1


def test_a_batch_stops_where_parking_fails() -> None:
    world = World()
    world.parked.faults.append(REFUSED)
    assert world.detect(loss(1), undecodable(2), loss(3, at=1_001)) == "2"
    assert [event.sequence_number for event in world.bus.sent] == ["1"]


@pytest.mark.parametrize("fault", [OutcomeUnknown("no answer"), InvalidInput("refused for good")])
def test_parking_that_fails_in_any_way_stops_the_batch_there_and_not_before(
    fault: Exception,
) -> None:
    world = World()
    world.parked.faults.append(fault)
    assert world.detect(loss(1), undecodable(2)) == "2"
    assert len(world.bus.sent) == 1


@pytest.mark.parametrize("view_type", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_a_stream_that_hides_an_image_is_refused_and_told_what_to_change(view_type: str) -> None:
    world = World()
    with pytest.raises(UnsupportedStream, match=f"{view_type}.*NEW_AND_OLD_IMAGES"):
        world.detect(record(1, None, None, StreamViewType=view_type))
    assert world.log == []


# Large images


def large_loss(number: int) -> dict[str, Any]:
    mine = written(assign("name", "x" * 320_000))
    return record(number, mine, written(assign("name", "Eve"), replica="euw1"))


def test_a_large_image_goes_to_the_evidence_store_and_row_and_event_name_it() -> None:
    world = World()
    assert world.detect(large_loss(1)) is None
    (event,) = world.bus.sent
    assert world.calls() == ["keep", "record", "publish"]
    assert event.lost is None
    assert event.winner is None
    assert world.ledger.rows[event.conflict_id]["images_ref"] == {"S": event.images_ref}
    images = json.loads(world.evidence.documents[event.images_ref or ""])
    assert read(images["lost"]) == {"id": "p1", "name": "x" * 320_000}


def test_a_large_winner_goes_to_the_evidence_store_too() -> None:
    world = World()
    winner = written(assign("name", b"\x00" * 390_000), replica="euw1")
    lost = written(assign("name", b"\x01" * 290_000))
    world.detect(record(1, lost, winner))
    (event,) = world.bus.sent
    assert len(event.to_detail()) < 10_000
    assert event.images_ref in world.evidence.documents


def test_an_evidence_store_that_is_down_returns_the_batch_from_that_record() -> None:
    world = World()
    world.evidence.faults.append(REFUSED)
    assert world.detect(loss(1), large_loss(2), loss(3, at=1_001)) == "2"
    assert [event.sequence_number for event in world.bus.sent] == ["1"]
    assert world.parked.documents == []


# Whose loss it is


def test_the_region_whose_write_was_lost_is_home_and_another_is_a_witness() -> None:
    home, witness = World(US), World("ap-southeast-1")
    for world in (home, witness):
        world.detect(loss(1))
    assert [home.bus.sent[0].role, witness.bus.sent[0].role] == ["home", "witness"]


def test_the_same_loss_seen_in_two_regions_has_the_same_id() -> None:
    worlds = [World(US), World("ap-southeast-1")]
    for world in worlds:
        world.detect(loss(1))
    assert worlds[0].bus.sent[0].conflict_id == worlds[1].bus.sent[0].conflict_id


def test_a_record_delivered_twice_gives_the_same_id_and_the_same_row() -> None:
    world = World()
    world.detect(loss(1))
    rows = dict(world.ledger.rows)
    world.detect(loss(1))
    assert world.ledger.rows == rows
    assert len({event.conflict_id for event in world.bus.sent}) == 1


def test_two_losses_of_one_item_have_two_ids() -> None:
    world = World()
    world.detect(loss(1, at=1_001), loss(2, at=1_002))
    assert len({event.conflict_id for event in world.bus.sent}) == 2


# Writes around the library


def test_attributes_changed_around_the_library_are_counted_and_left_alone() -> None:
    world = World()
    before = written(assign("name", "Ada"))
    assert world.detect(record(1, before, before | {"name": {"S": "Bob"}})) is None
    assert world.bus.sent == []
    assert world.ledger.rows == {}
    assert world.telemetry.counts[telemetry.OUTSIDE_WRITES] == 1


@pytest.mark.parametrize(("outside_writers", "rows"), [("expected", ["OPEN"]), ("none", [])])
def test_what_a_library_write_took_away_is_looked_for_where_others_write(
    outside_writers: Any, rows: list[str]
) -> None:
    world = World(outside_writers=outside_writers)
    before = written(assign("name", "Ada"))
    after = Replica("use1", before).write(assign("email", "ada@example.com"), at=2_000)
    world.detect(record(1, before | {"name": {"S": "Bob"}}, after))
    assert world.ledger.states() == rows


def test_a_deleted_item_written_to_around_the_library_is_brought_back_before_it_expires() -> None:
    world = World()
    before = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    world.detect(record(1, before, before | {"name": {"S": "Bob"}}))
    (event,) = world.bus.sent
    assert event.finding is Finding.REVIVED
    assert canonical_image(event.lost or {})["name"] == {"S": "Bob"}


def test_what_was_done_around_the_library_is_lost_with_the_image_it_was_done_to() -> None:
    """A library write that never saw it took its place; the metadata alone looks clean."""
    world = World()
    base = written(assign("name", "Ada"), increment("balance", 100))
    touched = base | {"balance": {"N": "105"}, "email": {"S": "a@b"}}
    new = Replica("euw1", base).write(assign("name", "Eve"), at=2_000)
    world.detect(record(1, touched, new))
    (event,) = world.bus.sent
    assert event.finding is Finding.CONFLICT
    assert len(event.lost_dots) == 2
    assert event.role == "home"


def test_equal_amounts_added_around_the_library_to_two_images_are_told_apart() -> None:
    world = World()
    base = written(increment("balance", 100))
    other = Replica("euw1", base).write(assign("name", "Eve"), at=2_000)
    five_more = {"balance": {"N": "105"}}
    world.detect(record(1, base | five_more, other | five_more))
    (event,) = world.bus.sent
    assert event.finding is Finding.CONFLICT


def test_a_library_write_on_top_of_what_was_done_around_it_is_clean() -> None:
    world = World()
    base = written(assign("name", "Ada"), add("tags", "a"), increment("balance", 100))
    touched = base | {"balance": {"N": "105"}, "tags": {"SS": ["b"]}, "email": {"S": "a@b"}}
    new = Replica("use1", touched).write(assign("name", "Eve"), at=2_000)
    world.detect(record(1, touched, new))
    assert world.bus.sent == []


LATER_S = 90.0  # more than a minute after what is written here


def test_a_hard_delete_is_accepted_with_a_row_and_no_event() -> None:
    world = World()
    before = written(assign("name", "Ada"))
    later = record(1, before, None, ApproximateCreationDateTime=LATER_S)
    assert world.detect(later) is None
    assert world.bus.sent == []
    assert world.ledger.states() == ["ACCEPTED"]
    (row,) = world.ledger.rows.values()
    assert read(row["lost"]["M"]) == {"id": "p1", "name": "Ada"}


@pytest.mark.parametrize(
    ("seconds", "states"), [(1.0, "PARKED"), (61.0, "PARKED"), (62.0, "ACCEPTED")]
)
def test_a_hard_delete_of_what_a_library_write_changed_within_the_minute_waits_for_a_person(
    seconds: float, states: str
) -> None:
    world = World()
    before = Replica("euw1", written(assign("name", "Ada"), at=1)).write(
        assign("name", "Eve"), at=1_500
    )
    world.detect(record(1, before, None, ApproximateCreationDateTime=seconds))
    assert world.ledger.states() == [states]
    assert world.bus.sent == []


def test_what_waits_says_what_a_person_can_do_and_holds_the_image() -> None:
    world = World()
    before = written(assign("name", "Ada"))
    world.detect(record(1, before, None))
    (document,) = world.parked.documents
    assert canonical_image(document["event"]["lost"]) == canonical_image(before)
    assert "--take all=lost" in document["reason"]
    assert "--take all=current" in document["reason"]
    (row,) = world.ledger.rows.values()
    assert row["reason"] == {"S": document["reason"]}


def test_what_a_raw_client_wrote_within_the_minute_keeps_no_hard_delete_waiting() -> None:
    world = World()
    before = {**written(assign("name", "Ada")), "name": {"S": "Bob"}}
    old = Replica("use1", before).write(assign("email", "x"), at=2_000)
    world.detect(record(1, {**old, "name": {"S": "Eve"}}, None, ApproximateCreationDateTime=90.0))
    assert world.ledger.states() == ["ACCEPTED"]


def test_a_hard_delete_that_time_to_live_made_stands_however_young_the_item() -> None:
    world = World(ttl_attribute="until")
    before = written(assign("name", "Ada"))
    world.detect(
        record(1, before | {"until": {"N": "9"}}, None),
        record(2, before, None) | {"userIdentity": SERVICE},
    )
    assert set(world.ledger.states()) == {"ACCEPTED"}


def test_a_hard_delete_is_taken_back_where_the_policy_is_to_restore() -> None:
    world = World(outside_writes="restore")
    before = written(assign("name", "Ada"))
    world.detect(record(1, before, None))
    (event,) = world.bus.sent
    assert event.restore
    assert canonical_image(event.lost or {}) == canonical_image(before)
    assert world.ledger.states() == ["OPEN"]


def tombstone_removed(at: int | None, **policy: Any) -> World:
    """Return a detector that saw a tombstone go."""
    replica = Replica("use1")
    replica.write(assign("name", "Ada"), at=DELETED_AT - 1_000)
    image = replica.write(DELETE, at=DELETED_AT)
    world = World(now=EXPIRES_AT + DAY_MS, **policy)
    seconds = None if at is None else at / 1_000
    assert world.detect(record(1, image, None, ApproximateCreationDateTime=seconds)) is None
    return world


def test_the_removal_of_a_tombstone_is_clean_if_time_to_live_may_have_done_it() -> None:
    for at in (EXPIRES_AT - MINUTE_MS, EXPIRES_AT + 30 * DAY_MS, None):
        assert tombstone_removed(at).log == []


@pytest.mark.parametrize("outside_writes", ["accept", "restore"])
def test_a_tombstone_that_somebody_removes_before_its_time_has_a_row_and_stays_away(
    outside_writes: Any,
) -> None:
    for at in (DELETED_AT, EXPIRES_AT - 2 * MINUTE_MS):
        world = tombstone_removed(at, outside_writes=outside_writes)
        assert world.ledger.states() == ["ACCEPTED"]
        (row,) = world.ledger.rows.values()
        assert row["finding"] == {"S": "removed"}
        assert world.bus.sent == []


MINUTE_MS, DAY_MS = 60_000, 86_400_000
DELETED_AT = 1_700_000_000_000
EXPIRES_AT = DELETED_AT + SCHEMA.tombstone_retention_days * DAY_MS


def taken(revived_at: int, removed_at: int, **changed: Any) -> World:
    """Return a detector that saw the hard delete of an item that was deleted and revived."""
    replica = Replica("use1")
    replica.write(assign("name", "Ada"), at=DELETED_AT - 1_000)
    replica.write(DELETE, at=DELETED_AT)
    image = replica.write(assign("name", "Eve"), at=revived_at)
    world = World(now=removed_at + MINUTE_MS)
    seconds = removed_at / 1_000
    world.detect(record(1, image, None, ApproximateCreationDateTime=seconds) | changed)
    return world


@pytest.mark.parametrize(
    ("revived_at", "removed_at"),
    [
        (DELETED_AT + MINUTE_MS, EXPIRES_AT + MINUTE_MS),
        (EXPIRES_AT - DAY_MS - MINUTE_MS, EXPIRES_AT),
        (EXPIRES_AT + MINUTE_MS, EXPIRES_AT + DAY_MS + 2 * MINUTE_MS),
        (EXPIRES_AT + 30 * DAY_MS, EXPIRES_AT + 30 * DAY_MS + 2 * MINUTE_MS),
        (DELETED_AT + MINUTE_MS, EXPIRES_AT - 2 * MINUTE_MS),
    ],
)
def test_an_operators_hard_delete_of_an_item_that_once_was_deleted_and_revived_stands(
    revived_at: int, removed_at: int
) -> None:
    world = taken(revived_at, removed_at)
    assert (world.ledger.states(), world.bus.sent) == (["ACCEPTED"], [])


@pytest.mark.parametrize(
    ("revived_at", "removed_at"),
    [
        (EXPIRES_AT - 100, EXPIRES_AT + 100),
        (EXPIRES_AT - DAY_MS + MINUTE_MS, EXPIRES_AT - MINUTE_MS),
        (EXPIRES_AT + 2 * DAY_MS, EXPIRES_AT + 2 * DAY_MS + 1_000),
    ],
)
def test_a_revival_that_time_to_live_of_another_region_may_have_raced_comes_back(
    revived_at: int, removed_at: int
) -> None:
    (event,) = taken(revived_at, removed_at).bus.sent
    assert event.restore


def test_a_revived_item_that_this_regions_time_to_live_took_comes_back_however_late() -> None:
    (event,) = taken(DELETED_AT, EXPIRES_AT + 90 * DAY_MS, userIdentity=SERVICE).bus.sent
    assert event.restore


SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def removed_by(expires: Any, attribute: str = "until", **changed: Any) -> World:
    """Return a detector that is to restore, and saw an item go that has a time to live."""
    world = World(outside_writes="restore", ttl_attribute=attribute, now=DELETED_AT + DAY_MS)
    image = written(assign("name", "Ada"), at=DELETED_AT - DAY_MS) | {"until": expires}
    seconds = DELETED_AT / 1_000
    world.detect(record(1, image, None, ApproximateCreationDateTime=seconds) | changed)
    return world


@pytest.mark.parametrize("past_s", [0, 1, 3 * 365 * 86_400])
def test_what_the_tables_own_time_to_live_took_stays_away_wherever_it_is_seen(past_s: int) -> None:
    world = removed_by({"N": str(DELETED_AT // 1_000 - past_s)})
    assert (world.ledger.states(), world.bus.sent) == (["ACCEPTED"], [])


@pytest.mark.parametrize(
    "expires",
    [{"N": str(DELETED_AT // 1_000 + 1)}, {"S": "1600000000"}, {"N": "1"}, {"N": "1E+120"}],
    ids=str,
)
def test_an_item_that_no_time_to_live_can_have_taken_is_restored(expires: Any) -> None:
    for world in (removed_by(expires), removed_by({"N": "1600000000"}, attribute="")):
        (event,) = world.bus.sent
        assert event.restore


def revived(until: int, *, by_ttl: bool) -> World:
    """Return a detector that is to restore, and saw a revived item go as its tombstone would."""
    own = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    replica = Replica("use1", written(assign("name", "Ada"), at=DELETED_AT - DAY_MS))
    tombstone = replica.write(DELETE, at=DELETED_AT, schema=own)
    at_s = int(tombstone["until"]["N"]) + 60
    revival = (assign("name", "Eve"), assign("until", at_s + until))
    image = replica.write(*revival, at=at_s * 1_000 - MINUTE_MS, schema=own)
    world = World(outside_writes="restore", ttl_attribute="until", now=at_s * 1_000)
    by = {"userIdentity": SERVICE} if by_ttl else {}
    world.detect(record(1, image, None, ApproximateCreationDateTime=at_s) | by)
    return world


@pytest.mark.parametrize("by_ttl", [True, False])
def test_a_revival_that_the_tables_own_time_to_live_raced_comes_back_unless_it_is_due_itself(
    by_ttl: bool,
) -> None:
    assert revived(-1, by_ttl=by_ttl).ledger.states() == ["ACCEPTED"]
    (event,) = revived(3_600, by_ttl=by_ttl).bus.sent
    assert event.restore


def test_an_item_that_the_tables_own_time_to_live_takes_while_it_is_alive_stays_away() -> None:
    own = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    replica = Replica("use1")
    image = replica.write(assign("until", DELETED_AT // 1_000), at=DELETED_AT, schema=own)
    for by in ({}, {"userIdentity": SERVICE}):
        world = World(outside_writes="restore", ttl_attribute="until", now=DELETED_AT + DAY_MS)
        seconds = DELETED_AT / 1_000 + 60
        world.detect(record(1, image, None, ApproximateCreationDateTime=seconds) | by)
        assert (world.ledger.states(), world.bus.sent) == (["ACCEPTED"], [])


def test_what_this_regions_time_to_live_took_stays_away_whatever_its_attribute_is_called() -> None:
    world = removed_by({"N": "1600000000"}, attribute="", userIdentity=SERVICE)
    assert (world.ledger.states(), world.bus.sent) == (["ACCEPTED"], [])


def test_a_whole_put_is_never_undone_also_where_the_policy_is_to_restore() -> None:
    world = World(outside_writes="restore")
    before = written(assign("name", "Ada"), increment("balance", 5))
    world.detect(record(1, before, {"id": {"S": "p1"}, "name": {"S": "Bob"}}))
    (event,) = world.bus.sent
    assert not event.restore


def test_an_expired_tombstone_that_gives_way_to_an_item_created_anew_is_clean() -> None:
    replica = Replica("use1")
    replica.write(increment("balance", 100), at=DELETED_AT - 1_000)
    gone = replica.write(DELETE, at=DELETED_AT)
    world = World(now=EXPIRES_AT + DAY_MS)
    anew = written(increment("balance", 5), replica="euw1", at=EXPIRES_AT + 1_000)
    assert world.detect(record(1, gone, anew)) is None
    assert world.log == []


def test_a_put_without_metadata_is_sent_as_a_write_on_top_of_what_it_replaced() -> None:
    world = World()
    before = written(assign("name", "Ada"), increment("balance", 5))
    world.detect(record(1, before, {"id": {"S": "p1"}, "name": {"S": "Bob"}}))
    (event,) = world.bus.sent
    assert event.finding is Finding.OVERWRITTEN
    assert not event.restore
    lost = canonical_image(event.lost or {})
    assert read(merge(lost, lost)) == {"id": "p1", "name": "Bob", "balance": 5}


# Clocks


def test_a_stamp_from_the_far_future_parks_the_loss_with_a_row() -> None:
    world = World()
    ahead = written(assign("name", "Eve"), replica="euw1", at=NOW + 60_001)
    assert world.detect(record(1, written(assign("name", "Ada")), ahead)) is None
    assert world.calls() == ["record", "park"]
    assert world.ledger.states() == ["PARKED"]
    (document,) = world.parked.documents
    assert "ClockAhead" in document["reason"]
    assert read(canonical_image(document["event"]["lost"])) == {"id": "p1", "name": "Ada"}
    assert world.telemetry.counts[telemetry.CLOCK_AHEAD] == 1


def test_a_stamp_within_the_allowed_drift_is_repaired_as_usual() -> None:
    world = World()
    ahead = written(assign("name", "Eve"), replica="euw1", at=NOW + 60_000)
    world.detect(record(1, written(assign("name", "Ada")), ahead))
    assert len(world.bus.sent) == 1


def test_a_clock_that_runs_behind_the_stream_measures_no_negative_time() -> None:
    world = World(now=100)
    world.detect(loss(1))
    assert world.telemetry.measured[telemetry.LOSS_TO_DETECTION_MS] == [0]
    assert world.bus.sent[0].lost_at_ms == "9000"


# What is measured


def older(number: int) -> dict[str, Any]:
    """Return a record in which this region's last write was lost, and the one before came back."""
    replica = Replica("use1")
    first = replica.write(assign("name", "Ada"))
    return record(number, replica.write(assign("name", "Bob"), at=2_000), first)


@pytest.mark.parametrize(
    ("region", "found", "kind"),
    [
        (US, loss, "concurrent-home"),
        (ASIA, loss, "concurrent-witness"),
        (US, older, "after-home"),
        (ASIA, older, "after-witness"),
    ],
)
def test_a_conflict_is_counted_by_its_ordering_and_role_too(
    region: str, found: Callable[[int], dict[str, Any]], kind: str
) -> None:
    world = World(region)
    world.detect(found(1))
    assert world.telemetry.kinds == {(telemetry.CONFLICTS, kind): 1}
    assert world.telemetry.counts[telemetry.CONFLICTS] == 1
    assert kind in telemetry.CONFLICT_KINDS


def test_a_write_around_the_library_is_counted_by_what_it_did_too() -> None:
    world = World()
    before = written(assign("name", "Ada"))
    deleted = Replica("use1", before).write(DELETE, at=2_000)
    world.detect(
        record(1, before, before | {"name": {"S": "Bob"}}),
        record(2, before, {"id": {"S": "p1"}, "name": {"S": "Bob"}}),
        record(3, before, None),
        record(4, deleted, deleted | {"name": {"S": "Bob"}}),
    )
    kinds = dict.fromkeys((telemetry.OUTSIDE_WRITES, kind) for kind in telemetry.OUTSIDE_KINDS)
    assert world.telemetry.kinds == dict.fromkeys(kinds, 1)
    assert world.telemetry.counts[telemetry.OUTSIDE_WRITES] == 4


def sampled(world: World) -> dict[str, list[float]]:
    """Return what was measured of items."""
    of_items = (telemetry.LINEAGES, telemetry.METADATA_BYTES, telemetry.CLOCK_DRIFT_MS)
    return {each: world.telemetry.measured[each] for each in of_items}


def test_of_a_batch_the_last_managed_item_is_measured_and_no_other() -> None:
    world = World()
    two = merge(written(assign("name", "Ada")), written(assign("note", "x"), replica="euw1"))
    unmanaged = record(3, {"id": {"S": "p1"}}, {"id": {"S": "p1"}, "name": {"S": "Bob"}})
    removed = record(4, {"id": {"S": "p1"}}, None)
    world.detect(*(clean(n) for n in range(5)), record(2, None, two), unmanaged, removed)
    assert sampled(world) == {
        telemetry.LINEAGES: [2],
        telemetry.METADATA_BYTES: [item_size({METADATA: as_stream(two)[METADATA]})],
        telemetry.CLOCK_DRIFT_MS: [0],
    }


def test_a_stamp_ahead_of_this_clock_is_measured_as_drift() -> None:
    world = World()
    world.detect(record(1, None, written(assign("name", "Ada"), at=NOW + 250)))
    assert world.telemetry.measured[telemetry.CLOCK_DRIFT_MS] == [250]


@pytest.mark.parametrize(
    "new",
    [
        None,
        {"id": {"S": "p1"}},
        written(assign("name", "Ada")) | {"_rec": {"M": {"v": {"N": "0"}}}},
        written(assign("name", "Ada")) | {"_rec": {"S": "?"}},
        "no image",
    ],
)
def test_a_batch_without_a_readable_managed_item_measures_none(new: Any) -> None:
    world = World()
    malformed = record(1, None, None, **({} if new is None else {"NewImage": new}))
    world.detect(malformed)
    assert sampled(world) == {metric: [] for metric in sampled(world)}
    assert world.telemetry.counts[telemetry.RECORDS] == 1


# Whatever fails, every loss is safe in the end

RECORD_KINDS = st.lists(
    st.sampled_from(["loss", "clean", "undecodable", "large", "removed"]), min_size=1, max_size=8
)


def batch(kinds: Sequence[str]) -> list[dict[str, Any]]:
    make: dict[str, Callable[[int], dict[str, Any]]] = {
        "loss": lambda n: loss(n, at=1_000 + n),
        "clean": clean,
        "undecodable": undecodable,
        "large": lambda n: record(
            n,
            written(assign("name", "x" * 310_000), at=1_000 + n),
            written(assign("name", "Eve"), replica="euw1"),
        ),
        "removed": lambda n: record(n, written(assign("name", "Ada"), at=1_000 + n), None),
    }
    return [make[kind](100 + number) for number, kind in enumerate(kinds)]


def number_of(parked: Mapping[str, Any]) -> str:
    """Return the sequence number of what was parked: a loss, or a record that nobody can read."""
    if "event" in parked:
        return str(parked["event"]["sequence_number"])
    return str(parked["record"]["dynamodb"]["SequenceNumber"])


def safe_numbers(world: World) -> set[str]:
    sent = {event.sequence_number for event in world.bus.sent}
    parked = set(map(number_of, world.parked.documents))
    rows = world.ledger.rows.values()
    accepted = {row["sequence_number"]["S"] for row in rows if row["state"]["S"] == "ACCEPTED"}
    return sent | parked | accepted


@given(kinds=RECORD_KINDS, data=st.data())
def test_whatever_calls_fail_redelivery_makes_every_loss_safe_and_no_event_precedes_its_row(
    kinds: list[str], data: st.DataObject
) -> None:
    world = World()
    some = st.lists(st.booleans(), min_size=8, max_size=8)

    def refusing(ids: list[str]) -> set[str]:
        return {each for each, refused in zip(ids, data.draw(some), strict=False) if refused}

    def accepting_only_what_has_a_row(ids: list[str]) -> set[str]:
        assert set(ids) <= world.ledger.rows.keys()
        return refusing(ids) if trouble > 0 else set()

    pending = list(batch(kinds))
    expected = {
        each["dynamodb"]["SequenceNumber"]
        for each, kind in zip(pending, kinds, strict=True)
        if kind != "clean"
    }
    trouble = data.draw(st.integers(0, 6))
    while pending:
        world.ledger.refuses = deque([refusing] * (trouble > 0))
        world.bus.refuses = deque([accepting_only_what_has_a_row])
        for port in (world.evidence, world.parked):
            port.faults.clear()
            if trouble > 0 and data.draw(st.booleans()):
                port.faults.extend([None] * data.draw(st.integers(0, 2)) + [REFUSED])
        returned = world.detect(*pending)
        numbers = [each["dynamodb"]["SequenceNumber"] for each in pending]
        done = numbers.index(returned) if returned is not None else len(numbers)
        assert expected & set(numbers[:done]) <= safe_numbers(world)
        pending, trouble = pending[done:], trouble - 1
    assert expected == safe_numbers(world)
    assert len(world.ledger.rows) == len(expected)
