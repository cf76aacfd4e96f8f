"""The ingest: where a schema is named for it, objects of a bucket reach a function."""

import json
from dataclasses import replace

import pytest

from infra.settings import read_settings
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import INGEST_SOURCE, ingest_pattern
from reconciler.doctor.ingest import findings
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from tests.doctor.test_doctor import HEALTHY
from tests.infra.stacks import ACCOUNT, PLAIN, REGIONS, synthesised
from tests.infra.test_permissions import granted

EU = REGIONS[1]
NAME = f"parties-ingest-{EU}"
OPTIONS = synthesised("options")


def test_the_bucket_tells_eventbridge_and_its_objects_reach_the_queue_but_for_rejects() -> None:
    bucket = OPTIONS.one("reconciler", "AWS::S3::Bucket", BucketName=NAME)
    rule = OPTIONS.one("reconciler", "AWS::Events::Rule", Name=NAME)

    told = bucket["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert told == {"EventBridgeEnabled": True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["EventPattern"] == ingest_pattern(NAME)
    assert "rejects/" in str(rule["EventPattern"])
    [target] = rule["Targets"]
    assert target["Arn"] == f"arn:aws:sqs:{EU}:{ACCOUNT}:{NAME}"
    assert target["DeadLetterConfig"]["Arn"].endswith(f":parties-ingest-dlq-{EU}")


def test_a_message_is_received_three_times_and_for_longer_than_the_function_runs() -> None:
    queue = OPTIONS.one("reconciler", "AWS::SQS::Queue", QueueName=NAME)
    function = OPTIONS.one("reconciler", "AWS::Lambda::Function", FunctionName=NAME)
    source = OPTIONS.one(
        "reconciler",
        "AWS::Lambda::EventSourceMapping",
        EventSourceArn=f"arn:aws:sqs:{EU}:{ACCOUNT}:{NAME}",
    )

    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": f"arn:aws:sqs:{EU}:{ACCOUNT}:parties-ingest-dlq-{EU}",
        "maxReceiveCount": 3,
    }
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert function["Handler"] == "handlers.ingest.handler"
    told = json.loads(function["Environment"]["Variables"]["RECONCILER_SCHEMA"])
    assert Schema.of(**told).type_at(("loyalty",)) == "counter_pn"
    assert told["table"] == "parties"
    assert source["BatchSize"] == INGEST_SOURCE.batch_size == 1
    assert source["ScalingConfig"] == {"MaximumConcurrency": 16}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_its_function_may_read_objects_write_items_keep_jobs_and_no_more() -> None:
    may = granted("options", "IngestRole")

    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"
    jobs, bucket = f"{table}-jobs-{EU}", f"arn:aws:s3:::{NAME}"
    queue, parked = (
        f"arn:aws:sqs:{EU}:{ACCOUNT}:parties-{each}-{EU}" for each in ("ingest", "parked")
    )
    beside = ("ec2", "kms", "logs", "xray")
    assert {action: r for action, r in may.items() if not action.startswith(beside)} == {
        "dynamodb:BatchGetItem": [table],
        "dynamodb:DescribeTable": [table],
        "dynamodb:GetItem": [table, jobs],
        "dynamodb:PartiQLInsert": [table],
        "dynamodb:PutItem": [table, jobs],
        "dynamodb:UpdateItem": [jobs],
        "s3:GetObject": [f"{bucket}/*"],
        "s3:GetObjectVersion": [f"{bucket}/*"],
        "s3:ListBucket": [bucket],
        "s3:PutObject": [f"{bucket}/rejects/*"],
        "sqs:DeleteMessage": [queue],
        "sqs:GetQueueAttributes": [queue],
        "sqs:GetQueueUrl": [queue],
        "sqs:ReceiveMessage": [queue],
        "sqs:SendMessage": sorted([queue, parked]),
    }


def test_its_dead_letters_and_its_failures_are_alarmed() -> None:
    names = {
        each["AlarmName"] for each in OPTIONS.all("reconciler", "AWS::CloudWatch::Alarm").values()
    }
    kinds = ("dead-letters-ingest-dlq", "dead-letter-age-ingest-dlq", "function-errors-ingest")
    assert {f"parties-{each}-{EU}" for each in kinds} <= names


def test_objects_are_encrypted_closed_to_all_others_and_go_where_storage_is_cheap() -> None:
    bucket = OPTIONS.one("reconciler", "AWS::S3::Bucket", BucketName=NAME)

    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [aging] = bucket["LifecycleConfiguration"]["Rules"]
    later = {"StorageClass": "GLACIER_IR", "TransitionInDays": 90}
    assert aging["Status"] == "Enabled"
    assert (aging["Transitions"], aging["NoncurrentVersionTransitions"]) == ([later], [later])


def test_jobs_expire_when_the_function_is_told() -> None:
    function = OPTIONS.one("reconciler", "AWS::Lambda::Function", FunctionName=NAME)
    table = OPTIONS.one("reconciler", "AWS::DynamoDB::Table", TableName=f"parties-jobs-{EU}")

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert function["Environment"]["Variables"]["RECONCILER_JOB_DAYS"] == "90"
    with pytest.raises(InvalidInput, match="ingest_job_days: from 15"):
        read_settings(json.dumps({**PLAIN, "ingest_job_days": 14}))


def test_the_jobs_and_the_objects_outlive_their_stack() -> None:
    resources = OPTIONS.template(OPTIONS.stack("reconciler"))["Resources"].values()
    kept = [
        each["DeletionPolicy"]
        for each in resources
        if each.get("Properties", {}).get("TableName", "").startswith("parties-jobs")
        or each.get("Properties", {}).get("BucketName") == NAME
    ]
    assert len(kept) == 2
    assert all(each.startswith("Retain") for each in kept)


def test_a_schema_that_fills_the_variables_of_a_function_is_refused() -> None:
    many = {f"attribute-{number:03d}": "counter_pn" for number in range(100)}
    document = {**PLAIN, "ingest_schema": {"key": ["id"], "attributes": many}}
    with pytest.raises(InvalidInput, match=r"ingest_schema: .*2500 characters"):
        read_settings(json.dumps(document))


def test_the_doctor_finds_nothing_to_be_done_about_it() -> None:
    bucket = OPTIONS.one("reconciler", "AWS::S3::Bucket", BucketName=NAME)
    rule = OPTIONS.one("reconciler", "AWS::Events::Rule", Name=NAME)
    queue = OPTIONS.one("reconciler", "AWS::SQS::Queue", QueueName=NAME)
    jobs = OPTIONS.one("reconciler", "AWS::DynamoDB::Table", TableName=f"parties-jobs-{EU}")
    arn = f"arn:aws:sqs:{EU}:{ACCOUNT}:{NAME}"
    source = OPTIONS.one("reconciler", "AWS::Lambda::EventSourceMapping", EventSourceArn=arn)
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    by_default = encryption["ServerSideEncryptionByDefault"]
    encrypted = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    policy = json.dumps(queue["RedrivePolicy"])
    answers = {
        "notification": bucket["NotificationConfiguration"],
        "versions": bucket["VersioningConfiguration"],
        "encryption": {"ServerSideEncryptionConfiguration": encrypted},
        "rule": {**rule, "EventPattern": json.dumps(rule["EventPattern"])},
        "targets": rule,
        "queue": {"Attributes": {**queue, "RedrivePolicy": policy}},
        "letters": {"Attributes": {}},
        "sources": {"EventSourceMappings": [{**source, "State": "Enabled"}]},
        "jobs": {"Table": jobs},
        "expiry": {
            "TimeToLiveDescription": {
                "TimeToLiveStatus": "ENABLED",
                "AttributeName": jobs["TimeToLiveSpecification"]["AttributeName"],
            }
        },
    }
    answers["queue"]["Attributes"]["VisibilityTimeout"] = str(queue["VisibilityTimeout"])
    table = {"Table": {"TableArn": f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"}}
    seen = replace(HEALTHY, names=Names("parties", EU), table=table, ingest=answers)

    found = {(each.id, each.severity) for each in findings(seen) if each.severity != "ok"}

    assert found == set()


def test_without_a_schema_there_is_none() -> None:
    assert "ingest" not in str(synthesised("three").template(f"parties-reconciler-{EU}"))
