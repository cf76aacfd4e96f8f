"""A seeded simulator in virtual time: the real detector, resolver and client, a hostile world.

One seed is one schedule, byte for byte. Use it to test a schema of your own:

    found = simulate(schema, seeds=50, regions=3, operations=30)
    assert not found.problems, found.story()
"""

from reconciler.simulation.experiment import Experiment, Explained, explained
from reconciler.simulation.judge.checks import check
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.drawing import draw_plan
from reconciler.simulation.plan.plan import Fault, Operation, Plan
from reconciler.simulation.plan.schedule import Schedule
from reconciler.simulation.report.page import page
from reconciler.simulation.report.story import tell
from reconciler.simulation.search import Failure, Totals, simulate
from reconciler.simulation.world.history import Run
from reconciler.simulation.world.run import run_plan

__all__ = [
    "Experiment",
    "Explained",
    "Failure",
    "Fault",
    "Operation",
    "Plan",
    "Problem",
    "Run",
    "Schedule",
    "Totals",
    "check",
    "draw_plan",
    "explained",
    "page",
    "run_plan",
    "simulate",
    "tell",
]
