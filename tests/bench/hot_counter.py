"""One counter of one item, written by many clients: how fast, and how large the item gets.

A call takes as long as a network does, and an item takes one write after the other. What plain ADD
reaches is measured beside it, in the same run, with the same store.
"""

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from secrets import token_bytes
from statistics import median
from typing import Any

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.client.sending import Surroundings
from reconciler.client.table import ReplicatedTable
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.ports import Naming, Superseded
from reconciler.resolution.resolver import Resolver
from reconciler.simulation.world.expressions import after_naming, applied
from reconciler.values.size import item_size
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, as_stream, increment, written
from tests.fakes import FakeItems, Fakes

LATENCY_SECONDS = 0.01
WRITES = 60  # of each client
ROUNDS = 3
_START_MS = 1_790_000_000_000
_HERE: Image = {"id": {"S": "p1"}}
_nonces = count(1)


class Distant(FakeItems):
    """A store at a distance with one item, which is written by one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.item: Image = written(increment("balance", 0))

    def add(self, amount: int) -> None:
        """Add as a plain UpdateItem does."""
        time.sleep(LATENCY_SECONDS)
        with self._lock:
            self.item = applied(self.item, [increment("balance", amount)])

    def update(self, write: Naming) -> Image | Superseded:
        time.sleep(LATENCY_SECONDS)
        with self._lock:
            answer = after_naming(self.item, write)
            self.item = self.item if isinstance(answer, Superseded) else answer
            return answer

    def amount(self) -> Any:
        return self.item["balance"]["N"]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def client(store: FakeItems, at_ms: Callable[[], int]) -> ReplicatedTable:
    return ReplicatedTable(
        SCHEMA,
        store,
        replica=lambda: "use1",
        clock=HybridClock(at_ms, lambda: fixed_width(next(_nonces), NONCE_WIDTH)),
        surroundings=Surroundings(at_ms, time.sleep, lambda: 0.5, lambda: token_bytes(12)),
    )


def seconds_of(clients: int, open_client: Callable[[], Callable[[], Any]]) -> float:
    """Return how long clients take that write at once; any refusal is an error."""
    problems: list[Exception] = []
    at_once = threading.Barrier(clients + 1)

    def work() -> None:
        write = open_client()
        at_once.wait()
        try:
            for _ in range(WRITES):
                write()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    at_once.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return time.perf_counter() - started


def throughput(clients: int) -> float:
    """Return the throughput of so many of our clients, as a part of that of plain ADD."""

    def once() -> float:
        plain, ours = Distant(), Distant()

        def open_client() -> Callable[[], Any]:
            table = client(ours, now_ms)
            return lambda: table.apply(KEY, lambda item: item.increment("balance", 1))

        took = seconds_of(clients, lambda: partial(plain.add, 1))
        part = took / seconds_of(clients, open_client)
        if not plain.amount() == ours.amount() == str(clients * WRITES):
            raise ValueError("an increment is missing")
        return part

    return median(once() for _ in range(ROUNDS))


def largest_item(
    clients: int, minutes: int, every_ms: int = 2_000, *, each_is_new: bool = False
) -> int:
    """Return the most bytes that an item has while steady clients write it, each `every_ms`.

    If `each_is_new`, a client writes once and another takes its place: as many names as writes.
    Detector and resolver do their work as it becomes due; time is virtual.
    """
    fakes, clock_ms, most = Fakes(), [_START_MS], 0
    fakes.items.place(written(increment("balance", 0)))

    def at_ms() -> int:
        return clock_ms[0]

    policy = DetectorPolicy("parties", "us-east-1")
    detector = Detector(policy, fakes.ports, at_ms)
    resolver = Resolver(fakes.ports, at_ms)
    tables = [client(fakes.items, at_ms) for _ in range(clients)]
    before: Image | None = None
    for number in range(minutes * 60_000 * clients // every_ms):
        clock_ms[0] = _START_MS + number * every_ms // clients
        table = client(fakes.items, at_ms) if each_is_new else tables[number % clients]
        table.apply(KEY, lambda item: item.increment("balance", 1))
        (image,) = fakes.items.items.values()
        most = max(most, item_size(image))
        if number % clients == 0:
            detector.detect([_record(number, before, image, at_ms())])
            for certificate in fakes.bus.certificates:
                resolver.fold(certificate)
            fakes.bus.certificates.clear()
            (before,) = fakes.items.items.values()
    return most


def _record(number: int, old: Image | None, new: Image, at_ms: int) -> dict[str, Any]:
    images = {} if old is None else {"OldImage": as_stream(old)}
    change = {
        "Keys": _HERE,
        **images,
        "NewImage": as_stream(new),
        "SequenceNumber": str(10**20 + number),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "ApproximateCreationDateTime": at_ms // 1_000,
    }
    kind = "MODIFY" if old else "INSERT"
    record: dict[str, Any] = json.loads(json.dumps({"eventName": kind, "dynamodb": change}))
    return {"eventID": str(number), **record}
