"""The clients of one region: several processes, each with a write client and a clock of its own.

An operation runs as a unit unless calls are slow: then others come between its calls. A
client that dies is replaced by one that remembers nothing.
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
from reconciler.item.image import DELETE, write
from reconciler.item.schema import Schema
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.clash import with_clash
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.world.agenda import EPOCH_MS
from reconciler.simulation.world.blocks import mean_the_same
from reconciler.simulation.world.causes import Origin, numbers
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.releases import OLDER, release_of
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Crash, Setting
from reconciler.simulation.world.writers import nonce, surroundings
from reconciler.values.wire import Image

_MOST_CLIENTS = 3
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


class Clients:
    """All clients of one region."""

    def __init__(self, setting: Setting, schema: Schema, replica: SimulatedReplica) -> None:
        self._setting = setting
        self._schema = schema
        self._replica = replica
        self._made = 0
        several = setting.draws.between("clients", replica.region, 1, _MOST_CLIENTS)
        self._clients = [self._another() for _ in range(several)]

    def run(self, operation: Operation) -> Done:
        """Carry out an operation with a client that is not busy, and say how it ended."""
        setting, region = self._setting, self._replica.region
        if setting.is_gone(region):
            return self._done(operation, "refused", Effect(), setting.wall_ms(region))
        client = self._idle(operation)
        client.is_busy = True
        try:
            outcome = client.run(operation)
        except Crash:
            outcome = "unknown"
            self._clients = [c for c in self._clients if c is not client] + [self._another()]
        client.is_busy = False
        return self._done(operation, outcome, client.effect, client.wall_ms)

    def touch(self, name: str) -> None:
        """Write an item as it is: a new write that changes nothing readers see."""
        setting, replica = self._setting, self._replica
        release = release_of(setting.weather, f"{replica.region}/touch", setting.agenda.now_ms)
        image = write(
            release.read_image(replica.items[name]),
            (),
            key=replica.key_of(name),
            schema=self._schema,
            replica=replica.code,
            clock=HybridClock(lambda: setting.wall_ms(replica.region), self._nonce),
        )
        before = replica.origin_of(name)
        setting.journal.count("touched")
        label, now = f"touch of {before.label}", setting.agenda.now_ms
        origin = Origin(before.rests_on, label, replica.region, now)
        replica.write(name, release.write_image(image), origin)

    def _nonce(self) -> str:
        return nonce(self._setting.draws, self._replica.region)

    def _done(self, operation: Operation, outcome: str, effect: Effect, wall_ms: int) -> Done:
        journal = self._setting.journal
        journal.count(f"operations.{outcome}")
        journal.count("applied_twice", max(0, effect.times - 1))
        if outcome != "acknowledged":
            journal.note(
                operation.region,
                "fault",
                operation.key,
                fault="answer",
                operation=operation.number,
                outcome=outcome,
                applied=effect.times,
            )
        return Done(
            operation,
            outcome,
            self._setting.agenda.now_ms,
            wall_ms,
            numbers(effect.rested_on),
            numbers(effect.beside),
            effect.dot,
            applied=effect.times > 0,
        )

    def _idle(self, operation: Operation) -> Client:
        first = self._setting.draws.between("which client", str(operation.number), 0, 99)
        for turn in range(len(self._clients)):
            client = self._clients[(first + turn) % len(self._clients)]
            if not client.is_busy:
                return client
        self._clients.append(self._another())
        return self._clients[-1]

    def _another(self) -> Client:
        self._made += 1
        name = f"{self._replica.region}/client{self._made}"
        return Client(self._setting, self._schema, self._replica, name)
