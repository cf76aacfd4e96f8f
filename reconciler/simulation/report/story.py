"""A run told in plain text: who wrote what and where, what replaced it, what was found and merged.

It tells only of the items that the problems are about, in order of time; then the problems; then
the command that runs the seed again. It is best told of a shrunk plan.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.outside import NONE
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.report.words import clock, fault_in_words, operation_in_words
from reconciler.simulation.world.history import Done, Moment, Run
from reconciler.text.counts import count_in_words

_MOST_LINES = 120
_FOR_EVER_MS = 10**12


def tell(run: Run, problems: Sequence[Problem], *, operations: int | None = None) -> str:
    """Return the story; with the command if told how many `operations` the seed drew.

    A shrunk plan does not know that, and a seed is run again only with the same number.
    """
    about = {problem.key for problem in problems}
    keys = about - {""} or {moment.key for moment in run.trace}
    lines = [*_lines(run, keys)]
    left_out = len(lines) - _MOST_LINES
    if left_out > 0:
        lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [
            f"  ... {count_in_words(left_out, 'line')} left out"
        ]
    broken = [f"  {_problem(problem)}" for problem in problems] or ["  nothing"]
    again = ["", "Run the seed again:", f"  {command(run.plan, operations)}"] if operations else []
    told = [*_heading(run.plan), "", "What happened:", *lines, "", "What is wrong:", *broken]
    return "\n".join([*told, *again])


def command(plan: Plan, operations: int) -> str:
    """Return the command that runs the seed of a plan again."""
    folds = "" if plan.folds else " --no-folds"
    outside = "" if plan.outside == NONE else f" --outside {plan.outside}"
    named = (" --named" if plan.naming else "") + (" --keyed" if plan.keying else "")
    return (
        f"reconciler simulate --seeds 1 --seed {plan.seed} --regions {len(plan.regions)}"
        f" --operations {operations}{folds}{outside}{named}"
    )


def _heading(plan: Plan) -> Iterator[str]:
    count, regions = len(plan.operations), ", ".join(plan.regions)
    yield f"Seed {plan.seed}: {count} operations in {regions}"
    for fault in plan.faults:
        until = "for good" if fault.until_ms > _FOR_EVER_MS else f"to {clock(fault.until_ms)}"
        yield f"  fault: {fault_in_words(fault)}, {clock(fault.at_ms)} {until}"


def _lines(run: Run, keys: set[str]) -> Iterator[str]:
    done = {each.operation.number: each for each in run.done}
    width = max(len(region) for region in run.plan.regions)
    for moment in run.trace:
        if moment.key in keys or (moment.kind == "crash" and not moment.key):
            text = _TOLD.get(moment.kind, _anything)(moment, done)
            yield f"  {clock(moment.at_ms):>11}  {moment.region:<{width}}  {text}"
    for number in sorted(done):
        each = done[number]
        if each.operation.key in keys and not each.applied:
            what = operation_in_words(each.operation)
            yield f"  operation {number} ({what}) did not take effect: {each.outcome}"


def _write(moment: Moment, done: Mapping[int, Done]) -> str:
    number = moment.detail["operation"]
    over, each = moment.detail["over"], done.get(number)
    if each is None:
        return f"operation {number} writes {moment.key} over {over}"
    ending = "" if each.outcome == "acknowledged" else f" ({each.outcome} to its client)"
    return (
        f"operation {number} writes {moment.key} over {over}:"
        f" {operation_in_words(each.operation)}{ending}"
    )


def _replicate(moment: Moment, _: Mapping[int, Done]) -> str:
    detail = moment.detail
    return f"{detail['image']} of {moment.key} arrives from {detail['source']}" + (
        f", replaces {detail['over']}" if detail["over"] else ""
    )


def _loss(moment: Moment, done: Mapping[int, Done]) -> str:
    detail = moment.detail
    operations = {each.dot: f"operation {number}" for number, each in done.items()}
    lost = [operations.get(dot, dot) for dot in str(detail["dots"]).split(",") if dot]
    named = ", ".join(lost) or "a watermark"
    return f"loss {_short(detail['conflict'])} noted ({detail['role']}): {named} of {moment.key}"


def _merge(moment: Moment, _: Mapping[int, Done]) -> str:
    detail = moment.detail
    losses = ", ".join(_short(each) for each in str(detail["conflicts"]).split(",") if each)
    return f"loss {losses} merged into {detail['replaced']}: {_short(detail['token'])}"


def _fold(moment: Moment, _: Mapping[int, Done]) -> str:
    return f"{moment.detail['replaced']} folded: {_short(moment.detail['token'])}"


def _anything(moment: Moment, _: Mapping[int, Done]) -> str:
    detail = ", ".join(f"{name} {value}" for name, value in moment.detail.items())
    return f"{moment.kind} {moment.key}: {detail}" if detail else f"{moment.kind} {moment.key}"


def _short(text: Any) -> str:
    return str(text)[:6]


def _problem(problem: Problem) -> str:
    where = f"{problem.key}: " if problem.key else ""
    return f"{problem.kind.upper()} {where}{problem.message}"


_TOLD: dict[str, Callable[[Moment, Mapping[int, Done]], str]] = {
    "write": _write,
    "raw": _write,
    "replicate": _replicate,
    "copy": _replicate,
    "loss": _loss,
    "merge": _merge,
    "fold": _fold,
}
