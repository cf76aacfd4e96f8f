"""What is gathered of a region: answers as they are, and refusals that name their permission."""

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
)
from botocore.parsers import ResponseParserError

from reconciler.aws.clients import client
from reconciler.aws.inspection import inspect
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import HOME_SOURCE, METRICS_NAMESPACE, WITNESS_SOURCE
from reconciler.doctor import Seen, Unseen, examine
from reconciler.errors import Unavailable
from reconciler.local.provision import TableSpec, create_pipeline, create_table
from tests.aws.conftest import REGION

NAMES = Names("parties", REGION)
NOW_MS = 1_790_000_000_000
OTHER = "eu-west-1"


def at_once() -> int:
    return NOW_MS


def error(code: str, **metadata: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}
    return ClientError(answer, "AnyCall")


class StubService:
    """A client on which every call ends in the same way, or in its own."""

    def __init__(self, every: Any, **own: Any) -> None:
        self._every = every
        self._own = {xform_name(operation): result for operation, result in own.items()}
        self.calls: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            self.calls.append(method)
            result = self._own.get(method, self._every)
            if isinstance(result, Exception):
                raise result
            return result

        return call


def seen_of(every: Any, **own: Any) -> Seen:
    (seen,) = inspect([NAMES], lambda *_: StubService(every, **own), at_once)
    return seen


def deployed() -> Seen:
    def of(service: str) -> Any:
        return client(service, REGION)

    create_table(of, TableSpec("parties", "id"))
    create_pipeline(of, NAMES, home=HOME_SOURCE, witness=WITNESS_SOURCE)
    (seen,) = inspect([NAMES], client, at_once)
    return seen


def part(answer: Any, *path: str) -> Any:
    assert not isinstance(answer, Unseen)
    for name in path:
        answer = answer[name]
    return answer


@pytest.mark.usefixtures("aws")
def test_what_is_deployed_is_gathered_as_aws_answers_it() -> None:
    seen = deployed()
    view_type = part(seen.table, "Table", "StreamSpecification", "StreamViewType")
    assert view_type == "NEW_AND_OLD_IMAGES"
    recovery = part(seen.backups, "ContinuousBackupsDescription", "PointInTimeRecoveryDescription")
    assert recovery["PointInTimeRecoveryStatus"] == "DISABLED"
    assert part(seen.expiry, "TimeToLiveDescription", "TimeToLiveStatus") == "DISABLED"
    assert part(seen.ledger, "Table", "TableName") == NAMES.ledger
    assert part(seen.bus, "Name") == NAMES.bus
    assert part(seen.rules["home"], "State") == "ENABLED"
    (target,) = part(seen.targets["witness"], "Targets")
    assert target["Arn"].endswith(f":{NAMES.witness_queue}")
    attributes = part(seen.queues[NAMES.home_queue], "Attributes")
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 5
    assert part(seen.queues[NAMES.home_queue], "QueueUrl").endswith(NAMES.home_queue)
    assert not isinstance(seen.bucket, Unseen | None)


@pytest.mark.usefixtures("aws")
def test_the_doctor_reads_what_was_gathered() -> None:
    severities = {each.id: each.severity for each in examine(deployed())}
    fine = ("table", "stream", "bus", "rule-home", "rule-witness-target", "evidence-bucket")
    assert {severities[each] for each in fine} == {"ok"}
    assert severities[f"queue-{NAMES.witness_queue}"] == "ok"
    assert severities["detect-source"] == "problem"
    assert severities["ledger"] == severities["rule-home-dlq"] == "ok"
    assert severities["ttl"] == "warning"


@pytest.mark.usefixtures("aws")
def test_what_does_not_exist_is_none_and_not_a_refusal() -> None:
    (seen,) = inspect([Names("absent", REGION)], client, at_once)
    # moto has a code of its own for DescribeTimeToLive, so that call is not among them.
    assert {seen.table, seen.backups, seen.ledger, seen.bucket, seen.bus} == {None}
    assert {*seen.rules.values(), *seen.targets.values(), *seen.queues.values()} == {None}


@pytest.mark.usefixtures("aws")
def test_each_region_is_asked_and_comes_back_in_order() -> None:
    create_table(lambda service: client(service, OTHER), TableSpec("parties", "id"))
    here, there = inspect([NAMES, Names("parties", OTHER)], client, at_once)
    assert (here.names.region, there.names.region) == (REGION, OTHER)
    assert here.table is None
    assert part(there.table, "Table", "TableStatus") == "ACTIVE"
    assert here.regions == there.regions == (REGION, OTHER)


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "403"])
def test_a_refused_call_names_its_permission_and_raises_nothing(code: str) -> None:
    seen = seen_of(error(code))
    needed = {each.permission for each in seen.answers() if isinstance(each, Unseen)}
    assert needed == {
        "dynamodb:DescribeTable",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:Scan",
        "s3:ListBucket",
        *("s3:GetBucketNotification", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"),
        "events:DescribeEventBus",
        "events:DescribeRule",
        "events:ListTargetsByRule",
        "sqs:GetQueueUrl",
        "cloudwatch:GetMetricStatistics",
        "lambda:ListEventSourceMappings",
        "lambda:GetFunctionConfiguration",
    }
    assert all(each.refused for each in seen.answers() if isinstance(each, Unseen))


def test_a_queue_whose_attributes_are_refused_names_that_permission() -> None:
    refused = error("AccessDenied")
    seen = seen_of({}, GetQueueUrl={"QueueUrl": "u"}, GetQueueAttributes=refused)
    answer = seen.queues[NAMES.home_queue]
    assert isinstance(answer, Unseen)
    assert answer.permission == "sqs:GetQueueAttributes"


def test_a_queue_that_goes_away_between_two_calls_is_missing() -> None:
    gone = error("QueueDoesNotExist")
    seen = seen_of({}, GetQueueUrl={"QueueUrl": "u"}, GetQueueAttributes=gone)
    assert seen.queues[NAMES.home_queue] is None


@pytest.mark.usefixtures("aws")
def test_of_a_page_of_items_the_metadata_is_read_and_nothing_else() -> None:
    deployed()
    metadata = {"M": {"v": {"N": "1"}, "m": {"M": {}}}}
    for item in ({"name": {"S": "Ada"}, "_rec": metadata}, {"name": {"S": "plain"}}):
        whole: Any = {"id": item["name"], **item}
        client("dynamodb", REGION).put_item(TableName="parties", Item=whole)
    (seen,) = inspect([NAMES], client, at_once)
    items = part(seen.items, "Items")
    assert [each for each in items if each] == [{"_rec": metadata}]
    assert seen.at_ms == NOW_MS


def test_a_throttled_call_is_unseen_but_not_refused() -> None:
    answer = seen_of(error("ThrottlingException")).table
    assert isinstance(answer, Unseen)
    assert not answer.refused
    assert "ThrottlingException" in answer.reason


@pytest.mark.parametrize(
    "failure", [EndpointConnectionError(endpoint_url="e"), ResponseParserError("half")]
)
def test_a_service_that_does_not_answer_is_asked_once(failure: Exception) -> None:
    services: dict[str, StubService] = {}

    def service(name: str, _: str) -> StubService:
        return services.setdefault(name, StubService(failure))

    (seen,) = inspect([NAMES], service, at_once)
    assert {name: len(each.calls) for name, each in services.items()} == dict.fromkeys(
        ("dynamodb", "s3", "events", "sqs", "cloudwatch", "lambda"), 1
    )
    unseen = [each for each in seen.answers() if isinstance(each, Unseen)]
    assert len(unseen) == len(seen.answers())
    assert not any(each.refused for each in unseen)


@pytest.mark.parametrize(
    "failure",
    [
        NoCredentialsError(),
        PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        ProfileNotFound(profile="nobody"),
        SSOTokenLoadError(error_msg="expired"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_missing_credentials_are_one_sentence(failure: Exception) -> None:
    with pytest.raises(Unavailable, match="no AWS credentials"):
        seen_of(failure)


def test_a_client_that_cannot_be_made_for_lack_of_a_profile_is_the_same_sentence() -> None:
    def no_client(_: str, __: str) -> Any:
        raise ProfileNotFound(profile="nobody")

    with pytest.raises(Unavailable, match="no AWS credentials"):
        inspect([NAMES], no_client, at_once)


def dated(ms: int, **more: Any) -> dict[str, Any]:
    date = formatdate(ms / 1000, usegmt=True)
    return {"HTTPHeaders": {"date": date}, **more}


def test_a_clock_is_compared_with_the_date_of_an_answer() -> None:
    answer = {"ResponseMetadata": dated(NOW_MS - 90_000), "QueueUrl": "u", "Attributes": {}}
    assert seen_of(answer).clock_ahead_ms == 90_000 - 500


def test_a_refusal_has_a_date_too() -> None:
    refused = error("AccessDenied", **dated(NOW_MS + 30_000))
    assert seen_of(refused).clock_ahead_ms == -30_000 - 500


def test_the_middle_of_the_shortest_call_is_compared() -> None:
    clock = [NOW_MS]
    ways = iter([(40_000, 0)])  # the first answer was long under way, to the service only

    class Distant(StubService):
        def __getattr__(self, method: str) -> Callable[..., Any]:
            def call(**_: Any) -> Any:
                there, back = next(ways, (1_000, 1_000))
                clock[0] += there
                metadata = dated(clock[0] - 7_000)
                clock[0] += back
                return {"ResponseMetadata": metadata, "QueueUrl": "u", "Attributes": {}}

            return call

    (seen,) = inspect([NAMES], lambda *_: Distant(None), lambda: clock[0])
    assert seen.clock_ahead_ms == 7_000 - 500


def test_a_call_that_the_sdk_repeated_says_nothing_about_the_clock() -> None:
    repeated = {"ResponseMetadata": dated(NOW_MS, RetryAttempts=1)}
    assert seen_of({**repeated, "QueueUrl": "u", "Attributes": {}}).clock_ahead_ms is None


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_an_answer_without_a_readable_date_says_nothing(headers: dict[str, str]) -> None:
    answer = {"ResponseMetadata": {"HTTPHeaders": headers}, "QueueUrl": "u", "Attributes": {}}
    assert seen_of(answer).clock_ahead_ms is None


class Aliased(StubService):
    """Lambda, where event sources read for an alias and not for the function itself."""

    def list_event_source_mappings(self, FunctionName: str) -> Any:  # noqa: N803 (boto3's name)
        found = [{"UUID": "1"}] if FunctionName.endswith(":live") else []
        return {"EventSourceMappings": found}


def test_the_sources_of_a_function_that_starts_warm_are_those_of_its_alias() -> None:
    (seen,) = inspect([NAMES], lambda *_: Aliased(error("AccessDenied")), at_once)

    assert part(seen.sources[NAMES.detect_function], "EventSourceMappings") == [{"UUID": "1"}]


@pytest.mark.usefixtures("aws")
def test_what_was_counted_is_read_of_this_table_and_region_by_kind() -> None:
    def put(metric: str, value: float, **more: str) -> None:
        dimensions = {"table": "parties", "region": REGION, **more}
        told = [{"Name": name, "Value": each} for name, each in dimensions.items()]
        data = {"MetricName": metric, "Dimensions": told, "Value": value}
        client("cloudwatch", REGION).put_metric_data(
            Namespace=METRICS_NAMESPACE, MetricData=[data | {"Timestamp": NOW_MS / 1000 - 3_600}]
        )

    put("OutsideWrites", 5)
    put("OutsideWrites", 3, kind="updates")
    put("Records", 40)
    put("Records", 50, region=OTHER)
    (seen,) = inspect([NAMES], client, at_once)
    (updates,) = part(seen.outside_writes["updates"], "Datapoints")
    (records,) = part(seen.records, "Datapoints")
    assert (updates["Sum"], records["Sum"]) == (3, 40)
    assert part(seen.outside_writes["puts"], "Datapoints") == []
