"""The doors of two regions at once, held to their OpenAPI document by Schemathesis.

It sends what the document allows and what it does not, at the edges of each parameter in one region
and at random in the other. Whether a door is as strict as it says is for others to ask: here nobody
must sign.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reconciler.item.schema import Schema
from reconciler.local.cloud import LocalCloud
from reconciler.local.doors import open_doors
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US, sorted_scan

TABLE = "parties"
BY_ID = {"type": "map_or", "values": {"type": "map_or"}}
LISTS = dict.fromkeys(("contactMedium", "partyCharacteristic", "relatedParty"), BY_ID)
TYPES = {"loyalty": "counter_pn", "tags": "set_aw", "owner": "manual", **LISTS}
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance", "unsupported_method"),
)
PHASES = {US: "coverage", EU: "fuzzing"}
OPTIONS = ["--seed", "7", "--max-examples", "5", "--workers", "1", "--no-color"]
PROGRAM = "from schemathesis.cli import schemathesis; schemathesis()"


def test_no_door_answers_what_its_document_does_not_say(tmp_path: Path) -> None:
    schema = Schema.of(table=TABLE, key=["id"], attributes=TYPES)

    def ask(region: str) -> subprocess.CompletedProcess[str]:
        address = doors.addresses[region]
        choice = ["--checks", ",".join(CHECKS), "--phases", PHASES[region]]
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, "run", f"{address}/openapi.json", *choice, *OPTIONS],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    with (
        LocalCloud([TableSpec(TABLE, "id")], reconciled=TABLE, regions=(US, EU)) as cloud,
        open_doors(cloud, schema) as doors,
    ):
        with ThreadPoolExecutor(2) as regions:
            for asked in regions.map(ask, cloud.regions):
                assert asked.returncode == 0, asked.stdout + asked.stderr
                assert "No test cases" not in asked.stdout
        cloud.settle(60)

        here, there = (sorted_scan(cloud, TABLE, region) for region in cloud.regions)
        assert here == there
        assert here
