"""Events of parties, from the stream and the queue to the bus of their subscribers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers import detect, resolve
from tests.builders import Replica, assign, written
from tests.handlers.conftest import NAMES, Context, Region
from tests.handlers.streams import batch, record
from tests.handlers.test_resolve import message

ADA = written(assign("givenName", "Ada"))
HERE = Replica("use1", ADA).write(assign("title", "Dr"), at=2_000)
THERE = Replica("euw1", ADA).write(assign("gender", "f"), at=3_000)


@pytest.fixture
def subscribed(region: Region, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Return a function that returns what subscribers were told since it was called last."""
    monkeypatch.setenv("RECONCILER_PARTY_EVENTS", "on")
    region.events.create_event_bus(Name=NAMES.events_bus)
    url = region.sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = region.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = json.dumps({"source": ["dynamodb.reconciler"]})
    rule = {"Name": "every", "EventBusName": NAMES.events_bus}
    region.events.put_rule(**rule, EventPattern=pattern)
    targets = [{"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}]
    region.events.put_targets(Rule="every", EventBusName=NAMES.events_bus, Targets=targets)

    def told() -> list[Any]:
        answer = region.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        found = answer.get("Messages", [])
        for each in found:
            region.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found]

    return told


def inserted(number: int) -> dict[str, Any]:
    return record(number, ADA, ADA, OldImage=None)


def test_what_a_stream_shows_of_this_regions_writes_is_told(
    subscribed: Callable[[], list[Any]],
) -> None:
    records = batch(inserted(1), record(2, ADA, HERE), record(3, HERE, THERE))
    assert detect.handler(records, Context()) == {"batchItemFailures": []}
    events = subscribed()
    assert sorted(each["detail-type"] for each in events) == [
        "individualAttributeValueChangeEvent",
        "individualCreateEvent",
    ]
    assert {each["detail"]["eventType"] for each in events} == {
        each["detail-type"] for each in events
    }
    detect.handler(records, Context())
    again = {each["detail"]["eventId"] for each in subscribed()}
    assert again == {each["detail"]["eventId"] for each in events}


def test_an_event_that_is_not_accepted_brings_its_record_back_and_what_follows(
    region: Region, subscribed: Callable[[], list[Any]]
) -> None:
    region.events.delete_event_bus(Name=NAMES.events_bus)
    answer = detect.handler(batch(record(1, THERE, THERE), inserted(2), inserted(3)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{2:021d}"}]}


def test_what_is_not_safe_yet_is_not_told(
    region: Region, subscribed: Callable[[], list[Any]]
) -> None:
    region.dynamodb.delete_table(TableName=NAMES.ledger)
    answer = detect.handler(batch(inserted(1), record(2, HERE, THERE), inserted(3)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{2:021d}"}]}
    assert [each["detail"]["eventType"] for each in subscribed()] == ["individualCreateEvent"]


def test_a_loss_that_is_merged_is_told_by_its_home(
    region: Region, subscribed: Callable[[], list[Any]]
) -> None:
    region.place(THERE)
    detect.handler(batch(record(1, HERE, THERE)), Context())
    (body,) = map(json.dumps, region.conflicts())
    assert resolve.handler({"Records": [message(body)]}, Context()) == {"batchItemFailures": []}
    (event,) = subscribed()
    assert event["detail-type"] == "individualConflictResolvedEvent"
    party = event["detail"]["event"]["individual"]
    assert (party["title"], party["gender"]) == ("Dr", "f")
    assert event["detail"]["correlationId"] == json.loads(body)["detail"]["conflict_id"]
    region.events.delete_event_bus(Name=NAMES.events_bus)
    back = resolve.handler({"Records": [message(body)]}, Context())
    assert back == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_without_subscribers_nothing_is_told(region: Region) -> None:
    region.events.create_event_bus(Name=NAMES.events_bus)
    assert detect.handler(batch(inserted(1)), Context()) == {"batchItemFailures": []}
    assert region.conflicts() == []
