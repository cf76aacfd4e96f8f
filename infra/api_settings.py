"""What the owner of a table says of its HTTP door, and how that agrees with the rest.

Source: API Gateway guide, "Control access to HTTP APIs with JWT authorizers", "Throttle requests".
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from infra.schema_settings import WithSchema, schema_agrees
from reconciler.deployment.names import partition_of

if TYPE_CHECKING:
    from infra.settings import Index, Settings

_MOST_INDEXES = 600  # beside the schema: all variables of a function have 4 KB
_WHOLE = "a whole number from 1 on"
_Issuer = Annotated[str, StringConstraints(pattern=r"^(https://[!-~]+)?$", max_length=500)]
_Client = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=500)]
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


class Api(WithSchema):
    """The HTTP door. authorizer: who tells callers apart; issuer, audience, scope_prefix: of a jwt.

    rate: requests a second of all callers together, and burst: at once; API Gateway refuses more
    with 429. concurrency: reserved for the function. keys_required: refuse writes without an
    idempotency key. domain: its own name, which leads to a region that is well.
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
    yield from schema_agrees(settings, "api", door)
    if len(indexes_text(indexes_served(settings))) > _MOST_INDEXES:
        yield f"indexes: with api, those that project ALL have {_MOST_INDEXES} characters as JSON"


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
