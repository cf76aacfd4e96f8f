"""One region with what an ingest needs, as moto plays it, and a queue that is worked off."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.aws.clients import ClientOf, client
from reconciler.aws.jobs import DynamoJobs
from reconciler.deployment.names import Names
from reconciler.deployment.tables import JOBS_KEY, JOBS_KINDS, JOBS_TIME_INDEX, JOBS_TIME_KEY
from reconciler.ingest.jobs import Job, JobState, Part
from reconciler.item.image import read
from reconciler.values.wire import Image

Deliver = Callable[[str, int], bool]  # a message and how often it was received; whether it is done


def create_jobs(dynamodb: Any, name: str) -> None:
    """Create a jobs table, with the index that lists jobs by time."""
    index = {
        "IndexName": JOBS_TIME_INDEX,
        "KeySchema": _schema(JOBS_TIME_KEY),
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamodb.create_table(
        TableName=name,
        KeySchema=_schema(JOBS_KEY),
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind}
            for attribute, kind in JOBS_KINDS.items()
        ],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )


def _schema(names: Sequence[str]) -> list[dict[str, str]]:
    roles = ("HASH", "RANGE")
    return [{"AttributeName": n, "KeyType": role} for n, role in zip(names, roles, strict=True)]


class IngestRegion:
    """The table, the jobs, the bucket and the queue of one region.

    In a cloud, whose clients `client_of` gives, the table is there already.
    """

    def __init__(
        self, region: str, *, versions: bool = False, client_of: ClientOf | None = None
    ) -> None:
        self.names = Names("parties", region)
        of = client_of or client
        self.dynamodb, self.sqs, self.s3 = (of(each, region) for each in ("dynamodb", "sqs", "s3"))
        if client_of is None:
            self.dynamodb.create_table(
                TableName=self.names.table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            )
        create_jobs(self.dynamodb, self.names.jobs)
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        bucket = self.names.ingest_bucket
        self.s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else elsewhere))
        if versions:
            status = {"Status": "Enabled"}
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=status)
        self.queue_url = self.sqs.create_queue(QueueName=self.names.ingest_queue)["QueueUrl"]
        self.parked_url = self.sqs.create_queue(QueueName=self.names.parked_queue)["QueueUrl"]
        self.jobs = DynamoJobs(self.names.jobs, self.dynamodb)

    def put(self, key: str, data: bytes) -> str:
        """Put an object there; return the message that EventBridge makes of it."""
        answer = self.s3.put_object(Bucket=self.names.ingest_bucket, Key=key, Body=data)
        told = {"key": key, "size": len(data), "etag": answer["ETag"].strip('"')}
        if answer.get("VersionId", "null") != "null":
            told["version-id"] = answer["VersionId"]
        return json.dumps(
            {
                "detail-type": "Object Created",
                "source": "aws.s3",
                "region": self.names.region,
                "detail": {"bucket": {"name": self.names.ingest_bucket}, "object": told},
            }
        )

    def modified(self, key: str) -> Any:
        return self.s3.head_object(Bucket=self.names.ingest_bucket, Key=key)["LastModified"]

    def waiting(self) -> list[str]:
        """Take the messages out of the queue."""
        bodies: list[str] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                bodies.append(message["Body"])
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
            if not answer.get("Messages"):
                return bodies

    def work_off(self, deliver: Deliver, *first: str) -> list[str]:
        """Deliver messages, and those that they make, until none is left; return them all."""
        done: list[str] = []
        left = [(body, 1) for body in first]
        while left:
            body, receives = left.pop(0)
            if deliver(body, receives):
                done.append(body)
            elif receives < 3:
                left.append((body, receives + 1))
            left += [(each, 1) for each in self.waiting()]
        return done

    def item(self, identifier: str = "p1") -> Image | None:
        key = {"id": {"S": identifier}}
        found: Image | None = self.dynamodb.get_item(
            TableName=self.names.table, Key=key, ConsistentRead=True
        ).get("Item")
        return found

    def shown(self, identifier: str = "p1") -> Mapping[str, Any]:
        return read(self.item(identifier)) or {}

    def job(self) -> Job:
        (job,) = self.jobs.latest(10)
        return job

    def parts(self) -> list[Part]:
        return self.jobs.parts(self.job().id)

    def counts(self) -> tuple[JobState, int, int, int, int]:
        """Return where the one job stands: lines, written, repeated, rejected."""
        job = self.job()
        counts = job.counts
        return job.state, counts.lines, counts.written, counts.repeated, counts.rejected

    def forget_jobs(self) -> None:
        """Remove all jobs, as if nothing had been ingested."""
        for row in self.dynamodb.scan(TableName=self.names.jobs)["Items"]:
            key = {name: row[name] for name in JOBS_KEY}
            self.dynamodb.delete_item(TableName=self.names.jobs, Key=key)

    def rejects(self) -> list[dict[str, Any]]:
        """Return the rejected lines, in the order of their parts."""
        found = self.s3.list_objects_v2(Bucket=self.names.ingest_bucket, Prefix="rejects/")
        lines: list[dict[str, Any]] = []
        for each in found.get("Contents", []):
            answer = self.s3.get_object(Bucket=self.names.ingest_bucket, Key=each["Key"])
            lines += map(json.loads, answer["Body"].read().splitlines())
        return lines

    def parked(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.parked_url, MaxNumberOfMessages=10)
        return [json.loads(each["Body"]) for each in answer.get("Messages", [])]
