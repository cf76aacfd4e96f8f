"""One region's ingest bucket, over the S3 API.

An object is read as it was when it was put there: its version, or, in a bucket without versions,
only as long as its ETag is the same.
Source: S3 API Reference, HeadObject, GetObject (Range, If-Match, VersionId), PutObject.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.deployment.wiring import REJECTS_PREFIX
from reconciler.errors import InvalidInput, Unavailable
from reconciler.ingest.outside import Facts
from reconciler.ingest.source import Source

# HeadObject has no body, so it says a status only.
_GONE = ("NoSuchKey", "NoSuchVersion", "404")
_CHANGED = ("PreconditionFailed", "412")


class S3Objects:
    """The objects of one bucket, and their rejects beside them."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self._bucket = bucket
        self._client = s3

    def facts(self, source: Source) -> Facts:
        """Return what the bucket says of an object."""
        with _readable("HeadObject"):
            answer = self._client.head_object(**self._named(source))
        issued_at_ms = round(answer["LastModified"].timestamp()) * 1_000
        return Facts(answer["ContentLength"], issued_at_ms)

    def current(self, key: str) -> Source:
        """Return the object that has this name now, as its own message names it."""
        with _readable("HeadObject"):
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        version = answer.get("VersionId", "")
        return Source(key, "" if version == "null" else version, answer["ETag"].strip('"'))

    def part(self, source: Source, start: int, most: int) -> bytes:
        """Return up to `most` bytes of an object, as it was when it was put there."""
        span = f"bytes={start}-{start + most - 1}"
        with _readable("GetObject"):
            answer = self._client.get_object(Range=span, **self._named(source))
            read: bytes = answer["Body"].read()
        return read

    def put_rejects(self, name: str, lines: Sequence[bytes]) -> None:
        """Keep rejected lines; the same name again takes the place of the first."""
        with idempotent("PutObject"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{REJECTS_PREFIX}{name}.jsonl",
                Body=b"".join(line + b"\n" for line in lines),
                ContentType="application/jsonl",
            )

    def _named(self, source: Source) -> dict[str, str]:
        if source.version:
            version = {"VersionId": source.version}
        else:
            version = {"IfMatch": f'"{source.etag}"'}
        return {"Bucket": self._bucket, "Key": source.key, **version}


@contextmanager
def _readable(call: str) -> Iterator[None]:
    try:
        with idempotent(call):
            yield
    except Unavailable as problem:
        code = problem.evidence.get("code")
        if code in _GONE:
            raise InvalidInput("the object is not in the bucket any more") from None
        if code in _CHANGED:
            raise InvalidInput(
                "the object was overwritten before it was ingested; the new one has its own job"
            ) from None
        raise
