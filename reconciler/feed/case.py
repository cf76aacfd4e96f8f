"""One loss as an operator finds it, and the merge of it that the resolver would make now.

The losing image is merged into the *current* item and written conditionally. What cannot
be merged is not, and the outcome says why. On a rehearsal's store nothing is written anywhere.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import Row, State
from reconciler.conflict.scalar import ScalarLoss, merged_scalar
from reconciler.conflict.verdict import Finding
from reconciler.errors import (
    EvidenceExpired,
    HistoryUnknown,
    ItemGone,
    ItemRecreated,
    OutcomeUnknown,
    ReconcilerError,
    Undecodable,
    reason_of,
)
from reconciler.feed.beside import at_stake, image_beside
from reconciler.feed.one_item import OneItem
from reconciler.feed.rows import GONE, SIDES, Side, images_of, plain, side_of, summary, three_way
from reconciler.ports import (
    EvidenceStore,
    ItemStore,
    Ledger,
    Replacement,
    Superseded,
)
from reconciler.resolution.repair import repaired_image, undecided
from reconciler.resolution.words import merge_words
from reconciler.resolution.write_back import write_back
from reconciler.values.wire import Image, Wire, canonical_image

_LIVES = (ItemGone, ItemRecreated, HistoryUnknown)


@dataclass(frozen=True)
class Case:
    """One loss as an operator finds it: its row and event, its images, the item as it is now.

    `rows` are those of the item. `unread` is why the images are not there, "" if the row never had
    any.
    """

    row: Row
    event: ConflictEvent
    lost: Image | None
    winner: Image | None
    current: Image | None
    rows: Sequence[Row] = ()
    unread: str = ""

    def side(self, image: Image | None) -> Side | None:
        """Return what an image of this item shows."""
        return side_of(image, self.event.key)

    def sides(self, current: Image | None) -> dict[str, Side | None]:
        """Return what the three images show, by name."""
        images = {"lost": self.lost, "winner": self.winner, "current": current}
        return {name: self.side(image) for name, image in images.items()}


@dataclass(frozen=True)
class MergeResult:
    """The item before and after a merge, the merge's words, why nothing was merged.

    `is_of_another_life`: because the item is gone, or was created anew, or nobody knows whether.
    """

    before: Image | None
    after: Image | None
    words: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    is_of_another_life: bool = False


def open_case(row: Row, items: ItemStore, evidence: EvidenceStore, ledger: Ledger) -> Case:
    """Read the case of a row; the item is read consistently, unless the row names none.

    A loss whose images are gone for good is a case, too: a person can still decide and close it.
    """
    event = row.event()
    current = items.get(canonical_image(event.key)) if event.key else None
    rows = ledger.rows_of(row.item_key)
    try:
        return Case(row, event, *images_of(row, evidence), current, rows)
    except (EvidenceExpired, Undecodable) as problem:
        return Case(row, event, None, None, current, rows, reason_of(problem))


def merge_loss(case: Case, items: ItemStore, *, restore: bool = False) -> MergeResult:
    """Merge the losing image into the current item, and write it if that changes anything.

    What cannot be merged is not, and the outcome says why. `restore` brings back an item that is
    gone. Errors: Contention; UnknownWireVersion, because the newer release can merge it.
    """

    if case.event.finding is Finding.SCALAR:
        return _merge(case, case.current, items, partial(_by_version, case))
    record = case.event.region, int(case.event.lost_at_ms)
    past = partial(repaired_image, winners=[case.winner], rows=lambda: case.rows, records=[record])

    def merged(current: Image | None, lost: Image) -> Image | None:
        again = case.event.restore or (restore and current is None)
        return past(current, [lost], restore=again)

    return _merge(case, case.current, items, merged)


def merge_rest(
    case: Case,
    now: Image | None,
    items: ItemStore,
    left: Collection[str] | None,
    *,
    whole: bool = False,
) -> MergeResult:
    """Merge all of a loss but some attributes into the item, which was seen as `now`.

    `left` None is all of it: then the item only counts as including the loss. `whole`: whether the
    item is deleted is left, too.
    """

    def merged(current: Image | None, lost: Image) -> Image | None:
        if case.event.finding is Finding.SCALAR:
            rest = {n: lost[n] for n in lost if left is not None and n not in left}
            return _by_version(case, current, {**(case.winner or {}), **rest})
        return None if current is None else image_beside(current, lost, left, whole=whole)

    return _merge(case, now, items, merged)


def _by_version(case: Case, current: Image | None, lost: Image) -> Image | None:
    return merged_scalar(current, [ScalarLoss.of(case.event, lost, case.winner)])


def left_behind(case: Case, decided: Collection[str], failed: MergeResult) -> list[str]:
    """Return what must be decided besides `decided` of a loss whose merge failed.

    One attribute if the rest can be merged without it, else all in which the loss may hold more.
    """
    if case.lost is None:
        return []
    was, now = (case.side(image) or GONE for image in (case.lost, failed.after))
    left = [n for n in at_stake(case.lost, failed.after, was, now) if n not in decided]
    if failed.is_of_another_life:
        return left
    copy = OneItem(failed.after)
    merged = (n for n in left if not merge_rest(case, copy.image, copy, {*decided, n}).problem)
    return [name] if (name := next(merged, None)) else left


def to_decide(case: Case) -> list[str]:
    """Return the attributes of a loss that only a person can decide, if the item lives on."""
    step = expected_merge(case)
    if step.is_of_another_life:
        return []
    return left_behind(case, (), step) if step.problem else undecided(step.after)


def _merge(
    case: Case,
    now: Image | None,
    items: ItemStore,
    merged: Callable[[Image | None, Image], Image | None],
) -> MergeResult:
    lost = case.lost
    if lost is None:
        return MergeResult(now, now, problem=case.unread or "the row has no losing image")
    problems: list[ReconcilerError] = []

    def tried(current: Image | None) -> Image | None:
        try:
            return merged(current, lost)
        except ReconcilerError as problem:
            has_waited = isinstance(problem, HistoryUnknown) and case.row.state is State.PARKED
            if problem.disposition == "retry" and not has_waited:
                raise
            problems.append(problem)
            return None

    def put(write: Replacement) -> Superseded | None:
        try:
            return items.put(write)
        except OutcomeUnknown:  # a merge may be written twice: the item tells
            return Superseded(items.get(canonical_image(case.event.key)))

    step = write_back(now, tried, put)
    if not problems:
        return MergeResult(step.before, step.after, merge_words(lost, step.before, step.after))
    (problem,) = problems
    return MergeResult(
        step.before,
        step.after,
        problem=reason_of(problem),
        is_of_another_life=isinstance(problem, _LIVES),
    )


def expected_merge(case: Case) -> MergeResult:
    """Return what the resolver would make of the item if it merged the loss now."""
    try:
        return merge_loss(case, OneItem(case.current))
    except ReconcilerError as problem:
        return MergeResult(case.current, case.current, problem=reason_of(problem))


def document(case: Case, now_ms: int) -> dict[str, Any]:
    """Return the three-way view in plain values; an attribute that a side does not have is left
    out there, and a side without an image is null in `deleted`."""
    step = expected_merge(case)
    sides, after = case.sides(case.current), case.side(step.after)
    rows = three_way(sides, after, step.words)

    def shown(name: str, values: Mapping[str, Wire | None]) -> dict[str, Any]:
        return {"attribute": name, **plain(values)}

    return {
        "conflict": summary(case.row, now_ms),
        "deleted": {name: side.deleted if (side := sides[name]) else None for name in SIDES},
        "attributes": [
            shown(
                each.name,
                {
                    "lost": each.lost,
                    "winner": each.winner,
                    "current": each.current,
                    "if_resolved_now": each.after,
                },
            )
            | {"differs": each.differs, "merge": each.merge}
            for each in rows
        ],
        "if_resolved_now": {
            "writes": step.after != step.before,
            "deleted": after.deleted if after else None,
            "problem": step.problem,
        },
    }
