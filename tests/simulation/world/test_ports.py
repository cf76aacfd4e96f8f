"""The ports in memory: what the adapters promise, and what each fault does to a call."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from reconciler.conflict.event import ConflictEvent, Event
from reconciler.conflict.row import State, item_key, ledger_row
from reconciler.deployment.wiring import QueueSource
from reconciler.errors import EvidenceExpired, OutcomeUnknown, Unavailable
from reconciler.ports import Record, Replacement, Superseded
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA
from reconciler.simulation.plan.faults import HOUR
from reconciler.simulation.plan.plan import Fault
from reconciler.simulation.world.agenda import EPOCH_MS, Agenda
from reconciler.simulation.world.causes import Causes, Origin
from reconciler.simulation.world.draws import Draws, Keyed
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.journal import Journal
from reconciler.simulation.world.ledger import LedgerTable, SimulatedLedger
from reconciler.simulation.world.ports import (
    SimulatedBus,
    SimulatedEvidence,
    SimulatedParked,
)
from reconciler.simulation.world.queues import Queue
from reconciler.simulation.world.releases import OLDER
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Crash, Setting
from reconciler.simulation.world.streams import Shard
from reconciler.simulation.world.weather import Weather
from reconciler.values.wire import Image
from tests.builders import Replica as Writer
from tests.builders import assign, written

REGION = "us-east-1"


class Bench:
    """One region's parts on a bench: its setting, its replica, and calls to fail."""

    def __init__(self) -> None:
        agenda = Agenda(10_000)
        draws = Draws(1)
        journal = Journal(agenda, keep=True)
        weather = Weather(draws, journal)
        self.setting = Setting(agenda, draws, weather, journal, Causes([REGION]))
        self.sent: list[Image | None] = []
        self.records: list[Record] = []
        self.dead: list[Event] = []
        self.aside: list[tuple[dict[str, Any], Sequence[Any]]] = []
        self.replica = SimulatedReplica(
            self.setting,
            DEFAULT_SCHEMA,
            REGION,
            send=lambda *write: self.sent.append(write[2]),
            emit=lambda *change: self.records.append(change[1]),
        )
        self.calls = Calls(self.setting, REGION, "a test")
        self.items = SimulatedItems(
            self.replica, self.calls, lambda *_: Origin(1, "a write", REGION, 0), OLDER
        )
        self.table = LedgerTable()
        self.ledger = SimulatedLedger(self.table, self.replica, self.calls)

    def given_up(self, message: dict[str, Any], records: Sequence[Any]) -> None:
        self.aside.append((message, records))

    def suffer(self, kind: str, rate: float = 1.0) -> None:
        self.setting.weather.begin(Fault(kind, 0, 1, REGION, rate=rate))


@pytest.fixture
def bench() -> Bench:
    return Bench()


IMAGE = written(assign("name", "Ada"))
KEY: Image = {"id": {"S": "p1"}}


def event(number: int = 1) -> ConflictEvent:
    return ConflictEvent.model_validate(
        {
            "conflict_id": f"loss{number}",
            "table": "simulated",
            "key": KEY,
            "finding": "conflict",
            "ordering": "CONCURRENT",
            "role": "home",
            "region": REGION,
            "replica": "use1",
            "lost_dots": [],
            "sequence_number": "1",
            "lost_at_ms": "1",
            "detected_at_ms": "1",
            "lost": IMAGE,
        }
    )


def test_a_write_is_conditional_on_what_it_replaces(bench: Bench) -> None:
    assert bench.items.get(KEY) is None
    assert bench.items.put(Replacement(IMAGE, None)) is None
    assert bench.items.get(KEY) == IMAGE
    other = Writer("use1", IMAGE).write(assign("name", "Bo"))
    assert bench.items.put(Replacement(other, None)) == Superseded(IMAGE)
    assert bench.items.put(Replacement(other, IMAGE)) is None
    assert bench.items.put(Replacement(IMAGE, IMAGE)) == Superseded(other)


def test_a_change_leaves_a_record_and_a_write_of_the_same_leaves_none(bench: Bench) -> None:
    bench.items.put(Replacement(IMAGE, None))
    bench.items.put(Replacement(IMAGE, IMAGE))
    (record,) = bench.records
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] is IMAGE
    assert record["dynamodb"]["Keys"] == KEY
    assert bench.sent == [IMAGE]


@pytest.mark.parametrize(
    ("kind", "raised", "is_written"),
    [
        (faults.THROTTLE, Unavailable, False),
        (faults.LOST_REQUEST, OutcomeUnknown, False),
        (faults.LOST_ANSWER, OutcomeUnknown, True),
        (faults.CRASH, Crash, False),
        (faults.OUTAGE, Crash, False),
    ],
)
def test_what_a_fault_does_to_a_write(
    bench: Bench, kind: str, raised: type[BaseException], is_written: bool
) -> None:
    bench.suffer(kind)
    with pytest.raises(raised):
        bench.items.put(Replacement(IMAGE, None))
    assert bool(bench.replica.items) == is_written


def test_a_crash_is_not_an_error_that_code_could_handle() -> None:
    assert not issubclass(Crash, Exception)


def test_a_slow_call_lets_others_come_first(bench: Bench) -> None:
    bench.suffer(faults.SLOW_CALL)
    bench.setting.agenda.after(0, lambda: bench.replica.write("p1", IMAGE, Origin(1, "x", "", 0)))
    assert isinstance(bench.items.put(Replacement(IMAGE, None)), Superseded)
    assert bench.setting.agenda.now_ms > 0


def test_rows_are_kept_by_item_and_loss(bench: Bench) -> None:
    rows = [ledger_row(event(number), State.OPEN, 1) for number in (1, 2)]
    assert bench.ledger.record(rows) == set()
    assert bench.ledger.record([ledger_row(event(1), State.RESOLVED, 2)]) == set()
    found = bench.ledger.rows_of(item_key(KEY))
    assert [row.state for row in found] == [State.RESOLVED, State.OPEN]
    assert bench.table.open_rows() == ["loss2"]
    assert bench.setting.journal.counts["conflicts"] == 2


@pytest.mark.parametrize(
    ("kind", "kept"), [(faults.ROW_REFUSED, 0), (faults.THROTTLE, 0), (faults.LOST_ANSWER, 1)]
)
def test_a_row_that_is_not_certainly_written_is_reported(
    bench: Bench, kind: str, kept: int
) -> None:
    bench.suffer(kind)
    assert bench.ledger.record([ledger_row(event(), State.OPEN, 1)]) == {"loss1"}
    assert len(bench.table.open_rows()) == kept


@pytest.mark.parametrize(
    ("kind", "sent"), [(faults.ENTRY_REFUSED, 0), (faults.LOST_REQUEST, 0), (faults.LOST_ANSWER, 1)]
)
def test_an_event_that_is_not_certainly_sent_is_reported(
    bench: Bench, kind: str, sent: int
) -> None:
    bench.suffer(kind)
    delivered: list[Any] = []
    assert SimulatedBus(delivered.append, bench.calls, OLDER).publish([event()]) == {"loss1"}
    assert len(delivered) == sent


def test_some_entries_of_a_call_may_be_refused(bench: Bench) -> None:
    bench.suffer(faults.ENTRY_REFUSED, 0.5)
    delivered: list[Any] = []
    events = [event(number) for number in range(20)]
    refused = SimulatedBus(delivered.append, bench.calls, OLDER).publish(events)
    assert {each.conflict_id for each in delivered} | refused == {f"loss{n}" for n in range(20)}
    assert 0 < len(refused) < 20


def test_evidence_and_parked_changes_are_kept(bench: Bench) -> None:
    documents: dict[str, str] = {}
    evidence = SimulatedEvidence(documents, bench.calls)
    assert evidence.get(evidence.put("one", "{}")) == "{}"
    with pytest.raises(EvidenceExpired):
        evidence.get("memory://other")
    parked: list[Mapping[str, Any]] = []
    heard: list[Mapping[str, Any]] = []
    SimulatedParked(parked, bench.calls, heard.append).park({"reason": "why"})
    assert parked == heard == [{"reason": "why"}]


def test_draws_depend_on_what_they_are_about_alone() -> None:
    one, other = Draws(3), Draws(3)
    other.chance("purpose", "something else")
    assert one.chance("purpose", "this") == other.chance("purpose", "this")
    assert one.chance("purpose", "this") != one.chance("purpose", "this")
    assert {Draws(seed).between("x", "y", 1, 3) for seed in range(50)} == {1, 2, 3}
    keyed = Keyed(Draws(3), "purpose")
    keyed.about = "this"
    assert keyed.random() == Draws(3).chance("purpose", "this")
    assert 1 <= keyed.randint(1, 3) <= 3


def test_an_agenda_keeps_order_and_lets_time_pass_inside_an_action() -> None:
    agenda = Agenda(100)
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        seen.append((name, agenda.now_ms))

    def slow() -> None:
        note("slow begins")
        agenda.wait(10)
        note("slow ends")

    agenda.enter(5, slow)
    agenda.enter(20, lambda: note("late"))
    agenda.enter(7, lambda: note("between"))
    agenda.enter(5, lambda: note("same time"))
    assert agenda.run()
    assert seen == [
        ("slow begins", 5),
        ("same time", 5),
        ("between", 7),
        ("slow ends", 15),
        ("late", 20),
    ]
    assert agenda.epoch_ms == EPOCH_MS + 20


class Function:
    """Handles batches; fails as told, by exception or from a record on."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails: list[int | None] = []  # place of the first unsafe record of each next call

    def __call__(self, records: Any, *_: str) -> str | None:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        self.batches.append([number.lstrip("0") for number in numbers])
        place = self.fails.pop(0) if self.fails else None
        return None if place is None else str(numbers[place])


def shard_with(bench: Bench, function: Function, records: int) -> Shard:
    shard = Shard(bench.setting, REGION, "shard0", "id", function, bench.given_up)
    for number in range(records):
        created = bench.setting.agenda.epoch_ms // 1000
        change = {"OldImage": KEY, "Keys": KEY, "ApproximateCreationDateTime": created}
        shard.append({"dynamodb": change}, f"image {number}")
    return shard


def test_a_batch_waits_for_its_window_and_goes_on_where_it_failed(bench: Bench) -> None:
    function = Function()
    function.fails = [2, 0]
    shard = shard_with(bench, function, 3)
    bench.setting.agenda.run()
    assert function.batches == [["1", "2", "3"], ["3"], ["3"]]
    assert shard.backlog == 0
    assert bench.setting.agenda.now_ms >= 1_000


def test_a_batch_may_come_again(bench: Bench) -> None:
    function = Function()
    bench.suffer(faults.BATCH_TWICE, 0.6)
    shard_with(bench, function, 2)
    bench.setting.agenda.run()
    assert len(function.batches) > 1
    assert {tuple(batch) for batch in function.batches} == {("1", "2")}


def test_what_is_given_up_can_be_read_from_the_stream_again(bench: Bench) -> None:
    function = Function()
    function.fails = [0] * 13
    bench.suffer(faults.GIVEN_UP)
    shard = shard_with(bench, function, 2)
    bench.setting.agenda.run()
    assert function.batches == [["1", "2"]] * 3
    ((message, records),) = bench.aside
    told = message["DDBStreamBatchInfo"]
    assert (told["batchSize"], len(records)) == (2, 2)
    assert shard.read_again(told["startSequenceNumber"], told["endSequenceNumber"]) == records
    assert shard.backlog == 0


def test_a_stream_forgets_its_records_after_a_day(bench: Bench) -> None:
    shard = shard_with(bench, Function(), 1)
    bench.setting.agenda.run()
    bench.setting.agenda.wait(25 * HOUR)
    assert shard.read_again("1", "1") == []


def test_nothing_is_read_while_the_detector_is_off(bench: Bench) -> None:
    function = Function()
    off = Fault(faults.DETECTOR_OFF, 0, HOUR, REGION)
    bench.setting.weather.begin(off)
    shard = shard_with(bench, function, 1)
    bench.setting.agenda.run()
    assert (function.batches, shard.backlog) == ([], 1)
    bench.setting.weather.end(off)
    shard.wake()
    bench.setting.agenda.run()
    assert function.batches == [["1"]]


class Receiver:
    """Handles messages; the first `failures` calls fail."""

    def __init__(self, failures: int, *, crash: bool = False) -> None:
        self.calls: list[tuple[int, list[str]]] = []
        self.failures = failures
        self.crash = crash
        self.agenda = Agenda(0)

    def __call__(self, letters: Any, *_: str) -> set[str]:
        self.calls.append((self.agenda.now_ms, [each.event.identifier for each in letters]))
        if len(self.calls) > self.failures:
            return set()
        if self.crash:
            raise Crash
        return {letter.name for letter in letters}


def queue_with(bench: Bench, receiver: Receiver, messages: int = 1) -> Queue:
    receiver.agenda = bench.setting.agenda
    source = QueueSource(batch_size=10, maximum_receive_count=3, delay_seconds=60)
    queue = Queue(bench.setting, REGION, "resolve", source, receiver, bench.dead.append)
    for number in range(messages):
        queue.send(event(number), f"loss{number}")
    return queue


def test_a_message_waits_for_its_delay_and_is_deleted_once_handled(bench: Bench) -> None:
    receiver = Receiver(0)
    queue = queue_with(bench, receiver)
    bench.setting.agenda.run()
    ((at_ms, ids),) = receiver.calls
    assert 60_000 <= at_ms < 61_000
    assert ids == ["loss0"]
    assert queue.backlog == 0


@pytest.mark.parametrize("crash", [False, True])
def test_a_message_that_failed_is_visible_again_after_a_while(bench: Bench, crash: bool) -> None:
    receiver = Receiver(1, crash=crash)
    queue_with(bench, receiver)
    bench.setting.agenda.run()
    (first, _), (second, _) = receiver.calls
    assert second - first >= 180_000


def test_messages_that_fail_too_often_are_moved_back_or_redriven(bench: Bench) -> None:
    receiver = Receiver(7)
    queue = queue_with(bench, receiver, 12)
    bench.setting.agenda.run()
    buried = bench.setting.journal.counts["set_aside.queue"]
    received = [each for _, ids in receiver.calls for each in ids]
    back = [number for number in range(12) if received.count(f"loss{number}") > 3]
    assert 0 < len(bench.dead) < buried
    assert back
    assert not {f"loss{number}" for number in back} & {each.identifier for each in bench.dead}
    assert queue.backlog == 0


def test_a_queue_has_no_order_and_batches_of_ten(bench: Bench) -> None:
    receiver = Receiver(0)
    queue_with(bench, receiver, 25)
    bench.setting.agenda.run()
    received = [each for _, ids in receiver.calls for each in ids]
    assert sorted(received) == sorted(f"loss{number}" for number in range(25))
    assert received != sorted(received, key=lambda each: int(each[4:]))
    assert max(len(ids) for _, ids in receiver.calls) <= 10


def test_a_deleted_message_may_come_once_more(bench: Bench) -> None:
    receiver = Receiver(0)
    bench.suffer(faults.MESSAGE_TWICE, 0.5)
    queue_with(bench, receiver, 20)
    bench.setting.agenda.run()
    received = [each for _, ids in receiver.calls for each in ids]
    assert len(received) > 20
    assert len(set(received)) == 20
