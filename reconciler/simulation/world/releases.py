"""Two releases at work side by side: a deployment reaches one process after the other.

The newer release reads both wire forms and writes the newer one, which the older refuses
to read. Before a deployment every process is of the older release, after it of the newer one; while
it goes on, each changes over at a moment of its own. The model of the newer form is today's, with
the next version number and a mark on its token, because its bytes are others.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.conflict.event import Event, FoldCertificate
from reconciler.item.metadata import (
    WIRE_VERSION,
    is_managed,
    metadata_in,
    token_in,
    version_in,
    with_token,
)
from reconciler.ports import Record
from reconciler.simulation.plan import faults
from reconciler.simulation.world.weather import Weather

_MARK = "="  # in no token, which is URL-safe base64
_NEXT_VERSION = str(int(WIRE_VERSION) + 1)


class Release:
    """The older release: every image is what it is."""

    def read_image(self, image: Any) -> Any:
        """Return an image, or None, as the code of this release sees it."""
        return image

    def write_image(self, image: Any) -> Any:
        """Return an image, or None, as this release writes it."""
        return image

    def read_record(self, record: Record) -> Record:
        """Return a stream record as the code of this release sees it."""
        return record

    def read_event(self, event: Event) -> Event:
        """Return an event as the code of this release sees it."""
        return event

    def read_document(self, document: str) -> str:
        """Return a JSON document as the code of this release sees the images in it."""
        return document

    def write_event(self, event: Event) -> Event:
        """Return an event as this release sends it."""
        return event


class _Newer(Release):
    def read_image(self, image: Any) -> Any:
        if not is_managed(image) or version_in(metadata_in(image)) != _NEXT_VERSION:
            return image
        return with_token(image, token(image))

    def write_image(self, image: Any) -> Any:
        if not is_managed(image):
            return image
        return with_token(image, _MARK + token_in(metadata_in(image)), _NEXT_VERSION)

    def read_record(self, record: Record) -> Record:
        change = dict(record["dynamodb"])
        for name in change.keys() & {"OldImage", "NewImage"}:
            change[name] = self.read_image(change[name])
        return {**record, "dynamodb": change}

    def read_event(self, event: Event) -> Event:
        return _with_images(event, self.read_image)

    def write_event(self, event: Event) -> Event:
        return _with_images(event, self.write_image)

    def read_document(self, document: str) -> str:
        return json.dumps(self._within(json.loads(document)))

    def _within(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._within(each) for each in value]
        if not isinstance(value, dict):
            return value
        inner = {name: self._within(each) for name, each in self.read_image(value).items()}
        return inner | (
            {"payload": self.read_document(inner["payload"])} if "payload" in inner else {}
        )


OLDER, NEWER = Release(), _Newer()


def release_of(weather: Weather, process: str, now_ms: int) -> Release:
    """Return the release that a process runs now."""
    return NEWER if weather.reached(faults.DEPLOY, process, now_ms) else OLDER


def token(image: Mapping[str, Any] | None) -> str:
    """Return the version token of a managed image, without a release's mark; "" of none."""
    if image is None or not is_managed(image):
        return ""
    return token_in(metadata_in(image)).removeprefix(_MARK)


def _with_images(event: Event, form: Callable[[Any], Any]) -> Event:
    if isinstance(event, FoldCertificate):
        return event
    images = {"lost": form(event.lost), "winner": form(event.winner)}
    return event.model_copy(update=images)
