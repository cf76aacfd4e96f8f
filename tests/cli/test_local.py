"""`reconciler local`: one's own table in regions on this machine, run as its user runs it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.deployment.table_document import FORMS
from reconciler.local.port import listen_on_loopback
from tests.local.support import eventually

COMMAND = [sys.executable, "-c", "from reconciler.cli import main; main()", "local"]
DOCUMENT = {
    "table": "visits",
    "regions": ["eu-west-1", "us-east-1"],
    "partition_key": {"name": "who", "type": "B"},
    "sort_key": {"name": "at", "type": "N"},
    "indexes": [{"name": "by-note", "partition_key": {"name": "note", "type": "N"}}],
    "api": {
        "authorizer": "jwt",
        "table_schema": {"attributes": {"points": "counter_pn"}},
        "keys_required": True,
    },
}


SCHEMA = {"table": "parties", "key": ["id"], "attributes": {"loyalty": "counter_pn"}}


@contextmanager
def started(tmp_path: Path, document: object) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command; give its process and the lines that it printed once all was there."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(document))
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*COMMAND, "--schema", str(file), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as running:
        assert running.stdout is not None
        lines: list[str] = []
        try:
            while not any("Ctrl-C" in line for line in lines):
                lines.append(running.stdout.readline())
                assert lines[-1], "".join(lines)
            yield running, lines
        finally:
            running.kill()


def refused(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def shell(line: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-c", line], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_what_it_prints_can_be_pasted_and_it_ends_by_ctrl_c_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    with started(tmp_path, DOCUMENT) as (running, lines):
        post, get = (line for line in lines if line.startswith("curl "))
        written = json.loads(shell(post))
        assert written == {"who": {"bytes": "AQI="}, "at": 17, "notes": "hello"}
        assert eventually(lambda: json.loads(shell(get)) == written)

        first = next(number for number, line in enumerate(lines) if line.startswith("from "))
        look = 'print(table.get({"who": b"\\1\\2", "at": 17}))'
        program = "".join([*lines[first : first + 3], look])
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert done.stdout == "{'at': 17, 'who': b'\\x01\\x02', 'notes': 'hello'}\n"

        [scan] = [line for line in lines if line.startswith("AWS_ACCESS_KEY_ID=")]
        assert re.search(r"aws --endpoint-url http://127\.0\.0\.1:\d+ --region eu-west-1 ", scan)
        assert "visits" in scan

        running.send_signal(signal.SIGINT)
        assert running.stdout is not None
        assert "all their data are gone" in running.stdout.read()
        assert running.wait(30) == 0

    assert list(tmp_path.glob("reconciler-*")) == []


def test_without_a_file_it_shows_what_is_in_one() -> None:
    assert FORMS in refused()


def test_a_file_that_cannot_be_read_is_one_line_that_shows_what_is_in_one(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"tab')
    for name, why in {
        "nowhere.json": "No such file",
        "": "Is a directory",
        "half.json": "must hold one JSON object",
    }.items():
        told = refused("--schema", str(tmp_path / name))
        assert why in told
        assert FORMS in told


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    with listen_on_loopback(0) as listening:
        port = listening.getsockname()[1]
        told = refused("--schema", str(file), "--port", str(port - 2))  # a door's
    assert f"--port: {port - 2} to {port + 1} are needed" in told
    assert f"{port}" in told.split("and ", 1)[1]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"partition_key": None}, "partition_key"),
        ({"regions": ["us-east-1"]}, "two to five different regions"),
        (
            {"regions": ["us-east-1", "eu-west-77"]},
            "regions: AWS has no region eu-west-77; did you",
        ),
        ({"api": {"table_schema": {"attributes": {"points": "counter"}}}}, "unknown type"),
        ({"custom_types": ["no.such.module"]}, "no.such.module"),
        ({"regions": ["us-east-1", "../../etc"]}, "regions.1: region '../../etc' is not an AWS"),
        ({"key_lifetime_minutes": -5}, "key_lifetime_minutes: "),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({**DOCUMENT, **change}))

    assert complaint in refused("--schema", str(file))
