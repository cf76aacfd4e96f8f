"""Global-table replication: write times, links, and what every schedule must end in."""

from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconciler.aws_model.equality import Item
from reconciler.aws_model.replication import ItemKey, ItemWrite, Lag, Link, Replication, WriteTime

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
A, B, C = REGIONS
KEY = ItemKey("parties", "1")
LONG_AFTER_MS = 10**9


def item(text: str) -> Item:
    return {"id": {"S": "1"}, "text": {"S": text}}


@dataclass
class World:
    """Replication over replicas that are plain dictionaries."""

    replication: Replication
    now_ms: int = 1_000
    replicas: dict[str, dict[ItemKey, Item]] = field(
        default_factory=lambda: {region: {} for region in REGIONS}
    )
    written: dict[ItemKey, list[ItemWrite]] = field(default_factory=dict)

    def write(self, region: str, key: ItemKey, value: Item | None) -> None:
        time = self.replication.local_write(region, key, value, self.now_ms)
        self._store(region, key, value)
        self.written.setdefault(key, []).append(ItemWrite(key, value, time))

    def advance(self, ms: int) -> None:
        self.now_ms += ms
        for arrival in self.replication.deliver(self.now_ms):
            self._store(arrival.destination, arrival.write.key, arrival.write.item)

    def _store(self, region: str, key: ItemKey, value: Item | None) -> None:
        if value is None:
            self.replicas[region].pop(key, None)
        else:
            self.replicas[region][key] = value

    def text(self, region: str) -> str | None:
        held = self.replicas[region].get(KEY)
        return None if held is None else held["text"]["S"]


def world(least_ms: int = 10, most_ms: int = 10, coalescing: float = 0.0) -> World:
    lag = Lag(least_ms, most_ms, coalescing)
    return World(Replication(REGIONS, lag, Random(1), skew_ms={}))


def pending(w: World) -> int:
    return sum(report.pending for report in w.replication.reports().values())


def test_a_write_reaches_every_other_region_after_the_lag_and_not_before() -> None:
    w = world(least_ms=10, most_ms=10)
    w.write(A, KEY, item("a"))

    w.advance(9)
    assert (w.text(B), w.text(C)) == (None, None)

    w.advance(1)
    assert (w.text(B), w.text(C)) == ("a", "a")
    assert pending(w) == 0


def test_of_two_concurrent_writes_the_later_one_stands_everywhere() -> None:
    w = world()
    w.write(A, KEY, item("first"))
    w.advance(1)
    w.write(B, KEY, item("second"))

    w.advance(100)

    assert {w.text(region) for region in REGIONS} == {"second"}
    assert w.replication.reports()[A, B].discarded == 1
    assert w.replication.reports()[B, A].applied == 1


def test_a_tie_in_time_is_settled_by_region_in_every_replica_alike() -> None:
    w = world()
    w.write(A, KEY, item("from us"))
    w.write(B, KEY, item("from eu"))

    w.advance(100)

    assert {w.text(region) for region in REGIONS} == {"from us"}


def test_a_deleted_item_keeps_its_write_time_so_an_older_put_that_arrives_later_loses() -> None:
    w = world()
    w.replication.isolate(C)
    w.write(C, KEY, item("late"))
    w.advance(1)
    w.write(A, KEY, item("early"))
    w.advance(1)
    w.write(A, KEY, None)
    w.advance(100)

    w.replication.heal()
    w.advance(100)

    assert [w.text(region) for region in REGIONS] == [None, None, None]


def test_a_region_whose_clock_is_behind_can_still_replace_what_it_has_seen() -> None:
    lag = Lag(10, 10)
    w = World(Replication(REGIONS, lag, Random(1), skew_ms={A: -5_000, B: 5_000}))
    w.write(B, KEY, item("from the future"))
    w.advance(50)

    w.write(A, KEY, item("acknowledged after it"))
    w.advance(50)

    assert {w.text(region) for region in REGIONS} == {"acknowledged after it"}


def test_skewed_clocks_decide_between_writes_that_have_not_seen_each_other() -> None:
    w = World(Replication(REGIONS, Lag(10, 10), Random(1), skew_ms={A: 5_000}))
    w.write(A, KEY, item("clock ahead"))
    w.advance(5)
    w.write(B, KEY, item("later in truth"))
    w.advance(50)

    assert {w.text(region) for region in REGIONS} == {"clock ahead"}


def test_a_cut_link_holds_its_changes_and_delivers_them_once_healed() -> None:
    w = world()
    w.replication.partition(A, B)
    w.write(A, KEY, item("a"))
    w.advance(100)
    assert (w.text(B), w.text(C)) == (None, "a")
    assert pending(w) == 1
    assert w.replication.next_due_ms() is None

    w.replication.heal()
    w.advance(0)

    assert w.text(B) == "a"


def test_an_isolated_region_neither_sends_nor_receives() -> None:
    w = world()
    w.replication.isolate(A)
    w.write(A, KEY, item("a"))
    w.write(B, KEY, item("b"))
    w.advance(100)

    assert [w.text(region) for region in REGIONS] == ["a", "b", "b"]


def test_a_changed_lag_holds_for_writes_to_come() -> None:
    w = world(10, 10)
    w.write(A, KEY, item("before"))
    w.replication.set_lag(Lag(1_000, 1_000, 0))
    w.write(A, KEY, item("after"))

    w.advance(10)
    assert w.text(B) == "before"

    w.advance(1_000)
    assert w.text(B) == "after"


def test_changes_of_one_item_that_coalesce_arrive_once_as_the_newest() -> None:
    w = world(coalescing=1.0)
    for number in range(5):
        w.write(A, KEY, item(str(number)))

    w.advance(100)

    report = w.replication.reports()[A, B]
    assert w.text(B) == "4"
    assert (report.applied, report.coalesced) == (1, 4)


@given(
    offers=st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 50)), max_size=40),
    lag=st.tuples(st.integers(0, 40), st.integers(0, 200)),
    coalescing=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_a_link_keeps_the_order_of_each_item_and_always_delivers_the_last_change(
    offers: list[tuple[str, int]], lag: tuple[int, int], coalescing: float, seed: int
) -> None:
    link, rng, now_ms = Link(Lag(lag[0], sum(lag), coalescing)), Random(seed), 0
    offered: dict[str, list[int]] = {}
    delivered: dict[str, list[int]] = {}

    def take(until_ms: int) -> None:
        for write in link.take_due(until_ms):
            delivered.setdefault(write.key.key, []).append(write.time.millis)

    for number, (key, pause_ms) in enumerate(offers):
        now_ms += pause_ms
        take(now_ms)
        link.offer(ItemWrite(ItemKey("t", key), None, WriteTime(number, A)), now_ms, rng)
        offered.setdefault(key, []).append(number)
    take(LONG_AFTER_MS)

    for key, numbers in offered.items():
        assert delivered[key] == sorted(set(delivered[key]))
        assert set(delivered[key]) <= set(numbers)
        assert delivered[key][-1] == numbers[-1]
    assert sum(map(len, delivered.values())) == len(offers) - link.coalesced


keys = st.sampled_from([ItemKey("parties", "1"), ItemKey("parties", "2"), ItemKey("orders", "1")])
steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(REGIONS), keys, st.integers(0, 3)),
    st.tuples(st.just("delete"), st.sampled_from(REGIONS), keys),
    st.tuples(st.just("advance"), st.integers(0, 300)),
    st.tuples(st.just("partition"), st.sampled_from([(A, B), (B, C), (A, C)])),
    st.tuples(st.just("isolate"), st.sampled_from(REGIONS)),
    st.tuples(st.just("heal")),
)


def take_step(w: World, step: tuple) -> None:  # type: ignore[type-arg]
    match step:
        case "write", region, key, number:
            w.write(region, key, item(f"{number} by {region} at {w.now_ms}"))
        case "delete", region, key:
            w.write(region, key, None)
        case "advance", ms:
            w.advance(ms)
        case "partition", (one, other):
            w.replication.partition(one, other)
        case "isolate", region:
            w.replication.isolate(region)
        case _:
            w.replication.heal()


@given(
    schedule=st.lists(steps, max_size=60),
    most_ms=st.integers(0, 200),
    coalescing=st.floats(0, 1),
    skews=st.lists(st.integers(-500, 500), min_size=3, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_once_healed_all_replicas_hold_the_write_with_the_greatest_write_time(
    schedule: list[tuple],  # type: ignore[type-arg]
    most_ms: int,
    coalescing: float,
    skews: list[int],
    seed: int,
) -> None:
    skew_ms = dict(zip(REGIONS, skews, strict=True))
    lag = Lag(0, most_ms, coalescing)
    w = World(Replication(REGIONS, lag, Random(seed), skew_ms=skew_ms))

    for step in schedule:
        take_step(w, step)
    w.replication.heal()
    w.advance(LONG_AFTER_MS)

    winners = {key: max(writes, key=lambda c: c.time) for key, writes in w.written.items()}
    expected = {key: won.item for key, won in winners.items() if won.item is not None}
    assert pending(w) == 0
    for region in REGIONS:
        assert w.replicas[region] == expected
