"""What is to be deployed, as the owner of a table says it, in one JSON document.

An unknown field, a missing one or a wrong value is refused, named, with what it may be.
What AWS would refuse only in the middle of a deployment is refused here, all of it at once.
HAZARD if an index gave the table's key another type: the table's key would silently change.
Source: DynamoDB guide, "Naming rules", "Quotas"; Lambda guide, "Configuring scaling behavior for
SQS"; VPC guide, "VPC CIDR blocks"; Tagging AWS Resources, "Limits". The other names are derived
from the table's and the suffix (`reconciler.deployment.names`).
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as checked

from reconciler.deployment.names import MAX_SUFFIX, Names, checked_region, partition_of
from reconciler.errors import InvalidInput, ReconcilerError

TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$")]
Suffix = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$", max_length=MAX_SUFFIX)
]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/.+$")]
Runbook = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s#]+)?$", max_length=500)]

_LARGEST, _SMALLEST = 16, 24  # what a VPC may be, and what leaves room in both its halves
_PRIVATE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
_RESERVED = "_rec"
_LONGEST_NAME, _MOST_TAGS = 255, 50
_OF_THE_TABLE = {"sort_key", "indexes", "encryption", "contributor_insights"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Part):
    """One attribute of the key of a table or index: a string, a number or binary."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    type: Literal["S", "N", "B"] = "S"


class Index(_Part):
    """One of the table's global secondary indexes, with its own key."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
    partition_key: Key
    sort_key: Key | None = None
    projection: Literal["ALL", "KEYS_ONLY"] = "ALL"


class Settings(_Part):
    """What the owner of a table says of a deployment: the table, its regions, and the options.

    suffix: the environment; a table that is made here has it in its name, too.
    regions: the first owns the table's stack. existing_table: the table is there already, and only
    reconcilers are deployed. table_keys: an existing table's customer-managed keys, by region.
    encryption: of a table that is made here. resolve_concurrency: for both queues together.
    redrive_minutes: how often dead letters are worked off without being asked; None: never.
    network: keep the functions in a network that they cannot leave. network_cidrs: its addresses,
    by region; empty: by the place in `regions`. approval: ask people about parked losses.
    stream_lookup: to be raised when the table's stream was made anew, to have it looked up again.
    drills: make the role by which a failover drill pauses the table's replication.
    runbook: the address at which the team reads RUNBOOK.md, for the alarms' descriptions.
    """

    table: TableName
    suffix: Suffix = ""
    regions: Annotated[tuple[str, ...], Field(min_length=2)]
    partition_key: Key
    sort_key: Key | None = None
    indexes: Annotated[tuple[Index, ...], Field(max_length=20)] = ()
    existing_table: bool = False
    table_keys: dict[str, KeyArn] = {}
    encryption: Literal["customer_managed", "aws_owned"] = "customer_managed"
    contributor_insights: bool = False
    tags: dict[str, str] = {}
    tracing: bool = False
    log_items: bool = False
    detect_concurrency: Annotated[int, Field(ge=1)] | None = None
    resolve_concurrency: Annotated[int, Field(ge=4, le=2_000)] | None = None
    snap_start: bool = False
    provisioned_concurrency: Annotated[int, Field(ge=1)] | None = None
    stream_lookup: Annotated[int, Field(ge=1)] = 1
    redrive_minutes: Annotated[int, Field(ge=5, le=1_440)] | None = None
    outside_writes: Literal["accept", "restore"] = "accept"
    folds: bool = True
    pause_loops: bool = False
    custom_types: tuple[str, ...] = ()
    network: bool = False
    network_cidrs: dict[str, IPv4Network] = {}
    approval: bool = False
    drills: bool = False
    runbook: Runbook = ""

    @checked(mode="after")
    def _agrees(self) -> Self:
        """Refuse, all at once, what AWS would refuse late or what would not be what was meant."""
        rules = (_regions, _concurrency, _table, _tags, _custom_types, _network)
        problems = [problem for rule in rules for problem in rule(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def names(self, region: str) -> Names:
        """Return what the resources of a region are called."""
        suffixed = self.suffix and not self.existing_table
        return Names(f"{self.table}-{self.suffix}" if suffixed else self.table, region, self.suffix)

    @property
    def owner(self) -> str:
        """The region whose stack owns the table and all its replicas."""
        return self.regions[0]

    @property
    def makes_keys(self) -> bool:
        """Whether the table gets customer-managed keys here."""
        return self.encryption == "customer_managed" and not self.existing_table


def _regions(settings: Settings) -> Iterator[str]:
    for place, region in enumerate(settings.regions):
        try:
            checked_region(region)
        except ReconcilerError as problem:
            yield f"regions.{place}: {problem}"
    if len(set(settings.regions)) != len(settings.regions):
        yield "regions: one is named twice"
    partitions = {partition_of(region) for region in settings.regions}
    if len(partitions) > 1:
        yield f"regions: a table has replicas in one partition, not in {' and '.join(partitions)}"


def _concurrency(settings: Settings) -> Iterator[str]:
    provisioned = settings.provisioned_concurrency
    if settings.snap_start and provisioned:
        yield "snap_start and provisioned_concurrency: Lambda takes one of them"
    limits = filter(None, (settings.detect_concurrency, settings.resolve_concurrency))
    if provisioned and any(provisioned > limit for limit in limits):
        yield "provisioned_concurrency: it is more than a function's concurrency"


def _table(settings: Settings) -> Iterator[str]:
    of_the_table = _OF_THE_TABLE & settings.model_fields_set if settings.existing_table else set()
    if of_the_table:
        named = ", ".join(sorted(of_the_table))
        yield f"{named}: an existing_table has its own; leave them out"
    if len(settings.names(settings.owner).table) > _LONGEST_NAME:
        yield f"suffix: the table's name and it are longer than {_LONGEST_NAME} characters together"
    yield from _table_keys(settings)
    yield from _key_kinds(settings)
    names = [index.name for index in settings.indexes]
    yield from (
        f"indexes: two are named {name}" for name in sorted(set(names)) if names.count(name) > 1
    )


def _table_keys(settings: Settings) -> Iterator[str]:
    keys = settings.table_keys
    if keys and not settings.existing_table:
        yield "table_keys: only for an existing_table; others get keys of their own"
    elif keys and set(keys) != set(settings.regions):
        yield "table_keys: each region has a key of its own, so name all of them"
    for region, arn in keys.items():
        if arn.split(":")[3] != region:
            yield f"table_keys.{region}: the key is one of {arn.split(':')[3]}"


def _key_kinds(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the keys: DynamoDB keeps one type for each attribute's name."""
    keys = {"partition_key": settings.partition_key, "sort_key": settings.sort_key}
    for place, index in enumerate(settings.indexes):
        keys[f"indexes.{place}.partition_key"] = index.partition_key
        keys[f"indexes.{place}.sort_key"] = index.sort_key
        if index.name.startswith(_RESERVED):
            yield f"indexes.{place}.name: names that begin with {_RESERVED} are reserved"
    kinds: dict[str, tuple[str, str]] = {}
    for path, key in keys.items():
        if key is None:
            continue
        if key.name.startswith(_RESERVED):
            yield f"{path}: names that begin with {_RESERVED} are reserved"
        first, kind = kinds.setdefault(key.name, (path, key.type))
        if kind != key.type:
            yield f"{path}: {key.name} is of type {key.type} here and of {kind} in {first}"
        if path.endswith("sort_key"):
            partner = keys[path.removesuffix("sort_key") + "partition_key"]
            if partner is not None and partner.name == key.name:
                yield f"{path}: {key.name} is the partition key, too"


def _tags(settings: Settings) -> Iterator[str]:
    if len(settings.tags) > _MOST_TAGS:
        yield f"tags: AWS takes {_MOST_TAGS} at most"
    for name, value in settings.tags.items():
        if name.lower().startswith("aws:") or not 1 <= len(name) <= 128 or len(value) > 256:
            yield (
                f"tags.{name[:40]}: 1 to 128 characters that do not begin with aws:,"
                " and a value of at most 256"
            )


def _custom_types(settings: Settings) -> Iterator[str]:
    for name in settings.custom_types:
        if not all(part.isidentifier() for part in name.split(".")):
            yield f"custom_types: {name!r} is no module's name, such as shop.merging"


def _network(settings: Settings) -> Iterator[str]:
    cidrs = settings.network_cidrs
    if cidrs and not settings.network:
        yield "network_cidrs: only with network"
    if cidrs and set(cidrs) != set(settings.regions):
        yield "network_cidrs: networks must be apart, so name all regions' or none"
    for region, addresses in cidrs.items():
        if not _LARGEST <= addresses.prefixlen <= _SMALLEST:
            yield f"network_cidrs.{region}: from /{_LARGEST} to /{_SMALLEST}"
        if not any(addresses.subnet_of(private) for private in _PRIVATE):
            yield f"network_cidrs.{region}: private addresses: {', '.join(map(str, _PRIVATE))}"
    for (one, its), (other, others) in combinations(cidrs.items(), 2):
        if its.overlaps(others):
            yield f"network_cidrs: those of {one} and {other} overlap"


def read_settings(text: str) -> Settings:
    """Return the settings of a JSON document; InvalidInput names every field that is wrong."""
    try:
        return Settings.model_validate_json(text)
    except ValidationError as problem:
        wrong = [
            ": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"])))
            for each in problem.errors()
        ]
        raise InvalidInput("settings: " + "; ".join(wrong)) from None
