"""What of a loss is merged beside a decision, where the whole of it cannot be. Pure.

The decided attributes are taken as the item has them, so nothing of them can stand in the way, and
the item is taken to include the whole loss afterwards. What of the rest cannot be merged either
must be decided, too: a decision leaves nothing of a loss behind.
HAZARD if a counter were left out of a loss whose fold the item does not have: its base would differ
from that of other regions under one watermark. Such a loss is not merged beside a decision.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.crdt.base import Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.errors import InvalidInput, ReconcilerError
from reconciler.feed.rows import Side
from reconciler.item.adoption import adopt, has_adopted
from reconciler.item.image import merge
from reconciler.item.metadata import context_of, decode, encode
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.size import check_size
from reconciler.values.wire import Image


def image_beside(current: Image, lost: Image, decided: Collection[str] | None) -> Image | None:
    """Return the image to write so that `current` includes all of a loss but what is decided.

    `decided` are attributes, None all of them and whether the item is deleted. None if there is
    nothing to write. Errors: those of a merge; InvalidInput if a fold stands in the way.
    """
    if has_adopted(current, lost):
        return None
    now = adopt(current)
    image = check_size(merge(current, encode(_rest(now, lost, decided))))
    return None if context_of(image) == context_of(current) else image


def _rest(now: ReplicatedItem, lost: Image, decided: Collection[str] | None) -> ReplicatedItem:
    then, changed = decode(lost)
    names = {*then.attributes, *now.attributes, *changed} if decided is None else {*decided}
    if changed.keys() - names:
        then = adopt(lost)
    sides = (then.attributes, now.attributes)
    replaced = [side[name] for name in names for side in sides if name in side]
    if then.context.lost_watermarks(now.context) and any(_counts(each.spec()) for each in replaced):
        raise InvalidInput("a fold of a counter is part of what was lost")
    kept = {name: state for name, state in then.attributes.items() if name not in names}
    known = {name: state for name, state in now.attributes.items() if name in names}
    rest = replace(then, attributes=kept | known)
    if decided is not None:
        return rest
    return replace(rest, alive=now.alive, dead=now.dead, expires=now.expires)


def _counts(spec: Spec) -> bool:
    return spec.type is CounterPn or any(map(_counts, spec.fields.values()))


def at_stake(lost: Image, current: Image | None, was: Side, now: Side) -> Iterator[str]:
    """Yield, in order, the attributes of which a loss holds, or may hold, what the item does not.

    `was` and `now` are what the two images show.
    """
    news: set[str] = set()
    try:
        known = context_of(current) if current is not None else None
        for name, state in decode(lost)[0].attributes.items():
            if known is None or not all(map(known.covers, state.dots())):
                news.add(name)
    except ReconcilerError:
        pass  # what the images show must do
    names = news | was.values.keys() | now.values.keys()
    yield from (n for n in sorted(names) if n in news or was.values.get(n) != now.shows(n))
