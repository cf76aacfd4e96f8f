"""The people of one region who decide losses: which, when, what, and how often they begin again.

Behaviour: whoever takes up a loss decides it, however often they are broken off: what cannot be
decided so is decided with what the feed names besides. Some losses are decided by two at once, or
in another region, too. A loss of an item that is gone, or was created anew, stays parked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from reconciler.conflict.row import Row, decision_id, item_key
from reconciler.errors import InvalidInput, ReconcilerError
from reconciler.feed.carrying_out import is_decided
from reconciler.feed.decision import Decision
from reconciler.item.schema import Schema
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR
from reconciler.simulation.world.answers import answer_to, choices
from reconciler.simulation.world.functions import Functions
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Crash, Setting
from reconciler.simulation.world.sitting import BREAKS, Sitting

_BROKEN_OFF, _ANOTHER, _TWICE, _ELSEWHERE = 0.4, 0.2, 0.25, 0.35
_MOST_TRIES = 60
_MUST = re.compile(r"(.+): must be decided, too")


@dataclass
class Errand:
    """A loss that somebody decides. `answer` is what they decide, once they have looked.

    `unasked` is done without a look whether it is decided: two people at once, or a repetition.
    """

    item_key: str
    conflict_id: str
    name: str
    answer: Decision | None = None
    unasked: bool = False
    tries: int = 0


@dataclass
class People:
    """Those of one region. `tell` hears of each deed, `others` are the people of other regions."""

    setting: Setting
    schema: Schema
    replica: SimulatedReplica
    functions: Functions
    numbers_left: Iterator[int]
    tell: Callable[[Done], object]
    others: Sequence["People"] = ()
    waiting: int = 0
    _taken_up: set[str] = field(default_factory=set)

    def hear_of_row(self, row: Row) -> None:
        """Take up a loss that is open, now and then."""
        if self.setting.weather.strikes(faults.DECIDED, self._region, row.conflict_id):
            self._take_up(row.item_key, row.conflict_id)

    def hear_of_parked(self, document: Mapping[str, Any]) -> None:
        """Take up a loss that is parked; a record that cannot be read is the redrive's."""
        event = document.get("event")
        if event:
            self._take_up(item_key(event["key"]), event["conflict_id"])

    def decide_too(self, errand: Errand) -> None:
        """Carry out what was decided in another region, if this one has the loss."""
        if errand.conflict_id in self.functions.ledger.rows.get(errand.item_key, {}):
            self._later(replace(errand, name=f"{errand.name} here", tries=0))

    @property
    def _region(self) -> str:
        return self.replica.region

    def _take_up(self, key: str, conflict_id: str) -> None:
        if conflict_id not in self._taken_up:
            self._taken_up.add(conflict_id)
            self._later(Errand(key, conflict_id, "first"))

    def _later(self, errand: Errand) -> None:
        self.waiting += 1
        magnitude = self.setting.draws.chance("decided", self._about(errand))
        delay_ms = int(100 * (4 * HOUR / 100) ** magnitude)
        self.setting.agenda.after(delay_ms, partial(self._try, errand))

    def _about(self, errand: Errand) -> str:
        return f"decide/{self._region}/{errand.conflict_id}/{errand.name}"

    def _try(self, errand: Errand) -> None:
        self.waiting -= 1
        errand.tries += 1
        setting, about = self.setting, self._about(errand)
        if setting.weather.reigns(faults.DESTROYED, self._region) or errand.tries > _MOST_TRIES:
            return
        breaks = ""
        if setting.draws.chance("broken off", about) < _BROKEN_OFF / errand.tries:
            breaks = BREAKS[setting.draws.between("where", about, 0, len(BREAKS) - 1)]
        sitting = Sitting(
            setting, self.schema, self.replica, self.functions, about, self.numbers_left, breaks
        )
        try:
            is_over = not setting.is_gone(self._region) and self._is_over(errand, sitting)
        except (Crash, ReconcilerError) as problem:
            is_over = self._gives_up(errand, sitting, problem)
        for done in sitting.done:
            self.tell(replace(done, outcome="acknowledged") if is_over else done)
        if not is_over:
            self._later(errand)

    def _is_over(self, errand: Errand, sitting: Sitting) -> bool:
        """Decide a loss, and return whether nothing is left to be done."""
        rows = {row.conflict_id: row for row in sitting.rows(errand.item_key)}
        row, decided = rows.get(errand.conflict_id), rows.get(decision_id(errand.conflict_id))
        if row is None:
            return True
        row = row.with_audit_of(decided) if decided is not None else row
        if not errand.unasked and is_decided(row, errand.answer or {}):
            self._clear(errand)
            return True
        case = sitting.case(row)
        about = self._about(errand)
        if errand.answer is None:
            errand.answer = answer_to(case, self.schema, self.setting.draws, about)
        if errand.answer is None:
            return True
        try:
            sitting.decide(case, errand.answer)
        except InvalidInput as problem:
            named = _MUST.match(str(problem))
            names = [name for name in named[1].split(", ") if name != "all"] if named else []
            more = choices(names, case, self.schema, self.setting.draws, about)
            if not more or more.keys() <= errand.answer.keys():
                self.setting.journal.count("undecidable")
                return True
            errand.answer = {**errand.answer, **more}
            return False
        self._close(errand)
        return True

    def _gives_up(self, errand: Errand, sitting: Sitting, problem: BaseException) -> bool:
        """Return whether whoever was broken off leaves it; another person then begins anew."""
        if isinstance(problem, InvalidInput):
            return True  # it was resolved meanwhile, or decided otherwise
        if isinstance(problem, Crash) and sitting.done:
            leaves = self.setting.draws.chance("another", self._about(errand)) < _ANOTHER
            if leaves:
                errand.name, errand.answer = f"{errand.name} again", None
        return False

    def _close(self, errand: Errand) -> None:
        """Take what is decided from the parked changes; it may be decided once more."""
        setting, about = self.setting, self._about(errand)
        setting.journal.count("decided")
        setting.journal.note(self._region, "park", "", reason="decided", what=errand.conflict_id)
        self._clear(errand)
        if " " in errand.name:
            return
        if setting.draws.chance("twice", about) < _TWICE:
            unasked = setting.draws.chance("unasked", about) < 0.5
            self._later(replace(errand, name="second time", unasked=unasked, tries=0))
        for other in self.others:
            if setting.draws.chance("elsewhere", f"{about}/{other._region}") < _ELSEWHERE:
                other.decide_too(errand)

    def _clear(self, errand: Errand) -> None:
        parked = self.functions.parked
        parked[:] = [each for each in parked if not _is_about(each, errand.conflict_id)]


def _is_about(document: Mapping[str, Any], conflict_id: str) -> bool:
    return bool((document.get("event") or {}).get("conflict_id") == conflict_id)
