"""What the commands share that go through a whole table: how far they are, and the end."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.aws import now_ms
from reconciler.cli.terminal import console, print_json, say_line, stoppable
from reconciler.errors import ReconcilerError
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import Time

_MOST_LISTED = 1_000  # items in a JSON document: all of them are printed besides


@dataclass
class Run:
    """One run of a command: what is printed, and what became of the items.

    outcomes: how an item can end. bad: how it ends that needs somebody, or nothing was written.
    """

    outcomes: type[Enum]
    bad: Sequence[Enum]
    execute: bool
    as_json: bool
    told: Console = field(init=False)
    tally: Tally = field(init=False)
    stopped: bool = False
    _listed: list[Mapping[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.told = console(stderr=self.as_json)
        self.tally = Tally(self._hear)

    @contextmanager
    def going(self, items: int) -> Iterator[tuple[Time, Callable[[int], object]]]:
        """Give the time and who hears how many items are done with; Ctrl-C ends what is inside."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        is_seen = self.told.is_terminal
        bar = Progress(
            *columns, TimeElapsedColumn(), console=self.told, disable=not is_seen, transient=True
        )
        try:
            with stoppable() as stop, bar:
                task = bar.add_task("items", total=items)

                def sleep(seconds: float) -> None:
                    if stop.wait(seconds):
                        raise KeyboardInterrupt  # what waits is not begun

                def hear(count: int) -> None:
                    bar.update(task, advance=count, description=self._text())

                yield Time(now_ms, sleep), hear
        except KeyboardInterrupt:
            self.stopped = True
        except ReconcilerError:
            self._say()  # how far it came; the next run goes on from there
            raise

    def end(self, **about: Any) -> int:
        """Print how it ended; return the exit code."""
        if self.as_json:
            counts = self.tally.summary(self.outcomes)
            ends = {"executed": self.execute, "stopped": self.stopped, "counts": counts}
            print_json(json.dumps({**about, **ends, "items": self._listed}))
        self._say()
        if self.stopped:
            return 130
        return int(any(self.tally.counts[each] for each in self.bad))

    def _say(self) -> None:
        self.told.print(self._text())
        if not self.execute:
            self.told.print("This was a dry run: nothing was written. --execute does it.")

    def _hear(self, key: str, outcome: Enum, why: str) -> None:
        say_line(self.told, f"{key}: {outcome.value}: {why}")
        if len(self._listed) < _MOST_LISTED:
            self._listed.append({"key": key, "outcome": outcome.value, "why": why})

    def _text(self) -> str:
        counts: Counter[Enum] = self.tally.counts
        return ", ".join(f"{counts[each]:,} {each.value}" for each in self.outcomes if counts[each])
