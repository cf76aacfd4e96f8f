"""One region's adapters, each made once, when it is first asked for.

A region fulfils the ports of every stage. Its clients are those of its process; an
adapter that nobody asks for makes none, so that a function starts with what it uses.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from threading import local
from typing import Any, Protocol

from reconciler.aws.bus import EventBridgeBus
from reconciler.aws.clients import ClientOf, client, idempotent
from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.incarnation import ReplicaCode
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.aws.region_time import region_time_of
from reconciler.aws.set_aside import S3SetAside
from reconciler.aws.streams import StreamRecords
from reconciler.aws.whole_replica import DynamoReplica
from reconciler.causality.context import replica_id
from reconciler.causality.region_time import RegionTime
from reconciler.clock import monotonic_ms, now_ms
from reconciler.conflict.event import Event
from reconciler.deployment.names import Names
from reconciler.errors import ReconcilerError, Unavailable
from reconciler.ports import Telemetry, Unheard

_ASK_AGAIN_MS = 600_000


class Resources(Protocol):
    """What the resources of one region are called: a deployment's names, a function's settings."""

    @property
    def region(self) -> str: ...

    @property
    def table(self) -> str: ...

    @property
    def ledger(self) -> str: ...

    @property
    def bus(self) -> str: ...

    @property
    def evidence_bucket(self) -> str: ...

    @property
    def parked_queue(self) -> str: ...


class Region:
    """All that one region's stages work with, over AWS's APIs.

    telemetry: hears what the ledger and the bus refuse, too. trace: the X-Ray header that an event
    travels with, "" for none. parked_url: of the parked queue; without it, SQS is asked for it.
    client_of: where clients come from that make one attempt a call, if not from this process's.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        telemetry: Telemetry | None = None,
        trace: Callable[[Event], str] = lambda _: "",
        parked_url: str | None = None,
        client_of: ClientOf | None = None,
    ) -> None:
        self.name = resources.region
        self.telemetry = telemetry or Unheard()
        self._resources = resources
        self._trace = trace
        self._parked_url = parked_url
        self._client_of = client_of
        self._refused = _Refused()
        self._codes: dict[str, ReplicaCode] = {}
        self._unreached_ms: int | None = None

    def client(self, service: str) -> Any:
        """Return the region's client of a service; the SDK tries again, four times in all."""
        return (self._client_of or client)(service, self.name)

    @property
    def write_client(self) -> Any:
        """The DynamoDB client that makes one attempt a call, as conditional writes need it."""
        if self._client_of is not None:
            return self._client_of("dynamodb", self.name)
        return client("dynamodb", self.name, attempts=1)

    def replica(self) -> str:
        """Return the replica's code; if nobody knows its incarnation, that of its region alone.

        Then losses are repaired as those of another replica, a minute later, and nothing is folded.
        """
        try:
            return self._code()
        except Unavailable as problem:
            self.telemetry.note("the replica is not known", error=problem)
            return replica_id(self.name)

    def replicas(self) -> Sequence[str] | None:
        """Return the codes of all replicas, each asked of its own region; None if one is unknown.

        Nobody is asked for a while after that: a function may not reach other regions at all.
        HAZARD if a region counted by its name alone: one that was made anew has marked nothing.
        """
        if self._unreached_ms is not None and monotonic_ms() - self._unreached_ms < _ASK_AGAIN_MS:
            return None
        codes = self._asked_codes()
        self._unreached_ms = monotonic_ms() if codes is None else None
        return codes

    def _asked_codes(self) -> Sequence[str] | None:
        try:
            codes = [self._code()]
            others = [self._code_of(each) for each in sorted(self._code.regions())]
            codes += [each() for each in others]
        except Unavailable as problem:
            self.telemetry.note("not all replicas are known", error=problem)
            return None
        return codes if all(each.is_of_an_incarnation() for each in (self._code, *others)) else None

    @cached_property
    def time(self) -> RegionTime:
        """The region's time, as the ledger's client hears it."""
        return region_time_of(self.client("dynamodb"))

    def ask_time(self) -> None:
        """Let an answer tell the region's time, unless it is known; a refusal tells it, too."""
        if not self.time.is_known():
            with suppress(ReconcilerError), idempotent("DescribeTable"):
                self.client("dynamodb").describe_table(TableName=self._resources.table)

    def refusal(self) -> str:
        """Return what the ledger or the bus refused last in this thread, and why."""
        return self._refused.why

    @cached_property
    def items(self) -> DynamoItems:
        return DynamoItems(self._resources.table, self.write_client)

    @cached_property
    def whole(self) -> DynamoReplica:
        return DynamoReplica(self._resources.table, self.client("dynamodb"))

    @cached_property
    def _code(self) -> ReplicaCode:
        return self._code_of(self.name)

    def _code_of(self, region: str) -> ReplicaCode:
        if region not in self._codes:
            dynamodb = (self._client_of or client)("dynamodb", region)
            table = self._resources.table
            self._codes[region] = ReplicaCode(table, region, dynamodb, now_ms, monotonic_ms)
        return self._codes[region]

    @cached_property
    def ledger(self) -> DynamoLedger:
        table = self._resources.ledger
        return DynamoLedger(table, self.client("dynamodb"), lambda: self.evidence, self._note)

    @cached_property
    def bus(self) -> EventBridgeBus:
        return EventBridgeBus(self._resources.bus, self.client("events"), self._trace, self._note)

    @cached_property
    def evidence(self) -> S3Evidence:
        return S3Evidence(self._resources.evidence_bucket, self.client("s3"))

    @cached_property
    def parked(self) -> SqsParked:
        """Unavailable if the queue's URL is not known and the queue does not exist."""
        return SqsParked(self._parked_url or self._url(), self.client("sqs"), self.evidence)

    @cached_property
    def set_aside(self) -> S3SetAside:
        return S3SetAside(self._resources.evidence_bucket, self.client("s3"))

    @cached_property
    def streams(self) -> StreamRecords:
        return StreamRecords(self.client("dynamodbstreams"))

    @cached_property
    def letters(self) -> SqsDeadLetters:
        return SqsDeadLetters(self.client("sqs"))

    def _url(self) -> str:
        queue = self._resources.parked_queue
        with idempotent(f"GetQueueUrl {queue}"):
            url: str = self.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        return url

    def _note(self, message: str, *, error: Exception, **fields: Any) -> None:
        self._refused.why = f"{message}: {error}"
        self.telemetry.note(message, error=error, **fields)


class _Refused(local):
    """What was last refused, and why, in this thread: each thread works on one letter."""

    why = ""


def open_region(names: Names) -> Region:
    """Return a region to redrive; Unavailable if its parked queue does not exist.

    Asked for here, because a redrive that cannot park must not begin.
    """
    region = Region(names)
    _ = region.parked
    return region
