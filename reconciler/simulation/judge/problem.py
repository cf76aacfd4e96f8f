"""A promise that a run broke."""

from dataclasses import dataclass

REMOVAL_UNDONE = "a library removal undone beside a put"  # counted, not broken


@dataclass(frozen=True)
class Problem:
    """One broken promise, about the operations with these numbers.

    `kind` is lost, doubled, wrong, differing, unresolved, incomplete or unbounded; undone is a raw
    update that nobody took the place of, harmed an item that only raw writers wrote.
    """

    kind: str
    key: str
    message: str
    operations: tuple[int, ...] = ()
