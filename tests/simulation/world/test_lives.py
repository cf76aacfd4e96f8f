"""Which operations end with a hard delete, and where nobody can say which life goes on."""

from reconciler.item.image import read
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA, REGIONS
from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.world.causes import Origin
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.lives import Lives
from reconciler.simulation.world.run import run_plan
from tests.builders import increment

EAST, WEST = REGIONS[:2]
OLD, NEW, NOTHING = (Origin(mask, "operation", EAST, 1) for mask in (0b01, 0b10, 0))
DAY = 24 * HOUR


def adding(number: int, at_ms: int, region: str, amount: int) -> Operation:
    return Operation(number, at_ms, region, "k1", (increment("balance", amount),))


def deleted(*more: Operation) -> Run:
    """Return a run in which an item is deleted that two regions had created at once."""
    operations = (adding(0, 1_000, EAST, 100), adding(1, 1_005, WEST, 20), *more)
    troubles = (
        Fault(faults.HARD_DELETE, HOUR, HOUR + 1, EAST),
        Fault(faults.RESOLVER_OFF, 0, 3 * HOUR, EAST),
        Fault(faults.RESOLVER_OFF, 0, 3 * HOUR, WEST),
    )
    return run_plan(Plan(1, DEFAULT_SCHEMA, (EAST, WEST), operations, troubles))


def contested(lives: Lives) -> bool:
    (delete,) = lives.of("k1")
    return delete.is_contested


def ended() -> Lives:
    lives = Lives()
    lives.end("k1", HOUR, OLD.rests_on)
    return lives


def test_what_was_written_before_a_hard_delete_ends_with_it_losses_included() -> None:
    run = deleted()
    assert all(done.expired for done in run.done)
    assert not any(run.items.values())
    assert any(run.parked.values())
    assert check(run) == []


def test_an_item_created_anew_shows_nothing_of_the_old_one_though_a_loss_comes_late() -> None:
    run = deleted(adding(2, 2 * HOUR, WEST, 3))
    shown = [(read(items["k1"]) or {})["balance"] for items in run.items.values()]
    assert shown == [3, 3]
    assert not run.contested
    assert check(run) == []


def test_a_write_by_somebody_who_has_not_heard_of_the_delete_contests_it() -> None:
    lives = ended()
    lives.note_write("k1", NOTHING, NEW)
    assert not contested(lives)
    lives.note_write("k1", OLD, OLD)
    assert contested(lives)


def test_a_merge_of_an_old_loss_into_the_new_item_contests_nothing() -> None:
    lives = ended()
    lives.note_write("k1", NEW, Origin(0b11, "merge", EAST, 2 * HOUR))
    assert not contested(lives)


def test_two_lives_that_meet_as_one_change_are_told_apart_after_a_day() -> None:
    for began, is_contested in ((2 * HOUR, True), (HOUR + DAY + 6 * MINUTE, False)):
        lives = ended()
        new = NEW._replace(at_ms=began)
        lives.note_write("k1", NOTHING, new)
        lives.note_arrival("k1", OLD, new, gone=False)
        assert contested(lives) is is_contested


def test_an_old_image_that_wins_against_the_delete_or_a_delete_against_the_new_item_contests() -> (
    None
):
    for held, new, gone in ((NOTHING, OLD, False), (NEW, NOTHING, True)):
        lives = ended()
        lives.note_arrival("k1", held, new, gone=gone)
        assert contested(lives)
