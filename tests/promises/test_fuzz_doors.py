"""Whatever comes through a function's door or a person's answer: no traceback, neighbours done.

The handlers run as in Lambda, over ports in memory; one place of what they are handed is broken,
by seeds, as in `test_fuzz`. `-s` prints how many cases there were and how they ended.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import approve, detect, gauge, resolve
from handlers.observability import Observability
from handlers.settings import function_settings, read_settings
from reconciler.causality.context import Dot, Ordering
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.event import conflict_id, parse_event
from reconciler.conflict.fitting import check_fits, check_is_ours
from reconciler.conflict.row import Row, State, ledger_row
from reconciler.conflict.verdict import Verdict
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, function_environment
from reconciler.detection.detector import Detector
from reconciler.errors import (
    MOST_REASON,
    InvalidInput,
    NotOurs,
    ReconcilerError,
    Undecodable,
    UnsupportedStream,
)
from reconciler.feed.case import document, open_case, to_decide
from reconciler.feed.decision import decision_text
from reconciler.feed.question import Question, parse_answer, question_text
from reconciler.feed.rows import summary, with_images
from reconciler.item.metadata import context_of
from reconciler.item.schema import Schema
from reconciler.resolution.resolver import Resolver
from reconciler.values.wire import canonical_image, to_json
from tests.builders import clock, surroundings
from tests.conflict.test_folding import certificate, in_turn
from tests.detection.test_detector import loss as lost_record
from tests.handlers.conftest import Context
from tests.promises.test_fuzz import (
    BROKEN,
    RECORDS,
    amounts,
    as_json,
    broken,
    check_kept,
    told_of,
)
from tests.redrive.desk import NOW, POLICY, THEIRS, Desk, a_loss, another_loss, told

NAMES = Names("parties", "us-east-1")
ENVIRONMENT = {
    **function_environment(NAMES, parked_queue_url="https://sqs/parked"),
    "AWS_REGION": "us-east-1",
}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Desk], None]]:
    """Let the handlers work on a desk's ports."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    function_settings.cache_clear()
    settings = read_settings(ENVIRONMENT)
    time = SimpleNamespace(now_ms=lambda: NOW, is_heard=lambda: True, off_ms=lambda: 0)

    def work_on(desk: Desk) -> None:
        about = {"name": "us-east-1", "time": time, "ask_time": lambda: None, "client": sent}
        about["replica"] = lambda: "use1"
        region: Any = SimpleNamespace(**vars(desk.ports), **about)
        seen = Observability("fuzz", "parties", "us-east-1")
        region.telemetry = seen
        monkeypatch.setattr(
            detect, "_function", lambda: (Detector(POLICY, region, time.now_ms), region, seen, None)
        )
        monkeypatch.setattr(
            resolve,
            "_function",
            lambda: (settings, Resolver(region, time.now_ms), region, seen, None),
        )
        monkeypatch.setattr(gauge, "_function", lambda: (region, seen))
        monkeypatch.setattr(approve, "_function", lambda: approve.StepPorts(settings, region, seen))
        monkeypatch.setattr(approve, "connect", lambda schema, **_: opened(desk, schema))

    yield work_on
    function_settings.cache_clear()


def sent(service: str) -> Any:
    return SimpleNamespace(publish=lambda **_: None)


def opened(desk: Desk, schema: Schema) -> ReplicatedTable:
    return ReplicatedTable(
        schema,
        desk.items,
        replica=lambda: "use1",
        clock=clock(NOW, iter(range(1, 99))),
        surroundings=surroundings(lambda _: None, Random(1).random),
    )


def sqs(identifier: str, body: str) -> dict[str, Any]:
    return {
        "messageId": identifier,
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
    }


def enveloped_certificate() -> dict[str, Any]:
    detail = json.loads(certificate(in_turn(20)).to_detail())
    return {"version": "0", "detail-type": CERTIFICATE_DETAIL_TYPE, "detail": detail}


def damaged(body: Any, drawn: Random) -> str:
    """Return a body with one place broken, or broken as a text."""
    kind = drawn.randrange(8)
    if kind == 0:
        text = to_json(body)
        place = drawn.randrange(len(text))
        return drawn.choice([text[:place], text[:place] + "[" * 50_000, text + "}", "", "null"])
    return to_json(broken(body, drawn) if kind > 1 else drawn.choice(BROKEN))


@amounts
def test_a_broken_record_in_the_detectors_batch_leaves_its_neighbours_done(
    seeds: range, functions: Callable[[Desk], None]
) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        functions(desk)
        bad = drawn.choice(BROKEN) if seed % 10 == 0 else broken(drawn.choice(RECORDS), drawn)
        batch = {"Records": [lost_record(1), bad, lost_record(9, name="Bob", at=1_500)]}
        try:
            assert detect.handler(batch, Context()) == {"batchItemFailures": []}, seed
        except UnsupportedStream:
            counts["another stream"] += 1
            continue
        assert {"1", "9"} <= set(desk.sent()), seed
        counts["parked" if desk.parked.documents else "not parked"] += 1
        check_kept(desk)
    told_of(counts, "records at the detector's door")


@amounts
def test_a_broken_message_in_the_resolvers_batch_leaves_its_neighbours_done(
    seeds: range, functions: Callable[[Desk], None]
) -> None:
    counts: Counter[str] = Counter()
    good = another_loss(1)
    bodies = [json.loads(told(a_loss())), enveloped_certificate()]
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        functions(desk)
        desk.open_row(good)
        row = deepcopy(desk.ledger.rows[good.conflict_id])
        records = [sqs("bad", damaged(drawn.choice(bodies), drawn)), sqs("good", told(good))]
        drawn.shuffle(records)
        answer = resolve.handler({"Records": records}, Context())
        assert answer == {"batchItemFailures": []}, seed
        closed = desk.ledger.rows[good.conflict_id]
        assert {n: closed[n] for n in ("lost", "winner", "lost_dots", "item_key")} == {
            n: row[n] for n in ("lost", "winner", "lost_dots", "item_key")
        }
        check_kept(desk)
        if closed["state"] == {"S": "PARKED"} and fits(records, "bad"):
            counts["forged so that it fits, and the other one parked"] += 1  # README, "Who may put"
            assert good.document() in [each.get("event") for each in desk.parked.documents]
            continue
        assert closed["state"] == {"S": "RESOLVED"}, seed
        known = context_of(desk.items.items[to_json({"id": {"S": "p1"}})])
        assert all(known.covers(Dot.parse(dot)) for dot in good.lost_dots), seed
        counts["parked" if desk.parked.documents else "done"] += 1
    told_of(counts, "messages at the resolver's door")


def fits(records: list[dict[str, Any]], identifier: str) -> bool:
    """Return whether a message is an event that its region's own detector could have made."""
    (body,) = (each["body"] for each in records if each["messageId"] == identifier)
    event = parse_event(json.loads(body)["detail"])
    check_fits(event, canonical_image(event.lost or {}))
    return True


@amounts
def test_an_event_that_passes_as_ours_is_what_its_id_says(seeds: range) -> None:
    counts: Counter[str] = Counter()
    good = as_json(a_loss().document())
    for seed in seeds:
        try:
            event = parse_event(broken(good, Random(seed)))
            check_is_ours(event, "parties", "us-east-1")
            lost = canonical_image(event.lost or {})
            check_fits(event, lost)
        except (Undecodable, InvalidInput) as problem:
            counts[type(problem).__name__] += 1
            continue
        counts["passes"] += 1
        dots = tuple(map(Dot.parse, event.lost_dots))
        marks = tuple(sorted(event.lost_watermarks.items()))
        verdict = Verdict(event.finding, Ordering.SAME, dots, marks)
        assert event.conflict_id == conflict_id("parties", event.key, verdict, lost), seed
        assert all(lost.get(name) == wire for name, wire in event.key.items())
    assert counts[NotOurs.__name__]
    told_of(counts, "events held against this deployment")


ANSWERS: list[Any] = [
    {"by": "ann", "why": "a call", "take": ["name=lost", "balance=current"]},
    {"by": "ann", "take": ["all=winner"], "set": ["balance=12.5", 'note={"set": ["a"]}']},
    {"by": "ann", "set": ['name={"a": [1, {"b": null}]}', 'photo={"bytes": "AAE="}']},
    {"by": "ann", "decision": '{"name": {"value": "Bob"}, "note": {"remove": true}}'},
    {"by": "ann", "decision": '{"all": {"take": "lost"}}'},
]


def an_answer(drawn: Random) -> Any:
    """Return an answer with a place broken, of what it says in its texts, too."""
    answer = deepcopy(drawn.choice(ANSWERS))
    kind = drawn.randrange(5)
    if kind == 0:
        return drawn.choice(BROKEN)
    if kind == 1 and "set" in answer:
        name = drawn.choice(["name", "balance", "id", "_rec", "\ud800", "x" * 70_000, ""])
        answer["set"] = [f"{name}={to_json(drawn.choice(BROKEN))}"]
        return answer
    if kind == 2 and "decision" in answer:
        answer["decision"] = to_json(broken(json.loads(answer["decision"]), drawn))
        return answer
    if kind == 3:
        return {**answer, drawn.choice(["by", "why"]): drawn.choice(BROKEN)}
    return broken(answer, drawn)


@amounts
def test_a_broken_answer_is_an_answer_or_a_sentence(seeds: range) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        try:
            decision_text(parse_answer(an_answer(Random(seed))).decision)
            counts["understood"] += 1
        except InvalidInput:
            counts["refused"] += 1
    told_of(counts, "answers")


def parked(**changed: Any) -> Row:
    return ledger_row(a_loss(**changed), State.PARKED, 1, "TypeMismatch: once")


@amounts
def test_a_broken_answer_is_carried_out_or_asked_again_and_writes_nothing_broken(
    seeds: range, functions: Callable[[Desk], None]
) -> None:
    counts: Counter[str] = Counter()
    row = parked()
    for seed in seeds:
        drawn = Random(seed)
        desk = Desk()
        functions(desk)
        desk.ledger.record([row])
        before = deepcopy(desk.items.items)
        named = {"conflict_id": row.conflict_id, "item_key": row.item_key}
        case = {**named, "round": 0, "problem": "", "answer": an_answer(drawn)}
        answer = approve.handler({"action": "apply", "case": case}, Context())
        closed = Row.of(desk.ledger.rows[row.conflict_id])
        assert (closed.state is State.RESOLVED) == (not answer["waits"]), seed
        assert len(answer["problem"]) <= MOST_REASON, seed
        assert answer["problem"].isprintable(), seed
        assert bool(answer["problem"]) == answer["waits"], seed
        if answer["waits"]:
            assert desk.items.items == before, seed
        assert closed.lost == row.lost
        counts["asked again" if answer["waits"] else "carried out"] += 1
        check_kept(desk)
    told_of(counts, "answers at the approval's door")


@amounts
def test_a_broken_row_is_shown_asked_about_and_measured_and_hides_no_other(
    seeds: range, functions: Callable[[Desk], None]
) -> None:
    counts: Counter[str] = Counter()
    good = as_json(parked().image)
    other = ledger_row(another_loss(1), State.PARKED, 1)
    for seed in seeds:
        drawn = Random(seed)
        held = broken(good, drawn)
        try:
            row = Row.of(held)
        except Undecodable:
            counts["no row"] += 1
            continue
        desk = Desk()
        functions(desk)
        desk.ledger.rows = {other.conflict_id: other.image, row.conflict_id: held}
        measured = gauge.handler({}, Context())
        assert sum(measured[n] for n in ("OpenLosses", "ParkedLosses")) >= 1
        text = shown(desk, row, counts)
        assert all(each.isprintable() for each in text.split("\n")), seed
        if row.state is State.PARKED and row.conflict_id == parked().conflict_id:
            named = {"conflict_id": row.conflict_id, "item_key": row.item_key, "problem": ""}
            notify = {"token": "t", "decision_seconds": 60, "topic_arn": "arn"}
            event = {"action": "notify", "case": named, **notify}
            assert approve.handler(event, Context())["waits"], seed
        check_kept_rows(desk, other)
    told_of(counts, "rows of the feed")


def shown(desk: Desk, row: Row, counts: Counter[str]) -> str:
    """Return a row as a person is asked about it."""
    attributes, waiting = None, []
    try:
        with_images(row, desk.evidence)
        case = open_case(row, desk.items, desk.evidence, desk.ledger)
        attributes, waiting = document(case, NOW)["attributes"], to_decide(case)
        counts["shown"] += 1
    except ReconcilerError:
        counts["shown without images"] += 1
    question = Question("parties", "us-east-1", "", "t", 60, "", waiting, attributes)
    return question_text(question, summary(row, NOW))


def check_kept_rows(desk: Desk, other: Row) -> None:
    assert desk.ledger.rows[other.conflict_id] == other.image
    assert desk.items.items == {to_json({"id": {"S": "p1"}}): THEIRS}
