"""One run as a page that a person reads: what happened, drawn, and what it came to.

The page stands alone, as all do (`reconciler.text.page`). Everything of the run that is drawn is
also there as text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.item.image import read
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.report.diagram import diagram, shape
from reconciler.simulation.report.marks import keys_of
from reconciler.simulation.report.style import STYLE
from reconciler.simulation.report.words import (
    clock,
    duration,
    fault_in_words,
    operation_in_words,
    plain_text,
)
from reconciler.simulation.world.history import Run
from reconciler.text.counts import count_in_words
from reconciler.text.page import document, escaped
from reconciler.values.wire import to_json

_LEGEND = {
    "write": "a client writes; the colour is the region's, the label says what",
    "raw": "a client writes around the library: nothing names this write",
    "unknown": "a write whose client never heard that it took effect",
    "refused": "a write that took no effect",
    "replicate": "replication arrives, wins, and replaces what was there",
    "overwrite": "it replaces a write that it does not contain: last-writer-wins loses it",
    "loss": "the detector of the losing region sees the loss: home",
    "witness": "another region's detector sees the same loss",
    "event": "the conflict event is on its way to the resolver",
    "merge": "the resolver merges the lost write into the current item",
    "fold": "closed lineages become one watermark",
    "park": "set aside, whole",
    "crash": "a process dies between two calls",
    "redeliver": "delivered once more",
    "copy": "the replica is made anew: it has what the other one's copy has",
    "expire": "time-to-live removes a tombstone",
}


def page(run: Run, problems: Sequence[Problem], notes: Sequence[str] = ()) -> str:
    """Return the page of a run; `notes` are sentences for the reader, such as how it was found."""
    plan = run.plan
    title = f"Seed {plan.seed}"
    parts = [
        f"<header><h1>{title}</h1>{_verdict(problems)}{_chips(run)}</header>",
        *(f"<p>{escaped(note)}</p>" for note in notes),
        _problems(problems),
        _legend(run),
        *(_item(run, key) for key in keys_of(run)),
        _operations(run),
        _faults(plan),
        _trace(run),
    ]
    return document(title, STYLE, parts)


def _verdict(problems: Sequence[Problem]) -> str:
    if not problems:
        return '<p class="verdict good">no promise broken</p>'
    return f'<p class="verdict bad">{count_in_words(len(problems), "promise")} broken</p>'


def _chips(run: Run) -> str:
    acknowledged = sum(done.outcome == "acknowledged" for done in run.done)
    facts = [
        count_in_words(len(run.plan.regions), "region"),
        count_in_words(len(run.done), "operation"),
        f"{acknowledged} acknowledged",
        count_in_words(run.counts.get("conflicts", 0), "conflict"),
        count_in_words(run.counts.get("write_backs", 0), "merge"),
        count_in_words(run.counts.get("folds", 0), "fold")
        if run.plan.folds
        else "folds switched off",
        count_in_words(len(run.plan.faults), "fault"),
    ]
    chips = "".join(f"<li>{fact}</li>" for fact in facts)
    return f'<ul class="chips">{chips}</ul>'


def _problems(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    lines = "".join(
        f"<li><b>{escaped(problem.kind)}</b> {escaped(problem.key)} {escaped(problem.message)}"
        f" {_links(problem.operations)}</li>"
        for problem in problems
    )
    return f'<section class="problems"><h2>Broken promises</h2><ul>{lines}</ul></section>'


def _links(numbers: Iterable[int]) -> str:
    return " ".join(f'<a href="#op{number}">#{number}</a>' for number in sorted(numbers))


def _ranges(numbers: Iterable[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return " ".join("\u2013".join(f"#{number}" for number in ends) for ends in ranges)


def _legend(run: Run) -> str:
    kinds = {moment.kind for moment in run.trace} | {"unknown", "overwrite", "witness"}
    outcomes = {done.outcome for done in run.done if not done.applied}
    kinds |= {"refused"} if outcomes else set()
    entries = "".join(
        f'<li><svg width="18" height="18" viewBox="-9 -9 18 18"><g class="mark {kind}'
        f' {"joined" if kind in {"merge", "fold"} else "r0"}">{shape(kind)}</g></svg> {words}</li>'
        for kind, words in _LEGEND.items()
        if kind in kinds
    )
    return (
        '<section class="legend"><h2>How to read it</h2><p>A line is a region, time runs to the'
        " right and on in the next row. A line has the colour of the region whose version it holds,"
        " and is thin before there is any; slanted arrows are replication. Distances are not to"
        " scale: hours are squeezed, which the time below and the waits written at breaks show."
        f" Point at anything for its details.</p><ul>{entries}</ul></section>"
    )


def _item(run: Run, key: str) -> str:
    count = sum(done.operation.key == key for done in run.done)
    losses = sum(moment.kind == "loss" and moment.key == key for moment in run.trace)
    words = f"{count_in_words(count, 'operation')}, {count_in_words(losses, 'conflict')}"
    return (
        f'<details class="item" open><summary><h2>{escaped(key)}</h2> {words}</summary>'
        f'<div class="rows">{diagram(run, key)}</div>{_end(run, key)}</details>'
    )


def _end(run: Run, key: str) -> str:
    shown = {region: _shown(items.get(key)) for region, items in run.items.items()}
    if len({to_json(items.get(key)) for items in run.items.values()}) == 1:
        return f'<p class="end">Every replica ends with {escaped(next(iter(shown.values())))}</p>'
    lines = "".join(f"<li>{escaped(r)}: {escaped(text)}</li>" for r, text in shown.items())
    return f'<div class="end bad">The replicas end differently:<ul>{lines}</ul></div>'


def _shown(image: Any) -> str:
    if image is None:
        return "no item"
    try:
        item = read(image)
    except ReconcilerError as problem:
        return f"an item that cannot be read: {problem}"
    return "a deleted item" if item is None else plain_text(item)


def _operations(run: Run) -> str:
    rows = [
        (
            f'<a href="#op{done.operation.number}">#{done.operation.number}</a>',
            clock(done.operation.at_ms),
            escaped(done.operation.region),
            escaped(done.operation.key),
            escaped(operation_in_words(done.operation)),
            escaped(done.outcome),
            _ranges(done.seen),
        )
        for done in run.done
    ]
    names = ("", "time", "region", "item", "edits", "outcome", "it had seen")
    return _table("Operations", names, rows)


def _faults(plan: Plan) -> str:
    rows = [
        (
            escaped(fault_in_words(fault)),
            clock(fault.at_ms),
            clock(fault.until_ms),
            duration(fault.until_ms - fault.at_ms),
        )
        for fault in plan.faults
    ]
    return _table("Faults", ("fault", "from", "to", "for"), rows) if rows else ""


def _trace(run: Run) -> str:
    rows = [
        (
            clock(moment.at_ms),
            escaped(moment.region),
            escaped(moment.kind),
            escaped(moment.key),
            escaped(", ".join(f"{name} {value}" for name, value in moment.detail.items())),
        )
        for moment in run.trace
    ]
    heading = f"Trace, {len(rows)} facts, hash {run.trace_hash}"
    return _table(heading, ("time", "region", "what", "item", "details"), rows, is_open=False)


def _table(
    heading: str, names: Sequence[str], rows: Sequence[Sequence[str]], *, is_open: bool = True
) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<details{' open' if is_open else ''}><summary><h2>{escaped(heading)}</h2></summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>"
    )
