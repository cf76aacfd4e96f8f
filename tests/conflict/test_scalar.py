"""Items with a version number of their own: what that shows, and what a merge makes of it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import Ordering
from reconciler.conflict.scalar import ScalarLoss, ScalarVersion, classify_scalar, merged_scalar
from reconciler.conflict.verdict import Finding
from reconciler.errors import HistoryUnknown, InvalidInput, ItemGone, ItemTooLarge
from reconciler.values.wire import Image
from tests.builders import increment, written

BY = ScalarVersion("Version", "LastUpdatedRegion", "Timestamp")
VERSION_ALONE = ScalarVersion("Version")
EAST, WEST = "us-east-1", "eu-west-1"


def image(version: int, region: str = EAST, at: str = "10:00", **data: str) -> Image:
    """Return an item of the classic schema."""
    held: Image = {name: {"S": value} for name, value in data.items()}
    about: Image = {"LastUpdatedRegion": {"S": region}, "Timestamp": {"S": at}}
    return {"Id": {"S": "p1"}, "Version": {"N": str(version)}, **about, **held}


def bare(version: int, **data: str) -> Image:
    """Return an item with a version and nothing that says where or when."""
    return {
        name: held
        for name, held in image(version, **data).items()
        if name not in BY.__dict__.values()
    } | {"Version": {"N": str(version)}}


def test_a_version_that_rises_is_clean() -> None:
    assert classify_scalar(image(1), image(2), BY, EAST).finding is Finding.CLEAN


@pytest.mark.parametrize(
    ("new", "ordering"), [(image(2, WEST), Ordering.CONCURRENT), (image(1, WEST), Ordering.AFTER)]
)
def test_a_version_that_does_not_rise_is_a_loss(new: Image, ordering: Ordering) -> None:
    found = classify_scalar(image(2), new, BY, EAST)
    assert (found.finding, found.ordering, found.role) == (Finding.SCALAR, ordering, "home")


def test_a_region_that_sees_another_ones_write_lost_is_a_witness() -> None:
    assert classify_scalar(image(2), image(2, WEST), BY, "ap-southeast-1").role == "witness"
    assert classify_scalar(bare(2), bare(2, Data="b"), VERSION_ALONE, WEST).role == "home"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (image(2), image(2)),
        (image(2), {"Id": {"S": "p1"}}),
        ({"Id": {"S": "p1"}}, image(1)),
        (image(2), {**image(2, WEST), "Version": {"S": "two"}}),
        (image(2), written(increment("balance", 1))),
        (None, image(1)),
        (image(1), None),
    ],
)
def test_what_tells_nothing_is_clean(old: Any, new: Any) -> None:
    assert classify_scalar(old, new, BY, EAST).finding is Finding.CLEAN


def test_a_merge_keeps_what_each_region_added_and_the_later_value_of_what_both_wrote() -> None:
    lost = image(2, EAST, "10:02", Name="Ada", Email="ada@example.com")
    winner = image(2, WEST, "10:01", Name="Bob", Phone="555")
    merged = merged_scalar(winner, [ScalarLoss(lost, winner, BY)])
    assert merged == image(3, EAST, "10:02", Name="Ada", Email="ada@example.com", Phone="555")


def test_without_time_and_region_what_dynamodb_left_stands() -> None:
    lost, winner = bare(2, Name="Ada", Email="a"), bare(2, Name="Bob")
    merged = merged_scalar(winner, [ScalarLoss(lost, winner, VERSION_ALONE)])
    assert merged == bare(3, Name="Bob", Email="a")


def test_what_somebody_wrote_since_stands_and_what_he_removed_stays_away() -> None:
    lost = image(2, EAST, "10:02", Name="Ada", Phone="1", Email="ada@example.com")
    winner = image(2, WEST, "10:01", Name="Bob", Phone="2")
    since = image(3, WEST, "10:05", Name="Eve")
    merged = merged_scalar(since, [ScalarLoss(lost, winner, BY)])
    assert merged == image(4, WEST, "10:05", Name="Eve", Email="ada@example.com")


def test_a_merge_of_what_is_there_already_writes_nothing() -> None:
    lost, winner = image(2, EAST, "10:02", Name="Ada"), image(2, WEST, "10:01")
    merged = merged_scalar(winner, [ScalarLoss(lost, winner, BY)])
    assert merged_scalar(merged, [ScalarLoss(lost, winner, BY)]) is None


def test_an_item_with_more_attributes_than_a_condition_compares_is_left_to_a_person() -> None:
    """Its version might not be compared, and what somebody wrote meanwhile would be gone."""
    wide = image(3, **{f"a{number:03}": "x" for number in range(100)})
    with pytest.raises(ItemTooLarge, match="merge them by hand"):
        merged_scalar(wide, [])


def test_an_item_that_is_gone_or_has_metadata_is_left_to_a_person() -> None:
    loss = ScalarLoss(image(2, Name="Ada"), image(2, WEST), BY)
    with pytest.raises(ItemGone):
        merged_scalar(None, [loss])
    with pytest.raises(HistoryUnknown):
        merged_scalar(written(increment("balance", 1)), [loss])


DATA = st.dictionaries(st.sampled_from(["Name", "Email", "Phone"]), st.sampled_from(["a", "b"]))


@given(DATA, DATA, st.sampled_from(["10:01", "10:02"]), st.sampled_from(["10:01", "10:02"]))
def test_regions_that_merge_one_loss_write_the_same_and_lose_no_attribute(
    mine: dict[str, str], theirs: dict[str, str], at: str, then: str
) -> None:
    lost, winner = image(2, EAST, at, **mine), image(2, WEST, then, **theirs)
    merged = merged_scalar(winner, [ScalarLoss(lost, winner, BY)]) or winner
    assert merged.keys() == lost.keys() | winner.keys()
    later = mine if (at, EAST) > (then, WEST) else theirs
    assert all(merged[name] == {"S": value} for name, value in later.items())
    assert merged_scalar(merged, [ScalarLoss(lost, winner, BY)]) is None


def test_two_merges_of_one_item_that_have_one_version_are_told_apart() -> None:
    winner = image(5, "eu-west-1", "10:03", City="Rome")
    losses = image(5, EAST, "10:01", Email="e"), image(5, "ap-south-1", "10:02", Phone="42")
    here, there = (merged_scalar(winner, [ScalarLoss(each, winner, BY)]) for each in losses)
    assert here is not None
    assert there is not None
    assert classify_scalar(here, there, BY, EAST).finding is Finding.SCALAR
    both = merged_scalar(there, [ScalarLoss(here, there, BY)])
    assert both == image(7, "eu-west-1", "10:03", City="Rome", Email="e", Phone="42")


@pytest.mark.parametrize("version", ["12345678901234567890123456789012345677", "1e30", "-5"])
def test_a_merge_shows_a_greater_version_however_many_digits_it_has(version: str) -> None:
    lost, winner = ({**bare(1, **each), "Version": {"N": version}} for each in ({"A": "a"}, {}))
    merged = merged_scalar(winner, [ScalarLoss(lost, winner, VERSION_ALONE)]) or {}
    assert Decimal(merged["Version"]["N"]) > Decimal(version)


def test_a_version_above_which_there_is_none_is_left_to_a_person() -> None:
    lost, winner = ({**bare(1, **each), "Version": {"N": "9e125"}} for each in ({"A": "a"}, {}))
    with pytest.raises(InvalidInput, match="version"):
        merged_scalar(winner, [ScalarLoss(lost, winner, VERSION_ALONE)])
    with pytest.raises(InvalidInput, match="three"):
        ScalarVersion.of(["a", "b", "c", "d"])
