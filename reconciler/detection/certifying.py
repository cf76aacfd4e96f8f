"""What a change shows to fold and to file: its certificates. Pure.

They are as of the record, and never due: the resolver looks at the current item, and whatever is
not done now, a later record certifies again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.causality.context import ADOPTED, KEYED, named_by
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import closed_lineages, has_few, names_to_file
from reconciler.conflict.forgetting import standing_keys
from reconciler.conflict.marking import standing
from reconciler.detection.change import Change
from reconciler.detection.securing import AsOf, DetectorPolicy
from reconciler.errors import MALFORMED, ReconcilerError
from reconciler.item.metadata import is_managed, is_named


def certificates_in(
    change: Change, policy: DetectorPolicy, as_of: AsOf
) -> Sequence[FoldCertificate]:
    """Return the certificates of what the new image shows to fold and to file; mostly none."""
    new = change.new
    if not policy.folds or new is None or not (is_managed(new) or is_named(new)):
        return ()
    # As of the record, not of now: a late detector knows nothing of what came after it.
    now, created = as_of.now_ms, change.created_at_ms
    at_ms = now if created is None else min(now, created)
    try:
        if has_few(new):
            return ()
        named = named_by(as_of.replica)
        found = (
            (as_of.replica, _closed(new, as_of.replica, at_ms), 0),
            (named, _closed(new, named, at_ms), names_to_file(new, at_ms)),
        )
        made = [_certificate(change, policy, now, *each) for each in found if each[1] or each[2]]
        return [*made, *_marks(change, new, policy, as_of.replica, at_ms)]
    except (ReconcilerError, *MALFORMED):
        return ()  # a fold is never due: the change is parked, or a later one certifies


def _marks(
    change: Change, new: Mapping[str, Any], policy: DetectorPolicy, replica: str, at_ms: int
) -> Iterator[FoldCertificate]:
    """Yield what the replica is to mark in the item: of what all regions name alike."""
    if not is_managed(new):
        return
    lifetime_ms = policy.key_lifetime_minutes * 60_000
    keys = standing_keys(new, at_ms, lifetime_ms)
    for named, found in ((ADOPTED, standing(new, replica)), (KEYED, keys)):
        if found is not None:
            told = found._asdict()
            about = _certificate(change, policy, at_ms, named, told.pop("lineages"), 0)
            yield about.model_copy(update=told)


def _closed(image: Mapping[str, Any], replica: str, at_ms: int) -> dict[str, str]:
    return closed_lineages(image, replica, at_ms) if is_managed(image) else {}


def _certificate(  # noqa: PLR0913, PLR0917 (a certificate is all of these)
    change: Change,
    policy: DetectorPolicy,
    now: int,
    replica: str,
    lineages: dict[str, str],
    names: int,
) -> FoldCertificate:
    return FoldCertificate(
        certificate_id=f"certificate-{replica}-{change.number}",
        table=policy.table,
        key=dict(change.keys),
        replica=replica,
        sequence_number=change.number,
        issued_at_ms=str(now),
        lineages=lineages,
        names=names,
    )
