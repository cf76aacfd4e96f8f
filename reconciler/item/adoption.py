"""Adoption: the metadata that a plain item gets before the library ever writes it. Pure.

What it shows is filed leaf by leaf, as under a first write, but under no write: no time, no region
and no dot go into it, so whoever stamps an image stamps the same bytes (rule M1).
HAZARD if the types were not those of the writers' schema: a set filed whole and one filed member by
member are two sets, and a member that is removed from one of them stays in the other.
"""

from typing import Any

from reconciler.errors import InvalidInput
from reconciler.item.leaves import Declared
from reconciler.item.metadata import METADATA, NAMES, decode, encode, is_named
from reconciler.item.plain import file_plain
from reconciler.item.restating import with_names_filed
from reconciler.values.size import check_size
from reconciler.values.wire import Image


def adopted(image: Image, key: Image, declared: Declared) -> Image | None:
    """Return a plain image with metadata; what readers see of it is as it was.

    Its named writes are filed. None if more was done beside them than they say: the next write on
    top takes that in. InvalidInput, ItemTooLarge if it cannot have metadata.
    """
    if is_named(image):
        stamped = with_names_filed(image, len(_names(image)), key)
    else:
        metadata = encode(file_plain(image, key, declared))
        stamped = {**image, METADATA: metadata[METADATA]}
    if stamped is None:
        return None
    if decode(stamped)[1]:
        raise InvalidInput("metadata cannot say just what this item shows")
    return check_size(stamped)


def _names(image: Image) -> Any:
    return image[NAMES]["L"]
