"""What one region answered, and the findings made of it.

Answers are AWS's own documents, unchanged. None says that AWS knows no such thing; `Unseen`, that
the call was refused or not answered, which is a finding of its own and no failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.deployment.names import Names

Severity = Literal["problem", "warning", "unknown", "ok"]


@dataclass(frozen=True)
class Unseen:
    """A call without an answer: `permission` is the action it needs, `reason` what came instead.

    `refused`: the service answered, and the caller may not make this call.
    """

    permission: str
    reason: str
    refused: bool


AwsAnswer = Mapping[str, Any] | Unseen | None


@dataclass(frozen=True)
class Seen:
    """What one region answered to whoever runs the doctor.

    regions: all regions that the table should be in. endpoint: the local cloud's, None for AWS.
    rules, targets: by role. queues: {"QueueUrl", "Attributes"} by name. oldest: CloudWatch's
    ApproximateAgeOfOldestMessage in seconds, by queue. sources: event-source mappings by function.
    iterator_age: CloudWatch's, in ms. detector: the function's configuration. records: how many it
    read on each of the last days; outside_writes: what it counted then, by kind. ingest: what the
    parts of an ingest answered, none if there is no ingest. items: the metadata of the
    table's in one page of a scan. at_ms: when it was asked. clock_ahead_ms: this machine's clock
    beside AWS's.
    """

    names: Names
    regions: tuple[str, ...]
    endpoint: str | None
    table: AwsAnswer
    backups: AwsAnswer
    expiry: AwsAnswer
    ledger: AwsAnswer
    bucket: AwsAnswer
    bus: AwsAnswer
    rules: Mapping[str, AwsAnswer]
    targets: Mapping[str, AwsAnswer]
    queues: Mapping[str, AwsAnswer]
    oldest: Mapping[str, AwsAnswer]
    sources: Mapping[str, AwsAnswer]
    iterator_age: AwsAnswer
    detector: AwsAnswer
    records: AwsAnswer
    outside_writes: Mapping[str, AwsAnswer]
    ingest: Mapping[str, AwsAnswer]
    items: AwsAnswer
    at_ms: int
    clock_ahead_ms: int | None

    @property
    def is_local(self) -> bool:
        return self.endpoint is not None

    def variable(self, name: str) -> str | None:
        """Return what the detector's environment says, "" for nothing; None: it was not seen."""
        if not isinstance(self.detector, Mapping):
            return None
        variables = (self.detector.get("Environment") or {}).get("Variables") or {}
        return str(variables.get(name, ""))

    def answers(self) -> list[AwsAnswer]:
        """Return every answer of the region."""
        single = (self.table, self.backups, self.expiry, self.ledger, self.bucket, self.bus)
        functions = (self.iterator_age, self.detector, self.records, self.items)
        several = (self.rules, self.targets, self.queues, self.oldest, self.sources)
        every = (*several, self.outside_writes, self.ingest)
        return [*single, *functions, *(a for each in every for a in each.values())]


@dataclass(frozen=True)
class CheckResult:
    """One check in one region: what was found and, unless all is well, what to do.

    A line of `fix` is a command to run, or a sentence.
    """

    id: str
    region: str
    severity: Severity
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """One check in one region; each method is a finding that it may end in."""

    id: str
    region: str

    def ok(self, found: str) -> CheckResult:
        """Return that all is well."""
        return CheckResult(self.id, self.region, "ok", found)

    def warning(self, found: str, fix: str) -> CheckResult:
        """Return what should be put right, though no write is in danger now."""
        return CheckResult(self.id, self.region, "warning", found, fix)

    def problem(self, found: str, fix: str) -> CheckResult:
        """Return what loses writes, or keeps lost ones from being repaired."""
        return CheckResult(self.id, self.region, "problem", found, fix)

    def unknown(self, found: str, fix: str = "") -> CheckResult:
        """Return what could not be seen."""
        return CheckResult(self.id, self.region, "unknown", found, fix)

    def not_here(self) -> CheckResult:
        """Return that the local cloud does not have what is checked."""
        return self.unknown("not visible here: the local cloud does not have it")

    def as_local(self, found: str, because: str = "it keeps nothing") -> CheckResult:
        """Return what should be put right in a deployment, and is so in every local cloud."""
        return self.ok(f"{found}: so a local cloud has it, because {because}")

    def unseen(self, answer: Unseen) -> CheckResult:
        """Return that the call was refused, with the missing permission, or not answered."""
        if answer.refused:
            fix = f"allow {answer.permission} to the role or user that runs this command"
            return self.unknown(f"{answer.permission} is not allowed: {answer.reason}", fix)
        return self.unknown(
            f"{answer.permission} was not answered: {answer.reason}", "run it again"
        )


def aws_command(
    service: str, operation: str, seen: Seen, arguments: str, *, region: str | None = None
) -> str:
    """Return the command line of an AWS call, in the region that was seen if none is named."""
    endpoint = f" --endpoint-url {seen.endpoint}" if seen.endpoint else ""
    return f"aws{endpoint} {service} {operation} --region {region or seen.names.region} {arguments}"


def queue_arn(seen: Seen, queue: str) -> str:
    """Return a queue's ARN, in the account that owns the table if the table was seen."""
    table = seen.table["Table"] if isinstance(seen.table, Mapping) else {}
    _, partition, _, region, account, *_ = table.get(
        "TableArn", f"arn:aws:dynamodb:{seen.names.region}:<account>:"
    ).split(":")
    return f"arn:{partition}:sqs:{region}:{account}:{queue}"


def redrive_command(seen: Seen) -> str:
    """Return the command line that puts back what failed or was parked in the region."""
    suffix = f" --suffix {seen.names.suffix}" if seen.names.suffix else ""
    endpoint = f" --endpoint {seen.endpoint}" if seen.endpoint else ""
    where = f"--table {seen.names.table} --region {seen.names.region}{suffix}{endpoint}"
    return f"scripts/redrive_dlq.py {where}"
