"""What subscribers are told of a party: by whom, once, and what it says."""

import json
from typing import Any

import pytest

from reconciler.api.tmf632.events import (
    EVENT_TYPES,
    MOST_DETAIL_BYTES,
    PartyEvent,
    Place,
    events_of,
    resolved_event,
)
from reconciler.causality.keys import Once
from reconciler.detection.change import parse
from reconciler.item.edits import delete
from reconciler.item.image import merge
from reconciler.values.wire import Image
from tests.builders import Replica, assign, remove, written
from tests.conflicts import loss_event
from tests.handlers.streams import record
from tests.named import named_on

PLACE = Place("parties", "us-east-1")
NAMES = (assign("givenName", "Ada"), assign("familyName", "Byron"), assign("status", "validated"))
ADA = written(*NAMES)
SHOWN = {
    "id": "p1",
    "href": "/tmf-api/partyManagement/v5/individual/p1",
    "@type": "Individual",
    "givenName": "Ada",
    "familyName": "Byron",
    "status": "validated",
}


def told(old: Image | None, new: Image, region: str = "us-east-1") -> list[PartyEvent]:
    change = {"OldImage": None} if old is None else {}
    read = parse(record(1, old or new, new, **change))
    return events_of(read, Place("parties", region))


def types(events: list[PartyEvent]) -> list[str]:
    return [event.event_type for event in events]


def detail(event: PartyEvent) -> Any:
    return json.loads(event.to_detail())


def test_a_new_party_is_told_whole() -> None:
    (event,) = told(None, ADA)
    system = {"@type": "EntityRef", "id": "parties/us-east-1"}
    system["@referredType"] = "DynamoDBReplica"
    assert detail(event) == {
        "@type": "IndividualCreateEvent",
        "eventId": event.identifier,
        "eventType": "individualCreateEvent",
        "eventTime": "1970-01-01T00:00:01.000Z",
        "timeOccurred": "1970-01-01T00:00:01.000Z",
        "domain": "party",
        "source": system,
        "reportingSystem": system,
        "event": {"individual": SHOWN},
    }


def test_a_change_says_which_attributes_and_a_new_state_is_told_by_itself() -> None:
    replica = Replica("use1", ADA)
    renamed = replica.write(assign("familyName", "Lovelace"), assign("title", "Dr"), at=2_000)
    (event,) = told(ADA, renamed)
    assert event.event_type == "individualAttributeValueChangeEvent"
    assert detail(event)["fieldPath"] == "familyName,title"
    assert detail(event)["event"]["individual"]["familyName"] == "Lovelace"
    both = replica.write(assign("status", "deceased"), remove("title"), at=3_000)
    assert types(told(renamed, both)) == [
        "individualStateChangeEvent",
        "individualAttributeValueChangeEvent",
    ]
    assert len({event.identifier for event in told(renamed, both)}) == 2


def test_a_write_that_changes_nothing_tells_nothing() -> None:
    assert told(ADA, Replica("use1", ADA).write(assign("givenName", "Ada"), at=2_000)) == []


def test_a_deleted_party_is_told_as_it_was_and_one_that_is_back_as_new() -> None:
    replica = Replica("use1", ADA)
    gone = replica.write(delete(), at=2_000)
    (event,) = told(ADA, gone)
    assert event.event_type == "individualDeleteEvent"
    assert detail(event)["event"]["individual"] == SHOWN
    assert types(told(gone, replica.write(*NAMES, at=3_000))) == ["individualCreateEvent"]
    assert told(gone, replica.write(delete(), at=4_000)) == []


def test_an_organization_is_told_as_one() -> None:
    acme = written(assign("@type", "Organization"), assign("name", "Acme"))
    (event,) = told(None, acme)
    assert event.event_type == "organizationCreateEvent"
    assert detail(event)["event"]["organization"]["href"].endswith("/organization/p1")
    assert told(None, written(assign("@type", "Order"))) == []
    assert event.event_type in EVENT_TYPES


def test_only_the_region_of_a_write_tells_it_and_always_under_one_id() -> None:
    elsewhere = Replica("euw1", ADA).write(assign("title", "Dr"), at=2_000)
    assert told(ADA, elsewhere) == []
    (event,) = told(ADA, elsewhere, "eu-west-1")
    assert told(ADA, elsewhere, "eu-west-1")[0].identifier == event.identifier
    again = Replica("euw1", elsewhere).write(assign("title", "Mr"), at=2_000)
    assert told(elsewhere, again, "eu-west-1")[0].identifier != event.identifier


def test_a_named_write_is_told_by_its_region_alone() -> None:
    named = named_on(ADA, assign("title", "Dr"), by="use1")
    (event,) = told(ADA, named)
    assert detail(event)["fieldPath"] == "title"
    assert told(ADA, named, "eu-west-1") == []
    more = named_on(named, assign("title", "Mr"), by="euw1", at=3_000, number=2)
    assert told(named, more) == []
    assert types(told(named, more, "eu-west-1")) == ["individualAttributeValueChangeEvent"]


def test_a_name_that_its_region_has_filed_is_no_news_when_another_region_brings_it_back() -> None:
    made = named_on(None, *NAMES, by="use1", at=2_000)
    assert types(told(None, made)) == ["individualCreateEvent"]
    filed = Replica("use1", made).write(assign("note", "x"), at=2_500)
    assert types(told(made, filed)) == ["individualAttributeValueChangeEvent"]
    later = named_on(made, assign("title", "Dr"), by="euw1", at=3_000, number=2)
    assert types(told(made, later, "eu-west-1")) == ["individualAttributeValueChangeEvent"]
    assert told(filed, later) == []


def test_of_several_new_names_the_last_alone_says_who_wrote() -> None:
    made = named_on(ADA, assign("title", "Dr"), by="use1", at=2_000)
    later = named_on(made, assign("gender", "f"), by="euw1", at=3_000, number=2)
    over = Replica("apne1", ADA).write(assign("note", "x"), at=2_500)
    assert told(over, later) == []  # the title was told before it was written over


@pytest.mark.parametrize("by_name", [False, True])
def test_one_key_carried_out_in_two_regions_is_told_under_one_id(by_name: bool) -> None:
    def made(by: str, key: str) -> PartyEvent:
        once = Once(key, 900)
        if by_name:
            image = named_on(None, *NAMES, by=by, at=1_000)
            image["_rec_w"]["L"][0]["M"]["once"] = {"S": once.lineage().epoch}
        else:
            image = Replica(by).write(*NAMES, once=once)
        (event,) = told(None, image, {"use1": "us-east-1", "euw1": "eu-west-1"}[by])
        return event

    assert made("use1", "order-17").identifier == made("euw1", "order-17").identifier
    assert made("use1", "order-17").identifier != made("use1", "order-18").identifier


def test_a_key_that_was_told_by_its_name_is_not_that_of_the_write_which_files_it() -> None:
    made = named_on(ADA, assign("title", "Dr"), by="use1", at=2_000)
    unkeyed = Replica("use1", made).write(assign("title", "Mr"), at=3_000)
    made["_rec_w"]["L"][0]["M"]["once"] = {"S": Once("order-17", 900).lineage().epoch}
    keyed = Replica("use1", made).write(assign("title", "Mr"), at=3_000)
    (event,), (first,) = told(made, keyed), told(ADA, made)
    assert event.identifier != first.identifier
    assert [event.about] == [each.about for each in told(made, unkeyed)]


def test_a_merge_is_no_write_of_anybody() -> None:
    here = Replica("use1", ADA).write(assign("title", "Dr"), at=2_000)
    there = Replica("euw1", ADA).write(assign("gender", "f"), at=3_000)
    assert told(here, there) == []
    merged = merge(here, there)
    for region in ("us-east-1", "eu-west-1"):
        assert told(there, merged, region) == []


def test_an_earlier_write_of_this_region_that_comes_back_from_another_is_not_told_again() -> None:
    later = Replica("use1", ADA).write(assign("title", "Dr"), at=2_000)
    assert told(later, ADA) == []


def test_a_write_around_the_library_tells_nothing() -> None:
    assert told(ADA, {**ADA, "title": {"S": "Dr"}}) == []
    assert told(None, {"id": {"S": "p1"}, "givenName": {"S": "Ada"}}) == []


def test_what_nobody_can_read_tells_nothing() -> None:
    broken = {**ADA, "_rec": {"M": {"v": {"N": "0"}}}}
    assert told(ADA, broken) == told(broken, ADA) == []
    assert events_of(parse({}), PLACE) == []
    assert events_of(parse(record(1, ADA, None)), PLACE) == []  # a hard delete


def test_a_party_too_large_for_the_bus_is_told_by_its_place() -> None:
    large = Replica("use1", ADA).write(assign("note", "\x00" * 50_000), at=2_000)
    (event,) = told(ADA, large)
    assert len(event.to_detail()) < MOST_DETAIL_BYTES
    assert detail(event)["event"]["individual"].keys() == {"id", "href", "@type"}


def test_a_loss_that_was_merged_is_told_with_the_party_as_it_is_now() -> None:
    conflict = loss_event(conflict_id="c1")
    event = resolved_event(conflict, ADA, 5_000, PLACE)
    assert event.event_type == "individualConflictResolvedEvent"
    assert detail(event)["correlationId"] == "c1"
    assert detail(event)["event"]["individual"] == SHOWN
    gone = resolved_event(conflict, None, 6_000, PLACE)
    assert detail(gone)["event"]["individual"].keys() == {"id", "href", "@type"}
    assert gone.identifier == event.identifier  # whoever merges it, and whenever
