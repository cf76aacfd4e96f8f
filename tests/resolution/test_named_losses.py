"""Named writes that lost, from the stream to the item as it is now, on items of any kind."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from reconciler.crdt.base import Edit
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.item.adoption import adopted
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import NAMES, basis_of, is_managed, with_token
from reconciler.item.restating import is_written
from reconciler.resolution.resolver import Message, Resolver
from reconciler.values.wire import Image, to_json
from tests.builders import SCHEMA, Replica, add, assign, discard, increment, written
from tests.detection.test_detector import record
from tests.fakes import Fakes
from tests.named import KEY, named_on

NOW = 20_000
REGIONS = {"use1": "us-east-1", "euw1": "eu-west-1"}
PLAIN: Image = {
    **KEY,
    "balance": {"N": "100"},
    "tags": {"SS": ["a", "b"]},
    "name": {"S": "Ada"},
    "email": {"S": "first"},
}
MANAGED = written(
    increment("balance", 100),
    add("tags", "a", "b"),
    assign("name", "Ada"),
    assign("email", "first"),
)
BEGINNINGS = {"plain": PLAIN, "managed": MANAGED}


class Region(Fakes):
    """One region: its item, its detector and its resolver. Replication is the test's."""

    def __init__(self, code: str) -> None:
        super().__init__(code=code)
        policy = DetectorPolicy("parties", REGIONS[code])
        self.detector = Detector(policy, self.ports, lambda: NOW)
        self.resolver = Resolver(self.ports, lambda: NOW)
        self.code = code
        self._numbers = 0

    def becomes(self, old: Image | None, new: Image | None, *, takes: bool = True) -> None:
        """Let the item change, in the table and in the stream."""
        self._numbers += 1
        if takes and new is not None:
            self.items.place(new)
        assert self.detector.detect([record(self._numbers, old, new)]) is None

    def resolve(self, times: int = 1) -> None:
        """Hand all events to the resolver, each as often."""
        sent = [each for each in self.bus.sent for _ in range(times)]
        messages = [Message(f"m{number}", each) for number, each in enumerate(sent)]
        assert self.resolver.resolve(messages) == []

    @property
    def item(self) -> Image:
        return self.items.items[to_json(KEY)]


def two_names(begin: Image | None, ours: Sequence[Edit], theirs: Sequence[Edit]) -> list[Image]:
    return [
        named_on(begin, *ours, by="use1", at=10_000, number=1),
        named_on(begin, *theirs, by="euw1", at=10_001, number=2),
    ]


def repaired(
    begin: Image | None, ours: Image, theirs: Image, *, times: int = 1, later: Edit | None = None
) -> list[Image]:
    """Return the item in both regions once each lost one write to the other and repaired it.

    `later` is a named write that comes on top before the repair does.
    """
    found = []
    for code, lost, winner in (("use1", ours, theirs), ("euw1", theirs, ours)):
        region = Region(code)
        region.becomes(begin, lost)
        region.becomes(lost, winner)
        if later is not None:
            on_top = named_on(region.item, later, by=code, at=11_000, number=5)
            region.becomes(region.item, on_top)
        region.resolve(times)
        found.append(region.item)
    return found


EXPECTED: dict[str, tuple[Sequence[Edit], Sequence[Edit], dict[str, Any]]] = {
    "counters": ([increment("balance", 5)], [increment("balance", 5)], {"balance": 110}),
    "sets": ([add("tags", "x")], [discard("tags", "b")], {"tags": {"a", "x"}}),
    "registers": ([assign("name", "Us")], [assign("name", "Eu")], {"name": "Eu"}),
    "all of them": (
        [increment("balance", 5), add("tags", "x")],
        [increment("balance", 7), assign("email", "second")],
        {"balance": 112, "tags": {"a", "b", "x"}, "email": "second"},
    ),
}


@pytest.mark.parametrize("begin", BEGINNINGS)
@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("times", [1, 2])
def test_a_named_write_that_lost_is_applied_to_what_stands(
    begin: str, case: str, times: int
) -> None:
    ours, theirs, expected = EXPECTED[case]
    before = BEGINNINGS[begin]

    found = repaired(before, *two_names(before, ours, theirs), times=times)

    for item in found:
        assert {name: (read(item) or {}).get(name) for name in expected} == expected
        assert {n: v for n, v in (read(item) or {}).items() if n not in expected} == {
            n: v for n, v in (read(before) or {}).items() if n not in expected
        }
    both = merge(*found)
    assert read(both) == read(found[0]) == read(found[1])
    assert to_json(both) == to_json(merge(*reversed(found)))


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_repair_that_comes_late_keeps_what_was_named_on_top(begin: str) -> None:
    before = BEGINNINGS[begin]
    images = two_names(before, [increment("balance", 5)], [increment("balance", 7)])

    for item in repaired(before, *images, later=increment("balance", 1), times=2):
        assert (read(item) or {})["balance"] == 113


def test_two_names_that_made_one_item_both_count() -> None:
    images = two_names(None, [increment("balance", 5), add("tags", "x")], [increment("balance", 7)])

    one, other = repaired(None, *images)

    assert read(one) == {"id": "p1", "balance": 12, "tags": {"x"}}
    assert is_written(with_token(one, basis_of(one)), other)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_three_lost_names_count_in_whatever_order_their_events_come(order: Sequence[int]) -> None:
    region = Region("use1")
    held: Image = PLAIN
    for number in range(1, 4):
        named = named_on(PLAIN, increment("balance", 10**number), by="use1", number=number)
        region.becomes(held, named)
        region.becomes(named, PLAIN)
        held = PLAIN
    sent = region.bus.sent
    assert len(sent) == 3

    for place in order:
        assert region.resolver.resolve([Message(f"m{place}", sent[place])]) == []

    assert (read(region.item) or {})["balance"] == 1_210


def test_a_named_write_that_lost_to_a_library_write_is_merged_under_it_and_the_other_way() -> None:
    named = named_on(PLAIN, assign("email", "second"), by="euw1", at=10_000)
    library = Replica("use1", PLAIN).write(
        increment("balance", 5), assign("note", "Lib"), at=10_001
    )

    for item in repaired(PLAIN, named, library):
        assert read(item) == {
            **(read(PLAIN) or {}),
            "balance": 105,
            "note": "Lib",
            "email": "second",
        }


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_raw_write_of_the_winner_stays_beside_the_named_one_that_it_took_away(begin: str) -> None:
    before = BEGINNINGS[begin]
    named = named_on(before, increment("balance", 5), by="use1", at=10_000)
    raw = {**before, "email": {"S": "raw"}}
    region = Region("use1")
    region.becomes(before, named)
    region.becomes(named, raw)
    region.resolve()

    assert read(region.item) == {**(read(before) or {}), "balance": 105, "email": "raw"}


def test_a_raw_value_that_a_name_hid_from_the_library_does_not_stand_again_over_its_write() -> None:
    """A region got the raw write, then all that came after it as one change, so it looked lost."""
    raw = {**MANAGED, "name": {"S": "raw"}}
    named = named_on(raw, assign("name", "Bea"), by="euw1", at=8_000)
    library = Replica("euw1", named).write(assign("name", "Lib"), at=8_500)
    region = Region("use1")
    region.becomes(MANAGED, raw)
    region.becomes(raw, library)
    region.resolve()

    assert (read(region.item) or {})["name"] == "Lib"


def test_names_on_a_deleted_item_that_lost_to_its_tombstone_bring_it_back() -> None:
    gone = Replica("use1", MANAGED).write(DELETE, at=9_000)
    named = named_on(gone, increment("balance", 5), by="use1", at=10_000)
    region = Region("use1")
    region.becomes(gone, named)
    region.becomes(named, gone)
    region.resolve()

    assert read(region.item) == {"id": "p1", "balance": 5}


def test_what_a_repair_writes_holds_the_names_as_metadata_and_loses_nothing_once_more() -> None:
    ours, theirs = two_names(PLAIN, [increment("balance", 5)], [increment("balance", 7)])
    (item, _) = repaired(PLAIN, ours, theirs)
    assert is_managed(item)
    assert NAMES not in item
    region = Region("use1")
    for old in (PLAIN, ours, theirs, item):
        region.becomes(old, item)

    assert region.bus.sent == []


@pytest.mark.parametrize("begin", [None, PLAIN], ids=["nothing", "plain"])
def test_a_put_that_shows_what_a_name_did_to_an_item_without_metadata_holds_it_once(
    begin: Image | None,
) -> None:
    """A client read the item, and put it whole: what the name had added was added once more."""
    named = named_on(begin, increment("balance", 5))
    put = {**{name: value for name, value in named.items() if name != NAMES}, "note": {"S": "x"}}
    region = Region("use1")
    region.becomes(begin, named)
    region.becomes(named, put)
    region.resolve(2)
    shown = read(region.item) or {}
    assert (shown["balance"], shown["note"]) == (105 if begin else 5, "x")


def test_a_named_write_that_lost_on_an_item_that_is_adopted_since_is_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stamp tells no time: it passed for one of 1970, and what is later for another item's."""
    now = 1_800_000_000_000
    monkeypatch.setattr(f"{__name__}.NOW", now)
    named = named_on(PLAIN, increment("balance", 5), by="use1", at=now - 1_000)
    raw: Image = {**PLAIN, "email": {"S": "raw"}}
    stamped = adopted(raw, KEY, SCHEMA.spec)
    region = Region("use1")
    region.becomes(PLAIN, named)
    region.becomes(named, raw)
    region.becomes(raw, stamped)
    region.resolve()

    assert read(region.item) == {**(read(PLAIN) or {}), "balance": 105, "email": "raw"}
