"""What of a loss is merged beside a decision, where the whole of it cannot be. Pure.

Decided attributes that cannot be merged are taken as the item has them, so nothing of them can
stand in the way, and the item is taken to include the whole loss afterwards. What of the rest
cannot be merged either must be decided, too: a decision leaves nothing of a loss behind.
HAZARD if a decided attribute were left so that can be merged, or one that is left were not written
anew: an image that has what is left then takes what the item shows for what the loss replaced.
HAZARD if a counter were left out of a loss whose fold the item does not have: its base would differ
from that of other regions under one watermark. Such a loss is not merged beside a decision.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.crdt.base import Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.errors import InvalidInput, ReconcilerError
from reconciler.feed.rows import Side
from reconciler.item.filing import file
from reconciler.item.image import merge
from reconciler.item.metadata import context_of, encode
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.size import check_size
from reconciler.values.wire import Image


def image_beside(
    current: Image, lost: Image, left: Collection[str] | None, *, whole: bool = False
) -> Image | None:
    """Return the image to write so that `current` includes all of a loss but what is left of it.

    `left` are attributes, None all of them; then, and if `whole`, whether the item is deleted is
    left, too. None if there is nothing to write. Errors: those of a merge; InvalidInput if a fold
    stands in the way.
    """
    image = joined_beside(current, lost, left, whole=whole)
    return None if image is None else check_size(image)


def joined_beside(
    current: Image, lost: Image, left: Collection[str] | None, *, whole: bool = False
) -> Image | None:
    """Return the same image, however large: the decision that is written over it may shrink it."""
    now = file(current)
    _check_folds(now, lost, left)
    image = merge(current, encode(_rest(now, lost, left, whole=whole)))
    return None if context_of(image) == context_of(current) else image


def left_out(current: Image, lost: Image, decided: Collection[str] | None) -> list[str]:
    """Return those of the decided attributes, None all, that cannot be merged."""
    now = file(current)
    names = now.attributes.keys() | file(lost).attributes.keys()

    def is_merged(name: str) -> bool:
        try:
            merge(current, encode(_rest(now, lost, names - {name}, whole=False)))
        except ReconcilerError:
            return False
        return True

    asked = names if decided is None else names & {*decided}
    return [name for name in sorted(asked) if not is_merged(name)]


def _rest(
    now: ReplicatedItem, lost: Image, left: Collection[str] | None, *, whole: bool
) -> ReplicatedItem:
    then, names = file(lost), _names(now, lost, left)
    kept = {name: state for name, state in then.attributes.items() if name not in names}
    known = {name: state for name, state in now.attributes.items() if name in names}
    rest = replace(then, attributes=kept | known)
    if left is not None and not whole:
        return rest
    return replace(rest, alive=now.alive, dead=now.dead, expires=now.expires)


def _names(now: ReplicatedItem, lost: Image, left: Collection[str] | None) -> set[str]:
    return {*file(lost).attributes, *now.attributes} if left is None else {*left}


def _check_folds(now: ReplicatedItem, lost: Image, left: Collection[str] | None) -> None:
    then = file(lost)
    sides = (then.attributes, now.attributes)
    replaced = [side[name] for name in _names(now, lost, left) for side in sides if name in side]
    if then.context.lost_watermarks(now.context) and any(_counts(each.spec()) for each in replaced):
        raise InvalidInput("a fold of a counter is part of what was lost")


def _counts(spec: Spec) -> bool:
    return spec.type is CounterPn or any(map(_counts, spec.fields.values()))


def at_stake(lost: Image, current: Image | None, was: Side, now: Side) -> Iterator[str]:
    """Yield, in order, the attributes of which a loss holds, or may hold, what the item does not.

    `was` and `now` are what the two images show.
    """
    news: set[str] = set()
    try:
        known = context_of(current) if current is not None else None
        for name, state in file(lost).attributes.items():
            if known is None or not all(map(known.covers, state.dots())):
                news.add(name)
    except ReconcilerError:
        pass  # what the images show must do
    names = news | was.values.keys() | now.values.keys()
    yield from (n for n in sorted(names) if n in news or was.values.get(n) != now.shows(n))
