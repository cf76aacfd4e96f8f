"""A child process ends when it is told to, or when the process that started it is gone."""

import os
import signal
import sys
from threading import Event, Thread

# How long a child may take to leave its loop before it is ended where it stands.
_GRACE_SECONDS = 5


def end_with_parent() -> Event:
    """Return an event that is set by SIGTERM, or when standard input reaches its end.

    The parent holds the other end of standard input; the kernel closes it even if the parent is
    killed. Ctrl-C reaches the whole terminal group and is left to the parent, which stops its
    children in order.
    """
    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Thread(target=_await_end_of_input, args=(stop,), daemon=True).start()
    return stop


def _await_end_of_input(stop: Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
    Event().wait(_GRACE_SECONDS)
    os._exit(1)
