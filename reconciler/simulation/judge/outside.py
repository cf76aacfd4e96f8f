"""What must hold where writers around the library take part: P1 to P5 of the design.

P1: items that only they wrote end as last-writer-wins alone leaves them. P2: library writes stay
exact. P3: a raw update is kept until somebody writes the same attribute. P4: nothing of theirs
counts twice. P5: what nobody can know is counted, under the words in `Judged.odds`.
HAZARD: where the item was deleted around the library or a change of it is parked, library writes
may be gone by rights, so they are counted, too; a fault of the protocol there is not seen here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.causality.context import ADOPTED
from reconciler.errors import VersionClosed
from reconciler.item.metadata import (
    heads_in,
    hidden_in,
    is_managed,
    is_tombstone_in,
    metadata_in,
)
from reconciler.simulation.judge.around import Around
from reconciler.simulation.judge.around_library import (
    REMOVAL_HIDDEN,
    library_parts,
    shared_leaves,
)
from reconciler.simulation.judge.around_raw import Found, raw_parts
from reconciler.simulation.judge.leaf_writes import values_of
from reconciler.simulation.judge.problem import REMOVAL_UNDONE, Problem
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import FOR_EVER
from reconciler.simulation.plan.plan import Fault, Plan
from reconciler.simulation.plan.raw import SAVE, UPDATE
from reconciler.simulation.world.history import Done, Run
from reconciler.simulation.world.releases import NEWER
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import Image, to_json

_MANY_LINEAGES = 16
_ONE_AT_A_TIME = ("register_mv", "flag_ew", "version")  # an assignment removes what it saw
_NAME_AHEAD = "a library value gone to a name of a clock ahead, which a put hid"
# With these, two worlds differ in more than the reconciler: in when things happen, and in writes.
_OTHER_TIMES = {
    faults.SLOW_CALL,
    faults.OPEN_BLOCK,
    faults.DECIDED,
    faults.DESTROYED,
    faults.REMADE,
    faults.EXPIRY,
    faults.HARD_DELETE,
}


@dataclass
class Judged:
    """What is broken, and how often what cannot be kept was not."""

    problems: dict[Problem, None] = field(default_factory=dict)
    odds: Counter[str] = field(default_factory=Counter)

    def take(self, found: Found, *, counted_as: str = "") -> None:
        """Take in what was found; under a name, broken promises are counted only."""
        for each in found:
            if isinstance(each, str):
                self.odds[each] += 1
            elif counted_as:
                self.odds[counted_as] += 1
            else:
                self.problems[each] = None


def judge(run: Run, by_key: Mapping[str, Sequence[Done]], parked: frozenset[str]) -> Judged:
    """Return what the history says of the items that were written around the library.

    `by_key` are the writes that count, `parked` the items of which a change is set aside.
    """
    judged = Judged()
    keys = keys_around(run)
    judged.take(_closed(run))
    judged.take(_harm(run, {key: by_key.get(key, ()) for key in keys}))
    for key in keys:
        ended = any(done.expired for done in run.done if done.operation.key == key)
        ended |= any(fault.kind == faults.HARD_DELETE for fault in run.plan.faults)
        gone = [done for done in run.done if done.operation.key == key and _is_gone(done)]
        around = Around(run.plan, key, by_key.get(key, ()), has_ended=ended, gone=gone)
        for region in sorted(run.items):
            image = run.items[region].get(key)
            _judge_item(judged, around, image, is_parked=key in parked)
    return judged


def _is_gone(done: Done) -> bool:
    """Return whether a write took effect and is over: also a delete whose put was refused."""
    return done.applied and (done.stranded or done.expired or done.outcome == "refused")


def keys_around(run: Run) -> list[str]:
    """Return the items that somebody wrote around the library, or that were there before it."""
    raw = {operation.key for operation in run.plan.operations if operation.raw}
    return sorted(raw | run.plan.before.keys())


def _judge_item(judged: Judged, around: Around, image: Image | None, *, is_parked: bool) -> None:
    shown = values_of(image)
    if is_managed(image) and image is not None:
        lineages = heads_in(metadata_in(NEWER.read_image(image)))
        if sum(lineage.startswith(ADOPTED) for lineage in lineages) > _MANY_LINEAGES:
            judged.odds["many lineages of raw writers stand in an item"] += 1
    reason = _unjudged(around, is_parked=is_parked)
    for problem in library_parts(around, shown):
        unknown = _hidden_by_a_put(around, problem) if around.is_put() else ""
        judged.take(iter([problem]), counted_as=reason or unknown)
    for found in shared_leaves(around, shown):
        is_hidden = isinstance(found, Problem) and _is_after_a_name_ahead(around, found)
        judged.take(iter([found]), counted_as=reason or (_NAME_AHEAD if is_hidden else ""))
    for found in raw_parts(around, shown):
        # Twice is wrong whatever else is so.
        soft = isinstance(found, Problem) and found.kind != "doubled"
        judged.take(iter([found]), counted_as=reason if soft else "")


def _unjudged(around: Around, *, is_parked: bool) -> str:
    """Return why library writes may be gone by rights, "" if they may not."""
    reasons = {
        "an item that time-to-live or an operator removed": around.has_ended,
        "a library write gone beside a raw delete": around.is_deleted_raw(),
        "a library write gone beside a stale put": around.is_put_stale(),
        "a library write parked": is_parked,
        "a library delete beside a put": around.is_deleted() and around.is_put(),
        # What the put held of them, only that region's ledger could tell.
        "a library write gone beside a put, with a region": around.is_put()
        and around.a_region_went(),
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")


def _hidden_by_a_put(around: Around, problem: Problem) -> str:
    """Return what is counted instead of a problem that follows from what a put does not say, or "".

    Where a put is not filed yet, the item does not say whose it is that a writer removes, nor that
    who adds a member has seen its removal: where removals win, that one wins then.
    """
    where, must, _ = problem.message.partition(" must show")
    path = tuple(where.split("."))
    if "came back" in where or (
        must and (around.removes(path) or around.schema.type_at(path) in _ONE_AT_A_TIME)
    ):
        return REMOVAL_UNDONE
    name, colon, rest = problem.message.partition(": ")
    path = tuple(name.split("."))
    is_lost = colon and "is missing" in rest and around.schema.type_at(path) == "set_rw"
    return REMOVAL_HIDDEN if is_lost and around.adds_after_removal(path, problem.operations) else ""


def _is_after_a_name_ahead(around: Around, problem: Problem) -> bool:
    """Return whether a library writer took the place of what a name put there by a later clock.

    A put that shows the value does not say when it was named, so the later write has less time.
    """
    path = tuple(problem.message.partition(" must show")[0].split("."))
    wrote = [d for d in around.library if any(e.path == path for e in d.operation.edits)]
    named = [each for each in wrote if each.operation.named]
    return around.is_put() and any(
        name.operation.number in each.seen and name.wall_ms > each.wall_ms
        for name in named
        for each in wrote
    )


def _closed(run: Run) -> Iterator[Problem]:
    """Yield what was parked as written on a version that is folded, though nobody saved a copy.

    A region that was made anew does not know what it had lost before: a late event asks a person.
    """
    is_remade = any(fault.kind == faults.REMADE for fault in run.plan.faults)
    if not is_remade and {operation.raw for operation in run.plan.operations} <= {"", UPDATE}:
        for region, documents in sorted(run.parked.items()):
            for document in documents:
                if str(document.get("reason")).startswith(VersionClosed.__name__):
                    yield Problem("undone", "", f"{region} parked an update as too late")


def _harm(run: Run, by_key: Mapping[str, Sequence[Done]]) -> Iterator[Problem]:
    """Yield the items that only raw writers wrote and that the reconciler changed (P1)."""
    plan = run.plan
    if {fault.kind for fault in plan.faults} & _OTHER_TIMES:
        return
    keys = {key for key in by_key if _is_only_raw(plan, key)}
    if not keys:
        return
    alone = run_plan(_alone(plan, keys), trace=False)
    times = {done.operation.number: done.at_ms for done in run.done}
    if any(times[done.operation.number] != done.at_ms for done in alone.done):
        return
    for key in sorted(keys):
        for region in sorted(run.items):
            is_so, must_be = (each.items[region].get(key) for each in (run, alone))
            if is_so != must_be:
                text = f"{region} ends with {_text(is_so)}, last-writer-wins with {_text(must_be)}"
                yield Problem("harmed", key, text, tuple(_numbers(by_key[key])))


def _is_only_raw(plan: Plan, key: str) -> bool:
    """Return whether no library write and no filing touches an item.

    A whole put takes a managed item's metadata away, and what is written on a tombstone would be
    removed by time-to-live: both are filed at once.
    """
    mine = [operation for operation in plan.operations if operation.key == key]
    before = plan.before.get(key)
    if not all(operation.raw for operation in mine):
        return False
    if not is_managed(before) or before is None:
        return True
    if is_tombstone_in(metadata_in(before)):
        return False
    return all(operation.raw in (UPDATE, SAVE) for operation in mine)


def _alone(plan: Plan, keys: set[str]) -> Plan:
    """Return the plan of these items in a world without detectors."""
    off = (Fault(faults.DETECTOR_OFF, 0, FOR_EVER, region) for region in plan.regions)
    mine = tuple(operation for operation in plan.operations if operation.key in keys)
    return replace(plan, operations=mine, faults=(*plan.faults, *off))


def _text(image: Image | None) -> str:
    return "nothing" if image is None else to_json(values_of(image) and _plain(image))


def _plain(image: Image) -> Image:
    hidden = hidden_in(image)
    return {name: value for name, value in image.items() if name not in hidden}


def _numbers(writes: Sequence[Done]) -> list[int]:
    return [done.operation.number for done in writes]
