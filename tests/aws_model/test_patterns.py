"""Event filters of a DynamoDB source."""

from typing import Any

import pytest

from reconciler.aws_model.patterns import matches, passes
from reconciler.deployment.wiring import stream_filters

EVENT = {
    "eventName": "MODIFY",
    "dynamodb": {"NewImage": {"name": {"S": "Ada"}, "gone": {"NULL": True}}, "none": None},
    "tags": ["red", "green"],
}


def name(*rules: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": {"name": {"S": list(rules)}}}}


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["MODIFY"]},
        {"eventName": ["INSERT", "MODIFY"]},
        {"tags": ["green"]},
        name("Ada"),
        name({"exists": True}),
        {"dynamodb": {"OldImage": {"name": {"S": [{"exists": False}]}}}},
        {"dynamodb": {"none": [None]}},
        {"dynamodb": {"NewImage": {"gone": {"NULL": [True]}}}},
    ],
)
def test_a_pattern_matches_an_event_in_which_every_field_has_an_alternative(
    pattern: dict[str, Any],
) -> None:
    assert matches(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT"]},
        {"eventName": ["MODIFY"], "tags": ["blue"]},
        name("Bob", "Cy"),
        name({"exists": False}),
        {"dynamodb": {"NewImage": {"name": [{"exists": True}]}}},
        {"dynamodb": {"NewImage": {"gone": {"NULL": [1]}}}},
    ],
)
def test_a_pattern_refuses_an_event_in_which_a_field_has_none(pattern: dict[str, Any]) -> None:
    assert not matches(pattern, EVENT)


def test_filters_are_alternatives_and_no_filters_let_everything_through() -> None:
    assert passes([], EVENT)
    assert passes([{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}], EVENT)
    assert not passes([{"eventName": ["INSERT"]}], EVENT)


def test_an_operator_that_no_filter_of_ours_uses_is_refused_aloud() -> None:
    with pytest.raises(ValueError, match="numeric"):
        matches({"eventName": [{"numeric": [">", 1]}]}, EVENT)


@pytest.mark.parametrize("kind", ["S", "N", "B"])
def test_the_deployed_filters_drop_inserts_and_let_changes_through(kind: str) -> None:
    image = {"id": {kind: "1"}}
    filters = stream_filters("id")

    assert passes(filters, {"dynamodb": {"OldImage": image, "NewImage": image}})
    assert passes(filters, {"dynamodb": {"OldImage": image}})
    assert not passes(filters, {"dynamodb": {"NewImage": image}})
