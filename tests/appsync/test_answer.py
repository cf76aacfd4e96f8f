"""The three answers, and when each is given: golden invocations and what they are answered."""

from typing import Any

import pytest

from reconciler.appsync.answer import DELETED, KEPT, OF_THE_LIBRARY
from reconciler.item.schema import Schema
from tests.appsync.conflicts import SCHEMA, judged

DELETES_WIN = Schema.of(table="parties", key=["id"], delete="delete_wins")


def test_a_merged_item_is_the_answer_s_item() -> None:
    answer = judged({"name": "Ada", "tags": ["a"]}, {"name": "Eve", "tags": ["b"]}).answer()
    item = {"id": "p1", "name": "Eve", "tags": ["a", "b"]}
    assert answer == {"action": "RESOLVE", "item": item}


def test_a_refusal_has_no_item_for_appsync_gives_the_client_the_one_there_is() -> None:
    assert judged({"loyalty": 1}, {"loyalty": 2}).answer() == {"action": "REJECT"}


@pytest.mark.parametrize("policy", ["types", "automerge"])
@pytest.mark.parametrize("reserved", ["_rec", "_rec_w", "_rec_ttl"])
def test_an_item_of_the_library_is_never_replaced(policy: Any, reserved: str) -> None:
    found = judged({"name": "Ada", reserved: {}}, {"name": "Eve"}, policy=policy)
    assert (found.answer(), found.reasons) == ({"action": "REJECT"}, {"": OF_THE_LIBRARY})


def test_a_delete_stands_where_the_schema_says_that_deletes_win() -> None:
    assert judged({"name": "Ada"}, None, schema=DELETES_WIN).answer() == {"action": "REMOVE"}
    found = judged({"name": "Ada"}, None)
    assert (found.answer(), found.reasons) == ({"action": "REJECT"}, {"": KEPT})


def test_automerge_removes_nothing() -> None:
    found = judged({"name": "Ada"}, None, schema=DELETES_WIN, policy="automerge")
    assert found.action == "REJECT"


@pytest.mark.parametrize("new", [None, {"name": "Eve"}])
@pytest.mark.parametrize("schema", [SCHEMA, DELETES_WIN])
def test_an_item_that_was_deleted_meanwhile_is_not_brought_back(new: Any, schema: Schema) -> None:
    found = judged({"name": "Ada", "_deleted": True}, new, schema=schema)
    assert (found.action, found.reasons) == ("REJECT", {"": DELETED})
