"""The faults that reign in a world at a moment, and the calls that they strike."""

from reconciler.simulation.plan.faults import FOR_EVER
from reconciler.simulation.plan.plan import Fault
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.journal import Journal


class Weather:
    """The faults that reign now, by kind, and the chance with which they strike a call."""

    def __init__(self, draws: Draws, journal: Journal) -> None:
        self._draws = draws
        self._journal = journal
        self._reigning: dict[str, list[Fault]] = {}
        self._moments: dict[str, int] = {}  # when each process is reached
        self._past: set[str] = set()  # the kinds of which one has ended

    def begin(self, fault: Fault) -> None:
        """Let a fault reign."""
        self._reigning.setdefault(fault.kind, []).append(fault)
        until = "the end" if fault.until_ms >= FOR_EVER else fault.until_ms
        self._journal.count(f"faults.{fault.kind}")
        self._journal.note(
            fault.region, "fault", "", fault=fault.kind, other=fault.other, until=until
        )

    def end(self, fault: Fault) -> None:
        """Let a fault reign no more."""
        self._past.add(fault.kind)
        left = self._reigning[fault.kind]
        left.remove(fault)
        if not left:
            del self._reigning[fault.kind]

    def of(self, kind: str, region: str = "") -> list[Fault]:
        """Return the faults of a kind that reign, in a region if one is given."""
        reigning = self._reigning.get(kind, [])
        return [f for f in reigning if not region or f.region in ("", region)]

    def reigns(self, kind: str, region: str) -> bool:
        """Return whether a fault of a kind reigns in a region."""
        return kind in self._reigning and bool(self.of(kind, region))

    def reached(self, kind: str, process: str, now_ms: int) -> bool:
        """Return whether what comes gradually, to stay, has come to a process."""
        for fault in self.of(kind):
            if process not in self._moments:
                drawn = self._draws.between(kind, process, fault.at_ms, fault.until_ms)
                self._moments[process] = drawn
            return now_ms >= self._moments[process]
        return kind in self._past

    def strikes(self, kind: str, region: str, about: str) -> bool:
        """Return whether a fault of a kind strikes this call or delivery."""
        if kind not in self._reigning:
            return False
        rate = max((fault.rate for fault in self.of(kind, region)), default=0.0)
        if self._draws.chance(kind, about) >= rate:
            return False
        self._journal.count(f"struck.{kind}")
        return True

    def offset_ms(self, kind: str, region: str, greatest_ms: int) -> int:
        """Return how far a clock of a region is ahead; negative if it is behind."""
        offsets = (
            fault.rate * greatest_ms * (1 if fault.other == "ahead" else -1)
            for fault in self.of(kind, region)
        )
        total = sum(offsets) if kind in self._reigning else 0
        return int(max(-greatest_ms, min(greatest_ms, total)))
