"""The resources of TMF632 that the door has: one description of each, which all else is made of.

An item is of the resource that its attribute `@type` names; without one it is an individual.
Source: TMF632 Party Management API v5.0.0 (Individual, Organization), v4.0.0 for older spellings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE = "/tmf-api/partyManagement/v5"


@dataclass(frozen=True, eq=False)  # each is itself alone
class Resource:
    """A resource: its `@type`, the texts that each of it has, and the states that it may be in.

    `older` are names and states as v4 spells them, and ours for each.
    """

    kind: str
    required: tuple[str, ...]
    states: tuple[str, ...]
    older_names: Mapping[str, str] = field(default_factory=dict)
    older_states: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.kind.lower()

    @property
    def collection(self) -> str:
        """The path of all that there are."""
        return f"{BASE}/{self.name}"

    def holds(self, item: Mapping[str, Any] | None) -> bool:
        """Return whether an item is one of this resource."""
        return item is not None and resource_of(item) is self


INDIVIDUAL = Resource(
    "Individual",
    ("givenName", "familyName"),
    ("initialized", "validated", "deceased"),
    {"fullName": "name"},
    {"deceaded": "deceased"},  # so v4 has it
)
ORGANIZATION = Resource("Organization", ("name",), ("initialized", "validated", "closed"))
RESOURCES = (INDIVIDUAL, ORGANIZATION)


def resource_of(item: Mapping[str, Any]) -> Resource | None:
    """Return the resource that an item is of, None if it is of another kind."""
    kind = item.get("@type", INDIVIDUAL.kind)
    return next((each for each in RESOURCES if each.kind == kind), None)
