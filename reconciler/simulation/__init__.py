"""A seeded simulator in virtual time: the real detector, resolver and client, a hostile world.

Behaviour: one seed is one schedule, byte for byte. Use it to test a schema of your own:

    found = simulate(schema, seeds=50, regions=3, operations=30)
    assert not found.problems, found.story()
"""

from reconciler.simulation.checks import check
from reconciler.simulation.experiment import Experiment, Explained, explained
from reconciler.simulation.model import Fault, Operation, Plan, Problem, Run
from reconciler.simulation.plan import draw_plan
from reconciler.simulation.report import page
from reconciler.simulation.run import run_plan
from reconciler.simulation.schedule import Schedule
from reconciler.simulation.search import Failure, Totals, simulate
from reconciler.simulation.story import tell

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
