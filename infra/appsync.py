"""The conflict handler of AppSync in one region: a function that merges, and who may call it.

AppSync calls a conflict handler as the role of the data source that has the conflict, so these
roles may invoke it, and nobody else. It merges what it is told and has no right to any item.
Limit: the API, its data sources and their resolvers are the team's own. A role must be there before
the function is deployed: Lambda refuses a principal that it does not know.
Source: AppSync guide, "Conflict detection and resolution"; Lambda API reference, AddPermission.
"""

from aws_cdk.aws_lambda import CfnPermission
from constructs import Construct

from infra.function import Work
from infra.functions import Functions
from infra.schema_settings import Appsync, schema_text
from reconciler.deployment.wiring import APPSYNC_HANDLER

_SECONDS = 10  # AppSync's client waits for it


class ConflictHandler(Construct):
    """The permissions of the function that `functions` makes; `outputs` name it."""

    def __init__(self, scope: Construct, asked: Appsync, functions: Functions) -> None:
        super().__init__(scope, "ConflictHandler")
        name = functions.arns.names.appsync_function
        work = Work(name, APPSYNC_HANDLER, _SECONDS, functions.statements(name, []))
        function = functions.make(
            work,
            RECONCILER_SCHEMA=schema_text(functions.settings, asked),
            RECONCILER_APPSYNC_POLICY=asked.policy,
        )
        for place, role in enumerate(asked.data_source_roles):
            CfnPermission(
                self,
                f"Permission{place}",
                action="lambda:InvokeFunction",
                function_name=function.arn,
                principal=role,
            )
        self.outputs = {"AppsyncFunction": function.arn}
