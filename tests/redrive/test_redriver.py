"""The work of a dead letter is done again, and confirmed, or the letter stays."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from reconciler.conflict.row import Row, State, ledger_row
from reconciler.detection import securing
from reconciler.detection.change import Change
from reconciler.errors import RecordsExpired
from reconciler.item.image import merge, read
from reconciler.item.schema import Schema
from reconciler.redrive.outcome import RedriveOutcome, Result, worst
from reconciler.values.wire import Image
from tests.builders import Replica, add, as_stream, assign, written
from tests.detection.test_detector import clean, record
from tests.fakes import REFUSED
from tests.redrive.desk import (
    ARN,
    BATCH,
    MINE,
    POISON,
    THEIRS,
    Desk,
    a_loss,
    given_up,
    lost,
    stored,
    told,
)
from tests.resolution.test_resolver import event

WRITES = {"put", "record", "publish", "park", "keep", "done"}


def named(desk: Desk, *records: Any) -> dict[str, Any]:
    desk.streams.shards[ARN, "shard-1"] = list(records)
    return given_up(*records, payload=False)


# Batches of the stream


@pytest.mark.parametrize("shape", ["payload", "named", "stored"])
def test_the_losses_of_a_batch_get_their_rows_and_events(shape: str) -> None:
    desk = Desk()
    batch = (lost(1), clean(2), lost(3, points=2))
    desk.place_batch(*batch)
    bodies = {
        "payload": given_up(*batch),
        "named": named(desk, *batch),
        "stored": stored(BATCH),
    }
    assert desk.redrive(bodies[shape]) == Result(RedriveOutcome.REDRIVEN, "3 records, 2 losses")
    assert desk.sent() == ["1", "3"]
    assert desk.ledger.states() == ["OPEN", "OPEN"]


def test_a_batch_without_losses_was_repaired_already() -> None:
    assert Desk().redrive(given_up(clean(1))).outcome is RedriveOutcome.ALREADY_REPAIRED


def test_a_stored_batch_is_moved_away_once_its_work_is_done_and_not_before() -> None:
    desk = Desk()
    desk.place_batch(lost(1))
    desk.bus.refuses.append(set)
    assert not desk.redrive(stored(BATCH)).done
    assert not desk.set_aside.is_empty()
    assert desk.redrive(stored(BATCH)).done
    assert desk.calls()[-2:] == ["publish", "done"]
    assert desk.redrive(stored(BATCH)).outcome is RedriveOutcome.ALREADY_REPAIRED


def test_a_stored_batch_that_nobody_has_is_poison_for_a_person_not_a_traceback() -> None:
    result = Desk().redrive(stored(BATCH))
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert "RecordsExpired" in result.why


def test_a_poison_record_is_parked_by_itself_and_the_others_are_detected() -> None:
    desk = Desk()
    result = desk.redrive(given_up(lost(1), POISON, lost(9, points=2)))
    assert result == Result(RedriveOutcome.POISON, "3 records, 2 losses, 1 parked")
    assert desk.sent() == ["1", "9"]
    assert [each["record"] for each in desk.parked.documents] == [POISON]
    assert sorted(desk.ledger.states()) == ["OPEN", "OPEN", "PARKED"]


def test_a_record_at_which_the_code_fails_is_parked_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    bug = lost(2, points=2)

    def loss_in(change: Change, *rest: Any) -> Any:
        if change.number == "2":
            raise RuntimeError("a bug")
        return securing.loss_in(change, *rest)

    monkeypatch.setattr("reconciler.detection.detector.loss_in", loss_in)
    assert desk.redrive(given_up(lost(1), bug, lost(3))).outcome is RedriveOutcome.POISON
    assert desk.sent() == ["1", "3"]
    (document,) = desk.parked.documents
    assert (document["record"], document["reason"]) == (bug, "RuntimeError")


def test_records_that_are_gone_become_a_row_and_those_that_are_left_are_detected() -> None:
    desk = Desk()
    body = named(desk, lost(5), lost(6, points=2))
    desk.streams.shards[ARN, "shard-1"] = [lost(6, points=2)]
    result = desk.redrive(body)
    assert (result.outcome, result.done) == (RedriveOutcome.EXPIRED, True)
    assert desk.sent() == ["6"]
    row = desk.ledger.rows["expired-use1-5"]
    assert (row["state"], row["ordering"]) == ({"S": "PARKED"}, {"S": "UNKNOWN"})
    assert "2 records from 5 to 6 of shard-1" in row["reason"]["S"]
    assert "expires" not in row


def test_records_that_are_gone_keep_their_message_if_the_row_is_not_written() -> None:
    desk = Desk()
    body = named(desk, lost(5))
    desk.streams.shards.clear()
    desk.ledger.refuses.append(set)
    assert not desk.redrive(body).done


# Conflict events


def test_an_event_is_merged_and_its_row_closed() -> None:
    desk = Desk()
    result = desk.redrive(told(a_loss()))
    assert (result.outcome, result.done) == (RedriveOutcome.REDRIVEN, True)
    assert read(next(iter(desk.items.items.values()))) == {
        "id": "p1",
        "name": "Ada",
        "note": "Eve",
        "balance": 5,
    }
    assert desk.ledger.states() == ["RESOLVED"]
    assert desk.redrive(told(a_loss())).outcome is RedriveOutcome.ALREADY_REPAIRED


def test_an_event_that_cannot_be_merged_is_parked_and_done_with() -> None:
    desk = Desk(current=None)
    result = desk.redrive(told(a_loss()))
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, True)
    assert len(desk.parked.documents) == 1
    assert desk.ledger.states() == ["PARKED"]


def test_a_parked_event_that_still_cannot_be_merged_stays_where_it_is() -> None:
    desk = Desk(current=None)
    result = desk.redrive({"reason": "ItemGone", "event": a_loss().document()})
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert result.why.startswith("ItemGone")
    assert desk.parked.documents == []


def test_a_hard_delete_that_waits_for_a_person_is_done_with_once_its_item_is_back() -> None:
    desk = Desk(current=None)
    desk.redrive(given_up(record(3, MINE, None)))
    (document,) = desk.parked.documents
    waiting = desk.redrive(document)
    assert (waiting.outcome, waiting.done) == (RedriveOutcome.POISON, False)
    assert "reconciler conflicts resolve" in waiting.why
    assert desk.ledger.states() == ["PARKED"]
    desk.items.place(MINE)
    assert desk.redrive(document).done
    assert desk.ledger.states() == ["RESOLVED"]


def test_a_parked_record_that_can_be_decoded_now_is_detected_and_its_row_closed() -> None:
    desk = Desk()
    parked = lost(4)
    assert desk.redrive({"reason": "once", "record": parked}).done
    assert desk.sent() == ["4"]
    assert desk.ledger.rows["undecodable-use1-4"]["state"] == {"S": "RESOLVED"}


def test_a_parked_record_that_is_still_poison_stays_and_is_not_parked_again() -> None:
    desk = Desk()
    result = desk.redrive({"reason": "once", "record": POISON})
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert desk.parked.documents == []


def test_a_claim_check_is_followed() -> None:
    desk = Desk()
    reference = desk.evidence.put("big", json.dumps({"reason": "w", "event": a_loss().document()}))
    assert (
        desk.redrive({"reason": "w", "document_ref": reference}).outcome is RedriveOutcome.REDRIVEN
    )


def test_an_open_row_is_sent_again_whole() -> None:
    desk = Desk()
    desk.open_row(a_loss())
    (row,) = desk.ledger.rows.values()
    assert desk.redriver().resend(Row.of(row)).done
    assert [each.document() for each in desk.bus.sent] == [a_loss().document()]


def test_a_row_that_is_none_is_poison() -> None:
    result = Desk().redriver().resend(Row.of({"conflict_id": {"S": "c"}, "item_key": {"S": "{}"}}))
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)


# Parked rows whose decision was made in another region


def parked_desk(current: Image | None) -> tuple[Desk, Row]:
    """Return a desk whose ledger has a parked loss, and the item as it is now."""
    desk = Desk(current=current)
    row = ledger_row(a_loss(), State.PARKED, 1, "TypeMismatch: once")
    desk.ledger.record([row])
    return desk, row


def test_a_parked_row_is_closed_once_the_decision_of_another_region_arrived() -> None:
    desk, row = parked_desk(Replica("euw1", merge(MINE, THEIRS)).write(assign("name", "Bob")))
    result = desk.redriver().settle(row)
    assert result is not None
    assert result.outcome is RedriveOutcome.ALREADY_REPAIRED
    closed = Row.of(desk.ledger.rows[row.conflict_id])
    assert closed.state is State.RESOLVED
    assert closed.reason.startswith("TypeMismatch: once; the item includes it")


def test_closing_a_row_by_a_redrive_leaves_what_the_ledger_holds_of_its_loss_by_now() -> None:
    desk, row = parked_desk(Replica("euw1", merge(MINE, THEIRS)).write(assign("name", "Bob")))
    desk.ledger.record([row.kept_at("s3://parties-evidence/x")])
    assert desk.redriver().settle(row) is not None
    closed = Row.of(desk.ledger.rows[row.conflict_id])
    assert (closed.state, closed.images_ref) == (State.RESOLVED, "s3://parties-evidence/x")
    assert closed.lost is None


def test_a_parked_row_waits_as_long_as_the_item_does_not_include_its_loss() -> None:
    for current in (None, THEIRS, {"id": {"S": "p1"}}):
        desk, row = parked_desk(current)
        assert desk.redriver().settle(row) is None
        assert desk.ledger.states() == ["PARKED"]


def test_a_parked_row_waits_as_long_as_a_person_must_decide_what_the_item_holds() -> None:
    schema = Schema.of(table="parties", key=["id"], attributes={"owner": "manual"})
    ours = Replica("use1", MINE).write(assign("owner", "Ada"), at=3_000, schema=schema)
    theirs = Replica("euw1", MINE).write(assign("owner", "Eve"), at=4_000, schema=schema)
    desk, _ = parked_desk(merge(ours, theirs))
    row = ledger_row(event(ours, theirs), State.PARKED, 1)
    assert desk.redriver().settle(row) is None


def test_a_run_closes_parked_rows_that_are_settled_and_counts_no_others() -> None:
    desk, _ = parked_desk(merge(MINE, THEIRS))
    unseen = event(Replica("use1", MINE).write(assign("name", "Bob"), at=5_000), THEIRS)
    desk.ledger.record([ledger_row(unseen, State.PARKED, 1)])
    drain = desk.drain()
    drain.leftovers()
    assert sorted(desk.ledger.states()) == ["PARKED", "RESOLVED"]
    assert drain.tally.counts == {RedriveOutcome.ALREADY_REPAIRED: 1}


def test_what_only_a_person_can_merge_is_said_with_the_command_that_decides_it() -> None:
    schema = Schema.of(table="parties", key=["id"], attributes={"name": "set_aw"})
    desk = Desk()
    desk.items.place(Replica("euw1").write(add("name", "Eve"), at=2_000, schema=schema))
    result = desk.redrive({"reason": "once", "event": a_loss().document()})
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert "reconciler conflicts resolve" in result.why


# A rehearsal, refusals


BODIES = {
    "batch": given_up(lost(1), POISON, clean(3)),
    "stored": stored(BATCH),
    "event": told(a_loss()),
    "parked": {"reason": "why", "record": lost(4)},
    "expired": given_up(lost(5), payload=False),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_rehearsal_writes_nothing_and_says_what_the_real_one_does(name: str) -> None:
    rehearsed, real = Desk(), Desk()
    for desk in (rehearsed, real):
        desk.place_batch(lost(1))
    said = rehearsed.redrive(BODIES[name], execute=False)
    assert set(rehearsed.calls()) & WRITES == set()
    assert said == real.redrive(BODIES[name])


@pytest.mark.parametrize("name", BODIES)
def test_whatever_call_is_refused_the_message_stays_until_all_of_it_is_done(name: str) -> None:
    healthy = Desk()
    healthy.place_batch(lost(1))
    healthy.redrive(BODIES[name])
    calls = healthy.calls()
    for place in range(len(calls)):
        desk = Desk()
        desk.place_batch(lost(1))
        _refuse(desk, calls[place], calls[:place].count(calls[place]))
        if not desk.redrive(BODIES[name]).done:
            assert desk.redrive(BODIES[name]).done
        # Done once, at the first try or at the second: then nothing is missing.
        assert _states(desk) == _states(healthy), calls[place]
        assert desk.items.items == healthy.items.items
        sent = {each.identifier for each in desk.bus.sent}
        assert sent == {each.identifier for each in healthy.bus.sent}


def _states(desk: Desk) -> dict[str, str]:
    return {name: row["state"]["S"] for name, row in desk.ledger.rows.items()}


def _refuse(desk: Desk, name: str, after: int) -> None:
    ports = {
        "put": desk.items,
        "get": desk.items,
        "record": desk.ledger,
        "rows_of": desk.ledger,
        "set_state": desk.ledger,
        "publish": desk.bus,
        "park": desk.parked,
        "keep": desk.evidence,
        "read": desk.streams,
        "fetch": desk.set_aside,
        "done": desk.set_aside,
    }
    port = ports[name]
    if name in ("record", "set_state", "publish"):
        port.refuses.extend([lambda _: set()] * after + [set])  # type: ignore[attr-defined]  # both have it
    else:
        port.faults.extend([None] * after + [REFUSED])


# How several results are one


def test_the_worst_result_speaks_for_all_and_all_must_be_done() -> None:
    done, left = Result(RedriveOutcome.REDRIVEN, "a"), Result(RedriveOutcome.LEFT, "b", done=False)
    assert worst([done, left]) == left
    assert worst([done, Result(RedriveOutcome.POISON, "c")]) == Result(RedriveOutcome.POISON, "c")
    assert worst([replace(done, done=False), Result(RedriveOutcome.EXPIRED, "c")]).done is False
    assert worst([]).done


def test_a_newer_releases_record_is_left_until_that_release_is_here() -> None:
    newer = MINE | {"_rec": {"M": {"v": {"N": "2"}}}}
    record = lost(1)
    record["dynamodb"] |= {"OldImage": newer, "ApproximateCreationDateTime": 10_000 - 3_599}
    desk = Desk()
    result = desk.redrive(given_up(record, lost(2)))
    assert (result.outcome, result.done) == (RedriveOutcome.LEFT, False)
    assert "deploy the newer release" in result.why
    desk.sleep(1)  # an hour after it was written, no release that writes this is on its way
    assert desk.redrive(given_up(record, lost(2))).done
    assert desk.sent() == ["2"]
    assert [each["record"] for each in desk.parked.documents] == [record]


def test_an_error_of_the_stream_is_told_in_words() -> None:
    desk = Desk()
    desk.streams.faults.append(RecordsExpired("the stream is gone", records=[]))
    body = named(desk, lost(1))
    assert desk.redrive(body).why == "RecordsExpired: the stream is gone"
    assert written(assign("name", "Ada")) != THEIRS


# Events that are not of this deployment, and letters that lead nowhere


@pytest.mark.parametrize("changed", [{"table": "orders"}, {"region": "eu-west-1"}], ids=str)
def test_an_event_of_another_table_or_region_is_poison_and_nothing_is_written(
    changed: dict[str, Any],
) -> None:
    desk = Desk()
    before = deepcopy(desk.items.items)
    foreign = a_loss(**changed)
    desk.open_row(foreign)
    (row,) = desk.ledger.rows.values()
    for result in (desk.redrive(told(foreign)), desk.redriver().resend(Row.of(row))):
        assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
        assert result.why.startswith("NotOurs")
    assert (desk.items.items, desk.bus.sent, desk.parked.documents) == (before, [], [])


def test_a_row_whose_images_are_not_those_of_its_loss_is_not_sent_again() -> None:
    desk = Desk()
    desk.open_row(a_loss().model_copy(update={"lost": as_stream(THEIRS)}))
    (row,) = desk.ledger.rows.values()
    result = desk.redriver().resend(Row.of(row))
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert desk.bus.sent == []


def test_a_letter_at_which_the_code_fails_is_poison_and_its_neighbours_are_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: Any) -> Any:
        raise RuntimeError("a bug that quotes an item")

    monkeypatch.setattr("reconciler.redrive.redriver.check_is_ours", failing)
    result = Desk().redrive(told(a_loss()))
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert result.why == "RuntimeError"


def test_a_letter_that_names_itself_is_not_followed_round_and_round() -> None:
    desk = Desk()
    reference = desk.evidence.put("big", json.dumps({"document_ref": "memory://big"}))
    result = desk.redrive({"reason": "w", "document_ref": reference})
    assert (result.outcome, result.done) == (RedriveOutcome.POISON, False)
    assert "holds no work, but a name again" in result.why
