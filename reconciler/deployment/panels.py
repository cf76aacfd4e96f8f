"""What a dashboard shows of one region, said once for CloudWatch, the terminal and the page.

This is data only. Every metric has the dimensions table and region; a series of a kind has that
dimension, too.
Source: CloudWatch guide, "Dashboard body structure and syntax" (statistics by their names there).
"""

from dataclasses import dataclass

from reconciler.deployment import telemetry as t


@dataclass(frozen=True)
class Series:
    """One line of a chart; `statistic` is Sum, Maximum, Average, or a percentile such as p99."""

    label: str
    metric: str
    statistic: str = "Sum"
    kind: str = ""


@dataclass(frozen=True)
class Panel:
    """One chart. unit: what its values are: "", "ms" or "bytes"."""

    title: str
    series: tuple[Series, ...]
    unit: str = ""


GAUGES = (t.OPEN_LOSSES, t.PARKED_LOSSES, t.OLDEST_OPEN_LOSS_MS)
PANELS = (
    Panel("Records", (Series("records", t.RECORDS),)),
    Panel("Conflicts", tuple(Series(k, t.CONFLICTS, kind=k) for k in t.CONFLICT_KINDS)),
    Panel(
        "Repairs",
        (
            Series("writes rescued", t.WRITES_RESCUED),
            Series("write-backs", t.WRITE_BACKS),
            Series("retries", t.RETRIES),
            Series("already repaired", t.ALREADY_REPAIRED),
        ),
    ),
    Panel(
        "Losses that wait",
        (
            Series("open", t.OPEN_LOSSES, "Maximum"),
            Series("parked", t.PARKED_LOSSES, "Maximum"),
        ),
    ),
    Panel(
        "Age of the oldest open loss",
        (Series("oldest", t.OLDEST_OPEN_LOSS_MS, "Maximum"),),
        "ms",
    ),
    Panel(
        "From loss to detection",
        (
            Series("p50", t.LOSS_TO_DETECTION_MS, "p50"),
            Series("p99", t.LOSS_TO_DETECTION_MS, "p99"),
        ),
        "ms",
    ),
    Panel(
        "From loss to repair",
        (Series("p50", t.LOSS_TO_REPAIR_MS, "p50"), Series("p99", t.LOSS_TO_REPAIR_MS, "p99")),
        "ms",
    ),
    Panel(
        "Troubles",
        (
            Series("parked", t.PARKED),
            Series("detection failures", t.DETECTION_FAILURES),
            Series("resolution failures", t.RESOLUTION_FAILURES),
            Series("paused", t.PAUSED),
        ),
    ),
    Panel("Outside writes", tuple(Series(k, t.OUTSIDE_WRITES, kind=k) for k in t.OUTSIDE_KINDS)),
    Panel("Clock drift", (Series("greatest", t.CLOCK_DRIFT_MS, "Maximum"),), "ms"),
    Panel("Clocks of functions", (Series("greatest", t.CLOCK_OFF_MS, "Maximum"),), "ms"),
    Panel(
        "Lineages of an item",
        (
            Series("average", t.LINEAGES, "Average"),
            Series("most", t.LINEAGES, "Maximum"),
            Series("most keys", t.KEYS, "Maximum"),
        ),
    ),
    Panel("Folds", (Series("folds", t.FOLDS), Series("names filed", t.NAMES_FILED))),
    Panel(
        "Metadata of an item",
        (
            Series("average", t.METADATA_BYTES, "Average"),
            Series("most", t.METADATA_BYTES, "Maximum"),
            Series("most, of names", t.NAMES_BYTES, "Maximum"),
        ),
        "bytes",
    ),
)
