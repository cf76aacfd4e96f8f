"""The alarms on what DynamoDB says of the table and of the ledger: throttles, and replication.

Limit: CloudWatch leaves an alarm on metrics of AWS/DynamoDB as it is while they report nothing, and
they report no throttle that did not happen and no latency of an idle table: an alarm would stay on.
So each expression adds 0 times the capacity that the table consumed, which is reported always.
Source: CloudWatch API reference, PutMetricAlarm; DynamoDB guide, "DynamoDB metrics and dimensions",
"Best practices for global tables" (a latency that drops to 0 is a replication that stands).
"""

from collections.abc import Iterator

from infra.alarm import Alarm
from infra.metrics import Metric, of_table, replication_latency
from infra.watched import Watched
from reconciler.deployment.tables import LEDGER_STATE_INDEX

LATENCY_MINUTES = 3  # AWS's own example
_EVER = "0 * consumed"


def throttles(seen: Watched) -> Iterator[Alarm]:
    """Yield the alarms on refused requests; a table's own do not count its indexes'."""
    names, by_state = seen.names, {"GlobalSecondaryIndexName": LEDGER_STATE_INDEX}
    for about, table, parts in (
        ("table", names.table, [{}]),
        ("ledger", names.ledger, [{}, by_state]),
    ):
        refused = {
            f"{kind.lower()}{number}": of_table(table, f"{kind}ThrottleEvents", **part)
            for number, part in enumerate(parts)
            for kind in ("Read", "Write")
        }
        yield Alarm(
            "table-throttles",
            f"DynamoDB refuses requests to {table}: what needs it is late.",
            {**refused, "consumed": _consumed(table)},
            expression=" + ".join([*refused, _EVER]),
            about=about,
        )


def replication(seen: Watched) -> Iterator[Alarm]:
    """Yield the alarms of each other region; a latency is kept where its writes were made.

    Stalled is: something written here in 3 periods of an hour, and no latency to the other region
    in them. What is replicated to here is not written here. An idle table writes nothing, so
    nothing stalls; one that is written to seldom needs the hour; and a write at the end of its
    period may well arrive in the next, so one period is not enough.
    """
    names, consumed = seen.names, _consumed(seen.names.table)
    written = of_table(names.table, "ConsumedWriteCapacityUnits", Source="Customer")
    for other in seen.others:
        latency = replication_latency(names, other)
        yield Alarm(
            "replication-latency",
            f"For 15 minutes, writes have taken {LATENCY_MINUTES} minutes to reach {other}.",
            {"latency": latency, "consumed": consumed},
            above=LATENCY_MINUTES * 60_000,
            expression=f"latency + {_EVER}",
            about=f"to-{other}",
            periods=3,
        )
        yield Alarm(
            "replication-stalled",
            f"Items are written here, and none of them arrives in {other}.",
            {"latency": latency, "written": written, "consumed": consumed},
            expression=f"IF((written + {_EVER}) > 0 AND (latency + {_EVER}) == 0, 1, 0)",
            about=f"to-{other}",
            periods=12,
            breaching=3,
        )


def _consumed(table: str) -> Metric:
    return of_table(table, "ConsumedWriteCapacityUnits")
