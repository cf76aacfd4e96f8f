"""An operator's decision about one loss, carried out: merge, then a local write, then the row.

Whatever of the losing image can be merged is merged into the *current* item, so a decision about
one attribute leaves nothing else of the loss behind. The decision is an ordinary local write on
top, so it dominates all that it has seen; where the loss cannot be merged as a whole, the rest of
it is merged in the same write. Each step is conditional on what it replaces and may run twice: a
command that was broken off is simply given again.
HAZARD if the decision were written before the merge: the lost write would be concurrent with it,
and could win against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.client.sending import Surroundings
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.row import Audit, Row, State, decision_row, resolved_row
from reconciler.errors import InvalidInput, ItemTooLarge, ReconcilerError, Unavailable
from reconciler.feed.beside import joined_beside, left_out
from reconciler.feed.case import (
    Case,
    MergeResult,
    left_behind,
    merge_loss,
    merge_rest,
)
from reconciler.feed.decision import ALL, Answer, Choice, Decision, decision_text
from reconciler.feed.one_item import OneItem
from reconciler.feed.rows import GONE, plain
from reconciler.feed.ruling import Ruling, rule, ruling_of, schema_of
from reconciler.item.image import read
from reconciler.item.metadata import NAMES, is_managed
from reconciler.item.restating import with_names_filed
from reconciler.item.schema import Schema
from reconciler.ports import ItemStore, Ledger
from reconciler.resolution.repair import undecided
from reconciler.resolution.words import merge_words
from reconciler.values.wire import Image, canonical_image

OpenTable = Callable[[Schema], ReplicatedTable]


@dataclass(frozen=True)
class Desk:
    """Where a decision is carried out: one region, and how the table behind its items is opened."""

    items: ItemStore
    ledger: Ledger
    open_table: OpenTable
    replica: str
    now_ms: Callable[[], int]


@dataclass(frozen=True)
class DecisionResult:
    """What a decision led to: the merge, the ruling, and what readers see of the item now."""

    merge: MergeResult
    ruling: Ruling
    shown: Mapping[str, Any] | None


def carry_out(
    case: Case, decision: Decision, items: ItemStore, open_table: OpenTable
) -> DecisionResult:
    """Merge the loss, then write the decision; `open_table` opens the table behind `items`.

    An item that is gone is restored if the decision takes all of the lost image.
    """
    step = merge_loss(case, items, restore=decision.get(ALL) == Choice(take="lost"))
    if not case.event.key:
        if decision != {ALL: Choice(take="current")}:
            raise InvalidInput(
                "the row does not say which item it is about: repair the item with a write client,"
                " then close the row with --take all=current"
            )
        return DecisionResult(step, Ruling({}, {}), None)
    if step.is_of_another_life:
        _check_whole(case, decision, step)
    is_beside = bool(step.problem) and not step.is_of_another_life
    beside = partial(_beside, case, decision) if is_beside else _as_it_is
    base = beside(step.after)
    now = case.side(base) or GONE
    schema = schema_of(case.event.table, case.event.key, case.lost, step.after)
    ruling = ruling_of(decision, case.sides(step.before), now, schema)
    disputed = {*undecided(base), *(_left(case, decision, step.after) if is_beside else ())}
    table, key = open_table(schema), plain(case.event.key)
    try:
        shown = table.apply(
            key,
            lambda item: rule(item, ruling, now=now, disputed=disputed, schema=schema),
            beside,
        )
    except ItemTooLarge:
        if step.problem:
            _check_whole(case, decision, step)
        raise
    if step.problem:
        step = _merge_rest(case, decision, items, step)
        shown = read(step.after)
    return DecisionResult(step, ruling, shown)


def _as_it_is(current: Image | None) -> Image | None:
    return current


def _left(case: Case, decision: Decision, current: Image | None) -> list[str]:
    """Return the decided attributes that cannot be merged."""
    if current is None or case.lost is None:
        return []
    try:
        return left_out(current, case.lost, None if ALL in decision else decision.keys())
    except ReconcilerError:
        return []  # nothing can be merged of what cannot be read


def _beside(case: Case, decision: Decision, current: Image | None) -> Image | None:
    """Return the image that a decision is written over: with what can be merged beside it.

    The image itself if even then something stands in the way, which must be decided, too.
    """
    if current is None or case.lost is None:
        return current
    if not is_managed(current):
        # Where named writes began the item, they say of which types it is.
        count = len(current.get(NAMES, {"L": []})["L"])
        current = with_names_filed(current, count, case.event.key) or current
    if not is_managed(current):
        return current
    try:
        left = _left(case, decision, current)
        image = joined_beside(current, case.lost, left, whole=ALL in decision)
    except ReconcilerError as problem:
        if problem.disposition == "retry":
            raise
        return current
    return current if image is None else image


def _merge_rest(
    case: Case, decision: Decision, items: ItemStore, failed: MergeResult
) -> MergeResult:
    """Merge, beside a decision that is written, what can be of a loss that could not be as a whole.

    The decision's own write has done so, if there was anything to write. InvalidInput names what
    must be decided, too; the same decision with it is then given again.
    """
    current = items.get(canonical_image(case.event.key))
    if current is None:
        return failed
    left = None if failed.is_of_another_life else _left(case, decision, current)
    rest = merge_rest(case, current, items, left, whole=ALL in decision)
    if rest.problem or case.lost is None:
        _check_whole(case, decision, rest)
        return rest
    words = merge_words(case.lost, failed.before, rest.after)
    return replace(rest, before=failed.before, words=words)


def _check_whole(case: Case, decision: Decision, failed: MergeResult) -> None:
    """Refuse a decision that leaves something of a loss behind that cannot be merged."""
    if ALL in decision:
        return
    if case.lost is None:
        raise InvalidInput(
            f"{ALL}: must be decided, too: --take {ALL}=current, because {failed.problem}"
        )
    left = left_behind(case, decision, failed)
    if left:
        raise InvalidInput(
            f"{', '.join(left)}: must be decided, too: --take {left[0]}=lost|winner|current,"
            f" because it cannot be merged ({failed.problem})"
        )


def rehearse(case: Case, decision: Decision, replica: str, at_ms: int) -> DecisionResult:
    """Return what carrying the decision out would make of the item; nothing is written.

    InvalidInput names an attribute that would not show what was decided, or is left undecided.
    """
    copy = OneItem(case.current)
    clock = HybridClock(lambda: at_ms, lambda: fixed_width(0, NONCE_WIDTH))

    def open_table(schema: Schema) -> ReplicatedTable:
        return ReplicatedTable(
            schema,
            copy,
            replica=lambda: replica,
            clock=clock,
            surroundings=Surroundings(lambda: at_ms, lambda _: None, lambda: 0.0, lambda: b""),
        )

    result = carry_out(case, decision, copy, open_table)
    for name in undecided(copy.image):
        raise InvalidInput(f"{name}: must be decided, too: --take {name}=lost|winner|current")
    shows = case.side(copy.image) or GONE
    for name, wire in result.ruling.shows.items():
        if shows.shows(name) != wire:
            raise InvalidInput(f"{name}: cannot be taken as it is; give a value: --set {name}=JSON")
    return result


def decide(case: Case, answer: Answer, desk: Desk) -> DecisionResult:
    """Rehearse a person's decision about a loss, carry it out and close the row.

    Errors: whatever the rehearsal refuses, before anything is written; Contention; Unavailable if
    the row is not closed: the same decision, given again, closes it.
    """
    rehearse(case, answer.decision, desk.replica, desk.now_ms())
    result = carry_out(case, answer.decision, desk.items, desk.open_table)
    row = closed_row(case, result, answer, desk.now_ms())
    # The decision's own row first: a loss that is closed is not decided again.
    kept = decision_row(row, decision_text(answer.decision))
    if desk.ledger.record([kept]) or desk.ledger.set_state([row]):
        raise Unavailable(
            "the item is written, but its row is not closed: give the same decision again"
        )
    return result


def is_decided(row: Row, decision: Decision) -> bool:
    """Return whether a row was closed with just this decision; InvalidInput if with another."""
    if row.state is not State.RESOLVED:
        return False
    audit = row.audit
    if audit is not None and audit.decision == decision_text(decision):
        return True
    how = f"decided by {audit.by}: {audit.decision}" if audit else "merged, without a person"
    raise InvalidInput(
        f"this loss is resolved ({how}) and is not decided again: to change the item now, write it"
        " with a write client"
    )


def closed_row(case: Case, result: DecisionResult, answer: Answer, at_ms: int) -> Row:
    """Return the row of a loss that was decided: RESOLVED, with who decided what, when and why."""
    reasons = [case.row.reason]
    if result.merge.problem:
        reasons.append(f"decided without a merge: {result.merge.problem}")
    audit = Audit(answer.by, decision_text(answer.decision), answer.why, at_ms)
    words = result.merge.words or case.row.merged
    return resolved_row(case.row, audit, "; ".join(filter(None, reasons)), words)
