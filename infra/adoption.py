"""The adoption of the table's items: `reconciler.deployment.adoption` in the stack of one region.

HAZARD if it were in two: items are stamped in one region alone, see `reconciler.sweeping.adoption`.
Its function reads all replicas and stamps the one here; the state machine starts the executions of
its segments, and takes them up again when its own is redriven.
Limit: a network leads to no other region, so the two do not go together.
Source: Step Functions guide, "IAM policies for using Distributed Map states".
"""

from aws_cdk import Aws
from aws_cdk.aws_kms import CfnKey
from constructs import Construct

from infra.arns import Arns
from infra.function import Work
from infra.functions import Functions
from infra.permissions import Statement, allow
from infra.schema_settings import Adoption, schema_text
from infra.settings import Settings
from infra.state_machine import Kind, Machine, state_machine
from infra.workflow import in_others, read_by_keys
from reconciler.deployment.adoption import ADOPTION, LABEL, definition
from reconciler.deployment.wiring import ADOPT_HANDLER


class AdoptionWorkflow(Construct):
    """The state machine, and the function of `functions` that takes its steps."""

    def __init__(
        self,
        scope: Construct,
        asked: Adoption,
        key: CfnKey,
        functions: Functions,
        may: list[Statement],
    ) -> None:
        super().__init__(scope, "Adoption")
        settings, arns, names = functions.settings, functions.arns, functions.arns.names
        name, seconds = names.adopt_function, ADOPTION.function_timeout_seconds
        statements = functions.statements(name, may)
        function = functions.make(
            Work(name, ADOPT_HANDLER, seconds, statements, starts_warm=False),
            RECONCILER_SCHEMA=schema_text(settings, asked),
            RECONCILER_REGIONS=",".join(settings.regions),
        )
        machine = state_machine(
            self,
            Kind(arns, key, settings.tracing),
            Machine(names.adopt_state_machine, name, LABEL),
            definition(function.arn, Aws.PARTITION),
            _segments(arns),
        )
        self.outputs = {"AdoptFunction": name, "AdoptStateMachine": machine.ref}


def may_adopt(settings: Settings, arns: Arns, table_key: str | None) -> list[Statement]:
    """Return what the adoption's function may do: read every replica, stamp the one here."""
    others = in_others(settings, arns)
    looks = ["dynamodb:BatchGetItem", "dynamodb:DescribeTable"]
    return [
        allow("AdoptItems", [*looks, "dynamodb:Scan", "dynamodb:UpdateItem"], arns.table),
        allow("SeeItems", looks, *(each.table for each in others)),
        *read_by_keys(settings, others, table_key),
    ]


def _segments(arns: Arns) -> list[Statement]:
    """Return what the machine may do with the executions of its map, which are its own."""
    name = arns.names.adopt_state_machine
    segments = arns.of("states", f"execution:{name}/{LABEL}:*")
    own = arns.of("states", f"execution:{name}:*")
    watch = ["states:DescribeExecution", "states:StopExecution"]
    return [
        allow("StartSegments", ["states:StartExecution"], arns.state_machine(name)),
        allow("WatchSegments", watch, own, segments),
        allow("RedriveSegments", ["states:RedriveExecution"], segments),
    ]
