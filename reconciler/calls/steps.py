"""A caller's call as steps: requests that take its place, and answers to them. Pure.

Whoever sends the requests is told one at a time and answers it; what the steps return in the end is
the answer to the caller, in the SDK's own form.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.calls.seen import Seen
from reconciler.causality.hlc import HybridClock
from reconciler.client.memory import Memory
from reconciler.errors import InvalidInput, ReconcilerError, Undecodable
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, canonical_image, to_json

REFUSED = "ConditionalCheckFailedException"
Parameters = Mapping[str, Any]  # of a call, in wire values


class Request(NamedTuple):
    """A call to send; `attempt` says how often others were first, so how long to wait."""

    operation: str
    parameters: dict[str, Any]
    attempt: int = 0


@dataclass(frozen=True)
class Answer:
    """What DynamoDB said, as the SDK parsed it; or the failure of a write not sent again."""

    parsed: dict[str, Any] = field(default_factory=dict)
    failure: ReconcilerError | None = None

    @property
    def code(self) -> str:
        """The code of the error, "" if there is none."""
        return str(self.parsed.get("Error", {}).get("Code", ""))

    @property
    def is_retried(self) -> bool:
        """Whether the SDK sent it more than once: an earlier try may have been carried out."""
        return bool(self.parsed.get("ResponseMetadata", {}).get("RetryAttempts"))

    def with_(self, **parts: Any) -> "Answer":
        """Return the answer with other parts; one that is None is left out."""
        merged = {**self.parsed, **parts}
        return Answer({name: part for name, part in merged.items() if part is not None})


Steps = Generator[Request, Answer, Answer]


@dataclass(frozen=True)
class Writer:
    """One table as one client writes it.

    `replica` is the code under which writes go now, `now_ms` the region's time, `nonce` and `fresh`
    are random, of the operating system. `lanes` is which lineages this client may go on with.
    `shows_all` says of an index whether it shows whole items.
    """

    schema: Schema
    replica: Callable[[], str]
    clock: HybridClock
    now_ms: Callable[[], int]
    nonce: Callable[[], str]
    fresh: Callable[[], bytes]
    shows_all: Callable[[str], bool]
    seen: Seen
    lanes: Memory
    attempts: int

    def key_of(self, item: Parameters) -> Image:
        """Return the key of an item, or of a key, in wire format."""
        return given_image({name: item[name] for name in self.schema.key if name in item})

    def name_of(self, item: Parameters) -> str:
        """Return what an item is called in what the client remembers."""
        return to_json(self.key_of(item))


def table_of(name: str) -> str:
    """Return the name of a table that is named, or given as its ARN."""
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name


def given_image(item: Parameters) -> Image:
    """Return what a caller gave, in canonical form; InvalidInput if it is no item."""
    try:
        return canonical_image(item)
    except Undecodable as problem:
        raise InvalidInput(f"the item, or its key, is not in wire format: {problem}") from None
