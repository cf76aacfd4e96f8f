"""A job once more, as a person asks for it: what is not done is put in the queue again.

Doing so twice is harmless: each line counts once.
"""

from collections.abc import Sequence

from reconciler.ingest.jobs import Job, Part, PartState
from reconciler.ingest.messages import PartName, Task
from reconciler.ingest.outside import Jobs, PartQueue


def tasks_of(job: Job, parts: Sequence[Part]) -> list[Task]:
    """Return what is not done: parts, or the whole object if its job has not begun."""
    if job.reason or job.began_at_ms is None:
        return [job.source]
    return [
        PartName(job.id, part.range.start) for part in parts if part.state is not PartState.DONE
    ]


def retry(job: Job, parts: Sequence[Part], jobs: Jobs, queue: PartQueue) -> None:
    """Ask for what is not done."""
    if job.reason:
        jobs.forget(job)
    for part in parts:
        if part.state is PartState.FAILED:
            jobs.reopen(part)
    queue.send(tasks_of(job, parts))
