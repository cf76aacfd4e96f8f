"""The metrics that alarms and dashboards name, each with the dimensions that its sender gives it.

A metric of ours has the dimensions table and region, and at most kind besides.
Source: Lambda guide, "Viewing metrics for Lambda functions"; SQS guide, "Available CloudWatch
metrics"; DynamoDB guide, "DynamoDB metrics and dimensions"; EventBridge guide, "Monitoring".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import METRICS_NAMESPACE


@dataclass(frozen=True)
class Metric:
    """One metric, and what the values of a period come to: Sum, Maximum, p99."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]


def ours(names: Names, name: str, statistic: str, kind: str = "") -> Metric:
    """Return a metric of this project, of one table in one region."""
    dimensions = {"table": names.table, "region": names.region}
    return Metric(METRICS_NAMESPACE, name, statistic, dimensions | ({"kind": kind} if kind else {}))


def of_function(function: str, name: str, statistic: str = "Sum") -> Metric:
    """Return a metric of a Lambda function, of all its versions and aliases together."""
    return Metric("AWS/Lambda", name, statistic, {"FunctionName": function})


def of_source(identifier: str, name: str, statistic: str = "Sum") -> Metric:
    """Return a metric of an event source, which sends it only if it is told to."""
    return Metric("AWS/Lambda", name, statistic, {"EventSourceMappingUUID": identifier})


def of_queue(queue: str, name: str) -> Metric:
    """Return a metric of an SQS queue."""
    return Metric("AWS/SQS", name, "Maximum", {"QueueName": queue})


def of_rule(bus: str, rule: str, name: str) -> Metric:
    """Return a metric of a rule of a bus that is not the default one."""
    return Metric("AWS/Events", name, "Sum", {"EventBusName": bus, "RuleName": rule})


def of_copies(bucket: str, copy: str, rule: str) -> Metric:
    """Return what S3 could not copy by a rule of a bucket; it is kept in the bucket's region."""
    dimensions = {"SourceBucket": bucket, "DestinationBucket": copy, "RuleId": rule}
    return Metric("AWS/S3", "OperationsFailedReplication", "Sum", dimensions)


def of_api(identifier: str, name: str) -> Metric:
    """Return a metric of an HTTP API."""
    return Metric("AWS/ApiGateway", name, "Sum", {"ApiId": identifier})


def of_table(table: str, name: str, statistic: str = "Sum", **more: str) -> Metric:
    """Return a metric of a DynamoDB table; more: its other dimensions."""
    return Metric("AWS/DynamoDB", name, statistic, {"TableName": table, **more})


def replication_latency(names: Names, receiver: str) -> Metric:
    """Return how long writes of this region take to another one; it is kept in this one."""
    return of_table(names.table, "ReplicationLatency", "Average", ReceivingRegion=receiver)
