"""A failover drill on AWS: what it would do, in sentences, and doing it.

Planning only reads, and refuses a table that the drill would not suit. However the drill ends, by
Ctrl-C too, its pause ends and its items are deleted; only if writes were lost do they stay, to be
looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from secrets import token_hex

from reconciler.aws.clients import client
from reconciler.aws.region import Region
from reconciler.causality.context import replica_id
from reconciler.deployment.names import Names
from reconciler.drills.arrivals import PROBE_ATTRIBUTES, Probes, patience
from reconciler.drills.failover.fault_injection import FisExperiment, Pause
from reconciler.drills.failover.pause import PausedReplication, Waits
from reconciler.drills.failover.steps import Drill, Replica, Report, play
from reconciler.drills.hosts import Host, host_of, replica
from reconciler.drills.workload import PartyEdit, burst, party_schema
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable

Say = Callable[[str], object]


_EXPERIMENT = patience(300, 5)
_WAITS = Waits(
    silence=patience(15, 0.5),
    pausing_ms=360_000,  # AWS: replication may go on for up to 5 minutes
    settling=patience(900, 5),
    quiet_seconds=10,
)


@dataclass(frozen=True)
class Wish:
    """What was asked for; `role` is the ARN of FIS's role, None for the one that is deployed."""

    isolated: str
    minutes: int
    edits: int
    role: str | None = None
    stop_alarm: str | None = None


@dataclass(frozen=True)
class DrillPlan:
    """One planned drill: where, what is paused, and the edits; its name begins its items' keys."""

    places: Sequence[Names]
    isolated: str
    host: Host
    pause: Pause
    edits: Sequence[PartyEdit]
    replicas: Sequence[Replica]

    def key(self, name: str) -> dict[str, object]:
        """Return the key of an item of the drill."""
        return self.host.key(f"{self.pause.run}-{name}")

    def warning(self) -> str:
        """Return what the drill does to others."""
        return (
            f"The replication of the WHOLE table {self.host.table} pauses, into and out of"
            f" {self.isolated}, not that of the drill's items only: whoever uses the table there"
            f" sees the other regions' writes late, by up to {self.pause.minutes} minutes and the"
            " time to catch up. Writes go on everywhere"
        )

    def steps(self) -> list[str]:
        """Return what the drill does, in order."""
        run, parties = self.pause.run, len({edit.party for edit in self.edits})
        stop = self.pause.stop_alarm or "nothing but the drill and the time"
        settled = _WAITS.settling.timeout_ms // 60_000
        return [
            f"create {parties} items of its own in {self.places[0].region}, with keys such as"
            f" {self.key('party-00')}, and wait until every region has them",
            f"pause replication of {self.pause.table_arn} by an experiment called {run}, for at"
            f" most {self.pause.minutes} minutes; role: {self.pause.role_arn}; stopped by: {stop}",
            "wait until nothing arrives any more, which takes AWS up to 5 minutes; probes"
            f" {run}-probe-REGION tell",
            f"make {len(self.edits)} edits of those items in"
            f" {', '.join(names.region for names in self.places)}, through the write client",
            "end the pause and delete the experiment's template",
            f"wait, at most {settled} minutes, until replicas agree and no loss is OPEN, and judge"
            " each region by the history of the edits",
            "delete the items; if writes were lost, they stay",
        ]

    def carry_out(self, say: Say) -> Report:
        """Do it."""
        tables = {each.region: each.table for each in self.replicas}
        probes = Probes(tables, lambda region: self.key(f"probe-{region}"))
        fis = client("fis", self.isolated)
        experiment = FisExperiment(self.pause, fis, _EXPERIMENT)
        separation = PausedReplication(experiment, self.isolated, probes, _WAITS, say)
        drill = Drill("paused", self.replicas, self.key)
        with drill.leaving_nothing():
            try:
                report = play(drill, separation, self.edits, partial(drill.write, self.edits))
            finally:
                probes.remove()
        if any(report.lost.values()):
            say(
                f"the drill's items stay, to be looked at: {self.pause.run}-party-..., -closing-..."
            )
        else:
            drill.remove()
            say("the drill's items are deleted; their tombstones are gone after a day")
        return report


def plan_for(places: Sequence[Names], wish: Wish) -> DrillPlan:
    """Return the plan; InvalidInput says why the drill does not suit the table."""
    regions = [names.region for names in places]
    if len(regions) < 2:
        raise InvalidInput("--region: name two regions at least, with commas between")
    for region in regions:
        replica_id(region)  # it says what is wrong with a name
    if wish.isolated not in regions:
        raise InvalidInput(f"--isolate {wish.isolated}: it is none of {', '.join(regions)}")
    names = places[regions.index(wish.isolated)]
    host = host_of(names.table, client("dynamodb", names.region, attempts=1))
    schema = host.schema({**party_schema().attributes, **PROBE_ATTRIBUTES})
    if set(regions) != host.replicas | {names.region}:
        every = ", ".join(sorted(host.replicas | {names.region}))
        raise InvalidInput(f"--region: {names.table} is in {every}; name all of them and no other")
    _, partition, _, _, account, _ = host.arn.split(":", 5)
    role = wish.role or f"arn:{partition}:iam::{account}:role/{names.drill_role}"
    run = f"drill-{token_hex(4)}"
    plan = DrillPlan(
        places,
        wish.isolated,
        host,
        Pause(run, host.arn, role, wish.minutes, wish.stop_alarm),
        list(burst(wish.edits, regions, Random(run))),
        [replica(Region(each), schema) for each in places],
    )
    for each in plan.replicas:
        _check_ledger(each)
    return plan


def _check_ledger(replica_: Replica) -> None:
    try:
        replica_.ledger.rows_of("none")
    except ReconcilerError as problem:
        raise Unavailable(
            f"{replica_.region}: its ledger cannot be read, so no loss could be seen: {problem}"
        ) from None
