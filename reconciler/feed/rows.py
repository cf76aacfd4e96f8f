"""The conflict feed as an operator reads it: which losses, and what each image says of the item.

Behaviour: pure, over the ports. The oldest loss comes first. An image is shown as its attributes,
without the key and the metadata; of a deleted item, the values that wait inside `_rec` are shown.
An image that no release can decode still shows its plain attributes.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge as merged_in_order
from itertools import islice
from typing import Any

from reconciler.conflict.row import State, item_key, key_of
from reconciler.errors import InvalidInput, Undecodable
from reconciler.item.image import read
from reconciler.item.metadata import EXPIRY, METADATA, metadata_in, tombstone_values_in
from reconciler.ports import EvidenceStore, Ledger
from reconciler.text.plain_json import loaded, typed
from reconciler.values.wire import Image, Wire, canonical, canonical_image, from_wire, to_wire

SIDES = ("lost", "winner", "current")
_WHOLE_NUMBERS = ("lost_at_ms", "detected_at_ms", "state_at_ms", "attempts", "decided_at_ms")
_TEXTS = ("conflict_id", "state", "finding", "ordering", "role", "region", "reason")
AUDIT = ("decided_by", "decided_at_ms", "decision", "why")


@dataclass(frozen=True)
class Wanted:
    """Which rows: states, one item's key as ledgers name it, times of loss, words of the reason."""

    states: Collection[State] = (State.OPEN, State.PARKED)
    item_key: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    reason: str = ""
    limit: int | None = None

    def admits(self, row: Image) -> bool:
        """Return whether a row is wanted."""
        at = _lost_at(row)
        return (
            row["state"]["S"] in {state.value for state in self.states}
            and (self.since_ms is None or at >= self.since_ms)
            and (self.until_ms is None or at <= self.until_ms)
            and self.reason.lower() in row.get("reason", {"S": ""})["S"].lower()
        )


def losses(ledger: Ledger, wanted: Wanted) -> Iterator[Image]:
    """Yield the wanted rows of one region, the oldest loss first, reading no more than needed."""
    rows: Iterable[Image]
    if wanted.item_key is not None:
        rows = sorted(ledger.rows_of(wanted.item_key), key=_lost_at)
    else:
        rows = merged_in_order(*map(ledger.in_state, wanted.states), key=_lost_at)
    return islice(filter(wanted.admits, rows), wanted.limit)


def decision_id(conflict_id: str) -> str:
    """Return the id of the row that keeps what was decided about a loss."""
    return f"{conflict_id}#decision"


def loss_named(ledger: Ledger, conflict_id: str) -> Image:
    """Return the row of a loss with the decision about it, read consistently.

    InvalidInput if the ledger has none.
    """
    for state in (State.PARKED, State.OPEN, State.ACCEPTED, State.RESOLVED):
        for shown in ledger.in_state(state):
            if shown["conflict_id"]["S"] == conflict_id:
                rows = {
                    row["conflict_id"]["S"]: row  # the index may lag behind
                    for row in ledger.rows_of(shown["item_key"]["S"])
                }
                if conflict_id in rows:
                    decided = rows.get(decision_id(conflict_id), {})
                    return rows[conflict_id] | {n: decided[n] for n in AUDIT if n in decided}
    raise InvalidInput(
        f"no loss {conflict_id!r} in this region's ledger; `reconciler conflicts list` names them"
    )


def images_of(row: Image, evidence: EvidenceStore) -> tuple[Image | None, Image | None]:
    """Return a row's losing and winning image, from the evidence store if they were too large.

    An undecodable record has neither.
    """
    found = {name: row[name]["M"] for name in ("lost", "winner") if name in row}
    reference = row.get("images_ref", {"S": ""})["S"]
    if reference:
        try:
            found = dict(json.loads(evidence.get(reference)))
        except (ValueError, TypeError):
            raise Undecodable(f"the document {reference} holds no images") from None
    lost, winner = (found.get(name) for name in ("lost", "winner"))
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


def side_of(image: Image | None, key_names: Collection[str]) -> Side | None:
    """Return what an image shows; None if there is no image."""
    if image is None:
        return None
    try:
        deleted = read(image) is None
    except Undecodable:
        deleted = False
    hidden = {*key_names, METADATA, EXPIRY}
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


def summary(row: Image, now_ms: int) -> dict[str, Any]:
    """Return a row without its images, in plain values; `age_ms` counts from the loss."""
    found: dict[str, Any] = {name: row[name]["S"] for name in _TEXTS if name in row}
    found |= {name: int(row[name]["N"]) for name in _WHOLE_NUMBERS if name in row}
    found |= {name: row[name]["S"] for name in AUDIT if "S" in row.get(name, {})}
    found["key"] = plain(key_of(row))
    found["merged"] = merge_words(row)
    found["age_ms"] = max(0, now_ms - _lost_at(row))
    return found


def with_images(row: Image, evidence: EvidenceStore) -> Image:
    """Return a row with its images inside, wherever they are kept."""
    images = dict(zip(("lost", "winner"), images_of(row, evidence), strict=True))
    return row | {name: {"M": image} for name, image in images.items() if image is not None}


def merge_words(row: Image) -> dict[str, str]:
    """Return the merge's word on each attribute, as the row has it."""
    return {name: word["S"] for name, word in row.get("merged", {"M": {}})["M"].items()}


def plain(values: Mapping[str, Wire | None]) -> dict[str, Any]:
    """Return wire values as plain Python values, those that are None left out."""
    return {name: from_wire(canonical(wire)) for name, wire in values.items() if wire is not None}


def item_key_of(text: str) -> str:
    """Return the ledger's name of the item whose key is given as plain JSON."""
    key = typed(loaded(text, "--key"), "--key")
    if not isinstance(key, dict) or not key:
        raise InvalidInput('--key: give the item\'s key as a JSON object, such as {"id": "p1"}')
    return item_key({name: to_wire(value, (name,)) for name, value in key.items()})


def _lost_at(row: Image) -> int:
    return int(row["lost_at_ms"]["N"])
