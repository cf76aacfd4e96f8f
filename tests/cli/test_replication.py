"""`reconciler verify-replication`, against regions with a known lag."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from reconciler.cli import replication
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.image import read
from reconciler.local.cloud import LocalCloud
from tests.cli.conftest import LAG_MS, PARTIES, VISITS
from tests.local.support import AP, EU, US

REGIONS = (US, EU, AP)
app = typer.Typer()
app.command()(replication.command)


@pytest.fixture
def cloud(plain_cloud: LocalCloud) -> Iterator[LocalCloud]:
    yield plain_cloud
    plain_cloud.heal()
    plain_cloud.settle()


def run(cloud: LocalCloud, *options: str, table: str = PARTIES) -> Any:
    where = ("--table", table, "--regions", ",".join(REGIONS), "--endpoint", cloud.endpoint)
    return CliRunner().invoke(app, [*where, *options], env={"COLUMNS": "200"})


def probes(cloud: LocalCloud, table: str, key: str) -> list[Any]:
    """Return what readers of each region see of the probes, once all is replicated."""
    cloud.settle()
    images = [image for region in REGIONS for image in cloud.scan(table, region)]
    found = [image for image in images if image[key]["S"].startswith("replication-probe-")]
    assert found
    return [read(image) for image in found]


def test_a_write_of_each_region_is_seen_in_each_other_one_with_its_lag_and_deleted(
    cloud: LocalCloud,
) -> None:
    done = run(cloud, "--json")

    document = json.loads(done.stdout)
    lags = [
        document["lags_ms"][source][region]
        for source in REGIONS
        for region in REGIONS
        if source != region
    ]
    assert done.exit_code == 0
    assert document["not_seen"] == []
    least = LAG_MS[0] - 150  # a lag counts from the answer, which comes a little after the write
    assert len(lags) == 6
    assert all(least <= lag <= 10_000 for lag in lags)
    assert "deleted: replication-probe-" in done.stderr
    assert set(probes(cloud, PARTIES, "id")) == {None}


def test_a_table_with_a_sort_key_is_probed_too(cloud: LocalCloud) -> None:
    done = run(cloud, table=VISITS)

    assert done.exit_code == 0
    assert "written in / seen in" in done.stdout
    assert set(probes(cloud, VISITS, "pk")) == {None}


def test_a_write_that_does_not_arrive_is_an_exit_code_of_one_and_names_both_regions(
    cloud: LocalCloud,
) -> None:
    cloud.partition(US, EU)

    done = run(cloud, "--timeout", "5")
    cloud.heal()

    assert done.exit_code == 1
    assert f"not seen within 5 s: a write of {US} in {EU}" in done.stdout
    assert f"not seen within 5 s: a write of {EU} in {US}" in done.stdout
    assert f"in {AP}" not in done.stdout.split("not seen within", 1)[1]
    assert set(probes(cloud, PARTIES, "id")) == {None}


def test_a_table_that_is_not_there_is_told_with_its_region(cloud: LocalCloud) -> None:
    done = run(cloud, table="nowhere")

    assert isinstance(done.exception, Unavailable)
    assert str(done.exception).startswith(f"{US}: DescribeTable: ResourceNotFoundException")


def test_one_region_has_nothing_to_replicate_to() -> None:
    done = CliRunner().invoke(app, ["--table", PARTIES, "--regions", US])

    assert isinstance(done.exception, InvalidInput)
    assert "--region: name two regions at least" in str(done.exception)
