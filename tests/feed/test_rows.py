"""The feed's pure side: which rows are chosen, and what each image says of the item."""

import json
from decimal import Decimal
from typing import Any

import pytest

from reconciler.conflict.row import Row, State
from reconciler.errors import InvalidInput, Undecodable
from reconciler.feed.case import document, open_case
from reconciler.feed.rows import (
    Side,
    Wanted,
    images_of,
    item_key_of,
    loss_named,
    losses,
    side_of,
    summary,
    three_way,
    with_images,
)
from reconciler.item.image import DELETE
from reconciler.text.durations import duration_text
from tests.builders import SCHEMA, Replica, add, assign, increment, written
from tests.conflicts import FeedLedger, loss, unknown_loss
from tests.fakes import FakeEvidence, FakeItems, FakeLedger

LOST = written(assign("name", "Ada"), add("tags", "vip"), replica="use1")
WINNER = written(assign("name", "Eve"), increment("balance", 5), replica="euw1", at=2_000)


def ledger(*rows: Row) -> FeedLedger:
    found = FeedLedger()
    found.rows = {row.conflict_id: row.image for row in rows}
    return found


def ids(found: FeedLedger, wanted: Wanted) -> list[str]:
    return [row.conflict_id for row in losses(found, wanted)]


def row(name: str, state: State = State.OPEN, /, at: int = 1_000, **changed: Any) -> Row:
    return loss(LOST, WINNER, state, conflict_id=name, lost_at_ms=str(at), **changed)


def test_open_and_parked_losses_are_listed_the_oldest_first() -> None:
    found = ledger(
        row("c3", at=3_000), row("c1", State.PARKED, at=1_000), row("c2", State.RESOLVED, at=2_000)
    )
    assert ids(found, Wanted()) == ["c1", "c3"]


def test_states_times_and_a_limit_narrow_the_list() -> None:
    found = ledger(*(row(f"c{at}", at=at) for at in (1, 2, 3, 4)), row("c0", State.RESOLVED, at=0))
    assert ids(found, Wanted(since_ms=2, until_ms=3)) == ["c2", "c3"]
    assert ids(found, Wanted(limit=2)) == ["c1", "c2"]
    assert ids(found, Wanted(states=[State.RESOLVED])) == ["c0"]


def test_a_reason_is_found_by_a_part_of_it_in_either_case() -> None:
    found = ledger(
        row("c1", reason="ClockAhead: check NTP"), row("c2", reason="ItemGone"), row("c3")
    )
    assert ids(found, Wanted(reason="clockahead")) == ["c1"]


def test_the_losses_of_one_item_are_found_by_its_plain_key_and_still_filtered() -> None:
    other = row("c2", key={"id": {"S": "p2"}})
    found = ledger(row("c1", at=2), other, row("c3", State.RESOLVED), row("c4", at=1))
    assert ids(found, Wanted(item_key=item_key_of('{"id": "p1"}'))) == ["c4", "c1"]
    assert "in_state" not in found.names()


def test_a_key_that_is_no_object_is_refused_with_the_fix() -> None:
    for text in ("p1", "[1]", "{}"):
        with pytest.raises(InvalidInput, match="--key"):
            item_key_of(text)


def test_a_loss_is_found_by_its_name_and_read_consistently() -> None:
    found = ledger(row("c1", State.ACCEPTED), row("c2"))
    stale = dict(found.rows["c1"])
    found.rows["c1"] = row("c1", State.ACCEPTED, reason="as it is now").image
    found.index = [stale]
    assert loss_named(found, "c1").reason == "as it is now"


def test_a_loss_is_found_by_its_item_without_a_search() -> None:
    found = ledger(row("c1"), row("c2"))
    found.log.clear()
    assert loss_named(found, "c2", item_key=row("c2").item_key).conflict_id == "c2"
    assert "in_state" not in found.names()
    with pytest.raises(InvalidInput, match="no loss 'c2'"):
        loss_named(found, "c2", item_key="another item")


def test_a_search_for_a_loss_ends_after_the_most_rows_of_each_state() -> None:
    found = ledger(*(row(f"c{number}", at=number) for number in range(1, 5)))
    assert loss_named(found, "c2", most=2).conflict_id == "c2"
    with pytest.raises(InvalidInput, match="no loss 'c3'"):
        loss_named(found, "c3", most=2)


def test_a_loss_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no loss 'c9'"):
        loss_named(ledger(row("c1")), "c9")


def test_images_are_read_from_the_row_or_from_the_evidence() -> None:
    evidence = FakeEvidence()
    inline = row("c1")
    kept = evidence.put("c1", inline.event().images())
    by_reference = row("c1", lost=None, winner=None, images_ref=kept)
    assert images_of(inline, evidence) == (LOST, WINNER)
    assert images_of(by_reference, evidence) == (LOST, WINNER)


def test_an_exported_row_has_its_images_inside_wherever_they_are_kept() -> None:
    evidence = FakeEvidence()
    kept = evidence.put("c1", row("c1").event().images())
    exported = with_images(row("c1", lost=None, winner=None, images_ref=kept), evidence)
    assert (exported["lost"], exported["winner"]) == ({"M": LOST}, {"M": WINNER})


def test_an_undecodable_record_has_no_images_even_if_its_bytes_are_kept() -> None:
    evidence = FakeEvidence()
    kept = evidence.put("u1", json.dumps({"record": {"dynamodb": {}}}))
    assert images_of(unknown_loss("u1"), evidence) == (None, None)
    assert images_of(unknown_loss("u1", images_ref=kept), evidence) == (None, None)


def test_evidence_that_is_no_document_is_told_with_its_reference() -> None:
    evidence = FakeEvidence()
    kept = evidence.put("c1", "gone")
    with pytest.raises(Undecodable, match="memory://c1"):
        images_of(row("c1", lost=None, winner=None, images_ref=kept), evidence)


def test_an_image_shows_its_attributes_without_key_and_metadata() -> None:
    side = side_of({**LOST, "_rec_ttl": {"N": "9"}}, ["id"])
    assert side == Side({"name": {"S": "Ada"}, "tags": {"SS": ["vip"]}})


def test_a_deleted_item_shows_the_values_it_held_and_that_it_is_deleted() -> None:
    replica = Replica("use1", LOST)
    side = side_of(replica.write(DELETE, at=3_000), ["id"])
    assert side == Side({"name": {"S": "Ada"}, "tags": {"SS": ["vip"]}}, deleted=True)
    assert side.shows("name") is None


def test_a_deleted_item_shows_the_users_time_to_live_and_not_its_own() -> None:
    schema = SCHEMA.model_copy(update={"ttl_attribute": "until"})
    replica = Replica("use1", LOST)
    replica.write(assign("until", 5), at=2_500)
    gone = replica.write(DELETE, at=3_000, schema=schema)
    side = side_of(gone, ["id"])
    assert side is not None
    assert side.deleted
    assert side.values["until"] == {"N": "5"}
    assert side_of({**gone, "name": {"S": "Eve"}}, ["id"]) == Side({"name": {"S": "Eve"}})


def test_an_image_with_unreadable_metadata_still_shows_its_attributes() -> None:
    side = side_of({"id": {"S": "p1"}, "name": {"S": "Ada"}, "_rec": {"S": "?"}}, ["id"])
    assert side == Side({"name": {"S": "Ada"}})


def test_attributes_differ_if_the_images_there_are_do_not_agree() -> None:
    sides = {
        "lost": Side({"a": {"N": "1"}, "b": {"N": "1"}, "c": {"N": "1"}}),
        "winner": None,
        "current": Side({"a": {"N": "1"}, "b": {"BOOL": True}}),
    }
    rows = three_way(sides, Side({"d": {"S": "new"}}), {"b": "joined"})
    assert {each.name: each.differs for each in rows} == {
        "a": False,
        "b": True,
        "c": True,
        "d": False,
    }
    assert (rows[1].merge, rows[3].after) == ("joined", {"S": "new"})


def test_a_summary_has_plain_values_and_no_image() -> None:
    row_ = row("c1", State.PARKED, reason="ClockAhead", key={"id": {"S": "p1"}, "n": {"N": "1.5"}})
    told = summary(row_, 4_000)
    assert (told["age_ms"], told["state"], told["reason"]) == (3_000, "PARKED", "ClockAhead")
    assert told["key"] == {"id": "p1", "n": Decimal("1.5")}
    assert not {"lost", "winner"} & told.keys()


def test_a_row_whose_time_nobody_can_read_is_shown_with_an_age_that_nobody_knows() -> None:
    bad = Row.of({**row("c1", State.PARKED).image, "lost_at_ms": {"N": "1.5"}})
    told = summary(bad, 4_000)
    assert told["age_ms"] is None
    assert duration_text(told["age_ms"]) == "?"


def test_the_three_way_view_says_what_a_merge_would_make_of_the_item_now() -> None:
    items = FakeItems()
    items.place(WINNER)
    told = document(open_case(row("c1"), items, FakeEvidence(), FakeLedger()), 5_000)
    assert told["attributes"] == [
        {
            "attribute": "balance",
            "winner": 5,
            "current": 5,
            "if_resolved_now": 5,
            "differs": True,
            "merge": "",  # the lost write was not about it
        },
        {
            "attribute": "name",
            "lost": "Ada",
            "winner": "Eve",
            "current": "Eve",
            "if_resolved_now": "Eve",
            "differs": True,
            "merge": "overridden",
        },
        {
            "attribute": "tags",
            "lost": {"vip"},
            "if_resolved_now": {"vip"},
            "differs": True,
            "merge": "kept",
        },
    ]
    assert told["if_resolved_now"] == {"writes": True, "deleted": False, "problem": ""}
    assert items.names() == ["get"]


def test_the_three_way_view_of_an_item_that_is_gone_says_so() -> None:
    told = document(open_case(row("c1"), FakeItems(), FakeEvidence(), FakeLedger()), 5_000)
    assert told["deleted"] == {"lost": False, "winner": False, "current": None}
    assert told["if_resolved_now"]["problem"].startswith("ItemGone: ")


def test_the_three_way_view_of_an_undecodable_record_reads_no_item_without_a_key() -> None:
    items = FakeItems()
    told = document(
        open_case(unknown_loss("u1", key={}), items, FakeEvidence(), FakeLedger()), 5_000
    )
    assert (told["attributes"], items.names()) == ([], [])
    assert told["if_resolved_now"]["problem"] == "the row has no losing image"


def test_a_loss_of_an_item_with_a_very_long_key_is_found_and_shown_by_it() -> None:
    key = {"id": "é" * 1_000}
    found = ledger(row("c1", key={"id": {"S": key["id"]}}))
    assert ids(found, Wanted(item_key=item_key_of(json.dumps(key)))) == ["c1"]
    assert summary(Row.of(found.rows["c1"]), 3_000)["key"] == key
