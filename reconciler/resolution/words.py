"""What became of a lost write in the item that it was merged into. Pure.

Readers of the conflict feed see one word for each attribute that the lost writes changed: the lost
value stands (kept), both went into one (joined), or another write stands (overridden).
"""

from collections.abc import Mapping
from typing import Any

from reconciler.causality.context import CausalContext
from reconciler.crdt.base import Crdt
from reconciler.item.filing import file
from reconciler.item.metadata import (
    context_of,
    hidden_in,
    is_managed,
    is_tombstone_in,
    key_names_in,
    metadata_in,
    tombstone_values_in,
)
from reconciler.values.wire import Image, Wire, canonical_image

KEPT, JOINED, OVERRIDDEN = "kept", "joined", "overridden"
_ONE_STANDS = ("register_lww", "register_max", "register_min", "flag_ew", "manual", "custom")


def merge_words(lost: Image, before: Image | None, after: Image | None) -> dict[str, str]:
    """Return, for each attribute of which `before` did not hold what `lost` did, what stands.

    Nothing if there is no item afterwards.
    """
    if after is None:
        return {}
    was, had, shows = (_values(each) for each in (lost, before or {}, after))
    differing = [n for n in sorted(was.keys() | had.keys()) if was.get(n) != had.get(n)]
    if not differing:
        return {}
    states = file(lost).attributes if is_managed(lost) else {}
    known = context_of(before) if before is not None and is_managed(before) else CausalContext()
    return {
        name: _word(was.get(name), had.get(name), shows.get(name), states.get(name))
        for name in differing
        if shows.get(name) != had.get(name) or _is_news(states.get(name), known)
    }


def _is_news(state: Crdt | None, known: CausalContext) -> bool:
    return state is not None and any(not known.covers(dot) for dot in state.dots())


def _word(was: Wire | None, had: Wire | None, shows: Wire | None, state: Crdt | None) -> str:
    if shows == was:
        return KEPT
    one_stands = state is None or state.NAME in _ONE_STANDS
    return OVERRIDDEN if shows == had and one_stands else JOINED


def _values(image: Mapping[str, Any]) -> Image:
    """Return what the attributes hold, those of a deleted item included; keys and metadata left."""
    metadata = metadata_in(image)
    if is_tombstone_in(metadata):
        return canonical_image(tombstone_values_in(metadata))
    hidden = {*hidden_in(image), *(key_names_in(metadata) if metadata else ())}
    return canonical_image({n: v for n, v in image.items() if n not in hidden})
