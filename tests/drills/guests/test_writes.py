"""Who writes what: each write has a mark of its own, and every client comes to do everything."""

from collections import Counter
from collections.abc import Iterator

from reconciler.drills.guests.writes import (
    APART,
    BOTH_SIDES,
    LIBRARY,
    ONE_SIDE,
    RAW,
    Script,
    Write,
    items,
)

US, EU = REGIONS = ("us-east-1", "eu-west-1")


def phases(count: int, rounds: int) -> Iterator[list[Write]]:
    """Yield the writes of each phase, the library's opening ones first."""
    written, script = items(2, REGIONS), Script()
    for _ in range(count):
        opening = [script.opening(item) for item in written if LIBRARY in item.regions]
        yield opening + [w for item in written for _ in range(rounds) for w in script.round(item)]


def test_no_two_writes_make_one_mark() -> None:
    every = [write for phase in phases(4, 8) for write in phase]
    made = [
        (write.item.name, write.verb == "increment", write.mark)
        for write in every
        if write.verb not in ("discard", "remove")
    ]
    assert len(made) == len(set(made))
    assert max(write.mark for write in every) == 10**35  # of 38 digits, that a counter holds


def test_only_what_the_same_hand_made_in_the_same_region_is_taken_back_and_once() -> None:
    every = [write for phase in phases(4, 8) for write in phase]
    takers = {"discard": "add", "remove": "assign"}
    made = {(w.item.name, w.region, w.hand, w.verb, w.mark): n for n, w in enumerate(every)}
    taken = [(n, w) for n, w in enumerate(every) if w.verb in takers]

    assert {(write.hand, write.verb) for _, write in taken} == {
        (hand, verb) for hand in ("raw", "named", "library") for verb in takers
    }
    for number, w in taken:
        assert made[w.item.name, w.region, w.hand, takers[w.verb], w.mark] < number
    assert len(taken) == len({(w.item.name, w.verb, w.mark) for _, w in taken})


def test_beside_others_raw_clients_take_back_only_what_the_library_has_written_over() -> None:
    for phase in phases(4, 8):
        fresh = {(w.item.name, w.mark) for w in phase if w.verb in ("add", "assign")}
        beside = [
            w for w in phase if w.item.kind in (APART, ONE_SIDE, BOTH_SIDES) and w.hand == RAW
        ]
        assert not [
            w for w in beside if w.verb in ("discard", "remove") and (w.item.name, w.mark) in fresh
        ]


def test_every_hand_keeps_to_its_regions_of_an_item_and_raw_ones_to_each_in_turn() -> None:
    where: dict[tuple[str, str], set[str]] = {}
    for write in (write for phase in phases(2, 2) for write in phase):
        where.setdefault((write.item.name, write.hand), set()).add(write.region)

    assert {name: regions for (name, hand), regions in where.items() if hand == RAW} == {
        "raw-alone-0": {US, EU},
        "raw-alone-1": {US, EU},
        "raw-here-ours-there-0": {US},
        "raw-here-ours-there-1": {EU},
        "raw-in-one-region-0": {US},
        "raw-in-one-region-1": {EU},
        "raw-in-both-0": {US, EU},
        "raw-in-both-1": {US, EU},
    }
    ours = [regions for (_, hand), regions in where.items() if hand != RAW]
    assert Counter(map(frozenset, ours)) == {
        frozenset({US, EU}): 10,
        frozenset({US}): 1,
        frozenset({EU}): 1,
    }
