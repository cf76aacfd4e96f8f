"""What the settings say of each other, and what AWS says of them: mistakes that no field has alone.

What is of the table alone is in `reconciler.deployment.table_rules`, for who needs no more.
Each rule names the fields it reads, and is left out when one of them is wrong in itself;
all others are heard, so that all mistakes are told at once.
Source: DynamoDB guide, "Naming rules", "Quotas"; Lambda guide, "Lambda quotas"; S3 guide, "Bucket
naming rules"; VPC guide, "VPC CIDR blocks"; CloudFormation and IAM API References, Tag; botocore's
list of regions.
"""

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from ipaddress import IPv4Network
from itertools import combinations
from typing import TYPE_CHECKING

from botocore.loaders import Loader

from infra.api_settings import api_agrees
from infra.between_concurrency import concurrency, warm_starts
from infra.schema_settings import adoption_agrees, appsync_agrees, workflow_agrees
from reconciler.deployment import table_rules
from reconciler.deployment.names import is_module_name, partition_of
from reconciler.deployment.regions import no_such_region
from reconciler.deployment.table_rules import shown

if TYPE_CHECKING:
    from infra.settings import Settings

_LARGEST, _SMALLEST = 16, 24  # what a VPC may be, and what leaves room in both its halves
_PRIVATE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
_LONGEST_NAME, _MOST_TAGS = 255, 50
_LONGEST_MODULES = 2_000  # characters: all variables of a function have 4 KB
_OF_THE_TABLE = {"sort_key", "indexes", "encryption", "contributor_insights"}
_BUCKETS_BEGIN = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKETS_END = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")
_TAG = re.compile(r"[\w .:/=+\-@]*")

_OF_A_SCHEMA = frozenset(
    {"table", "suffix", "regions", "existing_table", "partition_key", "sort_key"}
    | {"ttl_attribute", "key_lifetime_minutes", "custom_types"}
)

Rule = Callable[["Settings"], Iterator[str]]


def problems(settings: "Settings", wrong: Collection[str] = ()) -> list[str]:
    """Return what is wrong, each with its path; fields `wrong` in themselves are not compared."""
    return [
        problem
        for rule, reads in _RULES.items()
        if reads.isdisjoint(wrong)
        for problem in rule(settings)
    ]


def _regions(settings: "Settings") -> Iterator[str]:
    for place, region in enumerate(settings.regions):
        yield from _unknown(f"regions.{place}", region)
    if len(set(settings.regions)) != len(settings.regions):
        yield "regions: one is named twice"
    partitions = sorted({partition_of(region) for region in settings.regions})
    if len(partitions) > 1:
        yield f"regions: a table has replicas in one partition, not in {' and '.join(partitions)}"


def _unknown(path: str, region: str) -> Iterator[str]:
    if region not in (known := _known_regions()):
        yield f"{path}: {no_such_region(region, known)}"


@cache
def _known_regions() -> frozenset[str]:
    partitions = Loader().load_data("partitions")["partitions"]
    return frozenset(
        name for each in partitions for name in each["regions"] if "global" not in name
    )


def _existing(settings: "Settings") -> Iterator[str]:
    of_the_table = _OF_THE_TABLE & settings.model_fields_set if settings.existing_table else set()
    if of_the_table:
        yield f"{', '.join(sorted(of_the_table))}: an existing_table has its own; leave them out"


def _names(settings: "Settings") -> Iterator[str]:
    if len(settings.names(settings.owner).table) > _LONGEST_NAME:
        yield f"suffix: the table's name and it are longer than {_LONGEST_NAME} characters together"
    bucket = settings.names(settings.owner).evidence_bucket
    for kept in _BUCKETS_BEGIN:
        if bucket.startswith(kept):
            yield f"table: S3 keeps bucket names that begin with {kept} for itself"
    for kept in _BUCKETS_END:
        if bucket.endswith(kept):
            yield f"suffix: S3 keeps bucket names that end in {kept} for itself"


def _table_keys(settings: "Settings") -> Iterator[str]:
    keys = settings.table_keys
    if keys and not settings.existing_table:
        yield "table_keys: only for an existing_table; others get keys of their own"
    elif keys and set(keys) != set(settings.regions):
        yield "table_keys: each region has a key of its own, so name all of them"
    for region, arn in keys.items():
        _, partition, _, its_region, *_ = arn.split(":")
        if its_region != region:
            yield f"table_keys.{shown(region)}: the key is one of {its_region}"
        elif partition != partition_of(region):
            yield f"table_keys.{region}: the key is one of partition {partition}"


def _version_attributes(settings: "Settings") -> Iterator[str]:
    if settings.version_attributes is None:
        return
    keys = [key.name for key in (settings.partition_key, settings.sort_key) if key is not None]
    for role, name in settings.version_attributes:
        if name in keys:
            yield f"version_attributes.{role}: '{shown(name)}' is of the key, which never changes"
    for mistake in settings.version_attributes.mistakes():
        yield f"version_attributes: {mistake}"


def _writers(settings: "Settings") -> Iterator[str]:
    if settings.partition_key.type != "S" and any(settings.writers.values()):
        yield "writers: IAM compares leading keys as texts, and the partition key is none"


def _tags(settings: "Settings") -> Iterator[str]:
    if len(settings.tags) > _MOST_TAGS:
        yield f"tags: AWS takes {_MOST_TAGS} at most"
    for name, value in settings.tags.items():
        path = f"tags.{shown(name)}"
        if name.lower().startswith("aws:") or not 1 <= len(name) <= 128:
            yield f"{path}: a key of 1 to 128 characters that does not begin with aws:"
        if not 1 <= len(value) <= 256:
            yield f"{path}: a value of 1 to 256 characters"
        if not (_TAG.fullmatch(name) and _TAG.fullmatch(value)):
            yield f"{path}: letters, digits, blanks and _ . : / = + - @ alone"
    for one, other in combinations(sorted(settings.tags), 2):
        if one.casefold() == other.casefold():
            yield f"tags: {shown(one)} and {shown(other)} are one name to IAM; leave one out"


def _custom_types(settings: "Settings") -> Iterator[str]:
    for name in settings.custom_types:
        if not is_module_name(name):
            yield f"custom_types: '{shown(name)}' is no module's name, such as shop.merging"
    if len(",".join(settings.custom_types)) > _LONGEST_MODULES:
        yield f"custom_types: the names are longer than {_LONGEST_MODULES} characters together"


def _network(settings: "Settings") -> Iterator[str]:
    cidrs = settings.network_cidrs
    if cidrs and not settings.network:
        yield "network_cidrs: only with network"
    if cidrs and set(cidrs) != set(settings.regions):
        yield "network_cidrs: networks must be apart, so name all regions' or none"
    for region, addresses in cidrs.items():
        path = f"network_cidrs.{shown(region)}"
        if not _LARGEST <= addresses.prefixlen <= _SMALLEST:
            yield f"{path}: from /{_LARGEST} to /{_SMALLEST}"
        if not any(addresses.subnet_of(private) for private in _PRIVATE):
            yield f"{path}: private addresses: {', '.join(map(str, _PRIVATE))}"
    for (one, its), (other, others) in combinations(cidrs.items(), 2):
        if its.overlaps(others):
            yield f"network_cidrs: those of {shown(one)} and {shown(other)} overlap"


def _copies(settings: "Settings") -> Iterator[str]:
    for region, peer in settings.copies.items():
        path = f"copies.{shown(region)}"
        if region not in settings.regions:
            yield f"{path}: it is none of the regions"
        elif peer == region:
            yield f"{path}: copies go to another region"
        elif peer not in _known_regions():
            yield from _unknown(path, peer)
        elif partition_of(peer) != partition_of(region):
            yield f"{path}: S3 copies nothing from one partition to another"


_RULES: dict[Rule, frozenset[str]] = {
    _regions: frozenset({"regions"}),
    warm_starts: frozenset({"snap_start", "provisioned_concurrency"}),
    concurrency: frozenset(
        {"detect_concurrency", "resolve_concurrency", "provisioned_concurrency"}
        | {"account_concurrency", "api"}
    ),
    _existing: frozenset({"existing_table"}),
    _names: frozenset({"table", "suffix", "regions", "existing_table"}),
    _table_keys: frozenset({"table_keys", "regions", "existing_table"}),
    table_rules.key_kinds: frozenset({"partition_key", "sort_key", "indexes"}),
    table_rules.index_names: frozenset({"indexes"}),
    table_rules.ttl_attribute: frozenset({"ttl_attribute", "partition_key", "sort_key", "indexes"}),
    _version_attributes: frozenset({"version_attributes", "partition_key", "sort_key"}),
    _writers: frozenset({"writers", "partition_key"}),
    _tags: frozenset({"tags"}),
    _custom_types: frozenset({"custom_types"}),
    api_agrees: _OF_A_SCHEMA | {"api", "indexes"},
    appsync_agrees: _OF_A_SCHEMA | {"appsync"},
    workflow_agrees: _OF_A_SCHEMA | {"workflow", "network"},
    adoption_agrees: _OF_A_SCHEMA | {"adoption", "network"},
    _network: frozenset({"network", "network_cidrs", "regions"}),
    _copies: frozenset({"copies", "regions"}),
}
