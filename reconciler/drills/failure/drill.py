"""The failure drill: every way in which the pipeline fails, and what the redrive brings back.

Each scene breaks one thing, lets two regions write in conflict, rehearses the redrive, carries it
out and judges: no acknowledged write lost, replicas byte-identical, no loss left OPEN, the
dead-letter queues empty but for what the scene says must stay. A scene whose fault cost nothing
before the redrive has shown nothing, and fails, too.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from reconciler.conflict.row import State
from reconciler.drills.failure.redrive import LocalRedrive, RedriveReport
from reconciler.drills.failure.stage import Stage, open_cloud
from reconciler.drills.workload import RECONCILED, Acknowledged, write_in_words
from reconciler.local.cloud import LocalCloud
from reconciler.local.worker.process import StreamFailures
from reconciler.text.counts import count_in_words

CLOUDS: Mapping[str, StreamFailures] = {"events": "s3", "batches": "s3", "names": "sqs"}

Say = Callable[[str], object]
Opener = Callable[[LocalCloud, str], LocalRedrive]  # of a table


@dataclass
class SceneReport:
    """What a scene led to; `problems` is empty iff its verdict is good.

    `missing_before` and `missing` are the acknowledged writes missing before and after the redrive;
    `waited` and `left` count the messages in each queue before and after it.
    """

    scene: str
    acknowledged: int = 0
    missing_before: int = 0
    missing: list[str] = field(default_factory=list)
    waited: dict[str, int] = field(default_factory=dict)
    rehearsed: dict[str, int] = field(default_factory=dict)
    redriven: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    open_rows: int = 0
    replicas_identical: bool = False
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Play:
    """One scene under way: what it does is told, and ends up in the report."""

    def __init__(self, name: str, stage: Stage, redrive: LocalRedrive) -> None:
        self.stage, self.redrive = stage, redrive
        self.report = SceneReport(name)
        self.lines: list[str] = []
        self._history: list[Acknowledged] = []
        self._held = stage.waiting()  # by earlier scenes, for a person

    def waiting(self) -> dict[str, int]:
        """Return how many messages each dead-letter queue holds because of this scene."""
        return dict(self.stage.waiting() - self._held)

    def write(self, halfway: Callable[[], object] = lambda: None) -> None:
        """Let both regions write in conflict, and tell what the failure led to."""
        self._history = self.stage.conflict(self.report.scene, halfway)
        self.report.acknowledged = len(self._history)
        self.report.missing_before = len(self.stage.missing(self._history))
        self.note_what_waits()

    def note_what_waits(self) -> None:
        """Tell what is missing and what the queues hold, before a redrive."""
        report = self.report
        report.waited = self.waiting()
        self.tell(
            f"{count_in_words(report.acknowledged, 'acknowledged write')},"
            f" {report.missing_before} of them missing;"
            f" waiting: {counts_in_words(report.waited)}"
        )

    def rehearse(self) -> None:
        """Run the redrive dry and print what it would do; it must leave everything as it is."""
        before = self.waiting()
        for told in self._run(execute=False):
            for line in told.lines:
                self.tell(f"dry run: {line}")
            self.report.rehearsed = sums(self.report.rehearsed, told.outcomes)
        self.expect(self.waiting() == before, "the dry run changed what the queues hold")
        missing = len(self.stage.missing(self._history))
        self.expect(missing == self.report.missing_before, "the dry run changed items")

    def carry_out(self) -> None:
        """Run the redrive and wait until its work is done."""
        self.finish(self._run(execute=True))

    def finish(self, redrives: Sequence[RedriveReport]) -> None:
        """Take in what redrives that were carried out said, and wait until their work is done."""
        self.stage.settle()
        for told in redrives:
            self.report.redriven = sums(self.report.redriven, told.outcomes)
            self.tell(f"redrive: {counts_in_words(told.outcomes)}")

    def judge(
        self, *, costs: bool = True, loses: bool = False, left: Mapping[str, int] | None = None
    ) -> None:
        """Compare the end with what it must be.

        costs: writes must have been missing before the redrive. loses: they cannot be brought back,
        so they must still be missing. left: how many messages must stay, by region/queue.
        """
        stage, report = self.stage, self.report
        missing = stage.missing(self._history)
        report.missing = [write_in_words(done) for done in missing]
        report.left = self.waiting()
        report.open_rows = len(stage.rows(State.OPEN))
        report.replicas_identical = stage.replicas_identical()
        before = report.missing_before
        self.expect(
            bool(before) == costs, f"before the redrive, missing: {count_in_words(before, 'write')}"
        )
        self.expect(
            bool(missing) == loses, f"missing: {count_in_words(len(missing), 'acknowledged write')}"
        )
        self.expect(report.replicas_identical, "the replicas differ")
        self.expect(report.open_rows == 0, f"{count_in_words(report.open_rows, 'loss')} still OPEN")
        has, must = counts_in_words(report.left), counts_in_words(left or {})
        self.expect(report.left == (left or {}), f"the queues hold {has} instead of {must}")

    def expect(self, holds: bool, problem: str) -> None:
        """Take down a problem unless something holds."""
        if not holds:
            self.report.problems.append(problem)

    def remark(self, text: str) -> None:
        """Tell something that belongs into the report."""
        self.report.remarks.append(text)
        self.tell(text)

    def tell(self, text: str) -> None:
        """Add a line to what this scene tells."""
        self.lines.append(text)

    def _run(self, *, execute: bool) -> list[RedriveReport]:
        """LocalRedrive what waits, queue by queue; if no queue speaks of it, all there is."""
        queues: dict[str, list[str]] = {}
        for place in self.waiting() or {self.stage.here: 0}:
            region, _, queue = place.partition("/")
            queues.setdefault(region, []).extend([queue] if queue else [])
        return [self.redrive.run(r, execute=execute, queues=q) for r, q in queues.items()]


@dataclass(frozen=True)
class Scene:
    """One way to fail: `broken` says what, `play` lets it happen, on the cloud named `cloud`."""

    name: str
    broken: str
    cloud: str
    play: Callable[[Play], None]


def drill(
    scenes: Sequence[Scene], *, say: Say, redrive: Opener = LocalRedrive
) -> list[SceneReport]:
    """Play scenes and return their reports in that order; the clouds they need run side by side.

    `say` is given a line when a scene begins, and all that it told when it ends.
    """
    clouds = dict.fromkeys(scene.cloud for scene in scenes)
    reports: dict[str, SceneReport] = {}
    stop = Event()

    def play_all(cloud_name: str) -> None:
        with open_cloud(CLOUDS[cloud_name]) as cloud:
            stage, opened = Stage(cloud), redrive(cloud, RECONCILED)
            for scene in (each for each in scenes if each.cloud == cloud_name):
                if stop.is_set():
                    return
                say(f"{scene.name} ...")
                reports[scene.name] = _play(scene, Play(scene.name, stage, opened), say)

    with ThreadPoolExecutor(len(clouds) or 1) as running:
        try:
            list(running.map(play_all, clouds))
        finally:
            stop.set()  # interrupted, or a cloud died: the others end with their scene
    return [reports[scene.name] for scene in scenes]


def _play(scene: Scene, play: Play, say: Say) -> SceneReport:
    started = time.monotonic()
    scene.play(play)
    play.report.seconds = round(time.monotonic() - started, 1)
    verdict = "; ".join(play.report.problems) or "good"
    say("\n   ".join([f"{scene.name}: {scene.broken}", *play.lines, f"verdict: {verdict}"]))
    return play.report


def sums(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of counts by name."""
    return dict(Counter(counts) + Counter(more))


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Return counts in words."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
