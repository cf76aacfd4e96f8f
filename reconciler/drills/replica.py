"""One replica of the parties, as a scan returned it: what readers see, and its bytes."""

from collections.abc import Iterable
from typing import Any

from reconciler.drills.accounting import Party
from reconciler.item.image import read
from reconciler.values.wire import canonical_image, to_json


def parties(images: Iterable[dict[str, Any]]) -> dict[str, Party]:
    """Return what readers see, by the party's id."""
    return {image["id"]["S"]: read(image) for image in images}


def as_bytes(images: Iterable[dict[str, Any]]) -> str:
    """Return a text that two replicas share iff they hold the same bytes."""
    return to_json(sorted((canonical_image(each) for each in images), key=lambda i: i["id"]["S"]))
