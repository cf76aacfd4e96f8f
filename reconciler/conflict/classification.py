"""What one stream record means: clean, or a loss, decided on the metadata of its two images alone.

A record is clean iff the new image includes everything the old one did. The test is dominance,
never "+1", because replication coalesces changes. Nothing is deserialised: for a clean record this
compares a few strings (rules D1, D2, D4).
Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB"; DynamoDB guide, "Global tables".
"""

from dataclasses import replace

from reconciler.causality.context import Ordering
from reconciler.causality.hlc import Hlc
from reconciler.conflict.closing import loss_of_managed
from reconciler.conflict.lives import is_deleted, is_outlived, may_have_expired
from reconciler.conflict.verdict import CLEAN, Finding, Verdict, loss_between
from reconciler.item.filing import file
from reconciler.item.leaves import types_of
from reconciler.item.metadata import (
    NAMES,
    Metadata,
    check_form,
    context_of,
    counts_outside,
    encode,
    heads_in,
    is_managed,
    is_named,
    is_tombstone_in,
    is_touched,
    reading_both,
    shows_expiry,
    token_in,
    token_of,
    watermarks_in,
)
from reconciler.item.plain import (
    Began,
    before_names,
    began,
    file_plain,
    is_made_of_names,
    is_only_plain,
    is_version,
    knows_put,
    names_alone,
)
from reconciler.item.puts import beneath
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.sightings import may_hold_names, with_earlier, with_later, with_taken
from reconciler.values.wire import Image, Wires

NOTHING = ReplicatedItem({})
NO_KEY: Wires = {}
_NO_WATERMARKS: Wires = {"M": {}}


def _untyped(_: str) -> None:
    return None


def classify(  # noqa: PLR0913 (a verdict is about all of these, by name)
    old: Wires | None,
    new: Wires | None,
    *,
    replica: str,
    key: Wires = NO_KEY,
    latest_plausible: str = "~",
    expects_outside: bool = True,
    at_ms: int | None = None,
) -> Verdict:
    """Return what the change from `old` to `new` means to this replica; `at_ms`: when it was made.

    `key` is the item's, which only images without metadata do not tell.
    `latest_plausible` is the greatest hlc that clock drift can explain. `expects_outside`: a write
    around the library may be what the record took away, so it is looked for (D5). Undecodable if
    the metadata of a managed image cannot be read.
    """
    if old is None:
        return CLEAN  # an insert
    if new is None:
        return _of_removed(old, key, replica, latest_plausible, at_ms)
    # HAZARD if the names in a managed image hid that it took the place of a plain one, a put's.
    is_put = is_managed(new) and not is_managed(old) and not is_named(old)
    if not is_put and (is_named(old) or is_named(new)):
        return _beside_names(old, new, key, replica, latest_plausible)
    if not is_managed(old) or not is_managed(new):
        return _of_one_managed(old, new, replica, latest_plausible, expects_outside)

    def compared(before: Metadata, after: Metadata) -> Finding:
        return _found(old, new, before, after, expects_outside)

    found = reading_both(old, new, compared)
    if found is Finding.CLEAN or (found is Finding.CONFLICT and is_outlived(old, new)):
        return CLEAN
    if found is not Finding.CONFLICT:
        return Verdict(found, Ordering.SAME)
    before = file(old)
    after = with_earlier(with_later(file(new), new, before, old), before)
    return loss_of_managed(old, new, before, after, replica, latest_plausible)


def _of_removed(
    old: Wires, key: Wires, replica: str, latest_plausible: str, at_ms: int | None
) -> Verdict:
    """Return what it means that an item is gone: any named write that stood in it is lost."""
    if is_managed(old):
        if is_deleted(old) and not is_named(old) and may_have_expired(old, at_ms):
            return CLEAN  # a tombstone that time-to-live took away
        return loss_between(Finding.REMOVED, file(old), NOTHING, replica, latest_plausible)
    if not is_named(old):
        return CLEAN
    taken = file_plain(old, {**key}, _untyped)
    return loss_between(Finding.REMOVED, taken, NOTHING, replica, latest_plausible)


def _of_one_managed(
    old: Wires, new: Wires, replica: str, latest_plausible: str, expects_outside: bool
) -> Verdict:
    """Return what a change means of which one image, or neither, has metadata."""
    if not is_managed(old) and not is_managed(new):
        return CLEAN  # an item that the library has not written yet
    if not is_managed(new):
        before = replace(NOTHING, context=context_of(old))
        return loss_between(Finding.OVERWRITTEN, before, NOTHING, replica, latest_plausible)
    before, after = _plain_versions(old, new) if expects_outside else (NOTHING, NOTHING)
    return loss_between(Finding.CONFLICT, before, after, replica, latest_plausible)


def _beside_names(
    old: Wires, new: Wires, key: Wires, replica: str, latest_plausible: str
) -> Verdict:
    """Return what a change means where named writes stand in one of its images."""
    was_managed, is_now = is_managed(old), is_managed(new)
    if was_managed and is_now:
        if token_of(old) == token_of(new) and old.get(NAMES) == new.get(NAMES):
            return CLEAN if old == new else Verdict(Finding.UNMANAGED, Ordering.SAME)
        if is_outlived(old, new):
            return CLEAN
        before = file(old)
        after = with_earlier(with_later(file(new), new, before, old), before)
        after = with_taken(after, new, before)
        found = loss_of_managed(old, new, before, after, replica, latest_plausible)
        is_due = found == CLEAN and is_named(new) and shows_expiry(new)
        return Verdict(Finding.REVIVED, Ordering.SAME) if is_due else found
    if was_managed:
        before = replace(NOTHING, context=file(old).context)
        finding = Finding.CONFLICT if is_made_of_names(new, {**key}) else Finding.OVERWRITTEN
        return loss_between(finding, before, NOTHING, replica, latest_plausible)
    after = file(new) if is_now else file(names_alone(new, {**key}))
    before = file(_named_part(old, new, {**key}))
    return loss_between(Finding.CONFLICT, before, after, replica, latest_plausible)


def _named_part(old: Wires, new: Wires, key: Image, seen: Hlc | None = None) -> Image:
    """Return what a plain image with named writes has that the new image must have, too.

    HAZARD if names were alone where a put shows what they did: all that they added counts twice.
    """
    if is_managed(new):
        after = file(new)
        if is_version(before_names(old, key), after):
            return encode(file_plain(old, key, types_of(after, old)))
    elif may_hold_names(new, old, key):
        # HAZARD if it were ranked: it names its filings by when, and the event names others lost.
        return encode(beneath(encode(file_plain(old, key, _untyped)), new, seen))
    return names_alone(old, key)


def _plain_versions(
    old: Wires, new: Wires, seen: Hlc | None = None
) -> tuple[ReplicatedItem, ReplicatedItem]:
    """Return what a plain image has, and the managed one that took its place.

    Nothing, if the new one rests on the old one, or holds it as a put that is filed. An adoption
    takes an image that all replicas had, so what it took the place of since is later than that.
    """
    after = file(new)
    is_news = (
        is_version(old, after) if began(after) is Began.ON_PLAIN else not knows_put(after, old)
    )
    if not is_news:
        return NOTHING, NOTHING
    rank = seen if is_only_plain(after) else None
    return file_plain(old, after.key, types_of(after, old), rank), after


def _found(
    old: Wires, new: Wires, before: Metadata, after: Metadata, expects_outside: bool
) -> Finding:
    if token_in(before) == token_in(after):
        if old == new:
            return Finding.CLEAN
        return Finding.REVIVED if is_tombstone_in(after) else Finding.UNMANAGED
    # HAZARD if contexts alone were compared: of two merges that knew one raw addition in part and
    # whole, the lesser would take the other's place for good.
    is_lost = not _dominates(before, after) or counts_outside(before)
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


def lost_image(
    verdict: Verdict,
    old: Wires,
    new: Wires | None,
    seen: Hlc | None = None,
    key: Wires = NO_KEY,
) -> Wires:
    """Return the image that holds what the record lost and that a merge can bring back.

    For writes around the library that is the new image: filed, it is a write like any other. Where
    one of the two is plain, what it has is filed here, with the types of the other; `seen` is when.
    """
    if new is None:
        return old if is_managed(old) else encode(file_plain(old, {**key}, _untyped, seen))
    if verdict.finding in (Finding.UNMANAGED, Finding.REVIVED):
        return new
    if verdict.finding is Finding.OVERWRITTEN:
        return encode(beneath(old, new, seen))
    if is_managed(old) or verdict.finding is Finding.SCALAR:
        return old
    if is_named(old):
        return _named_part(old, new, {**key}, seen)
    return encode(_plain_versions(old, new, seen)[0])
