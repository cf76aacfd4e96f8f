"""The facts that a health check goes by, asked for with few calls, and kept for some seconds.

Table and ledger are read at most every five seconds in each process, by one call each that nobody
repeats; the metrics once a minute. Whatever asks more often costs nothing.
Source: CloudWatch API Reference, GetMetricData; DynamoDB guide, ReplicationLatency.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from handlers.api_settings import ApiSettings
from handlers.observability import Observability
from reconciler.api.health import Facts, Unanswered
from reconciler.aws.clients import client, idempotent
from reconciler.aws.region import Region
from reconciler.conflict.row import State
from reconciler.errors import ReconcilerError

NEAR_MS = 5_000
FAR_MS = 60_000
_LAST_SECONDS = 300
_PROBE = {"S": {"S": "~health"}, "N": {"N": "0"}, "B": {"B": b"~health"}}
Kept = TypeVar("Kept")


class Keeping(Generic[Kept]):
    """An answer that is asked for again when it is older than `ms`."""

    def __init__(self, ask: Callable[[], Kept], ms: int, monotonic_ms: Callable[[], int]) -> None:
        self._ask = ask
        self._ms = ms
        self._monotonic_ms = monotonic_ms
        self._last: tuple[int, Kept] | None = None

    def __call__(self) -> Kept:
        """Return the answer, as it is now or was a moment ago."""
        now = self._monotonic_ms()
        if self._last is None or now - self._last[0] >= self._ms:
            self._last = now, self._ask()
        return self._last[1]


class Looking:
    """Looks at a region for a health check."""

    def __init__(
        self, settings: ApiSettings, observability: Observability, monotonic_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._observability = observability
        self._region = Region(settings, client_of=partial(client, attempts=1, read_seconds=1))
        self._near = Keeping(self._asked_near, NEAR_MS, monotonic_ms)
        self._far = Keeping(self._asked_far, FAR_MS, monotonic_ms)

    def facts(self) -> Facts:
        """Return what is known of the region."""
        item, oldest = self._near()
        status, detector, replication = self._far()
        return Facts(item, oldest, status, detector, replication)

    def _asked_near(self) -> tuple[Unanswered | None, int | Unanswered]:
        keys = zip(self._settings.keys.names, self._settings.keys.kinds, strict=True)
        probe = {name: _PROBE[kind] for name, kind in keys}
        try:
            with idempotent("GetItem"):
                dynamodb = self._region.client("dynamodb")
                dynamodb.get_item(TableName=self._settings.table, Key=probe)
            item = None
        except ReconcilerError as problem:
            item = self._unanswered(problem)
        try:
            rows, _ = self._region.ledger.page(State.OPEN, 1)
        except ReconcilerError as problem:
            return item, self._unanswered(problem)
        lost_at = rows[0].lost_at_ms if rows else 0
        return item, max(0, self._region.time.now_ms() - lost_at) if lost_at else 0

    def _asked_far(self) -> tuple[str | None, int | None, dict[str, int]]:
        try:
            with idempotent("DescribeTable"):
                dynamodb = self._region.client("dynamodb")
                table = dynamodb.describe_table(TableName=self._settings.table)["Table"]
        except ReconcilerError as problem:
            self._unanswered(problem)
            return None, None, {}
        others = [each["RegionName"] for each in table.get("Replicas", ())]
        others = [each for each in others if each != self._settings.region]
        try:
            latest = self._metrics(others)
        except ReconcilerError as problem:
            self._unanswered(problem)
            latest = {}
        replication = {name: latest[f"r{n}"] for n, name in enumerate(others) if f"r{n}" in latest}
        return table["TableStatus"], latest.get("age"), replication

    def _metrics(self, others: list[str]) -> dict[str, int]:
        function = {"FunctionName": self._settings.names.detect_function}
        asked = [_query("age", "AWS/Lambda", "IteratorAge", function, "Maximum")]
        for number, region in enumerate(others):
            dimensions = {"TableName": self._settings.table, "ReceivingRegion": region}
            name = "ReplicationLatency"
            asked.append(_query(f"r{number}", "AWS/DynamoDB", name, dimensions, "Average"))
        now = self._region.time.now_ms() // 1000
        with idempotent("GetMetricData"):
            answer = self._region.client("cloudwatch").get_metric_data(
                MetricDataQueries=asked,
                StartTime=now - _LAST_SECONDS,
                EndTime=now,
                ScanBy="TimestampDescending",
            )
        found = answer["MetricDataResults"]
        return {each["Id"]: int(each["Values"][0]) for each in found if each.get("Values")}

    def _unanswered(self, problem: ReconcilerError) -> Unanswered:
        self._observability.note("not seen by the health check", error=problem)
        return Unanswered(str(problem.evidence.get("code") or type(problem).__name__))


def _query(
    name: str, namespace: str, metric: str, dimensions: dict[str, str], stat: str
) -> dict[str, Any]:
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    about = {"Namespace": namespace, "MetricName": metric, "Dimensions": listed}
    return {"Id": name, "MetricStat": {"Metric": about, "Period": 60, "Stat": stat}}
