"""From the lines that functions print to GetMetricData: alone, and on a whole cloud."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import MetricDatum, cloudwatch_backends
from typer.testing import CliRunner

from reconciler.aws import connect
from reconciler.cli import commands
from reconciler.deployment.wiring import METRICS_NAMESPACE
from reconciler.drills.workload import party_schema
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import ACCOUNT, TableSpec
from reconciler.local.server.metric_delivery import MetricDelivery
from reconciler.local.server.metric_queries import statistic
from tests.cli.conftest import environment
from tests.local.support import EU, US, eventually

__all__ = ["environment"]  # puts back what a command's `--endpoint` changes

TABLE = "parties"
CLOUDWATCH = {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=a/20261126/r/monitoring/aws4"}


def emf(value: float) -> str:
    directive = {"Namespace": "N", "Dimensions": [["region"]], "Metrics": [{"Name": "M"}]}
    about = {"Timestamp": 1_795_696_668_511, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "region": EU, "M": value})


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Yield the log of a worker in EU, whose CloudWatch is empty before and after."""
    cloudwatch_backends[ACCOUNT][EU].metric_data.clear()
    yield tmp_path / "worker.log"
    cloudwatch_backends[ACCOUNT][EU].metric_data.clear()


def delivery(log: Path) -> MetricDelivery:
    def moto(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return [b"answered"]

    return MetricDelivery(moto, {EU: log})


def unused(*_: object) -> None:
    raise AssertionError("a layer leaves the answer to the application behind it")


def delivered() -> list[float]:
    data = cloudwatch_backends[ACCOUNT][EU].metric_data
    return [datum.value for datum in data if isinstance(datum, MetricDatum)]


def test_a_question_finds_what_was_printed_before_it_each_line_once(log: Path) -> None:
    asked = delivery(log)
    log.write_text(f"a log line\n{emf(1)}\n")
    assert asked(CLOUDWATCH, unused) == [b"answered"]
    assert delivered() == [1.0]

    with log.open("a") as more:
        more.write(f"{emf(2)}\n")
    asked(CLOUDWATCH, unused)

    assert delivered() == [1.0, 2.0]


def test_a_line_that_is_not_whole_waits_for_its_end(log: Path) -> None:
    asked = delivery(log)
    log.write_text(emf(1))
    asked(CLOUDWATCH, unused)
    assert delivered() == []

    with log.open("a") as more:
        more.write("\n")
    asked(CLOUDWATCH, unused)

    assert delivered() == [1.0]


def test_other_services_are_answered_without_a_look_at_the_logs(log: Path) -> None:
    log.write_text(f"{emf(1)}\n")

    assert delivery(log)({"HTTP_AUTHORIZATION": "a/20261126/r/sqs/aws4"}, unused) == [b"answered"]

    assert delivered() == []


def test_a_region_without_a_worker_has_no_metrics(log: Path) -> None:
    assert delivery(log)(CLOUDWATCH, unused) == [b"answered"]
    assert delivered() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sum", 5050),
        ("Maximum", 100),
        ("Minimum", 1),
        ("Average", 50.5),
        ("SampleCount", 100),
        ("p0", 1),
        ("p50", 50),
        ("p99", 99),
        ("p99.9", 100),
        ("p100", 100),
    ],
)
def test_a_statistic_is_what_cloudwatch_means_by_its_name(name: str, expected: float) -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert statistic(name, values) == expected


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        [TableSpec(TABLE, "id")], reconciled=TABLE, regions=(US, EU), lag_ms=(5, 20)
    ) as cloud:
        yield cloud


def values(cloud: LocalCloud, region: str, metric: str, stat: str = "Sum", **kind: str) -> Any:
    dimensions = {"table": TABLE, "region": region, **kind}
    return asked(cloud, region, METRICS_NAMESPACE, metric, stat, dimensions)


def asked(  # noqa: PLR0917 (a metric is all of these)
    cloud: LocalCloud, region: str, namespace: str, metric: str, stat: str, names: dict[str, str]
) -> Any:
    now = datetime.now(UTC)
    dimensions = [{"Name": name, "Value": value} for name, value in names.items()]
    about = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    query = {"Id": "q", "MetricStat": {"Metric": about, "Period": 3600, "Stat": stat}}
    [result] = cloud.client("cloudwatch", region).get_metric_data(
        MetricDataQueries=[query],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    return result["Values"]


def test_one_conflict_is_one_conflict_in_the_metrics_of_its_region(cloud: LocalCloud) -> None:
    tables = {
        region: connect(party_schema(), region=region, dynamodb=cloud.client("dynamodb", region))
        for region in (US, EU)
    }
    cloud.partition(US, EU)
    for region in (US, EU):
        with tables[region].edit({"id": "p1"}) as party:
            party.increment("loyalty", 1)
    cloud.heal()

    cloud.settle()

    lost = [region for region in (US, EU) if values(cloud, region, "Conflicts")]
    assert len(lost) == 1
    [region] = lost
    assert values(cloud, region, "Conflicts") == [1.0]
    assert values(cloud, region, "Conflicts", kind="concurrent-home") == [1.0]
    assert values(cloud, region, "Conflicts", kind="concurrent-witness") == []
    assert values(cloud, region, "WriteBacks") == [1.0]
    [milliseconds] = values(cloud, region, "LossToRepair_ms", "p99")
    assert milliseconds >= 0
    command = ["metrics", "--table", TABLE, "--regions", region, "--endpoint", cloud.endpoint]
    told = CliRunner().invoke(commands(()), [*command, "--minutes", "2", "--json"])
    [conflicts] = [json.loads(told.stdout)["regions"][region]["Conflicts"]["series"]]
    assert conflicts["concurrent-home"]["value"] == 1
    assert told.exit_code == 0


def test_the_gauge_runs_on_its_schedule_in_each_region(cloud: LocalCloud) -> None:
    for region in (US, EU):
        assert eventually(partial(values, cloud, region, "OpenLosses", "Maximum"))
        assert values(cloud, region, "ParkedLosses", "Maximum") == [0.0]


def test_dimensions_match_exactly_and_in_any_order(cloud: LocalCloud) -> None:
    names = {"table": "t", "region": US, "kind": "k"}
    for value, dimensions in ((1, names), (10, {"table": "t", "region": US}), (100, {})):
        cloud.client("cloudwatch", US).put_metric_data(
            Namespace="Own",
            MetricData=[
                {
                    "MetricName": "M",
                    "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
                    "Values": [value],
                    "Timestamp": datetime.now(UTC),
                }
            ],
        )

    found = [asked(cloud, US, "Own", "M", "Sum", dict(p)) for p in permutations(names.items())]

    assert found == [[1.0]] * 6
    assert asked(cloud, US, "Own", "M", "Sum", {"region": US, "table": "t"}) == [10.0]
    assert asked(cloud, US, "Other", "M", "Sum", names) == []
    assert asked(cloud, EU, "Own", "M", "Sum", names) == []


def test_a_statistic_that_cloudwatch_does_not_know_is_refused(cloud: LocalCloud) -> None:
    names = {"table": "t", "region": EU}
    cloud.client("cloudwatch", EU).put_metric_data(
        Namespace="Own",
        MetricData=[
            {
                "MetricName": "M",
                "Dimensions": [{"Name": n, "Value": v} for n, v in names.items()],
                "Value": 1,
            }
        ],
    )
    with pytest.raises(ClientError, match="p99th"):
        asked(cloud, EU, "Own", "M", "p99th", names)
