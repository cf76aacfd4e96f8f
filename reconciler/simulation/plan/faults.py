"""What can go wrong, how badly, and for how long.

Each kind takes part in about a quarter of the runs (FoundationDB's buggify), so every
run combines a few of them. Every fault ends, but for a region that is destroyed.
Units: milliseconds; a rate is a probability, or the share of a kind's greatest extent.
Source: AWS guides on global tables, event-source mappings, EventBridge and SQS (at-least-once
delivery, partial failures, retries); DynamoDB's streams keep records for 24 hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from reconciler.simulation.plan.plan import Fault

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
FOR_EVER = 2**62
PART_OF_RUNS = 0.25
_AT_WORST = 0.3

# Where the world differs as long as they reign.
PARTITION = "partition"  # two regions exchange nothing
OUTAGE = "outage"  # a region is gone and comes back: no clients, no functions, no links
DESTROYED = "destroyed"  # a region is gone for good
REMADE = "remade"  # a region is gone for good, and its replica made again from another one's copy
LAG = "lag"  # replication is slow; rate 1 is ten minutes
SKEW = "skew"  # the hidden clock that decides which write wins is off; rate 1 is three seconds
CLOCK = "clock"  # a region's wall clock is off, by a step and back; rate 1 is twenty seconds
DETECTOR_OFF = "detector_off"  # a region's stream has no consumer
RESOLVER_OFF = "resolver_off"  # a region's queues have no consumer
DEPLOY = "deploy"  # a newer release reaches one process after the other; see `releases`
EXPIRY = "expiry"  # time-to-live runs in a region, at the beginning and at the end
HARD_DELETE = "hard_delete"  # an operator of a region deletes its items for good, when it begins
CLASH = "clash"  # a region's writers have another schema, in which one attribute is of another type
GIVEN_UP = "given_up"  # a region's event source gives batches up early, whole or as names only
# What strikes single calls and deliveries, at a rate.
CRASH = "crash"  # a process dies before or after one of its calls
POISON = "poison"  # the detector's code fails at a record, whenever it meets it
THROTTLE = "throttle"  # a call is refused
LOST_REQUEST = "lost_request"  # a write is not carried out, and its client hears nothing
LOST_ANSWER = "lost_answer"  # a write is carried out, and its client hears nothing
SLOW_CALL = "slow_call"  # others come between two calls
OPEN_BLOCK = "open_block"  # a client edits in a block, and others write while it is open
ROW_REFUSED = "row_refused"  # a ledger row of a batch is not written
ENTRY_REFUSED = "entry_refused"  # an event of a batch is not accepted
LOST_EVENT = "lost_event"  # the bus accepts an event and drops it: it is sent again later
LATE_EVENT = "late_event"  # the bus delivers minutes or hours later
EVENT_TWICE = "event_twice"  # the bus delivers once more
MESSAGE_TWICE = "message_twice"  # a queue delivers a message that was deleted
BATCH_TWICE = "batch_twice"  # a batch of the stream comes again although it was handled
DECIDED = "decided"  # a person decides a loss, at any time, and may be broken off


NAMES_ONLY = "names"  # how batches are given up: without payload, so that nothing may be folded


@dataclass(frozen=True)
class Kind:
    """How a kind of fault is drawn: durations, rates, and where it strikes."""

    shortest_ms: int
    longest_ms: int
    least: float = 1.0
    greatest: float = 1.0
    where: str = "region"  # or "pair", or "world"
    times: int = 2  # at most, in one run


KINDS = {
    PARTITION: Kind(10 * SECOND, 6 * HOUR, where="pair", times=3),
    OUTAGE: Kind(10 * SECOND, 4 * HOUR, times=1),
    DESTROYED: Kind(FOR_EVER, FOR_EVER, times=1),
    REMADE: Kind(2 * MINUTE, 4 * HOUR, where="pair", times=1),
    LAG: Kind(5 * SECOND, HOUR, 0.005, 1.0, where="world", times=1),
    SKEW: Kind(MINUTE, 6 * HOUR, 0.02, 1.0),
    CLOCK: Kind(SECOND, 2 * HOUR, 0.01, 1.0),
    DETECTOR_OFF: Kind(10 * SECOND, 4 * HOUR),
    RESOLVER_OFF: Kind(10 * SECOND, 4 * HOUR),
    DEPLOY: Kind(MINUTE, 12 * HOUR, where="world", times=1),
    CLASH: Kind(10 * SECOND, 4 * HOUR),
    GIVEN_UP: Kind(MINUTE, 6 * HOUR),
    EXPIRY: Kind(MINUTE, 10 * MINUTE),
    HARD_DELETE: Kind(SECOND, MINUTE, times=1),
    CRASH: Kind(MINUTE, 2 * HOUR, 0.02, 0.5, where="world"),
    POISON: Kind(10 * SECOND, 6 * HOUR, 0.01, 0.3),
    THROTTLE: Kind(10 * SECOND, HOUR, 0.05, 0.9),
    LOST_REQUEST: Kind(10 * SECOND, 2 * HOUR, 0.05, 0.6),
    LOST_ANSWER: Kind(10 * SECOND, 2 * HOUR, 0.05, 0.6),
    OPEN_BLOCK: Kind(MINUTE, 6 * HOUR, 0.1, 0.9),
    SLOW_CALL: Kind(MINUTE, 6 * HOUR, 0.1, 0.9, where="world", times=1),
    ROW_REFUSED: Kind(10 * SECOND, 2 * HOUR, 0.05, 1.0),
    ENTRY_REFUSED: Kind(10 * SECOND, 2 * HOUR, 0.05, 1.0),
    LOST_EVENT: Kind(10 * SECOND, 2 * HOUR, 0.05, 1.0),
    LATE_EVENT: Kind(MINUTE, 6 * HOUR, 0.1, 0.8, where="world", times=1),
    EVENT_TWICE: Kind(MINUTE, 6 * HOUR, 0.1, 0.8, where="world", times=1),
    MESSAGE_TWICE: Kind(MINUTE, 6 * HOUR, 0.1, 0.8, where="world", times=1),
    BATCH_TWICE: Kind(MINUTE, 6 * HOUR, 0.1, 0.5, where="world", times=1),
    DECIDED: Kind(MINUTE, 12 * HOUR, 0.05, 1.0),
}


def draw_faults(seed: int, regions: Sequence[str], span_ms: int) -> tuple[Fault, ...]:
    """Return the faults of one run whose operations take `span_ms`, in the order they begin."""
    faults = []
    for name, kind in KINDS.items():
        drawn = Random(f"{seed}/fault/{name}")
        if name in (DESTROYED, REMADE) and len(regions) < 2:
            continue
        if drawn.random() < PART_OF_RUNS:
            faults += [
                _draw_fault(name, kind, drawn, regions, span_ms)
                for _ in range(drawn.randint(1, kind.times))
            ]
    return tuple(sorted(faults, key=lambda fault: (fault.at_ms, fault.kind, fault.region)))


def _draw_fault(
    name: str, kind: Kind, drawn: Random, regions: Sequence[str], span_ms: int
) -> Fault:
    at_ms = int(drawn.uniform(-0.2, 1.0) * span_ms)  # many are there from the beginning
    # Durations of all magnitudes are equally likely: seconds matter as much as hours.
    length = int(kind.shortest_ms * (kind.longest_ms / kind.shortest_ms) ** drawn.random())
    region, other = drawn.sample(list(regions), 2) if len(regions) > 1 else (regions[0], "")
    if name in (SKEW, CLOCK):
        other = drawn.choice(["ahead", "behind"])
    elif name == GIVEN_UP:
        other = drawn.choice(["whole", "whole", NAMES_ONLY])
    elif kind.where != "pair":
        other = ""
    return Fault(
        name,
        max(0, at_ms),
        max(0, at_ms) + length,
        region if kind.where != "world" else "",
        other,
        _rate(kind, drawn),
    )


def _rate(kind: Kind, drawn: Random) -> float:
    # Rates of all magnitudes, and often the worst: a service that is down, not one that stumbles.
    if drawn.random() < _AT_WORST:
        return kind.greatest
    return round(float(kind.least * (kind.greatest / kind.least) ** drawn.random()), 3)
