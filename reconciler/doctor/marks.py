"""Check of marks: whether this region keeps the others from folding what all must agree on.

What is done around the library, and idempotency keys, are folded once all regions have marked the
item. A region that makes no marks loses nothing, but items grow in all regions. One page of a scan
shows it: lineages of an item that were due to be marked when it was written, an hour ago or
earlier, and are not by this region.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.causality.context import ADOPTED, KEYED, NAMED_MARGIN_MS, Lineage, is_replica_of
from reconciler.causality.hlc import COARSE_MS, COARSE_WIDTH, Hlc, coarse, number_of
from reconciler.conflict.folding import MOST_CLOSED_LINEAGES
from reconciler.conflict.marks import Mark
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen
from reconciler.errors import ReconcilerError
from reconciler.item.metadata import (
    Metadata,
    heads_in,
    is_managed,
    marks_in,
    reading,
    watermarks_in,
)
from reconciler.text.counts import count_in_words

SETTLING_MS = 3_600_000
_MINUTE_MS = 60_000
_FIX = (
    "see that the detector reads the stream and the resolver its queue, and that no loss of these"
    " items is open or parked and no batch set aside here; each item is marked when it is next"
    " written"
)
_FOLDS_OFF = 'folds are off here: take "folds": false out of the settings of the deployment'
_NETWORK = (
    "the functions run in a network, from which nobody can ask what replicas there are: no region"
    " marks or sums up until the setting `network` is taken away; items grow by each such write"
)


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the finding of this region's marks."""
    check = Check("marks", seen.names.region)
    if isinstance(seen.items, Unseen):
        yield check.unseen(seen.items)
    elif seen.items is not None:
        yield _finding(check, seen, list(filter(is_managed, seen.items.get("Items", []))))


def _finding(check: Check, seen: Seen, items: list[Mapping[str, Any]]) -> CheckResult:
    late = [ms for ms in (_late_ms(each, seen) for each in items) if ms]
    if not late:
        return check.ok(f"no mark of this region is due in {count_in_words(len(items), 'item')}")
    found = (
        f"{len(late)} of {count_in_words(len(items), 'item')} without this region's marks, for up"
        f" to {max(late) / 3_600_000:.1f} hours: they grow in all regions"
    )
    return check.warning(found, _fix(seen))


def _fix(seen: Seen) -> str:
    if seen.variable("RECONCILER_FOLDS") == "off":
        return _FOLDS_OFF
    is_inside = isinstance(seen.detector, Mapping) and seen.detector.get("VpcConfig", {})
    return _NETWORK if is_inside and is_inside.get("SubnetIds") else _FIX


def _late_ms(image: Mapping[str, Any], seen: Seen) -> int:
    """Return for how long an item has waited for a mark of this region; 0 if for none."""
    said = seen.variable("RECONCILER_KEY_LIFETIME_MINUTES") or ""
    lifetime_ms = int(said if said.isdecimal() else KEY_LIFETIME_MINUTES) * _MINUTE_MS
    young_ms = {KEYED: lifetime_ms + NAMED_MARGIN_MS + COARSE_MS, ADOPTED: COARSE_MS}

    def late(metadata: Metadata) -> int:
        return max(_late_of(metadata, kind, ms, seen) for kind, ms in young_ms.items())

    try:
        return reading(image, late)
    except ReconcilerError:
        return 0  # no check of marks; who reads the item says so


def _late_of(metadata: Metadata, kind: str, young_ms: int, seen: Seen) -> int:
    """Return it for one kind of lineages: `young_ms` old when they are due at the next write."""
    heads = {Lineage(each): Hlc(hlc["S"]).wall_ms for each, hlc in heads_in(metadata).items()}
    # A lineage has the time of its latest write only; that it was begun was a write, too.
    begun = [number_of(lineage.epoch[:COARSE_WIDTH]) * COARSE_MS for lineage in heads]
    written = [ms for ms in (*heads.values(), *begun) if ms <= seen.at_ms - SETTLING_MS]
    if max(written, default=0) <= young_ms:
        return 0
    known = (watermarks_in(metadata) or {"M": {}})["M"].get(kind, {"S": ""})["S"]
    last = coarse(max(written) - young_ms)
    epochs = (lineage.epoch for lineage in heads if lineage.replica == kind)
    due = sorted(each[:COARSE_WIDTH] for each in epochs if each > known)
    due = [each for each in due if each <= last]
    if len(due) <= MOST_CLOSED_LINEAGES:
        return 0
    marked = _marked(metadata, kind, seen.names.region)
    if kind == ADOPTED:  # its mark stays for a round, until all have made theirs
        due = [] if marked > known[:COARSE_WIDTH] else due
    waiting = [each for each in due if each > marked]
    return seen.at_ms - number_of(waiting[0]) * COARSE_MS - young_ms if waiting else 0


def _marked(metadata: Metadata, kind: str, region: str) -> str:
    """Return up to which time this region has marked an item; "" if it has not."""
    own = [
        text if kind == KEYED else Mark.parse(text).up_to
        for code, text in marks_in(metadata).items()
        if code.endswith(KEYED) == (kind == KEYED)
        and is_replica_of(code.removesuffix(KEYED), region)
    ]
    return max(own, default="")
