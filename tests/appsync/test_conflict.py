"""What AppSync tells a conflict handler, and what is refused before anything is merged."""

from typing import Any

import pytest

from reconciler.appsync.conflict import Conflict, is_same
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from tests.appsync.conflicts import SCHEMA, event


def conflict(told: Any, schema: Schema = SCHEMA) -> Conflict:
    return Conflict.of(told, schema)


def test_key_and_appsync_s_metadata_are_no_attributes() -> None:
    found = conflict(event({"name": "Ada", "_ttl": 5}, {"name": "Eve"}))
    assert found.key == {"id": "p1"}
    assert (found.existing, found.new) == ({"name": "Ada"}, {"name": "Eve"})


@pytest.mark.parametrize("arguments", [{"name": "Eve"}, {"input": {"name": "Eve"}}])
def test_arguments_are_read_with_and_without_amplify_s_input(arguments: dict[str, Any]) -> None:
    told = event({"name": "Ada"}, {"name": "Eve"}, arguments=arguments)
    assert conflict(told).said == {"name": "Eve"}


@pytest.mark.parametrize("arguments", [None, {"id": "p1", "by": 5}, {"patch": {"loyalty": 5}}])
def test_arguments_that_name_no_attribute_say_nothing(arguments: Any) -> None:
    assert conflict(event({"loyalty": 5}, {"loyalty": 5}, arguments=arguments)).said is None


@pytest.mark.parametrize(
    ("new", "deletes"), [(None, True), ({"_deleted": True}, True), ({"name": "Eve"}, False)]
)
def test_only_what_cannot_be_an_update_is_a_delete(
    new: dict[str, Any] | None, deletes: bool
) -> None:
    told = event({"name": "Ada"}, new)
    told["resolver"]["field"] = "deleteParty"
    assert conflict(told).deletes == deletes


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"resolver": {"tableName": "others"}}, "resolver.tableName"),
        ({"resolver": None}, "resolver.tableName"),
        ({"existingItem": {"name": "Ada"}}, "existingItem: its key is id"),
        ({"existingItem": None}, "existingItem: its key is id"),
        ({"newItem": {"id": "p2"}}, "newItem: it has another key"),
        ({"newItem": ["id"]}, "newItem: it is no JSON object"),
        ({"arguments": "id"}, "arguments: it is no JSON object"),
    ],
)
def test_what_is_no_conflict_of_this_table_is_refused(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        conflict(event({"name": "Ada"}, {"name": "Eve"}, **changed))


def test_an_event_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidInput, match="JSON object"):
        conflict([])


def test_a_number_that_is_written_otherwise_and_a_truth_value_are_others() -> None:
    assert is_same({"a": 1, "b": [True]}, {"b": [True], "a": 1})
    assert not any((is_same(1, 1.0), is_same(1, True), is_same(0, False), is_same("1", 1)))
