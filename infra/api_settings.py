"""What the owner of a table says of its HTTP door, and how that agrees with the rest.

Source: API Gateway guide, "Control access to HTTP APIs with JWT authorizers", "Throttle requests".
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from infra.schema_settings import WithSchema, definition, schema_agrees
from reconciler.api.tmf632.party import holds_parties
from reconciler.deployment.names import partition_of
from reconciler.item.schema import Schema

if TYPE_CHECKING:
    from infra.settings import Settings
    from reconciler.deployment.table_document import Index

_MOST_INDEXES = 600  # beside the schema: all variables of a function have 4 KB
_WHOLE = "a whole number from 1 on"
_Issuer = Annotated[str, StringConstraints(pattern=r"^(https://[!-~]+)?$", max_length=500)]
_Client = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=500)]
# HAZARD if it took addresses in digits: those of networks inside would be among them.
_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?"
_Url = Annotated[
    str, StringConstraints(pattern=rf"^https://{_HOST}(/[!-\"$-Z\[-~]*)?$", max_length=2_048)
]
_Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]
_Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@-]+$", max_length=200)]
_Name = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=64
    ),
]
_Zone = Annotated[str, StringConstraints(pattern=r"^Z[A-Z0-9]{1,31}$")]
_Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]*$", max_length=100)]


class Domain(BaseModel):
    """The door's own name, for all regions. hosted_zone: the id of its public zone in Route 53.

    firewall: let CloudFront and a WAF stand before it. rate: requests of one address in five
    minutes; the WAF refuses more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name = Field(description="a name in small letters, such as api.parties.example.com")
    hosted_zone: _Zone = Field(description="the id of a public hosted zone, such as Z0123456789AB")
    firewall: bool = False
    rate: int = Field(
        2_000, ge=10, le=2_000_000_000, description="from 10 to 2000000000 in five minutes"
    )

    def of(self, region: str) -> str:
        """Return the name by which one region's door is called."""
        return f"{region}.{self.name}"

    @property
    def routed(self) -> str:
        """The name that Route 53 leads to a region: what callers use, or what CloudFront does."""
        return f"routed.{self.name}" if self.firewall else self.name


class Callback(BaseModel):
    """An address that subscribers may have events of parties sent to.

    header: by which EventBridge signs in there; secret: the name of the secret with its value, in
    Secrets Manager of each region.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: _Url = Field(description="an https address of a host with a name, at port 443")
    header: _Header = Field(description="the name of a header, such as x-api-key")
    secret: _Secret = Field(description="the name of a secret in Secrets Manager")


class Api(WithSchema):
    """The HTTP door. authorizer: who tells callers apart; issuer, audience, scope_prefix: of a jwt.

    rate: requests a second of all callers together, and burst: at once; API Gateway refuses more
    with 429. concurrency: reserved for the function. keys_required: refuse writes without an
    idempotency key. domain: its own name, which leads to a region that is well. callbacks: where
    events of parties may be sent.
    """

    authorizer: Literal["iam", "jwt"] = Field(description="iam or jwt")
    issuer: _Issuer = Field("", description="the https address of who issues the tokens")
    audience: tuple[_Client, ...] = Field((), max_length=50, description="a list of audiences")
    scope_prefix: _Prefix = Field("reconciler/", description="what scopes begin with")
    rate: int = Field(500, ge=1, description=_WHOLE)
    burst: int = Field(250, ge=1, description=_WHOLE)
    concurrency: int | None = Field(None, ge=1, description=_WHOLE)
    keys_required: bool = False
    domain: Domain | None = Field(None, description="a name of its own: its name and hosted_zone")
    callbacks: tuple[Callback, ...] = Field((), max_length=20, description="20 callbacks at most")


def indexes_served(settings: "Settings") -> "Sequence[Index]":
    """Return the indexes by which lists are filtered: one of keys hides what is deleted."""
    return [index for index in settings.indexes if index.projection == "ALL"]


def indexes_text(indexes: "Sequence[Index]") -> str:
    """Return the JSON of indexes as the door's function is told them."""
    told = [index.model_dump(exclude={"projection"}, exclude_none=True) for index in indexes]
    return json.dumps(told, separators=(",", ":"))


def api_agrees(settings: "Settings") -> Iterator[str]:
    """Yield what is wrong with the door."""
    door = settings.api
    if door is None:
        return
    yield from _callers(settings, door)
    wrong = list(schema_agrees(settings, "api", door))
    yield from wrong
    if len(indexes_text(indexes_served(settings))) > _MOST_INDEXES:
        yield f"indexes: with api, those that project ALL have {_MOST_INDEXES} characters as JSON"
    urls = [each.url for each in door.callbacks]
    yield from (
        f"api.callbacks: two have {url}" for url in sorted(set(urls)) if urls.count(url) > 1
    )
    if urls and not wrong and not holds_parties(Schema.of(**definition(settings, door))):
        yield "api.callbacks: only for a table of parties, whose table_schema has theirs"


def _callers(settings: "Settings", door: Api) -> Iterator[str]:
    """Yield what is wrong with who may call, and by which name."""
    given = bool(door.issuer), bool(door.audience)
    if door.authorizer == "jwt" and not all(given):
        yield "api.issuer, api.audience: a jwt authorizer needs both"
    if door.authorizer == "iam" and any(given):
        yield "api.issuer, api.audience: only with the authorizer jwt"
    if door.authorizer == "iam" and door.domain:
        yield "api.domain: needs the authorizer jwt: an IAM signature is for one region"
    if door.domain and door.domain.firewall and partition_of(settings.owner) != "aws":
        yield "api.domain.firewall: CloudFront is in the partition aws alone"
