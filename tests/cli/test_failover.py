"""`reconciler failover-drill` against AWS: a dry run, and the drill with an experiment that cuts.

The regions are the local cloud's, whose table has no reconciler here: what the drill must find is
that writes are lost. FIS is moto's, which pauses nothing; a test lets the cloud do it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.request import Request, urlopen

import pytest
import typer
from typer.testing import CliRunner

from reconciler.aws.clients import client
from reconciler.cli import failover
from reconciler.drills.arrivals import patience
from reconciler.drills.failover import on_aws
from reconciler.drills.failover.fault_injection import FisExperiment
from reconciler.drills.failover.pause import Waits
from reconciler.drills.failover.steps import Drill, Report, Separation
from reconciler.drills.hosts import Host, host_of
from reconciler.drills.workload import PartyEdit
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.image import read
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import LocalCloud
from tests.cli.conftest import PARTIES, VISITS
from tests.local.support import EU, US

WAITS = Waits(
    silence=patience(0.5, 0.1), pausing_ms=5_000, settling=patience(1.5, 0.1), quiet_seconds=0.1
)
app = typer.Typer()
app.command()(failover.command)


class CuttingExperiment(FisExperiment):
    """An experiment that cuts the cloud's region off, as FIS would."""

    cloud: LocalCloud

    def start(self) -> None:
        super().start()
        self.cloud.isolate(EU)

    def stop(self) -> str:
        self.cloud.heal()
        return super().stop()


@pytest.fixture
def cloud(plain_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    for name, value in aws_environment(US, plain_cloud.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(on_aws, "_WAITS", WAITS)
    monkeypatch.setattr(on_aws, "_EXPERIMENT", patience(5, 0.01))
    monkeypatch.setattr(on_aws, "host_of", with_replicas)
    _look_often(plain_cloud)
    client.cache_clear()
    yield plain_cloud
    client.cache_clear()
    plain_cloud.heal()
    plain_cloud.settle()


def _look_often(cloud: LocalCloud) -> None:
    """Let moto's experiments go through their states, look by look."""
    body = {"model_name": "fis::experiment", "transition": {"progression": "manual", "times": 9}}
    address = f"{cloud.endpoint}/moto-api/state-manager/set-transition"
    with urlopen(Request(address, json.dumps(body).encode(), method="POST")):  # noqa: S310 (ours)
        pass


def with_replicas(table: str, dynamodb: Any) -> Host:
    """Describe a table as AWS does: moto does not name its replicas."""
    other = EU if dynamodb.meta.region_name == US else US
    return replace(host_of(table, dynamodb), replicas=frozenset({other}))


def run(*options: str, table: str = PARTIES, regions: str = f"{US},{EU}") -> Any:
    where = ("--table", table, "--regions", regions, "--edits", "20")
    return CliRunner().invoke(app, [*where, *options], env={"COLUMNS": "200"})


def parties(cloud: LocalCloud, region: str) -> list[Any]:
    return [
        read(image)
        for image in cloud.scan(PARTIES, region)
        if image["id"]["S"].startswith("drill-")
    ]


def test_a_dry_run_says_what_the_drill_would_do_to_the_whole_table_and_does_nothing(
    cloud: LocalCloud,
) -> None:
    done = run()

    assert done.exit_code == 0
    assert (
        "The replication of the WHOLE table parties pauses, into and out of eu-west-1"
        in done.stdout
    )
    assert "not that of the drill's items only" in done.stdout
    assert f"table/{PARTIES} by an experiment called drill-" in done.stdout
    assert f"role: arn:aws:iam::123456789012:role/parties-drill-{EU};" in done.stdout
    assert "--execute does it" in done.stdout
    assert parties(cloud, US) == []
    assert client("fis", EU).list_experiments()["experiments"] == []


def test_a_dry_run_can_be_read_by_a_program(cloud: LocalCloud) -> None:
    document = json.loads(run("--json").stdout)

    assert document["executed"] is False
    assert "WHOLE table" in document["warning"]
    assert len(document["would"]) == 7


def test_writes_that_nobody_brings_back_are_counted_named_and_left_to_be_looked_at(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    CuttingExperiment.cloud = cloud
    monkeypatch.setattr(on_aws, "FisExperiment", CuttingExperiment)

    done = run("--execute")
    cloud.settle()

    assert done.exit_code == 1
    assert "acknowledged writes lost in" in done.stdout
    assert "paused: lost in us-east-1: " in done.stdout
    assert "the pause has ended: stopped" in done.stdout
    assert any(parties(cloud, US))
    fis = client("fis", EU)
    assert [each["state"]["status"] for each in fis.list_experiments()["experiments"]] == [
        "stopped"
    ]
    assert fis.list_experiment_templates()["experimentTemplates"] == []
    probes = [i for i in cloud.scan(PARTIES, US) if "-probe-" in i["id"]["S"]]
    assert [read(image) for image in probes] == [None] * len(probes)


def test_a_drill_that_showed_nothing_but_lost_nothing_leaves_no_item(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(drill: Drill, _apart: Separation, edits: Sequence[PartyEdit], _act: object) -> Report:
        drill.create(edits)
        assert any(parties(cloud, US))
        return report("paused", lost={US: [], EU: []}, problems=["nothing was shown: no conflict"])

    monkeypatch.setattr(on_aws, "play", play)
    before = len([each for each in parties(cloud, US) if each])

    done = run("--execute")

    assert done.exit_code == 1
    assert "nothing was shown: no conflict" in done.stdout
    assert len([each for each in parties(cloud, US) if each]) == before


def test_a_pause_that_pauses_nothing_is_told_and_leaves_no_item(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_aws, "_WAITS", replace(WAITS, pausing_ms=100))
    before = len([each for each in parties(cloud, US) if each])

    done = run("--execute")
    cloud.settle()

    assert isinstance(done.exception, Unavailable)
    assert "replication still goes on 0 s after" in str(done.exception)
    assert len([each for each in parties(cloud, US) if each]) == before
    assert client("fis", EU).list_experiment_templates()["experimentTemplates"] == []


@pytest.mark.parametrize(
    ("regions", "options", "sentence"),
    [
        (f"{US},{EU}", ("--isolate", "mars"), "--isolate mars: it is none of us-east-1, eu-west-1"),
        (US, (), "--region: name two regions at least"),
        (f"{US},{EU},ap-southeast-1", (), "parties is in ap-southeast-1, us-east-1; name all"),
        (f"{US},{EU}", ("--local",), "--local makes a table and regions of its own"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    cloud: LocalCloud, regions: str, options: tuple[str, ...], sentence: str
) -> None:
    done = run(*options, regions=regions)

    assert isinstance(done.exception, InvalidInput)
    assert sentence in str(done.exception)


def test_a_table_without_a_ledger_is_refused(cloud: LocalCloud) -> None:
    done = run(table=VISITS)

    assert isinstance(done.exception, Unavailable)
    assert str(done.exception).startswith(f"{US}: its ledger cannot be read")


def test_a_table_must_be_named_or_the_drill_is_local() -> None:
    done = CliRunner().invoke(app, [])

    assert isinstance(done.exception, InvalidInput)
    assert "--local to drill on this machine" in str(done.exception)


def report(scene: str, **more: Any) -> Report:
    return Report(scene, acknowledged=9, by_role={"home": 1, "witness": 0}, **more)


def test_the_local_drill_says_of_each_scene_what_it_led_to(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = ["tag t1 of party-00 in us-east-1"]
    bad = report(
        "home-gone", lost={US: lost, EU: []}, problems=["1 acknowledged writes lost in us-east-1"]
    )
    monkeypatch.setattr(failover, "drill", lambda **_: [report("partition"), bad])

    done = CliRunner().invoke(app, ["--local", "--json"], env={"COLUMNS": "200"})

    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert [each["scene"] for each in document["reports"]] == ["partition", "home-gone"]
    assert "home-gone: lost in us-east-1: tag t1 of party-00 in us-east-1" in done.stderr
    monkeypatch.setattr(failover, "drill", lambda **_: [report("partition")])
    assert CliRunner().invoke(app, ["--local"]).exit_code == 0
