"""The ingest of one region: a bucket, whose new objects a function writes to the table.

The bucket and the table of jobs outlive their stack. What EventBridge cannot deliver, and what the
function fails at three times, waits in one dead-letter queue; `reconciler jobs retry` asks again.
Source: S3 guide, "Enabling Amazon EventBridge"; EventBridge guide, "Rule targets".
"""

from typing import Any

from aws_cdk.aws_events import CfnRule
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_sqs import CfnQueue
from constructs import Construct

from infra.arns import Arns
from infra.evidence import Rows, kept_bucket, kept_table
from infra.function import Function
from infra.permissions import Statement, allow, in_bucket, know_replica, park
from infra.queues import Queues
from infra.sources import queue_source
from reconciler.deployment.tables import (
    JOBS_EXPIRY,
    JOBS_KEY,
    JOBS_KINDS,
    JOBS_TIME_INDEX,
    JOBS_TIME_KEY,
)
from reconciler.deployment.wiring import (
    INGEST_SOURCE,
    REJECTS_PREFIX,
    RULE_TARGET,
    ingest_pattern,
)

AT_ONCE = 16  # functions of a region: a large object must leave table and account to others


def may_ingest(arns: Arns) -> list[Statement]:
    """Return what the ingest may do, and Lambda in its name: read its queue."""
    received = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    sent = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    objects, rejects = (f"{arns.ingest_bucket}/{each}*" for each in ("", REJECTS_PREFIX))
    rows = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    return [
        allow("WorkQueues", [*received, *sent], arns.queue(arns.names.ingest_queue)),
        know_replica(arns),
        allow("WriteItems", ["dynamodb:GetItem", "dynamodb:PutItem"], arns.table),
        allow("WriteNewItems", ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"], arns.table),
        allow("KeepJobs", rows, arns.jobs),
        in_bucket("ReadObjects", ["s3:GetObject", "s3:GetObjectVersion"], objects),
        in_bucket("KeepRejects", ["s3:PutObject"], rejects),
        in_bucket("SeeObjects", ["s3:ListBucket"], arns.ingest_bucket),
        park(arns),
    ]


class Ingest(Construct):
    """All of an ingest but its queues, and its function, which the pipeline makes.

    more: of the bucket.
    """

    def __init__(
        self,
        scope: Construct,
        arns: Arns,
        key: CfnKey,
        queues: Queues,
        function: Function,
        **more: Any,
    ) -> None:
        super().__init__(scope, "BulkIngest")
        names = arns.names
        rows = Rows(JOBS_KEY, JOBS_TIME_INDEX, JOBS_TIME_KEY, JOBS_KINDS)
        expiry = {"enabled": True, "attributeName": JOBS_EXPIRY}
        kept_table(self, "Jobs", names.jobs, key, rows, time_to_live_specification=expiry)
        queue, letters = queues.all[names.ingest_queue], queues.all[names.ingest_dlq]
        rule = CfnRule(
            self,
            "Created",
            name=names.ingest_queue,
            event_pattern=ingest_pattern(names.ingest_bucket),
            state="ENABLED",
            targets=[_target(queue, letters)],
        )
        told = {"eventBridgeConfiguration": {"eventBridgeEnabled": True}}
        bucket = kept_bucket(
            self, "Objects", names.ingest_bucket, key, notification_configuration=told, **more
        )
        bucket.add_resource_dependency(rule)  # an object that is put there earlier tells nobody
        queue_source(self, function, queue, INGEST_SOURCE, AT_ONCE)
        self.outputs = {
            "IngestBucket": bucket.ref,
            "IngestFunction": names.ingest_function,
            "IngestJobs": names.jobs,
        }


def _target(queue: CfnQueue, letters: CfnQueue) -> CfnRule.TargetProperty:
    return CfnRule.TargetProperty(
        id="ingest-queue",
        arn=queue.attr_arn,
        retry_policy=CfnRule.RetryPolicyProperty(
            maximum_retry_attempts=RULE_TARGET.maximum_retry_attempts,
            maximum_event_age_in_seconds=RULE_TARGET.maximum_event_age_seconds,
        ),
        dead_letter_config=CfnRule.DeadLetterConfigProperty(arn=letters.attr_arn),
    )
