"""A table of the classic schema (`Version`, `LastUpdatedRegion`, `Timestamp`), without metadata."""

from typing import Any

from reconciler.conflict.event import parse_event
from reconciler.conflict.row import Row, State
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.feed.case import merge_loss, open_case
from reconciler.resolution.resolver import Message, Resolver
from reconciler.values.wire import Image, to_json
from tests.builders import as_stream
from tests.conflict.test_scalar import EAST, WEST, image
from tests.fakes import Fakes

NAMES = ("Version", "LastUpdatedRegion", "Timestamp")
KEY: Image = {"Id": {"S": "p1"}}
NOW = 1_790_000_000_000
MINE = image(2, EAST, "10:02", Name="Ada", Email="ada@example.com")
THEIRS = image(2, WEST, "10:01", Name="Bob", Phone="555")
BOTH = image(3, EAST, "10:02", Name="Ada", Email="ada@example.com", Phone="555")


class World(Fakes):
    """The region that lost, with its detector and its resolver."""

    def __init__(self, version_attributes: tuple[str, ...] = NAMES) -> None:
        super().__init__()
        self.items.key_names = ("Id",)
        policy = DetectorPolicy("parties", EAST, version_attributes=version_attributes)
        self.detector = Detector(policy, self.ports, lambda: NOW)
        self.resolver = Resolver(self.ports, lambda: NOW)

    def sees(self, old: Image, new: Image, number: int = 1) -> None:
        self.items.place(new)
        change = {
            "Keys": KEY,
            "OldImage": as_stream(old),
            "NewImage": as_stream(new),
            "SequenceNumber": str(number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "ApproximateCreationDateTime": NOW // 1_000,
        }
        assert self.detector.detect([{"eventName": "MODIFY", "dynamodb": change}]) is None

    def resolve(self) -> list[str]:
        """Resolve what was sent so far, as it comes out of a queue."""
        told = [parse_event(each.document()) for each in self.bus.sent]
        return self.resolver.resolve([Message(str(n), each) for n, each in enumerate(told)])

    def item(self) -> Image:
        return self.items.items[to_json(KEY)]

    def found(self) -> list[Row]:
        return [Row.of(row) for row in self.ledger.rows.values()]

    def states(self) -> list[Any]:
        return [row.state for row in self.found()]


def test_what_each_region_wrote_is_there_and_no_metadata() -> None:
    world = World()
    world.sees(MINE, THEIRS)
    assert world.states() == [State.OPEN]
    assert world.resolve() == []
    assert world.item() == BOTH
    assert world.states() == [State.RESOLVED]


def test_the_write_back_is_clean_in_every_region() -> None:
    world = World()
    world.sees(THEIRS, BOTH)
    assert not world.states()


def test_a_loss_delivered_again_brings_nothing_back_that_was_removed_since() -> None:
    world = World()
    world.sees(MINE, THEIRS)
    world.resolve()
    without = {name: value for name, value in BOTH.items() if name != "Email"}
    world.sees(BOTH, {**without, "Version": {"N": "4"}}, number=2)
    assert world.resolve() == []
    assert "Email" not in world.item()


def test_nobody_looks_at_versions_unless_they_are_declared() -> None:
    world = World(())
    world.sees(MINE, THEIRS)
    assert not world.states()


def test_a_loss_whose_item_is_gone_is_parked_and_a_person_sees_both_images() -> None:
    world = World()
    world.sees(MINE, THEIRS)
    world.items.items.clear()
    assert world.resolve() == []
    assert world.states() == [State.PARKED]
    (row,) = world.found()
    case = open_case(row, world.items, world.evidence, world.ledger)
    assert merge_loss(case, world.items).problem.startswith("ItemGone")
    world.items.place(THEIRS)
    again = open_case(row, world.items, world.evidence, world.ledger)
    assert merge_loss(again, world.items).after == BOTH
