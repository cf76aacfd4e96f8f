"""Which operations end with a hard delete, and where nobody can say which life goes on."""

from reconciler.item.edits import delete
from reconciler.item.image import read
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.drawing import DEFAULT_SCHEMA, REGIONS
from reconciler.simulation.plan.faults import FOR_EVER, HOUR, MINUTE
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.raw import UPDATE
from reconciler.simulation.world.causes import Origin
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.lives import Lives
from reconciler.simulation.world.run import run_plan
from tests.builders import discard, increment

EAST, WEST, SOUTH = REGIONS[:3]
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
    lives.end("k1", EAST, HOUR, OLD.rests_on)
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
        lives.note_arrival("k1", WEST, OLD, new, gone=False)
        assert contested(lives) is is_contested


def test_an_old_image_that_wins_against_the_delete_or_a_delete_against_the_new_item_contests() -> (
    None
):
    for held, new, gone in ((NOTHING, OLD, False), (NEW, NOTHING, True)):
        lives = ended()
        lives.note_arrival("k1", WEST, held, new, gone=gone)
        assert contested(lives)


def test_a_delete_is_known_where_it_was_made_and_where_it_or_the_new_item_has_arrived() -> None:
    for new in (NOTHING, NEW):
        lives = ended()
        assert lives.known_to([EAST], "k1")
        assert not lives.known_to([WEST], "k1")
        lives.note_arrival("k1", WEST, OLD, new, gone=new is NOTHING)
        assert lives.known_to([WEST], "k1")


def test_a_replica_made_anew_knows_of_the_deletes_that_its_source_knew_of() -> None:
    lives = ended()
    lives.note_remade(WEST, EAST)
    assert lives.known_to([WEST], "k1")
    lives.note_remade(EAST, SOUTH)
    assert not lives.known_to([EAST, SOUTH], "k1")


def made(*operations: Operation, troubles: tuple[Fault, ...]) -> Run:
    return run_plan(Plan(1, DEFAULT_SCHEMA, REGIONS[:3], operations, troubles))


def test_a_delete_that_went_with_its_region_has_ended_nothing() -> None:
    away = [Fault(faults.PARTITION, HOUR, FOR_EVER, EAST, other) for other in (WEST, SOUTH)]
    for lost in (
        Fault(faults.DESTROYED, HOUR + MINUTE, FOR_EVER, EAST),
        Fault(faults.REMADE, HOUR + MINUTE, HOUR + 5 * MINUTE, EAST, WEST),
    ):
        delete = Fault(faults.HARD_DELETE, HOUR, HOUR + 1, EAST)
        run = made(adding(0, 1_000, EAST, 100), troubles=(*away, delete, lost))
        assert not any(done.expired for done in run.done)
        assert all((read(items["k1"]) or {})["balance"] == 100 for items in run.items.values())
        assert check(run) == []


def test_an_item_begun_after_a_tombstone_had_expired_is_not_kept_down_by_it() -> None:
    """In a region made anew of a copy without it; time-to-live has not run yet."""
    gone = Operation(1, 2 * MINUTE, EAST, "k1", (delete(),))
    troubles = (
        Fault(faults.OUTAGE, 0, 4 * MINUTE, WEST),
        Fault(faults.REMADE, 3 * MINUTE, 5 * MINUTE, EAST, WEST),
    )
    for began, is_expired in ((DAY + 2 * MINUTE, True), (DAY, False)):
        new = adding(2, began, EAST, 5)
        run = made(adding(0, MINUTE, EAST, 100), gone, new, troubles=troubles)
        assert [done.expired for done in run.done[:2]] == [is_expired] * 2
        assert check(run) == []


def test_where_deletes_win_who_had_not_seen_the_last_one_kept_no_tombstone_alive() -> None:
    """A raw discard of what is not there, beside the delete, leaves no trace to be merged."""
    gone = Operation(1, MINUTE, EAST, "k1", (delete(),))
    beside = Operation(2, MINUTE, WEST, "k1", (discard("tags", "x"),), raw=UPDATE)
    for schema in (DEFAULT_SCHEMA, DEFAULT_SCHEMA.model_copy(update={"delete": "delete_wins"})):
        operations = (adding(0, 1_000, EAST, 100), gone, beside, adding(3, 2 * DAY, EAST, 5))
        expiry = Fault(faults.EXPIRY, DAY + HOUR, DAY + 2 * HOUR, EAST)
        run = run_plan(Plan(1, schema, (EAST, WEST), operations, (expiry,), outside="one"))
        assert [done.expired for done in run.done[:2]] == [schema.delete == "delete_wins"] * 2


def test_an_operator_deletes_tombstones_too_but_not_what_time_to_live_would_take() -> None:
    gone = Operation(1, MINUTE, EAST, "k1", (delete(),))
    for at_ms, deletes in ((HOUR, 1), (DAY + MINUTE, 0)):
        hard = Fault(faults.HARD_DELETE, at_ms, at_ms + 1, EAST)
        run = made(adding(0, 1_000, EAST, 100), gone, troubles=(hard,))
        assert run.counts.get("hard_deletes", 0) == deletes
        assert check(run) == []


def test_a_loss_from_before_a_tombstone_was_deleted_stays_out_of_the_new_item() -> None:
    gone = Operation(2, 2_000, EAST, "k1", (delete(),))
    off = tuple(Fault(faults.RESOLVER_OFF, 0, 3 * HOUR, region) for region in REGIONS[:3])
    hard = Fault(faults.HARD_DELETE, HOUR, HOUR + 1, EAST)
    created = (adding(0, 1_000, EAST, 100), adding(1, 1_005, WEST, 20), gone)
    run = made(*created, adding(3, 2 * HOUR, WEST, 3), troubles=(hard, *off))
    assert any(run.parked.values())
    assert [(read(items["k1"]) or {})["balance"] for items in run.items.values()] == [3, 3, 3]
    assert check(run) == []
