"""The batches that Lambda wrote to the evidence bucket, over the S3 API.

What waits to be redriven is under the prefix that Lambda writes to; what is done moves under
another one, so that the listing alone tells what is left. Listing is strongly consistent.
References are s3:// addresses; any that is not of a waiting batch is refused: `done` deletes.
Source: Lambda guide, "Retaining discarded records"; S3 guide, "Amazon S3 data consistency model";
S3 API Reference, ListObjectsV2, CopyObject.
"""

from collections.abc import Iterator
from typing import Any

from reconciler.aws.clients import idempotent, pages
from reconciler.aws.evidence import is_missing
from reconciler.deployment.wiring import REDRIVEN_PREFIX, SET_ASIDE_PREFIX
from reconciler.errors import InvalidInput, RecordsExpired, Unavailable


class S3SetAside:
    """The batches that the stream's event source gave up, as documents in the evidence bucket."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self._bucket = bucket
        self._client = s3
        self._waiting = {"Bucket": bucket, "Prefix": SET_ASIDE_PREFIX}

    def is_empty(self) -> bool:
        """Return whether no batch waits to be redriven."""
        with idempotent("ListObjectsV2"):
            first = self._client.list_objects_v2(**self._waiting, MaxKeys=1)
        return not first.get("Contents")

    def references(self) -> Iterator[str]:
        """Yield the references of the batches that wait, page after page."""
        for page in pages(self._client, "ListObjectsV2", **self._waiting):
            for found in page.get("Contents", []):
                yield f"s3://{self._bucket}/{found['Key']}"

    def get(self, reference: str) -> str | None:
        """Return the document, None if it is done already; RecordsExpired if there is none."""
        key = self._key(reference)
        document = self._read(key)
        if document is None and self._read(REDRIVEN_PREFIX + key) is None:
            raise RecordsExpired(f"{reference} is not there", reference=reference)
        return document

    def done(self, reference: str) -> None:
        """Move the document away from those that wait; one that is not there was moved before."""
        key = self._key(reference)
        try:
            with idempotent("CopyObject"):
                self._client.copy_object(
                    Bucket=self._bucket,
                    Key=REDRIVEN_PREFIX + key,
                    CopySource={"Bucket": self._bucket, "Key": key},
                )
        except Unavailable as problem:
            if not is_missing(problem):
                raise
            return
        with idempotent("DeleteObject"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _read(self, key: str) -> str | None:
        try:
            with idempotent("GetObject"):
                body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except Unavailable as problem:
            if not is_missing(problem):
                raise
            return None
        return body.decode(errors="replace")  # what it breaks is told by whoever reads it

    def _key(self, reference: str) -> str:
        place = f"s3://{self._bucket}/"
        if not reference.startswith(place + SET_ASIDE_PREFIX):
            raise InvalidInput(
                f"reference: {reference!r} is no batch that was set aside; "
                f"those begin with {place + SET_ASIDE_PREFIX}"
            )
        return reference.removeprefix(place)
