"""A promise that a run broke."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A promise that the run broke: `kind` is lost, doubled, wrong, differing, unresolved,
    incomplete or unbounded; `operations` are the numbers it is about."""

    kind: str
    key: str
    message: str
    operations: tuple[int, ...] = ()
