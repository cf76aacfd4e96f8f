"""The rules of steady writers, broken one at a time from outside; see `sabotage`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from reconciler.client import named_writes
from reconciler.client.named_writes import NamedWriter
from reconciler.item import standing
from reconciler.item.names import LATEST
from reconciler.item.standing import Standing
from reconciler.values.wire import Wires
from tests.simulation.sabotage import replacing


def a_named_write_in_doubt_is_sent_again() -> AbstractContextManager[Any]:
    """Let a named write whose answer was lost be sent until it is answered."""

    def make(_: Any) -> Any:
        def settled(self: NamedWriter, write: Any) -> Any:
            return self._sent("again", write)

        return settled

    return replacing(NamedWriter, "_settled", make)


def a_name_is_added_to_before_what_sets_its_counter() -> AbstractContextManager[Any]:
    """Let a name be added to wherever it stands, whatever stands behind it."""

    def make(_: Any) -> Any:
        def meets_again(before: Standing, image: Wires | None) -> Standing | None:
            return standing.standing_in(image or {}, before.element)

        return meets_again

    return replacing(named_writes, "meets_again", make)


def a_name_is_added_to_at_its_old_stamp() -> AbstractContextManager[Any]:
    """Let what is added to a name leave its stamp as it was."""

    def make(real: Any) -> Any:
        def added_to(before: Standing, edits: Sequence[Any], now_ms: int) -> Any:
            element = real(before, edits, now_ms)
            if element is None:
                return None
            told = {name: each for name, each in element["M"].items() if name != LATEST}
            return {"M": told}

        return added_to

    return replacing(named_writes, "added_to", make)
