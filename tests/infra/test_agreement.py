"""What is deployed is what the local cloud runs, and what the doctor calls healthy."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import (
    HOME_SOURCE,
    STREAM_SOURCE,
    WITNESS_SOURCE,
    function_environment,
    stream_filters,
)
from reconciler.doctor import Seen, examine
from reconciler.local.cloud import LOCAL_STREAM
from reconciler.local.provision import create_pipeline
from tests.infra.stacks import ACCOUNT, REGIONS, Stacks, synthesised

EU = "eu-west-1"
NAMES = Names("parties", EU)
SETTINGS = ("DelaySeconds", "VisibilityTimeout", "MessageRetentionPeriod")
# A worked queue here keeps messages for 14 days, one on this machine for SQS's four.
UNLIKE = {(queue, "MessageRetentionPeriod") for queue in (NAMES.home_queue, NAMES.witness_queue)}


@pytest.fixture(scope="module")
def deployed() -> Stacks:
    return synthesised("three")


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, EU, aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    with mock_aws():
        create_pipeline(client, NAMES, home=HOME_SOURCE, witness=WITNESS_SOURCE)
        yield client


def queues_of(deployed: Stacks) -> dict[str, dict[str, Any]]:
    made = deployed.all("reconciler", "AWS::SQS::Queue").values()
    return {queue["QueueName"]: queue for queue in made}


def source_of(deployed: Stacks, ending: str) -> dict[str, Any]:
    sources = deployed.all("reconciler", "AWS::Lambda::EventSourceMapping").values()
    [found] = [each for each in sources if each["EventSourceArn"].endswith(ending)]
    return found


def test_queues_have_the_settings_of_the_local_cloud(deployed: Stacks, local: Any) -> None:
    made, sqs = queues_of(deployed), local("sqs")

    listed = {url.rpartition("/")[2]: url for url in sqs.list_queues()["QueueUrls"]}
    assert set(listed) == set(made)
    for name, url in listed.items():
        here = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for setting in SETTINGS:
            if setting in made[name] and (name, setting) not in UNLIKE:
                assert str(made[name][setting]) == here[setting], (name, setting)
        assert made[name].get("RedrivePolicy") == json.loads(here.get("RedrivePolicy", "null"))


def test_rules_select_send_retry_and_give_up_as_in_the_local_cloud(
    deployed: Stacks, local: Any
) -> None:
    events = local("events")

    for role in ("home", "witness"):
        rule = deployed.one("reconciler", "AWS::Events::Rule", Name=role)
        here = events.describe_rule(Name=role, EventBusName=NAMES.bus)
        assert rule["EventPattern"] == json.loads(here["EventPattern"])
        assert (rule["EventBusName"], rule["State"]) == (NAMES.bus, here["State"])
        targets = events.list_targets_by_rule(Rule=role, EventBusName=NAMES.bus)["Targets"]
        assert rule["Targets"] == targets


def test_the_ledger_has_the_keys_and_the_index_of_the_local_cloud(
    deployed: Stacks, local: Any
) -> None:
    made = deployed.one("reconciler", "AWS::DynamoDB::Table")
    here = local("dynamodb").describe_table(TableName=NAMES.ledger)["Table"]

    assert made["TableName"] == here["TableName"]
    assert made["KeySchema"] == here["KeySchema"]
    assert made["AttributeDefinitions"] == here["AttributeDefinitions"]
    [index], [index_here] = made["GlobalSecondaryIndexes"], here["GlobalSecondaryIndexes"]
    for part in ("IndexName", "KeySchema", "Projection"):
        assert index[part] == index_here[part]


def test_bus_and_bucket_are_those_of_the_local_cloud(deployed: Stacks, local: Any) -> None:
    buckets = [bucket["Name"] for bucket in local("s3").list_buckets()["Buckets"]]

    assert [deployed.one("reconciler", "AWS::S3::Bucket")["BucketName"]] == buckets
    bus = deployed.one("reconciler", "AWS::Events::EventBus")["Name"]
    assert bus in [each["Name"] for each in local("events").list_event_buses()["EventBuses"]]


def test_the_stream_s_source_has_the_numbers_and_filters_of_the_local_cloud(
    deployed: Stacks,
) -> None:
    made = source_of(deployed, "LatestStreamArn")

    assert made["BatchSize"] == LOCAL_STREAM.batch_size
    assert made["ParallelizationFactor"] == LOCAL_STREAM.parallelization_factor
    assert made["MaximumRetryAttempts"] == LOCAL_STREAM.maximum_retry_attempts
    assert made["MaximumRecordAgeInSeconds"] == LOCAL_STREAM.maximum_record_age_seconds
    assert made["BisectBatchOnFunctionError"] == LOCAL_STREAM.bisect_batch_on_function_error
    assert made["MaximumBatchingWindowInSeconds"] == STREAM_SOURCE.batching_window_seconds
    patterns = [json.loads(each["Pattern"]) for each in made["FilterCriteria"]["Filters"]]
    assert patterns == stream_filters("id")


def test_the_queues_sources_have_the_batch_sizes_of_the_local_cloud(deployed: Stacks) -> None:
    assert source_of(deployed, NAMES.home_queue)["BatchSize"] == HOME_SOURCE.batch_size
    assert source_of(deployed, NAMES.witness_queue)["BatchSize"] == WITNESS_SOURCE.batch_size


def test_functions_are_told_all_that_workers_of_the_local_cloud_are_told(deployed: Stacks) -> None:
    url = f"https://sqs.{EU}.amazonaws.com/{ACCOUNT}/{NAMES.parked_queue}"
    told = function_environment(NAMES, parked_queue_url=url)

    for name in (NAMES.detect_function, NAMES.resolve_function):
        made = deployed.one("reconciler", "AWS::Lambda::Function", FunctionName=name)
        assert told.items() <= made["Environment"]["Variables"].items()


def seen(stacks: Stacks) -> Seen:
    """Return what AWS would answer about a region deployed of these templates."""
    table = stacks.one("table", "AWS::DynamoDB::GlobalTable", REGIONS[0])
    [replica] = [each for each in table["Replicas"] if each["Region"] == EU]
    stream = "looked-up:Table.LatestStreamArn/stream/1"
    rules = {
        role: stacks.one("reconciler", "AWS::Events::Rule", Name=role)
        for role in ("home", "witness")
    }
    empty: dict[str, Any] = {"Datapoints": []}
    ready = {"UUID": "1", "State": "Enabled"}
    sources = [
        {**each, **ready}
        for each in stacks.all("reconciler", "AWS::Lambda::EventSourceMapping").values()
    ]
    for each in sources:
        if each["EventSourceArn"].startswith("looked-up"):
            each["EventSourceArn"] = stream
    recovery = replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    status = {"PointInTimeRecoveryStatus": "ENABLED" if recovery else "DISABLED"}
    expiry = table["TimeToLiveSpecification"]
    return Seen(
        names=NAMES,
        regions=tuple(REGIONS),
        endpoint=None,
        table={
            "Table": {
                "TableStatus": "ACTIVE",
                "TableArn": f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties",
                "LatestStreamArn": stream,
                "StreamSpecification": {**table["StreamSpecification"], "StreamEnabled": True},
                "DeletionProtectionEnabled": replica["DeletionProtectionEnabled"],
                "Replicas": [
                    {"RegionName": each["Region"], "ReplicaStatus": "ACTIVE"}
                    for each in table["Replicas"]
                ],
            }
        },
        backups={"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}},
        expiry={
            "TimeToLiveDescription": {
                "TimeToLiveStatus": "ENABLED" if expiry["Enabled"] else "DISABLED",
                "AttributeName": expiry["AttributeName"],
            }
        },
        ledger={"Table": stacks.one("reconciler", "AWS::DynamoDB::Table")},
        bucket=stacks.one("reconciler", "AWS::S3::Bucket", BucketName=NAMES.evidence_bucket),
        bus=stacks.one("reconciler", "AWS::Events::EventBus", Name=NAMES.bus),
        rules={
            r: {**rule, "EventPattern": json.dumps(rule["EventPattern"])}
            for r, rule in rules.items()
        },
        targets=rules,
        queues={
            name: {
                "QueueUrl": name,
                "Attributes": {
                    **queue,
                    "RedrivePolicy": json.dumps(queue.get("RedrivePolicy", {})),
                },
            }
            for name, queue in queues_of(stacks).items()
        },
        oldest=dict.fromkeys(NAMES.dead_letter_queues(), empty),
        sources={
            name: {
                "EventSourceMappings": [each for each in sources if each["FunctionName"] == name]
            }
            for name in (NAMES.detect_function, NAMES.resolve_function)
        },
        iterator_age={"Datapoints": [{"Maximum": 0}]},
        detector=stacks.one(
            "reconciler", "AWS::Lambda::Function", FunctionName=NAMES.detect_function
        ),
        records=empty,
        outside_writes={"updates": empty},
        ingest={},
        items=None,
        at_ms=0,
        clock_ahead_ms=0,
    )


def test_the_doctor_finds_nothing_wrong_with_what_is_deployed(deployed: Stacks) -> None:
    findings = examine(seen(deployed))

    assert [f for f in findings if f.severity != "ok"] == []
    assert {"detect-source-settings", "rule-home-dlq", "ttl"} <= {f.id for f in findings}
