"""The rules of marks, broken one at a time from outside; see `sabotage`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from reconciler.causality.context import ADOPTED
from reconciler.causality.hlc import COARSE_WIDTH, coarse_before
from reconciler.conflict import marking
from reconciler.detection import certifying
from reconciler.item.replicated import ReplicatedItem
from tests.simulation.sabotage import replacing


def what_is_done_around_is_folded_by_age() -> AbstractContextManager[Any]:
    """Let what was done to earlier images be folded as soon as a region marks it (marks)."""

    def settled(item: ReplicatedItem, _: Sequence[str]) -> str:
        up_to = coarse_before(item.time)
        return up_to if up_to > item.context.watermarks.get(ADOPTED, "")[:COARSE_WIDTH] else ""

    return replacing(marking, "settled_time", lambda _: settled)


def what_is_done_around_is_folded_by_one_mark() -> AbstractContextManager[Any]:
    """Let the mark of one region be enough (marks)."""

    def make(real: Any) -> Any:
        return lambda item, _: max(real(item, [each]) for each in item.marks)

    return replacing(marking, "settled_time", make)


def a_mark_that_asks_no_rows() -> AbstractContextManager[Any]:
    """Let a region mark what its ledger says is lost, or came back (marks)."""
    stack = ExitStack()
    stack.enter_context(replacing(marking, "_lost", lambda _: lambda *_: []))
    stack.enter_context(replacing(marking, "_fell_back", lambda _: lambda *_: False))
    return stack


def a_mark_that_is_made_once() -> AbstractContextManager[Any]:
    """Let it be enough that every region once had no such image (marks)."""
    return replacing(marking, "overlapping", lambda _: lambda _: "")


def nobody_marks() -> AbstractContextManager[Any]:
    """Let no detector look for what is done around the library (marks)."""
    return replacing(certifying, "standing", lambda _: lambda *_: None)
