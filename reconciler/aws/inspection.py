"""What one region answers about a deployment, gathered for `reconciler.doctor`.

It only reads. A call that is refused or not answered becomes `Unseen`, with the permission it
needs; what AWS does not know becomes None. Only missing credentials raise, because without them
there is nothing to see.
Source: API References of the calls; Service Authorization Reference for the permissions.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from reconciler.aws.clients import NO_CREDENTIALS, ClientOf, no_credentials
from reconciler.deployment import telemetry
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import LIVE_ALIAS, METRICS_NAMESPACE
from reconciler.doctor.facts import AwsAnswer, Seen, Unseen
from reconciler.doctor.outside import WATCHED_DAYS, WATCHED_KINDS
from reconciler.item.metadata import METADATA

_UNKNOWN = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "TableNotFoundException",
}
_REFUSED = {"403", "AccessDenied", "AccessDeniedException"}
_PERMISSIONS = {  # of calls that are named otherwise
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
}
_LAST_MINUTES = 15
_DAY_SECONDS = 86_400
_SAMPLED = 1_000


def inspect(
    regions: Sequence[Names],
    client_of: ClientOf,
    now_ms: Callable[[], int],
    *,
    endpoint: str | None = None,
) -> list[Seen]:
    """Return what each region answers about its part of a deployment, in the order of `regions`.

    endpoint: the local cloud's address, if that is what `client_of` talks to.
    Raises: Unavailable if there are no credentials.
    """

    every = tuple(names.region for names in regions)

    def look(names: Names) -> Seen:
        return _look(names, _Inquiry(names.region, client_of, now_ms), every, endpoint)

    with ThreadPoolExecutor(len(regions)) as pool:
        return list(pool.map(look, regions))


class _Inquiry:
    """Asks the services of one region, and compares clocks by the way."""

    def __init__(self, region: str, client_of: ClientOf, now_ms: Callable[[], int]) -> None:
        self._region = region
        self._client_of = client_of
        self.now_ms = now_ms
        self._silent: dict[str, str] = {}
        self._clocks: list[tuple[int, int]] = []

    def ask(self, service: str, operation: str, **arguments: Any) -> AwsAnswer:
        """Make one call."""
        permission = f"{service}:{operation}"
        permission = _PERMISSIONS.get(permission, permission)
        if service in self._silent:
            return Unseen(permission, self._silent[service], refused=False)
        started = self.now_ms()
        try:
            client = self._client_of(service, self._region)
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**arguments)
        except NO_CREDENTIALS as error:
            raise no_credentials(error) from None
        except ClientError as error:
            self._compare_clocks(error.response, started)
            return _failure(permission, error)
        except (BotoCoreError, ResponseParserError) as error:
            self._silent[service] = str(error)
            return Unseen(permission, str(error), refused=False)
        self._compare_clocks(answer, started)
        return answer

    def sources(self, function: str) -> AwsAnswer:
        """Return a function's event sources, or its alias's if the function itself has none."""
        answer = self.ask("lambda", "ListEventSourceMappings", FunctionName=function)
        if isinstance(answer, Unseen) or (answer or {}).get("EventSourceMappings"):
            return answer
        alias = f"{function}:{LIVE_ALIAS}"
        found = self.ask("lambda", "ListEventSourceMappings", FunctionName=alias)
        return answer if isinstance(found, Unseen) else found

    def latest(self, namespace: str, metric: str, dimension: str, value: str) -> AwsAnswer:
        """Return the maximum of a metric in each of the last minutes."""
        now = self.now_ms() / 1000
        return self.ask(
            "cloudwatch",
            "GetMetricStatistics",
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=now - _LAST_MINUTES * 60,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )

    def daily(self, metric: str, names: Names, **more: str) -> AwsAnswer:
        """Return the sum of a metric of ours on each of the last days on which there was any."""
        now = self.now_ms() / 1000
        dimensions = {"table": names.table, "region": names.region, **more}
        return self.ask(
            "cloudwatch",
            "GetMetricStatistics",
            Namespace=METRICS_NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - WATCHED_DAYS * _DAY_SECONDS,
            EndTime=now,
            Period=_DAY_SECONDS,
            Statistics=["Sum"],
        )

    def sample(self, table: str) -> AwsAnswer:
        """Return the metadata of the items in one page of a table: of at most 1 MB."""
        return self.ask(
            "dynamodb",
            "Scan",
            TableName=table,
            Limit=_SAMPLED,
            ProjectionExpression="#rec",
            ExpressionAttributeNames={"#rec": METADATA},
        )

    def queue(self, name: str) -> AwsAnswer:
        """Return a queue's URL and attributes."""
        found = self.ask("sqs", "GetQueueUrl", QueueName=name)
        if found is None or isinstance(found, Unseen):
            return found
        url = found["QueueUrl"]
        answer = self.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        if answer is None or isinstance(answer, Unseen):
            return answer
        return {"QueueUrl": url, "Attributes": answer["Attributes"]}

    def clock_ahead_ms(self) -> int | None:
        """Return how far this machine's clock is ahead, by the shortest call; None: no dates."""
        return min(self._clocks)[1] if self._clocks else None

    def _compare_clocks(self, answer: Any, started: int) -> None:
        """Compare the middle of a call with its answer's date, which is cut off to a second."""
        ended = self.now_ms()
        metadata = answer.get("ResponseMetadata", {})
        date = parsedate_tz(metadata.get("HTTPHeaders", {}).get("date"))
        if date is not None and not metadata.get("RetryAttempts"):
            theirs = mktime_tz(date) * 1000 + 500
            self._clocks.append((ended - started, round((started + ended) / 2 - theirs)))


def _failure(permission: str, error: ClientError) -> Unseen | None:
    code = str(error.response["Error"].get("Code"))
    if code in _UNKNOWN:
        return None
    message = error.response["Error"].get("Message") or code
    return Unseen(permission, f"{code}: {message}", refused=code in _REFUSED)


def _look(names: Names, region: _Inquiry, regions: tuple[str, ...], endpoint: str | None) -> Seen:
    dead = names.dead_letter_queues()
    bus = {"EventBusName": names.bus}
    roles = ("home", "witness")
    age = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName")
    functions = (names.detect_function, names.resolve_function)
    return Seen(
        names=names,
        regions=regions,
        endpoint=endpoint,
        table=region.ask("dynamodb", "DescribeTable", TableName=names.table),
        backups=region.ask("dynamodb", "DescribeContinuousBackups", TableName=names.table),
        expiry=region.ask("dynamodb", "DescribeTimeToLive", TableName=names.table),
        ledger=region.ask("dynamodb", "DescribeTable", TableName=names.ledger),
        bucket=region.ask("s3", "HeadBucket", Bucket=names.evidence_bucket),
        bus=region.ask("events", "DescribeEventBus", Name=names.bus),
        rules={role: region.ask("events", "DescribeRule", Name=role, **bus) for role in roles},
        targets={
            role: region.ask("events", "ListTargetsByRule", Rule=role, **bus) for role in roles
        },
        queues={
            name: region.queue(name) for name in (names.home_queue, names.witness_queue, *dead)
        },
        oldest={name: region.latest(*age, name) for name in dead},
        sources={name: region.sources(name) for name in functions},
        iterator_age=region.latest(
            "AWS/Lambda", "IteratorAge", "FunctionName", names.detect_function
        ),
        detector=region.ask(
            "lambda", "GetFunctionConfiguration", FunctionName=names.detect_function
        ),
        records=region.daily(telemetry.RECORDS, names),
        outside_writes={
            kind: region.daily(telemetry.OUTSIDE_WRITES, names, kind=kind) for kind in WATCHED_KINDS
        },
        ingest=_ingest(names, region),
        items=region.sample(names.table),
        at_ms=region.now_ms(),
        clock_ahead_ms=region.clock_ahead_ms(),
    )


def _ingest(names: Names, region: _Inquiry) -> dict[str, AwsAnswer]:
    """Return what the parts of an ingest answer; nothing if neither its queue nor its jobs are."""
    queue = region.queue(names.ingest_queue)
    jobs = region.ask("dynamodb", "DescribeTable", TableName=names.jobs)
    if queue is None and jobs is None:
        return {}
    bucket = {"Bucket": names.ingest_bucket}
    return {
        "queue": queue,
        "jobs": jobs,
        "letters": region.queue(names.ingest_dlq),
        "expiry": region.ask("dynamodb", "DescribeTimeToLive", TableName=names.jobs),
        "notification": region.ask("s3", "GetBucketNotificationConfiguration", **bucket),
        "versions": region.ask("s3", "GetBucketVersioning", **bucket),
        "encryption": region.ask("s3", "GetBucketEncryption", **bucket),
        "rule": region.ask("events", "DescribeRule", Name=names.ingest_queue),
        "targets": region.ask("events", "ListTargetsByRule", Rule=names.ingest_queue),
        "sources": region.sources(names.ingest_function),
    }
