"""What the judge says of items that were written around the library, from hand-made histories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE
from reconciler.item.schema import Schema
from reconciler.simulation.judge.checks import check, judged_around
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.plan.faults import MINUTE
from reconciler.simulation.plan.outside import ALL, BEFORE_SLOT, UNIT, raw_amount, with_outside
from reconciler.simulation.plan.plan import Fault, Operation
from reconciler.simulation.plan.raw import DELETE_ITEM, PUT, REPLACE, SAVE, UPDATE, append
from reconciler.simulation.world.history import Done, Run
from reconciler.simulation.world.run import run_plan
from reconciler.values.wire import Image, to_wire
from tests.builders import (
    DELETE_WINS,
    KEY,
    Replica,
    add,
    assign,
    discard,
    increment,
    remove,
    written,
)
from tests.named import named_on
from tests.simulation.histories import REGIONS, done, run_of

EAST, WEST = REGIONS
BASE = increment("balance", 100)


def raw(number: int, *edits: Edit, call: str = UPDATE, **ending: Any) -> Done:
    """Return an operation of a raw client in the western region."""
    copy, over = ending.pop("copy", "managed"), ending.pop("over", "managed")
    one = done(number, *edits, region=ending.pop("region", WEST), **ending)
    return replace(one, operation=replace(one.operation, raw=call), over=over, copy=copy)


def shows(**values: Any) -> Image:
    """Return an item that shows these values, whatever its metadata says."""
    plain = {name: to_wire(value, (name,)) for name, value in {**KEY, **values}.items()}
    return {**plain, "_rec": written(BASE)["_rec"]}


def ended(writes: Sequence[Done], image: Image | None, before: Image | None = None) -> Run:
    """Return a run that left an image everywhere, in which nobody compares with another run."""
    run = run_of(writes, dict.fromkeys(REGIONS, image))
    slow = replace(run.plan, before={"p1": before} if before else {}, outside=ALL)
    return replace(run, plan=slow)


def problems(run: Run) -> list[tuple[str, tuple[int, ...]]]:
    return [(problem.kind, problem.operations) for problem in judged_around(run).problems]


def odds(run: Run) -> Iterable[str]:
    return set(judged_around(run).odds)


ADDED = raw(1, increment("balance", raw_amount(1)), seen=[0])


def test_a_region_that_was_made_anew_may_ask_a_person_about_a_late_event() -> None:
    late = {EAST: [{"reason": "VersionClosed: it is summed up since"}]}
    run = replace(ended([done(0, BASE)], shows(balance=100)), parked=late)
    assert ("undone", ()) in problems(run)
    anew = replace(run.plan, faults=(Fault(faults.REMADE, 0, MINUTE, EAST, WEST),))
    assert problems(replace(run, plan=anew)) == []


def test_an_item_that_shows_all_writes_has_no_problem() -> None:
    writes = [done(0, BASE), ADDED, done(2, increment("balance", 7), seen=[0])]
    run = ended(writes, shows(balance=107 + raw_amount(1)))

    assert check(run) == []
    assert odds(run) == set()


@pytest.mark.parametrize(
    ("balance", "kind", "number"),
    [
        (100 + raw_amount(1), "lost", 2),
        (114 + raw_amount(1), "doubled", 2),
        (107, "undone", 1),
        (107 + 2 * raw_amount(1), "doubled", 1),
    ],
)
def test_a_counter_says_whose_amount_is_gone_or_counted_again(
    balance: int, kind: str, number: int
) -> None:
    writes = [done(0, BASE), ADDED, done(2, increment("balance", 7), seen=[0])]

    assert problems(ended(writes, shows(balance=balance))) == [(kind, (number,))]


def test_a_raw_increment_may_be_gone_where_a_library_write_removed_it_or_met_it() -> None:
    for seen in ([0, 1], [0]):
        writes = [done(0, BASE), ADDED, done(2, remove("balance"), seen=seen)]
        assert problems(ended(writes, shows())) == []


@pytest.mark.parametrize(
    "other",
    [
        raw(3, assign("name", "raw3"), region=EAST, seen=[0]),
        raw(3, assign("name", "raw3"), call=SAVE),
        raw(3, assign("name", "raw3"), over="plain"),
    ],
)
def test_what_nobody_can_know_is_counted_and_not_wrong(other: Done) -> None:
    writes = [done(0, BASE), ADDED, other]
    run = ended(writes, shows(balance=100, name="raw3"))

    assert problems(run) == []
    assert "a raw increment gone" in odds(run)


def test_of_two_amounts_on_one_image_apart_by_a_named_write_the_greater_stands() -> None:
    by_name = done(2, assign("name", "v2"), seen=[0])
    named = replace(by_name, operation=replace(by_name.operation, named=True))
    later = raw(3, increment("balance", raw_amount(3)), seen=[0, 2])
    run = ended([done(0, BASE), ADDED, named, later], shows(balance=100 + raw_amount(3), name="v2"))

    assert problems(run) == []
    assert "a raw increment gone" in odds(run)


def test_of_two_amounts_of_no_type_yet_the_greater_stands() -> None:
    others = [done(0, assign("name", "v0")), done(2, assign("name", "v2"), seen=[0])]
    later = raw(3, increment("balance", raw_amount(3)), seen=[0, 2], region=EAST)
    run = ended([*others, ADDED, later], shows(balance=raw_amount(3), name="v2"))

    assert problems(run) == []
    assert "a raw increment gone" in odds(run)


def test_a_map_of_no_type_yet_is_one_value_and_its_fields_may_go_with_it() -> None:
    first = raw(1, add("profile.labels", "raw1"), seen=[0])
    later = raw(2, assign("profile.r", "raw2"), seen=[0, 1])
    on_first = done(3, increment("balance", 7), seen=[0, 1], region=EAST)
    shown = shows(balance=107, profile={"labels": {"raw1"}})

    assert problems(ended([done(0, BASE), first, later, on_first], shown)) == []
    typed = replace(first, operation=replace(first.operation, edits=(assign("name", "raw1"),)))
    shown = shows(balance=107, name="raw1")
    assert problems(ended([done(0, BASE), typed, later, on_first], shown)) == [("undone", (2,))]


def test_a_map_of_no_type_yet_comes_back_whole_beside_who_did_not_see_its_last_value() -> None:
    first = raw(1, assign("profile.r", "raw1"), seen=[0])
    again = raw(2, add("profile.labels", "raw2"), seen=[0, 1])
    shown = shows(balance=100, profile={"r": "raw1", "labels": {"raw2"}, "city": "Oslo"})
    for seen, wrong in (([0, 1], []), ([0, 1, 2], [("lost", (3,))])):
        taken = done(3, assign("profile", {"city": "Oslo"}), seen=seen, region=EAST)
        found = problems(ended([done(0, BASE), first, again, taken], shown))
        assert [each for each in found if each == ("lost", (3,))] == wrong


def test_twice_is_wrong_whatever_else_is_so() -> None:
    writes = [done(0, BASE), ADDED, raw(2, call=DELETE_ITEM, seen=[0, 1])]

    assert problems(ended(writes, shows(balance=100 + 2 * raw_amount(1)))) == [("doubled", (1,))]


def test_what_was_there_before_counts_once() -> None:
    before = shows(balance=UNIT * 4**BEFORE_SLOT)
    writes = [raw(1, assign("name", "raw1"))]
    twice = shows(balance=2 * UNIT * 4**BEFORE_SLOT, name="raw1")

    assert ("doubled", ()) in problems(ended(writes, twice, before))


def test_a_library_write_beside_a_raw_delete_is_counted() -> None:
    writes = [done(0, BASE), raw(1, call=DELETE_ITEM, seen=[0])]
    run = ended(writes, None)

    assert problems(run) == []
    assert odds(run) == {"a library write gone beside a raw delete"}


def test_a_raw_delete_counts_though_its_region_went_later() -> None:
    writes = [done(0, BASE), raw(1, call=DELETE_ITEM, seen=[0], stranded=True)]

    assert problems(ended(writes, None)) == []


def test_members_are_told_apart_by_who_adds_them() -> None:
    writes = [
        done(0, add("tags", "a", "b")),
        raw(1, add("tags", "raw1"), seen=[0]),
        done(2, discard("tags", "b"), seen=[0]),
    ]

    assert problems(ended(writes, shows(tags={"a", "raw1"}))) == []
    assert problems(ended(writes, shows(tags={"a"}))) == [("undone", (1,))]
    assert problems(ended(writes, shows(tags={"a", "b", "raw1"}))) == [("wrong", (2,))]
    assert problems(ended(writes, shows(tags={"raw1"}))) == [("lost", (0,))]


def test_a_number_that_the_library_never_wrote_is_one_value_of_which_the_later_stands() -> None:
    """A library write elsewhere carried the number as it was before the second addition."""
    one, other = (increment("balance", raw_amount(number)) for number in (1, 2))
    writes = [
        done(0, add("tags", "a")),
        raw(1, one, seen=[0]),
        raw(2, other, seen=[0, 1]),
        done(3, add("tags", "b"), seen=[0, 1]),
    ]
    earlier = shows(tags={"a", "b"}, balance=raw_amount(1))

    assert problems(ended(writes, earlier)) == []
    assert odds(ended(writes, earlier)) == {"a raw increment gone"}


def test_a_set_that_the_library_never_wrote_is_one_value_of_which_the_later_stands() -> None:
    """A named write elsewhere carried the set as it was before the second addition."""
    writes = [
        done(0, BASE),
        raw(1, add("tags", "raw1"), seen=[0]),
        raw(2, add("tags", "raw2"), seen=[0, 1]),
        done(3, increment("balance", 7), seen=[0, 1]),
    ]
    earlier = shows(balance=107, tags={"raw1"})

    assert problems(ended(writes, earlier)) == []
    assert odds(ended(writes, earlier)) == {"a raw member gone"}
    on_another = [
        *writes[:2],
        done(2, increment("balance", 7), seen=[0]),
        raw(3, add("tags", "raw3"), seen=[0, 2]),
    ]
    assert problems(ended(on_another, shows(balance=107, tags={"raw3"}))) == []
    typed = [done(0, BASE, add("tags", "a")), *writes[1:]]
    of_library = shows(balance=107, tags={"a", "raw1"})
    assert problems(ended(typed, of_library)) == [("undone", (2,))]


VISITS, LABELS = "profile.visits", "profile.labels"


def test_what_is_in_a_map_is_told_apart_as_what_is_not() -> None:
    writes = [
        done(0, increment(VISITS, 5), add(LABELS, "a")),
        raw(1, increment(VISITS, raw_amount(1)), add(LABELS, "raw1"), seen=[0]),
    ]

    def end(visits: int, *labels: str) -> Run:
        return ended(writes, shows(profile={"visits": visits, "labels": {*labels}}))

    assert problems(end(5 + raw_amount(1), "a", "raw1")) == []
    assert problems(end(raw_amount(1), "a", "raw1")) == [("lost", (0,))]
    assert problems(end(5, "a", "raw1")) == [("undone", (1,))]
    assert problems(end(5 + 2 * raw_amount(1), "a", "raw1")) == [("doubled", (1,))]
    assert problems(end(5 + raw_amount(1), "a")) == [("undone", (1,))]
    assert problems(end(5 + raw_amount(1), "raw1")) == [("lost", (0,))]


def test_a_map_that_nobody_gave_a_type_is_one_value_and_one_with_a_type_is_not() -> None:
    for base, found in ((BASE, []), (increment(VISITS, 5), [("undone", (1,))])):
        writes = [
            done(0, base),
            raw(1, add(LABELS, "raw1"), seen=[0]),
            raw(2, assign("profile.r", "raw2"), seen=[0]),
        ]
        value = {"r": "raw2"} if base == BASE else {"r": "raw2", "visits": 5}
        rest = {"balance": 100} if base == BASE else {}
        assert problems(ended(writes, shows(profile=value, **rest))) == found


def test_a_raw_member_that_a_library_writer_saw_and_took_out_is_gone() -> None:
    added = raw(1, add("tags", "raw1"), seen=[0])
    for seen, found in (([0, 1], [("lost", (2,))]), ([0], [])):
        writes = [done(0, add("tags", "a")), added, done(2, discard("tags", "raw1"), seen=seen)]
        assert problems(ended(writes, shows(tags={"a", "raw1"}))) == found
        assert problems(ended(writes, shows(tags={"a"}))) == []
    put = raw(3, assign("name", "raw3"), call=PUT, seen=[0, 1])
    assert problems(ended([*writes, put], shows(tags={"a", "raw1"}, name="raw3"))) == []


def test_a_member_that_a_raw_client_took_out_stays_out() -> None:
    before = written(add("tags", "before"))
    taken = raw(1, discard("tags", "before"))
    writes = [taken, done(2, add("tags", "b"))]
    back = shows(tags={"before", "b"})

    assert problems(ended(writes, shows(tags={"b"}), before)) == []
    assert problems(ended(writes, back, before)) == [("undone", (1,))]
    whole = ended([taken, done(2, remove("tags"))], shows(tags={"before"}), before)
    assert problems(whole) == []
    assert odds(whole) == {"a raw discard did not last"}


def test_what_only_a_region_had_that_was_lost_may_be_gone_and_what_time_to_live_took() -> None:
    deleted = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    cases = [
        (ended([done(0, BASE), ADDED], shows(balance=100)), faults.REMADE),
        (ended([raw(1, assign("name", "raw1"))], None, deleted), faults.EXPIRY),
    ]
    for run, kind in cases:
        assert problems(run) == [("undone", (1,))]
        trouble = replace(run.plan, faults=(Fault(kind, 0, MINUTE, EAST),))
        assert problems(replace(run, plan=trouble)) == []


def test_a_copy_of_a_deleted_item_out_of_which_nothing_is_taken_keeps_nothing() -> None:
    gone = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    told = {"copy": "tombstone", "over": "tombstone"}
    writes = [
        done(0, assign("name", "v0")),
        raw(1, discard("tags", "before"), call=SAVE, **told),
        done(2, increment("balance", 7), seen=[1]),
    ]

    assert problems(ended(writes, shows(balance=7), gone)) == []


def test_an_amount_that_stale_copies_took_off_twice_is_counted() -> None:
    stale = raw(2, call=SAVE, copy="plain", seen=[0])
    read = replace(stale, operation=replace(stale.operation, read_at_ms=0))
    later = raw(3, increment("balance", raw_amount(3)), call=SAVE, seen=[0])
    writes = [done(0, BASE), ADDED, read, later]
    run = ended(writes, shows(balance=100 + raw_amount(3) - raw_amount(1)))

    assert problems(run) == []
    assert "a raw amount taken off twice beside stale copies" in odds(run)
    less = ended([done(0, BASE), read], shows(balance=100 - raw_amount(1)))
    assert problems(less) == []
    assert problems(ended([done(0, BASE), ADDED], shows(balance=100 - raw_amount(1)))) != []


def test_a_member_that_comes_back_beside_a_put_is_counted() -> None:
    writes = [
        done(0, add("tags", "a", "b")),
        raw(1, assign("name", "raw1"), call=PUT, seen=[0]),
        done(2, discard("tags", "b"), seen=[0]),
    ]
    run = ended(writes, shows(tags={"a", "b"}, name="raw1"))

    assert problems(run) == []
    assert odds(run) == {"a library removal undone beside a put"}


def test_entries_of_a_list_stand_once() -> None:
    writes = [done(0, BASE), raw(1, append("log", "raw1"), seen=[0])]

    assert problems(ended(writes, shows(balance=100, log=["raw1"]))) == []
    assert problems(ended(writes, shows(balance=100))) == [("undone", (1,))]
    assert problems(ended(writes, shows(balance=100, log=["raw1"] * 2))) == [("doubled", (1,))]


def test_of_two_who_append_at_once_one_stands() -> None:
    writes = [
        done(0, BASE),
        raw(1, append("log", "raw1"), seen=[0]),
        raw(2, append("log", "raw2"), seen=[0]),
    ]
    run = ended(writes, shows(balance=100, log=["raw2"]))

    assert problems(run) == []
    assert odds(run) == {"a raw entry gone"}


def test_a_value_that_is_put_back_to_what_was_there_is_as_good_as_never_changed() -> None:
    writes = [done(0, BASE), raw(1, assign("name", "raw1")), raw(2, remove("name"), seen=[0, 1])]

    assert problems(ended(writes, shows(balance=100, name="raw1"))) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("raw2", []),
        ("Lib", [("undone", (2,))]),
        ("raw1", [("lost", (2,))]),
        ("nobody's", [("lost", (2,))]),
    ],
)
def test_a_register_that_both_write_shows_a_write_that_nobody_replaced(
    name: str, found: Sequence[tuple[str, tuple[int, ...]]]
) -> None:
    writes = [
        raw(1, assign("name", "raw1")),
        done(0, assign("name", "Lib"), seen=[1]),
        raw(2, assign("name", "raw2"), seen=[0, 1]),
    ]

    assert problems(ended(writes, shows(name=name))) == found


def test_either_of_two_writes_at_once_may_stand_in_a_register_that_both_write() -> None:
    writes = [done(0, assign("name", "Lib")), raw(1, assign("name", "raw1"))]
    for name in ("Lib", "raw1"):
        assert problems(ended(writes, shows(name=name))) == []


def test_a_deleted_item_may_live_on_by_a_raw_write_with_or_without_its_values() -> None:
    writes = [done(0, BASE), done(1, DELETE, seen=[0]), raw(2, assign("name", "raw2"), seen=[0])]
    shown: Mapping[str, Image | None] = {
        "all": shows(balance=100, name="raw2"),
        "only its own": shows(name="raw2"),
        "none": None,
    }

    for image in shown.values():
        assert problems(ended(writes, image)) == []
    assert problems(ended(writes, shows(balance=99, name="raw2"))) != []


def test_a_copy_of_an_item_that_was_deleted_before_brings_nothing_back_that_a_delete_took() -> None:
    """It is written on, and so is the item that was deleted since: that clears what it held."""
    gone = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    back, deleted = done(0, BASE), done(1, DELETE, seen=[0])
    copy = raw(2, append("log", "raw2"), call=SAVE, copy="tombstone", over="tombstone")
    on_it = raw(3, append("log", "raw3"), seen=[2], copy="tombstone", over="tombstone")
    seen = [0, 1, 2, 3]
    later = raw(4, assign("name", "r"), seen=seen, copy="tombstone", over="tombstone")
    beside = done(5, add("tags", "a"), seen=[2, 3])
    writes = [back, deleted, copy, on_it, later, beside]

    assert problems(ended(writes, shows(name="r", log=["raw3"], tags={"a"}), gone)) == []
    assert problems(ended(writes, shows(balance=99, name="r", tags={"a"}), gone)) != []


def test_a_copy_that_is_saved_as_it_was_is_no_write_that_keeps_a_deleted_item() -> None:
    writes = [
        done(0, BASE),
        done(1, DELETE, seen=[0]),
        raw(2, call=SAVE, seen=[0]),
        done(3, increment("balance", 7), seen=[0, 1, 2]),
        raw(4, assign("name", "raw4"), seen=[0, 1, 2, 3]),
        done(5, DELETE, seen=[0, 1, 2, 3]),
    ]

    assert problems(ended(writes, shows(balance=7, name="raw4"))) == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [(faults.OUTAGE, [("doubled", (0,))]), (faults.REMADE, []), (faults.DESTROYED, [])],
)
def test_what_a_put_held_of_library_writes_is_known_to_the_ledger_of_its_region_alone(
    fault: str, found: Sequence[tuple[str, tuple[int, ...]]]
) -> None:
    writes = [done(0, BASE), raw(1, assign("name", "raw1"), call=PUT, seen=[0])]
    run = ended(writes, shows(balance=200, name="raw1"))
    run = replace(run, plan=replace(run.plan, faults=(Fault(fault, 0, 1, EAST, WEST),)))

    assert problems(run) == found
    assert bool(odds(run)) is not bool(found)


@pytest.mark.parametrize(
    ("saw", "found"), [([0, 1], []), ([0, 1, 2], [("doubled", (0,)), ("lost", (4,))])]
)
def test_a_copy_from_before_a_delete_that_is_saved_over_the_deleted_item_may_keep_all_of_it(
    saw: list[int], found: Sequence[tuple[str, tuple[int, ...]]]
) -> None:
    """It looks like a value that was set at once with the delete; who writes on it never saw it."""
    writes = [
        done(0, BASE),
        raw(1, assign("name", "raw1"), seen=[0]),
        done(2, DELETE, seen=[0, 1]),
        raw(3, call=SAVE, seen=saw, over="tombstone"),
        done(4, increment("balance", 5), seen=[0, 1, 2]),
    ]

    assert problems(ended(writes, shows(balance=5))) == []
    assert problems(ended(writes, shows(balance=105, name="raw1"))) == found


def test_what_a_library_writer_brings_back_may_clear_a_raw_write_on_the_deleted_item() -> None:
    gone = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    raw_alone, library = raw(1, assign("name", "raw1"), over="tombstone"), done(2, BASE)

    assert problems(ended([raw_alone, library], shows(balance=100), gone)) == []
    assert problems(ended([raw_alone], shows(balance=100), gone)) != []


def test_a_version_above_the_last_one_written_is_counted_beside_a_put() -> None:
    """Where a put took the metadata away, two writes in turn look as if made at once."""
    schema = Schema.of(table="parties", key=["id"], attributes={"revision": "version"})
    writes = [
        done(0, assign("revision", 1)),
        raw(1, assign("extra", "raw1"), call=PUT, seen=[0]),
        done(2, assign("revision", 2), seen=[0, 1]),
    ]
    run = ended(writes, shows(revision=3, extra="raw1"))
    run = replace(run, plan=replace(run.plan, schema=schema))

    assert problems(run) == []
    assert odds(run) == {"a library removal undone beside a put"}


def test_what_a_fault_of_the_protocol_does_to_an_item_that_only_raw_writers_wrote_is_harm() -> None:
    operation = Operation(0, 0, EAST, "p1", (assign("name", "raw0"),), UPDATE)
    run = run_of([Done(operation, "acknowledged", 0, 0, frozenset(), over="nothing")], {})
    good: Image = {"id": {"S": "p1"}, "name": {"S": "raw0"}}
    bad = Replica("use1").write(assign("name", "raw0"))

    for image, kinds in ((good, []), (bad, ["harmed", "harmed"])):
        left = replace(run, items={region: {"p1": image} for region in REGIONS})
        assert [problem.kind for problem in check(left)] == kinds


def test_a_problem_says_what_it_is_about() -> None:
    writes = [done(0, BASE), ADDED]

    (problem,) = judged_around(ended(writes, shows(balance=100))).problems
    assert problem == Problem(
        "undone", "p1", "balance: the raw increment of operation 1 is gone", (1,)
    )


def test_where_no_two_writes_meet_nothing_is_found_but_write_backs() -> None:
    found = set()
    for seed in range(1, 26):
        drawn = draw_plan(seed)
        calm = [
            replace(each, at_ms=30 * MINUTE * turn) for turn, each in enumerate(drawn.operations, 1)
        ]
        plan = with_outside(replace(drawn, operations=tuple(calm), faults=()), ALL)
        fresh = tuple(replace(each, read_at_ms=None) for each in plan.operations)
        found |= {problem.kind for problem in check(run_plan(replace(plan, operations=fresh)))}

    assert found <= {"harmed", "unbounded"}


def test_a_raw_value_may_be_back_that_another_one_of_its_image_hid_from_the_library() -> None:
    raw1 = raw(1, assign("name", "raw1"), seen=[0])
    raw2 = raw(2, assign("name", "raw2"), seen=[0, 1], region=EAST)
    took = done(3, assign("name", "Lib"), seen=[0, 1, 2])
    run = ended([done(0, BASE), raw1, raw2, took], shows(balance=100, name="raw1"))
    assert problems(run) == []
    assert "a raw value back beside another one of its image, which the library replaced" in odds(
        run
    )
    saw_it = replace(took, seen=frozenset({0, 1}))
    alone = ended([done(0, BASE), raw1, saw_it], shows(balance=100, name="raw1"))
    assert [kind for kind, _ in problems(alone)] == ["lost"]


def test_a_raw_value_may_not_be_back_where_who_replaced_it_had_not_met_the_other_one() -> None:
    raw1, raw2 = (
        raw(1, assign("name", "raw1"), seen=[0]),
        raw(2, assign("name", "raw2"), seen=[0, 1]),
    )
    took = done(3, assign("name", "Lib"), seen=[0, 1], dot="use1~.x")
    run = ended([done(0, BASE), raw1, raw2, took], shows(balance=100, name="raw1"))

    assert [kind for kind, _ in problems(run)] == ["lost"]


def test_of_raw_values_between_which_others_were_named_nobody_knows_which_came_first() -> None:
    """A name leaves the image what it is, so what is done around the library has its names."""
    first, then = append("log", "raw1"), append("log", "raw3")
    for dot, found in (("euw1~.x", []), ("euw1.x", ["undone"])):
        between = done(2, increment("balance", 1), seen=[0, 1], dot=dot)
        writes = [done(0, BASE), raw(1, first, seen=[0]), between, raw(3, then, seen=[0, 1, 2])]
        run = ended(writes, shows(balance=101, log=["raw1"]))
        assert [kind for kind, _ in problems(run)] == found


def test_who_brings_a_deleted_item_back_may_take_what_others_write_on_it_at_once() -> None:
    deleted, on_it = done(1, DELETE, seen=[0]), raw(2, append("log", "raw2"), seen=[0, 1])
    for seen, found in (([0, 1], []), ([0], ["undone"]), ([0, 1, 2], ["undone"])):
        back = done(3, increment("balance", 7), seen=seen)
        run = ended([done(0, BASE), deleted, on_it, back], shows(balance=7))
        assert [kind for kind, _ in problems(run) if kind == "undone"] == found


def test_where_deletes_win_who_brings_an_item_back_may_take_what_others_wrote_beside_that() -> None:
    beside, deleted = raw(1, append("log", "raw1"), seen=[0]), done(2, DELETE, seen=[0])
    back = done(3, increment("balance", 7), seen=[0, 1, 2])
    late = raw(4, append("log", "raw4"), seen=[0, 1, 2])
    run = ended([done(0, BASE), deleted, beside, back, late], shows(balance=7))
    deletes_win = replace(run.plan, schema=DELETE_WINS)

    assert ("undone", (4,)) in problems(run)
    assert problems(replace(run, plan=deletes_win)) == []


def test_who_brings_a_deleted_item_back_removes_what_others_write_on_it_at_once_in_a_register() -> (
    None
):
    gone = Replica("use1", written(assign("name", "Ada"))).write(DELETE, at=2_000)
    saved = raw(1, call=SAVE, copy="tombstone")
    for seen, found in (([1], []), ([0, 1], ["lost"])):
        writes = [done(0, assign("name", "Lib")), saved, done(2, BASE, seen=seen)]
        run = ended(writes, shows(balance=100), gone)
        assert [kind for kind, _ in problems(run)] == found


def test_a_deleted_item_in_which_a_name_stands_is_there() -> None:
    """A named discard on it leaves no attribute: its readers see the item, with its key."""
    gone = Replica("use1", written(BASE)).write(DELETE, at=2_000)
    back = replace(done(1, discard("tags", "b"), seen=[0]), dot="use1~.x")
    writes = [done(0, DELETE), back, raw(2, assign("name", "r"), seen=[0, 1], outcome="refused")]

    assert problems(ended(writes, named_on(gone, discard("tags", "b")), gone)) == []
    assert [kind for kind, _ in problems(ended(writes, gone, gone))] == ["lost"]


def test_an_add_may_be_gone_to_a_removal_that_wins_only_where_a_put_hid_that() -> None:
    def run(call: str, over: str) -> Run:
        removed = done(0, discard("blocked", "x"))
        around = raw(1, assign("name", "raw1"), call=call, over=over, seen=[0])
        added = done(2, add("blocked", "x", "y"), assign("note", "n"), seen=[0, 1])
        return ended([removed, around, added], shows(name="raw1", note="n", blocked={"y"}))

    assert problems(run(PUT, "managed")) == []
    assert "a library add gone to a removal that a put hid" in odds(run(PUT, "managed"))
    assert [kind for kind, _ in problems(run(UPDATE, "managed"))] == ["lost"]


def test_a_put_hides_by_which_clock_a_name_was_drawn() -> None:
    def run(call: str, *, ahead: bool) -> Run:
        name = done(0, assign("name", "v0"), wall=MINUTE if ahead else 1)
        named = replace(name, operation=replace(name.operation, named=True))
        around = raw(1, assign("name", "raw1"), call=call, seen=[0])
        again = replace(named, operation=replace(named.operation, number=2), seen=frozenset([0, 1]))
        later = done(3, assign("name", "v2"), seen=[0, 1, 2], wall=2)
        return ended([named, around, again, later], shows(name="v0"))

    assert problems(run(PUT, ahead=True)) == []
    assert [kind for kind, _ in problems(run(PUT, ahead=False))] == ["lost"]
    assert [kind for kind, _ in problems(run(UPDATE, ahead=True))] == ["lost"]


def test_a_put_hides_from_who_takes_out_all_what_was_taken_out_before() -> None:
    """Where removals win, that one wins over an addition at once, though it was taken out, too."""

    def run(call: str) -> Run:
        added = done(1, add("blocked", "x"), assign("note", "n"))
        around = raw(2, assign("name", "raw2"), call=call, over="managed", seen=[0])
        cleared = done(3, remove("blocked"), seen=[0, 2])
        writes = [done(0, discard("blocked", "x")), added, around, cleared]
        return ended(writes, shows(name="raw2", note="n"))

    assert problems(run(PUT)) == []
    assert [kind for kind, _ in problems(run(UPDATE))] == ["lost"]


def test_what_a_tombstone_held_may_be_back_once_where_it_was_deleted_around_the_library() -> None:
    tombstone = Replica("use1", written(BASE)).write(DELETE, at=2_000)
    held = UNIT * 4**BEFORE_SLOT
    new = done(2, assign("name", "Lib"), seen=[1])
    for call, found in ((DELETE_ITEM, []), (UPDATE, ["doubled"])):
        edits = () if call == DELETE_ITEM else (assign("note", "raw1"),)
        writes = [raw(1, *edits, call=call), new]
        run = ended(writes, shows(balance=held, name="Lib"), tombstone)
        assert [kind for kind, _ in problems(run) if kind == "doubled"] == found


def test_a_delete_whose_put_was_refused_to_its_client_took_the_library_writes_along() -> None:
    half = raw(1, assign("name", "r"), seen=[0], call=REPLACE, outcome="refused")
    run = ended([done(0, BASE), half], None)

    assert problems(run) == []
    assert "a library write gone beside a raw delete" in odds(run)


def test_what_a_tombstone_held_may_be_back_where_an_operator_deleted_that_for_good() -> None:
    gone = Replica("use1", written(BASE)).write(DELETE, at=2_000)
    back = done(0, increment("balance", 5), dot="use1~.x")
    shown = shows(balance=4**BEFORE_SLOT * UNIT + 5)
    run = ended([back], shown, gone)
    removed = Fault(faults.HARD_DELETE, 0, 1, WEST)
    ended_by_hand = replace(run, plan=replace(run.plan, faults=(removed,)))

    assert [kind for kind, _ in problems(run)] == ["doubled"]
    assert problems(ended_by_hand) == []
    assert "what a deleted item held is back beside a delete for good" in odds(ended_by_hand)
