"""Check of the table's time-to-live: tombstones go only if all name the attribute that it is on.

The table, the deployment's setting `ttl_attribute` and the `ttl_attribute` of every writer's schema
must agree; what writers say, nobody can see from here.
Source: DynamoDB API Reference, DescribeTimeToLive, UpdateTimeToLive.
"""

from collections.abc import Iterator

from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command
from reconciler.item.metadata import EXPIRY

_ON = ("ENABLED", "ENABLING")
_NEVER = "the tombstones of deleted items are never removed"


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the finding of the table's time-to-live."""
    check = Check("ttl", seen.names.region)
    if isinstance(seen.expiry, Unseen):
        yield check.unseen(seen.expiry)
    elif seen.expiry is not None:
        described = seen.expiry["TimeToLiveDescription"]
        is_on = described.get("TimeToLiveStatus") in _ON
        yield _finding(check, seen, str(described.get("AttributeName")) if is_on else "")


def _finding(check: Check, seen: Seen, attribute: str) -> CheckResult:
    """Return the finding, given the attribute that TTL is on, "" if it is off."""
    said = seen.variable("RECONCILER_TTL_ATTRIBUTE")
    declared = said or EXPIRY
    if not attribute and seen.is_local:
        return check.as_local("TTL is off")
    if not attribute:
        fix = _switched(seen, declared, on=True)
        return check.warning(f"TTL is off: {_NEVER}", f"{fix}\n{_say(said)}" if said else fix)
    if attribute == declared:
        also = "" if attribute == EXPIRY else "; every writer's Schema must say so, too"
        return check.ok(f"TTL is on {attribute}{also}")
    if said is None:
        unseen = f"TTL is on {attribute}; whether the deployment says so could not be seen"
        return check.unknown(unseen, _say(attribute))
    if not said:
        found = f"TTL is on {attribute}, and the deployment does not say so: {_NEVER}"
        return check.warning(found, _say(attribute))
    harm = f"items do not expire by {said}" if attribute == EXPIRY else _NEVER
    off, on = _switched(seen, attribute, on=False), _switched(seen, declared, on=True)
    return check.warning(
        f"TTL is on {attribute}, and the deployment says {said}: {harm}",
        f"{_say(attribute)}\nor move TTL:\n{off}\nan hour later:\n{on}",
    )


def _say(attribute: str) -> str:
    places = "the deployment's settings and of every writer's Schema"
    if attribute == EXPIRY:
        return f"take ttl_attribute out of {places}"
    return f'make "{attribute}" the ttl_attribute of {places}: what is deleted then expires by it'


def _switched(seen: Seen, attribute: str, *, on: bool) -> str:
    specification = f"Enabled={'true' if on else 'false'},AttributeName={attribute}"
    arguments = f"--table-name {seen.names.table} --time-to-live-specification {specification}"
    return aws_command("dynamodb", "update-time-to-live", seen, arguments)
