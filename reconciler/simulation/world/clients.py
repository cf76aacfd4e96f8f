"""The clients of one region: several processes, of which one that dies is replaced.

The new one remembers nothing.
"""

from reconciler.causality.hlc import HybridClock
from reconciler.item.image import write
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.world.causes import Origin, numbers
from reconciler.simulation.world.client import Client, Effect
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.releases import release_of
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Crash, Setting
from reconciler.simulation.world.writers import nonce

_MOST_CLIENTS = 3


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
