"""Whether an event is one that a detector of this deployment made, as far as it can be told. Pure.

Whoever may send messages can send an event of another table, or one with the id of a real loss and
another image. So the table and the region are compared with the deployment's, the key with the
images', and the id is made again of what the event says.
HAZARD without it: a foreign image is merged into an item, and the row of a real loss is closed.
Limit: who knows an item's dots can make an event that fits; see "Rights" in the README.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.causality.context import ADOPTED, KEYED, Dot, Ordering, is_replica_of
from reconciler.conflict.event import ConflictEvent, FoldCertificate, conflict_id
from reconciler.conflict.row import fits_inline
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.errors import NotOurs
from reconciler.item.filing import file
from reconciler.item.metadata import is_managed, key_names_in, reading


def check_is_ours(event: ConflictEvent | FoldCertificate, table: str, region: str) -> None:
    """Refuse, as NotOurs, an event of another table or another region's detector."""
    if event.table != table:
        raise NotOurs("the event is about another table than this deployment's")
    # Of what all regions name alike a region's own detector tells, under that name.
    is_shared = isinstance(event, FoldCertificate) and event.replica in (ADOPTED, KEYED)
    is_own = is_shared or is_replica_of(event.replica, region)
    if not is_own or getattr(event, "region", region) != region:
        raise NotOurs("the event comes from another region's detector")
    if not event.key:
        raise NotOurs("the event does not say which item it is about")


def check_fits(event: ConflictEvent, lost: Mapping[str, Any]) -> None:
    """Refuse, as NotOurs, an event whose parts do not belong together.

    `lost` is its losing image, wherever that was kept.
    """
    if not fits_inline(event):
        raise NotOurs("the event holds images that a detector keeps in the evidence bucket")
    for image in (lost, event.winner):
        if image and not _is_of(event.key, image):
            raise NotOurs("the event's key and its images are of different items")
    dots = tuple(map(Dot.parse, event.lost_dots))
    if event.finding is Finding.SCALAR:
        if dots or not event.version_attributes or event.winner is None:
            raise NotOurs("a loss that a version tells of has no dots, and images with versions")
    elif event.finding is not Finding.UNMANAGED and not _holds(lost, dots):
        raise NotOurs("the losing image does not hold the writes that the event calls lost")
    verdict = Verdict(
        event.finding, Ordering.SAME, dots, tuple(sorted(event.lost_watermarks.items()))
    )
    if event.conflict_id != conflict_id(event.table, event.key, verdict, lost):
        raise NotOurs("the event's id is not that of what it says was lost")


def _is_of(key: Mapping[str, Any], image: Mapping[str, Any]) -> bool:
    if is_managed(image) and set(reading(image, key_names_in)) != set(key):
        return False
    return all(image.get(name) == wire for name, wire in key.items())


def _holds(lost: Mapping[str, Any], dots: tuple[Dot, ...]) -> bool:
    heads = file(lost).context.heads
    return all(heads.get(dot.lineage) == dot.hlc for dot in dots)
