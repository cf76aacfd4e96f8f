"""Small schedules in which writers around the library meet it: what each must end with.

Times are fixed, replication takes seconds, and who wins is who wrote later. The item begins with
100 points unless a case says otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler import Schema
from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR, MINUTE, SECOND
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE, append
from reconciler.simulation.world.history import Run
from reconciler.values.wire import Image
from tests.builders import add, assign, discard, increment, remove

EAST, WEST = "us-east-1", "eu-west-1"
SCHEMA = Schema.of(
    table="parties",
    key=["id"],
    attributes={"points": "counter_pn", "tags": "set_aw"},
    tombstone_retention_days=1,
)
MAPS = Schema.of(
    table="parties",
    key=["id"],
    attributes={
        "points": "counter_pn",
        "profile": {"type": "map_or", "fields": {"visits": "counter_pn"}},
    },
)
KEYED = Schema.of(
    table="parties",
    key=["id"],
    attributes={"points": "counter_pn", "visits": "counter_pn", "tags": "set_aw"},
)
OWN_TTL_SCHEMA = SCHEMA.model_copy(update={"ttl_attribute": "until"})
PLAIN: Image = {"id": {"S": "p1"}, "points": {"N": "100"}, "email": {"S": "first"}}
BASE = (
    increment("points", 100),
    assign("email", "first"),
    assign("phone", "1"),
    add("tags", "a", "b"),
)
START = MINUTE
AGES_AGO = 1_650_000_000  # in seconds since 1970: before any run begins
JUST_NOW, AGES_AHEAD = 1_700_000_000, 1_900_000_000  # when it begins, and after any ends


@dataclass(frozen=True)
class Case:
    """A schedule, what every region must show at its end, and what else must hold of its run."""

    name: str
    what: str
    operations: tuple[Operation, ...]
    right: Mapping[str, Any] | None
    faults: Sequence[Fault] = ()
    before: Mapping[str, Image] = field(default_factory=dict)
    restores: bool = False
    schema: Schema = SCHEMA
    holds: Callable[[Run], bool] = lambda _: True

    def plan(self) -> Plan:
        """Return the plan of the case."""
        return Plan(
            1,
            self.schema,
            (EAST, WEST),
            self.operations,
            tuple(self.faults),
            before=self.before,
            restores=self.restores,
        )


class Steps:
    """The operations of one case, in order; times are seconds after its start."""

    def __init__(self, *base: Edit) -> None:
        self.done: list[Operation] = []
        if base:
            self._add(0, EAST, base)

    def library(self, second: float, region: str, *edits: Edit, read: float | None = None) -> None:
        self._add(_at(second), region, edits, read=read)

    def raw(
        self,
        second: float,
        region: str,
        *edits: Edit,
        call: str = UPDATE,
        read: float | None = None,
    ) -> None:
        self._add(_at(second), region, edits, call=call, read=read)

    def named(self, second: float, region: str, *edits: Edit, once: str = "") -> None:
        self._add(_at(second), region, edits, named=True, once=once)

    def _add(
        self,
        at_ms: int,
        region: str,
        edits: tuple[Edit, ...],
        *,
        call: str = "",
        read: float | None = None,
        named: bool = False,
        once: str = "",
    ) -> None:
        read_at_ms = None if read is None else _at(read)
        number, when = len(self.done), START if once else 0
        self.done.append(
            Operation(number, at_ms, region, "p1", edits, call, read_at_ms, named, once, when)
        )


def _at(second: float) -> int:
    return START + int(second * SECOND)


def cut(since: float, until: float) -> Fault:
    """Return a partition of the two regions."""
    return Fault(faults.PARTITION, _at(since), _at(until), EAST, WEST)


def unread(region: str, since: float, until: float) -> Fault:
    """Return an outage of a region's detector."""
    return Fault(faults.DETECTOR_OFF, _at(since), _at(until), region)


def unresolved(region: str, since: float, until: float) -> Fault:
    """Return an outage of a region's resolver."""
    return Fault(faults.RESOLVER_OFF, _at(since), _at(until), region)


def nothing_written(run: Run) -> bool:
    """Return whether the reconciler wrote nothing back."""
    return run.counts["write_backs"] == 0


def loss_noted(run: Run) -> bool:
    """Return whether a region noted a loss."""
    return run.counts["conflicts"] > 0


def _one_raw_writer_alone() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, WEST, increment("points", 5))
    steps.raw(1, WEST, assign("email", "zzz-old"))
    steps.raw(60, WEST, increment("points", 7))
    steps.raw(61, WEST, assign("email", "aaa-new"))
    return Case(
        "O1",
        "one raw writer and nobody else, cut off from the other region for a while",
        tuple(steps.done),
        {"points": 112, "email": "aaa-new"},
        [cut(50, 180), unread(EAST, -50, 90), unread(WEST, -50, 90)],
        holds=nothing_written,
    )


def _three_raw_increments(name: str, *late: Fault) -> Case:
    steps = Steps(*BASE)
    for second in range(3):
        steps.raw(second, WEST, increment("points", 5))
    steps.library(7, EAST, increment("points", 10))
    return Case(
        name,
        "three raw increments, and a library write that wins before they were looked at",
        tuple(steps.done),
        {"points": 125},
        [cut(-10, 30), *late],
    )


def _two_raw_writers(name: str, one: Edit, other: Edit, right: Mapping[str, Any]) -> Case:
    steps = Steps(*BASE)
    steps.raw(0, EAST, one)
    steps.raw(5, WEST, other)
    what = "raw writers in two regions at once: as DynamoDB leaves it"
    return Case(name, what, tuple(steps.done), right, [cut(-10, 60)], holds=nothing_written)


def _put_that_saw_nothing() -> Case:
    steps = Steps(*BASE)
    steps.library(0, EAST, increment("points", 10), assign("name", "Lib"))
    steps.raw(5, WEST, assign("phone", "2"), call=PUT)
    return Case(
        "O5",
        "a whole put without metadata wins against library writes that it never saw",
        tuple(steps.done),
        {"points": 110, "name": "Lib", "phone": "2"},
        [cut(-10, 60)],
    )


def _first_library_write(name: str, raw_at: float, right: Mapping[str, Any], what: str) -> Case:
    steps = Steps()
    steps.library(3, EAST, increment("points", 5), assign("name", "Lib"))
    steps.raw(raw_at, WEST, assign("email", "second"))
    return Case(
        name, what, tuple(steps.done), right, [cut(-10, 60)], {"p1": PLAIN}, holds=loss_noted
    )


def _two_first_library_writes(name: str, older: str, newer: str) -> Case:
    steps = Steps()
    steps.raw(0, WEST, assign("email", newer))
    steps.library(5, EAST, increment("points", 1))
    steps.library(10, WEST, increment("points", 2))
    return Case(
        name,
        "two first library writes on two versions of one item: the one seen later stands",
        tuple(steps.done),
        {"points": 103, "email": newer},
        [cut(-10, 60)],
        {"p1": {**PLAIN, "email": {"S": older}}},
    )


def _delete_then_put() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, WEST, assign("phone", "2"), call=REPLACE)
    steps.library(5, EAST, increment("points", 10))
    return Case(
        "O7",
        "a raw delete and put at once with a library write that wins",
        tuple(steps.done),
        {"points": 110, "phone": "2"},
        [cut(-10, 60)],
    )


def _restored_put() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, WEST, assign("phone", "2"), call=PUT)
    return Case(
        "O9",
        "one raw put and nobody else, where the policy is to restore",
        tuple(steps.done),
        {"points": 100, "phone": "2"},
        restores=True,
    )


def _own_time_to_live() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, WEST, assign("until", AGES_AGO))
    steps.raw(60, WEST, call=OWN_TTL)
    return Case(
        "O9 ttl",
        "the table's own time-to-live removes an item, where the policy is to restore",
        tuple(steps.done),
        None,
        restores=True,
        schema=OWN_TTL_SCHEMA,
    )


def _alive_past_its_time() -> Case:
    steps = Steps(*BASE)
    steps.library(0, EAST, assign("until", JUST_NOW))
    steps.library(300, WEST, increment("points", 5))
    return Case(
        "own ttl, alive",
        "the table's own time-to-live takes what a library client gave a time, and it is made anew",
        tuple(steps.done),
        {"points": 5, "until": None},
        [Fault(faults.EXPIRY, _at(120), _at(180))],
        restores=True,
        schema=OWN_TTL_SCHEMA,
        holds=nothing_written,
    )


def _deleted_with_a_time_to_live(name: str, raw: Edit, right: Mapping[str, Any]) -> Case:
    steps = Steps(*BASE, assign("until", AGES_AHEAD))
    steps.library(0, EAST, DELETE)
    steps.raw(60, WEST, raw)
    return Case(
        name,
        "a raw update of a deleted item in a table with its own time-to-live, which then runs",
        tuple(steps.done),
        right,
        [Fault(faults.EXPIRY, 48 * HOUR, 50 * HOUR)],
        schema=OWN_TTL_SCHEMA,
    )


def _expired_tombstone() -> Case:
    steps = Steps(*BASE, assign("until", AGES_AHEAD))
    steps.library(0, EAST, DELETE)
    return Case(
        "own ttl, deleted",
        "the table's own time-to-live takes a tombstone when it is due",
        tuple(steps.done),
        None,
        [Fault(faults.EXPIRY, 48 * HOUR, 50 * HOUR)],
        restores=True,
        schema=OWN_TTL_SCHEMA,
        holds=lambda run: run.counts["expired"] > 0 and nothing_written(run),
    )


def _new_attribute_inside_a_block() -> Case:
    steps = Steps(*BASE)
    steps.raw(1, EAST, assign("vip", True), append("visits", "monday"))
    steps.library(2, EAST, assign("name", "Lib"), read=0)
    return Case(
        "O13",
        "a raw client sets a new attribute between a library client's read and its put",
        tuple(steps.done),
        {"name": "Lib", "vip": True, "visits": ["monday"]},
    )


def _stale_save() -> Case:
    steps = Steps(*BASE)
    steps.library(10, EAST, increment("points", 7))
    steps.raw(60, EAST, call=SAVE, read=0)
    steps.library(120, EAST, increment("points", 1))
    return Case(
        "O14",
        "a stale copy, metadata included, is saved over a library write",
        tuple(steps.done),
        {"points": 108},
        [unread(EAST, -10, 300), unread(WEST, -10, 300)],
    )


def _token_that_came_back() -> Case:
    steps = Steps(*BASE)
    steps.library(1, EAST, increment("points", 7))
    steps.raw(10, WEST, assign("email", "second"))
    steps.library(50, EAST, increment("points", 1), read=0)
    return Case(
        "O16",
        "a raw write brings an older token back while a client holds it",
        tuple(steps.done),
        {"points": 108, "email": "second"},
        [cut(-10, 20), unread(EAST, -10, 120), unread(WEST, -10, 120)],
    )


def _update_of_a_tombstone() -> Case:
    steps = Steps(*BASE)
    steps.library(0, EAST, DELETE)
    steps.raw(60, WEST, assign("name", "back"))
    gone = Fault(faults.EXPIRY, 48 * HOUR, 50 * HOUR)
    return Case(
        "O17",
        "a raw update of a deleted item, and then time-to-live",
        tuple(steps.done),
        {"name": "back"},
        [gone],
    )


def _raw_write_between_two_repairs() -> Case:
    steps = Steps(*BASE)
    steps.library(0, EAST, DELETE)
    steps.raw(60, EAST, add("tags", "x"))
    steps.raw(65, EAST, add("tags", "y"))
    return Case(
        "between repairs",
        "two regions repair one loss, and a raw client writes on the repair of the first",
        tuple(steps.done),
        {"tags": {"x", "y"}},
        [cut(61.1, 80), unresolved(WEST, 50, 70)],
    )


def _raw_member(name: str, *, together: bool) -> Case:
    steps = Steps(*BASE)
    steps.raw(0, EAST, add("tags", "x"))
    steps.library(1 if together else 60, WEST, discard("tags", "b"))
    return Case(
        name,
        "a raw client adds a member, a library client discards another",
        tuple(steps.done),
        {"tags": {"a", "x"}},
        [cut(-10, 30)] if together else (),
    )


def _put_of_a_number_without_a_type() -> Case:
    steps = Steps(add("tags", "a"))
    steps.raw(0, EAST, increment("points", 100), call=PUT)
    steps.raw(60, WEST, increment("points", 7))
    steps.raw(65, EAST, increment("points", 9), call=PUT)
    steps.library(66, EAST, add("tags", "x"))
    return Case(
        "put, no type",
        "a number that only raw clients wrote is added to in one region, and put in the other,"
        " where the library writes on that put",
        tuple(steps.done),
        {"points": 109, "tags": {"a", "x"}},
        [cut(50, 120), unread(EAST, 50, 90)],
    )


def _put_on_another_one_that_shows_an_amount() -> Case:
    steps = Steps(add("tags", "a"))
    steps.named(60, EAST, increment("points", 100))
    steps.raw(65, EAST, call=PUT)
    steps.raw(67, WEST, assign("email", "x"))
    steps.raw(70, EAST, increment("points", 5))
    return Case(
        "put on a put",
        "a named amount is in a put and in what is added to that, which another region has alone",
        tuple(steps.done),
        {"points": 100, "tags": {"a"}},
        [cut(50, 90), unread(EAST, 50, 300)],
    )


def _name_on_a_put_that_lacks_a_field() -> Case:
    steps = Steps(increment("points", 100), assign("profile.zip", "1"))
    steps.library(0, EAST, increment("profile.visits", 5))
    steps.raw(5, WEST, assign("email", "x"), call=PUT)
    steps.named(6, WEST, increment("points", 10))
    return Case(
        "named on a put",
        "a put that lacks what the library added within a map wins, with a named write on it",
        tuple(steps.done),
        {"points": 110, "profile": {"zip": "1", "visits": 5}, "email": "x"},
        [cut(-10, 60)],
        schema=MAPS,
    )


def _copy_of_a_deleted_item() -> Case:
    steps = Steps(*BASE)
    steps.raw(100, EAST, call=DELETE_ITEM)
    steps.library(120, EAST, add("tags", "x"))
    steps.raw(121, WEST, assign("phone", "2"), call=PUT, read=90)
    steps.raw(170, WEST, increment("points", 5))
    steps.raw(190, EAST, call=SAVE, read=90)
    return Case(
        "copies of a deleted item",
        "copies of a deleted item are put over the new one and saved: what is lost of that is"
        " of another life, whatever the copies show alike",
        tuple(steps.done),
        {"points": 105, "phone": "2", "tags": {"a", "b"}},
        [cut(115, 130), unread(EAST, 101, 400)],
        holds=lambda run: any(run.parked.values()),
    )


def _value_for_a_moment_and_a_delete() -> Case:
    steps = Steps(*BASE)
    steps.raw(10, WEST, assign("phone", "x"))
    steps.raw(25, WEST, assign("phone", "y"))
    steps.library(30, WEST, increment("points", 10), read=29)
    steps.library(70, WEST, DELETE)
    return Case(
        "moment",
        "a region that never saw the second of two raw values finds the first one lost, of an item"
        " that somebody deleted who saw the second",
        tuple(steps.done),
        {"phone": None, "points": None},
        [cut(20, 60), unread(EAST, 15, 100)],
        holds=lambda run: run.counts["conflicts"] == 1 and nothing_written(run),
    )


def _update_on_an_unfiled_put() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, WEST, assign("phone", "2"), call=PUT)
    steps.raw(2, WEST, assign("fax", "9"), increment("points", 3), add("tags", "x"))
    steps.library(5, EAST, increment("points", 10))
    return Case(
        "update on a put",
        "a library write took the place of a whole put and of an update on it, both not yet filed",
        tuple(steps.done),
        {"points": 113, "phone": "2", "fax": "9", "tags": {"a", "b", "x"}},
        [cut(-10, 60)],
    )


def _first_library_write_on_an_update_on_a_put() -> Case:
    steps = Steps()
    steps.named(0, EAST, increment("points", 10))
    steps.library(10, EAST, increment("points", 10))
    steps.raw(30, EAST, increment("points", 1_000), call=PUT)
    steps.raw(30.2, EAST, increment("points", 2_000))
    steps.library(30.4, EAST, assign("email", "second"))
    return Case(
        "update on a put, plain",
        "what a put, and an update on it, hold of a library addition does not count beside it",
        tuple(steps.done),
        {"points": 120, "email": "second"},
        before={"p1": PLAIN},
    )


def _library_write_on_an_unfiled_put() -> Case:
    steps = Steps(*BASE)
    steps.library(0, EAST, increment("points", 10))
    steps.raw(5, WEST, assign("phone", "2"), call=PUT)
    steps.library(60, EAST, increment("points", 1))
    return Case(
        "O19",
        "a library write on a whole put that took a library write with it, before it was filed",
        tuple(steps.done),
        {"points": 111, "phone": "2"},
        [cut(-10, 30), unread(EAST, -10, 120), unread(WEST, -10, 120)],
    )


def _one_difference_saved_twice() -> Case:
    steps = Steps(*BASE)
    steps.raw(1, EAST, assign("points", 105), call=SAVE, read=0)
    for turn in range(24):
        steps.library(60 + 30 * turn, (EAST, WEST)[turn % 2], assign("name", f"{turn}"))
    steps.raw(1_200, EAST, assign("points", 105), call=SAVE, read=0)
    steps.library(1_260, EAST, assign("name", "last"))
    return Case(
        "O20",
        "one raw increment is saved twice from one copy, and filed and folded in between",
        tuple(steps.done),
        {"points": 105, "name": "last"},
    )


def _two_named_additions(name: str, before: Mapping[str, Image]) -> Case:
    steps = Steps(*(() if before else BASE))
    steps.named(0, EAST, increment("points", 5))
    steps.named(5, WEST, increment("points", 5))
    return Case(
        name,
        "named additions in two regions at once: both count",
        tuple(steps.done),
        {"points": 110, "email": "first"},
        [cut(-10, 60)],
        before,
        holds=loss_noted,
    )


def _named_writes_beside_the_first_library_write() -> Case:
    steps = Steps()
    steps.library(0, EAST, increment("points", 5), assign("name", "Lib"))
    steps.named(1, EAST, increment("points", 2))
    steps.named(-5, WEST, assign("email", "second"))
    return Case(
        "named beside first",
        "a named write loses against the first library write of an item and a named one on top",
        tuple(steps.done),
        {"points": 107, "name": "Lib", "email": "second"},
        [cut(-10, 60)],
        {"p1": PLAIN},
        holds=loss_noted,
    )


def _named_alone() -> Case:
    steps = Steps()
    for second in range(4):
        steps.named(30 * second, (EAST, WEST)[second % 2], increment("points", 5))
    return Case(
        "named alone",
        "named writers and nobody else, one after the other: nothing is written back",
        tuple(steps.done),
        {"points": 120, "email": "first"},
        before={"p1": PLAIN},
        holds=nothing_written,
    )


def _named_over_raw() -> Case:
    steps = Steps(*BASE)
    steps.raw(0, EAST, assign("email", "raw"))
    steps.named(30, WEST, assign("email", "named"))
    return Case(
        "named over raw",
        "a named write takes the place of a raw one, which nobody takes for lost",
        tuple(steps.done),
        {"email": "named"},
        holds=nothing_written,
    )


def _key_carried_out_again(what: str, second: float, region: str) -> Case:
    steps = Steps(*BASE)
    ordered = increment("points", 7), increment("visits", 2)
    steps.named(60, EAST, *ordered, once="order 1")
    steps.raw(60.5, EAST, assign("email", "x"), call=PUT, read=60.2)
    steps.named(second, region, *ordered, once="order 1")
    return Case(
        f"a key carried out again {what}",
        "a named write is repeated with its key where a put has just taken the name away",
        tuple(steps.done),
        {"points": 107, "visits": 2},
        schema=KEYED,
    )


# What is inside a map, and what was there before the library, with names and raw writes beside.


FIELDS = Schema.of(
    table="parties",
    key=["id"],
    attributes={
        "points": "counter_pn",
        "tags": "set_aw",
        "profile": {"type": "map_or", "fields": {"visits": "counter_pn", "labels": "set_aw"}},
    },
)
VISITS, LABELS, ZIP = "profile.visits", "profile.labels", "profile.zip"
BEFORE: Mapping[str, Image] = {
    "p1": {
        **PLAIN,
        "tags": {"SS": ["a", "b"]},
        "profile": {"M": {"visits": {"N": "7"}, "zip": {"S": "1"}, "labels": {"SS": ["p"]}}},
    }
}
Step = tuple[str, float, str, tuple[Edit, ...]]


def _of(
    what: str,
    right: Mapping[str, Any],
    *given: Step,
    base: tuple[Edit, ...] = (),
    apart: tuple[float, float] | None = None,
    before: Mapping[str, Image] | None = None,
    holds: Callable[[Run], bool] = lambda _: True,
) -> Case:
    steps = Steps(*base)
    for by, second, region, edits in given:
        if by == PUT:
            steps.raw(second, region, *edits, call=PUT)
        elif by == "raw":
            steps.raw(second, region, *edits)
        elif by == "named":
            steps.named(second, region, *edits)
        else:
            steps.library(second, region, *edits)
    troubles = [cut(*apart)] if apart else []
    name = f"fields: {what}"
    done = tuple(steps.done)
    return Case(name, what, done, right, troubles, before or {}, schema=FIELDS, holds=holds)


def _raw(second: float, region: str, *edits: Edit) -> Step:
    return ("raw", second, region, edits)


def _named(second: float, region: str, *edits: Edit) -> Step:
    return ("named", second, region, edits)


def _library(second: float, region: str, *edits: Edit) -> Step:
    return ("library", second, region, edits)


WITH_FIELDS = (
    _of(
        "a name on a field of a map tells nothing of what others did to its other fields",
        {"profile": {"visits": 1_017, "labels": {"p", "r"}}},
        _raw(47, EAST, increment(VISITS, 1_000)),
        _raw(137, EAST, add(LABELS, "r")),
        _named(227, EAST, increment(VISITS, 10)),
        base=(increment(VISITS, 7), add(LABELS, "p")),
    ),
    _of(
        "a named addition stands beside a raw member of the same map",
        {"profile": {"visits": 1_007, "labels": {"p", "r"}, "zip": "n"}},
        _raw(20, EAST, add(LABELS, "r")),
        _named(40, WEST, assign(ZIP, "n")),
        _named(112, WEST, increment(VISITS, 1_000)),
        _library(247, EAST, assign("email", "x")),
        base=(increment(VISITS, 7), add(LABELS, "p")),
    ),
    _of(
        "a raw number in a map that a name gives its type to counts once",
        {"profile": {"zip": "1", "visits": 51_001}},
        _raw(45, WEST, increment(VISITS, 1_000)),
        _named(135, EAST, increment(VISITS, 1)),
        _named(143, EAST, add("tags", "n")),
        _raw(143.3, WEST, increment(VISITS, 50_000)),
        base=(assign(ZIP, "1"),),
    ),
    _of(
        "so does one that the library gives its type to",
        {"profile": {"zip": "1", "visits": 51_001}},
        _raw(45, WEST, increment(VISITS, 1_000)),
        _library(135, EAST, increment(VISITS, 1)),
        _raw(195, WEST, increment(VISITS, 50_000)),
        base=(assign(ZIP, "1"),),
    ),
    _of(
        "a number in a map that raw writers made counts once",
        {"points": 7, "email": "x", "profile": {"zip": "1", "visits": 1_000}},
        _raw(45, EAST, increment(VISITS, 1_000)),
        _raw(135, WEST, assign(ZIP, "1")),
        _library(135.3, EAST, assign("email", "x")),
        base=(increment("points", 7),),
        apart=(130, 160),
    ),
    _of(
        "a named addition to a raw number in a map is not lost to a raw one elsewhere",
        {"profile": {"zip": "1", "visits": 51_001}},
        _raw(45, WEST, increment(VISITS, 1_000)),
        _named(135, EAST, increment(VISITS, 1)),
        _raw(135.3, WEST, increment(VISITS, 50_000)),
        base=(assign(ZIP, "1"),),
        apart=(130, 160),
    ),
    _of(
        "an image that never saw a library write removes nothing of it",
        {"points": 1_007, "fax": "Lib", "other": "x"},
        _library(66, EAST, assign("fax", "Lib"), increment("points", 7)),
        _named(156, WEST, increment("points", 1_000)),
        _raw(201, WEST, assign("other", "x")),
        apart=(10, 210),
    ),
    _of(
        "nor does a put, though others wrote on it before it was filed",
        {"points": 105, "new": "Lib"},
        _library(1, EAST, assign("email", "Lib"), assign("new", "Lib"), increment("points", 5)),
        (PUT, 1.1, WEST, (assign("phone", "x"),)),
        _named(4, WEST, assign("fax", "y")),
        _raw(6, WEST, assign("foo", "y")),
        base=(increment("points", 100), assign("email", "first")),
        apart=(-14, 30),
    ),
    _of(
        "the last member of a set in a map that the library takes out does not come back",
        {"profile": {"visits": 7, "zip": "1"}},
        _library(20, WEST, discard(LABELS, "p")),
        before=BEFORE,
    ),
    _of(
        "a name that adds to that set, and a first library write elsewhere, are merged",
        {"points": 1_100, "profile": {"visits": 7, "zip": "1", "labels": {"n"}}},
        _library(20, WEST, discard(LABELS, "p")),
        _named(41, WEST, add(LABELS, "n")),
        _library(42, EAST, increment("points", 1_000)),
        before=BEFORE,
        apart=(8, 208),
    ),
    _of(
        "what was there before a name and the library wrote it does not come back",
        {"email": "Lib"},
        _named(55, WEST, assign("email", "named")),
        _library(56, WEST, assign("email", "Lib")),
        _raw(56.3, EAST, increment("points", 1_000)),
        before=BEFORE,
        apart=(44, 104),
    ),
    _of(
        "nor by the first library write of another region",
        {"email": "Lib", "phone": "Lib"},
        _raw(51, EAST, assign("email", "raw")),
        _library(52, EAST, assign("email", "Lib")),
        _library(53.1, WEST, assign("phone", "Lib")),
        before=BEFORE,
        apart=(50, 90),
    ),
    _of(
        "a raw value on a library write stands where a named write was made on an older image",
        {"fax": "raw", "email": "named"},
        _library(8, EAST, assign("fax", "Lib")),
        _raw(53.3, EAST, assign("fax", "raw")),
        _named(53.4, WEST, assign("email", "named")),
        before=BEFORE,
        apart=(-4, 55),
    ),
)
# What named writes take from others, and what types cannot hold.

FAX = assign("fax", "v30"), assign("fax", "v32")
BESIDE_NAMES = (
    _of(
        "a value that the type of a field cannot hold leaves the rest of the map alone",
        {"profile": {"visits": "many", "zip": "Lib"}},
        _raw(100, WEST, assign(VISITS, "many")),
        _library(200, EAST, assign(ZIP, "Lib")),
        base=(increment(VISITS, 7), assign(ZIP, "1")),
    ),
    _of(
        "so it does where a library write was made at once in another region",
        {"profile": {"visits": "many", "zip": "1", "labels": {"p", "q"}}},
        _raw(100, WEST, assign(VISITS, "many")),
        _library(100.3, EAST, add(LABELS, "q")),
        base=(increment(VISITS, 7), assign(ZIP, "1"), add(LABELS, "p")),
        apart=(90, 140),
    ),
    _of(
        "a set in a map keeps its type where one client exchanges its last member",
        {"profile": {"city": "Lib", "labels": {"r"}}},
        _raw(95, WEST, assign("profile.city", "2"), add(LABELS, "r"), discard(LABELS, "p")),
        _library(290, EAST, assign("profile.city", "Lib")),
        base=(assign("profile.city", "1"), add(LABELS, "p")),
    ),
    _of(
        "also where nobody who merges it has a schema",
        {"profile": {"city": "2", "labels": {"r"}}, "email": "Lib"},
        _raw(95, WEST, assign("profile.city", "2"), add(LABELS, "r"), discard(LABELS, "p")),
        _library(95.3, EAST, assign("email", "Lib")),
        base=(assign("profile.city", "1"), add(LABELS, "p")),
        apart=(90, 140),
    ),
    _of(
        "a number that is text for a while is added to by name as what it is by then",
        {"points": 1_700, "email": "Lib"},
        _raw(100, WEST, assign("points", "many")),
        _library(150, WEST, assign("email", "Lib")),
        _raw(200, WEST, assign("points", 700)),
        _named(250, EAST, increment("points", 1_000)),
        base=(increment("points", 10),),
    ),
    _of(
        "a member that a raw client added and a named write took out stays out",
        {"tags": {"a"}},
        _raw(60, EAST, add("tags", "x")),
        _named(120, EAST, discard("tags", "x")),
        base=(add("tags", "a"),),
    ),
    _of(
        "also where the library wrote on top, and in another region on what was before",
        {"tags": {"a"}, "email": "E", "phone": "W"},
        _raw(60, EAST, add("tags", "x")),
        _named(120, EAST, discard("tags", "x")),
        _library(121, EAST, assign("email", "E")),
        _library(121.5, WEST, assign("phone", "W")),
        base=(add("tags", "a"),),
        apart=(110, 150),
    ),
    _of(
        "what a raw client added to an amount, and put in a set, goes with what a name removes",
        {"points": None, "tags": None, "email": "x"},
        _raw(60, EAST, increment("points", 4), add("tags", "x")),
        _named(120, WEST, remove("points"), remove("tags")),
        base=(increment("points", 10), add("tags", "a"), assign("email", "x")),
    ),
    _of(
        "a member that a raw client takes out beside its name stays out",
        {"tags": {"a"}, "email": "Lib"},
        _named(125, WEST, add("tags", "n")),
        _raw(180, WEST, discard("tags", "n")),
        _library(300, EAST, assign("email", "Lib")),
        base=(add("tags", "a"),),
    ),
    _of(
        "also one that was there before the names",
        {"tags": {"n", "m"}},
        _named(130, EAST, add("tags", "n")),
        _raw(180, EAST, discard("tags", "a")),
        _named(180.1, WEST, add("tags", "m")),
        base=(add("tags", "a"),),
    ),
    _of(
        "a raw value on top of a named one is not undone by a library write that missed it",
        {"fax": "raw", "points": 9},
        _named(30, EAST, assign("fax", "named")),
        _raw(90, WEST, assign("fax", "raw")),
        _library(90.3, EAST, increment("points", 4)),
        base=(assign("fax", "first"), increment("points", 5)),
    ),
    _of(
        "nor is a raw removal, nor a member that is put in again, though one stood there before",
        {"fax": None, "tags": {"a", "x"}, "points": 9},
        _raw(20, WEST, assign("fax", "raw"), add("tags", "x")),
        _named(50, EAST, assign("fax", "named"), discard("tags", "x")),
        _raw(90, WEST, Edit(("fax",), "remove"), add("tags", "x")),
        _library(90.3, EAST, increment("points", 4)),
        base=(assign("fax", "first"), increment("points", 5), add("tags", "a")),
    ),
    _of(
        "what does not fit goes with the name that takes its place",
        {"points": None, "tags": {"q"}, "profile": {"zip": "1", "visits": 5}},
        _raw(60, WEST, assign("points", "x"), assign("tags", "t"), assign(VISITS, "many")),
        _named(160, EAST, remove("points"), assign("tags", {"q"}), assign(VISITS, 5)),
        base=(
            increment("points", 1),
            add("tags", "a"),
            assign(ZIP, "1"),
            increment(VISITS, 7),
        ),
    ),
    _of(
        "who takes a part out of a map that others made writes the rest of it anew",
        {"profile": {"visits": 5, "labels": {"y"}}},
        _raw(60, WEST, assign("profile", {"zip": "r", "visits": 5, "labels": {"x", "y"}})),
        _named(160, WEST, remove(ZIP), discard(LABELS, "x")),
        base=(increment("points", 1),),
    ),
    _of(
        "a value from before the library that does not fit stays, whoever meets",
        {"points": "many", "profile": {"visits": "x", "zip": "1"}, "email": "Lib", "phone": "n"},
        _library(60, EAST, assign("email", "Lib")),
        _named(60.3, WEST, assign("phone", "n")),
        before={
            "p1": {
                "id": {"S": "p1"},
                "points": {"S": "many"},
                "profile": {"M": {"visits": {"S": "x"}, "zip": {"S": "1"}}},
            }
        },
    ),
    _of(
        "what a name takes of an item from before the library stays away, whoever writes elsewhere",
        {"points": 4, "tags": {"q"}, "email": "Lib", "profile": {"visits": 7, "labels": {"p"}}},
        _named(60, EAST, remove("points"), assign("tags", {"q"}), remove(ZIP)),
        _library(60.3, WEST, assign("email", "Lib"), increment("points", 4)),
        before=BEFORE,
    ),
    _of(
        "also where nobody but names ever writes",
        {"points": 54, "phone": "n"},
        _named(60, EAST, assign("points", 50)),
        _named(60.3, WEST, increment("points", 4), assign("phone", "n")),
        before=BEFORE,
    ),
    *(
        _of(
            f"a raw value whose place a name took does not come back over the library, {kind}",
            {"fax": "v32", "other": "x"},
            _raw(20, EAST, assign("fax", "raw")),
            _named(110, WEST, FAX[0]),
            _library(160, WEST, FAX[1]),
            _raw(163, EAST, assign("other", "x")),
            base=base,
            apart=(75, 215),
            before=before,
        )
        for kind, base, before in (
            ("managed", (increment("points", 5),), None),
            ("plain", (), {"p1": {"id": {"S": "p1"}, "fax": {"S": "first"}}}),
        )
    ),
)
# What raw clients take away, or put where it does not fit, and what is written there afterwards.

HUNDRED = increment("points", 100)
AFTERWARDS = (
    *(
        _of(
            f"a number that a raw client takes away begins anew, {what}",
            {"points": 10},
            _raw(60, EAST, taken),
            by(120, region, increment("points", 10)),
            base=(HUNDRED,),
            holds=nothing_written,  # nobody wrote at once, so nothing is lost
        )
        for what, taken, by, region in (
            ("by name", remove("points"), _named, EAST),
            ("by the library elsewhere", remove("points"), _library, WEST),
            ("from 0", increment("points", -100), _named, EAST),
        )
    ),
    _of(
        "so does one in a map",
        {"profile": {"zip": "1", "visits": 10}},
        _raw(60, EAST, remove(VISITS)),
        _named(120, WEST, increment(VISITS, 10)),
        base=(increment(VISITS, 7), assign(ZIP, "1")),
    ),
    *(
        _of(
            f"so does one that others add to at once, {what}",
            {"points": 15},
            _raw(100, EAST, taken),
            _library(100.5, WEST, increment("points", 5)),
            _named(101, EAST, increment("points", 10)),
            base=(HUNDRED,),
            apart=apart,
        )
        for what, taken, apart in (
            ("together", remove("points"), None),
            ("apart", remove("points"), (90, 140)),
            ("to 0", increment("points", -100), (90, 140)),
        )
    ),
    _of(
        "a number that is taken away after a raw addition, under a library write, is gone",
        {"points": None, "email": "L"},
        _raw(60, WEST, assign("points", 50)),
        _raw(100, WEST, remove("points")),
        _library(101, WEST, assign("email", "L")),
        base=(HUNDRED,),
        apart=(90, 140),
    ),
    *(
        _of(
            f"a delete takes what does not fit, too: {what}",
            {"points": points, "phone": "p"},
            _raw(60, EAST, assign("points", "text")),
            _library(120, EAST, DELETE),
            _library(180, EAST, assign("phone", "p"), *more),
            base=(HUNDRED,),
        )
        for what, more, points in (
            ("it stays away", (), None),
            ("a number begins anew", (increment("points", 5),), 5),
        )
    ),
    _of(
        "a library value on a named one stands over a raw update that still shows that",
        {"fax": "v20", "points": 1_100},
        _named(10, EAST, assign("fax", "v1")),
        _library(100, WEST, assign("fax", "v20")),
        _raw(100.2, WEST, assign("phone", "r")),
        _raw(101, EAST, increment("points", 1_000)),
        apart=(90, 140),
        before=BEFORE,
    ),
)
CASES = (
    _key_carried_out_again("at once", 60.7, EAST),
    _key_carried_out_again("before the put is filed", 61, EAST),
    _key_carried_out_again("elsewhere", 61, WEST),
    *WITH_FIELDS,
    *BESIDE_NAMES,
    *AFTERWARDS,
    _one_raw_writer_alone(),
    _three_raw_increments("O2 together", unresolved(WEST, -50, 120), unresolved(EAST, -50, 600)),
    _three_raw_increments("O2 one by one", unread(WEST, -50, 120)),
    _two_raw_writers(
        "O3",
        assign("email", "second"),
        assign("phone", "2"),
        {"email": "first", "phone": "2"},
    ),
    _two_raw_writers("O4", increment("points", 5), increment("points", 5), {"points": 105}),
    _put_that_saw_nothing(),
    _first_library_write(
        "O6",
        10,
        {"points": 105, "name": "Lib", "email": "second"},
        "a raw write wins against the first library write of an item, which it never saw",
    ),
    _first_library_write(
        "O6b",
        0,
        {"points": 105, "name": "Lib", "email": "first"},
        "the first library write of an item wins against a raw write: counted and kept",
    ),
    _two_first_library_writes("O6c", "aaa", "bbb"),
    _two_first_library_writes("O6c turned", "bbb", "aaa"),
    _delete_then_put(),
    _restored_put(),
    _own_time_to_live(),
    _alive_past_its_time(),
    _expired_tombstone(),
    _deleted_with_a_time_to_live(
        "own ttl, written to", assign("name", "back"), {"name": "back", "until": None}
    ),
    _deleted_with_a_time_to_live(
        "own ttl, given time", assign("until", AGES_AHEAD + 1), {"until": AGES_AHEAD + 1}
    ),
    _new_attribute_inside_a_block(),
    _stale_save(),
    _token_that_came_back(),
    _update_of_a_tombstone(),
    _raw_write_between_two_repairs(),
    _raw_member("O18 at once", together=True),
    _raw_member("O18 later", together=False),
    _put_of_a_number_without_a_type(),
    _put_on_another_one_that_shows_an_amount(),
    _name_on_a_put_that_lacks_a_field(),
    _copy_of_a_deleted_item(),
    _value_for_a_moment_and_a_delete(),
    _update_on_an_unfiled_put(),
    _first_library_write_on_an_update_on_a_put(),
    _library_write_on_an_unfiled_put(),
    _one_difference_saved_twice(),
    _two_named_additions("named, managed", {}),
    _two_named_additions("named, plain", {"p1": PLAIN}),
    _named_writes_beside_the_first_library_write(),
    _named_alone(),
    _named_over_raw(),
)
