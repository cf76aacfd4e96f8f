"""A job and its parts, as rows of the jobs table, which are written and read here.

A job is one object. A part is what a function does of it in one go; its counts are added to its
job's when it is closed, in one transaction that only the first of several deliveries gets through.
HAZARD if a part were closed before the one that goes on behind it is there: for a moment, all parts
would be done, and the job with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from reconciler.errors import MALFORMED, Undecodable
from reconciler.ingest.ranges import Range
from reconciler.ingest.source import Form, Packing, Source
from reconciler.values.wire import Image, canonical_image, from_wire, to_wire

MOST_ERRORS = 100
JOB_PART = "job"  # the row of the job itself, beside those of its parts
LISTED = "jobs"  # what the rows that the index lists have in common
COUNTS = ("lines", "written", "repeated", "rejected")


class JobState(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DONE_WITH_REJECTS = "done with rejects"
    FAILED = "failed"


class PartState(Enum):
    """Where a part stands: waiting in the queue or being worked on, done, or given up."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Counts:
    """Lines, and what became of them; repeated ones had been carried out before, or elsewhere."""

    lines: int = 0
    written: int = 0
    repeated: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class LineError:
    """Why a line was rejected: which one it is of its part, counted from 1, and its byte."""

    line: int
    at: int
    reason: str


@dataclass(frozen=True)
class Part:
    """What is done in one go: from byte `start` of the text, at most to the end of its range.

    `line_ends`: how many it has, if it is done; so the lines behind it can be counted.
    """

    job: str
    range: Range
    state: PartState = PartState.OPEN
    counts: Counts = Counts()
    line_ends: int = 0
    errors: Sequence[LineError] = ()
    reason: str = ""

    @property
    def name(self) -> str:
        """Its name within the job; names sort as the parts do."""
        return part_name(self.range.start)

    @property
    def row(self) -> Image:
        errors = [[each.line, each.at, each.reason] for each in self.errors[:MOST_ERRORS]]
        return _row(
            job=self.job,
            part=self.name,
            start=self.range.start,
            end=self.range.end,
            state=self.state.value,
            counts=[getattr(self.counts, name) for name in COUNTS],
            line_ends=self.line_ends,
            errors=errors,
            reason=self.reason,
        )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Part":
        """Return the part in a row; Undecodable."""
        try:
            said = _said(row)
            return cls(
                job=said["job"],
                range=Range(said["start"], said.get("end")),
                state=PartState(said["state"]),
                counts=Counts(*said["counts"]),
                line_ends=said["line_ends"],
                errors=[LineError(*each) for each in said["errors"]],
                reason=said["reason"],
            )
        except MALFORMED as problem:
            raise Undecodable(f"no part of a job ({type(problem).__name__})") from None


@dataclass(frozen=True)
class Job:
    """One object's ingest. `open` parts are not done, of which `failed` ones wait for a person.

    `reason`: why it could not even begin. Times are milliseconds since 1970.
    """

    source: Source
    received_at_ms: int
    size: int = 0
    issued_at_ms: int = 0
    form: Form = Form.JSON
    packing: Packing = Packing.PLAIN
    header: Sequence[str] = ()
    open: int = 0
    failed: int = 0
    counts: Counts = field(default_factory=Counts)
    began_at_ms: int | None = None
    finished_at_ms: int | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        return self.source.job

    @property
    def state(self) -> JobState:
        if self.reason or self.failed:
            return JobState.FAILED
        if self.open:
            return JobState.QUEUED if self.began_at_ms is None else JobState.RUNNING
        return JobState.DONE_WITH_REJECTS if self.counts.rejected else JobState.DONE

    def refused(self, reason: str) -> "Job":
        """Return the job as one that cannot begin."""
        return replace(self, reason=reason, open=0)

    @property
    def row(self) -> Image:
        return _row(
            job=self.id,
            part=JOB_PART,
            listed=LISTED,
            received_at_ms=self.received_at_ms,
            object=[self.source.key, self.source.version, self.source.etag],
            size=self.size,
            issued_at_ms=self.issued_at_ms,
            form=self.form.value,
            packing=self.packing.value,
            header=list(self.header),
            open=self.open,
            failed=self.failed,
            **{name: getattr(self.counts, name) for name in COUNTS},
            began_at_ms=self.began_at_ms,
            finished_at_ms=self.finished_at_ms,
            reason=self.reason,
        )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Job":
        """Return the job in a row; Undecodable."""
        try:
            said = _said(row)
            return cls(
                source=Source(*said["object"]),
                form=Form(said["form"]),
                packing=Packing(said["packing"]),
                counts=Counts(*(said[name] for name in COUNTS)),
                **{name: said[name] for name in _AS_THEY_ARE},
                began_at_ms=said.get("began_at_ms"),
                finished_at_ms=said.get("finished_at_ms"),
            )
        except MALFORMED as problem:
            raise Undecodable(f"no job ({type(problem).__name__})") from None


_AS_THEY_ARE = (*("received_at_ms", "size", "issued_at_ms", "header", "open", "failed", "reason"),)


def part_name(start: int) -> str:
    """Return what the part that begins at a byte is called."""
    return f"part-{start:015d}"


def errors_of(parts: Sequence[Part]) -> Iterator[tuple[int | None, LineError]]:
    """Yield the first errors of a job, each with the number of its line in the object.

    That is None as long as a part before it is not done.
    """
    before: int | None = 0
    left = MOST_ERRORS
    for part in parts:
        for error in part.errors[:left]:
            yield None if before is None else before + error.line, error
        left -= min(left, len(part.errors))
        is_done = part.state is PartState.DONE
        before = before + part.line_ends if before is not None and is_done else None


def _row(**said: Any) -> Image:
    return {name: to_wire(value, (name,)) for name, value in said.items() if value is not None}


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_wire(wire) for name, wire in canonical_image(row).items()}
