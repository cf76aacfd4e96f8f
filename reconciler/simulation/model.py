"""What a simulated run is made of: its plan, what happened, and what is left at the end.

Behaviour: plain values only. A plan decides a run completely, so a plan with fewer operations or
faults is a smaller run of the same kind: that is what shrinking uses. Times are virtual
milliseconds since the run began.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.codec import Image
from reconciler.crdt.base import Edit
from reconciler.schema import Schema


@dataclass(frozen=True)
class Operation:
    """One edit that a client makes in a region; `number` names it for ever."""

    number: int
    at_ms: int
    region: str
    key: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong: `kind` says what (see `faults`), from `at_ms` to `until_ms`.

    `rate` is how often it strikes where it can, from 0 to 1.
    """

    kind: str
    at_ms: int
    until_ms: int
    region: str = ""
    other: str = ""
    rate: float = 1.0


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run."""

    seed: int
    schema: Schema
    regions: tuple[str, ...]
    operations: tuple[Operation, ...]
    faults: tuple[Fault, ...] = ()
    folds: bool = True


@dataclass(frozen=True)
class Done:
    """An operation as its client saw it end.

    `outcome` is "acknowledged", "refused" (certainly not applied) or "unknown". `seen` are the
    numbers of the operations that the replaced image rested on, known from the schedule alone.
    `wall_ms` is what the writer's clock showed; `dot` names the write. `applied` is the truth:
    whether the write took effect in its region, whatever its client was told. `stranded` says that
    it had not left a region that was destroyed for good: nobody can bring it back. `expired` says
    that its item was deleted and time-to-live removed the tombstone before anybody wrote on it.
    """

    operation: Operation
    outcome: str
    at_ms: int
    wall_ms: int
    seen: frozenset[int]
    dot: str = ""
    applied: bool = True
    stranded: bool = False
    expired: bool = False


@dataclass(frozen=True)
class Moment:
    """One line of the trace. `kind` is write, replicate, loss, event, merge, fold, park, fault,
    redeliver, crash or expire; `detail` holds strings and numbers only."""

    at_ms: int
    region: str
    kind: str
    key: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What happened, and what is left once the world has come to rest."""

    plan: Plan
    done: Sequence[Done]
    items: Mapping[str, Mapping[str, Image]]  # region -> key -> image
    open_rows: Mapping[str, Sequence[str]]  # region -> conflict ids not closed
    parked: Mapping[str, Sequence[Mapping[str, Any]]]  # region -> parked documents
    counts: Mapping[str, int]  # writes, write_backs, conflicts, events, folds, lineages_most, ...
    trace: Sequence[Moment]
    trace_hash: str


@dataclass(frozen=True)
class Problem:
    """A promise that the run broke: `kind` is lost, doubled, wrong, differing, unresolved,
    incomplete or unbounded; `operations` are the numbers it is about."""

    kind: str
    key: str
    message: str
    operations: tuple[int, ...] = ()
