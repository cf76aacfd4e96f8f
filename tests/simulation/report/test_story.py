"""A failing schedule is told so that a person understands it."""

from reconciler.simulation.experiment import Experiment
from reconciler.simulation.judge.checks import check
from reconciler.simulation.plan.plan import Fault, Plan
from reconciler.simulation.report.story import command, tell
from reconciler.simulation.shrink import shrink
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan
from tests.builders import SCHEMA
from tests.simulation import sabotage_detection
from tests.simulation.aims import mixed


def failing() -> tuple[Run, str]:
    """Return a shrunk run of a product that takes every record for clean, and its story."""
    with sabotage_detection.one_more_write_counts_as_clean():
        seed = next(n for n in range(1, 50) if check(run_plan(mixed(n), trace=False)))
        small = shrink(mixed(seed), lambda plan: bool(check(run_plan(plan, trace=False))))
        run = run_plan(small)
    return run, tell(run, check(run), operations=20)


def test_a_story_says_who_wrote_what_what_replaced_it_and_what_is_lost() -> None:
    run, story = failing()
    assert len(run.plan.operations) <= 3
    for done in run.done:
        assert f"operation {done.operation.number} writes" in story
    assert "arrives from" in story
    assert "LOST k1" in story
    assert story.index("What happened") < story.index("What is wrong") < story.index("Run the seed")


def test_a_story_ends_with_the_command_that_runs_the_seed_again() -> None:
    run, story = failing()
    line = f"  reconciler simulate --seeds 1 --seed {run.plan.seed} --regions 3 --operations 20"
    assert story.splitlines()[-1] == line


def test_a_story_of_a_shrunk_plan_gives_no_command_unless_told_how_much_was_drawn() -> None:
    run, _ = failing()
    assert "reconciler simulate" not in tell(run, [])


def test_a_healthy_run_is_told_with_its_losses_and_merges() -> None:
    runs = (run_plan(mixed(seed)) for seed in range(1, 50))
    run = next(run for run in runs if {"loss", "merge"} <= {each.kind for each in run.trace})
    story = tell(run, check(run))
    assert "noted (home)" in story
    assert "merged into" in story
    assert story.endswith("What is wrong:\n  nothing")


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    run = run_plan(mixed(3))
    long = Run(**{**vars(run), "trace": list(run.trace) * 10})
    story = tell(long, [])
    assert "lines left out" in story
    assert len(story.splitlines()) < 200


def test_faults_are_told_with_their_times() -> None:
    wrong = (
        Fault("partition", 1_000, 61_000, "us-east-1", "eu-west-1"),
        Fault("destroyed", 2_000, 2**62, "eu-west-1"),
    )
    story = tell(run_plan(Plan(1, SCHEMA, ("us-east-1", "eu-west-1"), (), wrong)), [])
    assert "fault: partition us-east-1" in story
    assert "0:01.000 to 1:01.000" in story
    assert "0:02.000 for good" in story


def test_a_run_without_folds_is_run_again_without_folds() -> None:
    plan = Plan(1, SCHEMA, ("us-east-1", "eu-west-1"), (), folds=False)
    assert command(plan, 40).endswith("--regions 2 --operations 40 --no-folds")


def test_a_run_with_named_writes_tells_them_and_is_run_again_with_them() -> None:
    plan = Experiment(named=True, outside="all").plan(1)
    assert command(plan, 40).endswith(" --outside all --named")
    assert "named update: " in tell(run_plan(plan), [])
