"""What decides a simulated run: its operations and its faults. Plain values only.

A plan decides a run completely. One with fewer operations or faults is a smaller run of
the same kind, which is what shrinking uses. Times are virtual
milliseconds since the run began.
"""

from dataclasses import dataclass

from reconciler.crdt.base import Edit
from reconciler.item.schema import Schema

DECIDE = "decide"  # the verb of an edit that is a person's decision: to assign, or to remove


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
