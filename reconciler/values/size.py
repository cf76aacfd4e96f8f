"""How large and how deep an item is, as DynamoDB counts it.

Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats", "Constraints".
"""

from collections.abc import Mapping

from reconciler.errors import InvalidInput, ItemTooLarge
from reconciler.values.wire import SET_KINDS, Image, Wire, binary, to_json

MAX_DEPTH = 32
MAX_ITEM_BYTES = 400 * 1024
COMPARED_ATTRIBUTES = 100  # of one item, in one condition, which takes 4 KB and 300 operators


def item_size(image: Mapping[str, Wire]) -> int:
    """Return an item's size in bytes as DynamoDB counts it (numbers: its documented estimate)."""
    return sum(len(name.encode()) + _size(wire) for name, wire in image.items())


def _size(wire: Wire) -> int:
    ((kind, value),) = wire.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(nested) for name, nested in value.items())
    if kind == "L":
        return 3 + sum(1 + _size(nested) for nested in value)
    if kind in SET_KINDS:
        return sum(_size({kind[0]: element}) for element in value)
    if kind == "N":
        number = str(value)
        digits = number.strip("-").replace(".", "").strip("0")
        return len(digits) // 2 + 2 + number.startswith("-")
    if kind == "B":
        return len(binary(value))
    return len(str(value).encode()) if kind == "S" else 1


def is_too_deep(image: Mapping[str, Wire], levels: int = 0) -> bool:
    """Return whether an item nests deeper than DynamoDB takes, `levels` deeper than it is here."""
    return levels + max(map(_depth, image.values()), default=0) >= MAX_DEPTH


def _depth(wire: Wire) -> int:
    ((kind, value),) = wire.items()
    if kind not in ("M", "L"):
        return 1
    return 1 + max(map(_depth, value.values() if kind == "M" else value), default=0)


def check_size(image: Image) -> Image:
    """Return `image` if DynamoDB will take it; ItemTooLarge or InvalidInput otherwise."""
    text = to_json(image)
    # The text is never shorter than the item, nor nested deeper than it opens maps and lists.
    if len(text) <= MAX_ITEM_BYTES and text.count('"M":') + text.count('"L":') < MAX_DEPTH - 1:
        return image
    if is_too_deep(image):
        raise InvalidInput(
            f"the item, with its metadata, nests deeper than DynamoDB's {MAX_DEPTH} levels:"
            " flatten its map_or attributes"
        )
    size = item_size(image)
    if size > MAX_ITEM_BYTES:
        raise ItemTooLarge(
            f"the item would be {size:,} bytes; DynamoDB holds {MAX_ITEM_BYTES:,}:"
            " split it, or keep the large attribute in S3",
            size_bytes=size,
        )
    return image
