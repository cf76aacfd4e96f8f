"""What the functions are told through their environment, read once, at the first invocation.

All mistakes are named at once, each with its variable and what to do about it.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from reconciler.deployment.names import Names, is_module_name
from reconciler.deployment.versions import EXAMPLE, VersionAttributes, parse_versions
from reconciler.deployment.wiring import KEY_LIFETIME_MINUTES, OutsideWriters, OutsideWrites
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import InvalidInput


def _is_on(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError
    return text == "on"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError
    return int(text)


def listed(text: str) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in text.split(",")] if text.strip() else []


def _module(name: str) -> str:
    if not is_module_name(name):
        raise ValueError
    return name


Regions = Annotated[
    tuple[str, ...],
    BeforeValidator(listed),
    Field(min_length=1, description="it lists the table's regions"),
]
Switch = Annotated[bool, PlainValidator(_is_on), Field(description="it is 'on' or 'off'")]
Count = Annotated[int, PlainValidator(_count), Field(description="it is a number from 1 on")]
_Modules = Annotated[
    tuple[Annotated[str, AfterValidator(_module)], ...],
    BeforeValidator(listed),
    Field(description="it lists module names, such as 'shop.merging'"),
]


def _versions(text: str) -> VersionAttributes | None:
    try:
        return parse_versions(text)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


_Versions = Annotated[
    VersionAttributes | None,
    PlainValidator(_versions),
    Field(description=f"it names attributes by their roles: '{EXAMPLE}'"),
]
_Policy = Annotated[OutsideWrites, Field(description="it is 'accept' or 'restore'")]
_Writers = Annotated[OutsideWriters, Field(description="it is 'expected' or 'none'")]
_Traced = Annotated[bool, PlainValidator(lambda text: text == "on")]


def _required(variable: str) -> Any:
    return Field(alias=variable, min_length=1)


class FunctionSettings(BaseModel):
    """The environment of a function, typed; each field's alias is its variable.

    `log_items`: logs may hold keys and values of items. `custom_types` are the modules that
    register merge functions. `outside_writers`: whether anybody writes the table without the
    library; `outside_writes`: what becomes of deletes made so; `ttl_attribute`: that of the table's
    own time-to-live; `version_attributes`: those of a version that items had before this library;
    `key_lifetime_minutes`: the longest that a schema says. `tells_parties`: whether events of
    parties go on a bus of their own.
    `redrive_most` messages are worked off in a run of the redrive; one received
    `redrive_attempts` times is escalated.
    """

    model_config = ConfigDict(frozen=True)

    table: str = _required("RECONCILER_TABLE")
    ledger: str = _required("RECONCILER_LEDGER_TABLE")
    bus: str = _required("RECONCILER_BUS")
    parked_queue_url: str = _required("RECONCILER_PARKED_QUEUE_URL")
    evidence_bucket: str = _required("RECONCILER_EVIDENCE_BUCKET")
    region: str = _required("AWS_REGION")
    suffix: str = Field("", alias="RECONCILER_SUFFIX")
    outside_writes: _Policy = Field("accept", alias="RECONCILER_OUTSIDE_WRITES")
    outside_writers: _Writers = Field("expected", alias="RECONCILER_OUTSIDE_WRITERS")
    ttl_attribute: str = Field("", alias="RECONCILER_TTL_ATTRIBUTE")
    key_lifetime_minutes: Count = Field(
        KEY_LIFETIME_MINUTES, alias="RECONCILER_KEY_LIFETIME_MINUTES"
    )
    version_attributes: _Versions = Field(None, alias="RECONCILER_VERSION_ATTRIBUTES")
    folds: Switch = Field(True, alias="RECONCILER_FOLDS")
    pauses: Switch = Field(False, alias="RECONCILER_PAUSE_LOOPS")
    custom_types: _Modules = Field((), alias="RECONCILER_CUSTOM_TYPES")
    log_items: Switch = Field(False, alias="RECONCILER_LOG_ITEMS")
    tells_parties: Switch = Field(False, alias="RECONCILER_PARTY_EVENTS")
    tracing: _Traced = Field(False, alias="RECONCILER_TRACING")
    redrive_most: Count = Field(100, alias="RECONCILER_REDRIVE_MOST")
    redrive_attempts: Count = Field(5, alias="RECONCILER_REDRIVE_ATTEMPTS")

    @property
    def names(self) -> Names:
        """What the region's resources are called."""
        return Names(self.table, self.region, self.suffix)

    def detector_policy(self) -> DetectorPolicy:
        """Return what the deployment decided about detectors."""
        versions = self.version_attributes
        return DetectorPolicy(
            self.table,
            self.region,
            self.outside_writes,
            folds=self.folds,
            outside_writers=self.outside_writers,
            ttl_attribute=self.ttl_attribute,
            version_attributes=versions.ordered() if versions else (),
            key_lifetime_minutes=self.key_lifetime_minutes,
        )

    @property
    def parked_queue(self) -> str:
        return self.names.parked_queue


Settings = TypeVar("Settings", bound=FunctionSettings)


def read_settings(environment: Mapping[str, str]) -> FunctionSettings:
    """Return the settings; InvalidInput names every variable that is missing or wrong."""
    return read_as(FunctionSettings, environment)


def read_as(model: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Return the settings of a function that has some of its own; errors as `read_settings`."""
    try:
        return model.model_validate(dict(environment))
    except ValidationError as error:
        found = error.errors(include_url=False)
    raise InvalidInput("environment: " + "; ".join(_problem(model, **each) for each in found))


@cache
def function_settings() -> FunctionSettings:
    """Return the settings of this process, whose environment does not change."""
    return read_settings(os.environ)


def _problem(
    model: type[FunctionSettings],
    *,
    type: str,  # noqa: A002 (as pydantic calls them)
    loc: tuple[Any, ...],
    input: Any,  # noqa: A002
    **_: Any,
) -> str:
    variable, *place = loc
    if type in ("missing", "string_too_short") and not place:
        return f"{variable} is not set"
    fields = model.model_fields.values()
    fix = next(field.description for field in fields if field.alias == variable)
    return f"{variable} {'names' if place else 'is'} {input!r}; {fix}"
