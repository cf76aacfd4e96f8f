"""Who writes which row: each write has a mark of its own, and every hand comes to write."""

from collections import defaultdict

from reconciler.drills.guests.writes import ALONE, BOTH_SIDES, ONE_SIDE, RAW
from reconciler.drills.migration.rows import (
    CLOSED,
    OURS,
    PHASES,
    first_write,
    is_hot,
    rows,
    taking_in,
    writes,
)

US, EU = REGIONS = ("us-east-1", "eu-west-1")
ROWS = rows(500, REGIONS)


def test_no_two_writes_of_a_row_make_one_mark() -> None:
    for row in ROWS:
        every = [each for phase in PHASES for each in writes(row, phase, REGIONS)]
        every += [first_write(row, US), taking_in(row, EU)]
        made = [(write.verb == "increment", write.mark) for write in every]
        assert len(made) == len(set(made))
        assert max(mark for _, mark in made) < 10**36


def test_a_row_that_is_written_twice_in_a_phase_is_written_once_in_each_region() -> None:
    for phase in PHASES:
        for row in ROWS:
            where = [write.region for write in writes(row, phase, REGIONS)]
            assert len(where) == len(set(where))
            assert len(where) < 2 or is_hot(row.name, phase)


def test_raw_clients_keep_to_their_regions_and_stop_when_the_table_is_closed() -> None:
    where: defaultdict[str, set[str]] = defaultdict(set)
    hands: defaultdict[str, set[str]] = defaultdict(set)
    for row in ROWS:
        for phase in PHASES:
            if not phase.is_raw:
                made = list(writes(row, phase, REGIONS))
                hands[row.shared.kind] |= {write.hand for write in made}
                where[row.name] |= {write.region for write in made if write.hand == RAW}
                assert phase != CLOSED or not [each for each in made if each.hand == RAW]
    kinds = {row.name: row.shared.kind for row in ROWS}
    assert max(len(found) for name, found in where.items() if kinds[name] == ONE_SIDE) == 1
    assert max(len(found) for name, found in where.items() if kinds[name] == BOTH_SIDES) == 2
    assert {kind: RAW in found for kind, found in hands.items()} == {
        ALONE: True,
        ONE_SIDE: True,
        BOTH_SIDES: True,
        OURS: False,
    }
    assert {len(found) for kind, found in hands.items() if kind in (ONE_SIDE, BOTH_SIDES)} == {4}
