"""What to say to who names a region that is none."""

from collections.abc import Collection
from difflib import get_close_matches

from reconciler.deployment.table_rules import shown


def no_such_region(region: str, known: Collection[str]) -> str:
    """Return the sentence that names a region that is not among those known, and the nearest."""
    near = get_close_matches(region, sorted(known), n=1, cutoff=0)
    return (
        f"AWS has no region {shown(region)}; did you mean {near[0]}?"
        " One that is newer than this boto3 needs a newer one"
    )
