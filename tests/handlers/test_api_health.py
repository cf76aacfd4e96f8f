"""What a health check looks at, and how seldom it asks."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.client import BaseClient

from handlers.api_health import FAR_MS, NEAR_MS, Keeping
from reconciler.aws.clients import client
from reconciler.conflict.row import State
from tests.aws.conftest import REGION
from tests.conflicts import loss
from tests.handlers.door import NAMES, Door
from tests.handlers.test_api import LOST, WINNER, door, opened

__all__ = ["door", "opened"]


def test_a_region_whose_table_and_ledger_answer_is_healthy(door: Door) -> None:
    answer = door.get("/health", authorizer=None)  # as a check asks that cannot sign
    assert answer.status == 200
    assert answer.document["health"] == "healthy"
    assert answer.document["checks"] == {
        "table": "healthy",
        "ledger": "healthy",
        "open losses": "healthy",
    }


def test_a_table_that_is_gone_sends_traffic_away(door: Door) -> None:
    door.dynamodb.delete_table(TableName=NAMES.table)
    answer = door.get("/health")
    assert (answer.status, answer.code, answer.document["health"]) == (
        503,
        "unhealthy",
        "unhealthy",
    )
    assert answer.document["reasons"] == ["the table was not read: ResourceNotFoundException"]
    assert door.get("/health/live").status == 200


def test_a_ledger_that_is_gone_or_holds_an_old_loss_is_told(door: Door) -> None:
    old = loss(LOST, WINNER, State.OPEN, conflict_id="c1", lost_at_ms="1000")
    door.place(old.image, NAMES.ledger)
    answer = door.get("/health")
    assert (answer.status, answer.document["health"]) == (200, "degraded")
    assert answer.document["checks"]["open losses"] == "degraded"


def test_a_ledger_that_is_gone_is_told(door: Door) -> None:
    door.dynamodb.delete_table(TableName=NAMES.ledger)
    answer = door.get("/health")
    assert (answer.status, answer.document["health"]) == (200, "degraded")
    assert answer.document["reasons"] == ["the ledger was not read: ResourceNotFoundException"]


def test_a_detector_that_is_late_is_told(door: Door) -> None:
    client("cloudwatch", REGION).put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "IteratorAge",
                "Dimensions": [{"Name": "FunctionName", "Value": NAMES.detect_function}],
                "Value": 600_000,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
            }
        ],
    )
    assert door.get("/health").document["checks"]["detector"] == "degraded"


def test_the_time_that_replication_takes_is_told_by_region(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs leave it out
    asked: list[Any] = []

    def answer(self: BaseClient, operation: str, parameters: Any) -> Any:
        if operation == "DescribeTable":
            regions = [{"RegionName": each} for each in (REGION, "eu-west-1", "eu-west-2")]
            return {"Table": {"TableStatus": "ACTIVE", "Replicas": regions}}
        if operation == "GetMetricData":
            asked.extend(parameters["MetricDataQueries"])
            return {"MetricDataResults": [{"Id": "r1", "Values": [90_000.5, 1.0]}]}
        return real(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    document = door.get("/health").document
    assert document["reasons"] == ["writes take 1.5 minutes to eu-west-2"]
    assert [each["Id"] for each in asked] == ["age", "r0", "r1"]


def test_many_checks_cost_few_calls(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.get("/health/live")
    real = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs leave it out
    calls = Counter[str]()

    def counted(self: BaseClient, operation: str, parameters: Any) -> Any:
        calls[operation] += 1
        return real(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    for _ in range(50):
        assert door.get("/health").status == 200
    assert calls == {"GetItem": 1, "Query": 1, "DescribeTable": 1, "GetMetricData": 1}


@pytest.mark.parametrize("ms", [NEAR_MS, FAR_MS])
def test_an_answer_is_kept_for_its_time_and_no_longer(ms: int) -> None:
    now, answers = 0, iter(range(9))
    kept = Keeping(lambda: next(answers), ms, lambda: now)
    assert [kept(), kept()] == [0, 0]
    now = ms - 1
    assert kept() == 0
    now = ms
    assert kept() == 1


def test_liveness_makes_no_call(
    opened: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    door = opened()

    def refuse(*_: Any) -> None:
        raise AssertionError("a call was made")

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    assert door.get("/health/live").document == {"health": "live"}
