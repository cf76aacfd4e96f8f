"""What copies of an item that are saved late do to a library delete, from the history alone."""

from collections.abc import Sequence

from reconciler.simulation.plan.raw import SAVE
from reconciler.simulation.world.history import Done


def is_delete(done: Done) -> bool:
    """Return whether a write deleted the item."""
    return bool(done.operation.edits) and done.operation.edits[-1].verb == "delete"


def is_of_a_deleted_copy(done: Done) -> bool:
    """Return whether somebody saved the deleted item as it was: that is no write.

    Who takes something out of nothing leaves it so.
    """
    leaves_it = all(edit.verb in ("remove", "discard") for edit in done.operation.edits)
    return done.operation.raw == SAVE and done.copy == "tombstone" and leaves_it


def may_be_undone(done: Done, raw: Sequence[Done]) -> bool:
    """Return whether a write is a delete over which a copy from before it was saved.

    What the copy shows may have been set at once with the delete, and keeps the item: nobody can
    tell.
    """
    return is_delete(done) and any(
        each.operation.raw == SAVE
        and (each.over, each.copy) == ("tombstone", "managed")
        and done.operation.number not in each.seen
        for each in raw
    )
