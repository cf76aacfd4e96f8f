"""The reconciler on AWS: adapters for the ports, and the way to open a replicated table."""

import os
import secrets
import time
from random import random
from typing import Any

from reconciler.aws.clients import INSTRUMENTED, client
from reconciler.aws.incarnation import ReplicaCode
from reconciler.aws.items import DynamoItems
from reconciler.aws.region_time import region_time_of
from reconciler.causality.context import replica_id
from reconciler.client.sending import Retries, Surroundings
from reconciler.client.table import ReplicatedTable
from reconciler.clock import monotonic_ms, now_ms, system_clock
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema

__all__ = ["Retries", "connect", "now_ms"]


def connect(
    schema: Schema,
    *,
    region: str | None = None,
    dynamodb: Any = None,
    retries: Retries = Retries(),  # noqa: B008 (it is frozen)
    outside_writers: OutsideWriters = "expected",
) -> ReplicatedTable:
    """Open the replica of a table in `region` (default: the environment's AWS_REGION).

    `dynamodb` is a boto3 client to use instead of a new one, with timeouts of its own; it must make
    one attempt a call, because only the write client can tell a retried write from a refused one.
    `retries` says how often an edit is tried and how long it waits. `outside_writers`: whether
    anybody writes the table around the library; only where nobody does, say "none".
    """
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if dynamodb is not None:
        _check(dynamodb)
    replica_id(region)  # first of all, because it says what is wrong with the region
    dynamodb = dynamodb or client("dynamodb", region, attempts=1)
    region_time = region_time_of(dynamodb)
    return ReplicatedTable(
        schema,
        DynamoItems(schema.table, dynamodb),
        replica=ReplicaCode(schema.table, region, dynamodb, now_ms, monotonic_ms),
        clock=system_clock(region_time.now_ms),
        retries=retries,
        surroundings=Surroundings(
            monotonic_ms=monotonic_ms,
            sleep=time.sleep,
            draw=random,
            fresh=lambda: secrets.token_bytes(12),
            time_is_sure=region_time.is_sure,
            clock_off_ms=region_time.off_ms,
            process=os.getpid,
        ),
        outside_writers=outside_writers,
    )


def _check(dynamodb: Any) -> None:
    if dynamodb in INSTRUMENTED:
        raise InvalidInput("the client is instrumented; the write client needs one of its own")
    if dynamodb.meta.config.retries.get("total_max_attempts") != 1:
        raise InvalidInput(
            "the client retries by itself: Config(retries={'total_max_attempts': 1})"
        )
