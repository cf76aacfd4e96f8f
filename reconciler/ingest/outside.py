"""What an ingest needs from its region, as protocols; the adapters are in `reconciler.aws`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.ingest.jobs import Job, Part
from reconciler.ingest.messages import PartName, Task
from reconciler.ingest.source import Source
from reconciler.ports import KeyedEdit, Telemetry


@dataclass(frozen=True)
class Facts:
    """What the bucket says of an object: its size, and when it was put there."""

    size: int
    issued_at_ms: int


class Objects(Protocol):
    """The bucket of one region. InvalidInput for an object that is gone, or another one by now."""

    def facts(self, source: Source) -> Facts:
        """Return what the bucket says of an object."""

    def current(self, key: str) -> Source:
        """Return the object that has this name now."""

    def part(self, source: Source, start: int, most: int) -> bytes:
        """Return up to `most` bytes of an object, as it was when it was put there."""

    def put_rejects(self, name: str, lines: Sequence[bytes]) -> None:
        """Keep rejected lines; the same name again takes the place of the first."""


class Jobs(Protocol):
    """The jobs table of one region, read consistently but for its list."""

    def job(self, name: str) -> Job | None:
        """Return a job."""

    def open(self, job: Job) -> Job:
        """Write a job unless it is there; return the one that is."""

    def begun(self, name: str, at_ms: int) -> None:
        """Note that the work on a job has begun, unless that is noted."""

    def plan(self, parts: Sequence[Part]) -> None:
        """Write the parts that a job has counted when it was opened, unless they are there."""

    def go_on(self, part: Part) -> None:
        """Write one part more, which its job counts, unless it is there."""

    def part(self, name: PartName) -> Part | None:
        """Return a part."""

    def parts(self, name: str) -> Sequence[Part]:
        """Return the parts of a job, in order."""

    def close(self, part: Part, at_ms: int) -> None:
        """Write how a part ended, and count it, unless it is done already."""

    def reopen(self, part: Part) -> None:
        """Let a part that failed wait for its turn again, unless it does."""

    def forget(self, job: Job) -> None:
        """Remove a job that could not begin, so that it can begin anew."""

    def latest(self, most: int) -> Iterator[Job]:
        """Yield the jobs, the newest first, as an index shows them: soon."""


class PartQueue(Protocol):
    """The queue of one region's ingest."""

    def send(self, tasks: Sequence[Task]) -> None:
        """Ask for work; asking twice is harmless."""


# Makes a keyed edit of an item; whether its key showed it as made before.
Write = Callable[[KeyedEdit], bool]
# The same for up to 100 different items in few calls; None: the edit is left to `Write`.
WriteMany = Callable[[Sequence[KeyedEdit]], Sequence[bool | None]]


@dataclass(frozen=True)
class Outside:
    """One region, for an ingest. `write` and `write_many` are called in several threads."""

    objects: Objects
    jobs: Jobs
    queue: PartQueue
    write: Write
    write_many: WriteMany
    telemetry: Telemetry
    now_ms: Callable[[], int]
