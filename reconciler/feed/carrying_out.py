"""An operator's decision about one loss, carried out: merge, then a local write, then the row.

Behaviour: whatever of the losing image can be merged is merged into the *current* item first, so a
decision about one attribute leaves nothing else of the loss behind. The decision is an ordinary
local write on top, so it dominates all that it has seen. Each step is conditional on what it
replaces and may run twice: what already stands is not written again, so a command that was broken
off is simply given again. A decided attribute that another writer changes in between ends in
Contention; whatever else others write meanwhile is kept.
HAZARD if the decision were written before the merge: the lost write would be concurrent with it,
and could win against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.client.sending import Surroundings
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.row import RETENTION_SECONDS, LedgerRow, State
from reconciler.errors import InvalidInput
from reconciler.feed.case import Case, Merged, Rehearsal, merge_loss
from reconciler.feed.decision import ALL, Choice, Decision, decision_text
from reconciler.feed.rows import AUDIT, Side, decision_id, merge_words, plain
from reconciler.feed.ruling import Ruling, rule, ruling_of, schema_of
from reconciler.item.schema import Schema
from reconciler.ports import ItemStore
from reconciler.resolution.repair import undecided
from reconciler.values.wire import Image

OpenTable = Callable[[Schema], ReplicatedTable]
_GONE = Side({}, deleted=True)


@dataclass(frozen=True)
class Carried:
    """A decision carried out: the merge, the ruling, and what readers see of the item now."""

    merged: Merged
    ruling: Ruling
    shown: Mapping[str, Any] | None


def carry_out(case: Case, decision: Decision, items: ItemStore, open_table: OpenTable) -> Carried:
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
        return Carried(step, Ruling({}, {}), None)
    now = case.side(step.after) or _GONE
    schema = schema_of(case.event.table, case.event.key, case.lost, step.after)
    ruling = ruling_of(decision, case.sides(step.before), now, schema)
    disputed = undecided(step.after)
    shown = open_table(schema).apply(
        plain(case.event.key),
        lambda item: rule(item, ruling, now=now, disputed=disputed, schema=schema),
    )
    return Carried(step, ruling, shown)


def rehearse(case: Case, decision: Decision, replica: str, at_ms: int) -> Carried:
    """Return what carrying the decision out would make of the item; nothing is written.

    InvalidInput names an attribute that would not show what was decided, or is left undecided.
    """
    copy = Rehearsal(case.current)
    clock = HybridClock(lambda: at_ms, lambda: fixed_width(0, NONCE_WIDTH))

    def open_table(schema: Schema) -> ReplicatedTable:
        return ReplicatedTable(
            schema,
            copy,
            replica=replica,
            clock=clock,
            surroundings=Surroundings(lambda: at_ms, lambda _: None, lambda: 0.0, lambda: b""),
        )

    carried = carry_out(case, decision, copy, open_table)
    for name in undecided(copy.image):
        raise InvalidInput(f"{name}: must be decided, too: --take {name}=lost|winner|current")
    shows = case.side(copy.image) or _GONE
    for name, wire in carried.ruling.shows.items():
        if shows.shows(name) != wire:
            raise InvalidInput(f"{name}: cannot be taken as it is; give a value: --set {name}=JSON")
    return carried


def is_decided(row: Image, decision: Decision) -> bool:
    """Return whether a row was closed with just this decision; InvalidInput if with another."""
    if row["state"]["S"] != State.RESOLVED.value:
        return False
    before = row.get("decision", {}).get("S")
    if before == decision_text(decision):
        return True
    how = f"decided by {row['decided_by']['S']}: {before}" if before else "merged, without a person"
    raise InvalidInput(
        f"this loss is resolved ({how}) and is not decided again: to change the item now, write it"
        " with a write client"
    )


def closed(  # noqa: PLR0913, PLR0917 (an audit names all of these)
    case: Case, carried: Carried, decision: Decision, by: str, why: str, at_ms: int
) -> LedgerRow:
    """Return the row of a loss that was decided: RESOLVED, with who decided what, when and why."""
    reasons = [case.row.get("reason", {"S": ""})["S"]]
    if carried.merged.problem:
        reasons.append(f"decided without a merge: {carried.merged.problem}")
    words = carried.merged.words or merge_words(case.row)
    texts = {
        "state": State.RESOLVED.value,
        "reason": "; ".join(filter(None, reasons)),
        "decided_by": by,
        "decision": decision_text(decision),
        "why": why,
    }
    numbers = {
        "state_at_ms": at_ms,
        "decided_at_ms": at_ms,
        "expires": at_ms // 1000 + RETENTION_SECONDS,
    }
    item = (
        dict(case.row)
        | {name: {"S": text} for name, text in texts.items() if text}
        | {name: {"N": str(number)} for name, number in numbers.items()}
        | {"merged": {"M": {name: {"S": word} for name, word in sorted(words.items())}}}
    )
    return LedgerRow(case.event.conflict_id, item)


def audited(row: LedgerRow) -> LedgerRow:
    """Return the row that keeps the decision in a closed one, which a late delivery may replace."""
    kept = {name: row.item[name] for name in ("item_key", "table", "region", "lost_at_ms")}
    said = {name: row.item[name] for name in ("key", *AUDIT) if name in row.item}
    name = decision_id(row.conflict_id)
    about = {"conflict_id": {"S": name}, "state": {"S": State.DECIDED.value}}
    return LedgerRow(name, {**kept, **said, **about, "state_at_ms": row.item["state_at_ms"]})
