"""A region's queues: those that functions work on, and those that keep what failed or waits.

Every queue is encrypted under the pipeline's key, refuses plain HTTP, and keeps messages as long as
SQS can. Only the rules may send to the worked queues from outside, and only the evidence bucket to
the stream's dead letters.
Source: SQS guide, "Dead-letter queues"; Lambda guide, "Using Lambda with Amazon SQS"; EventBridge
guide, "Resource-based policies"; S3 guide, "Granting permissions to publish notifications".
"""

from typing import Any

from aws_cdk import Aws
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_sqs import CfnQueue, CfnQueuePolicy
from constructs import Construct

from infra.acknowledged import acknowledge_end
from infra.arns import Arns
from reconciler.deployment.wiring import (
    DEAD_LETTER_RETENTION_SECONDS,
    HOME_SOURCE,
    INGEST_SOURCE,
    WITNESS_SOURCE,
    QueueSource,
)

_DATA_KEY_SECONDS = 300  # how long SQS uses one data key; longer costs less and shows less


class Queues(Construct):
    """All queues of one region, by name in `all`; of ingest and hub only if they are asked for."""

    def __init__(
        self, scope: Construct, arns: Arns, key: CfnKey, *, ingest: bool, hub: bool
    ) -> None:
        super().__init__(scope, "Queues")
        names = arns.names
        self._key, self._names = key, names
        self.all = {name: self._queue(name) for name in names.dead_letter_queues()}
        self.all[names.home_queue] = self._worked(names.home_queue, HOME_SOURCE)
        self.all[names.witness_queue] = self._worked(names.witness_queue, WITNESS_SOURCE)
        senders = {
            names.home_queue: _rules(arns, "home"),
            names.witness_queue: _rules(arns, "witness"),
            names.rules_dlq: _rules(arns, "home", "witness"),
            names.stream_dlq: _from("s3.amazonaws.com", [arns.bucket]),
        }
        if ingest:
            self.all[names.ingest_dlq] = self._queue(names.ingest_dlq)
            self.all[names.ingest_queue] = self._worked(names.ingest_queue, INGEST_SOURCE)
            created = _from("events.amazonaws.com", [arns.ingest_rule])
            senders |= {names.ingest_queue: created, names.ingest_dlq: created}
        if hub:
            self.all[names.hub_dlq] = self._queue(names.hub_dlq)
            senders[names.hub_dlq] = _from("events.amazonaws.com", [arns.hub_rules])
            acknowledge_end(self.all[names.hub_dlq])
        for name in (names.stream_dlq, names.rules_dlq, names.parked_queue):
            acknowledge_end(self.all[name])
        self.policies = {name: self._policy(name, senders.get(name, [])) for name in self.all}

    def _queue(self, name: str, **settings: Any) -> CfnQueue:
        return CfnQueue(
            self,
            name,
            queue_name=name,
            message_retention_period=DEAD_LETTER_RETENTION_SECONDS,
            kms_master_key_id=self._key.attr_arn,
            kms_data_key_reuse_period_seconds=_DATA_KEY_SECONDS,
            **settings,
        )

    def _worked(self, name: str, source: QueueSource) -> CfnQueue:
        return self._queue(
            name,
            delay_seconds=source.delay_seconds,
            visibility_timeout=source.visibility_timeout_seconds,
            redrive_policy={
                "deadLetterTargetArn": self.all[self._names.dead_letters_of(name)].attr_arn,
                "maxReceiveCount": source.maximum_receive_count,
            },
        )

    def _policy(self, name: str, senders: list[dict[str, Any]]) -> CfnQueuePolicy:
        queue = self.all[name]
        plain = {
            "Sid": "RefusesPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        statements = [{**each, "Resource": queue.attr_arn} for each in (plain, *senders)]
        return CfnQueuePolicy(
            self,
            f"{name}-policy",
            queues=[queue.ref],
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )


def _rules(arns: Arns, *roles: str) -> list[dict[str, Any]]:
    return _from("events.amazonaws.com", [arns.rule(role) for role in roles])


def _from(service: str, sources: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "Sid": "TakesWhatBelongsHere",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Condition": {
                "ArnEquals": {"aws:SourceArn": sources},
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            },
        }
    ]
