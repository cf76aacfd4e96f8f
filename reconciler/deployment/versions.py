"""The attributes of a version that items had before this library: each by its role, and checked.

    {"version": "Version", "region": "LastUpdatedRegion", "written_at": "Timestamp"}

Functions and commands are told the same as one line of text: `version=Version,region=...`.
Errors: InvalidInput names every mistake.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as Invalid

from reconciler.errors import InvalidInput, bounded

_RESERVED = "_rec"
EXAMPLE = "version=Version,region=LastUpdatedRegion,written_at=Timestamp"


def _own(name: str) -> str:
    if "," in name or name.startswith(_RESERVED):
        raise ValueError
    return name


_Attribute = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_own)]
_OWN = f"an attribute without a comma that does not begin with {_RESERVED}"


class VersionAttributes(BaseModel):
    """`version`: a number that each write raises; `region`: of the last write; `written_at`: its
    time, a number or a text that sorts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: _Attribute = Field(description=f"{_OWN}, such as Version")
    region: _Attribute | None = Field(None, description=f"{_OWN}, such as LastUpdatedRegion")
    written_at: _Attribute | None = Field(None, description=f"{_OWN}, such as Timestamp")

    def ordered(self) -> tuple[str, ...]:
        """Return the attributes as losses tell them: version, region, time of writing."""
        return tuple(filter(None, (self.version, self.region, self.written_at)))

    def text(self) -> str:
        """Return the line of text that says the same."""
        return ",".join(f"{role}={name}" for role, name in self if name is not None)

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong between them, each with its role."""
        if len({*self.ordered()}) < len(self.ordered()):
            yield "one attribute has two roles"
        if self.written_at is not None and self.region is None:
            yield "written_at: only beside region, for times of two regions may be one"


def parse_versions(text: str) -> VersionAttributes | None:
    """Return the attributes that a line of text names, None if it is empty; InvalidInput."""
    if not text.strip():
        return None
    told: list[str] = []
    given: dict[str, Any] = {}
    for part in text.split(","):
        role, is_said, name = (each.strip() for each in part.partition("="))
        if not is_said:
            told.append(f"{role!r} names no role, as in {EXAMPLE}")
        elif role in given:
            told.append(f"{role}: is said twice")
        else:
            given[role] = name
    try:
        found = VersionAttributes.model_validate(given)
    except Invalid as problem:
        told += map(_told, problem.errors(include_url=False))
    else:
        told += found.mistakes()
    if told:
        raise InvalidInput(bounded("; ".join(told)))
    return found


def _told(error: Any) -> str:
    role = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{role}: there is no such role; they are version, region and written_at"
    if error["type"] == "missing":
        return f"{role}: is missing"
    return f"{role}: {_OWN}"
