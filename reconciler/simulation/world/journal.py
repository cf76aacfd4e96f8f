"""The trace of a run: what happened, in order, and a hash that two equal runs share.

The hash is over every fact, kept or not, so a run without a trace has the same hash.
"""

from collections import Counter
from hashlib import blake2b

from reconciler.simulation.world.agenda import Agenda
from reconciler.simulation.world.history import Moment


class Journal:
    """The facts of a run: hashed, counted in `counts` and, if they are kept, in `moments`."""

    def __init__(self, agenda: Agenda, *, keep: bool) -> None:
        self._agenda = agenda
        self._keep = keep
        self._hash = blake2b(digest_size=16)
        self.moments: list[Moment] = []
        self.counts: Counter[str] = Counter()

    def note(self, region: str, kind: str, key: str, **detail: str | int) -> None:
        """Write down one fact."""
        at_ms = self._agenda.now_ms
        self._hash.update(repr((at_ms, region, kind, key, detail)).encode())
        if self._keep:
            self.moments.append(Moment(at_ms, region, kind, key, detail))

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count."""
        self.counts[name] += by

    def note_greatest(self, name: str, value: int) -> None:
        """Keep the greatest value of a count."""
        self.counts[name] = max(self.counts[name], value)

    def trace_hash(self) -> str:
        """Return the hash of all facts so far."""
        return self._hash.hexdigest()
