"""The rules of items that were deleted for good, broken one at a time; see `sabotage`."""

from contextlib import AbstractContextManager, ExitStack
from typing import Any

from reconciler.conflict import classification as verdict
from reconciler.conflict import lives
from reconciler.detection import removal
from reconciler.item import metadata
from reconciler.item.metadata import EXPIRY, expiry_attributes_in
from reconciler.resolution import past, repair
from tests.simulation.sabotage import replacing


def a_tombstone_that_expired_is_a_loss() -> AbstractContextManager[Any]:
    """Let an item that was created anew take up its old tombstone again."""
    stack = ExitStack()
    for owner in (verdict, repair):
        stack.enter_context(replacing(owner, "is_outlived", lambda _: lambda *_: False))
    return stack


def whatever_is_removed_was_an_operators_delete() -> AbstractContextManager[Any]:
    """Let a revival that another region's time-to-live takes away stand as a hard delete."""
    return replacing(removal, "may_be_expiry", lambda _: lambda *_, **__: False)


def what_no_row_tells_yet_is_taken_for_one_item() -> AbstractContextManager[Any]:
    """Let a loss be merged though nobody knows yet what became of its item."""
    return replacing(past, "is_accounted_for", lambda _: lambda *_: True)


# A loss that the rows of hard deletes do not keep out is of unknown history, so these rules have a
# second lock behind them, and each is broken together with it.


def an_old_loss_is_merged_into_the_new_item() -> AbstractContextManager[Any]:
    """Let a loss of an item that was deleted for good be merged into what is there now."""
    return _alone(replacing(past, "is_recreated", lambda _: lambda *_: False))


def only_what_the_deleted_item_knew_is_of_its_life() -> AbstractContextManager[Any]:
    """Let a loss that a deleted item never knew count as one of the new item's life."""
    return _alone(replacing(past, "is_recreated", lambda real: lambda *given: real(*given[:3])))


def the_expiry_of_a_tombstone_is_taken_for_a_value() -> AbstractContextManager[Any]:
    """Let a table's own time-to-live attribute be a user's on a tombstone, too."""
    return replacing(metadata, "_expiries_in", lambda _: lambda *_: {EXPIRY})


def a_tables_own_expiry_is_never_a_users() -> AbstractContextManager[Any]:
    """Let a table's own time-to-live attribute be hidden on what lives again, too."""

    def make(_: Any) -> Any:
        return lambda _, named: {EXPIRY, *expiry_attributes_in(named)}

    return replacing(metadata, "_expiries_in", make)


def whoever_removes_a_tombstone_is_time_to_live() -> AbstractContextManager[Any]:
    """Let a tombstone that an operator removes go without a row."""
    return _alone(replacing(verdict, "may_have_expired", lambda _: lambda *_: True))


def whatever_two_images_show_alike_is_of_one_life() -> AbstractContextManager[Any]:
    """Let the new item be taken for the deleted one because a copy of that was put over it."""
    return replacing(lives, "_meet", lambda _: lambda one, other: one.meets(other))


def _alone(broken: AbstractContextManager[Any]) -> AbstractContextManager[Any]:
    stack = ExitStack()
    stack.enter_context(what_no_row_tells_yet_is_taken_for_one_item())
    stack.enter_context(broken)
    return stack
