"""The verdict on a region, from facts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.api.health import Facts, Unanswered, verdict

WELL = Facts(None, 0, "ACTIVE", 1_000, {"eu-west-1": 900})
MINUTE = 60_000


@pytest.mark.parametrize(
    ("changed", "health", "reason"),
    [
        ({}, "healthy", ""),
        ({"table_status": "UPDATING"}, "healthy", ""),
        ({"table_status": None, "detector_age_ms": None, "replication_ms": {}}, "healthy", ""),
        ({"item": Unanswered("Unavailable")}, "unhealthy", "the table was not read: Unavailable"),
        ({"table_status": "DELETING"}, "unhealthy", "the table is DELETING"),
        ({"oldest_open_ms": Unanswered("x")}, "degraded", "the ledger was not read: x"),
        ({"oldest_open_ms": 14 * MINUTE}, "healthy", ""),
        ({"oldest_open_ms": 90 * MINUTE}, "degraded", "a loss has been open for 90.0 minutes"),
        ({"detector_age_ms": 6 * MINUTE}, "degraded", "the detector is 6.0 minutes behind"),
        ({"detector_age_ms": 12 * 60 * MINUTE}, "unhealthy", "the detector is 720.0 minutes"),
        ({"replication_ms": {"eu-west-1": MINUTE}}, "degraded", "take 1.0 minutes to eu-west-1"),
    ],
)
def test_a_region_is_as_fit_as_its_worst_part(
    changed: dict[str, Any], health: str, reason: str
) -> None:
    answer = verdict(replace(WELL, **changed), "us-east-1")
    told = json.loads(answer.body)
    assert answer.status == (503 if health == "unhealthy" else 200)
    assert (told["health"], told["region"]) == (health, "us-east-1")
    assert reason in "; ".join(told["reasons"])
    assert bool(told["reasons"]) == (health != "healthy")
    assert (told.get("code") == "unhealthy") == (answer.status == 503)


def test_all_reasons_are_told_and_each_check_by_its_name() -> None:
    late = replace(WELL, oldest_open_ms=90 * MINUTE, detector_age_ms=13 * 60 * MINUTE)
    told = json.loads(verdict(late, "us-east-1").body)
    assert len(told["reasons"]) == 2
    assert told["checks"] == {
        "table": "healthy",
        "ledger": "healthy",
        "open losses": "degraded",
        "detector": "unhealthy",
        "replication to eu-west-1": "healthy",
    }
