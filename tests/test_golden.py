"""The wire bytes of a handful of images, checked in.

Replicas of different releases must write the same bytes, or their merges replicate for ever. If one
of these tests fails and the change is on purpose, raise `item.WIRE_VERSION`, keep reading the old
version, and write the file anew: `python -m tests.golden_items`. Never change the file alone.
"""

import pytest

from reconciler.item.metadata import decode, encode
from reconciler.values.wire import to_json
from tests.golden_items import golden, images


def test_the_golden_file_names_the_images_that_are_built() -> None:
    assert golden().keys() == images().keys()


@pytest.mark.parametrize("name", golden())
def test_an_image_has_exactly_the_golden_bytes(name: str) -> None:
    assert to_json(images()[name]) == to_json(golden()[name])


@pytest.mark.parametrize("name", golden())
def test_a_golden_image_decodes_and_encodes_to_itself(name: str) -> None:
    item, changed = decode(golden()[name])
    assert changed == {}
    assert to_json(encode(item)) == to_json(golden()[name])
