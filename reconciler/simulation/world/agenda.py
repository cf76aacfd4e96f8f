"""Virtual time: what is due when, and time that passes while a function waits for an answer.

Actions run one at a time, the earliest first, those of one instant in the order in which
they were entered. An action may let time pass: what is due in the meantime runs inside it, as other
processes run while one waits. Nothing is ever carried out before it is due.
Units: virtual milliseconds since the run began.
"""

import heapq
from collections.abc import Callable

Action = Callable[[], object]
EPOCH_MS = 1_700_000_000_000  # what a perfect clock shows when a run begins
_DEEPEST = 6


class Agenda:
    """The actions still to come; `spent` counts those carried out, at most `most`."""

    def __init__(self, most: int) -> None:
        self.now_ms = 0
        self.spent = 0
        self._most = most
        self._depth = 0
        self._entered = 0
        self._due: list[tuple[int, int, Action]] = []

    @property
    def epoch_ms(self) -> int:
        """What a perfect clock shows now, in milliseconds since 1970."""
        return EPOCH_MS + self.now_ms

    @property
    def left(self) -> int:
        """How many actions are still to come."""
        return len(self._due)

    def enter(self, due_ms: int, action: Action) -> None:
        """Have `action` carried out at `due_ms`, or now if that is past."""
        self._entered += 1
        heapq.heappush(self._due, (max(due_ms, self.now_ms), self._entered, action))

    def after(self, delay_ms: int, action: Action) -> None:
        """Have `action` carried out in `delay_ms`."""
        self.enter(self.now_ms + delay_ms, action)

    def run(self) -> bool:
        """Carry out everything; return False if the bound was met before the end."""
        while self._due and self.spent < self._most:
            self._carry_out()
        return not self._due

    def wait(self, delay_ms: int) -> None:
        """Let time pass inside the running action."""
        until = self.now_ms + delay_ms
        if self._depth < _DEEPEST:
            self._depth += 1
            try:
                while self._due and self._due[0][0] <= until and self.spent < self._most:
                    self._carry_out()
            finally:
                self._depth -= 1
        self.now_ms = max(self.now_ms, until)

    def _carry_out(self) -> None:
        due_ms, _, action = heapq.heappop(self._due)
        self.now_ms = max(self.now_ms, due_ms)
        self.spent += 1
        action()
