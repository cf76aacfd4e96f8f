"""What a status of the local cloud says in words: the work that is still under way."""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.text.counts import count_in_words


def unfinished_work(
    status: Mapping[str, Any], worked_queues: Iterable[tuple[str, str]]
) -> list[str]:
    """Name everything that is still under way; nothing if the cloud has come to rest.

    status: the answer to the control command of that name. worked_queues: (region, queue) of the
    queues that a function empties; parked and dead letters rest where they are.
    """
    links = [
        f"{count_in_words(link['pending'], 'change')} under way"
        f" from {link['source']} to {link['destination']}" + (" (link cut)" if link["cut"] else "")
        for link in status["links"]
        if link["pending"]
    ]
    streams = [
        f"{count_in_words(count, 'stream record')} not handled in {region}"
        for region, count in status["unhandled"].items()
        if count
    ]
    queues = [
        f"{count_in_words(status['queues'][region][queue], 'message')} in queue {queue} of {region}"
        for region, queue in worked_queues
        if status["queues"][region][queue]
    ]
    return links + streams + queues
