"""Writers around the library, drawn from a seed: which operations are theirs, and what they do.

What they write can be told apart from what the library writes, so that the judge knows whose write
is missing: amounts of counters, members of sets, values of registers. Each operation is drawn from
the seed and its own number, so one less leaves the others as they were.
Limit: of the declared types they leave all but registers, counters and observed-remove sets alone,
in maps, too; of what the library put in a set they take out only what was there before, and they
never set a counter, or assign a whole map. People who decide losses, and what only they can decide,
are left out: a decision sets counters to any amount.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from reconciler.causality.context import replica_id
from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.item.edits import add, assign, discard, increment, remove
from reconciler.item.image import DELETE, write
from reconciler.item.metadata import EXPIRY, METADATA
from reconciler.item.schema import AttributeSchema, Schema
from reconciler.simulation.plan.faults import CLASH, DECIDED, HOUR, MINUTE
from reconciler.simulation.plan.plan import Operation, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, PUT, REPLACE, SAVE, UPDATE, append
from reconciler.values.wire import Image, Path, from_wire

NONE, ONE, ALL = "none", "one", "all"
OUTSIDE = (NONE, ONE, ALL)
UNIT = 10**12  # library writers' amounts stay below it together, raw ones are multiples of it
SLOTS = 40  # raw amounts are UNIT * 4**slot, so a sum says how often each was counted
BEFORE_SLOT = SLOTS  # of what was there before
BEFORE, RAW = "before", "raw"
EXTRA, LOG, FIELD = ("extra",), ("log",), "r"
DRAWN = (UPDATE, PUT, SAVE, DELETE_ITEM, REPLACE)
_MIXES = ((UPDATE,), (UPDATE,), (UPDATE, SAVE), (UPDATE, PUT), (UPDATE, PUT, SAVE), DRAWN)
_SHARES = (0.15, 0.4, 0.4, 0.75, 1.0)
_EARLIER = ("nothing", "nothing", "plain", "managed", "managed", "deleted")
_PEOPLE = {DECIDED, CLASH}
_DISPUTED = {"manual", "custom"}
_EPOCH_MS = 1_700_000_000_000 - HOUR


def with_outside(plan: Plan, outside: str, calls: Sequence[str] = DRAWN) -> Plan:
    """Return a plan in which some operations, of one region or of any, are made around the library.

    InvalidInput if `outside` is neither none, one nor all.
    """
    if outside not in OUTSIDE:
        raise InvalidInput(f"outside writers are in {', '.join(OUTSIDE)} of the regions")
    if outside == NONE:
        return plan
    drawn = Random(f"{plan.seed}/outside")
    regions = plan.regions if outside == ALL else (drawn.choice(plan.regions),)
    mix = [call for call in drawn.choice(_MIXES) if call in calls] or list(calls)
    share = drawn.choice(_SHARES)
    operations = [_operation(plan, operation, regions, mix, share) for operation in plan.operations]
    keys = sorted({operation.key for operation in operations})
    before = {key: item_before(plan, key, drawn.choice(_EARLIER)) for key in keys}
    return replace(
        plan,
        operations=tuple(operations),
        faults=tuple(fault for fault in plan.faults if fault.kind not in _PEOPLE),
        before={key: image for key, image in before.items() if image is not None},
        outside=outside,
    )


def raw_amount(number: int) -> int:
    """Return what operation `number` adds, if it adds."""
    return _of_slot(number % SLOTS)


def _of_slot(slot: int) -> int:
    return UNIT * (1 << 2 * slot)


def raw_leaves(schema: Schema) -> Mapping[Path, str]:
    """Return what raw writers write, by path, and of which type it is: in maps, too."""
    leaves: dict[Path, str] = {EXTRA: "register_lww", LOG: "list"}
    for name, declared in schema.attributes.items():
        leaves |= _leaves((name,), declared)
    return leaves


def _leaves(path: Path, declared: AttributeSchema) -> dict[Path, str]:
    if declared.type in ("register_lww", "counter_pn", "set_aw"):
        return {path: declared.type}
    if declared.type != "map_or":
        return {}
    other = declared.values or AttributeSchema(type="register_lww")
    found: dict[Path, str] = {}
    for name, nested in {FIELD: other, **declared.fields}.items():
        found |= _leaves((*path, name), nested)
    return found


def _operation(
    plan: Plan, operation: Operation, regions: Sequence[str], mix: Sequence[str], share: float
) -> Operation:
    number = operation.number
    drawn = Random(f"{plan.seed}/outside/{number}")
    if drawn.random() >= share:
        return replace(operation, edits=tuple(_apart(plan, drawn, operation)))
    call = drawn.choice([UPDATE, *mix])
    edits: tuple[Edit, ...] = ()
    if call == UPDATE or (call in (PUT, SAVE, REPLACE) and drawn.random() < 0.7):
        edits = tuple(_edits(plan.schema, drawn, number))
    read_at_ms = None
    if call == SAVE and drawn.random() < 0.8:
        read_at_ms = max(0, operation.at_ms - int(100 * (20 * MINUTE / 100) ** drawn.random()))
    return replace(
        operation, region=drawn.choice(regions), edits=edits, raw=call, read_at_ms=read_at_ms
    )


def _apart(plan: Plan, drawn: Random, operation: Operation) -> Iterator[Edit]:
    """Yield a library writer's edits, with amounts that are told apart from raw ones."""
    leaves, most = raw_leaves(plan.schema), UNIT // (4 * len(plan.operations))
    counters = [path for path, kind in leaves.items() if kind == "counter_pn"]
    for edit in operation.edits:
        is_disputed = plan.schema.type_at(edit.path) in _DISPUTED
        counts = edit.path in counters and edit.verb != "remove"
        if is_disputed and counters:
            taken = {each.path for each in operation.edits}
            free = [path for path in counters if path not in taken]
            yield from (increment(path, drawn.randint(1, most)) for path in free[:1])
        elif edit.verb == "assign" and plan.schema.type_at(edit.path) == "map_or":
            yield assign(edit.path, _without(counters, edit.path, from_wire(edit.value or {})))
        elif edit.verb == "discard" and leaves.get(edit.path) == "set_aw" and drawn.random() < 0.5:
            yield discard(edit.path, f"{RAW}{drawn.randint(0, operation.number)}")
        else:
            yield increment(edit.path, drawn.randint(1, most)) if counts else edit


def _without(counters: Sequence[Path], path: Path, value: Any) -> Any:
    """Return a map to assign without the counters in it: nobody sets those."""
    if not isinstance(value, Mapping):
        return value
    held = {name: each for name, each in value.items() if (*path, name) not in counters}
    return {name: _without(counters, (*path, name), each) for name, each in held.items()}


def _edits(schema: Schema, drawn: Random, number: int) -> Iterator[Edit]:
    leaves = raw_leaves(schema)
    for path in drawn.sample(sorted(leaves), min(drawn.choice((1, 1, 2)), len(leaves))):
        yield _edit(leaves[path], path, drawn, number)


def _edit(kind: str, path: Path, drawn: Random, number: int) -> Edit:
    if kind == "counter_pn":
        return increment(path, raw_amount(number))
    if kind == "set_aw":
        if drawn.random() < 0.25:
            return discard(path, drawn.choice((BEFORE, f"{RAW}{drawn.randint(0, number)}")))
        return add(path, f"{RAW}{number}")
    if kind == "list":
        return append(path, f"{RAW}{number}")
    return remove(path) if drawn.random() < 0.1 else assign(path, f"{RAW}{number}")


def item_before(plan: Plan, key: str, what: str) -> Image | None:
    """Return an item that all regions hold when the run begins."""
    if what == "nothing":
        return None
    leaves = raw_leaves(plan.schema)
    edits = [_base(kind, path) for path, kind in leaves.items() if kind != "list"]
    image = _written(plan, key, None, edits)
    if what == "deleted":
        return _written(plan, key, image, [DELETE])
    if what == "plain":
        return {name: value for name, value in image.items() if name not in {METADATA, EXPIRY}}
    return image


def _base(kind: str, path: Path) -> Edit:
    if kind == "counter_pn":
        return increment(path, _of_slot(BEFORE_SLOT))
    return add(path, BEFORE) if kind == "set_aw" else assign(path, BEFORE)


def _written(plan: Plan, key: str, image: Image | None, edits: Sequence[Edit]) -> Image:
    return write(
        image,
        edits,
        key=dict.fromkeys(plan.schema.key, key),
        schema=plan.schema,
        replica=replica_id(plan.regions[0]),
        clock=HybridClock(lambda: _EPOCH_MS, lambda: fixed_width(1, NONCE_WIDTH)),
    )
