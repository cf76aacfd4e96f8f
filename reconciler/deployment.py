"""The numbers, names and patterns that a deployment and the local cloud share.

Behaviour: one place says how the pipeline is wired; infrastructure code and `reconciler.local` both
read it, so that what runs on one machine is what is deployed.
Source: AWS Lambda, EventBridge and SQS quotas (docs.aws.amazon.com).
"""

import hashlib
from dataclasses import dataclass
from typing import Any

EVENT_SOURCE = "dynamodb.reconciler"
SET_ASIDE_PREFIX = "aws/lambda/"  # where Lambda writes what the event source gives up
REDRIVEN_PREFIX = "redriven/"  # where a redrive moves it
LEDGER_STATE_INDEX = "by-state"  # state, lost_at_ms
DETAIL_TYPE = "Replicated Write Lost"
CERTIFICATE_DETAIL_TYPE = "Lineages Closed"
METRICS_NAMESPACE = "DynamoDBReconciler"

DETECT_HANDLER = "handlers.detect:handler"
RESOLVE_HANDLER = "handlers.resolve:handler"
APPROVE_HANDLER = "handlers.approve:handler"
REDRIVE_HANDLER = "handlers.redrive:handler"
LIVE_ALIAS = "live"  # of a function whose versions start warm; event sources read for it
GAUGE_HANDLER = "handlers.gauge:handler"
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


@dataclass(frozen=True)
class Approval:
    """The workflow in which a person decides a parked loss: who is asked how often, how long.

    A schedule starts it for every parked row: each `sweep_minutes`, with the same name.
    """

    sweep_minutes: int = 5
    decision_seconds: int = 86_400
    escalations: int = 2
    function_timeout_seconds: int = 60


@dataclass(frozen=True)
class LoopPause:
    """How many write-backs of one item within the window make a resolver leave it alone.

    The window is shorter than a message's life in its queue, so that a pause ends first.
    """

    limit: int = 100
    window_seconds: int = 600


WORKED_QUEUES = ("resolve", "witness")  # the home queue and the witness queue
DEAD_LETTERS = ("stream-dlq", "rules-dlq", "resolve-dlq", "witness-dlq", "parked")
MAX_STEM = 24  # so that the longest name, of a function, has the 64 characters that Lambda takes
MAX_SUFFIX = 10
_DIGEST = 6
APPROVAL = Approval()
LOOP_PAUSE = LoopPause()
CONFLICTS_PER_MINUTE_ALARM = 600  # of one table in one region; its ledger takes about 10,000


@dataclass(frozen=True)
class Names:
    """What one region's resources are called: `{table}-{resource}-{region}-{suffix}`.

    table: the replicated table, as DynamoDB knows it. suffix: the environment, where names must
    tell one from another, as those of S3 buckets must across all accounts; a table whose name ends
    in it does not say it twice. A table's name that other services do not take, or that would not
    leave room for the rest, is shortened and told apart by a digest.
    HAZARD if tables `t` and `t-dev` of one account both had the suffix `dev`: one set of names.
    """

    table: str
    region: str
    suffix: str = ""

    @property
    def stem(self) -> str:
        """What the names of all resources begin with."""
        name = self.table.removesuffix(f"-{self.suffix}") if self.suffix else self.table
        if len(name) <= MAX_STEM and "." not in name:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        return f"{name.replace('.', '-')[: MAX_STEM - _DIGEST - 1]}-{digest}"

    def of(self, resource: str) -> str:
        """Return the name of a resource of this region."""
        return "-".join(filter(None, (self.stem, resource, self.region, self.suffix)))

    @property
    def ledger(self) -> str:
        return self.of("ledger")

    @property
    def bus(self) -> str:
        return self.of("conflicts")

    @property
    def home_queue(self) -> str:
        return self.of("resolve")

    @property
    def witness_queue(self) -> str:
        return self.of("witness")

    @property
    def parked_queue(self) -> str:
        return self.of("parked")

    @property
    def stream_dlq(self) -> str:
        return self.of("stream-dlq")

    @property
    def rules_dlq(self) -> str:
        return self.of("rules-dlq")

    @property
    def home_dlq(self) -> str:
        return self.of("resolve-dlq")

    @property
    def witness_dlq(self) -> str:
        return self.of("witness-dlq")

    @property
    def evidence_bucket(self) -> str:
        """S3 takes small letters, digits and hyphens; a table's name may have others."""
        return self.of("evidence").lower().replace("_", "-")

    @property
    def detect_function(self) -> str:
        return self.of("detect")

    @property
    def resolve_function(self) -> str:
        return self.of("resolve")

    @property
    def redrive_function(self) -> str:
        return self.of("redrive")

    @property
    def gauge_function(self) -> str:
        return self.of("gauge")

    @property
    def approve_function(self) -> str:
        return self.of("approve")

    @property
    def approval_state_machine(self) -> str:
        return self.of("approval")

    @property
    def decisions_topic(self) -> str:
        return self.of("decisions")

    @property
    def escalations_topic(self) -> str:
        return self.of("escalations")

    @property
    def drill_role(self) -> str:
        return self.of("drill")

    def dead_letters_of(self, queue: str) -> str:
        """Return the dead-letter queue behind a queue that the resolver works on."""
        return {self.home_queue: self.home_dlq, self.witness_queue: self.witness_dlq}[queue]

    def dead_letter_queues(self) -> tuple[str, ...]:
        """Return the queues that a redrive reads: what failed, and what was parked."""
        return tuple(map(self.of, DEAD_LETTERS))


def rule_pattern(role: str) -> dict[str, Any]:
    """Return the EventBridge pattern that selects conflicts of `role`, "home" or "witness"."""
    return {
        "source": [EVENT_SOURCE],
        "detail-type": [DETAIL_TYPE, CERTIFICATE_DETAIL_TYPE],
        "detail": {"role": [role]},
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
