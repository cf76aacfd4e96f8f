"""What the functions of the demo's cloud measured, as anybody would read it from CloudWatch."""

from reconciler.aws import now_ms
from reconciler.aws.cloudwatch import read_metrics
from reconciler.drills.workload import RECONCILED
from reconciler.errors import Unavailable
from reconciler.local.cloud import LocalCloud
from reconciler.metrics.readings import PanelReadings, window


def readings_since(cloud: LocalCloud, since_ms: int) -> dict[str, list[PanelReadings]]:
    """Return the panels of each region: all that its functions have sent since then."""
    asked = window(since_ms, now_ms(), least_seconds=1)

    def client_of(service: str, region: str) -> object:
        return cloud.client(service, region)

    found, problems = read_metrics(RECONCILED, cloud.regions, client_of, asked)
    if problems:
        raise Unavailable(f"the demo's metrics: {problems}")
    return found
