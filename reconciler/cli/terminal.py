"""How commands print: to a terminal in its width and colours, to a pipe as plain lines.

In a pipe nothing is wrapped, cut or framed, so a line can be searched and pasted. Text from outside
goes through `shown` before it is printed, here or by whoever prints it; markup and line ends are
our own. Where no UTF-8 can be written, charts are drawn in ASCII.
"""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from threading import Event

import typer
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.text.plain_text import shown

_UNBOUNDED = 100_000  # columns
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█·", "_-~:=+*#."


def console(*, stderr: bool = False) -> Console:
    """Return what a command prints to; `stderr` where a JSON document has stdout for itself."""
    told = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not told.is_terminal:
        told.width = _UNBOUNDED
    return told


def grid(told: Console, *columns: str, title: str | None = None, heads: bool = True) -> Table:
    """Return an empty table, with lines drawn around its cells if that is for a terminal."""
    box = HEAVY_HEAD if told.is_terminal else None
    return Table(*columns, title=title, title_justify="left", show_header=heads, box=box)


def bars(told: Console, sparkline: str) -> str:
    """Return a sparkline in characters that the console can write."""
    if told.encoding.lower().startswith("utf"):
        return sparkline
    return sparkline.translate(str.maketrans(_BARS, _ASCII_BARS))


def say(text: object, *, err: bool = False) -> None:
    """Print one line of text, whatever is in it."""
    typer.echo(shown(text), err=err)


def say_line(told: Console, text: object, style: str = "") -> None:
    """Print one line of text, whatever is in it; it is never broken, so it can be pasted."""
    told.print(Text(shown(text), style), soft_wrap=True)


def print_json(document: str) -> None:
    """Print a JSON document in ASCII: any pipe can carry it, and no terminal obeys it."""
    typer.echo(re.sub(r"[^ -~]", lambda found: dumps(found[0])[1:-1], document))


@contextmanager
def stoppable() -> Iterator[Event]:
    """Let Ctrl-C end whatever waits for the event, in any thread; what is begun ends first."""
    stop = Event()

    def interrupt(*_: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
