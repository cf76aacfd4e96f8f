"""The rules of filing what writers around the library did, broken one at a time; see `sabotage`."""

from contextlib import AbstractContextManager
from typing import Any

from reconciler.crdt import counter_pn
from reconciler.item import plain
from tests.simulation.sabotage import replacing


def amounts_of_all_versions_count() -> AbstractContextManager[Any]:
    """Let a counter add up what several versions of one plain item had."""
    return replacing(counter_pn, "counted", lambda _: lambda slots: iter(slots.values()))


def a_plain_image_rests_on_what_it_took_the_place_of() -> AbstractContextManager[Any]:
    """Let no plain image be one that was made without the library's writes."""
    return replacing(plain, "is_version", lambda _: lambda *_: False)
