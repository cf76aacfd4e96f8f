"""What decides a simulated run: its operations and its faults. Plain values only.

A plan decides a run completely. One with fewer operations or faults is a smaller run of
the same kind, which is what shrinking uses. Times are virtual
milliseconds since the run began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.crdt.base import Edit
from reconciler.item.schema import Schema
from reconciler.values.wire import Image

DECIDE = "decide"  # the verb of an edit that is a person's decision: to assign, or to remove


@dataclass(frozen=True)
class Operation:
    """One edit that a client makes in a region; `number` names it for ever.

    `raw` is the call of a client that does not use the library (see `raw`), "" of one that does.
    `named`: it does not use it either, but names its update, which reads nothing.
    `read_at_ms` is when it read what it writes on, if others come between: then the library's
    client holds a block open, and a raw client saves a copy. `once` is its idempotency key, ""
    if it has none, made at `issued_ms`.
    """

    number: int
    at_ms: int
    region: str
    key: str
    edits: tuple[Edit, ...]
    raw: str = ""
    read_at_ms: int | None = None
    named: bool = False
    once: str = ""
    issued_ms: int = 0

    def begins_at_ms(self) -> int:
        """Return when its client begins: a block of the library's opens with its read."""
        return self.at_ms if self.raw or self.read_at_ms is None else self.read_at_ms


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
    """Everything that decides a run.

    `before` are the items that all regions hold when it begins, `outside` says in which regions
    there are writers around the library, as it was asked for, `naming` and `keying` whether named
    and keyed writes were asked for, and `restores` whether the detectors take hard deletes back.
    """

    seed: int
    schema: Schema
    regions: tuple[str, ...]
    operations: tuple[Operation, ...]
    faults: tuple[Fault, ...] = ()
    folds: bool = True
    before: Mapping[str, Image] = field(default_factory=dict)
    outside: str = "none"
    naming: bool = False
    keying: bool = False
    restores: bool = False

    def is_raw(self) -> bool:
        """Return whether writers around the library take part."""
        return bool(self.before) or any(operation.raw for operation in self.operations)

    def is_named(self) -> bool:
        """Return whether writers that name their updates take part."""
        return any(operation.named for operation in self.operations)
