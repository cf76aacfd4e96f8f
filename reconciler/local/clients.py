"""boto3 clients, and the environment that makes boto3 elsewhere talk to this cloud only."""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from reconciler.aws.clients import endpoint_environment
from reconciler.deployment.regions import no_such_region
from reconciler.local.errors import LocalCloudError

_KEY = "local"

# Loopback answers at once or not at all; a proxy named by the environment must not see the calls.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 1},  # only a write client may retry
    proxies={},
)


def check_regions(regions: Iterable[str]) -> None:
    """LocalCloudError if one is not among those that moto serves: where boto3 knows DynamoDB."""
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    known = {
        region
        for partition in resolver.get_available_partitions()
        for region in resolver.get_available_endpoints("dynamodb", partition)
    }
    for region in regions:
        if region not in known:
            raise LocalCloudError(f"regions: {no_such_region(region, known)}")


class Boto3Clients:
    """Clients by service and region, each made once."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._session = Session(aws_access_key_id=_KEY, aws_secret_access_key=_KEY)
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def get(self, service: str, *, region: str) -> Any:
        """Return the client for a service in a region."""
        with self._lock:
            if (service, region) not in self._made:
                make: Any = self._session.client
                self._made[service, region] = make(
                    service, region_name=region, endpoint_url=self._endpoint, config=_CONFIG
                )
            return self._made[service, region]


def aws_environment(region: str, endpoint: str) -> Mapping[str, str]:
    """Return the variables Lambda sets for an SDK, pointed at this cloud."""
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **endpoint_environment(endpoint),
    }
