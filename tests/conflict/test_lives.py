"""Images of one key whose item was deleted for good and created anew belong to two lives of it."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.conflict.classification import classify
from reconciler.conflict.lives import (
    Overwrite,
    Removal,
    is_accounted_for,
    is_outlived,
    is_recreated,
    may_have_expired,
)
from reconciler.conflict.verdict import Finding
from reconciler.item.image import DELETE, merge
from reconciler.item.metadata import context_of, encode, expiry_in, metadata_in
from reconciler.item.puts import beneath
from reconciler.values.wire import Image
from tests.builders import Replica, add, as_stream, assign, increment, written

MINUTE, DAY = 60_000, 86_400_000
NOW = 1_700_000_000_000


def tombstone(replica: str = "use1", at: int = NOW) -> Image:
    """Return an item that held values, deleted."""
    writer = Replica(replica)
    writer.write(increment("balance", 100), add("tags", "old"), at=at - DAY)
    return writer.write(DELETE, at=at)


def expiry_of(image: Image) -> int:
    """Return when a tombstone may go, in milliseconds."""
    seconds = expiry_in(metadata_in(image))
    assert seconds is not None
    return seconds * 1_000


def anew(at: int, replica: str = "euw1") -> Image:
    return written(increment("balance", 5), replica=replica, at=at)


def finding(old: Any, new: Any) -> Finding:
    return classify(as_stream(old), as_stream(new), replica="apse1").finding


def test_a_key_created_anew_after_its_tombstone_went_is_clean_though_both_arrive_as_one() -> None:
    gone = tombstone()
    for later in (1, MINUTE, 30 * DAY):
        assert finding(gone, anew(expiry_of(gone) + later)) is Finding.CLEAN


def test_the_creating_writers_clock_may_be_a_minute_behind() -> None:
    gone = tombstone()
    assert finding(gone, anew(expiry_of(gone) - MINUTE)) is Finding.CLEAN
    assert finding(gone, anew(expiry_of(gone) - MINUTE - 1)) is Finding.CONFLICT


def test_several_writes_of_the_new_item_are_clean_too() -> None:
    gone = tombstone()
    first = anew(expiry_of(gone))
    ours = Replica("use1", first).write(increment("balance", 1), at=expiry_of(gone) + DAY)
    assert finding(gone, ours) is Finding.CLEAN
    theirs = Replica("apse1", first).write(increment("balance", 2), at=expiry_of(gone) + DAY)
    assert finding(gone, merge(ours, theirs)) is Finding.CLEAN


def test_an_item_that_was_begun_while_the_tombstone_stood_is_a_conflict() -> None:
    """Two regions that create one item at once, of which one deletes it again."""
    gone = tombstone()
    assert finding(gone, anew(NOW - DAY)) is Finding.CONFLICT


def test_a_revival_that_missed_a_later_delete_is_a_conflict_however_late() -> None:
    writer = Replica("use1")
    writer.write(increment("balance", 100), at=NOW)
    first = writer.write(DELETE, at=NOW)
    again = Replica("use1", first).write(DELETE, at=NOW + DAY)
    revived = Replica("euw1", first).write(increment("balance", 5), at=expiry_of(again) + DAY)
    assert finding(again, revived) is Finding.CONFLICT


def test_an_item_that_is_not_deleted_is_never_outlived() -> None:
    alive = written(increment("balance", 100), at=NOW)
    assert finding(alive, anew(NOW + 400 * DAY)) is Finding.CONFLICT
    assert not is_outlived(alive, anew(NOW + 400 * DAY))


# A loss that is resolved late


def removed(*images: Image, at: int = NOW + 2_000) -> Callable[[], list[Removal]]:
    """Return hard deletes, and what they took."""
    return lambda: [Removal(context_of(image), at) for image in images]


BASE = Replica("use1").write(increment("balance", 100), at=NOW)
LOST = Replica("use1", BASE).write(increment("balance", 7), at=NOW + 1_000)
WINNER = Replica("euw1", BASE).write(assign("name", "Eve"), at=NOW + 1_000)


def test_a_loss_from_before_a_delete_is_of_another_life_though_what_was_deleted_never_knew_it() -> (
    None
):
    unknown = written(increment("balance", 7), replica="apse1", at=NOW)
    new, deleted = anew(NOW + 3_000), removed(WINNER, at=NOW + 2_000)
    assert is_recreated(new, unknown, deleted, NOW + 1_000)
    assert not is_recreated(new, unknown, deleted, NOW + 3_000)
    assert not is_recreated(new, unknown, deleted)


@pytest.mark.parametrize("taken", [BASE, WINNER, LOST, merge(WINNER, LOST)])
def test_a_loss_from_before_a_hard_delete_is_of_another_life_than_the_new_item(
    taken: Image,
) -> None:
    assert is_recreated(anew(NOW + 3_000), LOST, removed(taken))


def test_the_new_item_lost_to_an_update_of_the_deleted_one_is_of_another_life_too() -> None:
    assert is_recreated(LOST, anew(NOW + 3_000), removed(WINNER))


def test_an_item_that_the_delete_did_not_reach_is_the_same_item() -> None:
    assert not is_recreated(WINNER, LOST, removed(BASE))
    assert not is_recreated(Replica("use1", WINNER).write(DELETE, at=NOW), LOST, removed(BASE))


def test_two_regions_that_create_one_item_at_once_create_one_item() -> None:
    ours, theirs = anew(NOW, "use1"), anew(NOW + MINUTE)
    assert not is_recreated(ours, theirs, removed())
    assert not is_recreated(theirs, ours, removed())


def test_after_a_hard_delete_two_regions_that_create_it_anew_at_once_create_one_item() -> None:
    ours, theirs = anew(NOW + DAY, "use1"), anew(NOW + DAY + MINUTE)
    assert not is_recreated(ours, theirs, removed(LOST))


def test_a_loss_older_than_any_tombstone_lives_is_not_of_an_item_that_began_since() -> None:
    assert is_recreated(anew(NOW + 2 * DAY), LOST, removed())
    assert not is_recreated(anew(NOW + DAY), LOST, removed())


def test_two_adoptions_of_an_item_from_before_the_library_are_of_one_item() -> None:
    plain: Image = {"id": {"S": "p1"}, "name": {"S": "Ada"}}
    ours = Replica("use1", plain).write(increment("balance", 1), at=NOW)
    theirs = Replica("euw1", plain).write(increment("balance", 2), at=NOW + 2 * DAY)
    assert not is_recreated(theirs, ours, removed())


def put_over(image: Image, name: str) -> Image:
    """Return an item over which somebody around the library put a copy of the deleted one."""
    copy: Image = {"id": BASE["id"], "balance": BASE["balance"], "name": {"S": name}}
    return encode(beneath(image, copy))


def test_a_copy_of_the_deleted_item_put_over_the_new_one_does_not_make_them_one() -> None:
    new, old = put_over(anew(NOW + 3_000), "new"), put_over(LOST, "old")
    assert context_of(new).meets(context_of(old))
    assert is_recreated(new, old, removed(BASE))
    assert is_recreated(old, new, removed(BASE))
    assert not is_recreated(new, put_over(new, "newer"), removed(BASE))


# What became of an item since a loss


def overwrite(lost: Image, by: Image | None) -> Overwrite:
    return Overwrite(context_of(lost), context_of(by) if by is not None else None)


FIRST = written(increment("balance", 7), replica="use1", at=NOW)
SECOND = written(increment("balance", 8), replica="euw1", at=NOW)
THIRD = written(increment("balance", 9), replica="apse1", at=NOW)


def test_what_came_of_the_winner_is_accounted_for_without_a_look_at_the_rows() -> None:
    def rows() -> list[Overwrite]:
        raise AssertionError

    later = Replica("apse1", SECOND).write(increment("balance", 1), at=NOW + 1_000)
    assert is_accounted_for(later, overwrite(FIRST, SECOND), rows)
    assert is_accounted_for(merge(FIRST, THIRD), overwrite(FIRST, SECOND), rows)


def test_what_took_the_winners_place_is_accounted_for_once_its_row_is_there() -> None:
    rows = [overwrite(FIRST, SECOND)]
    assert not is_accounted_for(THIRD, rows[0], lambda: rows)
    rows.append(overwrite(SECOND, THIRD))
    assert is_accounted_for(THIRD, rows[0], lambda: rows)


def test_a_copy_put_over_two_items_alike_accounts_for_no_loss() -> None:
    loss = overwrite(put_over(FIRST, "old"), SECOND)
    new = put_over(THIRD, "new")
    assert not is_accounted_for(new, loss, lambda: [loss])
    rows = [loss, overwrite(SECOND, put_over(THIRD, "newer"))]
    assert is_accounted_for(new, loss, lambda: rows)


def test_a_step_that_is_missing_between_two_rows_leaves_the_item_unaccounted_for() -> None:
    fourth = written(increment("balance", 1), replica="usw2", at=NOW)
    rows = [overwrite(FIRST, SECOND), overwrite(THIRD, fourth)]
    assert not is_accounted_for(fourth, rows[0], lambda: rows)
    rows.append(overwrite(SECOND, THIRD))
    assert is_accounted_for(fourth, rows[0], lambda: rows)


def test_what_was_put_around_the_library_tells_nothing_so_it_hides_no_loss() -> None:
    rows = [overwrite(SECOND, None)]
    assert is_accounted_for(THIRD, overwrite(FIRST, SECOND), lambda: rows)


def test_time_to_live_takes_no_tombstone_before_its_time() -> None:
    gone = tombstone()
    expiry = expiry_of(gone)
    assert [
        may_have_expired(gone, at) for at in (NOW, expiry - MINUTE - 1, expiry - MINUTE, None)
    ] == [False, False, True, True]
