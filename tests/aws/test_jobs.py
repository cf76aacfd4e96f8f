"""The jobs table where several functions, or several deliveries, write one job at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import DynamoDBBackend

from reconciler.aws.clients import client
from reconciler.aws.jobs import DynamoJobs
from reconciler.errors import Unavailable
from reconciler.ingest.jobs import Counts, Job, JobState, LineError, Part, PartState
from reconciler.ingest.messages import PartName
from reconciler.ingest.ranges import Range
from reconciler.ingest.source import Form, Packing, Source
from tests.aws.conftest import REGION
from tests.ingest.region import create_jobs

SOURCE = Source("a.jsonl", "v1", "etag")
JOB = Job(SOURCE, received_at_ms=1_000, size=9, form=Form.CSV, packing=Packing.GZIP, open=2)
PARTS = [Part(JOB.id, Range(0, 5)), Part(JOB.id, Range(5))]
COUNTS = Counts(lines=4, written=2, repeated=1, rejected=1)
DONE = replace(PARTS[0], state=PartState.DONE, counts=COUNTS, errors=[LineError(1, 0, "why")])
FAILED = replace(PARTS[0], state=PartState.FAILED, reason="why")


@pytest.fixture
def jobs(aws: None) -> Iterator[DynamoJobs]:
    dynamodb = client("dynamodb", REGION)
    create_jobs(dynamodb, "jobs")
    made = DynamoJobs("jobs", dynamodb)
    made.open(JOB)
    made.plan(PARTS)
    yield made
    dynamodb.delete_table(TableName="jobs")


def standing(jobs: DynamoJobs) -> Job:
    found = jobs.job(JOB.id)
    assert found is not None
    return found


def test_what_is_written_is_read_as_it_was(jobs: DynamoJobs) -> None:
    whole = replace(JOB, header=["id", "n"], began_at_ms=5, reason="why", issued_at_ms=7)
    assert Job.of(whole.row) == whole
    jobs.close(DONE, 2_000)
    assert jobs.parts(JOB.id) == [DONE, replace(PARTS[1], errors=[])]
    assert jobs.part(PartName(JOB.id, 5)) == replace(PARTS[1], errors=[])
    assert jobs.part(PartName(JOB.id, 6)) is None
    assert jobs.job("other") is None


def test_every_row_expires_after_the_days_that_jobs_are_kept(
    jobs: DynamoJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = DynamoJobs("jobs", client("dynamodb", REGION), kept_days=15)
    monkeypatch.setattr("reconciler.aws.jobs.now_ms", lambda: 1_000_000_999)
    kept.open(replace(JOB, source=Source("b.jsonl", "v1", "etag")))
    kept.close(DONE, 2_000)
    kept.close(replace(FAILED, range=Range(5)), 2_000)
    kept.reopen(replace(FAILED, range=Range(5)))
    kept.go_on(Part(JOB.id, Range(7)))

    rows = client("dynamodb", REGION).scan(TableName="jobs")["Items"]
    expires = sorted(int(row["expires"]["N"]) for row in rows)

    assert expires[:4] == [1_000_000 + 15 * 86_400] * 4
    assert len(expires) == 5  # with the job that was there before


def test_a_job_and_its_parts_are_planned_once(jobs: DynamoJobs) -> None:
    jobs.close(DONE, 2_000)
    before = standing(jobs), jobs.parts(JOB.id)
    assert jobs.open(replace(JOB, size=10)) == before[0]
    jobs.plan(PARTS)
    assert (standing(jobs), jobs.parts(JOB.id)) == before


@pytest.fixture
def serializable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carry out one transaction after the other, as DynamoDB does.

    moto undoes one by putting all tables back, and with them what another one wrote meanwhile.
    """
    lock, plain = Lock(), DynamoDBBackend.transact_write_items

    def alone(*given: Any, **named: Any) -> Any:
        with lock:
            return plain(*given, **named)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", alone)


@pytest.mark.usefixtures("serializable")
def test_a_part_that_is_closed_by_many_at_once_counts_once(jobs: DynamoJobs) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: jobs.close(DONE, 2_000), range(8)))
    assert (standing(jobs).open, standing(jobs).counts) == (1, COUNTS)


def test_one_delivery_that_is_done_stands_whatever_the_other_one_ends_in(jobs: DynamoJobs) -> None:
    for ends in ((FAILED, DONE), (DONE, FAILED)):
        for end in ends:
            jobs.close(end, 2_000)
        job = standing(jobs)
        assert (job.open, job.failed, job.counts) == (1, 0, COUNTS)


def test_a_part_that_failed_makes_its_job_failed_until_it_is_opened_again(
    jobs: DynamoJobs,
) -> None:
    for _ in range(2):
        jobs.close(FAILED, 2_000)
        assert (standing(jobs).state, standing(jobs).failed) == (JobState.FAILED, 1)
    for _ in range(2):
        jobs.reopen(FAILED)
        assert (standing(jobs).state, standing(jobs).failed) == (JobState.QUEUED, 0)


def test_a_part_that_goes_on_is_counted_once(jobs: DynamoJobs) -> None:
    more = Part(JOB.id, Range(3, 5))
    for _ in range(2):
        jobs.go_on(more)
    assert standing(jobs).open == 3
    assert [part.range.start for part in jobs.parts(JOB.id)] == [0, 3, 5]


def test_a_job_that_has_begun_keeps_its_first_time_and_one_that_is_gone_stays_gone(
    jobs: DynamoJobs,
) -> None:
    for at_ms in (5, 6):
        jobs.begun(JOB.id, at_ms)
    jobs.begun("other", 5)
    assert standing(jobs).began_at_ms == 5
    assert jobs.job("other") is None


def test_only_a_job_that_could_not_begin_is_forgotten(jobs: DynamoJobs) -> None:
    jobs.forget(JOB)
    assert jobs.job(JOB.id) is not None
    refused = replace(JOB, source=Source("b", "", "e")).refused("why")
    jobs.open(refused)
    jobs.forget(refused)
    assert jobs.job(refused.id) is None


class Conflicts:
    """A client in whose way others are, some times."""

    def __init__(self, times: int) -> None:
        self._client = client("dynamodb", REGION)
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **given: Any) -> Any:
        if self.left:
            self.left -= 1
            code = "TransactionCanceledException"
            told = {"Code": code, "Message": "cancelled [None, TransactionConflict]"}
            answer: Any = {"Error": told, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "TransactWriteItems")
        return self._client.transact_write_items(**given)


@pytest.mark.parametrize("times", [1, 7, 8])
def test_parts_that_are_closed_at_one_moment_wait_for_each_other(
    jobs: DynamoJobs, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Left to the next delivery, all lines of the part were counted as repeated."""
    monkeypatch.setattr("reconciler.aws.jobs.time.sleep", lambda _: None)
    crowded = DynamoJobs("jobs", Conflicts(times))
    if times < 8:
        crowded.close(DONE, 2_000)
        assert standing(jobs).counts == COUNTS
    else:
        with pytest.raises(Unavailable, match="TransactionConflict"):
            crowded.close(DONE, 2_000)


def test_the_state_of_a_job_follows_from_its_counts() -> None:
    done = replace(JOB, open=0)
    assert done.state is JobState.DONE
    assert replace(done, counts=COUNTS).state is JobState.DONE_WITH_REJECTS
    assert replace(JOB, began_at_ms=1).state is JobState.RUNNING
    assert replace(JOB, began_at_ms=1, failed=1).state is JobState.FAILED
