"""How long work waits for what may come, before it is set aside.

What a newer release wrote waits for that release: a deployment takes minutes. But whoever may write
one item can write such a version, and then nothing will ever read it. A loss waits for the rows of
what happened to its item since, which come once the detector has read on; of a replica that was
made anew there are none.
"""

from reconciler.errors import HistoryUnknown, ReconcilerError, UnknownWireVersion

# Longer than a release takes to reach all processes, far shorter than the stream keeps its records,
# for everything behind such a record of its shard waits, too.
NEWER_RELEASE_MS = 3_600_000
LATER_ROWS_MS = 3_600_000


def is_to_wait(problem: Exception, since_ms: int | None, now_ms: int) -> bool:
    """Return whether work that failed stays where it is; `since_ms` is when it came to be.

    Work of which nobody knows its age does not wait for a newer release.
    """
    if isinstance(problem, HistoryUnknown):
        return since_ms is not None and now_ms - since_ms < LATER_ROWS_MS
    if isinstance(problem, UnknownWireVersion):
        return since_ms is not None and now_ms - since_ms < NEWER_RELEASE_MS
    return isinstance(problem, ReconcilerError) and problem.disposition == "retry"
