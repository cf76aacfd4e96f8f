"""The images of an event: inside it, or in the evidence bucket; and those of this event."""

import json

from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.fitting import check_fits
from reconciler.errors import MALFORMED, Undecodable
from reconciler.ports import EvidenceStore
from reconciler.values.wire import Image, canonical_image


def images_of(event: ConflictEvent, evidence: EvidenceStore) -> tuple[Image, Image | None]:
    """Return the losing image and what took its place, if anything, in canonical form.

    Undecodable if there is no losing image, NotOurs if it is not that of the event.
    """
    lost: Image | None = event.lost
    winner: Image | None = event.winner
    if event.images_ref:
        document = evidence.get(event.images_ref)
        try:
            kept = json.loads(document)
            lost, winner = canonical_image(kept["lost"]), kept["winner"]
            winner = None if winner is None else canonical_image(winner)
        except (Undecodable, *MALFORMED):
            raise Undecodable(f"no losing image in {event.images_ref}") from None
    if lost is None:
        raise Undecodable("the event carries neither a losing image nor a reference to one")
    check_fits(event, lost)
    return lost, winner
