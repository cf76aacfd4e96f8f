"""What one stream record means: clean, or a loss, decided on the metadata of its two images alone.

A record is clean iff the new image includes everything the old one did. The test is dominance,
never "+1", because replication coalesces changes. Nothing is deserialised: for a clean record this
compares a few strings (rules D1, D2, D4).
Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB"; DynamoDB guide, "Global tables".
"""

from dataclasses import dataclass, replace
from enum import Enum

from reconciler.causality.context import ADOPTED, Dot, Ordering
from reconciler.causality.hlc import Hlc
from reconciler.conflict.lives import is_deleted, is_outlived, may_have_expired
from reconciler.item.filing import file, lost_dots
from reconciler.item.metadata import (
    Metadata,
    check_form,
    context_of,
    encode,
    heads_in,
    is_managed,
    is_tombstone_in,
    is_touched,
    reading_both,
    token_in,
    watermarks_in,
)
from reconciler.item.plain import Began, began, file_plain, is_version, knows_put, types_of
from reconciler.item.puts import beneath
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import Wires


class Finding(Enum):
    """What a record shows."""

    CLEAN = "clean"
    CONFLICT = "conflict"  # whole-item last-writer-wins took writes away
    UNMANAGED = "unmanaged"  # attributes changed, metadata did not: written around the library
    REVIVED = "revived"  # so was a deleted item, which time-to-live would take away
    OVERWRITTEN = "overwritten"  # a put without metadata took the place of a managed item
    REMOVED = "removed"  # a hard delete, of a tombstone before its time, too


@dataclass(frozen=True)
class Verdict:
    """The finding, how the old context stands to the new one, and what was lost.

    `role` is "home" if a lost dot is this replica's own, else "witness". `clock_ahead` says that a
    stamp beyond the given limit takes part.
    """

    finding: Finding
    ordering: Ordering = Ordering.BEFORE
    lost_dots: tuple[Dot, ...] = ()
    lost_watermarks: tuple[tuple[str, str], ...] = ()
    role: str = "home"
    clock_ahead: bool = False


CLEAN = Verdict(Finding.CLEAN)
NOTHING = ReplicatedItem({})
_NO_WATERMARKS: Wires = {"M": {}}


def classify(  # noqa: PLR0913 (a verdict is about all of these, by name)
    old: Wires | None,
    new: Wires | None,
    *,
    replica: str,
    latest_plausible: str = "~",
    expects_outside: bool = True,
    at_ms: int | None = None,
) -> Verdict:
    """Return what the change from `old` to `new` means to this replica; `at_ms`: when it was made.

    `latest_plausible` is the greatest hlc that clock drift can explain. `expects_outside`: a write
    around the library may be what the record took away, so it is looked for (D5). Undecodable if
    the metadata of a managed image cannot be read.
    """
    if old is None or (not is_managed(old) and not is_managed(new)):
        return CLEAN  # an insert, or an item that the library has not written yet
    if new is None:
        if is_deleted(old) and may_have_expired(old, at_ms):
            return CLEAN  # a tombstone that time-to-live took away
        return _loss(Finding.REMOVED, file(old), NOTHING, replica, latest_plausible)
    if not is_managed(new):
        before = replace(NOTHING, context=context_of(old))
        return _loss(Finding.OVERWRITTEN, before, NOTHING, replica, latest_plausible)
    if not is_managed(old):
        before, after = _plain_versions(old, new) if expects_outside else (NOTHING, NOTHING)
        return _loss(Finding.CONFLICT, before, after, replica, latest_plausible)

    def compared(before: Metadata, after: Metadata) -> Finding:
        return _found(old, new, before, after, expects_outside)

    found = reading_both(old, new, compared)
    if found is Finding.CLEAN or (found is Finding.CONFLICT and is_outlived(old, new)):
        return CLEAN
    if found is not Finding.CONFLICT:
        return Verdict(found, Ordering.SAME)
    return _loss(found, file(old), file(new), replica, latest_plausible)


def _plain_versions(old: Wires, new: Wires) -> tuple[ReplicatedItem, ReplicatedItem]:
    """Return what a plain image has, and the managed one that took its place.

    Nothing, if the new one rests on the old one, or holds it as a put that is filed.
    """
    after = file(new)
    is_news = (
        is_version(old, after) if began(after) is Began.ON_PLAIN else not knows_put(after, old)
    )
    if not is_news:
        return NOTHING, NOTHING
    return file_plain(old, after.key, types_of(after)), after


def _found(
    old: Wires, new: Wires, before: Metadata, after: Metadata, expects_outside: bool
) -> Finding:
    if token_in(before) == token_in(after):
        if old == new:
            return Finding.CLEAN
        return Finding.REVIVED if is_tombstone_in(after) else Finding.UNMANAGED
    is_lost = not _dominates(before, after)
    if is_lost or (expects_outside and is_touched(old, new, before)):
        return Finding.CONFLICT
    check_form(before, after)  # or nobody would be told of what the next write cannot read
    return Finding.CLEAN


def _dominates(before: Wires, after: Wires) -> bool:
    heads = heads_in(after)
    for lineage, hlc in heads_in(before).items():
        head = heads.get(lineage)
        if head is None or head["S"] < hlc["S"]:
            break
    else:
        watermarks = watermarks_in(before)
        return watermarks is None or watermarks == (watermarks_in(after) or _NO_WATERMARKS)
    return False


def _loss(
    finding: Finding,
    before: ReplicatedItem,
    after: ReplicatedItem,
    replica: str,
    latest_plausible: str,
) -> Verdict:
    lost, (had, has) = lost_dots(before, after), (before.context, after.context)
    watermarks = had.lost_watermarks(has)
    if not lost and not watermarks:
        return CLEAN  # a watermark of the new image covers what the heads did not show
    # Where a write around the library was made, nobody can tell, so nobody waits for that region.
    own = replica in watermarks or any(dot.lineage.replica in (replica, ADOPTED) for dot in lost)
    latest = max(had.latest() or "", has.latest() or "")
    return Verdict(
        finding,
        had.compare(has),
        lost,
        tuple(watermarks.items()),
        "home" if own else "witness",
        latest > latest_plausible,
    )


def lost_image(verdict: Verdict, old: Wires, new: Wires | None, seen: Hlc | None = None) -> Wires:
    """Return the image that holds what the record lost and that a merge can bring back.

    For writes around the library that is the new image: filed, it is a write like any other. Where
    one of the two is plain, what it has is filed here, with the types of the other; `seen` is when.
    """
    if new is None:
        return old
    if verdict.finding in (Finding.UNMANAGED, Finding.REVIVED):
        return new
    if verdict.finding is Finding.OVERWRITTEN:
        return encode(beneath(old, new, seen))
    return old if is_managed(old) else encode(_plain_versions(old, new)[0])
