"""The time of a region, heard in the answers of one boto3 client.

Every answer counts, refusals too. A machine whose clock is off by half of what clocks may drift
apart is warned about, once; its writes follow the region's time all the same (W6).
Source: botocore, "Event system" (`after-call`).
"""

import logging
from email.utils import parsedate_to_datetime
from typing import Any
from weakref import WeakKeyDictionary

from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS
from reconciler.causality.region_time import RegionTime
from reconciler.clock import monotonic_ms, now_ms

_LOG = logging.getLogger("reconciler")
_HEARD: WeakKeyDictionary[Any, RegionTime] = WeakKeyDictionary()  # one for each client


def region_time_of(dynamodb: Any) -> RegionTime:
    """Return the time that a client's answers tell, from its next answer on."""
    if dynamodb not in _HEARD:
        _HEARD[dynamodb] = _listening(dynamodb)
    return _HEARD[dynamodb]


def _listening(dynamodb: Any) -> RegionTime:
    region_time = RegionTime(now_ms, monotonic_ms)
    warned: list[int] = []

    def hear(http_response: Any, **_: Any) -> None:
        try:
            date = parsedate_to_datetime(http_response.headers.get("date"))
        except (TypeError, ValueError):
            return  # none, or a proxy's: HAZARD if it failed a call that was carried out
        region_time.hear(round(date.timestamp()) * 1_000)
        off_ms = region_time.off_ms()
        if abs(off_ms) > MAXIMUM_CLOCK_DRIFT_MS // 2 and not warned:
            warned.append(off_ms)
            how = "ahead of" if off_ms > 0 else "behind"
            where = dynamodb.meta.region_name
            _LOG.warning(
                "this machine's clock is %d s %s the time in %s; writes follow the region's time:"
                " check NTP",
                *((abs(off_ms) + 500) // 1_000, how, where),
            )

    dynamodb.meta.events.register("after-call.dynamodb", hear)
    return region_time
