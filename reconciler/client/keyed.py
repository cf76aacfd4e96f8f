"""Keyed writes of a client: carried out once, wherever and however often they are made.

A key that stands in the item, or that is forgotten there by now, was carried out: its write is
answered and nothing is written. A keyed write in doubt is simply made again (K4): two executions
are one amount.
HAZARD if a key were taken beyond its lifetime: what is forgotten covers it, so a write that was
never made would be answered as done (K2).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS, Hlc
from reconciler.causality.keys import Once, is_reused
from reconciler.errors import KeyExpired, KeyReused, OutcomeUnknown, ReconcilerError
from reconciler.item.names import known_with_keys
from reconciler.text.counts import count_in_words
from reconciler.values.wire import Image, Wires

_NEVER = Hlc.of(0)


def check_age(once: Once, now_ms: int, lifetime_ms: int) -> None:
    """Raise KeyExpired for a key that is too old, or made in the future."""
    age_ms = now_ms - once.issued_at_ms
    if age_ms > lifetime_ms:
        age = count_in_words(age_ms // 60_000, "minute")
        raise KeyExpired(
            f"this idempotency key is {age} old, and keys live for"
            f" {lifetime_ms // 60_000:,}: whether it was carried out, the item may not"
            " tell any more. Look at the item, and make a new key if its write is missing"
        )
    if age_ms < -MAXIMUM_CLOCK_DRIFT_MS:
        raise KeyExpired("this idempotency key is of the future: check the clock of its maker")


def is_known(key: Lineage, image: Wires) -> bool:
    """Return whether an image shows that a key was carried out; KeyReused for another payload."""
    known = known_with_keys(image)
    if any(is_reused(key, each) for each in known.heads):
        raise KeyReused(
            "this idempotency key was used for another payload: a new request takes a new key"
        )
    return known.covers(Dot(key, _NEVER))


def shows_key(item: Wires, once: str | Once) -> bool:
    """Return whether an item, in wire format, shows that a key was carried out.

    KeyReused if it was with another payload.
    """
    return is_known(Once.of(once).lineage(), item)


class Keyed:
    """One write and its key, None if it has none; `now` is the region's time."""

    def __init__(self, once: Once | None, now: Callable[[], Hlc], lifetime_ms: int) -> None:
        self._once = once
        self._now = now
        self._lifetime_ms = lifetime_ms
        self.lineage = None if once is None else once.lineage()
        self.is_found = False  # whether the image that was looked at last shows the key
        self.doubt: OutcomeUnknown | None = None  # that a try may have been carried out

    def check(self) -> None:
        """Refuse a key that is too old, or of the future: before anything, and before each send."""
        if self._once is not None:
            check_age(self._once, self._now().wall_ms, self._lifetime_ms)

    def is_done(self, image: Image | None) -> bool:
        """Return whether the write was carried out, as far as an image shows.

        KeyReused if its key was, with another payload.
        """
        self.is_found = self._is_in(image)
        return self.is_found

    def _is_in(self, image: Image | None) -> bool:
        return self.lineage is not None and image is not None and is_known(self.lineage, image)

    def is_unspent(self, image: Image | None) -> bool:
        """Return whether there is a key that an image does not show yet.

        Then a change that finds nothing to do spends it all the same, also where there is no item.
        HAZARD if it did not: made again, it would undo what others did since, or delete what they
        created.
        """
        return self.lineage is not None and not self.is_done(image)

    @contextmanager
    def as_in_doubt(self) -> Iterator[None]:
        """Let what refuses a later try not hide that an earlier one may have been carried out.

        HAZARD without it: who is told that a write was refused makes another one, with a new key.
        """
        try:
            yield
        except OutcomeUnknown:
            raise
        except ReconcilerError as problem:
            if self.doubt is None:
                raise
            raise self.doubt from problem

    def note_doubt(self, problem: OutcomeUnknown) -> None:
        """Remember that a try may have been carried out; without a key it is not made again."""
        if self.lineage is None:
            raise problem
        self.doubt = OutcomeUnknown(
            "the answer to a write with an idempotency key was lost: simply make it again, with the"
            " same key, in any region",
            **problem.evidence,
        )
