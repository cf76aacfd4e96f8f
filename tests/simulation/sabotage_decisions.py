"""The rules of people's decisions, broken one at a time; see `sabotage`."""

from contextlib import AbstractContextManager, ExitStack
from typing import Any

from reconciler.feed import carrying_out
from reconciler.feed.carrying_out import closed_row
from reconciler.feed.case import MergeResult, merge_loss
from reconciler.simulation.world import sitting
from tests.simulation.sabotage import replacing


def nothing_is_merged_beside_a_decision() -> AbstractContextManager[Any]:
    """Let a decision about a loss that cannot be merged leave all else of the loss behind."""
    stack = ExitStack()
    stack.enter_context(replacing(carrying_out, "_beside", lambda _: lambda *given: given[-1]))
    stack.enter_context(replacing(carrying_out, "_merge_rest", lambda _: lambda *given: given[-1]))
    return stack


def what_is_decided_is_not_merged() -> AbstractContextManager[Any]:
    """Let a decided attribute of such a loss never be merged, although it could be."""
    return replacing(carrying_out, "left_out", lambda _: lambda _c, _l, decided: [*(decided or ())])


def a_decision_before_its_merge() -> AbstractContextManager[Any]:
    """Let a decision be written first, and the loss be merged into that."""

    def make(real: Any) -> Any:
        def carry_out(case: Any, decision: Any, items: Any, open_table: Any) -> Any:
            def unmerged(case: Any, *_: Any, **__: Any) -> MergeResult:
                return MergeResult(case.current, case.current)

            with replacing(carrying_out, "merge_loss", lambda _: unmerged):
                result = real(case, decision, items, open_table)
            merge_loss(case, items)
            return result

        return carry_out

    return replacing(carrying_out, "carry_out", make)


def a_row_closed_before_its_decision() -> AbstractContextManager[Any]:
    """Let the row of a loss be closed first, then the decision be carried out."""

    def make(real: Any) -> Any:
        def decide(case: Any, answer: Any, desk: Any) -> Any:
            result = carrying_out.rehearse(case, answer.decision, desk.replica, desk.now_ms())
            desk.ledger.record([closed_row(case, result, answer, desk.now_ms())])
            return real(case, answer, desk)

        return decide

    return replacing(sitting, "decide", make)
