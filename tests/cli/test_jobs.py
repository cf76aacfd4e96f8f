"""`reconciler jobs`, run in process against an ingest that moto plays."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from reconciler.aws import now_ms
from reconciler.aws.ingest_objects import S3Objects
from reconciler.aws.ingest_queue import SqsPartQueue
from reconciler.cli import jobs
from reconciler.errors import Unavailable
from reconciler.ingest.ingester import Bounds, Ingester
from reconciler.ingest.messages import parse_message
from reconciler.ingest.outside import Outside
from reconciler.item.schema import Schema
from reconciler.ports import KeyedEdit, Unheard
from tests.aws.conftest import REGION, clients, credentials
from tests.cli.test_conflicts import Told
from tests.ingest.region import IngestRegion

__all__ = ["clients", "credentials"]

HERE = ("--table", "parties", "--region", REGION)
SCHEMA = Schema.of(table="parties", key=["id"])
LINES = b"".join(b'{"id": "p%d", "n": %d}\n' % (n, n) for n in range(6))


class Item(dict[str, Any]):
    """An item as an editor shows it."""

    exists = True
    edits = (1,)


def _left(edits: Sequence[KeyedEdit]) -> list[None]:
    """Leave all edits to be made one by one."""
    return [None] * len(edits)


class Desk:
    """An ingest whose items are only counted, and whose table can be away."""

    def __init__(self) -> None:
        self.region = IngestRegion(REGION)
        self.written: list[str] = []
        self.is_away = False
        objects = S3Objects(self.region.names.ingest_bucket, self.region.s3)
        queue = SqsPartQueue(self.region.names.ingest_queue, self.region.sqs)
        outside = Outside(objects, self.region.jobs, queue, self._write, _left, Unheard(), now_ms)
        self._ingester = Ingester(SCHEMA, outside, Bounds(range_bytes=50))

    def _write(self, edit: KeyedEdit) -> bool:
        if self.is_away and edit.key["id"] == "p3":
            raise Unavailable("the table is away")
        if edit.once.key in self.written:
            return True
        edit.change(Item())
        self.written.append(edit.once.key)
        return False

    def deliver(self, body: str, receives: int = 1) -> bool:
        names = self.region.names
        try:
            task = parse_message(body, REGION, names.ingest_bucket)
            self._ingester.do(task, is_last_try=receives == 3)
        except Unavailable:
            return False
        return True

    def ingest(self, key: str, data: bytes) -> None:
        self.region.work_off(self.deliver, self.region.put(key, data))


@pytest.fixture
def desk(credentials: None, clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with mock_aws():
        yield Desk()


def run(*arguments: str) -> Told:
    done = CliRunner().invoke(jobs.app, arguments, env={"COLUMNS": "200"})
    exited = isinstance(done.exception, SystemExit)
    return Told(done.stdout, done.exit_code, None if exited else done.exception)


def test_jobs_are_listed_the_newest_first_with_their_counts(desk: Desk) -> None:
    desk.ingest("a.jsonl", LINES)
    desk.ingest("b.jsonl", LINES + b"bad\n")
    told = run("list", *HERE)
    head, columns, first, second = told.out.splitlines()
    assert head == f"{REGION}: 2 jobs"
    assert columns.split()[:2] == ["job", "state"]
    assert first.split()[1:4] == ["done", "with", "rejects"]
    assert first.split()[5:] == ["7", "6", "0", "1", "b.jsonl"]
    assert second.split()[-5:] == ["6", "6", "0", "0", "a.jsonl"]
    assert [each["object"] for each in run("list", *HERE, "--json").json()] == [
        "b.jsonl",
        "a.jsonl",
    ]
    assert len(run("list", *HERE, "--json", "--limit", "1").json()) == 1


def test_a_job_is_shown_with_its_first_errors_by_line(desk: Desk) -> None:
    desk.ingest("a.jsonl", LINES + b"bad\n")
    job = desk.region.job()
    told = run("show", job.id, *HERE)
    assert told.code == 1
    assert "6 written, 0 repeated, 1 rejected" in told.out
    assert "line 7: InvalidInput: the line is no JSON" in told.out
    assert f"rejected lines: s3://{desk.region.names.ingest_bucket}/rejects/{job.id}/" in told.out
    document = run("show", job.id, *HERE, "--json").json()
    assert (document["state"], document["errors"][0]["line"]) == ("done with rejects", 7)
    assert document["finished_at_ms"] >= document["began_at_ms"] >= document["received_at_ms"]


def test_a_job_that_is_done_ends_with_code_0(desk: Desk) -> None:
    desk.ingest("a.jsonl", LINES)
    assert run("show", desk.region.job().id, *HERE).code == 0


def test_a_part_that_failed_is_retried_only_when_it_is_said(desk: Desk) -> None:
    desk.is_away = True
    desk.ingest("a.jsonl", LINES)
    job = desk.region.job()
    assert (job.state.value, job.failed) == ("failed", 1)
    assert "Unavailable: the table is away" in run("show", job.id, *HERE).out
    desk.is_away = False

    assert "Nothing is sent yet" in run("retry", job.id, *HERE).out
    assert desk.region.waiting() == []
    told = run("retry", job.id, *HERE, "--execute")
    assert "the part from byte 50 of a.jsonl" in told.out
    messages = desk.region.waiting()
    assert [json.loads(each)["start"] for each in messages] == [50]
    desk.region.work_off(desk.deliver, *messages, *messages)

    assert desk.region.job().state.value == "done"
    assert desk.region.job().counts.lines == 6
    assert len(desk.written) == 6
    assert "The job is done" in run("retry", job.id, *HERE, "--execute").out


def test_a_job_that_could_not_begin_begins_anew(desk: Desk) -> None:
    desk.ingest("a.parquet", LINES)
    job = desk.region.job()
    assert job.state.value == "failed"
    assert "the object of a.parquet" in run("retry", job.id, *HERE, "--execute").out
    assert list(desk.region.jobs.latest(9)) == []
    desk.region.work_off(desk.deliver, *desk.region.waiting())
    assert desk.region.job().reason == job.reason


def test_a_job_that_there_is_not_and_a_region_without_jobs_are_sentences(desk: Desk) -> None:
    assert "there is no job nonsense" in str(run("show", "nonsense", *HERE).problem)
    elsewhere = ("--table", "parties", "--region", "eu-west-1")
    assert "there is no table" in str(run("show", "nonsense", *elsewhere).problem)
    assert run("list", *elsewhere).code == 1


def test_what_an_object_is_called_cannot_forge_a_line(desk: Desk) -> None:
    desk.ingest("a\x1b[31m\n.jsonl", LINES)
    told = run("list", *HERE).out + run("show", desk.region.job().id, *HERE).out
    assert "\x1b" not in told
    assert r"a\x1b[31m\n.jsonl" in told
