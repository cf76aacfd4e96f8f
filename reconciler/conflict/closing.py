"""Versions of an item that all regions have moved on from: what is done to one of them since. Pure.

What was done around the library to a version is named by it, and a fold sums up what was named so.
A version that comes back after that, such as an old copy that is saved, may be written on again.
HAZARD if that were filed: what the sums hold of it already is counted twice (10 for 5), or what is
new is dropped, because its name is covered.
"""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.causality.context import ADOPTED, CausalContext
from reconciler.causality.hlc import COARSE_MS, COARSE_WIDTH, number_of
from reconciler.conflict.marks import Mark
from reconciler.conflict.verdict import Finding, Verdict, loss_between
from reconciler.errors import VersionClosed
from reconciler.item.metadata import context_of, is_managed, marks_in, reading, time_of
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.restating import has_unnamed
from reconciler.values.wire import Image, Wires


def is_closed(image: Wires, other: Wires) -> bool:
    """Return whether one image holds what others did to it, under names that the other has folded.

    Whether they are in its sums, in part or whole, nobody can tell.
    """
    if not (is_managed(image) and is_managed(other)):
        return False
    own, folded_to = (_known(each) for each in (image, other))
    return own < folded_to and time_of(image) <= folded_to[:COARSE_WIDTH] and has_unnamed(image)


def check_open(current: Image | None, losses: Iterable[tuple[Wires, int]], replica: str) -> None:
    """Refuse, as VersionClosed, what was done around the library to a version that is folded.

    `losses` are losing images, and when they were lost. What this region had lost before its mark
    is in the item.
    """
    if current is None or not is_managed(current):
        return
    told = reading(current, marks_in).get(replica)
    seen_ms = number_of(Mark.parse(told).seen) * COARSE_MS if told else 0
    for lost, lost_at_ms in losses:
        if is_closed(current, lost) or (lost_at_ms >= seen_ms and is_closed(lost, current)):
            raise VersionClosed(
                "it was written around the library on a version of the item that all regions had"
                " moved on from, and whose like is summed up since: compare both images"
            )


def _known(image: Wires) -> str:
    return context_of(image).watermarks.get(ADOPTED, "")


def loss_of_managed(  # noqa: PLR0913, PLR0917 (a verdict is about all of these)
    old: Wires,
    new: Wires,
    before: ReplicatedItem,
    after: ReplicatedItem,
    replica: str,
    latest_plausible: str,
) -> Verdict:
    """Return what is lost between two managed images, filed: CLOSED if no merge can tell."""
    if is_closed(old, new):
        open_ones = {n: e for n, e in after.context.watermarks.items() if n != ADOPTED}
        after = replace(after, context=CausalContext(after.context.heads, open_ones))
    elif not is_closed(new, old):
        return loss_between(Finding.CONFLICT, before, after, replica, latest_plausible)
    return loss_between(Finding.CLOSED, before, after, replica, latest_plausible)
