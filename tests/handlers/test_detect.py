"""The detect function, from the event that Lambda delivers to rows, events and metrics."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from handlers.detect import handler
from reconciler.aws.clients import client
from reconciler.deployment import telemetry
from reconciler.errors import InvalidInput, UnsupportedStream
from reconciler.values.wire import canonical_image
from tests.aws.conftest import REGION
from tests.builders import Replica, assign, written
from tests.conflict.test_folding import in_turn
from tests.handlers.conftest import NAMES, Context, Region, documents, metrics, region_ms
from tests.handlers.streams import LOST, WINNER, batch, clean, lost, record, undecodable


def test_a_loss_ends_in_a_row_and_an_event_with_the_losing_image(region: Region) -> None:
    assert handler(batch(clean(1), lost(2)), Context()) == {"batchItemFailures": []}
    assert region.ledger_states() == ["OPEN"]
    (event,) = region.conflicts()
    assert event["source"] == "dynamodb.reconciler"
    assert event["detail"]["role"] == "home"
    assert canonical_image(event["detail"]["lost"]) == LOST


def test_clean_records_leave_nothing_behind(region: Region) -> None:
    assert handler(batch(clean(1), clean(2)), Context()) == {"batchItemFailures": []}
    assert region.ledger_states() == []
    assert region.conflicts() == []


def test_an_undecodable_record_is_parked_whole_and_the_batch_goes_on(region: Region) -> None:
    bad = undecodable(1)
    assert handler(batch(bad, lost(2)), Context()) == {"batchItemFailures": []}
    (document,) = region.parked()
    assert document["record"] == bad
    assert sorted(region.ledger_states()) == ["OPEN", "PARKED"]
    assert len(region.conflicts()) == 1


def test_a_large_image_travels_by_reference(region: Region) -> None:
    large = {**LOST, "name": {"S": "x" * 310_000}}
    handler(batch(record(1, large, WINNER)), Context())
    (event,) = region.conflicts()
    reference = event["detail"]["images_ref"]
    body = region.s3.get_object(Bucket=NAMES.evidence_bucket, Key=reference.split("/", 3)[3])[
        "Body"
    ]
    assert canonical_image(json.loads(body.read())["lost"]) == canonical_image(large)


def test_a_ledger_that_is_gone_returns_the_batch_from_its_first_loss(region: Region) -> None:
    region.dynamodb.delete_table(TableName=NAMES.ledger)
    answer = handler(batch(clean(1), lost(2), lost(3)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{2:021d}"}]}
    assert region.conflicts() == []


def test_why_the_ledger_or_the_bus_refuses_is_in_the_log(
    region: Region, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
    answer = {"FailedEntryCount": 1, "Entries": [entry]}
    monkeypatch.setattr(region.events, "put_events", lambda **_: answer)
    handler(batch(lost(1)), Context())
    region.dynamodb.delete_table(TableName=NAMES.ledger)
    handler(batch(lost(2)), Context())
    sent, written = (vars(each) for each in caplog.records if "not" in each.message)
    assert sent["message"] == "events not sent"
    assert sent["error"] == "Unavailable: PutEvents: InternalFailure"
    assert written["message"] == "rows not written"
    assert written["error"] == "Unavailable: BatchWriteItem: ResourceNotFoundException"


def test_a_parked_queue_that_is_gone_returns_the_batch_from_the_record(region: Region) -> None:
    region.sqs.delete_queue(QueueUrl=region.parked_url)
    answer = handler(batch(lost(1), undecodable(2)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{2:021d}"}]}
    assert len(region.conflicts()) == 1


def test_metrics_leave_as_one_document_and_one_more_for_each_kind(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(batch(clean(1), lost(2), undecodable(3)), Context())
    out = capsys.readouterr().out
    line = metrics(out)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "DynamoDBReconciler"
    assert (line["table"], line["region"]) == ("parties", REGION)
    assert (line["Records"], line["Conflicts"], line["Parked"]) == ([3.0], [1.0], [1.0])
    assert line["LossToDetection_ms"][0] > 0
    (of_kind,) = (each for each in documents(out) if "kind" in each)
    assert (of_kind["kind"], of_kind["Conflicts"]) == ("concurrent-home", [1.0])


def test_each_invocation_counts_from_nothing(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(batch(lost(1)), Context())
    capsys.readouterr()
    handler(batch(clean(2)), Context())
    line = metrics(capsys.readouterr().out)
    assert line["Records"] == [1.0]
    assert "Conflicts" not in line


def test_metrics_have_a_namespace_even_if_the_environment_names_none(
    region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one, sending them raised, and every batch failed after its work was done."""
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    assert handler(batch(lost(1)), Context()) == {"batchItemFailures": []}
    line = metrics(capsys.readouterr().out)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "DynamoDBReconciler"


def test_metrics_are_sent_even_if_the_invocation_fails(
    region: Region, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    keys_only = record(1, LOST, LOST, StreamViewType="KEYS_ONLY")
    with pytest.raises(UnsupportedStream):
        handler(batch(keys_only), Context())
    assert metrics(capsys.readouterr().out)["Records"] == [1.0]
    assert "invocation failed" in caplog.messages


def test_hundreds_of_losses_in_one_batch_are_all_handled(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = [record(n, LOST, WINNER) for n in range(150)]
    assert handler(batch(*losses), Context()) == {"batchItemFailures": []}
    lines = [each for each in documents(capsys.readouterr().out) if "kind" not in each]
    assert sum(sum(line.get("Conflicts", [])) for line in lines) == 150
    assert sum(len(line.get("LossToDetection_ms", [])) for line in lines) == 150


def test_settings_that_are_missing_or_wrong_are_all_named_at_once(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RECONCILER_TABLE", "RECONCILER_BUS", "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("RECONCILER_OUTSIDE_WRITES", "ignore")
    with pytest.raises(InvalidInput) as caught:
        handler(batch(clean(1)), Context())
    for name in ("RECONCILER_TABLE", "RECONCILER_BUS", "AWS_REGION", "'ignore'"):
        assert name in str(caught.value)
    assert "RECONCILER_LEDGER_TABLE" not in str(caught.value)


def test_outside_writes_are_restored_if_the_environment_says_so(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_OUTSIDE_WRITES", "restore")
    handler(batch(record(1, LOST, None)), Context())
    (event,) = region.conflicts()
    assert event["detail"]["restore"] is True


def test_clients_are_made_once_for_all_invocations(region: Region) -> None:
    handler(batch(lost(1)), Context())
    made = client.cache_info().misses
    handler(batch(lost(1)), Context())
    assert client.cache_info().misses == made


MINUTE, HOUR = 60_000, 3_600_000


@pytest.mark.parametrize("off_ms", [-HOUR, -2 * MINUTE, 2 * MINUTE, HOUR])
def test_a_function_whose_clock_is_off_goes_by_the_regions_time_and_says_how_far_off_it_is(
    region: Region,
    machine: Callable[[int], None],
    off_ms: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine(off_ms)
    use1 = Replica("use1", written(assign("name", "Ada"), at=region_ms() - 5_000))
    euw1 = Replica("euw1", use1.image)
    lost_now = use1.write(assign("name", "Bob"), at=region_ms() - 1_000)
    won = euw1.write(assign("name", "Eve"), at=region_ms())
    handler(batch(record(1, lost_now, won)), Context())
    assert region.ledger_states() == ["OPEN"]
    (row,) = region.dynamodb.scan(TableName=NAMES.ledger)["Items"]
    assert abs(int(row["detected_at_ms"]["N"]) - region_ms()) < 30_000
    (off,) = metrics(capsys.readouterr().out)[telemetry.CLOCK_OFF_MS]
    assert abs(off - abs(off_ms)) < 30_000


def test_a_certificate_is_of_the_regions_time(
    region: Region, machine: Callable[[int], None]
) -> None:
    machine(HOUR)
    image = in_turn(20)
    handler(batch(record(1, image, image)), Context())
    (sent,) = region.conflicts()
    assert abs(int(sent["detail"]["issued_at_ms"]) - region_ms()) < 30_000


def test_a_clock_that_is_right_is_measured_as_right(
    region: Region, machine: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    machine(0)
    handler(batch(clean(1)), Context())
    (off,) = metrics(capsys.readouterr().out)[telemetry.CLOCK_OFF_MS]
    assert off < 5_000


def test_a_function_that_cannot_ask_for_the_time_works_on_and_measures_no_clock(
    region: Region,
    machine: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    machine(HOUR)
    monkeypatch.setattr(region.dynamodb, "describe_table", unreachable)
    assert handler(batch(clean(1)), Context()) == {"batchItemFailures": []}
    assert telemetry.CLOCK_OFF_MS not in metrics(capsys.readouterr().out)
