"""The resolver: what was lost is merged into the item as it is now, or set aside whole."""

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.conflict.classification import classify
from reconciler.conflict.event import ConflictEvent, conflict_id
from reconciler.conflict.row import State, ledger_row
from reconciler.conflict.verdict import Finding
from reconciler.conflict.waiting import LATER_ROWS_MS
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import LoopPause
from reconciler.errors import TypeMismatch, Unavailable
from reconciler.item.image import DELETE, merge, read, write
from reconciler.item.metadata import EXPIRY, basis_of
from reconciler.item.restating import is_written
from reconciler.item.schema import Schema
from reconciler.resolution.repair import repaired_image
from reconciler.resolution.resolver import Message, Resolver
from reconciler.resolution.write_back import ATTEMPTS
from reconciler.values.wire import Image, canonical_image, to_json
from tests.builders import KEY, Replica, add, as_stream, assign, clock, increment, written
from tests.fakes import (
    REFUSED,
    AnswerLost,
    Fakes,
)

WIRE_KEY = {"id": {"S": "p1"}}


class World(Fakes):
    """A resolver, with fakes that share one call log."""

    def __init__(self, pause: LoopPause | None = None, now_ms: int = 20_000) -> None:
        super().__init__()
        self.now_ms = now_ms
        self.resolver = Resolver(self.ports, lambda: self.now_ms, pause)

    def resolve(self, *events: ConflictEvent) -> list[str]:
        return self.resolver.resolve(
            [Message(f"m{number}", event) for number, event in enumerate(events)]
        )

    def item(self, identifier: str = "p1") -> Image:
        return self.items.items[to_json({"id": {"S": identifier}})]

    def plain(self) -> dict[str, Any] | None:
        return read(self.item())


def event(lost: Any, winner: Any, /, **changed: Any) -> Any:
    """Return the event of a loss, as it comes out of a queue."""
    verdict = classify(lost, winner, replica="use1")
    known: dict[str, Any] = {
        "table": "parties",
        "key": {"id": lost["id"]},
        "finding": verdict.finding,
        "ordering": verdict.ordering.value,
        "role": "home",
        "region": "us-east-1",
        "replica": "use1",
        "lost_dots": tuple(map(str, verdict.lost_dots)),
        "sequence_number": "1",
        "lost_at_ms": "9000",
        "detected_at_ms": "9500",
        "lost": as_stream(lost),
        "winner": as_stream(winner) if winner else None,
    }
    told = {**known, **changed}
    parts = {"finding": told["finding"], "lost_dots": told["lost_dots"]}
    identifier = conflict_id(told["table"], told["key"], replace(verdict, **parts), lost)
    return ConflictEvent(**{"conflict_id": identifier, **told})


ADA = written(assign("name", "Ada"), increment("balance", 5))
EVE = written(assign("note", "Eve"), replica="euw1", at=2_000)


def ours(number: int, *, identifier: str = "p1") -> Image:
    """Return an image in which only this region wrote, all at once."""
    image = written(increment("balance", 10**number), add("tags", f"t{number}"), at=1_000 + number)
    return image | {"id": {"S": identifier}}


# Merging


def test_what_was_lost_is_repaired_image_the_current_item_not_into_the_winner() -> None:
    world = World()
    winner = Replica("euw1", EVE)
    world.items.place(winner.write(assign("note", "later"), increment("balance", 1), at=3_000))
    assert world.resolve(event(ADA, EVE)) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 6, "note": "later"}


def test_a_repair_is_one_read_one_write_and_then_the_row() -> None:
    world = World()
    winner = Replica("euw1", ADA).write(assign("note", "Eve"), at=2_000)
    world.items.place(winner)
    world.resolve(event(Replica("use1", ADA).write(increment("balance", 1)), winner))
    assert world.calls() == ["get", "put", "set_state"]
    assert world.ledger.states() == ["RESOLVED"]
    assert world.telemetry.counts[telemetry.WRITES_RESCUED] == 1


def test_several_messages_of_one_item_are_one_write() -> None:
    world = World()
    world.items.place(EVE)
    assert world.resolve(*(event(ours(n), EVE) for n in range(4))) == []
    assert world.calls() == ["get", "rows_of", "put", "set_state"]
    assert world.plain() == {
        "id": "p1",
        "balance": 1111,
        "note": "Eve",
        "tags": {"t0", "t1", "t2", "t3"},
    }
    assert world.ledger.states() == ["RESOLVED"] * 4


def test_items_are_repaired_each_on_its_own() -> None:
    world = World()
    for identifier in ("p1", "p2"):
        world.items.place(EVE | {"id": {"S": identifier}})
    both = [event(ours(n, identifier=f"p{n}"), EVE | {"id": {"S": f"p{n}"}}) for n in (1, 2)]
    assert world.resolve(*both) == []
    assert [(read(world.item(each)) or {})["balance"] for each in ("p1", "p2")] == [10, 100]


def test_keys_with_bytes_and_numbers_find_their_item() -> None:
    schema = Schema.of(table="parties", key=["id", "at"], attributes={})
    key = {"id": b"\x00\xff", "at": 7}
    lost, winner = (
        write(
            None,
            [assign(name, replica)],
            key=key,
            schema=schema,
            replica=replica,
            clock=clock(1_000, iter(range(9))),
        )
        for name, replica in (("name", "use1"), ("note", "euw1"))
    )
    world = World()
    world.items.key_names = ("id", "at")
    world.items.place(winner)
    wire_key = as_stream({"id": lost["id"], "at": lost["at"]})
    assert world.resolve(event(lost, winner, key=wire_key)) == []
    (image,) = world.items.items.values()
    assert read(image) == {"id": b"\x00\xff", "at": 7, "name": "use1", "note": "euw1"}


def test_a_loss_that_the_item_already_includes_writes_nothing_and_closes_the_row() -> None:
    world = World()
    merged = merge(ADA, EVE)
    world.items.place(merged)
    assert world.resolve(event(ADA, EVE)) == []
    assert world.calls() == ["get", "set_state"]
    assert world.ledger.states() == ["RESOLVED"]
    assert world.telemetry.counts[telemetry.ALREADY_REPAIRED] == 1


def test_a_later_write_that_includes_the_loss_is_left_as_it_is() -> None:
    world = World()
    later = Replica("use1", merge(ADA, EVE)).write(increment("balance", 1), at=5_000)
    world.items.place(later)
    world.resolve(event(ADA, EVE))
    assert world.item() == later


def test_an_item_changed_around_the_library_is_left_alone_while_nothing_is_missing() -> None:
    """To write on top of it would be a write that nobody made, and could harm its writer."""
    world = World()
    around = ADA | {"name": {"S": "Bob"}}
    world.items.place(around)
    assert world.resolve(event(around, None, finding=Finding.UNMANAGED, lost_dots=())) == []
    assert world.item() == around


def test_a_deleted_item_written_to_around_the_library_is_brought_back_at_once() -> None:
    """Readers saw it, and time-to-live took it away a month later."""
    world = World()
    gone = Replica("use1", ADA).write(DELETE, at=9_000)
    around = gone | {"name": {"S": "Bob"}}
    world.items.place(around)
    revived = event(around, None, finding=Finding.REVIVED, lost_dots=())
    assert world.resolve(revived) == []
    assert world.plain() == {"id": "p1", "name": "Bob"}
    assert EXPIRY not in world.item()
    settled = world.item()
    world.resolve(revived)
    assert world.item() == settled


def test_a_change_around_the_library_made_while_the_one_before_is_adopted_is_not_lost() -> None:
    world = World()
    before = written(assign("name", "Ada"))
    first = before | {"name": {"S": "Bob"}}
    second = first | {"note": {"S": "later"}}
    changes = [
        event(image, None, finding=Finding.UNMANAGED, lost_dots=()) for image in (first, second)
    ]
    world.items.place(first)
    world.items.faults.append(lambda: world.items.place(second))
    for change in changes:
        assert world.resolve(change) == []
    assert world.plain() == {"id": "p1", "name": "Bob", "note": "later"}


def test_a_loss_that_a_delete_did_not_see_brings_the_item_back_where_updates_win() -> None:
    world = World()
    tombstone = Replica("euw1", EVE)
    world.items.place(tombstone.write(DELETE, at=3_000))
    world.resolve(event(ADA, EVE))
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


def test_the_images_behind_a_reference_are_read() -> None:
    world = World()
    world.items.place(EVE)
    reference = world.evidence.put("c1", to_json({"lost": as_stream(ADA), "winner": None}))
    slim = event(ADA, EVE, lost=None, winner=None, images_ref=reference)
    assert world.resolve(slim) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


# Other writers and lost answers


def test_a_refused_merge_goes_into_the_newer_image_without_a_second_read() -> None:
    world = World()
    writer = Replica("euw1", EVE)
    world.items.place(EVE)
    world.items.faults.append(
        lambda: world.items.place(writer.write(increment("balance", 1), at=3_000))
    )
    assert world.resolve(event(ADA, EVE)) == []
    assert world.calls() == ["get", "rows_of", "put", "put", "set_state"]
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 6, "note": "Eve"}
    assert world.telemetry.counts[telemetry.RETRIES] == 1


def test_a_refused_merge_that_another_writer_made_needless_is_no_retry() -> None:
    world = World()
    world.items.place(EVE)
    world.items.faults.append(lambda: world.items.place(merge(ADA, EVE)))
    assert world.resolve(event(ADA, EVE)) == []
    assert world.calls() == ["get", "rows_of", "put", "set_state"]
    assert world.telemetry.counts[telemetry.RETRIES] == 0


def test_under_contention_the_messages_come_back_and_no_row_is_closed() -> None:
    world = World()
    writer = Replica("euw1", EVE)
    world.items.place(EVE)

    def other() -> None:
        world.items.place(writer.write(increment("balance", 1), at=3_000))

    world.items.faults.extend([other] * ATTEMPTS)
    assert world.resolve(event(ours(1), EVE), event(ours(2), EVE)) == ["m0", "m1"]
    assert world.ledger.rows == {}
    assert world.plain() == {"id": "p1", "balance": ATTEMPTS, "note": "Eve"}
    assert world.telemetry.counts[telemetry.RETRIES] == ATTEMPTS - 1


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_brings_the_message_back_and_a_second_run_is_harmless(applied: bool) -> None:
    world = World()
    world.items.place(EVE)
    world.items.faults.append(AnswerLost(applied=applied))
    assert world.resolve(event(ADA, EVE)) == ["m0"]
    assert world.ledger.rows == {}
    assert world.resolve(event(ADA, EVE)) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


def test_a_table_that_is_down_brings_the_messages_back() -> None:
    world = World()
    world.items.read_faults.append(REFUSED)
    assert world.resolve(event(ADA, EVE)) == ["m0"]
    assert world.ledger.rows == {}
    assert world.parked.documents == []


def test_one_item_that_cannot_be_repaired_now_does_not_hold_up_another() -> None:
    world = World()
    for identifier in ("p1", "p2"):
        world.items.place(EVE | {"id": {"S": identifier}})
    world.items.read_faults.append(REFUSED)
    both = [event(ours(n, identifier=f"p{n}"), EVE | {"id": {"S": f"p{n}"}}) for n in (1, 2)]
    assert world.resolve(*both) == ["m0"]
    assert (read(world.item("p2")) or {})["balance"] == 100
    assert world.telemetry.counts[telemetry.RESOLUTION_FAILURES] == 1


def test_a_row_that_is_not_closed_brings_its_message_back_and_a_second_run_is_harmless() -> None:
    world = World()
    world.items.place(EVE)
    events = [event(ours(n), EVE) for n in range(3)]
    world.ledger.refuses.append(lambda _: {events[1].conflict_id})
    assert world.resolve(*events) == ["m1"]
    before = world.item()
    assert world.resolve(events[1]) == []
    assert world.item() == before
    assert world.ledger.states() == ["RESOLVED"] * 3


def test_all_deliveries_of_a_loss_come_back_if_its_row_is_not_closed() -> None:
    world = World()
    world.items.place(EVE)
    world.ledger.refuses.append(set)
    assert world.resolve(event(ADA, EVE), event(ADA, EVE)) == ["m0", "m1"]


def test_evidence_that_cannot_be_read_now_brings_the_message_back() -> None:
    world = World()
    world.items.place(EVE)
    slim = event(ADA, EVE, lost=None, images_ref="memory://elsewhere")
    world.evidence.faults.append(Unavailable("503"))
    assert world.resolve(slim) == ["m0"]
    assert world.parked.documents == []


def test_evidence_that_is_gone_for_good_does_not_come_back_for_ever() -> None:
    world = World()
    world.items.place(EVE)
    slim = event(ADA, EVE, lost=None, images_ref="memory://elsewhere")
    assert world.resolve(slim, event(ADA, EVE)) == []
    (document,) = world.parked.documents
    assert document["reason"].startswith("EvidenceExpired: ")


# What cannot be merged is parked, whole


def test_a_loss_of_an_item_that_is_gone_is_parked_whole_with_the_reason() -> None:
    world = World()
    lost = event(ADA, EVE)
    assert world.resolve(lost) == []
    (document,) = world.parked.documents
    assert document["reason"].startswith("ItemGone")
    assert document["event"] == lost.document()
    assert world.ledger.states() == ["PARKED"]
    assert world.items.items == {}


def test_what_is_parked_comes_with_the_item_as_it_is_now() -> None:
    world = World()
    moved_on = Replica("euw1", EVE).write(assign("note", "newer"), at=3_000)
    world.items.place(moved_on)
    other = Schema.of(table="parties", key=["id"], attributes={"note": "set_aw"})
    lost = Replica("use1").write(add("note", "x"), schema=other)
    assert world.resolve(event(lost, EVE)) == []
    (document,) = world.parked.documents
    assert document["reason"].startswith("TypeMismatch")
    assert (document["event"]["lost"], document["event"]["winner"]) == (
        as_stream(lost),
        as_stream(EVE),
    )
    assert document["current"] == moved_on


def test_a_stamp_from_the_far_future_is_parked_wherever_its_event_comes_from() -> None:
    """A redrive brought it back to the resolver, past the detector that had parked it."""
    world = World()
    world.items.place(EVE)
    ahead = written(assign("name", "Ada"), at=20_000 + 60_001)
    assert world.resolve(event(ahead, EVE)) == []
    assert world.parked.documents[0]["reason"].startswith("ClockAhead")
    assert world.plain() == read(EVE)


def test_a_manual_attribute_in_dispute_is_merged_and_parked_until_it_is_decided() -> None:
    schema = Schema.of(
        table="parties", key=["id"], attributes={"owner": "manual", "n": "counter_pn"}
    )
    ours = Replica("use1").write(assign("owner", "Ada"), increment("n", 1), schema=schema)
    theirs = Replica("euw1").write(assign("owner", "Eve"), at=2_000, schema=schema)
    world = World()
    world.items.place(theirs)
    lost = event(ours, theirs)
    assert world.resolve(lost) == []
    assert world.plain() == {"id": "p1", "owner": "Eve", "n": 1}
    assert world.ledger.states() == ["PARKED"]
    (document,) = world.parked.documents
    assert document["reason"] == "Undecided: owner must be decided by a person"
    decided = Replica("euw1", world.item()).write(assign("owner", "Ada"), at=3_000, schema=schema)
    world.items.place(decided)
    assert world.resolve(lost) == []
    assert world.ledger.states() == ["RESOLVED"]


def test_a_dispute_that_cannot_be_parked_brings_its_message_back() -> None:
    schema = Schema.of(table="parties", key=["id"], attributes={"owner": "manual"})
    ours = Replica("use1").write(assign("owner", "Ada"), schema=schema)
    theirs = Replica("euw1").write(assign("owner", "Eve"), at=2_000, schema=schema)
    world = World()
    world.items.place(theirs)
    world.parked.faults.append(REFUSED)
    assert world.resolve(event(ours, theirs)) == ["m0"]
    assert world.ledger.rows == {}


def test_a_closed_row_says_what_became_of_the_loss_and_how_often_it_was_delivered() -> None:
    world = World()
    world.items.place(EVE)
    world.resolver.resolve([Message("m", event(ADA, EVE), deliveries=3)])
    (row,) = world.ledger.rows.values()
    assert row["attempts"] == {"N": "3"}
    words = {"balance": "kept", "name": "kept"}
    assert row["merged"] == {"M": {name: {"S": word} for name, word in words.items()}}
    assert (row["lost"]["M"], row["winner"]["M"]) == (ADA, EVE)


def test_a_parked_row_never_expires_and_a_closed_one_does() -> None:
    world = World()
    world.resolve(event(ADA, EVE))
    world.items.place(EVE)
    world.resolve(event(ours(1), EVE))
    parked, closed = world.ledger.rows.values()
    assert "expires" not in parked
    assert int(closed["expires"]["N"]) > 20


def test_an_attribute_of_two_types_is_parked() -> None:
    other = Schema.of(table="parties", key=["id"], attributes={"name": "set_aw"})
    edits = [add("name", "Eve")]
    winner = write(
        None, edits, key=KEY, schema=other, replica="euw1", clock=clock(2_000, iter([1]))
    )
    world = World()
    world.items.place(winner)
    assert world.resolve(event(ADA, winner)) == []
    assert world.parked.documents[0]["reason"].startswith(TypeMismatch.__name__)
    assert world.item() == winner


def test_an_item_that_the_merge_would_make_too_large_is_parked() -> None:
    lost = written(assign("name", "x" * 250_000))
    winner = written(assign("note", "y" * 250_000), replica="euw1")
    world = World()
    world.items.place(winner)
    whole = event(lost, winner)
    reference = world.evidence.put(whole.conflict_id, whole.images())
    kept = {"lost": None, "winner": None, "images_ref": reference}
    assert world.resolve(whole.model_copy(update=kept)) == []
    assert world.parked.documents[0]["reason"].startswith("ItemTooLarge")
    assert world.item() == winner


@pytest.mark.parametrize(
    "document", ["not json", "[]", "{}", '{"lost": null}', '{"lost": {"a": 1}}']
)
def test_evidence_that_holds_no_image_is_parked(document: str) -> None:
    world = World()
    world.items.place(EVE)
    slim = event(ADA, EVE, lost=None, images_ref=world.evidence.put("c1", document))
    assert world.resolve(slim) == []
    assert world.parked.documents[0]["reason"].startswith("Undecodable")


def test_an_event_without_any_image_is_parked() -> None:
    world = World()
    world.items.place(EVE)
    assert world.resolve(event(ADA, EVE, lost=None)) == []
    assert world.ledger.states() == ["PARKED"]


def test_a_message_that_cannot_be_merged_does_not_take_others_of_its_item_along() -> None:
    world = World()
    world.items.place(EVE)
    bad = event(ours(2), EVE, lost=None)
    assert world.resolve(event(ours(1), EVE), bad, event(ours(3), EVE)) == []
    assert [each["event"]["conflict_id"] for each in world.parked.documents] == [bad.conflict_id]
    assert (world.plain() or {})["balance"] == 1010
    assert sorted(world.ledger.states()) == ["PARKED", "RESOLVED", "RESOLVED"]


def test_a_message_that_cannot_be_parked_comes_back_with_its_row_left_open() -> None:
    world = World()
    world.parked.faults.append(REFUSED)
    assert world.resolve(event(ADA, EVE)) == ["m0"]
    assert world.ledger.rows == {}


def test_the_log_says_of_each_loss_what_became_of_it() -> None:
    world = World()
    world.items.place(EVE)
    lost, bad = event(ours(1), EVE), event(ours(2), EVE, lost=None)
    world.resolve(lost)
    world.resolve(lost, bad)
    noted = [(message, about["conflict_id"]) for message, about in world.telemetry.notes]
    assert noted == [
        (telemetry.WRITE_BACKS, lost.conflict_id),
        ("parked", bad.conflict_id),
        (telemetry.ALREADY_REPAIRED, lost.conflict_id),
    ]
    assert world.telemetry.measured[telemetry.LOSS_TO_REPAIR_MS] == [11_000, 11_000]


# Items that were deleted for good and created anew


def hard_delete(
    world: World, taken: Image, state: State = State.ACCEPTED, at_ms: str = "3000"
) -> None:
    """File the row of a hard delete that stands."""
    told = event(taken, None).model_copy(update={"lost_at_ms": at_ms})
    world.ledger.record([ledger_row(told, state, 9_000)])


def test_a_loss_from_before_a_hard_delete_is_parked_and_the_item_created_anew_is_left_alone() -> (
    None
):
    base = written(increment("balance", 100))
    lost = Replica("use1", base).write(increment("balance", 7), at=2_000)
    winner = Replica("euw1", base).write(assign("name", "Eve"), at=2_000)
    world = World()
    hard_delete(world, winner)
    world.items.place(written(increment("balance", 5), at=4_000))
    assert world.resolve(event(lost, winner)) == []
    assert world.plain() == {"id": "p1", "balance": 5}
    assert world.ledger.states() == ["ACCEPTED", "PARKED"]
    (document,) = world.parked.documents
    assert document["reason"].startswith("ItemRecreated: ")


def test_a_loss_that_the_deleted_item_never_knew_stays_out_of_the_item_created_anew() -> None:
    # Two regions created the item at once; the one that won was deleted before the repair.
    world = World()
    hard_delete(world, EVE)
    world.items.place(written(increment("balance", 5), replica="apse1", at=4_000))
    assert world.resolve(event(ADA, EVE, lost_at_ms="2000")) == []
    assert world.plain() == {"id": "p1", "balance": 5}
    (document,) = world.parked.documents
    assert document["reason"].startswith("ItemRecreated: ")


def test_a_hard_delete_that_is_taken_back_makes_no_new_life() -> None:
    world = World()
    removed = event(ADA, None, restore=True)
    world.ledger.record([ledger_row(removed, State.OPEN, 9_000)])
    world.items.place(EVE)
    world.resolve(removed)
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


def test_two_regions_that_create_one_item_at_once_are_merged_though_it_was_deleted_before() -> None:
    world = World()
    hard_delete(world, written(increment("balance", 100), replica="apse1", at=1), at_ms="900")
    world.items.place(EVE)
    world.resolve(event(ADA, EVE))
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


def test_a_ledger_that_cannot_say_what_was_deleted_brings_the_message_back() -> None:
    world = World()
    world.items.place(EVE)
    world.ledger.faults.append(REFUSED)
    assert world.resolve(event(ADA, EVE)) == ["m0"]
    assert world.item() == EVE


# Restoring what was removed around the library


def test_a_removed_item_comes_back_where_the_policy_is_to_restore() -> None:
    world = World()
    assert world.resolve(event(ADA, None, restore=True)) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5}
    assert world.calls() == ["get", "put", "set_state"]


def test_a_restored_item_is_the_same_bytes_in_every_region() -> None:
    worlds = [World(), World()]
    for world, role in zip(worlds, ("home", "witness"), strict=True):
        world.resolve(event(ADA, None, restore=True, role=role))
    assert worlds[0].item() == worlds[1].item()


def test_a_put_after_a_removal_is_kept_where_the_policy_is_to_restore() -> None:
    world = World()
    put = {"name": {"S": "Ada"}, "note": {"S": "Bob"}, "balance": {"N": "7"}}
    world.items.place(WIRE_KEY | put)
    world.resolve(event(ADA, None, restore=True))
    assert world.plain() == {"id": "p1", "name": "Ada", "note": "Bob", "balance": 7}


def test_a_put_without_metadata_is_adopted_where_the_policy_is_to_accept() -> None:
    world = World()
    raw = WIRE_KEY | {"name": {"S": "Bob"}}
    world.items.place(raw)
    world.resolve(event(ADA, raw, lost=as_stream(raw | {"_rec": ADA["_rec"]})))
    assert world.plain() == {"id": "p1", "name": "Bob"}


def test_a_restored_item_that_somebody_wrote_again_is_merged_with() -> None:
    world = World()
    world.items.place(EVE)
    world.resolve(event(ADA, None, restore=True))
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}


def test_merging_into_an_item_that_includes_everything_asks_for_no_write() -> None:
    merged = repaired_image(EVE, [canonical_image(ADA)], restore=False)
    assert merged is not None
    assert repaired_image(merged, [ADA, EVE], restore=False) is None


# Late, twice, in any order, in any batches


@given(
    deliveries=st.lists(st.integers(0, 4), min_size=5, max_size=12).filter(
        lambda numbers: set(numbers) == set(range(5))
    ),
    cuts=st.sets(st.integers(1, 11)),
    faults=st.lists(st.sampled_from([None, REFUSED, *map(AnswerLost, (True, False))]), max_size=4),
)
def test_any_order_repetition_and_batching_of_the_messages_leads_to_the_same_bytes(
    deliveries: list[int], cuts: set[int], faults: list[Any]
) -> None:
    world = World()
    world.items.place(EVE)
    world.items.faults.extend(faults)
    losses = [ours(number) for number in range(5)]
    events = [event(lost, EVE) for lost in losses]
    bounds = [0, *sorted(cuts), len(deliveries)]
    batches = [deliveries[start:end] for start, end in pairwise(bounds)]
    while batches:
        numbers = batches.pop(0)
        failed = world.resolve(*(events[number] for number in numbers))
        batches += [[numbers[int(name[1:])] for name in failed]] if failed else []
    assert is_written(reduce(merge, losses, EVE), world.item())
    assert world.ledger.states() == ["RESOLVED"] * 5


def test_two_regions_write_one_merge_under_two_tokens_of_which_neither_is_news_to_the_other() -> (
    None
):
    """The second arrives over what others did to the first: that must not look taken back."""
    merges = []
    for replica in ("use1", "euw1"):
        world = World()
        world.resolver = Resolver(replace(world.ports, code=replica), lambda: 20_000)
        world.items.place(EVE)
        assert world.resolve(event(ADA, EVE)) == []
        merges.append(world.item())
    ours, theirs = merges

    assert ours != theirs
    assert basis_of(ours) == basis_of(theirs)
    assert is_written(merge(ADA, EVE), ours)
    assert is_written(merge(ADA, EVE), theirs)


# Pausing

PAUSE = LoopPause(limit=2, window_seconds=60)


def overwritten(world: World) -> ConflictEvent:
    """Overwrite the item as a job does that never looks; return the event of the loss."""
    lost = world.item()
    world.items.place(EVE)
    found: ConflictEvent = event(lost, EVE)
    world.ledger.record([ledger_row(found, State.OPEN, world.now_ms)])
    return found


def in_a_loop(**chosen: Any) -> World:
    """Return a world in which an item was just written back three times."""
    world = World(**chosen)
    world.items.place(ADA)
    for _ in range(3):
        assert world.resolve(overwritten(world)) == []
    return world


def test_an_item_that_loops_is_left_alone_and_its_row_stays_open() -> None:
    world = in_a_loop(pause=PAUSE)
    loss = overwritten(world)
    assert world.resolve(loss, loss) == ["m0", "m1"]
    assert world.item() == EVE
    assert world.ledger.states() == ["OPEN"]
    assert world.telemetry.counts[telemetry.PAUSED] == 2
    assert world.telemetry.counts[telemetry.RESOLUTION_FAILURES] == 0
    assert world.telemetry.notes[-1] == ("paused", {"conflict_ids": [loss.conflict_id]})


def test_after_the_window_a_paused_loss_is_resolved_and_nothing_of_it_is_missing() -> None:
    world = in_a_loop(pause=PAUSE)
    loss = overwritten(world)
    world.now_ms += 59_999
    assert world.resolve(loss) == ["m0"]
    world.now_ms += 1
    assert world.resolve(loss) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 5, "note": "Eve"}
    assert world.ledger.states() == ["RESOLVED"]


def test_what_is_lost_again_and_again_has_one_row_so_rows_cannot_count_it() -> None:
    world = in_a_loop()
    assert world.telemetry.counts[telemetry.WRITE_BACKS] == 3
    assert world.ledger.states() == ["RESOLVED"]


def test_without_a_pause_no_item_is_left_alone() -> None:
    world = in_a_loop()
    assert world.resolve(overwritten(world)) == []
    assert world.ledger.states() == ["RESOLVED"]


def test_a_loss_that_needs_no_write_back_counts_for_no_pause() -> None:
    world = World(pause=PAUSE)
    world.items.place(EVE)
    assert [world.resolve(event(ADA, EVE)) for _ in range(9)] == [[]] * 9
    assert world.resolve(overwritten(world)) == []


def test_another_item_of_the_batch_is_resolved_while_one_is_paused() -> None:
    world = in_a_loop(pause=PAUSE)
    winner = EVE | {"id": {"S": "p2"}}
    world.items.place(winner)
    assert world.resolve(overwritten(world), event(ours(1, identifier="p2"), winner)) == ["m0"]
    assert (read(world.item("p2")) or {})["balance"] == 10


# Losses of which the ledger does not say yet what happened to their item since

ANEW = written(increment("balance", 5), replica="apse1", at=4_000)


def test_a_loss_waits_for_the_rows_of_a_detector_that_is_behind_and_is_not_merged_meanwhile() -> (
    None
):
    """The winner was deleted for good, and the detector has not come to that."""
    world = World()
    world.items.place(ANEW)
    lost = event(ADA, EVE, lost_at_ms="2000")
    assert world.resolve(lost) == ["m0"]
    assert world.item() == ANEW
    assert world.parked.documents == []
    hard_delete(world, EVE)
    assert world.resolve(lost) == []
    assert world.item() == ANEW
    (document,) = world.parked.documents
    assert document["reason"].startswith("ItemRecreated: ")


def test_a_winner_that_lost_in_turn_is_merged_once_its_row_is_there() -> None:
    """Three regions created the item at once."""
    world = World()
    world.items.place(ANEW)
    first, second = event(ADA, EVE), event(EVE, ANEW)
    assert world.resolve(first) == ["m0"]
    world.ledger.record([ledger_row(second, State.OPEN, 9_000)])
    assert world.resolve(first) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "balance": 10}


def test_a_loss_waits_for_later_rows_for_an_hour_and_is_parked_then() -> None:
    """Its replica was made anew, so that no stream tells what became of the item."""
    world = World()
    world.items.place(ANEW)
    lost = event(ADA, EVE, lost_at_ms="1000", detected_at_ms="9000")
    for now_ms, back in ((9_000 + LATER_ROWS_MS - 1, ["m0"]), (9_000 + LATER_ROWS_MS, [])):
        world.now_ms = now_ms
        assert world.resolve(lost) == back
    assert world.item() == ANEW
    (document,) = world.parked.documents
    assert document["reason"].startswith("HistoryUnknown: ")


def test_a_loss_that_waits_for_later_rows_holds_up_no_other_loss_of_its_item() -> None:
    world = World()
    world.items.place(ANEW)
    known = Replica("apse1", ANEW).write(increment("balance", 2), at=5_000)
    assert world.resolve(event(ADA, EVE), event(known, ANEW, role="witness")) == ["m0"]
    assert world.plain() == {"id": "p1", "balance": 7}


def test_the_winner_of_a_loss_is_looked_for_where_its_images_are() -> None:
    world = World()
    world.items.place(Replica("euw1", EVE).write(increment("balance", 1), at=3_000))
    lost = event(ADA, EVE)
    reference = world.evidence.put("c1", lost.images())
    kept = lost.model_copy(update={"lost": None, "winner": None, "images_ref": reference})
    assert world.resolve(kept) == []
    assert world.plain() == {"id": "p1", "name": "Ada", "note": "Eve", "balance": 6}
    world.items.place(ANEW)
    assert world.resolve(kept) == ["m0"]
