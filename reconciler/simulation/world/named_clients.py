"""The clients of one region that name their writes: an update without a condition, and one element.

What they do is DynamoDB's to carry out; the element says who did it, and when its name was drawn. A
request may land minutes later, and clocks differ by what a signature allows. One with an
idempotency key does nothing where the item shows the key.
"""

from reconciler.causality.context import Dot, Lineage, named_by
from reconciler.causality.hlc import WALL_WIDTH, Hlc, fixed_width
from reconciler.causality.keys import Once, stem_of
from reconciler.client.keyed import check_age
from reconciler.crdt.base import Edit
from reconciler.errors import OutcomeUnknown, ReconcilerError
from reconciler.item.metadata import EXPIRY, NAMES, heads_in, is_managed, metadata_in
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.world.agenda import EPOCH_MS
from reconciler.simulation.world.causes import Origin, numbers
from reconciler.simulation.world.expressions import Refused, applied
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Crash, Setting
from reconciler.simulation.world.writers import nonce
from reconciler.values.wire import Image, Wire

_LATE_IN = 5  # one of so many lands late
_LATEST_LANDING_MS = 600_000
_CLOCKS_APART_MS = 240_000


class NamedClients:
    """All clients of one region that name their writes."""

    def __init__(self, setting: Setting, schema: Schema, replica: SimulatedReplica) -> None:
        self._setting = setting
        self._schema = schema
        self._replica = replica

    def run(self, operation: Operation) -> Done:
        """Carry out an operation, and say how it ended."""
        setting, about = self._setting, f"operation {operation.number}"
        drawn_ms, identifier = self._drawn_ms(about), nonce(setting.draws, about)
        lineage = fixed_width(drawn_ms, WALL_WIDTH) + identifier
        dot = Dot(Lineage.of(named_by(self._replica.code), lineage), Hlc.of(drawn_ms))
        outcome, rested_on, times = "refused", 0, 0
        if not setting.is_gone(self._replica.region):
            calls = Calls(setting, self._replica.region, about)
            try:
                key = self._key(operation, drawn_ms)
                calls.begin_write("update")
                if not self._shows(operation.key, key):
                    elements = _elements(self, operation, drawn_ms, identifier, key)
                    rested_on = self._update(operation, elements, dot)
                    times = 1
                calls.end_write("update")
                outcome = "acknowledged" if times else "answered"
            except (OutcomeUnknown, Crash):
                outcome = "unknown"
            except (ReconcilerError, Refused):
                outcome = "refused"
        setting.journal.count(f"operations.{outcome}")
        setting.journal.count("named_writes", times)
        seen, wall_ms = numbers(rested_on), drawn_ms
        return Done(
            operation,
            outcome,
            setting.agenda.now_ms,
            wall_ms,
            seen,
            dot=str(dot),
            applied=times > 0,
        )

    def kind_of(self, edit: Edit) -> str:
        """Return the declared type of what an edit is of."""
        return self._schema.type_at(edit.path)

    def code(self) -> str:
        """Return under which code the region's clients write."""
        return self._replica.code

    def _drawn_ms(self, about: str) -> int:
        draws, now = self._setting.draws, self._setting.agenda.epoch_ms
        if draws.between("named late", about, 0, _LATE_IN - 1):
            return now
        late_ms = draws.between("named landing", about, 0, _LATEST_LANDING_MS)
        off_ms = draws.between("named clock", about, -_CLOCKS_APART_MS, _CLOCKS_APART_MS)
        return now - late_ms + off_ms

    def _key(self, operation: Operation, drawn_ms: int) -> Lineage | None:
        """Return what an operation's idempotency key names; KeyExpired."""
        if not operation.once:
            return None
        once = Once(operation.once, EPOCH_MS + operation.issued_ms)
        check_age(once, drawn_ms, self._schema.key_lifetime_minutes * 60_000)
        return once.lineage()

    def _shows(self, name: str, key: Lineage | None) -> bool:
        """Return whether the condition fails that a named write with a key has."""
        image = self._replica.items.get(name, {})
        if key is None:
            return False
        is_filed = is_managed(image) and key in heads_in(metadata_in(image))
        return is_filed or {"S": stem_of(key)} in image.get(NAMES, {"L": []})["L"]

    def _update(self, operation: Operation, elements: list[Wire], dot: Dot) -> int:
        """Carry the update out; return what it rests on."""
        setting, replica, name = self._setting, self._replica, operation.key
        before = replica.items.get(name)
        image: Image = applied(before or {}, operation.edits)
        listed = image.get(NAMES, {"L": []})["L"]
        image = {**image, **{part: {"S": name} for part in replica.key_of(name)}}
        image = {
            **{n: v for n, v in image.items() if n != EXPIRY},
            NAMES: {"L": [*listed, *elements]},
        }
        rested = replica.origin_of(name)
        mask = rested.rests_on | 1 << operation.number
        label = f"operation {operation.number}"
        replica.write(name, image, Origin(mask, label, replica.region, setting.agenda.now_ms))
        setting.journal.note(
            replica.region,
            "write",
            name,
            operation=operation.number,
            dot=str(dot),
            token=setting.causes.name(image),
            over=rested.label,
        )
        return rested.rests_on


def _elements(
    clients: NamedClients, operation: Operation, at_ms: int, identifier: str, key: Lineage | None
) -> list[Wire]:
    told = [_told(edit, clients.kind_of(edit)) for edit in operation.edits]
    element: Image = {
        "by": {"S": clients.code()},
        "at": {"N": str(at_ms)},
        "id": {"S": identifier},
        "do": {"L": told},
    }
    if key is None:
        return [{"M": element}]
    return [{"M": {**element, "once": {"S": key.epoch}}}, {"S": stem_of(key)}]


def _told(edit: Edit, kind: str) -> Wire:
    path: Wire = {"S": edit.path[0]}
    if len(edit.path) > 1:
        path = {"L": [{"S": part} for part in edit.path]}
    return {"L": [{"S": edit.verb}, path, edit.value or {"NULL": True}, {"S": kind}]}
