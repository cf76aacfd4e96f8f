"""The page about one run: it stands alone, leaves nothing out, and its marks do not collide."""

import re
from collections import Counter
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.crdt.base import Edit
from reconciler.resolution.resolver import Resolver
from reconciler.simulation import Experiment, Plan, Run, check, draw_plan, explained, page, run_plan
from reconciler.simulation.plan.plan import Fault, Operation
from reconciler.simulation.report.layout import LETTER, ROW, Mark, lay_out
from reconciler.simulation.report.words import clock, duration, edits_in_words, fault_in_words
from tests.pages import Tags, stands_alone
from tests.simulation.commands import simulate

RARE = {"fold", "park", "crash", "copy", "expire", "redeliver"}


def drawn(text: str) -> Counter[str]:
    """Count the marks on the page's diagrams by kind; the legend's have no place."""
    return Counter(re.findall(r'<g class="mark (\w+) [^>]*transform=', text))


def facts(run: Run, kind: str) -> int:
    return sum(moment.kind == kind for moment in run.trace)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Runs that have every kind of fact between them."""
    missing, found = set(RARE), []
    for seed in range(1, 500):
        run = run_plan(draw_plan(seed))
        shown = missing & {moment.kind for moment in run.trace}
        if shown:
            found.append(run)
            missing -= shown
        if not missing:
            return found
    raise AssertionError(f"no run has {missing}")


def test_the_page_is_well_formed_and_needs_nothing_but_itself(runs: list[Run]) -> None:
    for run in runs:
        stands_alone(page(run, check(run)))


def test_every_write_loss_merge_and_fold_of_the_run_is_drawn_once(runs: list[Run]) -> None:
    for run in runs:
        is_drawn_once(run)


def is_drawn_once(run: Run) -> None:
    text = page(run, [])
    marks = drawn(text)

    assert marks["write"] + marks["unknown"] == facts(run, "write")
    assert marks["loss"] + marks["witness"] == facts(run, "loss")
    assert marks["merge"] == facts(run, "merge")
    assert marks["fold"] == facts(run, "fold")
    assert marks["replicate"] + marks["overwrite"] == facts(run, "replicate")
    named = {int(number) for number in re.findall(r'id="op(\d+)"', text)}
    assert named == {done.operation.number for done in run.done}


def test_every_operation_every_fault_and_every_fact_is_there_as_text(runs: list[Run]) -> None:
    for run in runs:
        text = unescape(page(run, []))

        assert all(edits_in_words(done.operation.edits) in text for done in run.done)
        assert all(fault_in_words(fault) in text for fault in run.plan.faults)
        assert all(f"<td>{clock(moment.at_ms)}</td>" in text for moment in run.trace)


def test_a_loss_and_its_merge_say_which_operation_they_are_about() -> None:
    wide = Fault("lag", 0, 10_000, rate=0.01)
    here = Operation(0, 100, "us-east-1", "k1", (Edit(("name",), "assign", {"S": "Ada"}),))
    there = Operation(1, 101, "eu-west-1", "k1", (Edit(("balance",), "increment", {"N": "5"}),))
    plan = draw_plan(1, regions=2)

    run = run_plan(Plan(4, plan.schema, plan.regions, (here, there), (wide,)))
    text = page(run, check(run))

    (lost,) = re.findall(r">lost #(\d)<", text)
    assert re.findall(r">merged #(\d)<", text) == [lost]
    assert drawn(text)["overwrite"] == 1
    assert "which it does not contain" in text
    assert "Every replica ends with {balance: 5, id: k1, name: Ada}" in text


def test_what_users_wrote_cannot_become_part_of_the_page() -> None:
    evil = "<script>alert(1)</script>"
    edits = (Edit(("name",), "assign", {"S": evil}),)
    plan = draw_plan(1, regions=2)
    run = run_plan(
        Plan(1, plan.schema, plan.regions, (Operation(0, 0, "us-east-1", "<k&1", edits),))
    )

    text = page(run, check(run), [f"found in {evil}"])

    assert "<script" not in text
    assert "&lt;k&amp;1" in text
    assert Tags(text).open == []


def test_a_failing_run_is_drawn_small_with_the_promises_it_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Resolver, "resolve", lambda *_: [])

    shown = explained(Experiment(operations=12), 4)
    text = page(shown.run, shown.problems, shown.notes)

    assert len(shown.run.plan.operations) < 12
    assert "Reduced from 12 operations" in text
    assert all(problem.message in unescape(text) for problem in shown.problems)
    lost = [number for each in shown.problems if each.kind == "lost" for number in each.operations]
    assert lost
    assert all(f'href="#op{number}"' in text for number in lost)


def test_replicas_that_differ_are_listed_region_by_region() -> None:
    run = run_plan(draw_plan(3))
    items = {region: dict(images) for region, images in run.items.items()}
    del items["eu-west-1"]["k1"]
    broken = Run(**{**vars(run), "items": items})

    text = page(broken, check(broken))

    assert "The replicas end differently" in text
    assert "eu-west-1: no item" in text


def test_the_command_draws_the_first_failing_seed_else_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = tmp_path / "good [1].html", tmp_path / "bad.html"
    options = ("--seeds", "4", "--seed", "30", "--operations", "12", "--report")

    assert simulate(*options, str(good)).exit_code == 0
    monkeypatch.setattr(Resolver, "resolve", lambda *_: [])
    assert simulate(*options, str(bad)).exit_code == 1

    assert "<h1>Seed 30</h1>" in good.read_text()
    assert "no promise broken" in good.read_text()
    assert re.search(r"\d+ promises? broken", bad.read_text())


def mark(at_ms: int, lane: int, label: str = "", *, above: bool = True) -> Mark:
    return Mark("write", lane, at_ms, "", label, above)


def test_time_never_runs_backwards_and_labels_never_overlap() -> None:
    marks = [
        mark(step * step % 977 + step * 40, step % 3, f"#{step} some words", above=step % 2 == 0)
        for step in range(200)
    ]
    marks.sort(key=lambda each: each.at_ms)

    layout = lay_out(marks, [])

    assert all(before.x <= after.x for before, after in pairwise(layout.placed))
    for placed in layout.placed:
        same = [
            other
            for other in layout.placed
            if (other.mark.lane, other.mark.above, other.level)
            == (placed.mark.lane, placed.mark.above, placed.level)
            and other.x > placed.x
        ]
        assert all(other.x >= placed.x + len(placed.mark.label) * LETTER for other in same)


def test_hours_are_squeezed_and_the_wait_is_named() -> None:
    layout = lay_out([mark(0, 0), mark(100, 1), mark(4 * 3_600_000, 0), mark(4 * 3_600_000, 1)], [])

    ((start, end, length),) = layout.gaps
    assert duration(length) == "3 h 59 min"
    assert 0 < end - start < ROW / 2
    first, second, third, _ = (placed.x for placed in layout.placed)
    assert first < second < third
    assert second < layout.x(2 * 3_600_000) < third


def test_a_long_schedule_goes_on_in_rows_none_of_which_is_wider_than_the_page() -> None:
    marks = [mark(step * 300, step % 3, f"#{step} points +1") for step in range(300)]

    layout = lay_out(marks, [])

    assert len(layout.rows) > 3
    assert [each for row in layout.rows for each in row.marks] == list(layout.placed)
    assert all(placed.end <= row.end for row in layout.rows for placed in row.marks)
    assert all(row.end - row.start <= ROW + 100 for row in layout.rows)


def test_an_arrow_begins_where_its_version_was_made() -> None:
    run = run_plan(draw_plan(9))
    text = page(run, [])

    starts = re.findall(r'class="arrow [^"]+" d="M([\d.]+) (\d+)L([\d.]+) (\d+)"', text)

    assert len(starts) >= facts(run, "replicate")
    assert all(float(x) < float(to) for x, _, to, _ in starts)
    assert all(y != to for _, y, _, to in starts)
