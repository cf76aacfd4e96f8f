"""The dashboard's page: it stands alone, and everything that was read is on it."""

import re
from html import unescape

from reconciler.deployment.panels import PANELS, Panel, Series
from reconciler.metrics.chart import chart
from reconciler.metrics.page import page
from reconciler.metrics.readings import PanelReadings, Reading, Window, panel_readings
from tests.pages import stands_alone

ASKED = Window(start_ms=1_795_696_620_000, seconds=60, periods=4)
COUNTS = Panel("Counts", (Series("a", "M", kind="a"), Series("b", "M", kind="b")))
TIMES = Panel("Times", (Series("p99", "T_ms", "p99"),), "ms")


def quiet() -> list[PanelReadings]:
    return panel_readings({}, ASKED)


def shown(panel: Panel, *values: tuple[float | None, ...]) -> PanelReadings:
    pairs = zip(panel.series, values, strict=True)
    return PanelReadings(panel, tuple(Reading(series, each, None) for series, each in pairs))


def charts(text: str) -> list[str]:
    return re.findall(r'<svg class="chart".*? aria-label="(.*?)">', text)


def test_the_page_is_well_formed_and_needs_nothing_but_itself() -> None:
    stands_alone(page("parties", ASKED, {"us-east-1": quiet(), "eu-west-1": quiet()}, {}))


def test_every_panel_is_drawn_for_each_region_and_for_all() -> None:
    text = page("parties", ASKED, {"us-east-1": quiet(), "eu-west-1": quiet()}, {})

    assert charts(text) == [panel.title for panel in PANELS] * 3
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["all regions", "us-east-1", "eu-west-1"]


def test_one_region_alone_is_not_drawn_twice() -> None:
    text = page("parties", ASKED, {"us-east-1": quiet()}, {})

    assert charts(text) == [panel.title for panel in PANELS]


def test_a_region_that_did_not_answer_is_named_with_its_reason() -> None:
    text = page("parties", ASKED, {"us-east-1": quiet()}, {"eu-west-1": "<refused>"})

    assert "<b>eu-west-1</b> &lt;refused&gt;" in text
    stands_alone(page("parties", ASKED, {}, {"eu-west-1": "refused"}))


def test_the_numbers_of_every_region_stand_side_by_side() -> None:
    name = f"p{[p.title for p in PANELS].index('Records')}s0"
    here = panel_readings({name: [(ASKED.start_ms, 1200.0)]}, ASKED)
    text = page("parties", ASKED, {"us-east-1": here, "eu-west-1": quiet()}, {})

    [row] = re.findall(r"<tr><th>Records</th>(.*?)</tr>", text)
    assert re.findall(r">([^<>]+)</td>", row) == ["records", "1,200", "1,200", "0"]
    [row] = re.findall(r"<tr><th>Clock drift</th>(.*?)</tr>", text)
    assert re.findall(r">([^<>]+)</td>", row) == ["greatest", "quiet", "quiet", "quiet"]


def test_kinds_of_a_count_are_stacked_to_the_count() -> None:
    drawn = chart(shown(COUNTS, (1, 0, 2, 0), (3, 0, 0, 0)), ASKED)

    bars = [
        (b[0], float(b[1]), float(b[2]))
        for b in re.findall(
            r'<rect class="bar (r\d)" x=".*?" y="(.*?)" width=".*?" height="(.*?)"/>', drawn
        )
    ]
    assert [name for name, *_ in bars] == ["r0", "r1", "r0"]
    lower, upper, _ = bars
    assert abs(upper[1] + upper[2] - lower[1]) < 0.2  # one ends where the other begins
    assert abs(upper[2] - 3 * lower[2]) < 0.2
    assert '<text class="time value" x="52" y="13.5">4</text>' in drawn  # the top is their sum


def test_a_line_is_interrupted_where_nothing_was_measured() -> None:
    drawn = chart(shown(TIMES, (10.0, 20.0, None, 30.0)), ASKED)

    assert len(re.findall(r'<path class="series r0"', drawn)) == 1
    assert len(re.findall(r'<circle class="dot r0"', drawn)) == 1


def test_pointing_at_a_period_tells_its_time_and_its_values() -> None:
    drawn = chart(shown(TIMES, (10.0, 1250.0, None, 30.0)), ASKED)

    titles = [unescape(title) for title in re.findall(r"<title>(.*?)</title>", drawn, re.DOTALL)]
    assert titles == [
        "12:37\np99 10 ms",
        "12:38\np99 1.2 s",
        "12:39\np99 quiet",
        "12:40\np99 30 ms",
    ]
