"""What a merge makes of the current item. Pure.

The losing images are joined into the *current* image, never into the one that won.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial, reduce
from itertools import zip_longest
from typing import Any

from reconciler.causality.context import KEYED
from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS, Hlc, drift_ms
from reconciler.causality.keys import is_reused
from reconciler.conflict.lives import is_outlived
from reconciler.crdt.base import Crdt
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_mv import RegisterMv
from reconciler.errors import ClockAhead, ItemGone, KeyReused
from reconciler.item.filing import file, filed_image, lost_dots, shown_in
from reconciler.item.image import merge
from reconciler.item.metadata import (
    context_of,
    decode,
    encode,
    is_managed,
    is_named,
    is_tombstone_in,
    key_names_in,
    metadata_in,
    reading,
)
from reconciler.item.plain import (
    Began,
    before_names,
    began,
    is_only_plain,
    knows_put,
    names_alone,
)
from reconciler.item.puts import beneath
from reconciler.item.restating import is_written
from reconciler.item.sightings import with_amounts_of, with_earlier, with_taken
from reconciler.resolution.past import Rows, check_history, check_lives, image_taken
from reconciler.values.size import check_size
from reconciler.values.wire import Image, Wire


def check_clocks(images: Iterable[Mapping[str, Any] | None], now_ms: int) -> None:
    """Refuse a stamp that lies further ahead than clocks drift: whose it is, a person knows."""
    stamps = (context_of(image).latest() for image in images if image and is_managed(image))
    latest = max(filter(None, stamps), default=None)
    if latest and drift_ms(latest, now_ms) > MAXIMUM_CLOCK_DRIFT_MS:
        raise ClockAhead("a stamp of this conflict lies in the future; check NTP", stamp=latest)


def check_keys(current: Image, lost: Iterable[Image]) -> None:
    """Refuse to join two writes of one idempotency key with different payloads: which one was
    meant, a person knows."""
    known = context_of(current).heads if is_managed(current) else {}
    for image in lost:
        heads = context_of(image).heads if is_managed(image) else {}
        for key in (each for each in heads if each.replica == KEYED and each not in known):
            if any(is_reused(key, each) for each in known if each not in heads):
                raise KeyReused("two regions took one idempotency key, each with another payload")


def seen_at(lost_at_ms: int, winner: Image | None) -> Hlc:
    """Return when what was done around the library to a losing image counts as seen.

    It was when it was lost, but before the library write that made the winner, if one did: of two
    images the later wins.
    HAZARD without that: a value stands again over the library's, whose writer could not know it
    because a named write had taken its place before.
    """
    at = Hlc.of(lost_at_ms)
    if winner is None or not is_managed(winner) or is_named(winner):
        return at
    item, changes = decode(winner)
    if item.tip is None or changes:
        return at  # a merge made it, or somebody around the library was there since
    return min(at, Hlc.of(max(0, item.context.heads[item.tip].wall_ms - 1)))


def repaired_image(  # noqa: PLR0913 (a repair is all of these, by name)
    current: Image | None,
    lost: Sequence[Image],
    *,
    restore: bool,
    winners: Sequence[Image | None] = (),
    rows: Rows = lambda: (),
    records: Sequence[tuple[str, int]] = (),
    seen: Hlc | None = None,
) -> Image | None:
    """Return the image to write so that `current` includes the losing images; None if it does.

    With that, and only then, is filed what was done to the current item around the library, `seen`
    now. `winners` are what took the place of the losing images, and `records` where and when that
    was. `rows` is asked for the ledger's rows of the item, should two images know nothing of each
    other. ItemGone if there is no item and the policy is not to restore it; ItemRecreated if a loss
    is of one that was deleted for good; HistoryUnknown if no row tells whether it is; KeyReused.
    """
    if current is None:
        if not restore:
            raise ItemGone("the item, tombstone included, is gone from the table")
        return check_size(reduce(merge, lost, lost[0]))
    base = knowing(filed := filed_image(current, seen), current, lost)
    check_keys(base, lost)
    over = partial(_over_what_it_took, current, base, rows, seen)
    lost = [over(*each) for each in zip_longest(lost, winners[: len(lost)], records[: len(lost)])]
    known = _known(base, lost[0])
    start = next((each for each in lost if _outlived(known, each)), known)
    parts = [_part(start, each) for each in lost]
    if not restore:
        at_ms = min((at_ms for _, at_ms in records), default=None)
        check_lives(start, [each for each in parts if _named(start, each)], rows, at_ms)
        pairs = zip(parts, winners, strict=False)
        check_history(known, (each for each in pairs if each[0] is not start), rows)
    if is_managed(known) and all(each is known for each in (start, *parts)):
        return base if filed is not current and _is_hidden(current) else None
    if start is known and not is_managed(base):
        parts = [each for each in parts if each is not known]
        start = _with_plain(base, parts, seen, is_direct=restore)
    return _news(current, reduce(merge, parts, start))


def _news(current: Image, repaired: Image) -> Image | None:
    """Return a repaired image; None if it is there: of a loss that puts hold a merge takes nothing,
    though the item includes it by no name."""
    return None if is_written(repaired, current) else check_size(repaired)


def knowing(filed: Image, named: Image, others: Iterable[Image | None]) -> Image:
    """Return an image that knows what was put on a version that it moved on from, in others, and
    what named writes that were filed in it took the place of: the resolver does so for losses, too.
    """
    if not is_managed(filed):
        return filed
    item = known = file(filed)
    for other in (file(each) for each in others if each is not None and is_managed(each)):
        known = with_earlier(with_taken(known, named, other), other)
    return encode(known) if known != item else filed


def _known(base: Image, lost: Image) -> Image:
    """Return what an item is known by: of a plain one, its named writes alone, if there are any."""
    if is_managed(base) or not is_named(base):
        return base
    return names_alone(base, {name: lost[name] for name in reading(lost, key_names_in)})


def _with_plain(base: Image, lost: Sequence[Image], seen: Hlc | None, *, is_direct: bool) -> Image:
    """Return what is lost of an item that is plain now, with that in it."""
    plain = before_names(base, file(lost[0]).key)
    under = max(lost, key=lambda each: knows_put(file(each), plain))
    is_direct = is_direct or knows_put(file(under), plain)
    return encode(beneath(under, base, seen, is_direct=is_direct))


def _over_what_it_took(  # noqa: PLR0913, PLR0917 (a loss, and all that tells of it)
    unfiled: Image,
    current: Image,
    rows: Rows,
    seen: Hlc | None,
    lost: Image,
    winner: Image | None,
    record: tuple[str, int] | None,
) -> Image:
    """Return a loss as it is merged: a plain item over the one that a hard delete, or a whole put
    in its region, took before it; any other with what it knows of the item begun since.

    Of any other one that is no version of the current item nobody knows what it changed, so there
    is nothing of it to merge.
    """
    if not _named(current, lost) or not is_only_plain(item := file(lost)):
        return _knowing_amounts(lost, winner, current)
    if began(decode(unfiled)[0]) is Began.ON_PLAIN:
        return lost
    taken = image_taken(current, rows, record)
    if taken is None:
        return current
    put = _as_put(item.attributes)
    return encode(beneath(taken, {**item.key, **item.shown(), **put}, seen))


def _knowing_amounts(lost: Image, winner: Image | None, current: Image) -> Image:
    """Return a loss to a put, as it is merged into an item that the library began on since."""
    if winner is None or is_managed(winner) or not _named(lost, current):
        return lost
    item = file(lost)
    known = with_amounts_of(item, shown_in(winner, item.key), file(current))
    return lost if known == item else encode(known)


def _as_put(states: Mapping[str, Crdt]) -> Image:
    """Return the values that a plain image had; a state of several shows a list of them.

    HAZARD if that list were taken for the value: it would stand as a second one beside the first.
    """
    values: dict[str, Wire | None] = {}
    for name, state in states.items():
        values[name] = state.visible()
        if isinstance(state, RegisterMv):
            values[name] = next(iter(state.entries.values()), None)
        elif isinstance(state, MapOr):
            values[name] = {"M": _as_put(state.fields)}
    return {name: value for name, value in values.items() if value is not None}


def _is_hidden(current: Image | None) -> bool:
    """Return whether time-to-live would take what was written around the library on a tombstone."""
    return is_managed(current) and is_tombstone_in(metadata_in(current or {}))


def _outlived(tombstone: Image, item: Image) -> bool:
    return _named(tombstone, item) and is_outlived(tombstone, item)


def _named(*images: Image) -> bool:
    return all(map(is_managed, images))


def _part(current: Image, lost: Image) -> Image:
    """Return what a merge takes of a loss: nothing new, if it is there or was gone by rights."""
    return current if includes(current, lost) or _outlived(lost, current) else lost


def includes(current: Image, lost: Image) -> bool:
    """Return whether an item holds all of a loss by name, so that merging it is not needed.

    What only a person could merge is in the item once a decision has arrived, from wherever.
    """
    if not _named(current, lost):
        return False
    had, has = file(lost), file(current)
    has = with_earlier(has, had)
    return not lost_dots(had, has) and not had.context.lost_watermarks(has.context)


def undecided(image: Image | None) -> list[str]:
    """Return the attributes of an item that wait for a person: `manual` ones in dispute."""
    if not is_managed(image) or image is None:
        return []
    return [name for name, state in decode(image)[0].attributes.items() if state.undecided()]
