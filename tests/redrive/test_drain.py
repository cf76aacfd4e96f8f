"""Queues are worked off: a message goes only when its work is done, and shows again if it stays."""

import json
from typing import Any

import pytest

from reconciler.redrive.drain import HIDDEN_SECONDS, OPEN_LONG_MS, Drain, Filter, Pace
from reconciler.redrive.outcome import RedriveOutcome, Result
from tests.fakes import REFUSED
from tests.redrive.desk import NOW, POISON, QUEUE, Desk, a_loss, another_loss, given_up, lost, told

OTHER = "parties-resolve-dlq"


def desk(*bodies: Any, queue: str = QUEUE) -> Desk:
    made = Desk()
    for body in bodies:
        made.letters.send(queue, body if isinstance(body, str) else json.dumps(body))
    return made


def counts(drain: Drain) -> dict[str, int]:
    return {outcome.value: count for outcome, count in drain.tally.counts.items() if count}


def shown(made: Desk, queue: str = QUEUE) -> int:
    """Return how many letters somebody else would receive now."""
    return len(made.letters.receive(queue, 10, 0))


def test_a_message_is_deleted_after_its_work_and_never_before() -> None:
    made = desk(given_up(lost(1)))
    drain = made.drain()
    drain.queues([QUEUE])
    assert made.letters.bodies(QUEUE) == []
    names = made.calls()
    assert names.index("record") < names.index("publish") < names.index("delete")
    assert counts(drain) == {"redriven": 1}


def test_a_message_whose_work_is_refused_stays_and_shows_again_at_once() -> None:
    made = desk(given_up(lost(1)))
    made.bus.refuses.append(set)
    drain = made.drain()
    drain.queues([QUEUE])
    assert (counts(drain), shown(made)) == ({"left": 1}, 1)
    assert [result.outcome for _, result in drain.left] == [RedriveOutcome.LEFT]
    made.drain().queues([QUEUE])
    assert made.letters.bodies(QUEUE) == []


def test_a_dry_run_deletes_nothing_and_shows_every_message_again() -> None:
    made = desk(given_up(lost(1)), told(a_loss()), "garbage")
    drain = made.drain(execute=False)
    drain.queues([QUEUE])
    assert counts(drain) == {"redriven": 2, "poison": 1}
    assert shown(made) == 3
    assert "delete" not in made.calls()
    assert made.ledger.rows == {}


def test_a_message_is_hidden_from_others_while_it_is_worked_on() -> None:
    made = desk(given_up(*(lost(number, points=number) for number in range(1, 9))))
    hidden = []

    def slow() -> None:
        made.sleep(HIDDEN_SECONDS * 0.6)
        hidden.append(shown(made))

    made.ledger.faults.extend([slow] * 8)
    made.drain().queues([QUEUE])
    assert hidden == [0] * 8
    assert made.letters.bodies(QUEUE) == []


def test_a_poison_message_does_not_hold_up_the_others() -> None:
    made = desk("garbage", told(a_loss()), {"reason": "once", "record": POISON})
    drain = made.drain()
    drain.queues([QUEUE])
    assert counts(drain) == {"poison": 2, "redriven": 1}
    assert len(made.letters.bodies(QUEUE)) == 2


def test_a_message_that_comes_back_in_the_same_run_is_not_done_twice() -> None:
    made = desk("garbage", told(a_loss()))
    about: list[str] = []

    def hear(queue: str, identifier: str, result: Result) -> None:
        about.append(identifier)
        made.sleep(HIDDEN_SECONDS + 1)

    made.drain(hear=hear).queues([QUEUE, QUEUE])
    assert sorted(about) == ["m1", "m2"]


def test_a_run_that_is_stopped_leaves_the_rest_to_the_next_one() -> None:
    made = desk(*(given_up(lost(number, points=number)) for number in range(1, 6)))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.drain(hear=stop).queues([QUEUE])
    made.sleep(HIDDEN_SECONDS + 1)
    made.drain().queues([QUEUE])
    assert made.letters.bodies(QUEUE) == []
    assert len(made.ledger.rows) == 5


def test_two_runs_at_once_are_harmless() -> None:
    made = desk(*(told(a_loss()) for _ in range(3)))
    second = made.drain()

    def between(*_: Any) -> None:
        made.sleep(HIDDEN_SECONDS + 1)  # the first is slow: the second gets its letters, too
        second.queues([QUEUE])

    made.drain(hear=between).queues([QUEUE])
    assert made.letters.bodies(QUEUE) == []
    assert made.ledger.states() == ["RESOLVED"]
    assert [image["balance"] for image in made.items.items.values()] == [{"N": "5"}]


def test_a_message_that_cannot_be_deleted_is_left_and_harmless() -> None:
    made = desk(told(a_loss()))
    made.letters.faults.extend([None, None, REFUSED])
    drain = made.drain()
    drain.queues([QUEUE])
    ((_, result),) = drain.left
    assert "not deleted" in result.why
    again = made.drain()
    again.queues([QUEUE])
    assert counts(again) == {"already repaired": 1}


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Filter(key="p1"), 1),
        (Filter(key="p2"), 0),
        (Filter(error="RetryAttempts"), 1),
        (Filter(error="NO_PERMISSIONS"), 1),
        (Filter(error="other"), 0),
        (Filter(older_than_ms=0, newer_than_ms=1_000), 2),
        (Filter(older_than_ms=60_000), 0),
        (Filter(newer_than_ms=-1), 0),
    ],
)
def test_only_the_messages_that_are_wanted_are_done(choice: Filter, wanted: int) -> None:
    made = desk(given_up(lost(1), payload=False))
    made.letters.send(QUEUE, told(a_loss()), ERROR_CODE="NO_PERMISSIONS")
    made.streams.shards[given_up(lost(1))["DDBStreamBatchInfo"]["streamArn"], "shard-1"] = [lost(1)]
    drain = made.drain(wanted=choice)
    drain.queues([QUEUE])
    assert counts(drain).get("left", 0) == 2 - wanted
    assert shown(made) == 2 - wanted


def test_no_more_than_the_most_are_done_at_the_rate_that_is_given() -> None:
    made = desk(*(given_up(lost(number, points=number)) for number in range(1, 30)))
    drain = made.drain(pace=Pace(rate=2, most=13))
    drain.queues([QUEUE])
    assert drain.tally.counts.total() == 13
    assert made.now - NOW == 6_000
    assert len(made.letters.bodies(QUEUE)) == 16


def test_several_at_once_do_them_all_once() -> None:
    made = desk(*(given_up(lost(number, points=number)) for number in range(1, 30)))
    drain = made.drain(pace=Pace(parallel=4))
    drain.queues([QUEUE])
    assert counts(drain) == {"redriven": 29}
    assert (made.letters.bodies(QUEUE), len(made.ledger.rows)) == ([], 29)


def test_no_letter_is_begun_when_the_time_is_over() -> None:
    made = desk(*(given_up(lost(number, points=number)) for number in range(1, 30)))
    drain = made.drain(pace=Pace(rate=10, until_ms=NOW + 1_500))
    drain.queues([QUEUE])
    assert drain.tally.counts.total() == 15


def test_every_queue_is_worked_off_and_counted_by_itself() -> None:
    made = desk(told(a_loss()))
    made.letters.send(OTHER, "garbage")
    drain = made.drain()
    drain.queues([QUEUE, OTHER])
    queues = drain.tally.summary()["queues"]
    assert (queues[QUEUE]["redriven"], queues[OTHER]["poison"]) == (1, 1)


def test_a_batch_whose_notification_got_lost_is_found() -> None:
    made = desk()
    made.place_batch(lost(1))
    drain = made.drain()
    drain.leftovers()
    assert (counts(drain), made.set_aside.is_empty()) == ({"redriven": 1}, True)


def test_a_loss_whose_event_got_lost_is_sent_again_if_it_is_open_for_long() -> None:
    made = desk()
    young, late = another_loss(1), another_loss(2)
    made.open_row(young, at_ms=NOW - OPEN_LONG_MS + 1)
    made.open_row(late, at_ms=NOW - OPEN_LONG_MS)
    made.drain().leftovers()
    assert [event.identifier for event in made.bus.sent] == [late.identifier]
    made.drain().leftovers()  # the next run leaves it its time
    assert [event.identifier for event in made.bus.sent] == [late.identifier]
    made.sleep(OPEN_LONG_MS / 1000)
    made.drain().leftovers()
    assert [event.identifier for event in made.bus.sent] == [
        each.identifier for each in (late, young, late)
    ]


def test_a_rehearsal_of_what_no_queue_speaks_of_changes_nothing() -> None:
    made = desk()
    made.place_batch(lost(1))
    made.open_row(a_loss())
    drain = made.drain(execute=False)
    drain.leftovers()
    assert counts(drain) == {"redriven": 2}
    assert (made.bus.sent, made.set_aside.is_empty(), len(made.ledger.rows)) == ([], False, 1)
