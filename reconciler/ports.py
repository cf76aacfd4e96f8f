"""What the reconciler needs from the outside world, as protocols.

The adapters in `reconciler.aws` and the in-memory fakes of the tests fulfil the same contract, and
the same contract tests hold for both. Adapters raise `Unavailable` for a call that was certainly
not carried out and `OutcomeUnknown` for a write whose answer was lost.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.causality.context import ADOPTED
from reconciler.causality.keys import Once
from reconciler.conflict.event import Event
from reconciler.conflict.row import Row, State
from reconciler.crdt.base import Edit
from reconciler.item.metadata import context_of, is_managed
from reconciler.item.standing import Standing
from reconciler.values.wire import Image, Wire, Wires

# A stream's record as Lambda shows it to a function: eventID, eventName, dynamodb{...}.
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Superseded:
    """A conditional write was refused because the item is not the image it was to replace."""

    current: Image | None


@dataclass(frozen=True)
class Replacement:
    """One conditional write: `image` takes the place of exactly `replacing` (None: no item)."""

    image: Image
    replacing: Wires | None

    @property
    def adopts(self) -> bool:
        """Whether the write takes in what was done around the library to the image it replaces.

        Such changes leave the token alone: then only the attributes tell whether more were made.
        """
        before = self.replacing
        known = context_of(before).heads if before is not None and is_managed(before) else {}
        heads = context_of(self.image).heads if is_managed(self.image) else {}
        return any(each.replica == ADOPTED and each not in known for each in heads)


@dataclass(frozen=True)
class Restatement:
    """The metadata of `replacing` stated anew, as `image` has it; what readers see stays.

    Its first `filed` named writes are part of that; of the others more may have come.
    """

    image: Image
    replacing: Wires
    filed: int = 0


@dataclass(frozen=True)
class Naming:
    """One named write: edits that need no reading, and the element that says what they do.

    It is put at the end of the list, if the item `takes_names`. Or it takes the place of a name
    that is `standing`, and that it adds to, if that still stands so.
    """

    key: Image
    edits: Sequence[Edit]
    element: Wire
    standing: Standing | None = None


class ItemStore(Protocol):
    """One region's replica of the table."""

    def get(self, key: Image) -> Image | None:
        """Return the current item, read consistently, or None."""

    def put(self, write: Replacement) -> Superseded | None:
        """Write if the item is still the one to replace; None means written."""

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        """Write all or nothing; None means written, else each item's refusal, if it had one.

        Sending the same writes again is harmless, even if they were carried out the first time.
        """

    def update(self, write: Naming) -> Image | Superseded:
        """Carry out a named write in one call, which reads nothing; return the item after it.

        InvalidInput if the item holds what the edits are not for. Sending it again counts twice.
        """

    def restate(self, write: Restatement) -> bool:
        """Write metadata if it and the names in front are as they were; return whether it was."""

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Yield the images that DynamoDB's Query finds, page after page."""


@dataclass(frozen=True)
class KeyedEdit:
    """One edit of one item, whose key is in plain values, under its idempotency key."""

    key: Mapping[str, Any]
    change: Callable[[Any], None]
    once: Once


MOST_AT_ONCE = 100  # of different items


class NewItems(Protocol):
    """One region's replica of the table, for who makes many items that are not there yet."""

    def images(self, keys: Sequence[Image]) -> Sequence[Image | None]:
        """Return the items of up to 100 different keys, read consistently, in their order."""

    def insert(self, images: Sequence[Image]) -> Sequence[bool]:
        """Write up to 25 items where there are none, each by itself; return which are written.

        Of the others it is not certain: they stand there already, were refused, or are in doubt.
        """


@dataclass(frozen=True)
class Segment:
    """One of the parts in which a replica is gone through at once; they have no item in common."""

    number: int
    of: int


@dataclass(frozen=True)
class Page:
    """Some items of a segment, and where to go on behind them; None: there are no more."""

    images: Sequence[Image]
    after: Image | None


@dataclass(frozen=True)
class Stamp:
    """The metadata that an item without any gets, as `image` has it; what readers see stays.

    `absent` are attributes that `replacing` does not have, and that matter if they came since.
    """

    image: Image
    key: Image
    replacing: Image
    absent: Sequence[str] = ()


@dataclass(frozen=True)
class TableFacts:
    """What a table is: its key's names, the other regions it is in, and about how many items."""

    key: tuple[str, ...]
    elsewhere: frozenset[str]
    items: int


class WholeReplica(Protocol):
    """One region's replica, gone through item by item."""

    def facts(self) -> TableFacts:
        """Return what the table is; InvalidInput if its regions are strongly consistent."""

    def page(self, segment: Segment, after: Image | None) -> Page:
        """Return the next items of a segment, read consistently."""

    def images(self, keys: Sequence[Image]) -> Sequence[Image | None]:
        """Return the items of up to 100 different keys, read consistently, in their order."""

    def stamp(self, write: Stamp) -> bool:
        """Write metadata if the item is just as it was; return whether it was.

        Sending it again is harmless: what has metadata is refused.
        """


class Ledger(Protocol):
    """One region's ledger of losses; whatever a row holds, it is handed out (see `Row`)."""

    def record(self, rows: Sequence[Row]) -> set[str]:
        """Write rows, replacing rows of the same id; return the ids that were not written.

        A row that the store refuses for good holds up no other one.
        """

    def set_state(self, rows: Sequence[Row]) -> set[str]:
        """Say where losses stand now; return the ids of which that was not written.

        Of a row that is there, only the outcome changes (`Row.outcome`): its evidence stays.
        """

    def rows_of(self, item_key: str) -> Sequence[Row]:
        """Return the rows of one item, read consistently."""

    def in_state(self, state: State) -> Iterator[Row]:
        """Yield the rows in a state, the oldest loss first, as an index shows them: soon."""


class ConflictBus(Protocol):
    """The event bus of one region."""

    def publish(self, events: Sequence[Event]) -> set[str]:
        """Send events; return the identifiers of those that were not accepted."""


class EvidenceStore(Protocol):
    """Where images too large for an event, a row or a message are kept."""

    def put(self, name: str, document: str) -> str:
        """Keep a JSON document under a name; return the reference to it."""

    def get(self, reference: str) -> str:
        """Return the document behind a reference; EvidenceExpired if there is none any more."""


class ParkedChanges(Protocol):
    """Where changes are set aside, whole, for a person or a redrive."""

    def park(self, document: Mapping[str, Any]) -> None:
        """Keep the change; it is safe once this returns."""


class SetAside(Protocol):
    """Batches that the stream's event source gave up, with their payload."""

    def is_empty(self) -> bool:
        """Return whether none waits to be redriven; read consistently."""

    def references(self) -> Iterator[str]:
        """Yield the references of those that wait."""

    def get(self, reference: str) -> str | None:
        """Return the document, or None if it is done already; RecordsExpired if there is none."""

    def done(self, reference: str) -> None:
        """Move the document away from those that wait; doing it again is harmless."""


@dataclass(frozen=True)
class StreamRange:
    """Records that were set aside by name: a shard's, from `first` to `last`, both included."""

    stream_arn: str
    shard_id: str
    first: str
    last: str


class StreamReader(Protocol):
    """One region's stream, read again."""

    def read(self, wanted: StreamRange) -> Sequence[Mapping[str, Any]]:
        """Return the records, as Lambda shows them.

        RecordsExpired if one may be gone, because it was trimmed or the stream does not exist; its
        evidence `records` are those that could be read.
        """


@dataclass(frozen=True)
class DeadLetter:
    """One message received from a dead-letter queue; `sent_at_ms` is when it came there."""

    queue: str
    message_id: str
    receipt: str
    body: str
    sent_at_ms: int
    receives: int
    attributes: Mapping[str, str] = field(default_factory=dict)


class DeadLetters(Protocol):
    """One region's dead-letter queues."""

    def receive(self, queue: str, most: int, visibility_seconds: int) -> Sequence[DeadLetter]:
        """Return up to `most` (10) messages, hidden from others for a while; none: none is left."""

    def keep(self, letter: DeadLetter, visibility_seconds: int) -> None:
        """Hide a message for that long from now on; 0 shows it again."""

    def delete(self, letter: DeadLetter) -> None:
        """Remove a message whose work is done."""

    def depth(self, queue: str) -> int:
        """Return about how many messages a queue holds."""

    def move_back(self, queue: str) -> str:
        """Start SQS's own redrive of a queue to its source; return the task's handle."""


class Telemetry(Protocol):
    """Metrics and logs of one function."""

    def count(self, metric: str, value: int = 1, kind: str = "") -> None:
        """Add to a metric and, if a kind is given, to that kind of it, too."""

    def measure(self, metric: str, value: float) -> None:
        """Take one measurement; names ending in `_ms` are milliseconds, in `_bytes` bytes."""

    def note(self, message: str, **fields: Any) -> None:
        """Log one structured line."""


class Unheard:
    """A `Telemetry` that tells nobody."""

    def count(self, metric: str, value: int = 1, kind: str = "") -> None:
        """Count nothing."""

    def measure(self, metric: str, value: float) -> None:
        """Measure nothing."""

    def note(self, message: str, **fields: Any) -> None:
        """Log nothing."""


class StagePorts(Protocol):
    """What every stage works with in its region."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def evidence(self) -> EvidenceStore: ...

    @property
    def parked(self) -> ParkedChanges: ...

    def replica(self) -> str:
        """Return which replica this is: its region's code, and its incarnation if it is known."""

    def replicas(self) -> Sequence[str] | None:
        """Return the codes of all replicas of the table, this one's too; None if not all are
        known."""


class DetectorPorts(StagePorts, Protocol):
    """The outside world of a detector."""

    @property
    def bus(self) -> ConflictBus: ...

    @property
    def telemetry(self) -> Telemetry: ...


class ResolverPorts(StagePorts, Protocol):
    """The outside world of a resolver."""

    @property
    def items(self) -> ItemStore: ...

    @property
    def set_aside(self) -> SetAside: ...

    @property
    def telemetry(self) -> Telemetry: ...


class SweepPorts(Protocol):
    """What a sweep through a table works with in each region."""

    @property
    def items(self) -> ItemStore: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def whole(self) -> WholeReplica: ...


class RedrivePorts(StagePorts, Protocol):
    """The outside world of a redriver."""

    @property
    def items(self) -> ItemStore: ...

    @property
    def bus(self) -> ConflictBus: ...

    @property
    def set_aside(self) -> SetAside: ...

    @property
    def streams(self) -> StreamReader: ...

    def refusal(self) -> str:
        """Return what the ledger or the bus refused last in this thread, and why."""


class DrainPorts(RedrivePorts, Protocol):
    """The outside world of a drain: a redriver's, and the letters that it works off."""

    @property
    def letters(self) -> DeadLetters: ...
