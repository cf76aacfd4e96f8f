"""An object that is ingested: which one it is, what its lines are, and the key of each of them.

A line's key is the object and the place in its text, so it is the same however the object is split
and whatever region ingests it. The bucket is no part of it: S3's replication gives each region a
bucket of its own, and keeps the object's name, version and time.
HAZARD if an overwritten object counted as the one it took the place of: its lines' keys would
answer for writes that were never made. Hence the version, or without versions the ETag.
Limit: an object that is uploaded twice, rather than replicated, is two objects.
Source: S3 guide, "What does Amazon S3 replicate?"; DynamoDB guide, "Table export output format".
"""

from dataclasses import dataclass
from enum import Enum

from reconciler.causality.keys import Once
from reconciler.deployment.wiring import REJECTS_PREFIX
from reconciler.errors import InvalidInput
from reconciler.values.wire import digest

JOB_WIDTH = 22
_EXPORTS, _EXPORTED, _LISTED = "/AWSDynamoDB/", "/data/", "/manifest-files.json"


class Form(Enum):
    """What the lines of an object are."""

    JSON = "json lines"
    CSV = "csv"


class Packing(Enum):
    """How an object is compressed, by the bytes that it begins with."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"


_FORMS = {"jsonl": Form.JSON, "ndjson": Form.JSON, "json": Form.JSON, "csv": Form.CSV}
_PACKED = {"gz", "gzip", "zst", "zstd"}
_BEGINS = {b"\x1f\x8b": Packing.GZIP, b"\x28\xb5\x2f\xfd": Packing.ZSTD}


@dataclass(frozen=True)
class Source:
    """One version of an object; `version` is "" in a bucket without versions."""

    key: str
    version: str
    etag: str

    @property
    def identity(self) -> str:
        """What tells this object from every other one, in any region."""
        return digest(f"{self.key}\n{self.version or self.etag}".encode(), 43)

    @property
    def job(self) -> str:
        """The name of the job that ingests it."""
        return digest(self.identity.encode(), JOB_WIDTH)

    def once(self, at: int, text: bytes, issued_at_ms: int) -> Once:
        """Return the key of the line that begins at byte `at` of the text."""
        return Once(f"{self.identity}:{at}", issued_at_ms, text)


def is_data(key: str) -> bool:
    """Return whether an object of this name is for ingest: no reject, folder or manifest is."""
    if key.startswith(REJECTS_PREFIX) or key.endswith("/"):
        return False
    _, export, rest = f"/{key}".rpartition(_EXPORTS)
    return not export or _EXPORTED in f"/{rest}"


def is_manifest(key: str) -> bool:
    """Return whether an object of this name lists the data files of an export of DynamoDB's."""
    return _EXPORTS in f"/{key}" and key.endswith(_LISTED)


def form_of(key: str) -> Form:
    """Return what the lines of an object are, by its name; InvalidInput if that does not tell."""
    ends = key.lower().rsplit("/", 1)[-1].split(".")[1:]
    if ends and ends[-1] in _PACKED:
        ends.pop()
    if not ends or ends[-1] not in _FORMS:
        raise InvalidInput(
            "the object's name does not tell what its lines are: end it in .jsonl, .ndjson, .json"
            " or .csv, and .gz or .zst behind that"
        )
    return _FORMS[ends[-1]]


def packing_of(begins: bytes) -> Packing:
    """Return how an object is compressed that begins with these bytes."""
    for magic, packing in _BEGINS.items():
        if begins.startswith(magic):
            return packing
    return Packing.PLAIN
