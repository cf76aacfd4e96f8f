"""The region's time, heard in the answers of a client of one region of AWS in this process."""

import logging
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.aws import connect, region_time
from reconciler.aws.clients import client
from reconciler.aws.region_time import region_time_of
from reconciler.item.schema import Schema
from tests.aws.conftest import REGION

NOON = 1_790_000_000_000
HOUR = 3_600_000


@pytest.fixture
def dynamodb(aws: None) -> Any:
    region_time._HEARD.clear()
    return client("dynamodb", REGION, attempts=1)


def answer(dynamodb: Any, at_ms: int) -> None:
    """Let an answer come as botocore tells of it."""
    date = format_datetime(datetime.fromtimestamp(at_ms / 1_000, UTC), usegmt=True)
    response = SimpleNamespace(headers={"date": date}, status_code=200)
    dynamodb.meta.events.emit("after-call.dynamodb.GetItem", http_response=response, context={})


@pytest.mark.parametrize("off_ms", [-HOUR, HOUR])
def test_a_machine_that_is_off_follows_the_answers_and_is_warned_about_once(
    dynamodb: Any, off_ms: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(region_time, "now_ms", lambda: NOON + off_ms)
    heard = region_time._listening(dynamodb)
    with caplog.at_level(logging.WARNING, "reconciler"):
        answer(dynamodb, NOON)
        answer(dynamodb, NOON)
    assert abs(heard.now_ms() - NOON) <= 1_000
    assert len(caplog.records) == 1
    told = re.search(r"is (\d+) s (ahead of|behind) ", caplog.text)
    assert told is not None
    assert abs(int(told[1]) - 3_600) <= 1  # a date has no parts of a second
    assert told[2] == ("ahead of" if off_ms > 0 else "behind")


def test_a_client_is_listened_to_once_and_a_refusal_counts_as_an_answer(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = region_time_of(dynamodb)
    assert region_time_of(dynamodb) is heard
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName="nothing", Key={"id": {"S": "p1"}})
    assert heard.is_sure()


@pytest.mark.parametrize("off_ms", [-HOUR, HOUR])
def test_a_table_tells_how_far_its_machines_clock_is_off(
    dynamodb: Any, off_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_time, "now_ms", lambda: NOON + off_ms)
    table = connect(Schema.of(table="parties", key=["id"]), region=REGION, dynamodb=dynamodb)
    assert table.clock_off_ms == 0  # nothing is known yet
    answer(dynamodb, NOON)
    assert abs(table.clock_off_ms - off_ms) <= 1_000


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}, {"date": ""}])
def test_an_answer_without_a_date_that_can_be_read_fails_no_call_and_tells_no_time(
    dynamodb: Any, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_time, "now_ms", lambda: NOON)
    heard = region_time._listening(dynamodb)
    response = SimpleNamespace(headers=headers, status_code=200)
    dynamodb.meta.events.emit("after-call.dynamodb.PutItem", http_response=response, context={})
    assert heard.now_ms() == NOON
