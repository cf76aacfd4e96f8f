"""From an object to its job, from the job's parts to keyed writes.

All of it may happen twice, half, or at once: rows are written before the messages that rest on
them, lines are written before their part is closed, and a part is closed once.
"""

from dataclasses import dataclass, replace

from reconciler.deployment import telemetry
from reconciler.errors import (
    InvalidInput,
    KeyExpired,
    NotOurs,
    ReconcilerError,
    Undecodable,
    reason_of,
)
from reconciler.ingest.jobs import Counts, Job, Part, PartState
from reconciler.ingest.lines import Line
from reconciler.ingest.messages import PartName, Task
from reconciler.ingest.outside import Outside
from reconciler.ingest.ranges import MOST_BYTES, MOST_LINES, RANGE_BYTES, Range, ranges_of
from reconciler.ingest.reading import Reading
from reconciler.ingest.source import Source, form_of, is_data, is_manifest
from reconciler.ingest.tally import Tally
from reconciler.ingest.writing import Deed, Writing
from reconciler.item.schema import Schema

_UNREADABLE = (InvalidInput, Undecodable)  # KeyExpired is one: no try can do better


@dataclass(frozen=True)
class Bounds:
    """How large ranges are, and what is done of them in one go."""

    range_bytes: int = RANGE_BYTES
    lines: int = MOST_LINES
    bytes: int = MOST_BYTES


class Ingester:
    """Ingests the objects of one region's bucket."""

    def __init__(self, schema: Schema, outside: Outside, bounds: Bounds = Bounds()) -> None:
        self._schema = schema
        self._outside = outside
        self._bounds = bounds
        self._reading = Reading(schema, outside.objects)
        self._writing = Writing(schema, outside.write, outside.write_many)

    def do(self, task: Task, *, is_last_try: bool = False) -> None:
        """Do what a message asks for; NotOurs if it is of no job here.

        What a later try can do better is raised; on the last one, its part waits for a person.
        """
        if isinstance(task, Source):
            begin = self._begin_listed if is_manifest(task.key) else self._begin
            return begin(task)
        try:
            return self._carry_out(task)
        except ReconcilerError as problem:
            part = self._outside.jobs.part(task) if is_last_try else None
            if part is not None:
                self._give_up(part, problem)
            raise

    def _begin(self, source: Source) -> None:
        """Split an object, once; its parts are asked for until one of them has begun."""
        if not is_data(source.key):
            return
        jobs = self._outside.jobs
        job = jobs.job(source.job) or jobs.open(self._planned(source))
        if job.reason or job.began_at_ms is not None:
            return
        parts = [Part(job.id, each) for each in self._ranges(job)]
        jobs.plan(parts)
        self._outside.queue.send([PartName(job.id, part.range.start) for part in parts])

    def _begin_listed(self, manifest: Source) -> None:
        """Ask for each file that a manifest lists, in case its own message never came."""
        objects = self._outside.objects
        files: list[Source] = []
        for listed in self._reading.listed(manifest):
            found = objects.current(listed.key)
            if found.etag != listed.etag:
                raise InvalidInput("a file of the export was overwritten since")
            files.append(found)
        self._outside.queue.send(files)

    def _ranges(self, job: Job) -> list[Range]:
        return list(ranges_of(job.size, job.form, job.packing, self._bounds.range_bytes))

    def _planned(self, source: Source) -> Job:
        job = Job(source, self._outside.now_ms())
        try:
            facts = self._outside.objects.facts(source)
            job = replace(job, size=facts.size, issued_at_ms=facts.issued_at_ms)
            self._check_age(job)
            job = replace(job, form=form_of(source.key))
            job = replace(job, packing=self._reading.packing(job))
            job = replace(job, header=self._reading.header(job))
        except _UNREADABLE as problem:
            self._outside.telemetry.count(telemetry.INGEST_FAILURES)
            return job.refused(reason_of(problem))
        return replace(job, open=len(self._ranges(job)))

    def _check_age(self, job: Job) -> None:
        minutes = self._schema.key_lifetime_minutes
        if self._outside.now_ms() - job.issued_at_ms > minutes * 60_000:
            raise KeyExpired(
                f"the object is older than idempotency keys live, {minutes:,} minutes: whether its"
                " lines were written, items may not tell any more; upload what is missing anew"
            )

    def _carry_out(self, name: PartName) -> None:
        """Write the lines of a part, unless that was done."""
        jobs = self._outside.jobs
        job, part = jobs.job(name.job), jobs.part(name)
        if job is None or part is None:
            raise NotOurs("a part of a job that is not known here")
        if part.state is PartState.DONE:
            return
        jobs.begun(job.id, self._outside.now_ms())
        try:
            done = self._done(job, part)
        except _UNREADABLE as problem:
            self._give_up(part, problem)
        else:
            self._outside.jobs.close(done, self._outside.now_ms())

    def _give_up(self, part: Part, problem: ReconcilerError) -> None:
        failed = replace(part, state=PartState.FAILED, reason=reason_of(problem))
        self._outside.jobs.close(failed, self._outside.now_ms())
        self._outside.telemetry.count(telemetry.INGEST_FAILURES)
        self._outside.telemetry.note("part not ingested", error=problem, job=part.job)

    def _done(self, job: Job, part: Part) -> Part:
        tally = Tally(self._writing)
        for line in self._reading.lines(job, part.range.start):
            if part.range.end is not None and line.at >= part.range.end:
                break
            if self._is_full(tally, line.at - part.range.start):
                tally.write()  # HAZARD if the lines behind it could be written before
                self._go_on(Part(job.id, Range(line.at, part.range.end)))
                break
            self._take(job, line, tally)
        tally.write()
        if tally.rejects:
            rejects = [text for _, text in tally.in_order()]
            self._outside.objects.put_rejects(f"{job.id}/{part.name}", rejects)
        counts = tally.counts()
        self._count(counts)
        return replace(
            part,
            state=PartState.DONE,
            counts=counts,
            line_ends=tally.line_ends,
            errors=tally.errors(),
            reason="",
        )

    def _is_full(self, tally: Tally, size: int) -> bool:
        return tally.line_ends >= self._bounds.lines or (
            tally.line_ends > 0 and size >= self._bounds.bytes
        )

    def _go_on(self, part: Part) -> None:
        self._outside.jobs.go_on(part)
        self._outside.queue.send([PartName(part.job, part.range.start)])

    def _take(self, job: Job, line: Line, tally: Tally) -> None:
        number = tally.line_ends + 1
        tally.line_ends += line.ends
        if self._reading.says_nothing(job, line):
            return
        tally.lines += 1
        try:
            meaning = self._reading.meaning(job, line)
        except ReconcilerError as problem:
            tally.reject(line, number, reason_of(problem))
        else:
            once = job.source.once(line.at, line.text or b"", job.issued_at_ms)
            tally.add(line, number, Deed(meaning, once))

    def _count(self, counts: Counts) -> None:
        self._outside.telemetry.count(telemetry.LINES_WRITTEN, counts.written)
        self._outside.telemetry.count(telemetry.LINES_REPEATED, counts.repeated)
        self._outside.telemetry.count(telemetry.LINES_REJECTED, counts.rejected)
