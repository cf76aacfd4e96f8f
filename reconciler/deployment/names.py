"""What the resources of a deployment are called.

One class gives every name, to the stacks, the local cloud, the commands and the doctor,
so that what one makes the other finds.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from keyword import iskeyword

from reconciler.causality.context import replica_id

WORKED_QUEUES = ("resolve", "witness")  # the home queue and the witness queue
DEAD_LETTERS = ("stream-dlq", "rules-dlq", "resolve-dlq", "witness-dlq", "parked")
INGEST_LETTERS = "ingest-dlq"  # of jobs, which are retried rather than redriven
HUB_LETTERS = "hub-dlq"  # of callbacks, whose events are replayed to them alone
MAX_STEM = 24  # so that the longest name, of a function, has the 64 characters that Lambda takes
MAX_SUFFIX = 10
COPIED_STEM = 18  # of a bucket of copies: two regions are in its name, and S3 takes 63 characters
_DIGEST = 6


def checked_region(region: str) -> str:
    """Return the name of an AWS region; InvalidInput if it is none."""
    replica_id(region)
    return region


def partition_of(region: str) -> str:
    """Return the partition of a region, by the beginning of its name."""
    parts = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc", "us-iso-": "aws-iso"}
    parts |= {"us-isob-": "aws-iso-b", "eu-isoe-": "aws-iso-e", "us-isof-": "aws-iso-f"}
    return next((name for begins, name in parts.items() if region.startswith(begins)), "aws")


def home_of(regions: Iterable[str]) -> str:
    """Return the region in which the items of a table are adopted, in whatever order they are."""
    return min(regions)


def is_module_name(name: str) -> bool:
    """Return whether Python can import a module of that name."""
    return all(part.isidentifier() and not iskeyword(part) for part in name.split("."))


@dataclass(frozen=True)
class Names:
    """What one region's resources are called: `{table}-{resource}-{region}-{suffix}`.

    table: the replicated table, as DynamoDB knows it. suffix: the environment, where names must
    tell one from another, as those of S3 buckets must across all accounts; a table whose name ends
    in it does not say it twice. A table's name that other services do not take, or that would not
    leave room for the rest, is shortened and told apart by a digest.
    HAZARD if tables `t` and `t-dev` of one account both had the suffix `dev`: one set of names.
    """

    table: str
    region: str
    suffix: str = ""

    @property
    def stem(self) -> str:
        """What the names of all resources begin with."""
        name = self.table.removesuffix(f"-{self.suffix}") if self.suffix else self.table
        if len(name) <= MAX_STEM and "." not in name:
            return name
        return f"{name.replace('.', '-')[: MAX_STEM - _DIGEST - 1]}-{_digest(name)}"

    def of(self, resource: str) -> str:
        """Return the name of a resource of this region."""
        return "-".join(filter(None, (self.stem, resource, self.region, self.suffix)))

    @property
    def ledger(self) -> str:
        return self.of("ledger")

    @property
    def bus(self) -> str:
        return self.of("conflicts")

    @property
    def events_bus(self) -> str:
        """The bus of what subscribers of parties are told."""
        return self.of("events")

    @property
    def hub_dlq(self) -> str:
        """The queue of what could not be delivered to callbacks."""
        return self.of(HUB_LETTERS)

    @property
    def subscribers_role(self) -> str:
        """The role in whose name EventBridge sends callbacks what they are told."""
        return self.of("subscribers")

    def hook(self, callback: str) -> str:
        """Return the name of the API destination of a callback, and of its connection."""
        told = hashlib.sha256(f"{self.suffix} {callback}".encode()).hexdigest()
        return f"{self.stem}-hook-{told[:24]}"

    @property
    def home_queue(self) -> str:
        return self.of("resolve")

    @property
    def witness_queue(self) -> str:
        return self.of("witness")

    @property
    def parked_queue(self) -> str:
        return self.of("parked")

    @property
    def stream_dlq(self) -> str:
        return self.of("stream-dlq")

    @property
    def rules_dlq(self) -> str:
        return self.of("rules-dlq")

    @property
    def home_dlq(self) -> str:
        return self.of("resolve-dlq")

    @property
    def witness_dlq(self) -> str:
        return self.of("witness-dlq")

    @property
    def jobs(self) -> str:
        """The table of the ingest's jobs."""
        return self.of("jobs")

    @property
    def ingest_queue(self) -> str:
        return self.of("ingest")

    @property
    def ingest_dlq(self) -> str:
        return self.of(INGEST_LETTERS)

    @property
    def ingest_function(self) -> str:
        return self.of("ingest")

    @property
    def evidence_bucket(self) -> str:
        return self.bucket("evidence")

    @property
    def ingest_bucket(self) -> str:
        return self.bucket("ingest")

    def copy_of(self, resource: str, peer: str) -> str:
        """Return the name of the bucket of another region that has the copies of one of this."""
        there = replace(self, region=peer)  # both are in it: copies may go elsewhere one day
        return there.bucket(f"{resource}-{replica_id(self.region)}", COPIED_STEM)

    def bucket(self, resource: str, most: int = MAX_STEM) -> str:
        """Return the name of a bucket, with a stem of so many characters at most.

        S3 takes small letters, digits and hyphens; a digest tells `Parties` from `parties`.
        """
        stem = self.stem.lower().replace("_", "-")
        if stem != self.stem or len(stem) > most:
            stem = f"{stem[: most - _DIGEST - 1]}-{_digest(self.stem)}"
        return "-".join(filter(None, (stem, resource, self.region, self.suffix))).lower()

    @property
    def detect_function(self) -> str:
        return self.of("detect")

    @property
    def resolve_function(self) -> str:
        return self.of("resolve")

    @property
    def redrive_function(self) -> str:
        return self.of("redrive")

    @property
    def gauge_function(self) -> str:
        return self.of("gauge")

    @property
    def approve_function(self) -> str:
        return self.of("approve")

    @property
    def api_function(self) -> str:
        return self.of("api")

    @property
    def http_api(self) -> str:
        return self.of("api")

    @property
    def appsync_function(self) -> str:
        return self.of("appsync")

    @property
    def workflow_function(self) -> str:
        return self.of("workflow")

    @property
    def write_state_machine(self) -> str:
        return self.of("workflow")

    @property
    def adopt_function(self) -> str:
        return self.of("adopt")

    @property
    def adopt_state_machine(self) -> str:
        return self.of("adopt")

    @property
    def approval_state_machine(self) -> str:
        return self.of("approval")

    @property
    def decisions_topic(self) -> str:
        return self.of("decisions")

    @property
    def escalations_topic(self) -> str:
        return self.of("escalations")

    @property
    def drill_role(self) -> str:
        return self.of("drill")

    def dead_letters_of(self, queue: str) -> str:
        """Return the dead-letter queue behind a queue that a function works on."""
        return {
            self.home_queue: self.home_dlq,
            self.witness_queue: self.witness_dlq,
            self.ingest_queue: self.ingest_dlq,
        }[queue]

    def dead_letter_queues(self) -> tuple[str, ...]:
        """Return the queues that a redrive reads: what failed, and what was parked."""
        return tuple(map(self.of, DEAD_LETTERS))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
