"""One message that is broken, or none of ours, stands in no other's way (D6)."""

from copy import deepcopy
from typing import Any

import pytest

from reconciler.conflict.event import parse_event
from reconciler.conflict.row import OUTCOME, State, ledger_row
from reconciler.errors import MOST_REASON, InvalidInput, Undecodable
from reconciler.item.image import read
from reconciler.resolution.repair import repaired_image
from reconciler.values.wire import Image
from tests.builders import as_stream, assign, written
from tests.conflict.test_folding import certificate, in_turn
from tests.resolution.test_resolver import ADA, EVE, World, event, ours

SPOILED: dict[str, dict[str, Any]] = {
    "a time in words": {"lost_at_ms": "soon"},
    "a time of 5,000 digits": {"lost_at_ms": "9" * 5_000},
    "a winner that is no item": {"winner": {"name": []}},
    "a lone surrogate": {"lost": {"id": {"S": "\ud800"}}},
    "a dot without sense": {"lost_dots": ["nonsense"]},
    "a watermark without sense": {"lost_watermarks": {"use1": "Z"}},
    "a key of three parts": {"key": {name: {"S": "x"} for name in "abc"}},
    "a key that is a map": {"key": {"id": {"M": {}}}},
    "an infinite number": {"lost": {"id": {"N": "Infinity"}}},
    "binary that is no base64": {"winner": {"id": {"B": "some data"}}},
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED.keys())
def test_an_event_that_is_not_of_its_form_is_no_event(spoiled: dict[str, Any]) -> None:
    with pytest.raises(Undecodable) as refused:
        parse_event(event(ADA, EVE).document() | spoiled)
    assert len(str(refused.value)) <= MOST_REASON
    assert "nonsense" not in str(refused.value)


def opened() -> tuple[World, Image]:
    """Return a world in which a real loss is open, and its row."""
    world = World()
    world.items.place(EVE)
    world.ledger.record([ledger_row(event(ADA, EVE), State.OPEN, 1)])
    (row,) = world.ledger.rows.values()
    return world, deepcopy(row)


FORGED: dict[str, dict[str, Any]] = {
    "another losing image": {"lost": as_stream(ours(2))},
    "an image of another item": {"lost": as_stream(ours(1, identifier="p2"))},
    "another id": {"conflict_id": "c1"},
    "another item's key": {"key": {"id": {"S": "p2"}}},
    "a winner of another item": {"winner": as_stream(ours(1, identifier="p2"))},
    "images too large for an event": {"winner": {"id": {"S": "p1"}, "x": {"S": "x" * 310_000}}},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_an_event_whose_parts_do_not_belong_together_is_parked_and_no_row_is_touched(
    forged: dict[str, Any],
) -> None:
    world, row = opened()
    bad = event(ADA, EVE).model_copy(update=forged)
    good = event(ours(3), EVE)
    assert world.resolve(bad, good) == []
    (document,) = world.parked.documents
    assert document["reason"].startswith("NotOurs")
    assert (world.plain() or {}) == {"id": "p1", "balance": 1_000, "tags": {"t3"}, "note": "Eve"}
    assert world.ledger.rows[row["conflict_id"]["S"]] == row
    assert world.ledger.rows[good.conflict_id]["state"] == {"S": "RESOLVED"}


def test_closing_a_row_changes_its_outcome_and_leaves_its_evidence() -> None:
    world, row = opened()
    late = event(ADA, EVE).model_copy(update={"winner": as_stream(written(assign("x", "y")))})
    assert world.resolve(late) == []
    (closed,) = world.ledger.rows.values()
    assert closed["state"] == {"S": "RESOLVED"}
    assert {name: closed[name] for name in row if name not in OUTCOME} == {
        name: wire for name, wire in row.items() if name not in OUTCOME
    }


def test_a_merge_that_fails_as_nobody_foresaw_parks_its_message_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.items.place(EVE)
    bad, good = event(ours(1), EVE), event(ours(2), EVE)

    def failing(now: Any, lost: Any, **options: Any) -> Any:
        if any("t1" in each["tags"]["SS"] for each in lost):
            raise RecursionError
        return repaired_image(now, lost, **options)

    monkeypatch.setattr("reconciler.resolution.resolver.repaired_image", failing)
    assert world.resolve(bad, good) == []
    assert [each["reason"] for each in world.parked.documents] == ["RecursionError"]
    assert (read(world.item()) or {})["balance"] == 100


def test_a_key_that_the_table_refuses_is_parked_without_an_item_and_the_others_are_done() -> None:
    world = World()
    world.items.place(EVE)
    refused = InvalidInput("GetItem: the provided key element does not match the schema")
    world.items.read_faults += [refused, refused]
    bad = event(ours(1, identifier="p2"), None)
    assert world.resolve(bad, event(ADA, EVE)) == []
    (document,) = world.parked.documents
    assert (document["event"]["key"], document["current"]) == ({"id": {"S": "p2"}}, None)
    assert (world.plain() or {})["name"] == "Ada"


@pytest.mark.parametrize("failure", [RecursionError, ValueError, InvalidInput("too large")])
def test_a_certificate_whose_fold_fails_in_any_way_folds_nothing_and_fails_nothing(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise failure

    monkeypatch.setattr("reconciler.resolution.resolver.folded_image", failing)
    world = World()
    image = in_turn(20)
    world.items.place(image)
    fresh = certificate(image, issued_at_ms=str(world.now_ms))
    assert not world.resolver.fold(fresh)
    assert world.item() == image
