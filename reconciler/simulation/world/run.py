"""One run: a plan in, everything that happened and everything that is left out.

run = run_plan(draw_plan(7))
run.items["eu-west-1"]["k1"]
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.item.image import DELETE
from reconciler.item.schema import Schema
from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.world.causes import Origin, numbers
from reconciler.simulation.world.history import Done, Run
from reconciler.simulation.world.lives import Delete
from reconciler.simulation.world.world import World
from reconciler.values.wire import to_json

_CLOCKS_APART_MS = MINUTE  # as much as the product allows for
_ALWAYS = (
    "writes",
    "conflicts",
    "events",
    "certificates",
    "write_backs",
    "folds",
    "parked",
    "lineages_most",
    "names_most",
    "applied_twice",
    "trimmed",
    "touched",
)


def run_plan(plan: Plan, *, trace: bool = True) -> Run:
    """Run a plan to its end, and on until the world is at rest; the same plan is the same run.

    Without `trace` no moments are kept; the hash is the same. `items` and what else is left are
    those of the regions that were not destroyed. `counts["unrested"]` is how much was still under
    way when the bound on a run's length was met: 0, or something never comes to rest.
    """
    world = World(plan, trace=trace)
    world.run()
    left = world.survivors()
    journal = world.journal
    items = world.items()
    for region in left:
        for key in sorted(items[region]):
            journal.note(region, "end", key, image=to_json(items[region][key]))
    trace_hash = journal.trace_hash()
    return Run(
        plan=plan,
        done=_with_fates(world, left, plan.schema),
        items=items,
        open_rows={name: world.regions[name].functions.ledger.open_rows() for name in left},
        parked={name: tuple(world.regions[name].functions.parked) for name in left},
        contested=_contested(world, left),
        counts=_counts(world),
        trace=tuple(moment for moment in journal.moments if moment.kind != "end"),
        trace_hash=trace_hash,
    )


def _with_fates(world: World, left: Sequence[str], schema: Schema) -> tuple[Done, ...]:
    """Mark the writes that are gone by rights: stranded, or expired with their item."""
    applied = [done for done in world.done if done.applied]
    stranded = {_number(done) for done in applied if _is_stranded(world, left, done)}
    expired = _expired_writes(world, stranded, schema) | _deleted_writes(world, left)
    return tuple(
        replace(done, stranded=_number(done) in stranded, expired=_number(done) in expired)
        if done.applied
        else done
        for done in world.done
    )


def _is_stranded(world: World, left: Sequence[str], done: Done) -> bool:
    """Return whether no replica but a lost one ever held a write."""
    held = world.setting.causes.ever_held(left, done.operation.key)
    region = done.operation.region
    is_lost = region not in left or region in world.made_anew
    return is_lost and not held >> _number(done) & 1


def _expired_writes(world: World, stranded: set[int], schema: Schema) -> set[int]:
    """Return the writes of deleted items whose tombstones went before anybody wrote on them.

    A write that a destroyed region took with it keeps no deleted item alive. A tombstone that had
    expired when an item was begun which knows nothing of it went by rights, too: the region where
    that was begun never had it, or had it no more. Where deletes win, only who has seen the delete
    wrote on the tombstone.
    """
    found: set[int] = set()
    wins = schema.delete == "delete_wins"
    for key in sorted({done.operation.key for done in world.done}):
        written = [done for done in world.done if done.operation.key == key and done.applied]
        outlived = (
            each.tombstone.rests_on
            for each in world.setting.causes.outlived(key)
            if _begun_ms(written, each.item) + _CLOCKS_APART_MS >= each.expiry_ms
        )
        for mask in (*world.setting.causes.ended_tombstones(key), *outlived):
            ended = numbers(mask)
            gone = ended | stranded
            told = _last_deletes(written, ended) if wins else ended
            known = (done.seen | done.beside for done in written if _number(done) not in gone)
            if not any(each & told for each in known):
                found |= ended
    return found


def _last_deletes(written: Sequence[Done], ended: frozenset[int]) -> frozenset[int]:
    """Return the deletes of a tombstone after which nothing was written that it rests on."""
    within = [done for done in written if _number(done) in ended]
    seen = frozenset[int]().union(*(done.seen for done in within))
    return frozenset(_number(d) for d in within if DELETE in d.operation.edits) - seen


def _begun_ms(written: Sequence[Done], item: Origin) -> int:
    """Return when the first write was made on which an item rests."""
    return min((done.at_ms for done in written if item.rests_on >> _number(done) & 1), default=0)


def _deleted_writes(world: World, left: Sequence[str]) -> set[int]:
    """Return the writes that ended with an item that an operator deleted for good."""
    keys = {done.operation.key for done in world.done}
    lives = world.setting.lives
    ended = [delete.ended for key in keys for delete in lives.known_to(left, key)]
    return {number for mask in ended for number in numbers(mask)}


def _contested(world: World, left: Sequence[str]) -> frozenset[str]:
    """Return the items of which nobody can say which of their lives goes on.

    One that was deleted softly long before may be taken for a revival that time-to-live took away.
    """
    keys = {done.operation.key for done in world.done}
    softly = {_number(done): done.at_ms for done in world.done if DELETE in done.operation.edits}

    def is_contested(delete: Delete) -> bool:
        return delete.is_contested or any(
            softly[number] + 23 * HOUR < delete.at_ms
            for number in numbers(delete.ended) & softly.keys()
        )

    lives = world.setting.lives
    return frozenset(key for key in keys if any(map(is_contested, lives.known_to(left, key))))


def _number(done: Done) -> int:
    return done.operation.number


def _counts(world: World) -> dict[str, int]:
    counts = world.journal.counts
    counts["unrested"] = world.under_way()
    counts["actions"] = world.setting.agenda.spent
    counts["coalesced"] = world.network.count_coalesced()
    counts["discarded"] = world.network.count_discarded()
    counts["cause_clashes"] = world.setting.causes.clashes
    return {name: counts[name] for name in sorted({*counts, *_ALWAYS})}
