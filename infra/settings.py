"""What is to be deployed, as the owner of a table says it, in one JSON document.

An unknown field, a missing one or a wrong value is refused, named, with what it may be.
What AWS would refuse only in the middle of a deployment is refused here, all of it at once: what
fields say of each other is in `infra.between_fields`. The other names are derived from the table's
and the suffix (`reconciler.deployment.names`).
Source: DynamoDB guide, "Naming rules", "Quotas"; Lambda guide, "Configuring scaling behavior for
SQS", "Lambda quotas".
"""

import json
from collections.abc import Collection
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as checked
from pydantic_core import from_json

from infra.api_settings import Api, Callback, Domain
from infra.between_fields import problems
from infra.schema_settings import MOST_SCHEMA, Adoption, Appsync, SchemaDocument, Workflow
from reconciler.deployment.names import MAX_SUFFIX, Names, home_of
from reconciler.deployment.table_document import (
    KEY,
    MOST_INDEXES,
    Index,
    Key,
    KeyLifetime,
    TableName,
    TtlAttribute,
)
from reconciler.deployment.tables import JOBS_KEPT_DAYS
from reconciler.deployment.versions import VersionAttributes
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES, OutsideWriters, OutsideWrites
from reconciler.errors import InvalidInput, bounded

Suffix = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$", max_length=MAX_SUFFIX)
]
KeyArn = Annotated[
    str, StringConstraints(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$")
]
Runbook = Annotated[str, StringConstraints(pattern=r"^(https?://[!-\"$-~]+)?$", max_length=500)]
WriterName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")]
LeadingKey = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_WHOLE = "a whole number from 1 on"
_NO_OBJECT = "the file must hold one JSON object"
_SWITCH = "true or false"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_PARTS: dict[str, type[BaseModel]] = {
    "partition_key": Key,
    "sort_key": Key,
    "indexes": Index,
    "api": Api,
    "domain": Domain,
    "appsync": Appsync,
    "workflow": Workflow,
    "adoption": Adoption,
    "callbacks": Callback,
    "version_attributes": VersionAttributes,
}


class Settings(_Part):
    """What the owner of a table says of a deployment: the table, its regions, and the options.

    suffix: the environment; a table that is made here has it in its name, too.
    regions: the first owns the table's stack. existing_table: the table is there already, and only
    reconcilers are deployed. table_keys: an existing table's customer-managed keys, by region.
    encryption: of a table that is made here. resolve_concurrency: for both queues together.
    account_concurrency: the account's quota of concurrent executions in each region: 1,000, unless
    AWS raised or lowered it; functions reserve theirs from it.
    redrive_minutes: how often dead letters are worked off without being asked; None: never.
    network: keep the functions in a network that they cannot leave. network_cidrs: its addresses,
    by region; empty: by the place in `regions`. approval: ask people about parked losses.
    ingest_schema: ingest the objects of a bucket by this schema, which `Schema.of` takes.
    ingest_job_days: for how long its jobs can be looked up.
    copies: by region, the other one to which S3 copies its evidence and its ingest's objects.
    outside_writers: whether anybody writes the table without the library. outside_writes: another
    thing, whether deletes made without it stand or are taken back. ttl_attribute: what the table's
    time-to-live is on, if not on the library's own; what it takes is not taken back.
    key_lifetime_minutes: for how long writers take idempotency keys, by the schema that says most.
    version_attributes: by which items without this library's metadata tell their writes apart,
    `reconciler.deployment.versions`.
    writers: policies to attach to the roles of those who write the table, by name; each with the
    partition keys that it is for, or an empty list for all.
    api: an HTTP door to the table in each region, `infra.api_settings`.
    appsync: a conflict handler for AppSync in each region, `infra.schema_settings`.
    workflow: one of keyed writes in each region. adoption: one that adopts the table's items.
    stream_lookup: to be raised when the table's stream was made anew, to have it looked up again.
    drills: make the role by which a failover drill pauses the table's replication.
    runbook: the address at which the team reads RUNBOOK.md, for the alarms' descriptions.
    """

    table: TableName = Field(
        description="3 to 255 of letters, digits and _ . -, a letter or digit first"
    )
    suffix: Suffix = Field(
        "", description=f"small letters, digits and hyphens inside, {MAX_SUFFIX} at most"
    )
    regions: tuple[str, ...] = Field(min_length=2, description="two names of AWS regions or more")
    partition_key: Key = Field(description=KEY)
    sort_key: Key | None = Field(None, description=KEY)
    indexes: tuple[Index, ...] = Field(
        (), max_length=MOST_INDEXES, description=f"{MOST_INDEXES} indexes at most"
    )
    existing_table: bool = False
    table_keys: dict[str, KeyArn] = Field({}, description="a key's ARN, arn:aws:kms:...:key/ID")
    encryption: Literal["customer_managed", "aws_owned"] = Field(
        "customer_managed", description="customer_managed or aws_owned"
    )
    contributor_insights: bool = False
    tags: dict[str, str] = Field({}, description="a text")
    tracing: bool = False
    log_items: bool = False
    detect_concurrency: int | None = Field(None, ge=1, description=_WHOLE)
    resolve_concurrency: int | None = Field(
        None, ge=4, le=2_000, description="from 4 to 2000, because a queue takes 2 to 1000"
    )
    account_concurrency: int = Field(1_000, ge=1, description=_WHOLE)
    snap_start: bool = False
    provisioned_concurrency: int | None = Field(None, ge=1, description=_WHOLE)
    stream_lookup: int = Field(1, ge=1, description=_WHOLE)
    redrive_minutes: int | None = Field(None, ge=5, le=1_440, description="from 5 to 1440 minutes")
    outside_writers: OutsideWriters = Field("expected", description="expected or none")
    outside_writes: OutsideWrites = Field("accept", description="accept or restore")
    ttl_attribute: TtlAttribute = Field("", description="the name of an attribute")
    key_lifetime_minutes: KeyLifetime = Field(
        KEY_LIFETIME_MINUTES, description="from 1 to 10080 minutes"
    )
    version_attributes: VersionAttributes | None = Field(
        None, description='attributes by their roles, such as {"version": "Version"}'
    )
    writers: dict[WriterName, Annotated[tuple[LeadingKey, ...], Field(max_length=20)]] = Field(
        {}, max_length=10, description="names in small letters, each with a list of leading keys"
    )
    api: Api | None = Field(None, description="an HTTP door: its table_schema and authorizer")
    appsync: Appsync | None = Field(
        None, description="a conflict handler: its table_schema and data_source_roles"
    )
    workflow: Workflow | None = Field(None, description="one of writes: its table_schema")
    adoption: Adoption | None = Field(None, description="one of a table: its table_schema")
    folds: bool = True
    pause_loops: bool = False
    custom_types: tuple[str, ...] = Field((), description="a list of modules' names")
    network: bool = False
    network_cidrs: dict[str, IPv4Network] = Field(
        {}, description="an IPv4 network without bits of a host, such as 10.70.0.0/16"
    )
    approval: bool = False
    ingest_schema: SchemaDocument = Field(
        {}, description=f"what Schema.of takes beside the table, in {MOST_SCHEMA} characters"
    )
    ingest_job_days: int = Field(
        JOBS_KEPT_DAYS, ge=15, le=3_650, description="from 15 to 3650 days"
    )
    copies: dict[str, str] = Field({}, description="the name of an AWS region")
    drills: bool = False
    runbook: Runbook = Field("", description="an http or https address without a #")

    @checked(mode="after")
    def _agrees(self) -> Self:
        """Refuse, all at once, what AWS would refuse late or what would not be what was meant."""
        if told := problems(self):
            raise ValueError("; ".join(told))
        return self

    def names(self, region: str) -> Names:
        """Return what the resources of a region are called."""
        suffixed = self.suffix and not self.existing_table
        return Names(f"{self.table}-{self.suffix}" if suffixed else self.table, region, self.suffix)

    @property
    def owner(self) -> str:
        """The region whose stack owns the table and all its replicas."""
        return self.regions[0]

    def adoption_in(self, region: str) -> Adoption | None:
        """Return the adoption, of the one region in which items are adopted."""
        return self.adoption if region == home_of(self.regions) else None

    @property
    def copied(self) -> tuple[str, ...]:
        """What the names of the buckets are told apart by that S3 copies, if it is to."""
        return ("evidence", *(["ingest"] if self.ingest_schema else []))

    @property
    def makes_keys(self) -> bool:
        """Whether the table gets customer-managed keys here."""
        return self.encryption == "customer_managed" and not self.existing_table


def read_settings(text: str) -> Settings:
    """Return the settings of a JSON document; InvalidInput names every field that is wrong."""
    try:
        given = from_json(text)
    except ValueError as problem:
        raise InvalidInput(f"settings: {_NO_OBJECT}: {bounded(str(problem))}") from None
    if not isinstance(given, dict):
        raise InvalidInput(f"settings: {_NO_OBJECT}")
    try:
        return Settings.model_validate_json(text)
    except ValidationError as problem:
        wrong = [each for each in problem.errors(include_url=False) if each["loc"]]
    told = [_told(each["type"], each["loc"], each["input"]) for each in wrong]
    fields = {str(each["loc"][0]) for each in wrong}
    told += problems(_sound(given, fields), fields)
    raise InvalidInput("settings: " + "; ".join(told))


def _sound(given: dict[str, Any], wrong: Collection[str]) -> Settings:
    """Return the settings as far as their fields are right, each read for itself."""
    sound = {
        name: TypeAdapter[Any](field.rebuild_annotation()).validate_python(given[name])
        for name, field in Settings.model_fields.items()
        if name in given and name not in wrong
    }
    return Settings.model_construct(_fields_set=set(given), **sound)


def _told(kind: str, place: tuple[int | str, ...], value: Any) -> str:
    """Return where a field is wrong, how, and what it may be."""
    model: type[BaseModel] | None = Settings
    fix = ""
    for step in place:
        fields = model.model_fields if model is not None else {}
        if step in fields:
            fix, model = fields[str(step)].description or _SWITCH, _PARTS.get(str(step))
    path = bounded(".".join(str(step)[:40] for step in place))
    if kind == "extra_forbidden":
        near = get_close_matches(str(place[-1]), fields, n=1)
        return f"{path}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return f"{path}: is missing; {fix}"
    return f"{path}: {fix}; it is {bounded(json.dumps(value, default=str)[:60])}"
