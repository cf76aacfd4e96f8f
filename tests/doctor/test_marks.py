"""Which region's marks all others wait for, by a few items of the table."""

from dataclasses import replace
from typing import Any

from reconciler.deployment.names import Names
from reconciler.doctor import CheckResult, Seen
from reconciler.doctor.marks import findings
from reconciler.values.wire import Image
from tests.conflict.test_forgetting import START, keyed, marked, of_keys
from tests.conflict.test_marking import EPOCH_MS, Table
from tests.doctor.test_doctor import EU, HEALTHY, REFUSED, US, troubled

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
WRITTEN_MS = START + DAY_MS + HOUR_MS  # by then the keys of START are over, and due
NOW_MS = WRITTEN_MS + 5 * HOUR_MS


def seen(region: str, *items: Image, **variables: str) -> Seen:
    detector = {"Environment": {"Variables": {"RECONCILER_OUTSIDE_WRITERS": "none", **variables}}}
    return replace(
        HEALTHY,
        names=Names("parties", region),
        items={"Items": [{"_rec": each["_rec"]} for each in items]},
        at_ms=NOW_MS,
        detector=detector,
    )


def judged(region: str, *items: Image, **variables: str) -> CheckResult:
    return of_marks(seen(region, *items, **variables))


def of_marks(seen: Seen) -> CheckResult:
    (finding,) = findings(seen)
    return finding


def long() -> Image:
    """Return an item of twelve keys that are over, written once more when they were."""
    return keyed(of_keys(12), 99, WRITTEN_MS)


def test_a_region_that_never_marked_keys_that_are_over_holds_the_others_up() -> None:
    by_one: Any = marked(long(), "use1", at=WRITTEN_MS)
    assert judged(US, by_one).severity == "ok"
    finding = judged(EU, by_one)
    assert (finding.severity, finding.region) == ("warning", EU)
    assert "1 of 1 item without" in finding.found
    assert "up to 5.7 hours" in finding.found


def test_it_is_said_why_if_it_can_be_seen() -> None:
    assert "detector" in judged(EU, long()).fix
    assert '"folds": false' in judged(EU, long(), RECONCILER_FOLDS="off").fix
    inside = replace(seen(EU, long()), detector={"VpcConfig": {"SubnetIds": ["subnet-1"]}})
    assert "`network`" in of_marks(inside).fix


def test_few_keys_young_ones_and_those_of_an_item_just_written_are_no_mark_that_is_due() -> None:
    assert judged(US, keyed(of_keys(7), 99, WRITTEN_MS)).severity == "ok"
    assert judged(US, of_keys(12)).severity == "ok"  # not written since they were over
    assert judged(US, keyed(of_keys(12), 99, NOW_MS - 60_000)).severity == "ok"
    assert judged(US, long(), RECONCILER_KEY_LIFETIME_MINUTES="10080").severity == "ok"


def test_a_region_that_never_marked_what_is_done_around_the_library_holds_the_others_up() -> None:
    image = raw(("use1",), ("use1", "euw1")).image
    later = EPOCH_MS + 4 * HOUR_MS
    assert of_marks(replace(seen(US, image), at_ms=later)).severity == "ok"
    assert of_marks(replace(seen(EU, image), at_ms=later)).severity == "warning"


def test_an_item_that_is_written_all_the_time_waits_for_marks_as_one_that_rests() -> None:
    table = raw(("use1",), ("use1", "euw1"), minutes=120)
    now = replace(seen(EU, table.image), at_ms=table.now_ms)
    assert of_marks(now).severity == "warning"


def test_where_all_regions_mark_none_is_due() -> None:
    image = raw(("use1", "euw1"), ("use1", "euw1")).image
    for region in (US, EU):
        asked = replace(seen(region, image), at_ms=EPOCH_MS + 4 * HOUR_MS)
        assert of_marks(asked).severity == "ok"


def raw(codes: tuple[str, ...], known: tuple[str, ...], minutes: int = 60) -> Table:
    """Return a table after minutes of writes around the library; `codes` make marks."""
    table = Table(codes, known)
    for _ in range(minutes):
        table.now_ms += 60_000
        table.add()
        table.write()
    return table


def test_a_scan_that_is_refused_or_a_table_that_is_missing_is_no_trouble_of_its_own() -> None:
    refused = replace(HEALTHY, items=REFUSED)
    assert troubled(refused) == {("marks", "unknown")}
    assert troubled(replace(HEALTHY, items=None)) == set()
    unreadable = {"Items": [{"_rec": {"M": {}}}, {"_rec": {"S": "x"}}, {}]}
    assert troubled(replace(HEALTHY, items=unreadable)) == set()
