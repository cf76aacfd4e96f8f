"""`reconciler jobs`: what was ingested, what was rejected and why, and what failed once more."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from reconciler.aws import now_ms
from reconciler.aws.ingest import jobs_of, queue_of
from reconciler.aws.jobs import DynamoJobs
from reconciler.aws.region import Region
from reconciler.cli.options import (
    AsJson,
    Endpoint,
    Execute,
    LedgerRegion,
    Regions,
    Suffix,
    TableName,
)
from reconciler.cli.terminal import console, print_json, say, say_line
from reconciler.deployment.names import Names, checked_region
from reconciler.deployment.wiring import REJECTS_PREFIX
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable
from reconciler.ingest.jobs import COUNTS, Job, JobState, Part, errors_of
from reconciler.ingest.messages import PartName
from reconciler.ingest.retry import retry as retry_job
from reconciler.ingest.retry import tasks_of
from reconciler.ingest.source import JOB_WIDTH
from reconciler.text.counts import count_in_words
from reconciler.text.durations import duration_text
from reconciler.text.plain_json import json_text
from reconciler.text.plain_text import shown

app = typer.Typer(no_args_is_help=True, help="List, show and retry the ingest of objects.")

_WIDTHS = (JOB_WIDTH, 17, 5, 10, 10, 10, 10)  # of all columns but the last
_HEADS = ("job", "state", "age", "lines", "written", "repeated", "rejected", "object")
_NOT_THERE = "ResourceNotFoundException"
JobId = Annotated[str, typer.Argument(metavar="JOB", help="the job, as `list` names it")]
Limit = Annotated[int, typer.Option(min=1, help="most jobs of a region, newest first")]


@contextmanager
def _jobs_in(names: Names) -> Iterator[DynamoJobs]:
    """Yield the jobs of a region; InvalidInput if it has none."""
    try:
        yield jobs_of(Region(names), names)
    except Unavailable as problem:
        if problem.evidence.get("code") != _NOT_THERE:
            raise
        raise InvalidInput(
            f"there is no table {names.jobs} in {names.region}: check --table, --region and"
            " --suffix, or deploy the ingest there"
        ) from None


@app.command("list")
def list_jobs(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    table: TableName,
    region: Regions,
    limit: Limit = 20,
    as_json: AsJson = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """List the jobs of each region, the newest first."""
    found: list[dict[str, Any]] = []
    failed = False
    for each in region:
        try:
            with _jobs_in(Names(table, checked_region(each), suffix)) as jobs:
                listed = [_summary(job) for job in jobs.latest(limit)]
        except ReconcilerError as problem:
            failed = True
            say(f"reconciler: {each}: {problem}", err=True)
            continue
        found += [{"region": each, **job} for job in listed]
        if not as_json:
            _print_jobs(each, listed)
    if as_json:
        print_json(json_text(found))
    raise typer.Exit(int(failed))


@app.command("show")
def show(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    job_id: JobId,
    table: TableName,
    region: LedgerRegion,
    as_json: AsJson = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Show a job's counts, times and first errors."""
    names = Names(table, region, suffix)
    job, parts = _found(job_id, names)
    told = _document(job, parts, names)
    if as_json:
        print_json(json_text(told))
    else:
        _print_job(told)
    raise typer.Exit(int(job.state in (JobState.FAILED, JobState.DONE_WITH_REJECTS)))


@app.command("retry")
def retry(  # noqa: PLR0913, PLR0917 (options of a command are arguments)
    job_id: JobId,
    table: TableName,
    region: LedgerRegion,
    execute: Execute = False,
    suffix: Suffix = "",
    endpoint: Endpoint = None,  # noqa: ARG001 (its callback has used it)
) -> None:
    """Put what is not done of a job in the queue again; rejected lines are done.

    Each line counts once, however often it is retried.
    """
    names = Names(table, region, suffix)
    job, parts = _found(job_id, names)
    tasks = tasks_of(job, parts)
    for task in tasks:
        what = f"the part from byte {task.start}" if isinstance(task, PartName) else "the object"
        say(f"{what} of {job.source.key}")
    if not tasks:
        say("The job is done; to ingest corrected lines, put them there as another object.")
    elif not execute:
        say("Nothing is sent yet; --execute sends it.")
    else:
        with _jobs_in(names) as jobs:
            retry_job(job, parts, jobs, queue_of(Region(names), names))
        say(f"Sent: {count_in_words(len(tasks), 'message')}.")


def _found(job_id: str, names: Names) -> tuple[Job, Sequence[Part]]:
    with _jobs_in(names) as jobs:
        job = jobs.job(job_id)
        if job is None:
            raise InvalidInput(f"there is no job {job_id} in {names.region}: see `jobs list`")
        return job, jobs.parts(job_id)


def _summary(job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": job.state.value,
        "age_ms": max(0, now_ms() - job.received_at_ms),
        **asdict(job.counts),
        "object": job.source.key,
    }


def _document(job: Job, parts: Sequence[Part], names: Names) -> dict[str, Any]:
    errors = [
        {"line": number, "at": error.at, "reason": error.reason}
        for number, error in errors_of(parts)
    ]
    why = [job.reason, *(part.reason for part in parts)]
    rejects = f"s3://{names.ingest_bucket}/{REJECTS_PREFIX}{job.id}/"
    return {
        **_summary(job),
        "version": job.source.version or job.source.etag,
        "bytes": job.size,
        "form": job.form.value,
        "packing": job.packing.value,
        "received_at_ms": job.received_at_ms,
        "began_at_ms": job.began_at_ms,
        "finished_at_ms": None if job.open else job.finished_at_ms,
        "parts": len(parts),
        "parts_done": len(parts) - job.open,
        "reasons": list(dict.fromkeys(filter(None, why))),
        "errors": errors,
        "rejects": rejects if job.counts.rejected else None,
    }


def _print_jobs(region: str, jobs: Sequence[dict[str, Any]]) -> None:
    told = console()
    say_line(told, f"{region}: {count_in_words(len(jobs), 'job')}", "bold")
    rows = [
        [each["job"], each["state"], duration_text(each["age_ms"])]
        + [str(each[name]) for name in _HEADS[3:]]
        for each in jobs
    ]
    for cells in [list(_HEADS), *rows] if rows else []:
        padded = [shown(c).ljust(width) for c, width in zip(cells, _WIDTHS, strict=False)]
        say_line(told, "  ".join([*padded, shown(cells[-1])]).rstrip())


def _print_job(job: dict[str, Any]) -> None:
    told = console()
    say_line(told, f"{job['job']}  {job['state']}  {job['object']}", "bold")
    say_line(told, f"{count_in_words(job['bytes'], 'byte')}, {job['form']}, {job['packing']}")
    say_line(told, ", ".join(f"{job[name]:,} {name}" for name in COUNTS))
    say_line(told, f"parts done: {job['parts_done']} of {job['parts']}")
    for reason in job["reasons"]:
        say_line(told, reason)
    for error in job["errors"]:
        place = f"byte {error['at']}" if error["line"] is None else f"line {error['line']}"
        say_line(told, f"{place}: {error['reason']}")
    if job["rejects"]:
        say_line(told, f"rejected lines: {job['rejects']}")
