"""The reconciler of one region: everything between a replica's stream and its write-backs.

Behaviour: what the functions, the scripts and the local cloud go by is `reconciler.deployment`:
its names, numbers and patterns, and the functions' environment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_events import CfnRule
from aws_cdk.aws_lambda import CfnPermission, Code
from constructs import Construct

from infra import permissions
from infra.arns import Arns
from infra.bus import Bus
from infra.evidence import evidence_bucket, ledger
from infra.function import Function, Work
from infra.keys import pipeline_key
from infra.permissions import Statement
from infra.queues import Queues
from infra.settings import Settings
from infra.sources import queue_source, stream_source
from reconciler.deployment import (
    DEAD_LETTERS,
    DETECT_HANDLER,
    HOME_SOURCE,
    REDRIVE_HANDLER,
    RESOLVE_HANDLER,
    WITNESS_SOURCE,
    WORKED_QUEUES,
    Names,
    function_environment,
)

DETECT_SECONDS = 60
RESOLVE_SECONDS = HOME_SOURCE.visibility_timeout_seconds // 6  # SQS's advice for a function
REDRIVE_SECONDS = 240  # less than the shortest schedule, so that runs do not pile up


@dataclass(frozen=True)
class Replica:
    """What a reconciler is attached to: the stream, and the table's key if it has one."""

    stream_arn: str
    key_arn: str | None


class Reconciler(Construct):
    """See the module. `code` is the artefact that `scripts/package` builds."""

    def __init__(
        self, scope: Construct, settings: Settings, names: Names, replica: Replica, code: Code
    ) -> None:
        super().__init__(scope, "Reconciler")
        self._settings, self._arns, self._code = settings, Arns(names), code
        key = pipeline_key(self, names)
        self._keys = [key.attr_arn, *([replica.key_arn] if replica.key_arn else [])]
        self._queues = Queues(self, self._arns, key)
        Bus(self, names, self._queues.all)
        ledger(self, names.ledger, key)
        bucket = evidence_bucket(self, self._arns, key, self._queues)
        detect = self._detect(replica.stream_arn)
        resolve = self._resolve()
        reads = stream_source(
            self, detect, replica.stream_arn, settings.partition_key.name, self._arns
        )
        reads.add_resource_dependency(bucket)  # Lambda looks whether its destination is there
        self._work_queues(resolve)
        if settings.redrive_minutes:
            self._redrive(replica.stream_arn, settings.redrive_minutes)
        self._outputs(replica.stream_arn, key.attr_arn)

    def _function(self, work: Work) -> Function:
        return Function(self, work, self._settings, self._code, self._environment())

    def _statements(self, function: str, own: Sequence[Statement]) -> list[Statement]:
        tracing = self._settings.tracing
        return [*permissions.common(self._arns, function, self._keys, tracing=tracing), *own]

    def _detect(self, stream_arn: str) -> Function:
        name = self._arns.names.detect_function
        return self._function(
            Work(
                name,
                DETECT_HANDLER,
                DETECT_SECONDS,
                self._statements(name, permissions.detect(self._arns, stream_arn)),
                concurrency=self._settings.detect_concurrency,
            )
        )

    def _resolve(self) -> Function:
        name = self._arns.names.resolve_function
        return self._function(
            Work(
                name,
                RESOLVE_HANDLER,
                RESOLVE_SECONDS,
                self._statements(name, permissions.resolve(self._arns)),
                concurrency=self._settings.resolve_concurrency,
            )
        )

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
        """Run the redrive on a schedule; the next run makes up for one that fails."""
        name = self._arns.names.redrive_function
        own = permissions.redrive(self._arns, stream_arn)
        function = self._function(
            Work(
                name,
                REDRIVE_HANDLER,
                REDRIVE_SECONDS,
                self._statements(name, own),
                retries=0,
                starts_warm=False,
            )
        )
        arn = function.function.function_arn
        schedule = CfnRule(
            self,
            "RedriveSchedule",
            name=name,
            schedule_expression=f"rate({minutes} minutes)",
            state="ENABLED",
            targets=[CfnRule.TargetProperty(id="redrive", arn=arn)],
        )
        CfnPermission(
            self,
            "RedrivePermission",
            action="lambda:InvokeFunction",
            function_name=arn,
            principal="events.amazonaws.com",
            source_arn=schedule.attr_arn,
        )

    def _environment(self) -> dict[str, str]:
        names, settings = self._arns.names, self._settings
        parked = self._queues.all[names.parked_queue]
        return function_environment(names, parked_queue_url=parked.ref) | {
            "RECONCILER_OUTSIDE_WRITES": settings.outside_writes,
            "RECONCILER_FOLDS": _switch(settings.folds),
            "RECONCILER_PAUSE_LOOPS": _switch(settings.pause_loops),
            "RECONCILER_CUSTOM_TYPES": ",".join(settings.custom_types),
            "RECONCILER_TRACING": _switch(settings.tracing),
        }

    def _outputs(self, stream_arn: str, key_arn: str) -> None:
        names = self._arns.names
        values = {
            "Table": names.table,
            "StreamArn": stream_arn,
            "Ledger": names.ledger,
            "EventBus": names.bus,
            "EvidenceBucket": names.evidence_bucket,
            "PipelineKey": key_arn,
            "DetectFunction": names.detect_function,
            "ResolveFunction": names.resolve_function,
        }
        if self._settings.redrive_minutes:
            values["RedriveFunction"] = names.redrive_function
        for resource in (*WORKED_QUEUES, *DEAD_LETTERS):
            part = resource.replace("-dlq", "-dead-letters").title().replace("-", "")
            values[f"{part}QueueUrl"] = self._queues.all[names.of(resource)].ref
        stack = Stack.of(self)
        for name, value in values.items():
            CfnOutput(stack, name, value=value)


def _switch(on: bool) -> str:
    return "on" if on else "off"
