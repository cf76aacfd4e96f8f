"""The numbers, names and patterns that a deployment and the local cloud share.

One place says how the pipeline is wired; infrastructure code and `reconciler.local` both
read it, so that what runs on one machine is what is deployed.
Source: AWS Lambda, EventBridge and SQS quotas (docs.aws.amazon.com).
"""

from dataclasses import dataclass
from typing import Any, Literal

from reconciler.causality.keys import LIFETIME_MINUTES
from reconciler.deployment.names import Names

KEY_LIFETIME_MINUTES = LIFETIME_MINUTES  # of an idempotency key, unless a schema says otherwise
EVENT_SOURCE = "dynamodb.reconciler"
SET_ASIDE_PREFIX = "aws/lambda/"  # where Lambda writes what the event source gives up
REJECTS_PREFIX = "rejects/"  # of the ingest bucket; HAZARD if rejects were ingested: for ever
REDRIVEN_PREFIX = "redriven/"  # where a redrive moves it
DETAIL_TYPE = "Replicated Write Lost"
CERTIFICATE_DETAIL_TYPE = "Lineages Closed"
WRITTEN_DETAIL_TYPE = "Write Carried Out"  # by the workflow of writes; no rule here selects it
METRICS_NAMESPACE = "DynamoDBReconciler"

DETECT_HANDLER = "handlers.detect:handler"
RESOLVE_HANDLER = "handlers.resolve:handler"
APPROVE_HANDLER = "handlers.approve:handler"
REDRIVE_HANDLER = "handlers.redrive:handler"
INGEST_HANDLER = "handlers.ingest:handler"
LIVE_ALIAS = "live"  # of a function whose versions start warm; event sources read for it
GAUGE_HANDLER = "handlers.gauge:handler"
API_HANDLER = "handlers.api:handler"
APPSYNC_HANDLER = "handlers.appsync:handler"
WORKFLOW_HANDLER = "handlers.workflow:handler"
ADOPT_HANDLER = "handlers.adopt:handler"
GAUGE_MINUTES = 1  # how often the ledger is counted


@dataclass(frozen=True)
class StreamSource:
    """The event-source mapping from a replica's DynamoDB stream to the detector.

    An outage of hours heals by itself. What fails longer is set aside with its payload while the
    stream still has it; until a redrive has worked it off, no item of the region is folded.
    """

    batch_size: int = 100
    batching_window_seconds: float = 1
    parallelization_factor: int = 1
    maximum_retry_attempts: int = 1_000
    maximum_record_age_seconds: int = 43_200
    bisect_batch_on_function_error: bool = True
    starting_position: str = "TRIM_HORIZON"


@dataclass(frozen=True)
class QueueSource:
    """The event-source mapping from an SQS queue to the resolver, and that queue's settings."""

    batch_size: int = 10
    visibility_timeout_seconds: int = 180
    maximum_receive_count: int = 5
    delay_seconds: int = 0


@dataclass(frozen=True)
class RuleTarget:
    """How long EventBridge tries to deliver an event to a queue; then it goes to the rules' DLQ."""

    maximum_retry_attempts: int = 185
    maximum_event_age_seconds: int = 86_400


DEAD_LETTER_RETENTION_SECONDS = 1_209_600  # 14 days, the most that SQS keeps
STREAM_SOURCE = StreamSource()
RULE_TARGET = RuleTarget()
HOME_SOURCE = QueueSource()
WITNESS_SOURCE = QueueSource(delay_seconds=60)
# What fails comes back when the timeout is over, which is six times that of the function.
INGEST_SOURCE = QueueSource(batch_size=1, visibility_timeout_seconds=1_800, maximum_receive_count=3)


@dataclass(frozen=True)
class LoopPause:
    """How many write-backs of one item within the window make a resolver leave it alone.

    The window is shorter than a message's life in its queue, so that a pause ends first.
    """

    limit: int = 100
    window_seconds: int = 600


LOOP_PAUSE = LoopPause()

# Whether anybody writes the table without this library: what detectors look for, and how writers
# that do use it guard themselves. Whether their deletes stand is another thing, the policy below.
OutsideWriters = Literal["expected", "none"]
OutsideWrites = Literal["accept", "restore"]
CONFLICTS_PER_MINUTE_ALARM = 600  # of one table in one region; its ledger takes about 10,000


def rule_pattern(role: str) -> dict[str, Any]:
    """Return the EventBridge pattern that selects conflicts of `role`, "home" or "witness"."""
    return {
        "source": [EVENT_SOURCE],
        "detail-type": [DETAIL_TYPE, CERTIFICATE_DETAIL_TYPE],
        "detail": {"role": [role]},
    }


def hub_rule(identifier: str) -> str:
    """Return the name of a subscription's rule, on the bus of events."""
    return f"hub-{identifier}"


def ingest_pattern(bucket: str) -> dict[str, Any]:
    """Return the EventBridge pattern that selects the objects of a bucket that are to be ingested.

    Source: S3 guide, "Using EventBridge"; EventBridge guide, "Comparison operators".
    """
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [bucket]},
            "object": {"key": [{"anything-but": {"prefix": REJECTS_PREFIX}}]},
        },
    }


def stream_filters(partition_key: str) -> list[dict[str, Any]]:
    """Return event-source filters that drop inserts: nothing is lost where nothing was.

    A key is a string, a number or binary, and `exists` works on leaf nodes only, hence one
    pattern for each. Source: Lambda guide, "Using event filtering with a DynamoDB source".
    """
    return [
        {"dynamodb": {"OldImage": {partition_key: {kind: [{"exists": True}]}}}} for kind in "SNB"
    ]


def function_environment(names: Names, *, parked_queue_url: str) -> dict[str, str]:
    """Return the environment variables that the Lambda functions of a region are given."""
    return {
        "RECONCILER_TABLE": names.table,
        "RECONCILER_SUFFIX": names.suffix,
        "RECONCILER_LEDGER_TABLE": names.ledger,
        "RECONCILER_BUS": names.bus,
        "RECONCILER_PARKED_QUEUE_URL": parked_queue_url,
        "RECONCILER_EVIDENCE_BUCKET": names.evidence_bucket,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_SERVICE_NAME": "reconciler",
    }
