"""Lambda entry point of the adoption of a large table: each invocation is one of its steps.

Event source: the state machine (`reconciler.deployment.adoption`), of one region alone, in which
the items are stamped. Every step may run twice, and twice at once: what is done shows in the items.
An invocation goes on through its segment until a third of its time is left, for the items that it
looks at again. If that is too little, it is made again, and passes over what it stamped.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handlers.observability import Observability
from handlers.schema_settings import SchemaSettings
from handlers.settings import Regions, read_as
from handlers.tracing import traced
from reconciler.aws import now_ms
from reconciler.aws.whole_table import Table
from reconciler.crdt import custom
from reconciler.deployment.adoption import ADOPTION
from reconciler.deployment.names import home_of
from reconciler.errors import InvalidInput, bounded
from reconciler.ports import Segment
from reconciler.sweeping.adoption import LEFT, Adopter, Adoption
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import Budget, Stretch, Time
from reconciler.values.wire import canonical_image, to_json

LEAST_UNITS = 5  # a second and segment: a batch of the largest items then takes five minutes
_COUNTED: dict[str, Sequence[Enum]] = {
    "stamped": (Adoption.STAMPED,),
    "managed": (Adoption.MANAGED,),
    "gone": (Adoption.GONE,),
    "left": LEFT,
}


class AdoptSettings(SchemaSettings):
    """The environment of the steps: `regions` are all those of the table."""

    regions: Regions = Field(alias="RECONCILER_REGIONS")


class Asked(BaseModel):
    """The input of an execution. The units are what all segments may cost a second together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    execute: bool = False
    segments: int = Field(100, ge=1, le=1_000)
    at_once: int = Field(10, ge=1, le=1_000)
    write_units: float = 100
    read_units: float = 1_000


class StepPorts(NamedTuple):
    """What the steps need: the settings, logs and metrics."""

    settings: AdoptSettings
    observability: Observability


@cache
def _function() -> StepPorts:
    settings = read_as(AdoptSettings, os.environ)
    # HAZARD if two regions stamped one item, see `reconciler.sweeping.adoption`.
    if settings.region != home_of(settings.regions):
        raise InvalidInput(f"items are adopted in {home_of(settings.regions)} alone")
    custom.load(settings.custom_types)
    observability = Observability(
        "adopt", settings.table, settings.region, log_items=settings.log_items
    )
    return StepPorts(settings, observability)


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take the step that `action` names, of the `case`: what is asked, a segment, or all counts."""
    ports, case = _function(), event["case"]
    with ports.observability.invocation(context):
        if event["action"] == "prepare":
            return _prepare(ports.settings, case["asked"])
        if event["action"] == "adopt":
            return _adopt(ports, case, context)
        total = sum((Counter(each["counts"]) for each in case["counted"]), Counter[str]())
        return {word: total[word] for word in _COUNTED}


def _prepare(settings: AdoptSettings, given: Any) -> dict[str, Any]:
    """Return the segments, each with its share of the units, or what is wrong with the input."""
    try:
        asked = Asked.model_validate(given)
        at_once = min(asked.at_once, asked.segments)
        shares = {"write_units": asked.write_units, "read_units": asked.read_units}
        for name, units in shares.items():
            if units < LEAST_UNITS * at_once:
                raise InvalidInput(
                    f"{name}: {LEAST_UNITS * at_once} at least, for {at_once} at once"
                )
        _table(settings)
    except ValidationError as problem:
        found = [f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in problem.errors()]
        return {"problem": bounded("; ".join(found)), "segments": [], "at_once": 1}
    except InvalidInput as problem:
        return {"problem": bounded(str(problem)), "segments": [], "at_once": 1}
    share = {name: units / at_once for name, units in shares.items()}
    common = {"of": asked.segments, "execute": asked.execute, **share}
    segments = [{"number": number, **common} for number in range(asked.segments)]
    return {"problem": "", "segments": segments, "at_once": at_once}


def _table(settings: AdoptSettings) -> Table:
    """Return the table; InvalidInput if it is in more regions, or has another key."""
    table = Table(settings.table, settings.regions, settings.suffix)
    if table.key != settings.item_schema.key:
        raise InvalidInput(f"the table's key is {', '.join(table.key)}, and the schema has another")
    return table


def _adopt(ports: StepPorts, case: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on through a segment; return where it is, and its counts from its beginning on."""
    settings = ports.settings
    step = case.get("step", {"after": "", "counts": {}})

    def has_time() -> bool:
        left: int = context.get_remaining_time_in_millis()
        return left > ADOPTION.reserve_seconds * 1_000

    def hear(key: str, outcome: Enum, why: str) -> None:
        ports.observability.note("item left", key=key, outcome=outcome.value, why=why)

    clock, tally = Time(now_ms, time.sleep), Tally(hear)
    reads, writes = (Budget(case[each], clock) for each in ("read_units", "write_units"))
    replicas = {name: region.whole for name, region in _table(settings).regions.items()}
    schema, execute = settings.item_schema, case["execute"]
    adopter = Adopter(replicas, schema, tally, clock, execute=execute, reads=reads, writes=writes)
    stretch = Stretch(
        replicas[settings.region],
        Segment(case["number"], case["of"]),
        schema.key,
        reads,
        canonical_image(json.loads(step["after"])) if step["after"] else None,
        lambda: has_time() and not adopter.is_behind,
    )
    while not stretch.is_done and has_time():
        adopter.adopt(stretch)
    counts = {
        word: step["counts"].get(word, 0) + sum(tally.counts[each] for each in outcomes)
        for word, outcomes in _COUNTED.items()
    }
    after = to_json(stretch.after) if stretch.after else ""
    return {"after": after, "is_done": stretch.is_done, "counts": counts}
