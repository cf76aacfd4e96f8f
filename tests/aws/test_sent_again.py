"""Which writes of an instrumented client the SDK may send again."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from reconciler.aws.sent_again import NotAgain, check
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS
from reconciler.errors import OutcomeUnknown, Unavailable

LATE = CLOCK_SKEW_MARGIN_MS // 2 + 1
LOST = ReadTimeoutError(endpoint_url="http://nowhere")
NEVER_SENT = ConnectTimeoutError(endpoint_url="http://nowhere")


def answer(status: int, code: str = "") -> Any:
    error = {"Error": {"Code": code, "Message": ""}} if code else {}
    metadata = {"ResponseMetadata": {"HTTPStatusCode": status}}
    return SimpleNamespace(status_code=status), {**error, **metadata}


FAILED, THROTTLED = answer(500, "InternalServerError"), answer(400, "ThrottlingException")
REFUSED, DONE = answer(400, "ConditionalCheckFailedException"), answer(200)


@pytest.mark.parametrize(
    ("operation", "came", "age_ms", "again"),
    [
        ("UpdateItem", LOST, 0, False),
        ("UpdateItem", FAILED, 0, False),
        ("UpdateItem", NEVER_SENT, 0, True),
        ("UpdateItem", THROTTLED, 0, True),
        ("UpdateItem", THROTTLED, LATE, False),
        ("UpdateItem", NEVER_SENT, LATE, False),
        ("UpdateItem", REFUSED, LATE, True),
        ("UpdateItem", DONE, LATE, True),
        ("PutItem", LOST, 0, True),
        ("PutItem", FAILED, LATE - 1, True),
        ("PutItem", FAILED, LATE, False),
        ("PutItem", REFUSED, LATE, True),
        ("TransactWriteItems", LOST, LATE, False),
        ("GetItem", LOST, LATE, True),
    ],
)
def test_a_write_in_doubt_or_late_is_not_sent_again(
    operation: str, came: Any, age_ms: int, again: bool
) -> None:
    lost = came if isinstance(came, Exception) else None
    given = operation, None if lost else came, lost, age_ms
    if again:
        check(*given)
        return
    with pytest.raises(NotAgain) as stopped:
        check(*given)
    failure = stopped.value.failure
    is_sure = came is NEVER_SENT or came is THROTTLED
    assert type(failure) is (Unavailable if is_sure else OutcomeUnknown)
    assert failure.disposition == ("retry" if is_sure else "park")
    assert failure.evidence["call"] == operation
    assert failure.__cause__ is lost or lost is None
