"""Every shape in which work comes back, and everything that is none of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ports import StreamRange
from reconciler.redrive.letters import (
    FailedEvent,
    NamedRecords,
    NoWork,
    StoredWork,
    UnreadableLetter,
    WholeRecords,
    contents,
    keys_of,
)
from tests.redrive.desk import ARN, BATCH, POISON, a_loss, given_up, lost, stored, told

SHAPES = ["Records", "detail", "DDBStreamBatchInfo", "payload", "s3"]
NAMES = [*SHAPES, "event", "record", "message", "document_ref"]
MESSAGES = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


def test_a_batch_that_is_only_named_says_where_its_records_were() -> None:
    document = given_up(lost(8), lost(11), payload=False)
    (work,) = contents(json.dumps(document))
    assert work == NamedRecords(StreamRange(ARN, "shard-1", "8", "11"), document)


def test_a_batch_with_its_payload_holds_its_records_in_order() -> None:
    (work,) = contents(json.dumps(given_up(lost(8), lost(9))))
    assert work == WholeRecords((lost(8), lost(9)))


def test_a_notification_names_each_object_as_it_is_called() -> None:
    assert contents(stored(BATCH)) == [StoredWork(BATCH, batch=True)]


def test_a_conflict_event_is_the_same_from_a_queue_and_from_a_rule() -> None:
    (work,) = contents(told(a_loss()))
    assert isinstance(work, FailedEvent)
    assert (work.event.conflict_id, work.parked) == (a_loss().conflict_id, False)
    assert keys_of(work) == [{"id": {"S": "p1"}}]


def test_a_parked_change_is_an_event_a_record_a_message_or_somewhere_else() -> None:
    (parked,) = contents(json.dumps({"reason": "why", "event": a_loss().document()}))
    assert isinstance(parked, FailedEvent)
    assert parked.parked
    assert contents(json.dumps({"reason": "why", "record": POISON})) == [
        WholeRecords((POISON,), parked=True)
    ]
    nested = json.dumps({"reason": "why", "message": told(a_loss())})
    assert isinstance(contents(nested)[0], FailedEvent)
    elsewhere = json.dumps({"reason": "why", "document_ref": "s3://b/parked-1.json"})
    assert contents(elsewhere) == [StoredWork("s3://b/parked-1.json")]


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
        {"detail-type": "Lineages Closed", "detail": {"anything": 1}},
    ],
)
def test_what_asks_for_nothing_is_nothing(body: object) -> None:
    assert contents(json.dumps(body)) == [NoWork()]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "null",
        "[]",
        "7",
        "{}",
        '{"Records": [{}]}',
        '{"Records": 5}',
        '{"detail": {"version": "9"}}',
        '{"DDBStreamBatchInfo": {}}',
        '{"DDBStreamBatchInfo": {}, "payload": "{"}',
        '{"message": "not json"}',
        '{"message": 5}',
        '{"event": null}',
    ],
)
def test_anything_else_is_unreadable_and_says_why(body: str) -> None:
    (work,) = contents(body)
    assert isinstance(work, UnreadableLetter)
    assert work.reason


@given(MESSAGES)
def test_no_message_whatever_raises(body: object) -> None:
    assert contents(json.dumps(body))


def test_a_letter_that_came_through_a_topic_is_what_the_topic_was_told() -> None:
    told_so = given_up(lost(1), payload=False)
    wrapped = {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(told_so)}
    assert contents(json.dumps(wrapped)) == contents(json.dumps(told_so))


def test_a_notice_of_s3_that_came_through_eventbridge_names_the_object_as_it_is_called() -> None:
    bucket, _, key = BATCH.removeprefix("s3://").partition("/")
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}  # not URL-encoded there
    notice = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert contents(json.dumps(notice)) == [StoredWork(BATCH, batch=True)]


def test_a_letter_of_no_known_shape_is_answered_with_a_sentence() -> None:
    (unread,) = contents('{"hello": "world"}')
    assert isinstance(unread, UnreadableLetter)
    assert "none of the shapes that work comes back in" in unread.reason


@pytest.mark.parametrize("number", ["", "x", "-5", "1.5", "9" * 41])
@pytest.mark.parametrize("part", ["startSequenceNumber", "endSequenceNumber"])
def test_a_batch_without_sequence_numbers_names_no_records(part: str, number: str) -> None:
    named = given_up(lost(1), payload=False)
    named["DDBStreamBatchInfo"][part] = number
    assert contents(json.dumps(named)) == [
        UnreadableLetter("Undecodable: the batch has no sequence numbers")
    ]


@pytest.mark.parametrize(
    "letter",
    [
        {"document_ref": 5},
        {"message": {"detail": {}}},
        {"Type": "Notification", "Message": ["x"]},
        {"Records": [{"s3": {"bucket": {"name": None}, "object": {"key": "k"}}}]},
    ],
    ids=str,
)
def test_where_a_letter_should_hold_a_text_nothing_else_is_taken(letter: dict[str, Any]) -> None:
    nothing = UnreadableLetter("Undecodable: a text of the letter is none")
    assert contents(json.dumps(letter)) == [nothing]
