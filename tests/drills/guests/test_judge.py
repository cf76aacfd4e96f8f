"""The judge of the guests drill says what is not as a client was told, by plain values alone."""

from typing import Any

import pytest

from reconciler.drills.guests.judge import bytes_of, findings, left_alone, strangers
from reconciler.drills.guests.writes import ALONE, LIBRARY, ONE_SIDE, RAW, Answered, Item, Write

US, EU = "us-east-1", "eu-west-1"
SHARED = Item("one-0", ONE_SIDE)
RAW_ALONE = Item("alone-0", ALONE)


def done(verb: str, mark: int, *, saw: bool = True) -> Answered:
    return Answered(Write(SHARED, US, LIBRARY, 0, verb, mark), "library", saw=saw)


HISTORY = [
    *(done("increment", 1), done("increment", 10)),
    *(done("add", 1), done("add", 2), done("discard", 2)),
    *(done("assign", 3), done("assign", 4), done("remove", 4)),
]
RIGHT: dict[str, Any] = {
    "id": {"S": "one-0"},
    "points": {"N": "11"},
    "tags": {"SS": ["t1"]},
    "a3": {"S": "t3"},
    "_rec": {"M": {}},
}


def found(item: dict[str, Any], history: list[Answered] = HISTORY) -> list[tuple[str, str, int]]:
    return [
        (each.what, each.answered.write.verb, each.answered.write.mark)
        for each in findings(history, item)
    ]


def test_an_item_that_shows_what_was_acknowledged_has_no_finding() -> None:
    assert found(RIGHT) == []
    assert strangers(HISTORY, RIGHT) == []


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"points": {"N": "1"}}, ("lost", "increment", 10)),
        ({"points": {"N": "21"}}, ("counted twice", "increment", 10)),
        ({"tags": {"SS": []}}, ("lost", "add", 1)),
        ({"tags": {"SS": ["t1", "t2"]}}, ("undone", "discard", 2)),
        ({"a3": {"S": "other"}}, ("lost", "assign", 3)),
        ({"a4": {"S": "t4"}}, ("undone", "remove", 4)),
    ],
)
def test_each_write_whose_effect_is_wrong_is_named(
    wrong: dict[str, Any], finding: tuple[str, str, int]
) -> None:
    assert found({**RIGHT, **wrong}) == [finding]


def test_an_item_that_is_gone_has_lost_all_that_was_made() -> None:
    assert {what for what, *_ in found({})} == {"lost"}
    assert len(found({})) == 4


@pytest.mark.parametrize("members", [[], ["t1"]])
def test_a_discard_that_saw_no_member_may_or_may_not_take_it(members: list[str]) -> None:
    history = [done("add", 1), done("discard", 1, saw=False)]

    assert found({"tags": {"SS": members}}, history) == []


def test_what_nobody_wrote_is_a_stranger() -> None:
    item = {**RIGHT, "a9": {"S": "t9"}, "tags": {"SS": ["t1", "t8"]}}

    assert strangers(HISTORY, item) == ["a9", "t8"]


def test_a_spelling_makes_no_other_item() -> None:
    one: dict[str, Any] = {"n": {"N": "1.0"}, "s": {"SS": ["a", "b"]}, "m": {"M": {"x": {"L": []}}}}
    same: dict[str, Any] = {"m": {"M": {"x": {"L": []}}}, "s": {"SS": ["b", "a"]}, "n": {"N": "1"}}

    assert bytes_of(one) == bytes_of(same)
    assert bytes_of(one) != bytes_of({**same, "_rec": {"M": {}}})
    assert bytes_of(None) != bytes_of({})


def left(number: int | None) -> dict[str, Any] | None:
    return None if number is None else {"id": {"S": "alone-0"}, "points": {"N": str(number)}}


def raw(number: int | None, region: str) -> Answered:
    return Answered(Write(RAW_ALONE, region, RAW, 0, "put", 1), "boto3", left=left(number))


WRITES = [raw(1, US), raw(None, EU), raw(2, EU)]


def alone(shown: list[int], *seen: list[int | None]) -> list[str]:
    """Judge an item by the number that each region shows, and those that each stream shows."""
    replicas = dict(zip((US, EU), map(left, shown), strict=True))
    images = {region: [*map(left, numbers)] for region, numbers in zip((US, EU), seen, strict=True)}
    return left_alone(WRITES, replicas, images)


def test_the_last_write_of_raw_clients_stands_whole() -> None:
    assert alone([2, 2], [1, 2], [None, 2]) == []


def test_a_region_that_shows_another_item_than_the_last_is_named() -> None:
    assert alone([1, 2], [1], [None, 2]) == [
        "alone-0 in us-east-1 is not as the last write left it"
    ]


@pytest.mark.parametrize("changes", [[1, 2, 1, 2], [1, 3, 2], [1, None, None, 2]])
def test_an_image_that_comes_up_once_too_often_was_written_back(
    changes: list[int | None],
) -> None:
    (problem, *rest) = alone([2, 2], changes, [2])

    assert problem.startswith("alone-0 in us-east-1: ")
    assert problem.endswith("that no client made")
    assert rest == []
