"""Whatever is broken, at whatever place: it is set aside, its neighbours are done, nothing escapes.

Cases are drawn from seeds: one place in a record, message, letter, row or certificate is replaced,
taken away or wrapped. `-s` prints how many cases there were and how they ended.
"""

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from reconciler.causality.context import Dot
from reconciler.conflict.event import parse_certificate
from reconciler.conflict.folding import closed_lineages
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.detection.detector import Detector
from reconciler.errors import MOST_REASON, ReconcilerError, UnsupportedStream
from reconciler.item.image import read, write
from reconciler.item.metadata import context_of, decode, is_managed
from reconciler.redrive.letters import contents
from reconciler.redrive.redriver import Redriver
from reconciler.resolution.resolver import Message, Resolver
from reconciler.values.wire import canonical_image, to_json
from tests.builders import KEY, SCHEMA, Replica, assign, clock, increment
from tests.conflict.test_folding import certificate, in_turn
from tests.detection.test_detector import loss, record
from tests.redrive.desk import (
    MINE,
    NOW,
    POLICY,
    THEIRS,
    Desk,
    a_loss,
    another_loss,
    given_up,
    stored,
    told,
)

QUICK, LONG = range(100), range(100, 6_000)
amounts = pytest.mark.parametrize(
    "seeds", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)], ids=["quick", "long"]
)
BROKEN: list[Any] = [
    *(None, True, 7, -1, 1.5, "", "x", [], {}, [[]], "1" * 5_000, "9" * 16, "soon", "Infinity"),
    *("\ud800", "\x00" * 110_000, "\x1b]0;x\x07", "NaN", "-5", "٣", {"N": "Infinity"}),
    *({"B": "some data"}, {"S": 5}, {"M": ""}, {"L": "ab"}, {"SS": []}, {"NULL": 0}, {"B": 10**15}),
    *({"N": "2"}, {"S": "Z"}, {"S": "x" * 300_000}, ["nonsense"], 10**400),
    {f"use1.0{number}": {"S": "0" * 12} for number in range(9)},
    {f"use1.{number:013d}": {"S": f"{number:012d}"} for number in range(15_000)},
]


def nested(levels: int) -> Any:
    wire: Any = {"S": "deep"}
    for _ in range(levels):
        wire = {"M": {"a": wire}}
    return wire


BROKEN += [nested(31), nested(32), nested(120)]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, held in inner:
        yield (*way, name)
        if isinstance(held, dict | list):
            yield from places(held, (*way, name))


def broken(value: Any, drawn: Random) -> Any:
    """Return a copy with one place broken."""
    copy = deepcopy(value)
    *way, last = drawn.choice(list(places(copy)))
    holder = copy
    for step in way:
        holder = holder[step]
    kind = drawn.randrange(10)
    if kind == 0:
        del holder[last]
    elif kind == 1:
        holder[last] = [holder[last]]
    elif kind == 2 and isinstance(holder[last], str):
        holder[last] = holder[last][: len(holder[last]) // 2]
    elif kind == 3 and isinstance(holder, dict):
        holder[drawn.choice(["x", "\ud800", "", "\x00" * 99, "use1.Z"])] = holder.pop(last)
    else:
        holder[last] = deepcopy(drawn.choice(BROKEN))
    return copy


def as_json(value: Any) -> Any:
    """Return what arrives after a way through JSON."""
    return json.loads(to_json(value))


def check_kept(desk: Desk) -> None:
    """What was written is what the codec and DynamoDB take, and reasons are short."""
    for image in desk.items.items.values():
        canonical_image(image)
        if is_managed(image):
            decode(image)
        read(image)
    for document in desk.parked.documents:
        assert len(document["reason"]) <= MOST_REASON
        assert document["reason"].isprintable()
    for image in desk.ledger.rows.values():
        assert len(image.get("reason", {"S": ""})["S"]) <= MOST_REASON
        canonical_image(image)


def told_of(counts: Counter[str], what: str) -> None:
    print(f"\n{what}: {counts.total()} cases, {dict(counts)}")  # noqa: T201 (what -s is for)


CLEAN_PAIR = (MINE, Replica("use1", MINE).write(increment("balance", 1), at=3_000))
RECORDS = [
    loss(5),
    record(5, *CLEAN_PAIR),
    record(5, MINE, None),
    record(5, MINE, MINE | {"n": {"S": "x"}}),
]


@amounts
def test_a_broken_record_is_parked_and_its_neighbours_have_their_rows_and_events(
    seeds: range,
) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        detector = Detector(POLICY, desk.ports, lambda: NOW)
        bad = broken(drawn.choice(RECORDS), drawn)
        try:
            assert detector.detect([loss(1), bad, loss(9, name="Bob", at=1_500)]) is None, seed
        except UnsupportedStream:
            assert "_IMAGE" in str(bad) or "KEYS_ONLY" in str(bad)
            continue
        assert {"1", "9"} <= set(desk.sent()), seed
        counts[
            "parked" if desk.parked.documents else "sent" if len(desk.sent()) > 2 else "clean"
        ] += 1
        check_kept(desk)
    told_of(counts, "records")


@amounts
def test_a_broken_event_is_parked_and_its_neighbours_are_merged(seeds: range) -> None:
    counts: Counter[str] = Counter()
    good = another_loss(1)
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        desk.open_row(good)
        row = deepcopy(desk.ledger.rows[good.conflict_id])
        (work,) = contents(json.dumps({"detail": broken(a_loss().document(), drawn)}))
        event = getattr(work, "event", None)
        if event is None:
            counts["refused at the door"] += 1
            continue
        messages = [Message("good", good), Message("bad", event)]
        assert Resolver(desk.ports, lambda: NOW).resolve(messages) == [], seed
        closed = desk.ledger.rows[good.conflict_id]
        assert closed["state"] == {"S": "RESOLVED"}, seed
        assert all(
            closed[name] == row[name] for name in ("lost", "winner", "lost_dots", "item_key")
        )
        known = context_of(desk.items.items[to_json({"id": {"S": "p1"}})])
        assert all(known.covers(Dot.parse(dot)) for dot in good.lost_dots), seed
        counts["parked" if desk.parked.documents else "merged"] += 1
        check_kept(desk)
    told_of(counts, "events")


@amounts
def test_a_broken_item_stands_in_nobodys_way(seeds: range) -> None:
    """The item as it is now, in the table, with anything at any place of it."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        drawn = Random(seed)
        now = broken(as_json(THEIRS), drawn)
        if to_json(now.get("id")) != to_json(THEIRS["id"]):
            continue
        desk = Desk(current=now)
        before = deepcopy(desk.items.items)
        other = a_loss()
        failed = Resolver(desk.ports, lambda: NOW).resolve([Message("m", other)])
        assert failed == [], seed
        written = desk.items.items != before
        counts["merged" if written else "left as it is"] += 1
        if written:
            check_kept(desk)
        try:
            write(
                now,
                [assign("name", "x")],
                key=KEY,
                schema=SCHEMA,
                replica="use1",
                clock=clock(9_000, iter([1])),
            )
        except ReconcilerError:
            counts["refused to a writer"] += 1
    told_of(counts, "items")


LETTERS = [
    json.loads(told(a_loss())),
    json.loads(stored("s3://parties-evidence/aws/lambda/x")),
    given_up(loss(1), loss(2)),
    given_up(loss(1), payload=False),
    {"reason": "once", "record": loss(3)},
    {"reason": "once", "event": a_loss().document()},
    {"Type": "Notification", "Message": json.dumps(given_up(loss(1), payload=False))},
    {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}},
]


@amounts
def test_a_broken_letter_ends_in_a_result_and_reasons_are_short(seeds: range) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        result = desk.redrive(to_json(broken(drawn.choice(LETTERS), drawn)))
        assert len(result.why) <= MOST_REASON + 100, seed
        counts[result.outcome.value] += 1
        check_kept(desk)
    told_of(counts, "letters")


@amounts
def test_a_broken_row_is_shown_and_neither_sent_nor_folded_over(seeds: range) -> None:
    counts: Counter[str] = Counter()
    image = in_turn(20)
    good = as_json(ledger_row(a_loss(), State.OPEN, 1).image)
    for seed in seeds:
        drawn = Random(seed)
        held = broken(good, drawn)
        if "conflict_id" not in held or "item_key" not in held:
            continue
        try:
            row = Row.of(held)
        except ReconcilerError:
            counts["refused"] += 1
            continue
        desk = Desk(current=image)
        result = Redriver(POLICY, desk.ports, lambda: NOW).resend(row)
        counts[result.outcome.value] += 1
        assert len(result.why) <= MOST_REASON, seed
        desk.ledger.rows[row.conflict_id] = held
        Resolver(desk.ports, lambda: NOW).fold(certificate(image))
    told_of(counts, "rows")


@amounts
def test_a_broken_certificate_folds_nothing_that_does_not_stand(seeds: range) -> None:
    counts: Counter[str] = Counter()
    image = in_turn(20)
    good = certificate(image)
    assert closed_lineages(image, "use1", 4_000_000)
    for seed in seeds:
        drawn = Random(seed)
        try:
            told_so = parse_certificate(broken(as_json(json.loads(good.to_detail())), drawn))
        except ReconcilerError:
            counts["refused"] += 1
            continue
        desk = Desk(current=image)
        before = read(image)
        folded = Resolver(desk.ports, lambda: 4_000_000).fold(told_so)
        counts["folded" if folded else "left"] += 1
        (after,) = desk.items.items.values()
        assert read(after) == before
        decode(after)
    told_of(counts, "certificates")
