"""Ledger rows: what one loss looks like, whatever state it is in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.conflict.event import ConflictEvent, parse_event
from reconciler.conflict.row import (
    INLINE_BYTES,
    ITEM_KEY_BYTES,
    RETENTION_SECONDS,
    Audit,
    Progress,
    Row,
    State,
    decision_row,
    fits_inline,
    item_key,
    ledger_row,
    resolved_row,
)
from reconciler.conflict.verdict import Finding
from reconciler.errors import Undecodable
from reconciler.values.size import item_size
from reconciler.values.wire import canonical_image
from tests.builders import as_stream, assign, written
from tests.conflicts import loss_event

LOST = written(assign("name", "Ada"), assign("photo", b"\x00\xff"))
LONG: list[dict[str, Any]] = [  # as long as DynamoDB takes; their text is longer
    {"pk": {"S": "é" * 900}, "sk": {"S": "s" * 1_000}},
    {"pk": {"B": b"\xff" * 2_048}},
]


def event(**changed: Any) -> ConflictEvent:
    own = {"lost_dots": ("use1.000000000000000000000000v80",), "lost": as_stream(LOST)}
    return loss_event(**{**own, **changed})


def test_a_row_holds_the_whole_losing_image_as_dynamodb_takes_it() -> None:
    row = ledger_row(event(), State.OPEN, 3_000)
    assert row.image["lost"] == {"M": canonical_image(LOST)}
    assert row.image["lost"]["M"]["photo"] == {"B": b"\x00\xff"}


def test_a_row_says_what_was_lost_where_and_when() -> None:
    item = ledger_row(event(), State.OPEN, 3_000).image
    assert item["conflict_id"] == {"S": "c1"}
    assert item["item_key"] == {"S": '{"id":{"S":"p1"}}'}
    assert item["lost_dots"] == {"L": [{"S": "use1.000000000000000000000000v80"}]}
    assert (item["lost_at_ms"], item["state_at_ms"]) == ({"N": "1000"}, {"N": "3000"})


def test_a_row_of_a_large_image_holds_its_reference_instead() -> None:
    item = ledger_row(event(lost=None, images_ref="s3://b/c1"), State.OPEN, 3_000).image
    assert item["images_ref"] == {"S": "s3://b/c1"}
    assert "lost" not in item


@pytest.mark.parametrize("state", [State.OPEN, State.PARKED])
def test_a_row_that_somebody_must_still_act_on_never_expires(state: State) -> None:
    assert "expires" not in ledger_row(event(), state, 3_000).image


@pytest.mark.parametrize("state", [State.RESOLVED, State.ACCEPTED])
def test_a_closed_row_expires_after_the_retention(state: State) -> None:
    assert ledger_row(event(), state, 3_000).image["expires"] == {"N": str(3 + RETENTION_SECONDS)}


def test_the_retention_of_closed_rows_is_a_day_at_least() -> None:
    assert RETENTION_SECONDS >= 86_400


def test_a_closed_row_keeps_everything_that_the_open_one_had() -> None:
    opened = ledger_row(event(), State.OPEN, 3_000).image
    closed = ledger_row(parse_event(event().document()), State.RESOLVED, 4_000).image
    changed = {name for name in closed if closed[name] != opened.get(name)}
    assert changed == {"state", "state_at_ms", "expires"}
    assert opened.keys() <= closed.keys()


def test_a_row_says_why_it_was_parked_and_no_other_row_does() -> None:
    assert ledger_row(event(), State.PARKED, 1, "ItemGone: x").image["reason"] == {
        "S": "ItemGone: x"
    }
    assert "reason" not in ledger_row(event(), State.OPEN, 1).image


def test_an_image_that_is_kept_inside_leaves_room_for_the_rest_of_the_row() -> None:
    half = {"id": {"S": "p1"}, "name": {"S": "x" * (INLINE_BYTES // 2 - 100)}}
    fits = event(lost=half, winner=half)
    assert fits_inline(fits)
    assert not fits_inline(event(lost=half, winner={**half, "more": {"S": "x" * 200}}))
    assert item_size(ledger_row(fits, State.OPEN, 1).image) < 400 * 1024


@pytest.mark.parametrize("key", LONG)
def test_a_key_whose_text_is_too_long_for_a_partition_key_is_cut_to_a_readable_name(
    key: dict[str, Any],
) -> None:
    name = item_key(key)
    assert len(name.encode()) < ITEM_KEY_BYTES
    assert name.startswith('{"pk":{')
    assert item_key(as_stream(dict(reversed(key.items())))) == name  # of any region and reader


def test_long_keys_that_differ_at_their_end_only_have_names_of_their_own() -> None:
    names = {item_key({"pk": {"S": "é" * 900 + end}}) for end in ("a", "b")}
    assert len(names) == 2


def test_a_key_that_fits_keeps_the_name_under_which_its_rows_were_written() -> None:
    fits = {"id": {"S": "p" * (ITEM_KEY_BYTES - len('{"id":{"S":""}}'))}}
    row = ledger_row(event(key=fits), State.OPEN, 1).image
    assert row["item_key"] == {"S": f'{{"id":{{"S":"{fits["id"]["S"]}"}}}}'}
    assert "key" not in row


@pytest.mark.parametrize("key", LONG)
def test_a_row_under_a_cut_name_still_holds_the_event_with_its_key(key: dict[str, Any]) -> None:
    row = ledger_row(event(key=key), State.OPEN, 1).image
    assert Row.of(row).event().key == key


# Read again

DOTS = st.integers(0, 10**8).map(lambda n: f"use1.{n:018d}{n % 10:09d}")
EVENTS = st.builds(
    event,
    conflict_id=st.text("abc-", min_size=1),
    key=st.sampled_from([{}, {"id": {"S": "p1"}}, *LONG]),
    finding=st.sampled_from([each for each in Finding if each is not Finding.CLEAN]),
    ordering=st.sampled_from(["CONCURRENT", "BEFORE", "UNKNOWN"]),
    role=st.sampled_from(["home", "witness"]),
    lost_dots=st.lists(DOTS, max_size=3).map(tuple),
    lost_watermarks=st.dictionaries(st.sampled_from(["use1", "euw1"]), st.just("0" * 18)),
    restore=st.booleans(),
    lost_at_ms=st.integers(0, 2**45).map(str),
    lost=st.sampled_from([None, as_stream(LOST)]),
    images_ref=st.sampled_from([None, "s3://b/c1"]),
)
PROGRESS = st.builds(
    Progress,
    st.integers(0, 99),
    st.dictionaries(st.text("ab", min_size=1), st.sampled_from(["kept", "joined"])),
)


@given(EVENTS, st.sampled_from(State), st.integers(0, 2**45), st.text("ab"), PROGRESS)
def test_a_row_that_was_written_says_when_read_what_it_was_written_for(
    told: ConflictEvent, state: State, at_ms: int, reason: str, progress: Progress
) -> None:
    row = Row.of(ledger_row(told, state, at_ms, reason, progress).image)
    assert (row.conflict_id, row.item_key) == (told.conflict_id, item_key(told.key))
    assert (row.key, row.state, row.state_at_ms) == (canonical_image(told.key), state, at_ms)
    assert (row.finding, row.ordering, row.role) == (told.finding.value, told.ordering, told.role)
    assert (row.reason, Progress(row.attempts or 0, row.merged)) == (reason, progress)
    assert (row.lost_at_ms, row.detected_at_ms) == (int(told.lost_at_ms), 2_000)
    assert tuple(map(str, row.lost_dots or ())) == told.lost_dots
    assert row.lost_watermarks == told.lost_watermarks
    assert row.audit is None
    kept = None if told.images_ref else told.lost
    again = told.model_copy(update={"lost": kept and canonical_image(kept)})
    assert row.event() == again


@given(EVENTS)
def test_reading_a_row_changes_nothing_of_it(told: ConflictEvent) -> None:
    image = ledger_row(told, State.PARKED, 1).image
    assert Row.of(image).image == image
    assert Row.of(image) == ledger_row(told, State.PARKED, 1)


@pytest.mark.parametrize("name", ledger_row(event(), State.PARKED, 1, "why").image.keys())
@pytest.mark.parametrize("wire", [None, {"X": "?"}, {"M": 1}, {"L": [1]}, "?"])
def test_a_row_with_one_bad_attribute_still_says_the_rest(name: str, wire: Any) -> None:
    good = ledger_row(event(), State.PARKED, 1, "why")
    image = {n: v for n, v in {**good.image, name: wire}.items() if v is not None}
    if name in ("conflict_id", "item_key"):
        with pytest.raises(Undecodable) as caught:
            Row.of(image)
        assert caught.value.evidence["row"] == image
        return
    row = Row.of(image)
    assert row.image == image
    said = [row.reason == "why", row.state is State.PARKED, row.lost_at_ms == 1_000]
    assert said.count(False) <= 1


@pytest.mark.parametrize(
    "name", ["region", "table", "finding", "lost_dots", "restore", "sequence_number", "lost_at_ms"]
)
def test_a_row_that_lacks_a_part_of_its_event_has_none_and_the_error_shows_it(name: str) -> None:
    image = ledger_row(event(), State.OPEN, 1).image
    del image[name]
    with pytest.raises(Undecodable, match="not a ledger row") as caught:
        Row.of(image).event()
    assert caught.value.evidence["row"] == image


def test_a_row_in_a_state_that_this_release_does_not_know_is_in_none() -> None:
    image = ledger_row(event(), State.OPEN, 1).image
    assert Row.of({**image, "state": {"S": "ARCHIVED"}}).state is None


# What a person decided

ANN = Audit("ann", '{"name": {"take": "lost"}}', "a call", 9_000)


def test_a_resolved_row_says_who_decided_and_keeps_what_no_release_knows() -> None:
    image = {**ledger_row(event(), State.PARKED, 1, "why").image, "later": {"S": "kept"}}
    row = resolved_row(Row.of(image), ANN, "why; decided", {"name": "kept"})
    assert (row.state, row.state_at_ms, row.audit) == (State.RESOLVED, 9_000, ANN)
    assert (row.reason, row.merged) == ("why; decided", {"name": "kept"})
    assert row.image["later"] == {"S": "kept"}
    assert row.image["expires"] == {"N": str(9 + RETENTION_SECONDS)}
    assert row.event() == Row.of(image).event()


def test_the_row_of_a_decision_gives_it_back_to_a_row_that_was_written_anew() -> None:
    resolved = resolved_row(ledger_row(event(), State.PARKED, 1), ANN, "", {})
    kept = decision_row(resolved, ANN.decision)
    assert (kept.conflict_id, kept.state) == ("c1#decision", State.DECIDED)
    assert (kept.item_key, kept.audit) == (resolved.item_key, ANN)
    anew = ledger_row(event(), State.RESOLVED, 10_000)
    assert anew.with_audit_of(kept).audit == ANN
    assert anew.with_audit_of(kept).state_at_ms == 10_000


@pytest.mark.parametrize("held", ["5", "[]", '{"id": 5}', '{"id": {"B": "some data"}}'])
def test_a_row_whose_key_is_none_names_no_item(held: str) -> None:
    image = ledger_row(event(), State.PARKED, 1).image
    assert Row.of({**image, "item_key": {"S": held}}).key == {}
