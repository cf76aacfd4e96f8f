"""The gauge: what waits in the ledger, as metrics that alarms can go by."""

from typing import Any

import pytest

from handlers.gauge import handler
from reconciler.aws.clients import client
from reconciler.causality.region_time import RegionTime
from reconciler.conflict.row import State, ledger_row
from reconciler.deployment import telemetry
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.errors import Unavailable
from reconciler.local.provision import create_ledger
from tests.aws.conftest import REGION
from tests.handlers.conftest import Context, metrics
from tests.redrive.desk import a_loss

NAMES = Names("parties", REGION)
NOW = 1_000_000


@pytest.fixture
def dynamodb(aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = client("dynamodb", REGION)
    create_ledger(made, NAMES.ledger)
    for name, value in function_environment(NAMES, parked_queue_url="unused").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILER_TRACING", raising=False)
    monkeypatch.setattr(RegionTime, "now_ms", lambda _: NOW)
    return made


def record(dynamodb: Any, state: State, *lost_at_ms: int) -> None:
    for at in lost_at_ms:
        loss = a_loss(conflict_id=f"{state.value}-{at}", lost_at_ms=str(at))
        dynamodb.put_item(TableName=NAMES.ledger, Item=ledger_row(loss, state, NOW).image)


def measured(capsys: pytest.CaptureFixture[str]) -> tuple[float, float, float]:
    """Run the gauge; return the open losses, the age of the oldest, and the parked ones."""
    answer = handler({}, Context())
    line = metrics(capsys.readouterr().out)
    names = (telemetry.OPEN_LOSSES, telemetry.OLDEST_OPEN_LOSS_MS, telemetry.PARKED_LOSSES)
    assert answer == {name: line[name][0] for name in names}
    open_losses, oldest, parked = (line[name][0] for name in names)
    return open_losses, oldest, parked


def test_what_waits_is_counted_and_the_oldest_open_loss_has_its_age(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record(dynamodb, State.OPEN, NOW - 10, NOW - 7_000, NOW - 300)
    record(dynamodb, State.PARKED, NOW - 90_000, NOW - 80_000)
    record(dynamodb, State.RESOLVED, NOW - 95_000)
    assert measured(capsys) == (3, 7_000, 2)


def test_a_row_whose_time_nobody_can_read_is_counted_and_has_no_age(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record(dynamodb, State.OPEN, NOW - 7_000)
    broken = ledger_row(a_loss(conflict_id="broken"), State.OPEN, NOW).image
    dynamodb.put_item(TableName=NAMES.ledger, Item=broken | {"lost_at_ms": {"N": "1.5"}})
    assert measured(capsys) == (2, 7_000, 0)


def test_when_nothing_waits_zeros_are_sent_so_that_alarms_end(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured(capsys) == (0, 0, 0)


def test_a_loss_that_a_faster_clock_recorded_has_no_negative_age(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record(dynamodb, State.OPEN, NOW + 900)
    assert measured(capsys) == (1, 0, 0)


def test_no_more_rows_than_the_most_are_counted_and_the_oldest_is_among_them(
    dynamodb: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.gauge.MOST", 2)
    for state in (State.OPEN, State.PARKED):
        record(dynamodb, state, NOW - 1, NOW - 2, NOW - 3)
    assert measured(capsys) == (2, 3, 2)


def test_a_ledger_that_cannot_be_read_fails_the_run_and_sends_no_number(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb.delete_table(TableName=NAMES.ledger)
    with pytest.raises(Unavailable):
        handler({}, Context())
    assert "_aws" not in capsys.readouterr().out
