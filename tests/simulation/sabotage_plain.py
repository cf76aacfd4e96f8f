"""The rules of filing what writers around the library did, broken one at a time; see `sabotage`."""

from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest.mock import patch

from reconciler.causality.context import FROM_PLAIN
from reconciler.conflict import classification
from reconciler.crdt import counter_pn, counter_slots
from reconciler.item import image as images
from reconciler.item import joining, puts
from reconciler.item.filing import file
from reconciler.item.metadata import METADATA
from reconciler.resolution import repair
from tests.simulation.sabotage import replacing


def amounts_of_all_versions_count() -> AbstractContextManager[Any]:
    """Let a counter add up what several versions of one plain item had."""
    return replacing(counter_pn, "counted", lambda _: lambda slots: iter(slots.values()))


def a_plain_image_rests_on_what_it_took_the_place_of() -> AbstractContextManager[Any]:
    """Let no plain image be one that was made without the library's writes, whatever it shows."""
    stack = ExitStack()
    stack.enter_context(replacing(puts, "is_version", lambda _: lambda *_: False))
    for name in ("saw_amount", "saw_value"):  # a second lock on that door
        stack.enter_context(replacing(puts, name, lambda _: lambda *_: True))
    return stack


def a_put_takes_the_place_of_what_was_beneath() -> AbstractContextManager[Any]:
    """Let a whole put be written on top of the image that it took the place of."""

    def make(_: Any) -> Any:
        def on_top(managed: Any, image: Any, seen: Any = None, **_: Any) -> Any:
            return file({**image, METADATA: managed[METADATA]}, seen)

        return on_top

    stack = ExitStack()
    for room in (classification, repair, images):
        stack.enter_context(replacing(room, "beneath", make))
    return stack


def a_put_counts_beside_amounts_that_it_may_hold() -> AbstractContextManager[Any]:
    """Let a put count, whatever the library had added beneath another one on which it may rest."""
    return replacing(joining, "_without_unshown", lambda _: lambda item, _other: item)


def amounts_of_a_put_count_beside_what_they_rest_on() -> AbstractContextManager[Any]:
    """Let all count that a plain image showed, whatever else is known of its item."""
    stack = ExitStack()
    stack.enter_context(replacing(joining, "beside", lambda _: lambda item, _other: item))
    # More locks on that door: what a later put may hold, what a put holds, or holds a put, and what
    # a difference rests on.
    stack.enter_context(replacing(joining, "_without_unshown", lambda _: lambda item, _other: item))
    stack.enter_context(replacing(joining, "_held_by", lambda _: lambda *_: {}))
    kept = replacing(joining, "without_baseless", lambda _: lambda dots, *_: [*dots])
    stack.enter_context(kept)
    return stack


def every_put_saw_all_amounts() -> AbstractContextManager[Any]:
    """Let whatever a put changed an amount by count, whether its writer saw that amount or not."""
    return replacing(puts, "saw_amount", lambda _: lambda *_: True)


def a_number_of_no_type_counts_beside_puts_that_hold_it() -> AbstractContextManager[Any]:
    """Let a number of no type be held by no put, as an amount of another kind."""
    stack = ExitStack()
    for room in (joining, counter_slots):
        stack.enter_context(patch.object(room, "PLAIN", (FROM_PLAIN,)))
    return stack


def what_a_put_leaves_out_of_a_map_is_removed_by_names() -> AbstractContextManager[Any]:
    """Let only what a put leaves out beside maps, not within, stay where names stand on it."""

    def make(real: Any) -> Any:
        def broken(image: Any, *given: Any) -> Any:
            return {**real(image, *given), **{n: v for n, v in image.items() if "M" in v}}

        return broken

    return replacing(puts, "_moved", make)


def an_update_on_a_put_rests_on_nothing() -> AbstractContextManager[Any]:
    """Let rows of whole puts not tell what a plain image was, that a library write replaced."""

    def make(real: Any) -> Any:
        return lambda current, rows, _record: real(current, rows, None)

    return replacing(repair, "image_taken", make)


def amounts_of_an_item_begun_on_a_put_count_beside_what_the_put_took() -> AbstractContextManager[
    Any
]:
    """Let what the library began on count, whatever a row says that a put took before that."""
    return replacing(repair, "with_amounts_of", lambda _: lambda item, *_: item)


def a_value_for_a_moment_brings_back_what_was_deleted() -> AbstractContextManager[Any]:
    """Let a tombstone know a raw value only by its own name, not by the later one beside it."""
    return replacing(repair, "with_earlier", lambda _: lambda item, *_: item)


def of_two_raw_values_each_is_a_loss() -> AbstractContextManager[Any]:
    """Let a later raw value on the same version not be known to have replaced the earlier one."""
    return replacing(classification, "with_later", lambda _: lambda item, *_: item)
