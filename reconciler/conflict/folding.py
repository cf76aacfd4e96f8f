"""Certified folds: a context and its counters stay small, exactly, and with no deadline.

Each time another region's write comes between two of ours, an item's context grows by a lineage. A
detector that sees many closed ones of its replica certifies them; the resolver replaces them, in
the current item, by one watermark, if the item holds each of them whole and the ledger knows of no
loss that it does not hold. Otherwise nothing happens: another certificate will come.
HAZARD without any one of the conditions: a watermark covers a write that the item does not have,
and the loss of that write looks clean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.causality.context import (
    NAMED_MARGIN_MS,
    CausalContext,
    Dot,
    Lineage,
    is_code_of_names,
)
from reconciler.causality.hlc import WALL_WIDTH, Hlc, fixed_width
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.row import Row, State
from reconciler.item.filing import file
from reconciler.item.metadata import (
    NAMES,
    Metadata,
    decode,
    encode,
    heads_in,
    is_managed,
    is_named,
    reading,
    tip_in,
)
from reconciler.item.names import names_in
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.restating import has_unnamed, stated
from reconciler.values.wire import Image

MOST_CLOSED_LINEAGES = 8
CLOCK_SKEW_MARGIN_MS = 60_000
SIGNED_WITHIN_MS = 300_000  # of drawing its name; AWS takes a signature for as long again
MOST_STANDING_NAMES = 8  # that nobody adds to any more
MOST_NAMES = 64
CERTIFICATE_LIFE_MS = 3_600_000
Heads = dict[Lineage, Hlc]


def has_few(image: Mapping[str, Any]) -> bool:
    """Return whether an image has so few lineages and no names that nothing folds in it.

    One comparison, for the clean records, which must stay cheap (D4).
    """
    if is_named(image):
        return False
    return reading(image, lambda metadata: len(heads_in(metadata))) <= MOST_CLOSED_LINEAGES


def closed_lineages(image: Mapping[str, Any], replica: str, at_ms: int) -> dict[str, str]:
    """Return the closed lineages of `replica` to certify, with their final hlcs; mostly none.

    A lineage is closed if it is not the tip. When the image was written, at `at_ms`, it must have
    been older than clocks may drift apart, or than named writes are under way: then no later
    lineage has a lesser epoch. Up to eight are left alone.
    """
    margin_ms = NAMED_MARGIN_MS if is_code_of_names(replica) else CLOCK_SKEW_MARGIN_MS

    def closed(metadata: Metadata) -> dict[str, str]:
        own = f"{replica}."
        tip = tip_in(metadata)
        oldest_open = own + fixed_width(max(0, at_ms - margin_ms), WALL_WIDTH)
        found = {
            str(lineage): str(hlc["S"])
            for lineage, hlc in heads_in(metadata).items()
            if lineage.startswith(own) and lineage != tip and lineage < oldest_open
        }
        return found if len(found) > MOST_CLOSED_LINEAGES else {}

    return reading(image, closed)


def names_to_file(image: Mapping[str, Any], at_ms: int) -> int:
    """Return how many named writes, from the front of the list, are to become metadata.

    None, as long as few stand that nobody has added to for a minute: what is filed is no name any
    more that a steady writer could add to.
    """
    if not is_named(image):
        return 0
    listed = image[NAMES]["L"]
    last = 0
    closed = 0
    for place, name in enumerate(listed, 1):
        named = names_in({NAMES: {"L": [name]}})
        if not named or named[0].dot.hlc.wall_ms < at_ms - CLOCK_SKEW_MARGIN_MS:
            last, closed = place, closed + 1
    if closed > MOST_STANDING_NAMES:
        return min(last, MOST_NAMES)
    return MOST_NAMES if len(listed) > MOST_NAMES else 0


def folded_image(
    current: Image | None, certificate: FoldCertificate, rows: Iterable[Row]
) -> Image | None:
    """Return the current item with the certified lineages folded, or None if it must not be yet.

    `rows` are this region's ledger rows of the item, read consistently: at least those that were
    written before the certificate.
    """
    if current is None or not is_managed(current):
        return None
    item, filed = decode(current)[0], file(current)
    replica = certificate.replica
    watermark = item.context.watermarks.get(replica, "")
    certified = {
        lineage: Hlc.parse(hlc)
        for lineage, hlc in ((Lineage.parse(k), v) for k, v in certificate.lineages.items())
        if lineage.epoch > watermark
    }
    losses = _own_losses(rows, replica)
    if not certified or losses is None or has_unnamed(current):
        return None
    youngest = max(lineage.epoch for lineage in certified)
    lost, lost_watermark = losses
    known = certified | {
        each: hlc for each, hlc in lost.items() if watermark < each.epoch <= youngest
    }
    standing = {
        lineage: hlc
        for lineage, hlc in filed.context.heads.items()
        if lineage.replica == replica and lineage.epoch <= youngest
    }
    if standing != known or lost_watermark > watermark or item.tip in standing:
        return None
    try:
        after = folded(item, replica, youngest)
        return stated(current, after) if is_named(current) else encode(after)
    except ValueError:
        return None  # a counter's sum has more digits than one number holds: its slots stay


def _own_losses(rows: Iterable[Row], replica: str) -> tuple[Heads, str] | None:
    """What the ledger says this replica lost; None if a row cannot say."""
    losses = losses_told(rows)
    if losses is None:
        return None
    lost: Heads = {}
    watermark = ""
    for _, dots, watermarks in losses:
        for dot in dots:
            if dot.lineage.replica == replica:
                lost[dot.lineage] = max(dot.hlc, lost.get(dot.lineage, dot.hlc))
        watermark = max(watermark, watermarks.get(replica, ""))
    return lost, watermark


def losses_told(rows: Iterable[Row]) -> list[tuple[Row, Sequence[Dot], Mapping[str, str]]] | None:
    """Return what each row says was lost, by dots and watermarks; None if one cannot say."""
    told: list[tuple[Row, Sequence[Dot], Mapping[str, str]]] = []
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
        told.append((row, row.lost_dots, row.lost_watermarks))
    return told


def folded(item: ReplicatedItem, replica: str, epoch: str) -> ReplicatedItem:
    """Return the item with a replica's lineages up to an epoch as one watermark."""
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
