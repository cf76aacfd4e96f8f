"""What happened in a run, and what is left once the world has come to rest. Plain values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.simulation.plan.plan import Operation, Plan
from reconciler.values.wire import Image


@dataclass(frozen=True)
class Done:
    """An operation as its client saw it end.

    `outcome` is "acknowledged", "refused" (certainly not applied), "unknown", or "answered": its
    idempotency key was carried out before. `seen` are the
    numbers of the operations that its writer's image rested on, known from the schedule alone;
    `beside` those that it replaced without having seen them, and kept.
    `wall_ms` is what the writer's clock showed; `dot` names the write. `applied` is the truth:
    whether the write took effect in its region, whatever its client was told. `stranded` says that
    it had not left a replica that was lost for good: nobody can bring it back. `expired` says
    that its item was deleted and time-to-live removed the tombstone before anybody wrote on it.
    `over` is what a write around the library took the place of, `copy` what its client had read:
    managed, plain, tombstone or nothing.
    """

    operation: Operation
    outcome: str
    at_ms: int
    wall_ms: int
    seen: frozenset[int]
    beside: frozenset[int] = frozenset()
    dot: str = ""
    applied: bool = True
    stranded: bool = False
    expired: bool = False
    over: str = ""
    copy: str = ""


@dataclass(frozen=True)
class Moment:
    """One line of the trace; `detail` holds strings and numbers only.

    `kind` is write, raw, replicate, loss, event, merge, fold, park, fault, redeliver, crash, expire
    or copy.
    """

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
    contested: frozenset[str] = frozenset()  # items deleted for good of which nobody knows the end
