"""The reconciler of one region: everything between a replica's stream and its write-backs.

What the functions, the scripts and the local cloud go by is `reconciler.deployment.wiring`: its
names, numbers and patterns, and the functions' environment.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_lambda import CfnEventSourceMapping, Code
from constructs import Construct

from infra import permissions
from infra.adoption import AdoptionWorkflow, may_adopt
from infra.alarm import make_alarm
from infra.alarms import alarms
from infra.api import HttpApi, door_environment, may_serve, serving
from infra.api_settings import Api
from infra.approval import ApprovalWorkflow
from infra.appsync import ConflictHandler
from infra.arns import Arns
from infra.bus import Bus
from infra.copies import Peer, copying
from infra.dashboard import dashboards
from infra.drill import DrillRole
from infra.evidence import evidence_bucket, ledger
from infra.function import Function, Work
from infra.functions import Functions
from infra.ingest import Ingest, may_ingest
from infra.keys import pipeline_key, read_by_log_delivery
from infra.network import Network
from infra.outputs import reconciler_outputs
from infra.permissions import Statement
from infra.queues import Queues
from infra.schedule import run_every, scheduled
from infra.settings import Settings
from infra.sources import queue_source, stream_source
from infra.subscribers import Subscribers, may_subscribe, may_tell, tells
from infra.topic import alarms_topic
from infra.watched import watched
from infra.workflow import WriteWorkflow, may_write
from infra.writers import writer_policies
from reconciler.deployment.approval import APPROVAL
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import (
    APPROVE_HANDLER,
    DETECT_HANDLER,
    GAUGE_HANDLER,
    GAUGE_MINUTES,
    HOME_SOURCE,
    INGEST_HANDLER,
    INGEST_SOURCE,
    REDRIVE_HANDLER,
    RESOLVE_HANDLER,
    WITNESS_SOURCE,
    stream_filters,
)

DETECT_SECONDS = 60
RESOLVE_SECONDS = HOME_SOURCE.visibility_timeout_seconds // 6  # SQS's advice for a function
INGEST_SECONDS = INGEST_SOURCE.visibility_timeout_seconds // 6  # likewise
REDRIVE_SECONDS = 240  # less than the shortest schedule
GAUGE_SECONDS = 50  # likewise


@dataclass(frozen=True)
class Replica:
    """What a reconciler is attached to: the stream, and the table's key if it has one.

    prefix_lists: of the addresses of DynamoDB and S3 in the region, if a network leads there.
    peer: where S3 copies the region's objects, if it does.
    """

    stream_arn: str
    key_arn: str | None
    prefix_lists: Sequence[str] = ()
    peer: Peer | None = None


class Reconciler(Construct):
    """Everything of one region but the table. `code` is the artefact of `scripts/package`."""

    def __init__(
        self, scope: Construct, settings: Settings, names: Names, replica: Replica, code: Code
    ) -> None:
        super().__init__(scope, "Reconciler")
        self._settings, self._arns = settings, Arns(names)
        machines = (settings.approval, settings.workflow, settings.adoption_in(names.region))
        log_readers = [read_by_log_delivery(self._arns)] if any(machines) else []
        key = pipeline_key(self, names, *log_readers)
        keys = [key.attr_arn, *([replica.key_arn] if replica.key_arn else [])]
        self._use_keys = permissions.use_keys(self._arns, keys)
        self._queues = Queues(
            self, self._arns, key, ingest=bool(settings.ingest_schema), hub=tells(settings)
        )
        bus = Bus(self, names, self._queues.all)
        rows = ledger(self, names.ledger, key)
        copied = copying(self, self._arns, key, "evidence", replica.peer)
        bucket = evidence_bucket(self, self._arns, key, self._queues, **copied)
        network = self._network(replica) if settings.network else None
        parked = self._queues.all[names.parked_queue].ref
        self._functions = Functions(self, settings, self._arns, code, parked, network)
        detect = self._detect(replica.stream_arn)
        resolve = self._resolve()
        # Nothing is lost by an insert, but it makes a party.
        filters = [] if tells(settings) else stream_filters(settings.partition_key.name)
        reads = stream_source(self, detect, replica.stream_arn, filters, self._arns)
        # It reads at once: a bus drops an event that no rule selects yet, and Lambda looks whether
        # its destination is there.
        reads.node.add_dependency(bus, self._queues, rows, bucket)
        self._work_queues(resolve)
        if settings.redrive_minutes:
            self._redrive(replica.stream_arn, settings.redrive_minutes)
        gauge = permissions.gauge(self._arns, key.attr_arn)
        self._scheduled(names.gauge_function, GAUGE_HANDLER, GAUGE_SECONDS, gauge, GAUGE_MINUTES)
        self._door = self._api(settings.api) if settings.api else None
        topic = self._observability(key, reads)
        more = {"StreamArn": replica.stream_arn, "PipelineKey": key.attr_arn, "AlarmsTopic": topic}
        more |= self._asked_for(key, replica)
        reconciler_outputs(Stack.of(self), names, self._queues.all, **more)

    def _asked_for(self, key: CfnKey, replica: Replica) -> dict[str, str]:
        """Make what only some deployments have; return its outputs."""
        settings, arns = self._settings, self._arns
        more = writer_policies(self, arns, settings.writers, replica.key_arn)
        more |= self._door.outputs if self._door else {}
        if settings.redrive_minutes:
            more["RedriveFunction"] = arns.names.redrive_function
        if settings.approval:
            more |= self._approval(key)
        if settings.ingest_schema:
            more |= self._ingest(key, replica.peer)
        if settings.appsync:
            more |= ConflictHandler(self, settings.appsync, self._functions).outputs
        if settings.workflow:
            may = [self._use_keys, *may_write(settings, arns, replica.key_arn)]
            workflow = WriteWorkflow(self, settings.workflow, key, self._functions, may)
            more |= workflow.outputs
        if adoption := settings.adoption_in(arns.names.region):
            may = [self._use_keys, *may_adopt(settings, arns, replica.key_arn)]
            more |= AdoptionWorkflow(self, adoption, key, self._functions, may).outputs
        if settings.drills:
            more |= DrillRole(self, arns, replica.stream_arn).outputs
        return more

    def _network(self, replica: Replica) -> Network:
        stream, lists = replica.stream_arn, replica.prefix_lists
        return Network(self, self._settings, self._arns, stream, lists)

    def _detect(self, stream_arn: str) -> Function:
        may = permissions.detect(self._arns, stream_arn)
        name, most = self._arns.names.detect_function, self._settings.detect_concurrency
        return self._worker(name, DETECT_HANDLER, DETECT_SECONDS, may, most)

    def _resolve(self) -> Function:
        name, most = self._arns.names.resolve_function, self._settings.resolve_concurrency
        may = permissions.resolve(self._arns)
        return self._worker(name, RESOLVE_HANDLER, RESOLVE_SECONDS, may, most)

    def _worker(
        self, name: str, handler: str, seconds: int, may: Sequence[Statement], most: int | None
    ) -> Function:
        """Make a function that finds or repairs losses, and tells subscribers if there are any."""
        own = [self._use_keys, *may, *may_tell(self._settings, self._arns)]
        statements = self._functions.statements(name, own)
        work = Work(name, handler, seconds, statements, concurrency=most)
        told = {"RECONCILER_PARTY_EVENTS": "on"} if tells(self._settings) else {}
        return self._functions.make(work, **told)

    def _api(self, door: Api) -> HttpApi:
        """Make the HTTP door."""
        settings, arns = self._settings, self._arns
        own = [self._use_keys, *may_serve(settings, door, arns)]
        told = door_environment(settings, door)
        if door.callbacks:
            role_arn = Subscribers(self, door.callbacks, arns).role_arn
            own += may_subscribe(arns, role_arn)
            told["RECONCILER_API_EVENTS_ROLE"] = role_arn
        work = serving(door, arns, self._functions.statements(arns.names.api_function, own))
        function = self._functions.make(work, **told)
        return HttpApi(self, settings, door, arns, function)

    def _work_queues(self, resolve: Function) -> None:
        """Share the resolver's concurrency: a queue that asks for more would use up receives."""
        names, most = self._arns.names, self._settings.resolve_concurrency
        share = most // 2 if most else None
        for name, source in (
            (names.home_queue, HOME_SOURCE),
            (names.witness_queue, WITNESS_SOURCE),
        ):
            queue_source(self, resolve, self._queues.all[name], source, share)

    def _redrive(self, stream_arn: str, minutes: int) -> None:
        name = self._arns.names.redrive_function
        own = [self._use_keys, *permissions.redrive(self._arns, stream_arn)]
        self._scheduled(name, REDRIVE_HANDLER, REDRIVE_SECONDS, own, minutes)

    def _scheduled(
        self, name: str, handler: str, seconds: int, own: Sequence[Statement], minutes: int
    ) -> None:
        work = scheduled(name, handler, seconds, self._functions.statements(name, own))
        run_every(self, minutes, self._functions.make(work), name)

    def _approval(self, key: CfnKey) -> dict[str, str]:
        """Make the workflow in which people decide; return its outputs."""
        name = self._arns.names.approve_function
        own = [self._use_keys, *permissions.approve(self._arns, key.attr_arn)]
        may = self._functions.statements(name, own)
        work = scheduled(name, APPROVE_HANDLER, APPROVAL.function_timeout_seconds, may)
        function, tracing = self._functions.make(work), self._settings.tracing
        return ApprovalWorkflow(self, self._arns, key, function, tracing=tracing).outputs

    def _ingest(self, key: CfnKey, peer: Peer | None) -> dict[str, str]:
        """Make the ingest of objects; return its outputs."""
        name = self._arns.names.ingest_function
        may = self._functions.statements(name, [self._use_keys, *may_ingest(self._arns)])
        work = Work(name, INGEST_HANDLER, INGEST_SECONDS, may, starts_warm=False)
        schema = json.dumps({"table": self._arns.names.table, **self._settings.ingest_schema})
        days = str(self._settings.ingest_job_days)
        function = self._functions.make(work, RECONCILER_SCHEMA=schema, RECONCILER_JOB_DAYS=days)
        copied = copying(self, self._arns, key, "ingest", peer)
        return Ingest(self, self._arns, key, self._queues, function, **copied).outputs

    def _observability(self, key: CfnKey, reads: CfnEventSourceMapping) -> str:
        """Make the alarms and the dashboards; return the ARN of the topic that the alarms tell."""
        settings, region = self._settings, self._arns.names.region
        topic: str = alarms_topic(self, self._arns, key).ref
        seen = watched(settings, region, reads.attr_id, self._door.id if self._door else "")
        for alarm in alarms(seen):
            name = seen.names.of(alarm.resource)
            make_alarm(self, alarm, name, topic, settings.runbook)
        dashboards(self, settings, seen)
        return topic
