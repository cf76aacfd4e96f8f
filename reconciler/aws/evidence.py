"""One region's evidence bucket, over the S3 API. Source: S3 API Reference, PutObject, GetObject."""

from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.errors import Undecodable


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
        with idempotent("GetObject"):
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise Undecodable("the evidence is not text", reference=reference) from None
