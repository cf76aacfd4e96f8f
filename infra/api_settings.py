"""What the owner of a table says of its HTTP door, and how that agrees with the rest.

The schema is given without `table` and `key`, which the deployment knows; so is `ttl_attribute`.
HAZARD if keys lived longer by the schema than the functions keep them: a write would count twice.
Source: API Gateway guide, "Control access to HTTP APIs with JWT authorizers", "Throttle requests".
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from reconciler.deployment.names import partition_of
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema

if TYPE_CHECKING:
    from infra.settings import Settings

_LONGEST = 2_000  # characters, with the modules' names: all variables of a function have 4 KB
_OF_THE_DEPLOYMENT = ("table", "key", "ttl_attribute")
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


class Api(BaseModel):
    """The HTTP door. authorizer: who tells callers apart; issuer, audience, scope_prefix: of a jwt.

    rate: requests a second of all callers together, and burst: at once; API Gateway refuses more
    with 429. concurrency: reserved for the function. keys_required: refuse writes without an
    idempotency key. domain: its own name, which leads to a region that is well.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table_schema: dict[str, Any] = Field(description="what Schema.of takes, as a JSON object")
    authorizer: Literal["iam", "jwt"] = Field(description="iam or jwt")
    issuer: _Issuer = Field("", description="the https address of who issues the tokens")
    audience: tuple[_Client, ...] = Field((), max_length=50, description="a list of audiences")
    scope_prefix: _Prefix = Field("reconciler/", description="what scopes begin with")
    rate: int = Field(500, ge=1, description=_WHOLE)
    burst: int = Field(250, ge=1, description=_WHOLE)
    concurrency: int | None = Field(None, ge=1, description=_WHOLE)
    keys_required: bool = False
    domain: Domain | None = Field(None, description="a name of its own: its name and hosted_zone")


def definition(settings: "Settings", door: Api) -> dict[str, Any]:
    """Return the whole of a door's schema, as `Schema.of` takes it."""
    keys = (settings.partition_key, settings.sort_key)
    known: dict[str, Any] = {
        "table": settings.names(settings.owner).table,
        "key": [key.name for key in keys if key is not None],
    }
    if settings.ttl_attribute:
        known["ttl_attribute"] = settings.ttl_attribute
    return {**door.table_schema, **known}


def schema_text(settings: "Settings", door: Api) -> str:
    """Return the JSON of a door's schema as its function is told it."""
    return json.dumps(definition(settings, door), separators=(",", ":"))


def api_agrees(settings: "Settings") -> Iterator[str]:
    """Yield what is wrong with the door."""
    door = settings.api
    if door is None:
        return
    yield from _callers(settings, door)
    known = [name for name in _OF_THE_DEPLOYMENT if name in door.table_schema]
    if known:
        yield f"api.table_schema: {', '.join(known)}: the deployment's own; leave it out"
        return
    modules = ",".join(settings.custom_types)
    if len(modules) + len(schema_text(settings, door)) > _LONGEST:
        yield f"api.table_schema: it and custom_types are longer than {_LONGEST} characters"
    try:
        lives = Schema.of(**definition(settings, door)).key_lifetime_minutes
    except InvalidInput as problem:
        told = str(problem).removeprefix("invalid schema: ").replace("Value error, ", "")
        yield f"api.table_schema: {json.dumps(told[:500])[1:-1]}"
    else:
        if lives > settings.key_lifetime_minutes:
            yield f"api.table_schema: its keys live {lives} minutes; raise key_lifetime_minutes"


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
