"""Conflict events: versioned, strings only, the same id in every region."""

import json
import re
from typing import Any

import pytest
from hypothesis import given

from reconciler.conflict.classification import classify
from reconciler.conflict.event import ConflictEvent, conflict_id, parse_event
from reconciler.conflict.row import INLINE_BYTES, RETENTION_SECONDS, State, fits_inline, ledger_row
from reconciler.conflict.verdict import Finding
from reconciler.errors import Undecodable
from reconciler.values.wire import canonical_image
from tests.builders import Replica, as_stream, assign, increment
from tests.conflicts import judged, loss_event
from tests.strategies import ANY
from tests.world import REGIONS, played, steps

KEY = {"id": {"S": "p1"}}


def a_loss() -> tuple[Any, Any]:
    base = Replica("use1").write(assign("name", "Ada"), assign("picture", b"\x00\xff"))
    ours = Replica("use1", base).write(increment("balance", 10**37 + 1), at=2_000)
    return ours, Replica("euw1", base).write(increment("balance", 7), at=3_000)


def event(**changes: Any) -> ConflictEvent:
    old, new = a_loss()
    verdict = classify(old, new, replica="use1")
    own = {
        "conflict_id": conflict_id("parties", KEY, verdict, old),
        "role": verdict.role,
        "sequence_number": "111100000000000000000001",
        "lost_at_ms": "1700000000000",
        "detected_at_ms": "1700000000100",
        "lost": old,
        "winner": new,
    }
    return loss_event(**{**judged(verdict), **own, **changes})


def numbers_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [each for nested in value.values() for each in numbers_in(nested)]
    if isinstance(value, list):
        return [each for nested in value for each in numbers_in(nested)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_an_event_survives_the_bus_and_both_its_images_are_the_same_bytes() -> None:
    sent = event()
    received = parse_event(json.loads(sent.to_detail()))
    assert received.to_detail() == sent.to_detail()
    assert canonical_image(received.lost or {}) == canonical_image(sent.lost or {})
    assert received.finding is Finding.CONFLICT


def test_an_event_holds_no_json_number_that_a_bus_could_round() -> None:
    assert numbers_in(event().document()) == []


def test_an_event_with_a_field_of_a_later_release_is_read() -> None:
    assert parse_event({**event().document(), "later": 1}).conflict_id == event().conflict_id


@pytest.mark.parametrize("field", ["version", "role", "finding", "key", "lost_dots"])
def test_an_event_with_a_broken_field_is_undecodable_and_names_it(field: str) -> None:
    broken = {**event().document(), field: 7}
    with pytest.raises(Undecodable, match=f"not a conflict event: {field}") as caught:
        parse_event(broken)
    assert caught.value.evidence["detail"] == broken


@pytest.mark.parametrize("detail", [None, [], "text", {}])
def test_what_is_no_event_is_undecodable(detail: Any) -> None:
    with pytest.raises(Undecodable, match="not a conflict event"):
        parse_event(detail)


@given(schedule=steps(ANY))
def test_a_loss_has_the_same_id_in_every_region_and_in_any_form(schedule: list[Any]) -> None:
    images = [version.image for version in played(schedule).versions[:5]]
    for old in images:
        for new in images:
            ids = set()
            for region in REGIONS:
                verdict = classify(old, new, replica=region)
                ids.add(conflict_id("parties", KEY, verdict, old))
                again = classify(as_stream(old), as_stream(new), replica=region)
                ids.add(conflict_id("parties", as_stream(KEY), again, as_stream(old)))
            assert len(ids) == 1


def test_no_id_begins_like_an_option_of_a_command() -> None:
    old, new = a_loss()
    verdict = classify(old, new, replica="use1")
    ids = [conflict_id("parties", {"id": {"S": f"p{n}"}}, verdict, old) for n in range(500)]
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", each) for each in ids)
    assert len(set(ids)) == 500


def test_different_losses_have_different_ids() -> None:
    old, new = a_loss()
    one, other = classify(old, new, replica="use1"), classify(new, old, replica="use1")
    ids = {
        conflict_id("parties", KEY, one, old),
        conflict_id("parties", KEY, other, new),
        conflict_id("orders", KEY, one, old),
        conflict_id("parties", {"id": {"S": "p2"}}, one, old),
        conflict_id("parties", KEY, classify(old, None, replica="use1"), old),
    }
    assert len(ids) == 5


def test_two_changes_around_the_library_on_one_image_are_two_losses() -> None:
    old, _ = a_loss()
    ids = set()
    for value in ("x", "y"):
        changed = {**old, "name": {"S": value}}
        ids.add(conflict_id("parties", KEY, classify(old, changed, replica="use1"), changed))
    assert len(ids) == 2


def test_an_open_row_keeps_the_losing_image_for_ever_and_a_closed_one_for_its_retention() -> None:
    open_row = ledger_row(event(), State.OPEN, 5_000)
    assert open_row.image["lost"] == {"M": canonical_image(a_loss()[0])}
    assert "expires" not in open_row.image
    assert "expires" not in ledger_row(event(), State.PARKED, 5_000, "why").image
    closed = ledger_row(event(), State.RESOLVED, 5_000)
    assert closed.image["expires"] == {"N": str(5 + RETENTION_SECONDS)}
    assert closed.conflict_id == open_row.conflict_id


def test_a_row_says_where_a_large_image_lies_and_why_it_was_parked() -> None:
    row = ledger_row(event(lost=None, images_ref="s3://x"), State.PARKED, 5_000, "because")
    assert "lost" not in row.image
    assert row.image["images_ref"] == {"S": "s3://x"}
    assert row.image["reason"] == {"S": "because"}


def test_both_images_fit_their_row_if_their_text_has_at_most_300_kb() -> None:
    beside = len(event(lost={"a": {"S": ""}}, winner=None).images())
    for more, fits in ((0, True), (1, False)):
        lost = {"a": {"S": "x" * (INLINE_BYTES - beside + more)}}
        assert fits_inline(event(lost=lost, winner=None)) is fits
