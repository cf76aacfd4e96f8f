"""One region as its ingest works with it."""

from collections.abc import Sequence

from reconciler.aws import connect
from reconciler.aws.clients import client
from reconciler.aws.ingest_objects import S3Objects
from reconciler.aws.ingest_queue import SqsPartQueue
from reconciler.aws.jobs import DynamoJobs
from reconciler.aws.new_items import DynamoNewItems
from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.deployment.tables import JOBS_KEPT_DAYS
from reconciler.deployment.wiring import OutsideWriters
from reconciler.ingest.outside import Outside
from reconciler.item.schema import Schema
from reconciler.ports import KeyedEdit


def outside_of(
    region: Region,
    names: Names,
    schema: Schema,
    outside_writers: OutsideWriters,
    job_days: int = JOBS_KEPT_DAYS,
) -> Outside:
    """Return what the ingest of a region works with; items are written with `schema`.

    `job_days`: for how long jobs can be looked up.
    """
    dynamodb = client("dynamodb", names.region, attempts=1)
    items = DynamoNewItems(schema.table, dynamodb)
    table = connect(schema, region=names.region, dynamodb=dynamodb, outside_writers=outside_writers)

    def write_many(edits: Sequence[KeyedEdit]) -> list[bool | None]:
        made = table.carry_out_at_once(items, edits)
        return [None if each is None else each.repeated for each in made]

    return Outside(
        objects=S3Objects(names.ingest_bucket, region.client("s3")),
        jobs=DynamoJobs(names.jobs, region.client("dynamodb"), job_days),
        queue=queue_of(region, names),
        write=lambda e: table.carry_out(e.key, e.change, once=e.once).repeated,
        write_many=write_many,
        telemetry=region.telemetry,
        now_ms=region.time.now_ms,
    )


def jobs_of(region: Region, names: Names) -> DynamoJobs:
    """Return the jobs of a region."""
    return DynamoJobs(names.jobs, region.client("dynamodb"))


def queue_of(region: Region, names: Names) -> SqsPartQueue:
    """Return the ingest queue of a region."""
    return SqsPartQueue(names.ingest_queue, region.client("sqs"))
