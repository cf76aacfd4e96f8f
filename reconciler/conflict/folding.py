"""Certified folds: a context and its counters stay small, exactly, and with no deadline.

Each time another region's write comes between two of ours, an item's context grows by a lineage. A
detector that sees many closed ones of its replica certifies them; the resolver replaces them, in
the current item, by one watermark, if the item holds each of them whole and the ledger knows of no
loss that it does not hold. Otherwise nothing happens: another certificate will come.
HAZARD without any one of the conditions: a watermark covers a write that the item does not have,
and the loss of that write looks clean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.causality.context import CausalContext, Lineage
from reconciler.causality.hlc import WALL_WIDTH, Hlc, fixed_width
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.row import Row, State
from reconciler.item.metadata import (
    Metadata,
    decode,
    encode,
    heads_in,
    is_managed,
    reading,
    tip_in,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import Image

MOST_CLOSED_LINEAGES = 8
CLOCK_SKEW_MARGIN_MS = 60_000
CERTIFICATE_LIFE_MS = 3_600_000
Heads = dict[Lineage, Hlc]


def closed_lineages(image: Mapping[str, Any], replica: str, at_ms: int) -> dict[str, str]:
    """Return the closed lineages of `replica` to certify, with their final hlcs; mostly none.

    A lineage is closed if it is not the tip. When the image was written, at `at_ms`, it must have
    been older than clocks may drift apart: then no later lineage has a lesser epoch. Up to eight
    are left alone, so a clean record costs a comparison.
    """
    if reading(image, lambda metadata: len(heads_in(metadata))) <= MOST_CLOSED_LINEAGES:
        return {}

    def closed(metadata: Metadata) -> dict[str, str]:
        own = f"{replica}."
        tip = tip_in(metadata)
        oldest_open = own + fixed_width(max(0, at_ms - CLOCK_SKEW_MARGIN_MS), WALL_WIDTH)
        found = {
            str(lineage): str(hlc["S"])
            for lineage, hlc in heads_in(metadata).items()
            if lineage.startswith(own) and lineage != tip and lineage < oldest_open
        }
        return found if len(found) > MOST_CLOSED_LINEAGES else {}

    return reading(image, closed)


def folded_image(
    current: Image | None, certificate: FoldCertificate, rows: Iterable[Row]
) -> Image | None:
    """Return the current item with the certified lineages folded, or None if it must not be yet.

    `rows` are this region's ledger rows of the item, read consistently: at least those that were
    written before the certificate.
    """
    if current is None or not is_managed(current):
        return None
    item, changed = decode(current)
    replica = certificate.replica
    watermark = item.context.watermarks.get(replica, "")
    certified = {
        lineage: Hlc.parse(hlc)
        for lineage, hlc in ((Lineage.parse(k), v) for k, v in certificate.lineages.items())
        if lineage.epoch > watermark
    }
    losses = _own_losses(rows, replica)
    if changed or not certified or losses is None:
        return None
    youngest = max(lineage.epoch for lineage in certified)
    lost, lost_watermark = losses
    known = certified | {
        each: hlc for each, hlc in lost.items() if watermark < each.epoch <= youngest
    }
    standing = {
        lineage: hlc
        for lineage, hlc in item.context.heads.items()
        if lineage.replica == replica and lineage.epoch <= youngest
    }
    if standing != known or lost_watermark > watermark or item.tip in standing:
        return None
    try:
        return encode(_fold(item, replica, youngest))
    except ValueError:
        return None  # a counter's sum has more digits than one number holds: its slots stay


def _own_losses(rows: Iterable[Row], replica: str) -> tuple[Heads, str] | None:
    """What the ledger says this replica lost; None if a row cannot say."""
    lost: Heads = {}
    watermark = ""
    for row in rows:
        if row.state is State.DECIDED:
            continue
        if row.lost_dots is None or row.lost_watermarks is None:
            return None
        # HAZARD if a row that does not say where it stands were taken for one that is settled.
        if row.state is None or not row.ordering:
            return None
        if row.ordering == "UNKNOWN" and row.state is State.PARKED:
            return None
        for dot in row.lost_dots:
            if dot.lineage.replica == replica:
                lost[dot.lineage] = max(dot.hlc, lost.get(dot.lineage, dot.hlc))
        watermark = max(watermark, row.lost_watermarks.get(replica, ""))
    return lost, watermark


def _fold(item: ReplicatedItem, replica: str, epoch: str) -> ReplicatedItem:
    heads = {
        lineage: hlc
        for lineage, hlc in item.context.heads.items()
        if lineage.replica != replica or lineage.epoch > epoch
    }
    context = CausalContext(heads, {**item.context.watermarks, replica: epoch})
    own_tip = item.tip is not None and item.tip.replica == replica
    return replace(
        item,
        context=context,
        attributes={name: each.fold(replica, epoch) for name, each in item.attributes.items()},
        tip=item.tip if own_tip else None,
    )
