"""The demo's judge names what is missing, from history alone."""

from typing import Any

from reconciler.conflict.row import Row
from reconciler.drills.accounting import lost_writes, unresolved
from reconciler.drills.workload import Acknowledged, PartyEdit


def did(kind: str, value: Any, saw: Any = None, party: str = "party-00") -> Acknowledged:
    return Acknowledged(PartyEdit(party, "us-east-1", kind, value), saw)


def test_points_that_are_missing_and_points_that_count_twice_are_both_named() -> None:
    once, missing, twice = did("points", 1), did("points", 10), did("points", 100)

    lost = lost_writes([once, missing, twice], {"party-00": {"loyalty": 201}})

    assert lost == [missing, twice]


def test_a_tag_and_a_contact_that_are_missing_are_named() -> None:
    kept, tag, contact = did("tag", "a"), did("tag", "b"), did("contact", "c")

    assert lost_writes([kept, tag, contact], {"party-00": {"tags": {"a"}}}) == [tag, contact]


def test_a_name_replaced_by_a_writer_who_saw_it_is_not_lost() -> None:
    first, second = did("rename", "Ada1"), did("rename", "Ada2", saw="Ada1")

    assert lost_writes([first, second], {"party-00": {"givenName": "Ada2"}}) == []


def test_a_name_that_went_back_to_the_one_it_replaced_is_lost() -> None:
    first, second = did("rename", "Ada1"), did("rename", "Ada2", saw="Ada1")

    assert lost_writes([first, second], {"party-00": {"givenName": "Ada1"}}) == [second]


def test_of_two_names_given_at_once_either_may_stay() -> None:
    here, there = did("rename", "Ada1"), did("rename", "Ada2")

    assert lost_writes([here, there], {"party-00": {"givenName": "Ada1"}}) == []


def test_a_party_tagged_by_somebody_the_deleter_did_not_see_must_stay() -> None:
    seen = did("tag", "old", party="closing-00")
    unseen = did("tag", "new", party="closing-00")
    delete = did("delete", None, saw={"old"}, party="closing-00")

    assert lost_writes([seen, unseen, delete], {}) == [unseen]
    assert lost_writes([seen, unseen, delete], {"closing-00": {"tags": {"old", "new"}}}) == []


def test_a_party_deleted_with_all_its_tags_seen_must_be_gone() -> None:
    tag = did("tag", "old", party="closing-00")
    delete = did("delete", None, saw={"old"}, party="closing-00")

    assert lost_writes([tag, delete], {"closing-00": {"tags": {"old"}}}) == [delete]
    assert lost_writes([tag, delete], {}) == []


def test_losses_that_are_not_resolved_are_told_by_reason_and_never_all_of_thousands() -> None:
    def row(number: int, state: str, reason: str = "") -> Row:
        told = {"conflict_id": f"c{number}", "item_key": f"i{number}", "region": "eu-west-1"}
        told |= {"state": state, "reason": reason}
        return Row.of({name: {"S": text} for name, text in told.items()})

    parked = [row(number, "PARKED", "ClockAhead: check NTP") for number in range(9)]

    assert unresolved([*parked, row(10, "OPEN"), row(11, "RESOLVED")]) == [
        "9 losses PARKED, ClockAhead: check NTP: i0 in eu-west-1, i1 in eu-west-1, i2 in eu-west-1,"
        " i3 in eu-west-1, i4 in eu-west-1 and others",
        "1 loss OPEN, no reason is told: i10 in eu-west-1",
    ]
