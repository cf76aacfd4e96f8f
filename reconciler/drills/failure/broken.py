"""Two functions of a bad release, for the failure drill: they fail, whatever comes."""

from collections.abc import Mapping
from typing import Any


def detect(event: Mapping[str, Any], context: object) -> None:
    """Fail as a detector that cannot run."""
    raise RuntimeError(f"a bad release: {len(event['Records'])} records not looked at, {context}")


def resolve(event: Mapping[str, Any], context: object) -> None:
    """Fail as a resolver that cannot run."""
    raise RuntimeError(f"a bad release: {len(event['Records'])} messages not worked, {context}")
