"""In-memory ports, with one call log for all of them and faults that a test scripts.

The same contract as the adapters in `reconciler.aws`; `tests/aws/test_contract.py` holds
both to it. Each call takes the next fault of its port, if any is left: an exception is raised
instead of the call, a callable runs before it ("another writer comes first"), and an `AnswerLost`
carries a write out, or not, and keeps the answer back.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple

from reconciler.conflict.event import ConflictEvent, FoldCertificate
from reconciler.conflict.row import Row, State
from reconciler.errors import (
    EvidenceExpired,
    InvalidInput,
    OutcomeUnknown,
    ReconcilerError,
    RecordsExpired,
    Unavailable,
)
from reconciler.item.metadata import METADATA, NAMES, is_managed, metadata_in, token_in
from reconciler.ports import (
    ConflictBus,
    DeadLetter,
    DeadLetters,
    EvidenceStore,
    ItemStore,
    Ledger,
    Naming,
    Page,
    ParkedChanges,
    Replacement,
    Restatement,
    Segment,
    SetAside,
    Stamp,
    StreamRange,
    StreamReader,
    Superseded,
    TableFacts,
    Telemetry,
)
from reconciler.simulation.world.expressions import Refused, after_naming
from reconciler.values.size import check_size
from reconciler.values.wire import Image, canonical_image, digest, to_json
from tests.recorded import Recorded


class Call(NamedTuple):
    """One call of a port, and the ids of what it was about."""

    name: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerLost:
    """The caller hears nothing; `applied` says whether the write was carried out."""

    applied: bool


Fault = Exception | AnswerLost | Callable[[], Any] | None
REFUSED = Unavailable("refused")


class Port:
    """What the fakes share: the log, and the faults still to come."""

    def __init__(self, log: list[Call] | None = None) -> None:
        self.log: list[Call] = [] if log is None else log
        self.faults: deque[Fault] = deque()

    def called(self, name: str, *about: str) -> Fault:
        """Log a call; raise, or return, the fault that is its turn."""
        self.log.append(Call(name, about))
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if callable(fault):
            fault()
        return fault

    def names(self) -> list[str]:
        """Return the names of the calls so far, in order."""
        return [call.name for call in self.log]


class FakeItems(Port):
    """An `ItemStore`. Faults meet writes; `read_faults` meet reads."""

    def __init__(self, *key_names: str, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.key_names = key_names or ("id",)
        self.items: dict[str, Image] = {}
        self.read_faults: deque[Exception] = deque()
        self._carried_out: set[str] = set()

    def get(self, key: Image) -> Image | None:
        self.log.append(Call("get", (to_json(key),)))
        if self.read_faults:
            raise self.read_faults.popleft()
        return deepcopy(self.items.get(to_json(canonical_image(key))))

    def put(self, write: Replacement) -> Superseded | None:
        fault = self.called("put", self._name(write.image))
        if isinstance(fault, AnswerLost) and not fault.applied:
            raise OutcomeUnknown("the request was lost")
        refusal = self._refusal(write)
        if refusal is None:
            self.place(write.image)
        if isinstance(fault, AnswerLost):
            raise OutcomeUnknown("the answer was lost")
        return refusal

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        fault = self.called("put_all", *(self._name(write.image) for write in writes))
        if isinstance(fault, AnswerLost) and not fault.applied:
            raise OutcomeUnknown("the request was lost")
        token = digest(to_json([write.image for write in writes]).encode(), 36)
        if token in self._carried_out:
            return None
        refusals = [self._refusal(write) for write in writes]
        refused = any(refusal is not None for refusal in refusals)
        if not refused:
            self._carried_out.add(token)
            for write in writes:
                self.place(write.image)
        if isinstance(fault, AnswerLost):
            raise OutcomeUnknown("the answer was lost")
        return refusals if refused else None

    def update(self, write: Naming) -> Image | Superseded:
        fault = self.called("update", self._name(write.key))
        if isinstance(fault, AnswerLost) and not fault.applied:
            raise OutcomeUnknown("the request was lost")
        try:
            answer = after_naming(self.items.get(self._name(write.key)), write)
        except Refused as problem:
            raise InvalidInput(f"UpdateItem: {problem}") from None
        if not isinstance(answer, Superseded):
            self.place(check_size(canonical_image(answer)))
        if isinstance(fault, AnswerLost):
            raise OutcomeUnknown("the answer was lost")
        return deepcopy(answer)

    def restate(self, write: Restatement) -> bool:
        self.called("restate", self._name(write.image))
        current, before = self.items.get(self._name(write.image)), write.replacing
        if current is None or current.get(METADATA) != before.get(METADATA):
            return False
        held, known = (each.get(NAMES, {"L": []})["L"] for each in (current, before))
        if held[: write.filed] != known[: write.filed]:
            return False
        left = {NAMES: {"L": held[write.filed :]}} if NAMES in current else {}
        self.place({**current, **left, METADATA: write.image[METADATA]})
        return True

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Yield the items of the one partition that the only expression value names."""
        (partition,) = parameters["ExpressionAttributeValues"].values()
        found = [item for item in self.items.values() if item[self.key_names[0]] == partition]
        found.sort(key=lambda item: to_json(item[self.key_names[-1]]))
        size = parameters.get("Limit", 1_000)
        for start in range(0, max(1, len(found)), size):
            self.log.append(Call("query"))
            yield from deepcopy(found[start : start + size])

    def place(self, image: Mapping[str, Any]) -> None:
        """Put an image as replication, or a writer around the library, does: unconditionally."""
        self.items[self._name(image)] = deepcopy(dict(image))

    def _name(self, image: Mapping[str, Any]) -> str:
        return to_json(canonical_image({name: image[name] for name in self.key_names}))

    def _refusal(self, write: Replacement) -> Superseded | None:
        current = self.items.get(self._name(write.image))
        replaced = write.replacing
        if replaced is None or current is None or is_managed(replaced) != is_managed(current):
            same = replaced is None and current is None
        elif is_managed(replaced) and not write.adopts:
            same = token_in(metadata_in(replaced)) == token_in(metadata_in(current))
            same = same and replaced.get(NAMES) == current.get(NAMES)
        else:
            same = canonical_image(replaced) == canonical_image(current)
        return None if same else Superseded(deepcopy(current))


class FakeWhole(Port):
    """A `WholeReplica` of a store's items, in pages of two. Faults meet stamps."""

    def __init__(self, items: FakeItems) -> None:
        super().__init__(items.log)
        self._items = items

    def facts(self) -> TableFacts:
        return TableFacts(tuple(self._items.key_names), frozenset(), len(self._items.items))

    def page(self, segment: Segment, after: Image | None) -> Page:
        self.log.append(Call("page", (str(segment.number),)))
        here = sorted(self._items.items)[segment.number :: segment.of]
        start = 0 if after is None else here.index(to_json(after)) + 1
        images = [deepcopy(self._items.items[name]) for name in here[start : start + 2]]
        last = {n: images[-1][n] for n in self._items.key_names} if images else None
        return Page(images, last if here[start + 2 :] else None)

    def images(self, keys: Sequence[Image]) -> Sequence[Image | None]:
        self.log.append(Call("images", tuple(map(to_json, keys))))
        return [deepcopy(self._items.items.get(to_json(canonical_image(key)))) for key in keys]

    def stamp(self, write: Stamp) -> bool:
        fault = self.called("stamp", to_json(write.key))
        current = self._items.items.get(to_json(canonical_image(write.key)))
        if isinstance(fault, AnswerLost) and not fault.applied:
            raise Unavailable("the request was lost")
        before = canonical_image(write.replacing)
        if current is None or {n: canonical_image(current).get(n) for n in before} != before:
            return False
        if current.keys() & {METADATA, *write.absent}:
            return False
        changed = {name: write.image[name] for name in (METADATA, NAMES) if name in write.image}
        self._items.place({**current, **changed})
        if isinstance(fault, AnswerLost):
            raise Unavailable("the answer was lost")
        return True


class FakeLedger(Port):
    """A `Ledger`; `refuses` takes the ids of a call and returns those that are not written.

    A row that DynamoDB would never take is not written either.
    """

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.rows: dict[str, Image] = {}
        self.refuses: deque[Callable[[list[str]], set[str]]] = deque()

    def record(self, rows: Sequence[Row]) -> set[str]:
        ids = [row.conflict_id for row in rows]
        self.called("record", *ids)
        return self._write(ids, rows)

    def set_state(self, rows: Sequence[Row]) -> set[str]:
        ids = [row.conflict_id for row in rows]
        self.called("set_state", *ids)
        found = [self.rows.get(each) for each in ids]
        pairs = zip(rows, found, strict=True)
        return self._write(
            ids, [r if old is None else Row.of(old).in_state_of(r) for r, old in pairs]
        )

    def _write(self, ids: list[str], rows: Sequence[Row]) -> set[str]:
        refused = self.refuses.popleft()(ids) if self.refuses else set()
        refused = refused | {row.conflict_id for row in rows if not _is_taken(row.image)}
        self.rows |= {row.conflict_id: row.image for row in rows if row.conflict_id not in refused}
        return refused

    def rows_of(self, item_key: str) -> list[Row]:
        self.called("rows_of", item_key)
        return [row for row in map(Row.of, self.rows.values()) if row.item_key == item_key]

    def in_state(self, state: State) -> Iterator[Row]:
        self.called("in_state", state.value)
        found = [row for row in map(Row.of, self.indexed()) if row.state is state]
        yield from sorted(found, key=lambda row: row.lost_at_ms)

    def indexed(self) -> list[Image]:
        """Return the rows as the index has them."""
        return list(self.rows.values())

    def states(self) -> list[str]:
        """Return the states of all rows."""
        return [row["state"]["S"] for row in self.rows.values()]


def _is_taken(image: Image) -> bool:
    try:
        check_size(canonical_image(image))
    except ReconcilerError:
        return False
    return True


class FakeBus(Port):
    """A `ConflictBus`; `refuses` takes the ids of a call and returns those not accepted."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.sent: list[ConflictEvent] = []
        self.certificates: list[FoldCertificate] = []
        self.refuses: deque[Callable[[list[str]], set[str]]] = deque()

    def publish(self, events: Sequence[ConflictEvent | FoldCertificate]) -> set[str]:
        ids = [event.identifier for event in events]
        self.called("publish", *ids)
        refused = self.refuses.popleft()(ids) if self.refuses else set()
        for event in (each for each in events if each.identifier not in refused):
            if isinstance(event, ConflictEvent):
                self.sent.append(event)
            else:
                self.certificates.append(event)
        return refused


class FakeEvidence(Port):
    """An `EvidenceStore`."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.documents: dict[str, str] = {}

    def put(self, name: str, document: str) -> str:
        self.called("keep", name)
        self.documents[f"memory://{name}"] = document
        return f"memory://{name}"

    def get(self, reference: str) -> str:
        self.called("fetch", reference)
        if reference not in self.documents:
            raise EvidenceExpired(f"{reference} is not there", reference=reference)
        return self.documents[reference]


class FakeParked(Port):
    """`ParkedChanges`."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.documents: list[dict[str, Any]] = []

    def park(self, document: Mapping[str, Any]) -> None:
        self.called("park")
        self.documents.append(dict(document))


class FakeSetAside(Port):
    """A `SetAside`."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.documents: dict[str, str] = {}
        self.redriven: dict[str, str] = {}

    def place(self, name: str, document: str) -> str:
        """Put a batch as Lambda does; return its reference."""
        reference = f"memory://set-aside/{name}"
        self.documents[reference] = document
        return reference

    def is_empty(self) -> bool:
        self.called("is_empty")
        return not self.documents

    def references(self) -> Iterator[str]:
        self.called("references")
        yield from sorted(self.documents)

    def get(self, reference: str) -> str | None:
        self.called("fetch", reference)
        if reference not in {**self.documents, **self.redriven}:
            raise RecordsExpired(f"{reference} is not there", reference=reference)
        return self.documents.get(reference)

    def done(self, reference: str) -> None:
        self.called("done", reference)
        if reference in self.documents:
            self.redriven[reference] = self.documents.pop(reference)


class FakeStreamReader(Port):
    """A `StreamReader` over the records in `shards`, by stream and shard."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.shards: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def read(self, wanted: StreamRange) -> list[Mapping[str, Any]]:
        self.called("read", wanted.first, wanted.last)
        shard = self.shards.get((wanted.stream_arn, wanted.shard_id), [])
        first, last = int(wanted.first), int(wanted.last)
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in shard]
        found = [r for r, number in zip(shard, numbers, strict=True) if first <= number <= last]
        if not {first, last} <= set(numbers):
            raise RecordsExpired("not in the stream", first=wanted.first, records=deepcopy(found))
        return deepcopy(found)


@dataclass
class _Held:
    letter: DeadLetter
    hidden_until_ms: int = 0


class FakeDeadLetters(Port):
    """`DeadLetters`; time is `now_ms`, which a test moves on. `moved` are the queues moved back."""

    def __init__(self, log: list[Call] | None = None) -> None:
        super().__init__(log)
        self.now_ms = 1_000
        self.moved: list[str] = []
        self._held: list[_Held] = []
        self._names = count(1)

    def send(self, queue: str, body: str, **attributes: str) -> None:
        """Put a message into a queue."""
        name = f"m{next(self._names)}"
        letter = DeadLetter(queue, name, f"r-{name}", body, self.now_ms, 0, attributes)
        self._held.append(_Held(letter))

    def bodies(self, queue: str) -> list[str]:
        """Return what is in a queue, hidden or not."""
        return [held.letter.body for held in self._held if held.letter.queue == queue]

    def receive(self, queue: str, most: int, visibility_seconds: int) -> list[DeadLetter]:
        self.called("receive", queue)
        shown = [h for h in self._of(queue) if h.hidden_until_ms <= self.now_ms]
        for held in shown[:most]:
            held.letter = replace(held.letter, receives=held.letter.receives + 1)
            held.hidden_until_ms = self.now_ms + visibility_seconds * 1_000
        return [held.letter for held in shown[:most]]

    def keep(self, letter: DeadLetter, visibility_seconds: int) -> None:
        self.called("keep", letter.message_id)
        for held in self._of(letter.queue):
            if held.letter.message_id == letter.message_id:
                held.hidden_until_ms = self.now_ms + visibility_seconds * 1_000

    def delete(self, letter: DeadLetter) -> None:
        self.called("delete", letter.message_id)
        self._held = [h for h in self._held if h.letter.message_id != letter.message_id]

    def depth(self, queue: str) -> int:
        self.called("depth", queue)
        return len(self._of(queue))

    def move_back(self, queue: str) -> str:
        self.called("move_back", queue)
        self.moved.append(queue)
        return f"task-{len(self.moved)}"

    def _of(self, queue: str) -> list[_Held]:
        return [held for held in self._held if held.letter.queue == queue]


@dataclass(frozen=True)
class FakePorts:
    """The ports of every stage: in memory, but for those that a test gives."""

    items: ItemStore = field(default_factory=FakeItems)
    ledger: Ledger = field(default_factory=FakeLedger)
    bus: ConflictBus = field(default_factory=FakeBus)
    evidence: EvidenceStore = field(default_factory=FakeEvidence)
    parked: ParkedChanges = field(default_factory=FakeParked)
    set_aside: SetAside = field(default_factory=FakeSetAside)
    streams: StreamReader = field(default_factory=FakeStreamReader)
    letters: DeadLetters = field(default_factory=FakeDeadLetters)
    telemetry: Telemetry = field(default_factory=Recorded)
    code: str = "use1"
    codes: Sequence[str] | None = ("use1",)

    def replica(self) -> str:
        return self.code

    def replicas(self) -> Sequence[str] | None:
        return self.codes

    def refusal(self) -> str:
        return "its row or its event was not accepted"


class Fakes:
    """Fakes of one region that share one log of calls, and the ports that they are."""

    def __init__(self, code: str = "use1") -> None:
        self.log: list[Call] = []
        self.items, self.ledger = FakeItems(log=self.log), FakeLedger(self.log)
        self.bus, self.evidence = FakeBus(self.log), FakeEvidence(self.log)
        self.parked, self.set_aside = FakeParked(self.log), FakeSetAside(self.log)
        self.streams, self.letters = FakeStreamReader(self.log), FakeDeadLetters(self.log)
        self.telemetry = Recorded()
        self.ports = FakePorts(
            items=self.items,
            ledger=self.ledger,
            bus=self.bus,
            evidence=self.evidence,
            parked=self.parked,
            set_aside=self.set_aside,
            streams=self.streams,
            letters=self.letters,
            telemetry=self.telemetry,
            code=code,
        )

    def calls(self) -> list[str]:
        """Return the names of all calls, in order."""
        return [call.name for call in self.log]
