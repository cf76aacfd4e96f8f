"""The demo, run as its user runs it, and run with the reconciler broken: then it must say so."""

import json
import subprocess
import sys
from dataclasses import fields, replace

from reconciler.aws import connect
from reconciler.codec import canonical_image, to_json
from reconciler.demo.run import Outcome, open_cloud, run
from reconciler.demo.workload import RECONCILED, party_schema
from reconciler.deployment import Names
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from tests.local.support import eventually

BROKEN = "tests.demo.broken_resolvers"


def silent(*_: str) -> None:
    return None


def demo_on(cloud: LocalCloud, edits: int) -> Outcome:
    return run(cloud, edits=edits, seed=3, say=silent, started=silent, advance=silent)


def test_the_command_counts_losses_without_the_reconciler_and_none_with_it() -> None:
    command = [sys.executable, "-c", "from reconciler.cli import main; main()", "demo"]

    done = subprocess.run(
        [*command, "--json", "--edits", "120", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
    )

    counts = json.loads(done.stdout)
    assert done.returncode == 0
    assert counts["acknowledged_writes"] == 120
    assert counts["lost_with_reconciler"] == 0
    assert counts["lost_with_last_writer_wins"] > 0
    assert counts["conflicts"] > 0
    assert counts["unresolved"] == 0
    assert counts["replicas_identical"] is True
    assert counts["write_backs"] > 0
    assert counts.keys() == {field.name for field in fields(Outcome)}
    measured = [line.split() for line in done.stderr.splitlines()]
    [write_backs] = [line for line in measured if line[1:2] == ["write-backs"] and len(line) > 5]
    assert sum(int(cell) for cell in write_backs if cell.isdecimal()) == counts["write_backs"]
    assert "\x1b[" not in done.stdout + done.stderr


def test_the_command_refuses_nonsense_with_a_sentence_and_no_traceback() -> None:
    command = [sys.executable, "-c", "from reconciler.cli import main; main()", "demo"]

    done = subprocess.run([*command, "--regions", "7"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--regions" in done.stderr


def test_a_resolver_that_does_nothing_shows_as_lost_writes() -> None:
    broken = replace(open_cloud(DEFAULT_REGIONS, 0, 3), resolve=f"{BROKEN}:resolve_nothing")

    with broken as cloud:
        outcome = demo_on(cloud, edits=60)

    assert outcome.lost_with_reconciler > 0
    assert outcome.unresolved > 0
    assert not outcome.nothing_lost


def test_a_witness_repairs_what_a_home_region_that_is_gone_cannot() -> None:
    plan = replace(open_cloud(DEFAULT_REGIONS, 0, 3), resolve=f"{BROKEN}:resolve_as_witness_only")
    here, there, witness = DEFAULT_REGIONS
    key = {"id": "p1"}

    with plan as cloud:
        tables = {
            region: connect(
                party_schema(), region=region, dynamodb=cloud.client("dynamodb", region)
            )
            for region in cloud.regions
        }
        cloud.partition(here, there)
        with tables[here].edit(key) as party:
            party.increment("loyalty", 10)
        eventually(lambda: tables[witness].get(key))
        with tables[there].edit(key) as party:
            party.increment("loyalty", 1)
        cloud.heal()
        cloud.settle()

        rows = cloud.scan(Names(RECONCILED, witness).ledger, witness)
        images = [cloud.scan(RECONCILED, region) for region in cloud.regions]
        assert [row["role"]["S"] for row in rows] == ["witness"]
        assert [tables[region].get(key) for region in cloud.regions] == [
            {"id": "p1", "loyalty": 11}
        ] * 3
        assert len({to_json([canonical_image(i) for i in replica]) for replica in images}) == 1
