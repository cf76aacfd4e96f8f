"""What every part of a world shares, and the calls of a running function: where faults strike."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.simulation.plan import faults
from reconciler.simulation.world.agenda import Agenda
from reconciler.simulation.world.causes import Causes
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.journal import Journal
from reconciler.simulation.world.lives import Lives
from reconciler.simulation.world.weather import Weather

_LONGEST_CALL_MS = 400
_CLOCK_STEP_MS = 20_000  # of functions: within what deployments assume, less than a minute apart
_MACHINE_STEP_MS = 3 * 3_600_000  # of writers' machines, which nobody looks after


class Crash(BaseException):
    """The process is gone, in the middle of what it did."""


@dataclass(frozen=True)
class Setting:
    """Time, chance, faults, the trace, true causality and the lives of one run."""

    agenda: Agenda
    draws: Draws
    weather: Weather
    journal: Journal
    causes: Causes
    lives: Lives = field(default_factory=Lives)
    outside_writers: OutsideWriters = "none"

    def wall_ms(self, region: str) -> int:
        """Return what a region's wall clock shows, in milliseconds since 1970."""
        return self.agenda.epoch_ms + self.weather.offset_ms(faults.CLOCK, region, _CLOCK_STEP_MS)

    def machine_ms(self, region: str, percent: int) -> int:
        """Return what the clock of a writer's machine shows, which may be off by hours.

        `percent` is how much of its region's step the machine takes part in, from -100 to 100.
        """
        off = self.weather.offset_ms(faults.CLOCK, region, _MACHINE_STEP_MS)
        return self.agenda.epoch_ms + off * percent // 100

    def is_gone(self, region: str) -> bool:
        """Return whether nothing runs in a region now."""
        gone = (faults.OUTAGE, faults.DESTROYED, faults.REMADE)
        return any(self.weather.reigns(kind, region) for kind in gone)


class Calls:
    """The calls of one running function; `about` names the run, whatever else happens."""

    def __init__(
        self,
        setting: Setting,
        region: str,
        about: str,
        hear: Callable[[], object] = lambda: None,
    ) -> None:
        self.setting = setting
        self.region = region
        self.about = about
        self._hear = hear

    def begin(self, call: str) -> None:
        """Before a call: others may come first, the process may die, the call may be refused."""
        self._cross(call, "before")
        if self.strikes(faults.THROTTLE, call):
            raise Unavailable(f"{call}: throttled")

    def begin_write(self, call: str) -> None:
        """As `begin`, for a write that is not to be sent again: its request may get lost."""
        self.begin(call)
        if self.strikes(faults.LOST_REQUEST, call):
            raise OutcomeUnknown(f"{call}: the request was lost")

    def end(self, call: str) -> None:
        """After a call: the process may die before it hears of it."""
        self._cross(call, "after")
        self._hear()

    def end_write(self, call: str) -> None:
        """As `end`, for a write: its answer may get lost."""
        self.end(call)
        if self.strikes(faults.LOST_ANSWER, call):
            raise OutcomeUnknown(f"{call}: the answer was lost")

    def strikes(self, kind: str, call: str) -> bool:
        """Return whether a fault strikes this call."""
        return self.setting.weather.strikes(kind, self.region, f"{self.about}/{call}")

    def _cross(self, call: str, side: str) -> None:
        setting = self.setting
        place = f"{call}/{side}"
        if self.strikes(faults.SLOW_CALL, place):
            about = f"{self.about}/{place}"
            setting.agenda.wait(setting.draws.between("call", about, 1, _LONGEST_CALL_MS))
        if setting.is_gone(self.region):
            raise Crash(f"{self.region} is gone")
        if self.strikes(faults.CRASH, place):
            setting.journal.note(self.region, "crash", "", who=self.about, where=place)
            raise Crash(place)
