"""A store with one item, for merges that are tried and written nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.ports import Naming, Replacement, Restatement, Superseded
from reconciler.values.wire import Image


class OneItem:
    """An `ItemStore` with one item, which nobody else sees."""

    def __init__(self, image: Image | None) -> None:
        self.image = image

    def get(self, key: Image) -> Image | None:  # noqa: ARG002 (there is one item)
        """Return the item."""
        return self.image

    def put(self, write: Replacement) -> None:
        """Keep the item; nobody else writes it."""
        self.image = write.image

    def put_all(self, writes: Sequence[Replacement]) -> None:
        """Keep the items."""
        for write in writes:
            self.put(write)

    def update(self, write: Naming) -> Superseded:  # noqa: ARG002 (what is tried is read first)
        """Name nothing, so that the item is read and put."""
        return Superseded(self.image)

    def restate(self, write: Restatement) -> bool:  # noqa: ARG002 (nothing is folded)
        """Leave the metadata as it is."""
        return False

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:  # noqa: ARG002 (one item)
        """Yield the item."""
        yield from [self.image] if self.image is not None else []
