"""What a reconciler's stack tells scripts and people: its resources' names."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_sqs import CfnQueue

from reconciler.deployment.names import DEAD_LETTERS, WORKED_QUEUES, Names


def reconciler_outputs(
    stack: Stack, names: Names, queues: Mapping[str, CfnQueue], **more: str
) -> None:
    """Add the outputs of a region's stack; more: what only some deployments have, or AWS names."""
    values = {
        "Table": names.table,
        "Ledger": names.ledger,
        "EventBus": names.bus,
        "EvidenceBucket": names.evidence_bucket,
        "DetectFunction": names.detect_function,
        "ResolveFunction": names.resolve_function,
        "GaugeFunction": names.gauge_function,
        **more,
    }
    for resource in (*WORKED_QUEUES, *DEAD_LETTERS):
        part = resource.replace("-dlq", "-dead-letters").title().replace("-", "")
        values[f"{part}QueueUrl"] = queues[names.of(resource)].ref
    for name, value in values.items():
        CfnOutput(stack, name, value=value)
