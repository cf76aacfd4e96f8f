"""The role by which AWS FIS pauses the replication of a region's replica, for a failover drill.

It has a name, by which the drill finds it. Only an experiment of this account in this region can
use it, on this table alone. Whoever may pass it to FIS may pause the table.
Source: FIS guide, "AWS FIS actions reference", "IAM roles for AWS FIS experiments".
"""

from constructs import Construct

from infra import permissions
from infra.arns import Arns
from infra.role import role


class DrillRole(Construct):
    """The role that a failover drill hands to FIS."""

    def __init__(self, scope: Construct, arns: Arns, stream_arn: str) -> None:
        super().__init__(scope, "Drill")
        may = permissions.drill(arns, stream_arn)
        source, name = arns.of("fis", "experiment/*"), arns.names.drill_role
        made = role(self, "fis.amazonaws.com", may, source=source, name=name)
        self.outputs = {"DrillRole": made.role_arn}
