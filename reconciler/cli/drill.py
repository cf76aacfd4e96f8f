"""`reconciler drill`: let the pipeline fail in every way, and count what a redrive brings back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.cli.options import AsJson
from reconciler.cli.terminal import console, grid, print_json
from reconciler.drills.failure.drill import SceneReport, counts_in_words, drill
from reconciler.drills.failure.scenes import SCENES
from reconciler.errors import InvalidInput
from reconciler.text.plain_text import shown_lines

_NAMES = [scene.name for scene in SCENES]


def command(
    scene: Annotated[
        list[str] | None, typer.Option(help=f"one of {', '.join(_NAMES)}; repeatable")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Break the pipeline on this machine, scene by scene, redrive, and judge what is lost.

    Exits with 1 if a verdict is not good.
    """
    unknown = sorted(set(scene or ()) - set(_NAMES))
    if unknown:
        raise InvalidInput(f"--scene {', '.join(unknown)}: the scenes are {', '.join(_NAMES)}")
    told = console(stderr=as_json)
    chosen = [each for each in SCENES if not scene or each.name in scene]
    reports = drill(chosen, say=lambda text: told.print(shown_lines(text), markup=False))
    if as_json:
        print_json(json.dumps([asdict(report) for report in reports]))
    told.print(_table(told, reports))
    raise typer.Exit(1 if any(report.problems for report in reports) else 0)


def _table(told: Console, reports: Sequence[SceneReport]) -> Table:
    table = grid(told, title="Acknowledged writes, before and after the redrive")
    table.add_column("scene", no_wrap=True)
    for name in ("written", "missing", "lost"):
        table.add_column(name, justify="right")
    for name in ("the redrive said", "left in the queues", "verdict"):
        table.add_column(name)
    for report in reports:
        style = "bold red" if report.problems else None
        table.add_row(
            report.scene,
            str(report.acknowledged),
            str(report.missing_before),
            str(len(report.missing)),
            counts_in_words(report.redriven),
            counts_in_words(_by_queue(report.left)),
            "; ".join(report.problems) or _good(report),
            style=style,
        )
    return table


def _good(report: SceneReport) -> str:
    return "good: named, not hidden" if report.missing else "good"


def _by_queue(left: Mapping[str, int]) -> dict[str, int]:
    """Return counts by region/queue without the region, which the scene has told."""
    counts: dict[str, int] = {}
    for place, count in left.items():
        region, _, name = place.partition("/")
        queue = name.removesuffix(f"-{region}")
        counts[queue] = counts.get(queue, 0) + count
    return counts
