"""The doctor's judgement of an ingest: each check both ways, and nothing where there is none."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.deployment.wiring import ingest_pattern
from reconciler.doctor import CheckResult, Seen, Unseen, examine
from tests.doctor.test_doctor import HEALTHY, NAMES, REFUSED, arn, queue, troubled

QUEUE, LETTERS = NAMES.ingest_queue, NAMES.ingest_dlq
POLICY = {"deadLetterTargetArn": arn(LETTERS), "maxReceiveCount": 3}
SETTINGS = {"VisibilityTimeout": "1800", "RedrivePolicy": json.dumps(POLICY)}
READS = {"EventSourceArn": arn(QUEUE), "State": "Enabled"}
TTL = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def encrypted(algorithm: str) -> dict[str, Any]:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


DEPLOYED: dict[str, Any] = {
    "queue": queue(QUEUE, **SETTINGS),
    "letters": queue(LETTERS, ApproximateNumberOfMessages="0"),
    "jobs": {"Table": {"KeySchema": [{"AttributeName": "job"}, {"AttributeName": "part"}]}},
    "expiry": {"TimeToLiveDescription": TTL},
    "notification": {"EventBridgeConfiguration": {}},
    "versions": {"Status": "Enabled"},
    "encryption": encrypted("aws:kms"),
    "rule": {"State": "ENABLED", "EventPattern": json.dumps(ingest_pattern(NAMES.ingest_bucket))},
    "targets": {"Targets": [{"Arn": arn(QUEUE), "DeadLetterConfig": {"Arn": arn(LETTERS)}}]},
    "sources": {"EventSourceMappings": [READS]},
}


def having(**changes: Any) -> Seen:
    return replace(HEALTHY, ingest={**DEPLOYED, **changes})


def of_ingest(seen: Seen) -> list[CheckResult]:
    return [each for each in examine(seen) if "ingest" in each.id]


def test_a_healthy_ingest_has_nothing_to_be_done() -> None:
    assert troubled(having()) == set()
    assert len(of_ingest(having())) == 10


def test_where_there_is_none_nothing_is_said() -> None:
    assert of_ingest(HEALTHY) == []


@pytest.mark.parametrize("part", DEPLOYED)
def test_what_is_not_there_is_a_problem_and_what_cannot_be_seen_is_unknown(part: str) -> None:
    assert {severity for _, severity in troubled(having(**{part: None}))} == {"problem"}
    assert {severity for _, severity in troubled(having(**{part: REFUSED}))} == {"unknown"}
    assert isinstance(REFUSED, Unseen)


@pytest.mark.parametrize(
    ("part", "answer", "expected"),
    [
        ("notification", {}, ("ingest-bucket", "problem")),
        ("versions", {}, ("ingest-bucket-versions", "warning")),
        ("encryption", encrypted("AES256"), ("ingest-bucket-encryption", "warning")),
        ("rule", {**DEPLOYED["rule"], "State": "DISABLED"}, ("ingest-rule", "problem")),
        ("rule", {**DEPLOYED["rule"], "EventPattern": "{}"}, ("ingest-rule", "problem")),
        ("targets", {"Targets": [{"Arn": arn(QUEUE)}]}, ("ingest-rule-target", "problem")),
        ("targets", {"Targets": []}, ("ingest-rule-target", "problem")),
        ("queue", queue(QUEUE, VisibilityTimeout="1800"), (f"queue-{QUEUE}", "problem")),
        ("queue", queue(QUEUE, **{**SETTINGS, "VisibilityTimeout": "30"}),
         (f"queue-{QUEUE}", "warning")),
        ("letters", queue(LETTERS, ApproximateNumberOfMessages="2"),
         (f"depth-{LETTERS}", "warning")),
        ("sources", {"EventSourceMappings": []}, ("ingest-source", "problem")),
        ("sources", {"EventSourceMappings": [{**READS, "State": "Disabled"}]},
         ("ingest-source", "problem")),
        ("jobs", {"Table": {"KeySchema": [{"AttributeName": "job"}]}}, ("ingest-jobs", "problem")),
        ("expiry", {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
         ("ingest-jobs-ttl", "warning")),
        ("expiry", {"TimeToLiveDescription": {**TTL, "AttributeName": "other"}},
         ("ingest-jobs-ttl", "warning")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_with_what_to_do(
    part: str, answer: Any, expected: tuple[str, str]
) -> None:
    seen = having(**{part: answer})
    assert troubled(seen) == {expected}
    (finding,) = [each for each in examine(seen) if each.severity != "ok"]
    assert finding.fix
