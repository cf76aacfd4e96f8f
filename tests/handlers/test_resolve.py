"""The resolve function, from the message that a queue delivers to the repaired item."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers import detect, resolve
from reconciler.aws import now_ms
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, LoopPause
from reconciler.errors import InvalidInput
from reconciler.item.image import merge, read
from reconciler.item.metadata import context_of
from tests.builders import Replica, assign, increment, written
from tests.conflict.test_folding import certificate, in_turn
from tests.handlers.conftest import NAMES, Context, Region, metrics, region_ms
from tests.handlers.streams import LOST, WINNER, batch, lost, record

REPAIRED = {"id": "p1", "name": "Ada", "balance": 5, "photo": b"\x00\xff", "note": "Eve"}


def message(body: str, identifier: str = "m1") -> dict[str, Any]:
    """Return one record of an SQS event."""
    return {
        "messageId": identifier,
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:parties-resolve-us-east-1",
        "awsRegion": "us-east-1",
    }


def detected(region: Region) -> str:
    """Detect a loss; return the message that reaches the queue, and leave the winner in place."""
    region.place(WINNER)
    detect.handler(batch(lost(1)), Context())
    (event,) = region.conflicts()
    return json.dumps(event)


def resolved(*records: dict[str, Any]) -> list[str]:
    answer = resolve.handler({"Records": list(records)}, Context())
    assert list(answer) == ["batchItemFailures"]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_lost_write_is_back_after_both_functions_ran(region: Region) -> None:
    body = detected(region)
    assert resolved(message(body)) == []
    assert read(region.item()) == REPAIRED
    assert region.ledger_states() == ["RESOLVED"]


def test_a_message_delivered_twice_changes_nothing_more(region: Region) -> None:
    body = detected(region)
    resolved(message(body))
    repaired = region.item()
    assert resolved(message(body, "m2"), message(body, "m3")) == []
    assert region.item() == repaired


def test_metrics_leave_as_one_embedded_metric_line(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    body = detected(region)
    capsys.readouterr()
    resolved(message(body))
    line = metrics(capsys.readouterr().out)
    assert (line["WriteBacks"], line["WritesRescued"]) == ([1.0], [1.0])
    assert line["LossToRepair_ms"][0] > 0


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "null",
        "{}",
        '{"detail": null}',
        '{"detail": {"version": "2"}}',
        '{"detail": 7}',
    ],
)
def test_a_body_that_is_no_conflict_event_is_parked_whole(
    region: Region, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = detected(region)
    capsys.readouterr()
    assert resolved(message(body, "bad"), message(good)) == []
    (document,) = region.parked()
    assert document["message"] == body
    assert document["reason"].startswith("Undecodable")
    assert read(region.item()) == REPAIRED
    assert metrics(capsys.readouterr().out)["Parked"] == [1.0]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"lost_at_ms": "soon"},
        {"lost_at_ms": "9" * 5_000},
        {"winner": {"name": []}},
        {"lost_dots": ["nonsense"]},
        {"lost": {"id": {"S": "\ud800"}}},
        {"table": "orders"},
        {"region": "eu-west-1"},
        {"conflict_id": "c1"},
    ],
    ids=lambda spoiled: str(spoiled)[:40],
)
def test_a_message_that_is_broken_or_not_ours_is_parked_and_its_neighbours_are_done(
    region: Region, spoiled: dict[str, Any]
) -> None:
    good = detected(region)
    bad = json.loads(good)
    bad["detail"] |= spoiled
    assert resolved(message(json.dumps(bad), "bad"), message(good)) == []
    (document,) = region.parked()
    assert len(document["reason"]) <= 500
    assert read(region.item()) == REPAIRED
    assert region.ledger_states() == ["RESOLVED"]


def test_a_certificate_of_no_time_is_parked_and_its_neighbours_are_done(region: Region) -> None:
    good = detected(region)
    told = json.loads(certificate(in_turn(20)).to_detail()) | {"issued_at_ms": "now"}
    bad = json.dumps({"detail-type": CERTIFICATE_DETAIL_TYPE, "detail": told})
    assert resolved(message(bad, "bad"), message(good)) == []
    (document,) = region.parked()
    assert document["reason"] == (
        "Undecodable: not a fold certificate: issued_at_ms: string_pattern_mismatch"
    )
    assert read(region.item()) == REPAIRED


def test_a_body_that_nests_without_end_is_parked(region: Region) -> None:
    good = detected(region)
    assert resolved(message("[" * 100_000, "bad"), message(good)) == []
    assert len(region.parked()) == 1
    assert read(region.item()) == REPAIRED


def test_an_event_of_another_source_is_answered_with_the_source_that_is_expected(
    region: Region,
) -> None:
    with pytest.raises(InvalidInput, match="two SQS queues"):
        resolve.handler({"key1": "value1"}, Context())


@pytest.mark.parametrize("field", ["key", "lost"])
def test_an_event_whose_values_are_no_wire_values_is_parked_alone(
    region: Region, field: str
) -> None:
    """It once raised while messages were grouped, and again while its row was made."""
    good = detected(region)
    bad = json.loads(good)
    bad["detail"][field] = {"id": {"X": "?"}}
    assert resolved(message(json.dumps(bad), "bad"), message(good)) == []
    assert len(region.parked()) == 1
    assert read(region.item()) == REPAIRED


def test_a_body_that_cannot_be_parked_comes_back(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    good = detected(region)
    capsys.readouterr()
    region.sqs.delete_queue(QueueUrl=region.parked_url)
    assert resolved(message("not json", "bad"), message(good)) == ["bad"]
    assert read(region.item()) == REPAIRED
    assert "Parked" not in metrics(capsys.readouterr().out)


def test_a_table_that_is_gone_brings_the_message_back_and_leaves_its_row_open(
    region: Region,
) -> None:
    body = detected(region)
    region.dynamodb.delete_table(TableName=NAMES.table)
    assert resolved(message(body)) == ["m1"]
    assert region.ledger_states() == ["OPEN"]


def test_a_loss_of_an_item_that_is_gone_is_parked(region: Region) -> None:
    body = detected(region)
    region.dynamodb.delete_item(TableName=NAMES.table, Key={"id": {"S": "p1"}})
    assert resolved(message(body)) == []
    (document,) = region.parked()
    assert document["reason"].startswith("ItemGone")
    assert document["event"]["lost"]["photo"] == {"B": "AP8="}
    assert region.ledger_states() == ["PARKED"]


def test_a_certificate_from_the_bus_folds_the_item(region: Region) -> None:
    image = in_turn(20)
    region.place(image)
    told = certificate(image, issued_at_ms=str(now_ms()))
    detail = json.loads(told.to_detail())

    body = json.dumps({"detail-type": CERTIFICATE_DETAIL_TYPE, "detail": detail})

    assert resolved(message(body)) == []
    assert read(region.item()) == read(image)
    assert list(context_of(region.item()).watermarks) == ["use1"]


@pytest.mark.parametrize(("said", "left"), [("on", ["m1"]), ("off", [])])
def test_an_item_that_loops_is_left_alone_where_the_deployment_says_so(
    region: Region, monkeypatch: pytest.MonkeyPatch, said: str, left: list[str]
) -> None:
    monkeypatch.setenv("RECONCILER_PAUSE_LOOPS", said)
    monkeypatch.setattr(resolve, "LOOP_PAUSE", LoopPause(limit=0))
    assert resolved(message(detected(region))) == []
    detect.handler(batch(record(2, region.item(), WINNER)), Context())
    (again,) = region.conflicts()
    region.place(WINNER)
    assert resolved(message(json.dumps(again))) == left
    assert (read(region.item()) == REPAIRED) is (not left)
    assert region.ledger_states() == ["OPEN" if left else "RESOLVED"]


def test_why_a_row_is_not_closed_is_in_the_log(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    body = detected(region)
    region.place(merge(LOST, WINNER))
    region.dynamodb.delete_table(TableName=NAMES.ledger)
    assert resolved(message(body)) == ["m1"]
    (line,) = (vars(each) for each in caplog.records if each.message == "row not closed")
    assert line["error"] == "Unavailable: UpdateItem: ResourceNotFoundException"


@pytest.mark.parametrize("off_ms", [-7_200_000, 7_200_000])
def test_a_machine_whose_clock_is_off_folds_by_certificates_of_the_regions_time(
    region: Region,
    machine: Callable[[int], None],
    off_ms: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine(off_ms)
    image = in_turn(20)
    region.place(image)
    fresh = certificate(image, issued_at_ms=str(region_ms()))
    old = certificate(image, issued_at_ms=str(region_ms() - 2 * 3_600_000))
    for told, folds in ((old, False), (fresh, True)):
        envelope = {"detail-type": CERTIFICATE_DETAIL_TYPE, "detail": json.loads(told.to_detail())}
        assert resolved(message(json.dumps(envelope))) == []
        assert (region.item() != image) == folds
    assert abs(metrics(capsys.readouterr().out.splitlines()[-1])["ClockOff_ms"][0] - 7_200_000) < (
        30_000
    )


def test_a_machine_that_is_behind_parks_no_conflict_of_now(
    region: Region, machine: Callable[[int], None]
) -> None:
    machine(-2 * 60_000)
    base = written(assign("name", "Ada"), at=region_ms() - 5_000)
    ours = Replica("use1", base).write(assign("name", "Bob"), at=region_ms() - 1_000)
    theirs = Replica("euw1", base).write(increment("balance", 1), at=region_ms())
    region.place(theirs)
    detect.handler(batch(record(1, ours, theirs)), Context())
    (event,) = region.conflicts()
    assert resolved(message(json.dumps(event))) == []
    assert region.ledger_states() == ["RESOLVED"]
