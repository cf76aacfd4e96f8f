"""The wire bytes of a handful of images, checked in.

Replicas of different releases must write the same bytes, or their merges replicate for ever. If one
of these tests fails and the change is on purpose, raise `item.WIRE_VERSION`, keep reading the old
version, and write the file anew. Never change the file alone.
"""

from typing import Any

import pytest

from reconciler.item.metadata import decode, encode
from reconciler.values.wire import to_json
from tests.golden import checked_in, difference
from tests.golden.images import images

GOLDEN: dict[str, dict[str, Any]] = checked_in("images")


def test_the_images_are_the_golden_ones() -> None:
    found = difference("images", images())
    assert not found, found


@pytest.mark.parametrize("name", GOLDEN)
def test_an_image_has_exactly_the_golden_bytes(name: str) -> None:
    assert to_json(images()[name]) == to_json(GOLDEN[name])


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_image_decodes_and_encodes_to_itself(name: str) -> None:
    item, changed = decode(GOLDEN[name])
    assert changed == []
    assert to_json(encode(item)) == to_json(GOLDEN[name])
