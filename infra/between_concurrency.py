"""What the settings reserve of an account's concurrency, and how functions start.

Source: Lambda guide, "Configuring reserved concurrency", "Lambda quotas".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.settings import Settings

_UNRESERVED = 100  # of an account's concurrency, which Lambda keeps for functions without their own


def warm_starts(settings: "Settings") -> Iterator[str]:
    """Yield that there are two ways to start warm."""
    if settings.snap_start and settings.provisioned_concurrency:
        yield "snap_start and provisioned_concurrency: Lambda takes one of them; leave one out"


def concurrency(settings: "Settings") -> Iterator[str]:
    """Yield what is more than there is."""
    provisioned = settings.provisioned_concurrency
    asked = {
        "detect_concurrency": settings.detect_concurrency,
        "resolve_concurrency": settings.resolve_concurrency,
    }
    if settings.api:
        asked["api.concurrency"] = settings.api.concurrency
    reserved = {name: value for name, value in asked.items() if value}
    if provisioned and any(provisioned > limit for limit in reserved.values()):
        yield "provisioned_concurrency: it is more than a function's concurrency"
    # What starts warm is taken out of what is reserved, or else of what is left.
    free = (len(asked) - len(reserved)) * (provisioned or 0)
    room = max(0, settings.account_concurrency - _UNRESERVED)
    if sum(reserved.values()) + free > room:
        named = " and ".join([*reserved, *(["provisioned_concurrency"] if free else [])])
        yield (
            f"{named}: {sum(reserved.values()) + free} of the {room} that can be reserved in an"
            f" account with {settings.account_concurrency}; ask AWS for more, and say so in"
            " account_concurrency"
        )
