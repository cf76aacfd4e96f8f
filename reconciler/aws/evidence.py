"""One region's evidence bucket, over the S3 API. Source: S3 API Reference, PutObject, GetObject."""

from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.errors import EvidenceExpired, Unavailable, Undecodable


def is_missing(problem: Unavailable) -> bool:
    """Return whether S3 said that there is no such object; without ListBucket it never does."""
    return problem.evidence.get("code") == "NoSuchKey"


class S3Evidence:
    """A bucket that keeps documents by name; references are s3:// addresses."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self._bucket = bucket
        self._client = s3

    def put(self, name: str, document: str) -> str:
        """Keep a JSON document; the same name and document again changes nothing."""
        key = f"conflicts/{name}.json"
        with idempotent("PutObject"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=document.encode(),
                ContentType="application/json",
            )
        return f"s3://{self._bucket}/{key}"

    def get(self, reference: str) -> str:
        """Return the document behind a reference; Undecodable if it is none of this bucket's."""
        place = f"s3://{self._bucket}/"
        if not reference.startswith(place):
            raise Undecodable(f"the reference is not of {place}", reference=reference)
        key = reference.removeprefix(place)
        try:
            with idempotent("GetObject"):
                body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except Unavailable as problem:
            if not is_missing(problem):
                raise
            # Evidence is kept before anything names it, so what is missing does not come yet.
            raise EvidenceExpired(
                f"{reference} is not in the evidence bucket any more", reference=reference
            ) from None
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise Undecodable("the evidence is not text", reference=reference) from None
