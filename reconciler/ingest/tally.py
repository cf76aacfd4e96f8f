"""What became of a part's lines so far, in bounded memory."""

from dataclasses import dataclass, field

from reconciler.ingest.jobs import MOST_ERRORS, Counts, LineError
from reconciler.ingest.lines import Line
from reconciler.ingest.rejects import rejected
from reconciler.ingest.writing import REPEATED, WRITERS, WRITTEN, Deed, Writing
from reconciler.ports import MOST_AT_ONCE

_WINDOW_LINES = WRITERS * MOST_AT_ONCE  # that are written together: all writers' hands full
_WINDOW_BYTES = 4 * 2**20


@dataclass
class Tally:
    """Lines that wait to be written, and what became of those before them."""

    writing: Writing
    line_ends: int = 0
    lines: int = 0
    written: int = 0
    repeated: int = 0
    rejects: list[tuple[LineError, bytes]] = field(default_factory=list)
    _window: list[tuple[int, Line, Deed]] = field(default_factory=list)
    _bytes: int = 0

    def counts(self) -> Counts:
        """Return the counts; what waits is not among them."""
        return Counts(self.lines, self.written, self.repeated, len(self.rejects))

    def errors(self) -> list[LineError]:
        """Return the first errors, in the order of the lines."""
        return [error for error, _ in self.in_order()[:MOST_ERRORS]]

    def in_order(self) -> list[tuple[LineError, bytes]]:
        """Return the rejects in the order of the lines."""
        return sorted(self.rejects, key=lambda reject: reject[0].at)

    def reject(self, line: Line, number: int, reason: str) -> None:
        """Take a line as one that cannot be written."""
        error = LineError(number, line.at, reason)
        self.rejects.append((error, rejected(error, line)))

    def add(self, line: Line, number: int, deed: Deed) -> None:
        """Let a line wait to be written, and write all that wait if they are many."""
        self._window.append((number, line, deed))
        self._bytes += len(line.text or b"")
        if len(self._window) >= _WINDOW_LINES or self._bytes >= _WINDOW_BYTES:
            self.write()

    def write(self) -> None:
        """Write the lines that wait; what a later try can do better is raised."""
        window, self._window, self._bytes = self._window, [], 0
        ended = self.writing.carry_out([(n, deed) for n, (_, _, deed) in enumerate(window)])
        for index, (number, line, _) in enumerate(window):
            if ended[index] == WRITTEN:
                self.written += 1
            elif ended[index] == REPEATED:
                self.repeated += 1
            else:
                self.reject(line, number, ended[index])
