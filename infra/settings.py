"""What is to be deployed, as the owner of a table says it, in one JSON document.

Behaviour: an unknown field, a missing one or a wrong value is refused, named, with what it may be.
Source: DynamoDB guide, "Naming rules"; the other names are derived from the table's and the suffix
(`reconciler.deployment.names`).
"""

from ipaddress import IPv4Network
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as checked

from reconciler.deployment.names import MAX_SUFFIX, Names, checked_region
from reconciler.errors import InvalidInput, ReconcilerError

TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$")]
Suffix = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$", max_length=MAX_SUFFIX)
]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/.+$")]
Runbook = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s#]+)?$", max_length=500)]

_LARGEST, _SMALLEST = 16, 24  # what a VPC may be, and what leaves room in both its halves
_OF_THE_TABLE = {"sort_key", "indexes", "encryption", "contributor_insights"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Part):
    """An attribute of a key: a string, a number or binary."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    type: Literal["S", "N", "B"] = "S"


class Index(_Part):
    """A global secondary index."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
    partition_key: Key
    sort_key: Key | None = None
    projection: Literal["ALL", "KEYS_ONLY"] = "ALL"


class Settings(_Part):
    """A table, its regions, and the reconciler's options.

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
    indexes: tuple[Index, ...] = ()
    existing_table: bool = False
    table_keys: dict[str, KeyArn] = {}
    encryption: Literal["customer_managed", "aws_owned"] = "customer_managed"
    contributor_insights: bool = False
    tags: dict[str, str] = {}
    tracing: bool = False
    detect_concurrency: Annotated[int, Field(ge=1)] | None = None
    resolve_concurrency: Annotated[int, Field(ge=4)] | None = None
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
        for region in self.regions:
            try:
                checked_region(region)
            except ReconcilerError as problem:
                raise ValueError(f"regions: {problem}") from None
        if len(set(self.regions)) != len(self.regions):
            raise ValueError("regions: one is named twice")
        if self.snap_start and self.provisioned_concurrency:
            raise ValueError("snap_start and provisioned_concurrency: Lambda takes one of them")
        limits = filter(None, (self.detect_concurrency, self.resolve_concurrency))
        if self.provisioned_concurrency and any(self.provisioned_concurrency > n for n in limits):
            raise ValueError("provisioned_concurrency: it is more than a function's concurrency")
        of_the_table = _OF_THE_TABLE & self.model_fields_set if self.existing_table else set()
        if of_the_table:
            named = ", ".join(sorted(of_the_table))
            raise ValueError(f"{named}: an existing_table has its own; leave them out")
        if self.table_keys and not self.existing_table:
            raise ValueError("table_keys: only for an existing_table; others get keys of their own")
        if self.table_keys and set(self.table_keys) != set(self.regions):
            raise ValueError("table_keys: each region has a key of its own, so name all of them")
        return self

    @checked(mode="after")
    def _networks_are_apart(self) -> Self:
        cidrs = self.network_cidrs
        if cidrs and not self.network:
            raise ValueError("network_cidrs: only with network")
        if cidrs and set(cidrs) != set(self.regions):
            raise ValueError("network_cidrs: networks must be apart, so name all regions' or none")
        for region, addresses in cidrs.items():
            if not _LARGEST <= addresses.prefixlen <= _SMALLEST:
                raise ValueError(f"network_cidrs.{region}: from /{_LARGEST} to /{_SMALLEST}")
        for (one, its), (other, others) in combinations(cidrs.items(), 2):
            if its.overlaps(others):
                raise ValueError(f"network_cidrs: those of {one} and {other} overlap")
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
