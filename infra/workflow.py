"""The workflow of keyed writes in one region: `reconciler.deployment.workflow` in a stack.

Callers start it with `states:StartExecution`, the idempotency key as the execution's name. Its
function writes the table here and reads it in every region; the state machine itself counts what
is not done.
Limit: a network leads to no other region, so the two do not go together.
Source: Step Functions guide, "Integrating AWS services"; CloudWatch guide, "Using condition keys to
limit access to CloudWatch namespaces".
"""

from collections.abc import Iterator

from aws_cdk import Aws, Fn
from aws_cdk.aws_kms import CfnKey
from constructs import Construct

from infra.arns import Arns
from infra.function import Work
from infra.functions import Functions
from infra.permissions import Statement, allow, know_replica, through
from infra.schema_settings import WithSchema, schema_text
from infra.settings import Settings
from infra.state_machine import Kind, Machine, state_machine
from reconciler.deployment.wiring import METRICS_NAMESPACE, WORKFLOW_HANDLER
from reconciler.deployment.workflow import WORKFLOW, Called, definition


class WriteWorkflow(Construct):
    """The state machine, and the function of `functions` that takes its steps."""

    def __init__(
        self,
        scope: Construct,
        asked: WithSchema,
        key: CfnKey,
        functions: Functions,
        may: list[Statement],
    ) -> None:
        super().__init__(scope, "WriteWorkflow")
        settings, arns, names = functions.settings, functions.arns, functions.arns.names
        name, keys = names.workflow_function, (settings.partition_key, settings.sort_key)
        statements = functions.statements(name, may)
        seconds = WORKFLOW.function_timeout_seconds
        function = functions.make(
            Work(name, WORKFLOW_HANDLER, seconds, statements, starts_warm=False),
            RECONCILER_SCHEMA=schema_text(settings, asked),
            RECONCILER_KEY_TYPES=",".join(each.type for each in keys if each is not None),
            RECONCILER_REGIONS=",".join(settings.regions),
        )
        called = Called(function.arn, names.table, names.region, Aws.PARTITION)
        machine = state_machine(
            self,
            Kind(arns, key, settings.tracing),
            Machine(names.write_state_machine, name),
            definition(called),
            [_count()],
        )
        self.outputs = {"WorkflowFunction": name, "WorkflowStateMachine": machine.ref}


def may_write(settings: Settings, arns: Arns, table_key: str | None) -> list[Statement]:
    """Return what the workflow's function may do: write here, read everywhere, announce."""
    others = in_others(settings, arns)
    return [
        know_replica(arns),
        allow("WriteItems", ["dynamodb:GetItem", "dynamodb:PutItem"], arns.table),
        allow("SeeItems", ["dynamodb:GetItem"], *(each.table for each in others)),
        allow("Announce", ["events:PutEvents"], arns.bus),
        *read_by_keys(settings, others, table_key),
    ]


def in_others(settings: Settings, arns: Arns) -> list[Arns]:
    """Return what is called the same in the table's other regions."""
    return [arns.in_region(each) for each in settings.regions if each != arns.names.region]


def read_by_keys(
    settings: Settings, others: list[Arns], table_key: str | None
) -> Iterator[Statement]:
    """Yield that items of the other regions may be decrypted by the table's keys there."""
    for place, arns in enumerate(others):
        region = arns.names.region
        if settings.makes_keys and table_key:
            shared = Fn.select(1, Fn.split("/", table_key))  # the id of a multi-Region key
            key = arns.of("kms", f"key/{shared}")
        elif region in settings.table_keys:
            key = settings.table_keys[region]
        else:
            continue
        reads = allow(f"ReadByKey{place}", ["kms:Decrypt", "kms:DescribeKey"], key)
        yield through(reads, [f"dynamodb.{region}.amazonaws.com"])


def _count() -> Statement:
    only_ours = {"StringEquals": {"cloudwatch:namespace": METRICS_NAMESPACE}}
    return {**allow("CountWrites", ["cloudwatch:PutMetricData"], "*"), "Condition": only_ours}
