"""GetMetricData: every page of every call, and regions that do not answer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ProfileNotFound
from botocore.stub import Stubber

from reconciler.aws.clients import client
from reconciler.aws.cloudwatch import metric_data, read_metrics
from reconciler.deployment.telemetry import RECORDS
from reconciler.errors import Unavailable
from reconciler.metrics.readings import Window, line_of, queries

pytestmark = pytest.mark.usefixtures("credentials", "clients")

REGION, OTHER = "us-east-1", "eu-west-1"
ASKED = Window(start_ms=1_795_696_620_000, seconds=60, periods=2)
TIMES = {
    "StartTime": datetime(2026, 11, 26, 12, 37, tzinfo=UTC),
    "EndTime": datetime(2026, 11, 26, 12, 39, tzinfo=UTC),
    "ScanBy": "TimestampAscending",
}


def result(name: str, *values: float) -> dict[str, Any]:
    times = [datetime(2026, 11, 26, 12, 37 + place, tzinfo=UTC) for place in range(len(values))]
    return {"Id": name, "Timestamps": times, "Values": list(values)}


def test_every_page_of_every_500_queries_is_read() -> None:
    cloudwatch = client("cloudwatch", REGION)
    [one, *_] = queries("parties", REGION, ASKED)
    many = [{**one, "Id": f"q{place}"} for place in range(501)]
    with Stubber(cloudwatch) as stub:
        first = {"MetricDataQueries": many[:500], **TIMES}
        stub.add_response(
            "get_metric_data", {"MetricDataResults": [result("q0", 1)], "NextToken": "t"}, first
        )
        page = {"MetricDataResults": [result("q0", 2), result("q1", 3, 4)]}
        stub.add_response("get_metric_data", page, {**first, "NextToken": "t"})
        last = {"MetricDataQueries": many[500:], **TIMES}
        stub.add_response("get_metric_data", {"MetricDataResults": [result("q500", 5)]}, last)

        found = metric_data(lambda *_: cloudwatch, REGION, many, ASKED)

        stub.assert_no_pending_responses()
    at, then = ASKED.starts()
    assert found == {"q0": [(at, 1), (at, 2)], "q1": [(at, 3), (then, 4)], "q500": [(at, 5)]}


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), ProfileNotFound(profile="none")],
)
def test_what_does_not_answer_is_unavailable(error: Exception) -> None:
    def nobody(service: str, region: str) -> Any:
        raise error

    with pytest.raises(Unavailable, match="GetMetricData"):
        metric_data(nobody, REGION, [], ASKED)


def test_a_region_that_refuses_is_told_and_the_others_are_read() -> None:
    here, there = (client("cloudwatch", region) for region in (REGION, OTHER))
    [records, *_] = queries("parties", REGION, ASKED)
    with Stubber(here) as answers, Stubber(there) as refuses:
        answers.add_response(
            "get_metric_data", {"MetricDataResults": [result(records["Id"], 7, 1)]}
        )
        refuses.add_client_error("get_metric_data", "AccessDenied", "no", http_status_code=403)
        clients = {REGION: here, OTHER: there}

        found, problems = read_metrics(
            "parties", [REGION, OTHER], lambda _, region: clients[region], ASKED
        )

    assert line_of(found[REGION], RECORDS).total == 8
    assert list(found) == [REGION]
    assert problems == {OTHER: "GetMetricData: AccessDenied: no"}
