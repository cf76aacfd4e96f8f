"""Whatever stops or refuses a run, at whatever call: the next run finishes, and nothing is lost."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.conflict.event import ConflictEvent
from reconciler.item.image import read
from reconciler.redrive.drain import HIDDEN_SECONDS, OPEN_LONG_MS, SET_ASIDE, Filter, Pace
from reconciler.redrive.outcome import RedriveOutcome, Result
from reconciler.resolution.resolver import Message, Resolver
from tests.fakes import REFUSED, Call
from tests.redrive.desk import (
    BATCH,
    NOW,
    POISON,
    QUEUE,
    Desk,
    a_loss,
    another_loss,
    given_up,
    lost,
    stored,
    told,
)

RESOLVE, PARKED = "parties-resolve-dlq", "parties-parked"
QUEUES = (QUEUE, RESOLVE, PARKED)


class Broken(BaseException):
    """The process is gone."""


class Faulty(list[Call]):
    """A log of calls at whose n-th one the call is refused, or the process dies before it."""

    def __init__(self, desk: Desk, at: int, *, dies: bool) -> None:
        super().__init__()
        self._desk, self._at, self._dies = desk, at, dies

    def append(self, call: Call) -> None:
        super().append(call)
        if len(self) != self._at:
            return
        if self._dies:
            raise Broken
        if call.name in ("record", "set_state"):
            self._desk.ledger.refuses.appendleft(set)
        elif call.name == "publish":
            self._desk.bus.refuses.appendleft(set)
        else:
            raise REFUSED


def region() -> Desk:
    """Return a region in which work of every shape waits."""
    desk = Desk()
    desk.place_batch(lost(1), POISON, lost(2, points=2))
    desk.letters.send(QUEUE, stored(BATCH))
    desk.letters.send(QUEUE, json.dumps(given_up(lost(3, points=3))))
    desk.letters.send(RESOLVE, told(a_loss()))
    desk.letters.send(PARKED, json.dumps({"reason": "once", "record": lost(4, points=4)}))
    dropped = another_loss(5)
    desk.open_row(dropped)
    return desk


def run(desk: Desk, **options: Any) -> list[tuple[str, str, RedriveOutcome]]:
    """Drain everything; return what was told."""
    heard: list[tuple[str, str, RedriveOutcome]] = []

    def hear(queue: str, about: str, result: Result) -> None:
        heard.append((queue, about, result.outcome))

    drain = desk.drain(hear=hear, **options)
    drain.queues(QUEUES)
    drain.leftovers()
    return heard


def resolve(desk: Desk, events: Sequence[ConflictEvent]) -> Any:
    """Let the resolver take what was sent; return the item as readers see it."""
    messages = [Message(str(number), event) for number, event in enumerate(events)]
    assert Resolver(desk.ports, lambda: desk.now).resolve(messages) == []
    (item,) = desk.items.items.values()
    return read(item)


def finished(desk: Desk) -> dict[str, Any]:
    """Return what a region has come to, once the resolver took all that was sent."""
    return {
        "item": resolve(desk, desk.bus.sent),
        "rows": {name: row["state"]["S"] for name, row in desk.ledger.rows.items()},
        "waiting": [desk.letters.bodies(queue) for queue in QUEUES],
        "set aside": desk.set_aside.is_empty(),
        "parked": json.dumps(POISON)
        in map(json.dumps, (d["record"] for d in desk.parked.documents)),
    }


_healthy = region()
run(_healthy)
CALLS = range(1, len(_healthy.log) + 1)
WHOLE = finished(_healthy)


def test_a_run_that_nothing_disturbs_repairs_everything() -> None:
    assert WHOLE["item"] == {
        "id": "p1",
        "name": "Ada",
        "note": "Eve",
        "balance": 5 + 1 + 2 + 3 + 4 + 5,
    }
    assert sorted(WHOLE["rows"].values()) == ["PARKED", *["RESOLVED"] * 7]
    assert WHOLE["waiting"] == [[], [], []]
    assert WHOLE["set aside"]
    assert WHOLE["parked"]


def disturbed(at: int, *, dies: bool) -> Desk:
    desk = region()
    log = Faulty(desk, at, dies=dies)
    for port in vars(desk.ports).values():
        if not isinstance(port, str | tuple):  # codes of replicas
            port.log = log
    return desk


@pytest.mark.parametrize("at", CALLS)
def test_whatever_call_is_refused_the_next_run_finishes_and_nothing_counts_twice(at: int) -> None:
    desk = disturbed(at, dies=False)
    try:
        run(desk)
    except type(REFUSED):
        assert desk.letters.log[-1].name in ("receive", "references", "in_state", "keep")
    desk.sleep(OPEN_LONG_MS / 1000)
    run(desk)
    assert finished(desk) == WHOLE


@pytest.mark.parametrize("at", CALLS)
def test_whatever_call_the_process_dies_at_the_next_run_finishes(at: int) -> None:
    desk = disturbed(at, dies=True)
    with pytest.raises(Broken):
        run(desk)
    desk.sleep(OPEN_LONG_MS / 1000)
    run(desk)
    assert finished(desk) == WHOLE


def test_a_dry_run_writes_nothing_and_says_what_the_real_run_then_does() -> None:
    desk = region()
    rows, batches = dict(desk.ledger.rows), dict(desk.set_aside.documents)
    said = run(desk, execute=False)
    reads = {"receive", "get", "fetch", "read", "references", "in_state", "rows_of", "is_empty"}
    writes = [call for call in desk.log if call.name not in reads and not _hides(call)]
    assert writes == []
    assert (desk.ledger.rows, desk.set_aside.documents) == (rows, batches)
    assert said == run(desk)


def _hides(call: Call) -> bool:
    return call.name == "keep" and call.about[0].startswith("m")  # a message, not evidence


# Stopped, late, slow


def letters(*bodies: Any) -> Desk:
    made = Desk()
    for body in bodies:
        made.letters.send(QUEUE, body if isinstance(body, str) else json.dumps(body))
    return made


def shown(made: Desk) -> int:
    return len(made.letters.receive(QUEUE, 10, 0))


def test_a_run_that_is_stopped_shows_what_it_did_not_begin_at_once() -> None:
    made = letters(*(given_up(lost(number, points=number)) for number in range(1, 6)))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.drain(hear=stop).queues([QUEUE])
    assert shown(made) == len(made.letters.bodies(QUEUE)) == 4
    made.drain().queues([QUEUE])
    assert made.letters.bodies(QUEUE) == []


def test_letters_that_come_back_do_not_hide_those_that_were_not_seen_yet() -> None:
    made = letters(*["garbage"] * 10, *(told(a_loss()) for _ in range(3)))

    heard: list[str] = []

    def slow(queue: str, about: str, result: Result) -> None:
        heard.append(about)
        if len(heard) == 10:
            made.sleep(HIDDEN_SECONDS + 1)  # the first ten show again, before the others

    made.drain(hear=slow).queues([QUEUE])
    assert set(made.letters.bodies(QUEUE)) == {"garbage"}


def test_unwanted_letters_take_no_turn_and_no_place() -> None:
    made = letters(*["garbage"] * 20, told(a_loss()))
    drain = made.drain(wanted=Filter(key="p1"), pace=Pace(rate=1, most=1))
    drain.queues([QUEUE])
    assert drain.tally.counts[RedriveOutcome.REDRIVEN] == 1
    assert made.now == NOW


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"message":' * 50_000,
        '{"document_ref": "memory://itself"}',
        '{"document_ref": 5}',
        "\ud800",
        '{"record": {"dynamodb": 7}}',
        '{"record": null}',
    ],
    ids=["deep", "nested", "circle", "reference", "surrogate", "record", "null"],
)
def test_garbage_stays_for_a_person_and_the_others_are_done(body: str) -> None:
    made = letters(body, told(a_loss()))
    made.evidence.put("itself", '{"document_ref": "memory://itself"}')
    drain = made.drain()
    drain.queues([QUEUE])
    assert drain.tally.counts[RedriveOutcome.REDRIVEN] == 1
    assert made.letters.bodies(QUEUE) == [body]


def test_a_record_that_can_never_be_safe_is_parked_whole_and_its_batch_goes_on() -> None:
    """Each has a row and a parked document of its own, so the letter is not needed any more."""
    garbage = ["no record", None, {"dynamodb": None}, {}, {"dynamodb": 7}]
    batch = given_up(lost(1)) | {"payload": json.dumps({"Records": [*garbage, lost(1)]})}
    made = letters(batch)
    drain = made.drain()
    drain.queues([QUEUE])
    assert drain.tally.counts[RedriveOutcome.POISON] == 1
    assert made.letters.bodies(QUEUE) == []
    assert [each["record"] for each in made.parked.documents] == garbage
    assert sorted(made.ledger.states()) == ["OPEN", *["PARKED"] * 5]
    assert made.sent() == ["1"]


def test_garbage_set_aside_does_not_hold_up_the_other_batches() -> None:
    made = Desk()
    made.place_batch(lost(1))
    made.set_aside.documents["memory://a"] = json.dumps({"DDBStreamBatchInfo": 1, "payload": "[1]"})
    made.set_aside.documents["memory://b"] = "\ud800"
    made.drain().leftovers()
    assert sorted(made.set_aside.documents) == ["memory://a", "memory://b"]


def test_what_no_letter_speaks_of_is_done_once_a_run_and_at_its_rate() -> None:
    made = Desk()
    for number in range(3):
        made.open_row(another_loss(number + 1))
    drain = made.drain(pace=Pace(rate=2))
    for _ in range(2):
        drain.leftovers()
    expected = [another_loss(number + 1).identifier for number in range(3)]
    assert [event.identifier for event in made.bus.sent] == expected
    assert made.now - NOW == 1_000


def test_a_loss_that_was_found_late_does_not_hide_an_older_row() -> None:
    made = Desk()
    found_late, late = another_loss(1, lost_at_ms="1"), another_loss(2, lost_at_ms="2")
    made.open_row(found_late, at_ms=NOW - OPEN_LONG_MS + 1)
    made.open_row(late, at_ms=NOW - OPEN_LONG_MS)
    made.drain().leftovers()
    assert [event.identifier for event in made.bus.sent] == [late.identifier]


def test_the_time_and_the_most_hold_for_what_no_letter_speaks_of() -> None:
    for pace, sent in ((Pace(most=1), 1), (Pace(until_ms=NOW), 0)):
        made = Desk()
        for number in range(3):
            made.open_row(another_loss(number + 1))
        made.place_batch(lost(1))
        drain = made.drain(pace=pace)
        drain.leftovers()
        assert drain.tally.counts.total() == sent
        assert drain.tally.by_queue.keys() <= {SET_ASIDE}
