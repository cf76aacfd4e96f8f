"""Forgetting idempotency keys: once no region takes them any more, and the item holds them all.

A key lives for a stated time. When a region's stream shows that this is over, and no call with it
can be under way, the region marks the item: it holds every key up to then that the region ever
acknowledged. What the marks of *all* regions agree on becomes one watermark and, of counters, one
sum. A region that is merely cut off makes no mark, and stops the forgetting.
HAZARD if keys were forgotten by their age alone, or by one region's mark: what another region has
carried out counts twice, or is lost. HAZARD if a mark did not ask the ledger's rows: a loss that is
still to be repaired would be covered. HAZARD if keys were forgotten before they are too old to be
taken: the watermark answers for a write that was never made. HAZARD if one whose named write still
stands in the item's list were: what it added is under no sum.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.causality.context import KEYED, NAMED_MARGIN_MS, Lineage
from reconciler.causality.hlc import COARSE_MS, COARSE_WIDTH, Hlc, coarse
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import MOST_CLOSED_LINEAGES, folded, losses_told
from reconciler.conflict.marking import Speaker, Standing, greatest_epoch
from reconciler.conflict.row import Row
from reconciler.item.metadata import (
    Metadata,
    decode,
    encode,
    heads_in,
    is_managed,
    is_named,
    reading,
    watermarks_in,
)
from reconciler.item.names import names_in
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.restating import has_unnamed, stated
from reconciler.values.wire import Image

_OWN = f"{KEYED}."


def mark_of(replica: str) -> str:
    """Return under which name a replica's mark about keys stands among its marks."""
    return f"{replica}{KEYED}"


def standing_keys(image: Mapping[str, Any], at_ms: int, lifetime_ms: int) -> Standing | None:
    """Return the keys in an image of a region's stream that nobody takes any more; mostly nothing.

    Up to eight are left alone, as with other folds. `at_ms` is when the image was written.
    """
    over_ms = at_ms - lifetime_ms - NAMED_MARGIN_MS - COARSE_MS
    if over_ms <= 0:
        return None

    def found(metadata: Metadata) -> Standing | None:
        known = (watermarks_in(metadata) or {"M": {}})["M"].get(KEYED, {"S": ""})["S"]
        up_to = coarse(over_ms)
        first, last = _OWN + known, _OWN + greatest_epoch(up_to)
        lineages = {
            lineage: str(hlc["S"])
            for lineage, hlc in heads_in(metadata).items()
            if lineage.startswith(_OWN) and first < lineage <= last
        }
        if len(lineages) <= MOST_CLOSED_LINEAGES or _stands_named(image, up_to):
            return None
        return Standing(up_to, "", lineages, {})

    return reading(image, found)


def forgotten_image(
    current: Image | None, certificate: FoldCertificate, rows: Iterable[Row], speaker: Speaker
) -> Image | None:
    """Return the current item with this replica's mark, and without the keys that all have marked.

    None if nothing of that is to be written, or must not be. `rows` are this region's ledger rows
    of the item, as for `folded_image`.
    """
    replicas = speaker.replicas
    if current is None or not is_managed(current) or replicas is None or has_unnamed(current):
        return None
    item = decode(current)[0]
    known = item.context.watermarks.get(KEYED, "")
    own = mark_of(speaker.replica)
    marks = {**item.marks, own: max(certificate.up_to, item.marks.get(own, ""))}
    if _stands_named(current, marks[own]) or not _holds_all(item, certificate, rows, known):
        return None
    after = replace(item, marks=marks)
    up_to = min(marks.get(mark_of(each), "") for each in replicas)
    if up_to > known[:COARSE_WIDTH]:
        after = folded(after, KEYED, greatest_epoch(up_to))
    if after == item:
        return None
    tip = item.tip if item.tip and item.tip.replica == speaker.replica else None
    try:
        after = replace(after, tip=tip)
        return stated(current, after) if is_named(current) else encode(after)
    except ValueError:
        return None  # a counter's sum has more digits than one number holds: its slots stay


def _stands_named(image: Mapping[str, Any], up_to: str) -> bool:
    """Return whether a named write whose key was made up to a time is not yet metadata."""
    last = greatest_epoch(up_to)
    keys = (name.keyed for name in names_in(image))
    return any(key is not None and key.lineage.epoch <= last for key in keys)


def _holds_all(
    item: ReplicatedItem, certificate: FoldCertificate, rows: Iterable[Row], known: str
) -> bool:
    """Return whether the item has each key that is certified, and that was lost."""
    last = greatest_epoch(certificate.up_to)
    needed = [(Lineage(each), Hlc(hlc)) for each, hlc in certificate.lineages.items()]
    losses = losses_told(rows)
    if losses is None or any(marks.get(KEYED, "") > known for _, _, marks in losses):
        return False
    needed += [dot for _, dots, _ in losses for dot in dots if dot.lineage.replica == KEYED]
    heads = item.context.heads
    return all(
        lineage in heads and heads[lineage] >= hlc
        for lineage, hlc in needed
        if known < lineage.epoch <= last
    )
