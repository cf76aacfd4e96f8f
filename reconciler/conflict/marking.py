"""Marks: what several regions name alike is folded once no region can add to it any more.

What is done around the library to one image has one name, wherever it is filed, and may grow in any
region in which that image still stands. So a region says, in the item, up to which time of images
it has none of them any more, and that the item holds all of what its stream showed of them. It says
so twice, more than clocks may differ apart, and begins anew if an older image came back in between.
Once what all regions say overlaps, no such image is left, nor on its way: what is named up to that
time becomes one watermark and, of counters, one sum. Each mark is of one replica and joins by the
later; of whether a record is clean it says nothing.
HAZARD if such names were folded by their age, or by one region's mark: another region adds to an
image that is counted already, and what it holds is counted twice or lost.
HAZARD if a mark did not ask the ledger's rows: what is still to be repaired would be covered.
HAZARD if one statement were enough: replication may bring an old image back after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from reconciler.causality.context import ADOPTED, Lineage
from reconciler.causality.hlc import (
    COARSE_MS,
    COARSE_WIDTH,
    EPOCH_WIDTH,
    MAXIMUM_CLOCK_DRIFT_MS,
    coarse,
    coarse_before,
    greatest_digits,
    number_of,
)
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import MOST_CLOSED_LINEAGES, folded, losses_told
from reconciler.conflict.marks import Mark, overlapping
from reconciler.conflict.row import Row, State
from reconciler.item.filing import file, outside_slots
from reconciler.item.metadata import (
    Metadata,
    decode,
    encode,
    heads_in,
    is_managed,
    is_named,
    marks_in,
    reading,
    time_in,
    time_of,
    token_in,
    watermarks_in,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.restating import has_unnamed, stated
from reconciler.values.wire import Image, number_text

_OWN = f"{ADOPTED}."
_LONGEST_ROUND = 86_400_000 // COARSE_MS  # far shorter than the ledger keeps a closed row


class Speaker(NamedTuple):
    """Which replica makes a mark, and when; `replicas` are all of the table, None if unknown."""

    replica: str
    replicas: Sequence[str] | None
    now_ms: int


class Standing(NamedTuple):
    """What a certificate says of an image: the lineages up to a time, and what counters have."""

    up_to: str
    mark: str
    lineages: dict[str, str]
    amounts: dict[str, str]


def standing(image: Mapping[str, Any], replica: str) -> Standing | None:
    """Return what a replica's mark is to be about, by an image of its stream; mostly nothing.

    As with other folds, up to eight lineages are left alone. One round ends before another begins.
    """

    def found(metadata: Metadata) -> Standing | None:
        known = (watermarks_in(metadata) or {"M": {}})["M"].get(ADOPTED, {"S": ""})["S"]
        own, time = marks_in(metadata).get(replica, ""), time_in(token_in(metadata))
        up_to = Mark.parse(own).up_to if own else ""
        closed = coarse_before(time)
        if up_to <= known[:COARSE_WIDTH]:
            up_to = closed
        first, last = _OWN + known, _OWN + greatest_epoch(closed)
        lineages = {
            lineage: str(hlc["S"])
            for lineage, hlc in heads_in(metadata).items()
            if lineage.startswith(_OWN) and first < lineage <= last
        }
        if len(lineages) <= MOST_CLOSED_LINEAGES or up_to >= time:
            return None
        last = _OWN + greatest_epoch(up_to)
        return Standing(up_to, own, {k: hlc for k, hlc in lineages.items() if k <= last}, {})

    read = reading(image, found)
    if read is None:
        return None
    slots = outside_slots(decode(image)[0].attributes)
    amounts = {str(dot.lineage): number_text(n) for dot, n in slots if dot.lineage in read.lineages}
    return read._replace(amounts=amounts)


def greatest_epoch(up_to: str) -> str:
    """Return the greatest epoch of that coarse time."""
    return up_to + greatest_digits(EPOCH_WIDTH - COARSE_WIDTH)


def marked_image(
    current: Image | None,
    certificate: FoldCertificate,
    rows: Iterable[Row],
    speaker: Speaker,
) -> Image | None:
    """Return the current item with this replica's mark, and folded if all say enough.

    None if nothing of that is to be written, or must not be. `rows` are this region's ledger rows
    of the item, as for `folded_image`.
    """
    replica, replicas = speaker.replica, speaker.replicas
    if current is None or not is_managed(current) or replicas is None or has_unnamed(current):
        return None
    item, rows = decode(current)[0], list(rows)
    known, up_to = item.context.watermarks.get(ADOPTED, ""), certificate.up_to
    if not known[:COARSE_WIDTH] < up_to < item.time:
        return None
    if not _holds_all(item, certificate, rows, known):
        return None
    mark = _next_mark(item, certificate, rows, speaker)
    after = replace(item, marks={**item.marks, replica: str(mark)})
    if settled := settled_time(after, replicas):
        after = folded(after, ADOPTED, greatest_epoch(settled))
    # What a put took out of a counter, a removal may know of still: such an item stays as it is.
    if after == item or after.shown() != item.shown():
        return None
    after = replace(after, tip=item.tip if item.tip and item.tip.replica == replica else None)
    try:
        return stated(current, after) if is_named(current) else encode(after)
    except ValueError:
        return None  # a counter's sum has more digits than one number holds: its slots stay


def settled_time(item: ReplicatedItem, replicas: Sequence[str]) -> str:
    """Return the time up to which no replica has an image any more; "" if nothing new is known."""
    if any(each not in item.marks for each in replicas):
        return ""
    marks = [Mark.parse(item.marks[each]) for each in replicas]
    up_to = min(mark.up_to for mark in marks)
    known = item.context.watermarks.get(ADOPTED, "")[:COARSE_WIDTH]
    is_settled = min(mark.seen for mark in marks) >= overlapping(marks)
    return up_to if known < up_to < item.time and is_settled else ""


def _next_mark(
    item: ReplicatedItem,
    certificate: FoldCertificate,
    rows: Sequence[Row],
    speaker: Speaker,
) -> Mark:
    replica, replicas = speaker.replica, speaker.replicas or ()
    time, up_to = coarse(speaker.now_ms), certificate.up_to
    anew = Mark(time, time, coarse(int(certificate.issued_at_ms)), up_to)
    if replica not in item.marks:
        return anew
    own = Mark.parse(item.marks[replica])
    oldest = coarse_before(time, _LONGEST_ROUND)
    if own.up_to != up_to or own.since < oldest or _fell_back(rows, own):
        return anew
    if any(each not in item.marks for each in replicas):
        return own
    enough = overlapping(Mark.parse(item.marks[each]) for each in replicas)
    if own.at < enough:
        return own._replace(at=time) if time >= enough else own
    # Its record is there, so all that came before it has its rows.
    return own._replace(seen=own.at) if certificate.mark == str(own) else own


def _fell_back(rows: Iterable[Row], mark: Mark) -> bool:
    """Return whether an image of the mark's times may have come back since it was first made."""
    since_ms = number_of(mark.since) * COARSE_MS - MAXIMUM_CLOCK_DRIFT_MS
    return any(
        row.lost_at_ms >= since_ms
        and row.state is not State.DECIDED
        and not (row.winner and is_managed(row.winner) and time_of(row.winner) > mark.up_to)
        for row in rows
    )


def _holds_all(
    item: ReplicatedItem, certificate: FoldCertificate, rows: Iterable[Row], known: str
) -> bool:
    """Return whether the item has all that the certificate says, and that was lost, and as much."""
    lost = _lost(rows, certificate.up_to, known)
    if lost is None:
        return False
    has = {dot.lineage: abs(amount) for dot, amount in outside_slots(item.attributes)}
    certified = {Lineage(each): certificate.amounts.get(each, "0") for each in certificate.lineages}
    needed = [(lineage, Decimal(n)) for lineage, n in certified.items()] + lost
    return all(
        lineage in item.context.heads and has.get(lineage, Decimal(0)) >= abs(amount)
        for lineage, amount in needed
        if lineage.epoch > known
    )


def _lost(rows: Iterable[Row], up_to: str, known: str) -> list[tuple[Lineage, Decimal]] | None:
    """Return what rows say was lost up to that time, with amounts; None if one cannot say."""
    losses = losses_told(rows)
    if losses is None:
        return None
    found: list[tuple[Lineage, Decimal]] = []
    for row, dots, watermarks in losses:
        if watermarks.get(ADOPTED, "") > known:
            return None
        lineages = {
            dot.lineage
            for dot in dots
            if dot.lineage.replica == ADOPTED and known < dot.lineage.epoch <= greatest_epoch(up_to)
        }
        if not lineages:
            continue
        if row.lost is None:
            return None
        amounts = {dot.lineage: n for dot, n in outside_slots(file(row.lost).attributes)}
        found += [(lineage, amounts.get(lineage, Decimal(0))) for lineage in sorted(lineages)]
    return found
