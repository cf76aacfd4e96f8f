"""One person's try at deciding a loss, with the real code of the feed, and what it did to the item.

Behaviour: a try may be broken off between any two of its writes. What it did is known to the world:
the decision is a write of what it gives, by somebody who has seen what it replaced and the loss.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.causality.hlc import HybridClock
from reconciler.causality.region_time import RegionTime
from reconciler.client.lost_answers import written_dot
from reconciler.client.table import ReplicatedTable
from reconciler.conflict.row import Row
from reconciler.crdt.base import Edit
from reconciler.feed.carrying_out import Desk, decide
from reconciler.feed.case import Case, open_case
from reconciler.feed.decision import Answer, Choice, Decision
from reconciler.item.metadata import (
    is_managed,
    is_tombstone_in,
    metadata_in,
    tombstone_values_in,
)
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import DECIDE, Operation
from reconciler.simulation.world.causes import Origin, numbers
from reconciler.simulation.world.functions import Functions
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.ledger import SimulatedLedger
from reconciler.simulation.world.releases import release_of
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Crash, Setting
from reconciler.simulation.world.writers import nonce, surroundings
from reconciler.values.wire import Image, canonical

# Where a try is broken off: before the decision, before the rest is merged, before the row.
BREAKS = ("decision", "rest", "row")


class Sitting:
    """One try. `done` is what it did to the item; `breaks` names where it is broken off.

    `numbers_left` numbers what people do, as operations are numbered.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a try is all of these)
        self,
        setting: Setting,
        schema: Schema,
        replica: SimulatedReplica,
        functions: Functions,
        about: str,
        numbers_left: Iterator[int],
        breaks: str = "",
    ) -> None:
        self.done: list[Done] = []
        self._setting = setting
        self._schema = schema
        self._replica = replica
        self._numbers_left = numbers_left
        self._breaks = breaks
        self._about = about
        self._percent = setting.draws.between("machine clock", about, -100, 100)
        self._time = RegionTime(self._machine_ms, lambda: setting.agenda.now_ms)
        self._calls = Calls(setting, replica.region, about, hear=self._hear)
        process = f"{replica.region}/people"
        self._release = release_of(setting.weather, process, setting.agenda.now_ms)
        self._ports = functions.ports(self._calls, self._release, origin=self._merge)
        self._origin_of_lost = functions.origin_of_lost
        self._writes = False  # the decision, or is done with it
        self._decision: Decision = {}

    def rows(self, item_key: str) -> Sequence[Row]:
        """Return the ledger's rows of an item."""
        return self._ports.ledger.rows_of(item_key)

    def case(self, row: Row) -> Case:
        """Return the loss as a person finds it."""
        ports = self._ports
        return open_case(row, ports.items, ports.evidence, ports.ledger)

    def decide(self, case: Case, decision: Decision) -> None:
        """Carry a decision out."""
        self._case, self._decision = case, decision
        self._lost = self._origin_of_lost(case.event).rests_on
        self._before: Mapping[str, Any] = case.current or {}
        items, ledger = _Items(self), _Ledger(self)
        replica, wall = self._replica.code, self._replica.region
        desk = Desk(items, ledger, self._table, replica, lambda: self._setting.wall_ms(wall))
        decide(case, Answer(decision, "a person", self._about), desk)

    def break_off(self, place: str) -> None:
        """End the try if this is where it is broken off."""
        if self._breaks == place and (self._writes or place == "decision"):
            self._setting.journal.note(
                self._replica.region, "crash", "", who=self._about, where=place
            )
            self._setting.journal.count("broken_off")
            raise Crash(place)

    def items(self) -> SimulatedItems:
        """Return the store that merges are written to."""
        return self._ports.items

    def ledger(self) -> SimulatedLedger:
        """Return the ledger."""
        return self._ports.ledger

    def _table(self, schema: Schema) -> ReplicatedTable:
        self.break_off("decision")
        self._writes = True
        setting, about = self._setting, self._about
        return ReplicatedTable(
            schema,
            SimulatedItems(self._replica, self._calls, self._write, self._release),
            replica=lambda: self._replica.code,
            clock=HybridClock(self._time.now_ms, lambda: nonce(setting.draws, about)),
            surroundings=surroundings(setting, lambda: about, self._time.is_sure),
            outside_writers=setting.outside_writers,
        )

    def _merge(self, name: str, image: Image, replaced: Origin) -> Origin:
        setting = self._setting
        token = setting.causes.name(image)
        if not self._writes:
            self._before = self._replica.items.get(name, {})
        setting.journal.count("write_backs")
        setting.journal.note(
            self._replica.region,
            "merge",
            name,
            token=token,
            replaced=replaced.label,
            conflicts=self._case.event.conflict_id,
        )
        held, now = replaced.rests_on | self._lost, setting.agenda.now_ms
        return Origin(held, f"merge {token}", self._replica.region, now)

    def _write(self, name: str, image: Image, replaced: Origin) -> Origin:
        setting, region, number = self._setting, self._replica.region, next(self._numbers_left)
        edits = tuple(
            Edit((attribute,), DECIDE, self._wanted(attribute, choice))
            for attribute, choice in sorted(self._decision.items())
        )
        seen, now = replaced.rests_on | self._lost, setting.agenda.now_ms
        operation, dot = Operation(number, now, region, name, edits), str(written_dot(image))
        self.done.append(
            Done(operation, "unknown", now, self._time.now_ms(), numbers(seen), dot=dot)
        )
        setting.journal.count("writes")
        setting.journal.note(
            region,
            "write",
            name,
            operation=number,
            dot=dot,
            token=setting.causes.name(image),
            over=replaced.label,
        )
        return Origin(seen | 1 << number, f"operation {number}", region, now)

    def _wanted(self, name: str, choice: Choice) -> Any:
        if choice.take is None:
            return choice.value
        image = _held((self._case.lost or {}) if choice.take == "lost" else self._before)
        return canonical(image[name]) if name in image else None

    def _machine_ms(self) -> int:
        return self._setting.machine_ms(self._replica.region, self._percent)

    def _hear(self) -> None:
        self._time.hear(self._setting.agenda.epoch_ms // 1_000 * 1_000)


def _held(image: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a person is shown of an image: of a deleted item, what it held."""
    is_deleted = is_managed(image) and is_tombstone_in(metadata_in(image))
    return tombstone_values_in(metadata_in(image)) if is_deleted else image


class _Items:
    """The items of a try: it may be broken off before the rest of a loss is merged."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self._items = sitting.items()
        self.put, self.put_all = self._items.put, self._items.put_all
        self.query, self.restate = self._items.query, self._items.restate
        self.update = self._items.update

    def get(self, key: Image) -> Image | None:
        self._sitting.break_off("rest")
        return self._items.get(key)


class _Ledger:
    """The ledger of a try: it may be broken off before the row is closed."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self._ledger = sitting.ledger()
        self.set_state, self.rows_of = self._ledger.set_state, self._ledger.rows_of
        self.in_state = self._ledger.in_state

    def record(self, rows: Sequence[Row]) -> set[str]:
        self._sitting.break_off("row")
        return self._ledger.record(rows)
