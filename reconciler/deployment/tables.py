"""What DynamoDB is told of the tables: a replica's stream and expiry, the ledger's and
the jobs table's keys and index.

The stacks, the local cloud and the doctor all read it here, so they cannot disagree.
"""

from reconciler.item.metadata import EXPIRY

BOTH_IMAGES = "NEW_AND_OLD_IMAGES"  # any other view of the stream hides the write that was lost
EXPIRY_ATTRIBUTE = EXPIRY  # of tombstones; DynamoDB's TTL looks at top-level numbers only

LEDGER_KEY = ("item_key", "conflict_id")  # an item's rows are read together and consistently
LEDGER_STATE_INDEX = "by-state"
LEDGER_STATE_KEY = ("state", "lost_at_ms")
LEDGER_KINDS = {"item_key": "S", "conflict_id": "S", "state": "S", "lost_at_ms": "N"}
LEDGER_EXPIRY = "expires"  # of closed rows, in seconds since 1970; others have none

JOBS_KEY = ("job", "part")  # a job's row lies beside those of its parts
JOBS_TIME_INDEX = "by-time"
JOBS_TIME_KEY = ("listed", "received_at_ms")  # only jobs have both, so only they are listed
JOBS_EXPIRY = "expires"  # of all rows, in seconds since 1970
# HAZARD if it were less than messages wait, 14 days: a job that is gone fails its parts.
JOBS_KEPT_DAYS = 90
JOBS_KINDS = {"job": "S", "part": "S", "listed": "S", "received_at_ms": "N"}
