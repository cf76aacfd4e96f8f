"""The event sources: the replica's stream for the detector, both queues for the resolver.

Source: Lambda guide, "Using Lambda with DynamoDB", "Using Lambda with Amazon SQS" (maximum
concurrency); API Reference CreateEventSourceMapping.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk.aws_lambda import CfnEventSourceMapping
from aws_cdk.aws_sqs import CfnQueue
from constructs import Construct

from infra.arns import Arns
from infra.function import Function
from reconciler.deployment.wiring import STREAM_SOURCE, QueueSource

_REPORTS = ["ReportBatchItemFailures"]


def stream_source(
    scope: Construct,
    function: Function,
    stream_arn: str,
    filters: Sequence[Mapping[str, Any]],
    arns: Arns,
) -> CfnEventSourceMapping:
    """Let the detector read a stream; what it gives up goes to the evidence bucket, whole.

    Without filters it reads inserts, too.
    """
    told = {"filters": [{"pattern": json.dumps(each)} for each in filters]}
    return CfnEventSourceMapping(
        scope,
        "StreamSource",
        function_name=function.target,
        event_source_arn=stream_arn,
        starting_position=STREAM_SOURCE.starting_position,
        batch_size=STREAM_SOURCE.batch_size,
        maximum_batching_window_in_seconds=STREAM_SOURCE.batching_window_seconds,
        parallelization_factor=STREAM_SOURCE.parallelization_factor,
        maximum_retry_attempts=STREAM_SOURCE.maximum_retry_attempts,
        maximum_record_age_in_seconds=STREAM_SOURCE.maximum_record_age_seconds,
        bisect_batch_on_function_error=STREAM_SOURCE.bisect_batch_on_function_error,
        function_response_types=_REPORTS,
        filter_criteria=told if filters else None,
        destination_config={"onFailure": {"destination": arns.bucket}},
        metrics_config={"metrics": ["EventCount"]},  # alarms need them: polls, and what is dropped
    )


def queue_source(
    scope: Construct,
    function: Function,
    queue: CfnQueue,
    source: QueueSource,
    concurrency: int | None,
) -> CfnEventSourceMapping:
    """Let the resolver read a queue; concurrency: the most batches of it at a time."""
    return CfnEventSourceMapping(
        scope,
        f"{queue.node.id}-source",
        function_name=function.target,
        event_source_arn=queue.attr_arn,
        batch_size=source.batch_size,
        function_response_types=_REPORTS,
        scaling_config={"maximumConcurrency": concurrency} if concurrency else None,
    )
