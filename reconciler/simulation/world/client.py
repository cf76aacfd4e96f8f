"""One process that writes with the library: a write client and a clock of its own.

An operation runs as a unit unless calls are slow: then others come between its calls.
"""

from dataclasses import dataclass
from functools import partial

from reconciler.causality.hlc import HybridClock
from reconciler.causality.keys import Once
from reconciler.causality.region_time import RegionTime
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import written_dot
from reconciler.client.table import ReplicatedTable
from reconciler.errors import OutcomeUnknown, ReconcilerError
from reconciler.item.image import DELETE
from reconciler.item.schema import Schema
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.clash import with_clash
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.world.agenda import EPOCH_MS
from reconciler.simulation.world.blocks import mean_the_same
from reconciler.simulation.world.causes import Origin
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.releases import OLDER, release_of
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Setting
from reconciler.simulation.world.writers import nonce, surroundings
from reconciler.values.wire import Image

_CLOCKS_APART_MS = 50
MACHINE_PERCENT = (-100, 100)  # how much of a step of its region's clocks a machine takes part in
_LONGEST_BLOCK_MS = 2_000


@dataclass
class Effect:
    """What an operation did to the item, if it did: known to the world, not to the client."""

    rested_on: int = 0
    beside: int = 0
    dot: str = ""
    times: int = 0


class Client:
    """One process that writes; `wall_ms` is the latest time its clock showed."""

    def __init__(
        self, setting: Setting, schema: Schema, replica: SimulatedReplica, name: str
    ) -> None:
        self.is_busy = False
        self.wall_ms = 0
        self.effect = Effect()
        self._setting = setting
        self._replica = replica
        self._schema = self._declared = schema
        self._about = ""
        self._changes = self._asked = False
        self._ahead_ms = setting.draws.between(
            "client clock", name, -_CLOCKS_APART_MS, _CLOCKS_APART_MS
        )
        self._percent = setting.draws.between("machine clock", name, *MACHINE_PERCENT)
        self._name = name
        self._region_time = region_time = RegionTime(
            self._machine_ms, lambda: setting.agenda.now_ms
        )
        calls = Calls(setting, replica.region, name, hear=self._hear)
        self._items = SimulatedItems(replica, calls, self._origin, OLDER)
        self._open_table = partial(
            ReplicatedTable,
            store=self._items,
            replica=lambda: replica.code,
            clock=HybridClock(self._clock_ms, self._nonce),
            surroundings=surroundings(setting, lambda: self._about, region_time.is_sure),
            outside_writers=setting.outside_writers,
        )
        self._table = self._open_table(schema)

    def run(self, operation: Operation) -> str:
        """Carry out an operation; return its outcome as the client sees it."""
        self.effect = Effect()
        self._block: tuple[Image | None, Origin] | None = None
        self._operation = operation
        self._follow_schema()
        self._about = self._items.calls.about = f"operation {operation.number}"
        now = self._setting.agenda.now_ms
        self._items.release = release_of(self._setting.weather, self._name, now)
        self._changes = self._asked = False
        key, once = self._replica.key_of(operation.key), self._once()
        try:
            if operation.read_at_ms is not None:
                self._edit(key, operation.at_ms - now, once)
            elif self._items.calls.strikes(faults.OPEN_BLOCK, "edit"):
                length = self._setting.draws.between("open", self._about, 0, _LONGEST_BLOCK_MS)
                self._edit(key, length, once)
            else:
                self._table.apply(key, self._change, once=once)
        except OutcomeUnknown:
            return "unknown"
        except ReconcilerError:
            return "refused"
        if once is not None and not self.effect.times:
            return "answered" if self._changes or not self._asked else "refused"
        return "acknowledged" if self._changes else "refused"

    def _follow_schema(self) -> None:
        """Open the table anew if the region's writers have another schema now."""
        clashes = self._setting.weather.reigns(faults.CLASH, self._replica.region)
        schema = with_clash(self._declared) if clashes else self._declared
        if schema != self._schema:
            self._schema, self._table = schema, self._open_table(schema)

    def _once(self) -> Once | None:
        if not self._operation.once:
            return None
        return Once(self._operation.once, EPOCH_MS + self._operation.issued_ms)

    def _edit(self, key: dict[str, str], length_ms: int, once: Once | None) -> None:
        """Edit in a block that stays open, so that others may come before it is written."""
        with self._table.edit(key, once=once) as item:
            self._block = self._items.last_read
            self._setting.agenda.wait(max(0, length_ms))
            self._change(item)

    def _change(self, item: ItemEditor) -> None:
        self._asked = True
        for edit in self._operation.edits:
            if edit == DELETE:
                item.delete()
            else:
                item.edits.append(edit)
        # Deleting what is not there changes nothing, so nothing is written.
        self._changes = bool(item.edits)

    def _origin(self, name: str, image: Image, replaced: Origin) -> Origin:
        number, setting, effect = self._operation.number, self._setting, self.effect
        effect.times += 1
        effect.rested_on, effect.beside = replaced.rests_on, 0
        if self._block is not None:
            seen, read_from = self._block
            current = self._replica.items.get(name)
            if not mean_the_same(self._schema, self._operation.edits, seen, current):
                effect.rested_on, effect.beside = read_from.rests_on, replaced.rests_on
        effect.dot = self._items.last_name or str(written_dot(image))
        setting.journal.count("writes")
        setting.journal.note(
            self._replica.region,
            "write",
            name,
            operation=number,
            dot=effect.dot,
            token=setting.causes.name(image),
            over=replaced.label,
        )
        mask = replaced.rests_on | effect.rested_on | 1 << number
        return Origin(mask, f"operation {number}", self._replica.region, setting.agenda.now_ms)

    def _clock_ms(self) -> int:
        shown = self._region_time.now_ms()
        self.wall_ms = max(self.wall_ms, shown)
        return shown

    def _machine_ms(self) -> int:
        return self._setting.machine_ms(self._replica.region, self._percent) + self._ahead_ms

    def _hear(self) -> None:
        self._region_time.hear(self._setting.agenda.epoch_ms // 1_000 * 1_000)

    def _nonce(self) -> str:
        return nonce(self._setting.draws, self._about)
