"""The conflict feed as an operator reads it: which losses, and what each image says of the item.

This is pure, over the ports. The oldest loss comes first. An image is shown as its attributes,
without the key and the metadata.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge as merged_in_order
from itertools import islice
from typing import Any

from reconciler.conflict.row import Row, State, decision_id, item_key
from reconciler.errors import InvalidInput, Undecodable
from reconciler.item.image import read
from reconciler.item.metadata import hidden_in, metadata_in, tombstone_values_in
from reconciler.ports import EvidenceStore, Ledger
from reconciler.text.plain_json import parse_json, plain_value
from reconciler.values.wire import Image, Wire, canonical, canonical_image, from_wire, to_wire

SIDES = ("lost", "winner", "current")


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted: by state, an item's ledger key, time of loss, words of the reason."""

    states: Collection[State] = (State.OPEN, State.PARKED)
    item_key: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    reason: str = ""
    limit: int | None = None

    def admits(self, row: Row) -> bool:
        """Return whether a row is wanted."""
        return (
            row.state in self.states
            and (self.since_ms is None or row.lost_at_ms >= self.since_ms)
            and (self.until_ms is None or row.lost_at_ms <= self.until_ms)
            and self.reason.lower() in row.reason.lower()
        )


def losses(ledger: Ledger, wanted: Wanted) -> Iterator[Row]:
    """Yield the wanted rows of one region, the oldest loss first, reading no more than needed."""
    rows: Iterable[Row]
    if wanted.item_key is not None:
        rows = sorted(ledger.rows_of(wanted.item_key), key=_lost_at)
    else:
        rows = merged_in_order(*map(ledger.in_state, wanted.states), key=_lost_at)
    return islice(filter(wanted.admits, rows), wanted.limit)


def loss_named(
    ledger: Ledger, conflict_id: str, *, item_key: str | None = None, most: int | None = None
) -> Row:
    """Return the row of a loss with the decision about it, read consistently.

    `item_key` is what the ledger calls its item; without it, up to `most` rows of each state are
    searched, all of them if it is None. InvalidInput if there is no such row.
    """
    for key in [item_key] if item_key is not None else _items_of(ledger, conflict_id, most):
        # Consistently: the index that is searched may lag behind.
        rows = {row.conflict_id: row for row in ledger.rows_of(key)}
        if conflict_id in rows:
            decided = rows.get(decision_id(conflict_id))
            row = rows[conflict_id]
            return row.with_audit_of(decided) if decided is not None else row
    raise InvalidInput(
        f"no loss {conflict_id!r} in this region's ledger; `reconciler conflicts list` names them"
    )


def _items_of(ledger: Ledger, conflict_id: str, most: int | None) -> Iterator[str]:
    for state in (State.PARKED, State.OPEN, State.ACCEPTED, State.RESOLVED):
        for shown in islice(ledger.in_state(state), most):
            if shown.conflict_id == conflict_id:
                yield shown.item_key


def images_of(row: Row, evidence: EvidenceStore) -> tuple[Image | None, Image | None]:
    """Return a row's losing and winning image, from the evidence store if they were too large.

    An undecodable record has neither.
    """
    lost, winner = row.lost, row.winner
    if row.images_ref:
        try:
            found = dict(json.loads(evidence.get(row.images_ref)))
        except (ValueError, TypeError):
            raise Undecodable(f"the document {row.images_ref} holds no images") from None
        lost, winner = found.get("lost"), found.get("winner")
    return canonical_image(lost) if lost else None, canonical_image(winner) if winner else None


@dataclass(frozen=True)
class Side:
    """What one image says of the item: its attributes, in wire format, and whether it is deleted.

    The values of a deleted item are those it held.
    """

    values: Mapping[str, Wire]
    deleted: bool = False

    def shows(self, name: str) -> Wire | None:
        """Return what readers of this image see of an attribute."""
        return None if self.deleted else self.values.get(name)


GONE = Side({}, deleted=True)


def side_of(image: Image | None, key_names: Collection[str]) -> Side | None:
    """Return what an image shows; None if there is no image."""
    if image is None:
        return None
    try:
        deleted = read(image) is None
    except Undecodable:
        deleted = False
    hidden = {*key_names, *hidden_in(image)}
    plain = {name: value for name, value in image.items() if name not in hidden}
    shown = tombstone_values_in(metadata_in(image)) if deleted else plain
    return Side(canonical_image(shown), deleted)


@dataclass(frozen=True)
class Attribute:
    """One attribute in each image, as wire values; `after` is what it becomes, or would.

    `differs`: the images there are do not agree. `merge`: the merge's word on it, if it had one.
    """

    name: str
    lost: Wire | None
    winner: Wire | None
    current: Wire | None
    after: Wire | None
    differs: bool
    merge: str


def three_way(
    sides: Mapping[str, Side | None], after: Side | None, words: Mapping[str, str]
) -> list[Attribute]:
    """Compare the images, attribute by attribute, in order of name; `words` are the merge's."""
    there = [side for name in SIDES if (side := sides.get(name)) is not None]
    names = {name for side in (*there, *([after] if after else [])) for name in side.values}

    def held(side: Side | None, name: str) -> Wire | None:
        return side.values.get(name) if side is not None else None

    def compared(name: str) -> Attribute:
        lost, winner, current = (held(sides.get(each), name) for each in SIDES)
        differs = any(side.values.get(name) != there[0].values.get(name) for side in there)
        merge = words.get(name, "")
        return Attribute(name, lost, winner, current, held(after, name), differs, merge)

    return [compared(name) for name in sorted(names)]


def summary(row: Row, now_ms: int) -> dict[str, Any]:
    """Return a row without its images, in plain values.

    `age_ms` counts from the loss; None if the row does not say when that was.
    """
    audit = row.audit
    known = {
        "conflict_id": row.conflict_id,
        "state": row.state.value if row.state is not None else "?",
        "finding": row.finding,
        "ordering": row.ordering,
        "role": row.role,
        "region": row.region,
        "reason": row.reason,
        "lost_at_ms": row.lost_at_ms,
        "detected_at_ms": row.detected_at_ms,
        "state_at_ms": row.state_at_ms,
        "attempts": row.attempts,
        "decided_at_ms": audit.at_ms if audit is not None else None,
        "decided_by": audit.by if audit is not None else None,
        "decision": audit.decision if audit is not None else None,
        "why": audit.why if audit is not None else None,
    }
    return {name: value for name, value in known.items() if value not in (None, "")} | {
        "key": plain(row.key),
        "merged": dict(row.merged),
        "age_ms": max(0, now_ms - row.lost_at_ms) if row.lost_at_ms else None,
    }


def with_images(row: Row, evidence: EvidenceStore) -> Image:
    """Return a row in wire format with its images inside, wherever they are kept."""
    images = dict(zip(("lost", "winner"), images_of(row, evidence), strict=True))
    return row.image | {name: {"M": image} for name, image in images.items() if image is not None}


def plain(values: Mapping[str, Wire | None]) -> dict[str, Any]:
    """Return wire values as plain Python values, those that are None left out."""
    return {name: from_wire(canonical(wire)) for name, wire in values.items() if wire is not None}


def item_key_of(text: str) -> str:
    """Return the ledger's name of the item whose key is given as plain JSON."""
    key = plain_value(parse_json(text, "--key"), "--key")
    if not isinstance(key, dict) or not key:
        raise InvalidInput('--key: give the item\'s key as a JSON object, such as {"id": "p1"}')
    return item_key({name: to_wire(value, (name,)) for name, value in key.items()})


def _lost_at(row: Row) -> int:
    return row.lost_at_ms
