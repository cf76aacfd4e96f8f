"""One Lambda function with its own role and log group.

An event source reads for `target`, and whoever else starts it calls `arn`: the function, or its
alias when versions start warm (SnapStart,
provisioned concurrency), because those belong to versions.
Source: Lambda guide, "Python runtimes", "SnapStart", "Provisioned concurrency".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_lambda import (
    Alias,
    Architecture,
    Code,
    Runtime,
    SnapStartConf,
    Tracing,
)
from aws_cdk.aws_lambda import Function as LambdaFunction
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.permissions import Statement
from infra.role import role
from infra.settings import Settings
from reconciler.deployment.wiring import LIVE_ALIAS

MEMORY_MB = 1_024


@dataclass(frozen=True)
class Work:
    """What a function runs, as "module:attribute", and what it may do."""

    name: str
    handler: str
    timeout_seconds: int
    statements: Sequence[Statement]
    concurrency: int | None = None
    retries: int | None = None
    starts_warm: bool = True


class Function(Construct):
    """One Lambda function as the pipeline needs it: with a role, a log group and its limits."""

    def __init__(
        self,
        scope: Construct,
        work: Work,
        settings: Settings,
        code: Code,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, work.handler.partition(":")[0].rpartition(".")[2].title())
        warm = work.starts_warm
        snap_start = SnapStartConf.ON_PUBLISHED_VERSIONS if warm and settings.snap_start else None
        self.function = LambdaFunction(
            self,
            "Resource",
            function_name=work.name,
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,
            code=code,
            handler=work.handler.replace(":", "."),
            memory_size=MEMORY_MB,
            timeout=Duration.seconds(work.timeout_seconds),
            environment=environment,
            role=role(self, "lambda.amazonaws.com", work.statements).without_policy_updates(),
            log_group=self._log(work.name),
            reserved_concurrent_executions=work.concurrency,
            retry_attempts=work.retries,
            snap_start=snap_start,
            tracing=Tracing.ACTIVE if settings.tracing else Tracing.DISABLED,
        )
        self.target, self.arn = self.function.function_name, self.function.function_arn
        if warm and (settings.snap_start or settings.provisioned_concurrency):
            self.target = self.arn = self._alias(settings).function_arn

    def _log(self, name: str) -> LogGroup:
        return LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _alias(self, settings: Settings) -> Alias:
        return Alias(
            self,
            "Alias",
            alias_name=LIVE_ALIAS,
            version=self.function.current_version,
            provisioned_concurrent_executions=settings.provisioned_concurrency,
        )
