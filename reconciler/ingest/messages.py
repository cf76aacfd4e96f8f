"""What a message of the ingest queue asks for: an object's job, or one part of it.

The first comes from the bucket, through EventBridge, or from whoever asks for a job again.
Source: S3 guide, "EventBridge event message structure" (keys are not URL-encoded there).
"""

import json
from dataclasses import dataclass

from reconciler.errors import MALFORMED, NotOurs, Undecodable
from reconciler.ingest.source import Source

_CREATED = "Object Created"


@dataclass(frozen=True)
class PartName:
    """Which part of which job."""

    job: str
    start: int


Task = Source | PartName


def message_of(task: Task) -> str:
    """Return the message that asks for a task."""
    if isinstance(task, PartName):
        return json.dumps({"job": task.job, "start": task.start})
    return json.dumps({"key": task.key, "version": task.version, "etag": task.etag})


def parse_message(body: str, region: str, bucket: str) -> Task:
    """Return what a message asks for; NotOurs if its object is of another region or bucket."""
    try:
        said = json.loads(body)
        if "detail-type" in said:
            found = (said["detail-type"], said["region"], said["detail"]["bucket"]["name"])
            if found != (_CREATED, region, bucket):
                raise NotOurs("an object of another region or bucket, which ingests it itself")
            told = said["detail"]["object"]
            return _source(told["key"], told.get("version-id", ""), told["etag"])
        if "job" in said:
            return _part(said["job"], said["start"])
        return _source(said["key"], said["version"], said["etag"])
    except MALFORMED as problem:
        raise Undecodable(f"no message of an ingest ({type(problem).__name__})") from None


def _source(key: object, version: object, etag: object) -> Source:
    if not (isinstance(key, str) and isinstance(version, str) and isinstance(etag, str) and key):
        raise TypeError
    key.encode()  # half a surrogate pair is in no object's name
    return Source(key, version, etag.strip('"'))


def _part(job: object, start: object) -> PartName:
    if not (isinstance(job, str) and type(start) is int and 0 <= start < 10**15 and job):
        raise TypeError
    return PartName(job, start)
