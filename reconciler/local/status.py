"""What a status of the local cloud says in words: the work that is still under way."""

from collections.abc import Iterable, Mapping
from typing import Any


def unfinished_work(
    status: Mapping[str, Any], worked_queues: Iterable[tuple[str, str]]
) -> list[str]:
    """Name everything that is still under way; nothing if the cloud has come to rest.

    status: the answer to the control command of that name. worked_queues: (region, queue) of the
    queues that a function empties; parked and dead letters rest where they are.
    """
    links = [
        f"{link['pending']} changes under way from {link['source']} to {link['destination']}"
        + (" (link cut)" if link["cut"] else "")
        for link in status["links"]
        if link["pending"]
    ]
    streams = [
        f"{count} stream records not handled in {region}"
        for region, count in status["unhandled"].items()
        if count
    ]
    queues = [
        f"{status['queues'][region][queue]} messages in queue {queue} of {region}"
        for region, queue in worked_queues
        if status["queues"][region][queue]
    ]
    return links + streams + queues
