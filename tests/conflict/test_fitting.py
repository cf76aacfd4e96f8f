"""An event is held against this deployment, and its parts against each other."""

from typing import Any

import pytest

from reconciler.causality.context import ADOPTED, KEYED
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.fitting import check_fits, check_is_ours
from reconciler.conflict.verdict import Finding
from reconciler.errors import NotOurs
from reconciler.values.wire import canonical_image
from tests.builders import as_stream
from tests.resolution.test_resolver import ADA, EVE, event, ours


@pytest.mark.parametrize(
    "finding", [Finding.CONFLICT, Finding.UNMANAGED, Finding.OVERWRITTEN, Finding.REMOVED]
)
def test_what_a_detector_makes_fits(finding: Finding) -> None:
    dots = {"lost_dots": ()} if finding is Finding.UNMANAGED else {}
    check_fits(event(ADA, EVE, finding=finding, **dots), canonical_image(ADA))


def test_an_event_with_another_losing_image_does_not_fit() -> None:
    forged = event(ADA, EVE).model_copy(update={"lost": as_stream(ours(2))})
    with pytest.raises(NotOurs, match="does not hold the writes"):
        check_fits(forged, canonical_image(ours(2)))


def test_an_event_of_a_replica_that_was_here_before_is_ours() -> None:
    before = event(ADA, EVE).model_copy(update={"replica": "use1abcde"})
    check_is_ours(before, "parties", "us-east-1")


@pytest.mark.parametrize("shared", [ADOPTED, KEYED])
def test_what_a_detector_certifies_of_what_all_regions_name_alike_is_ours(shared: str) -> None:
    """It was parked as another region's: no region ever marked, and nothing of it was folded."""
    certificate = FoldCertificate(
        certificate_id=f"certificate-{shared}-7",
        table="parties",
        key={"id": ADA["id"]},
        replica=shared,
        sequence_number="7",
        issued_at_ms="1",
        lineages={},
    )
    check_is_ours(certificate, "parties", "us-east-1")
    with pytest.raises(NotOurs):
        check_is_ours(
            event(ADA, EVE).model_copy(update={"replica": shared}), "parties", "us-east-1"
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"table": "orders"},
        {"region": "eu-west-1"},
        {"replica": "euw1"},
        {"replica": "use2abcde"},
        {"replica": "use1abcdef"},
        {"key": {}},
    ],
    ids=str,
)
def test_an_event_of_another_table_or_region_is_none_of_ours(changed: dict[str, Any]) -> None:
    check_is_ours(event(ADA, EVE), "parties", "us-east-1")
    with pytest.raises(NotOurs):
        check_is_ours(event(ADA, EVE).model_copy(update=changed), "parties", "us-east-1")


def test_a_key_with_more_attributes_than_the_items_own_does_not_fit() -> None:
    wide = {"id": ADA["id"], "name": ADA["name"]}
    with pytest.raises(NotOurs, match="different items"):
        check_fits(event(ADA, None, key=wide), canonical_image(ADA))
