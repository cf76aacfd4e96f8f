"""Which index serves which filters of a list."""

from typing import Any

import pytest

from reconciler.api.answers import Refused
from reconciler.api.tmf632.filters import Index, filterable, query_of
from reconciler.api.tmf632.resources import INDIVIDUAL, ORGANIZATION


def index(name: str, *keys: str, kind: str = "S") -> Index:
    told: dict[str, Any] = {"name": name}
    for role, key in zip(("partition_key", "sort_key"), keys, strict=False):
        told[role] = {"name": key, "type": kind}
    return Index.model_validate(told)


BY_NAME = index("by-name", "familyName", "givenName")
BY_STATUS = index("by-status", "status", "title")
BY_RANK = index("by-rank", "rank", kind="N")


def test_a_filter_becomes_the_query_of_its_index() -> None:
    assert query_of({"familyName": "Byron"}, [BY_STATUS, BY_NAME], INDIVIDUAL) == {
        "IndexName": "by-name",
        "KeyConditionExpression": "#p0 = :p0",
        "ExpressionAttributeNames": {"#p0": "familyName"},
        "ExpressionAttributeValues": {":p0": "Byron"},
    }
    both = query_of({"title": "Dr", "status": "validated"}, [BY_STATUS], INDIVIDUAL)
    assert both["KeyConditionExpression"] == "#p0 = :p0 AND #p1 = :p1"
    assert both["ExpressionAttributeValues"] == {":p0": "validated", ":p1": "Dr"}


def test_an_index_that_not_all_parties_are_in_serves_only_who_asks_for_those_in_it() -> None:
    with pytest.raises(Refused) as refused:
        query_of({"status": "validated"}, [BY_STATUS, BY_NAME], INDIVIDUAL)
    assert refused.value.message == (
        "query: no index serves status; lists are filtered by status and title;"
        " familyName; familyName and givenName"
    )
    with pytest.raises(Refused):
        query_of({"familyName": "Byron"}, [BY_NAME], ORGANIZATION)  # which has no given name
    assert filterable([BY_NAME, BY_RANK], ORGANIZATION) == ["familyName", "givenName", "rank"]


def test_a_filter_is_of_the_type_of_its_key() -> None:
    asked = query_of({"rank": "7"}, [BY_RANK], INDIVIDUAL)
    assert asked["ExpressionAttributeValues"] == {":p0": 7}
    for text in ("seven", ""):
        with pytest.raises(Refused) as refused:
            query_of({"rank": text}, [BY_RANK], INDIVIDUAL)
        assert refused.value.message.startswith("query: rank: this key attribute")


def test_without_indexes_nothing_is_filtered() -> None:
    with pytest.raises(Refused) as refused:
        query_of({"a\n": "x"}, [], INDIVIDUAL)
    assert refused.value.message == ("query: no index serves a\\n; lists are filtered by nothing")
