"""The losing image of an event: inside it, or in the evidence bucket; and that of this event."""

import json

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.fitting import check_fits
from reconciler.errors import MALFORMED, Undecodable
from reconciler.ports import EvidenceStore
from reconciler.values.wire import Image, canonical_image


def losing_image(event: ConflictEvent, evidence: EvidenceStore) -> Image:
    """Return the losing image, in canonical form.

    Undecodable if there is none, NotOurs if it is not that of the event.
    """
    lost: Image | None = event.lost
    if event.images_ref:
        document = evidence.get(event.images_ref)
        try:
            lost = canonical_image(json.loads(document)["lost"])
        except (Undecodable, *MALFORMED):
            raise Undecodable(f"no losing image in {event.images_ref}") from None
    if lost is None:
        raise Undecodable("the event carries neither a losing image nor a reference to one")
    check_fits(event, lost)
    return lost
