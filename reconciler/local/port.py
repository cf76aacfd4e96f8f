"""A listening socket on loopback."""

import errno
import logging
import socket
from collections.abc import Iterable

logger = logging.getLogger(__name__)


def listen_on_loopback(port: int) -> socket.socket:
    """Listen on 127.0.0.1 at `port`, 0 for any; if it is taken, warn and use another one."""
    try:
        return _listen(port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    listening = _listen(0)
    logger.warning("port %d is taken, using port %d", port, listening.getsockname()[1])
    return listening


def taken(ports: Iterable[int]) -> list[int]:
    """Return those of the ports that somebody else listens on."""
    found = []
    for port in ports:
        try:
            _listen(port).close()
        except OSError:
            found.append(port)
    return found


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening
