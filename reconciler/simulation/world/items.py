"""One region's `ItemStore` in memory, for one running function or client.

The contract of `reconciler.ports`, with faults: a call may be refused, carried out unheard, or be
the last thing a process does. Images are shared, never copied: nobody changes one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.metadata import METADATA, NAMES, is_managed, metadata_in, token_in
from reconciler.item.standing import named_dot
from reconciler.ports import Naming, Replacement, Restatement, Superseded
from reconciler.simulation.world.causes import NOWHERE, Origin
from reconciler.simulation.world.expressions import Refused, after_naming
from reconciler.simulation.world.releases import Release
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls
from reconciler.values.wire import Image

_COMPARED_ATTRIBUTES = 100


class SimulatedItems:
    """An `ItemStore`. `origin` says what a write rests on, given what it replaces.

    `last_read` is the image that was read last, and where it comes from; `last_name` is the name of
    the write that is carried out, "" if it has none.
    """

    def __init__(
        self,
        replica: SimulatedReplica,
        calls: Calls,
        origin: Callable[[str, Image, Origin], Origin],
        release: Release,
    ) -> None:
        self._replica = replica
        self._origin = origin
        self.calls = calls
        self.release = release
        self.last_read: tuple[Image | None, Origin] = (None, NOWHERE)
        self.last_name = ""

    def get(self, key: Image) -> Image | None:
        self.calls.begin("get")
        name = self._replica.name_of(key)
        seen: Image | None = self.release.read_image(self._replica.items.get(name))
        self.last_read = seen, self._replica.origin_of(name)
        self.calls.end("get")
        return seen

    def put(self, write: Replacement) -> Superseded | None:
        self.calls.begin_write("put")
        refusal = self._put(write)
        self.calls.end_write("put")
        return refusal

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        """Refuse: no simulated client edits two items at once."""
        raise Unavailable(f"a transaction of {len(writes)} items")

    def update(self, write: Naming) -> Image | Superseded:
        """Carry out a named write; it rests on what stands there at this moment."""
        self.calls.begin_write("update")
        replica = self._replica
        key = replica.name_of(write.key)
        try:
            answer = after_naming(self.release.read_image(replica.items.get(key)), write)
        except Refused as problem:
            raise InvalidInput(f"update: {problem}") from None
        if isinstance(answer, Superseded):
            self.calls.setting.journal.count("refusals")
        else:
            self.last_name = str(named_dot(write.element))
            kind = "named_writes" if write.standing is None else "added_to_names"
            self.calls.setting.journal.count(kind)
            origin = self._origin(key, answer, replica.origin_of(key))
            replica.write(key, self.release.write_image(answer), origin)
        self.calls.end_write("update")
        return answer

    def restate(self, write: Restatement) -> bool:
        """Write metadata as `DynamoItems` does: readers see, and the image rests on, the same."""
        self.calls.begin_write("restate")
        replica = self._replica
        key = replica.name_of(write.image)
        current = self.release.read_image(replica.items.get(key)) or {}
        before = write.replacing
        held, known = (each.get(NAMES, {"L": []})["L"] for each in (current, before))
        stands = current.get(METADATA) == before.get(METADATA)
        stands = stands and held[: write.filed] == known[: write.filed]
        if stands:
            left = {NAMES: {"L": held[write.filed :]}} if NAMES in current else {}
            image = {**current, **left, METADATA: write.image[METADATA]}
            origin = self._origin(key, image, replica.origin_of(key))
            replica.write(key, self.release.write_image(image), origin)
        self.calls.end_write("restate")
        return stands

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Refuse: no simulated client queries."""
        raise Unavailable(f"a query: {sorted(parameters)}")

    def _put(self, write: Replacement) -> Superseded | None:
        replica = self._replica
        key = replica.name_of(write.image)
        current = self.release.read_image(replica.items.get(key))
        if not _stands(current, write):
            self.calls.setting.journal.count("refusals")
            return Superseded(current)
        self.last_name = ""
        before = self.calls.setting.causes.read(write.replacing, replica.items.get(key))
        origin = self._origin(key, write.image, before)
        replica.write(key, self.release.write_image(write.image), origin)
        return None


def _stands(current: Image | None, write: Replacement) -> bool:
    """Return whether the condition of a write holds, which is that of `DynamoItems`."""
    before = write.replacing
    if _version(current) != _version(before) or _names(current) != _names(before):
        return False
    if current is None or before is None or current is before or current == before:
        return True
    if is_managed(before) and not write.adopts:
        return True
    plain = sorted((name, value) for name, value in before.items() if name not in (METADATA, NAMES))
    return all(current.get(name) == value for name, value in plain[:_COMPARED_ATTRIBUTES])


def _names(image: Mapping[str, Any] | None) -> Any:
    return (image or {}).get(NAMES)


def _version(image: Mapping[str, Any] | None) -> str | None:
    if image is None:
        return None
    return token_in(metadata_in(image)) if is_managed(image) else ""
