"""A queue that many messages wait in answers about as fast as an empty one, and as before."""

import time
from typing import Any

import pytest
from moto.sqs.models import SQSBackend

from reconciler.local.server.moto_speed import _is_retained

DAY = 86_400


@pytest.fixture
def queues() -> Any:
    backend = SQSBackend("eu-west-1", "123456789012")
    backend.create_queue("waiting", MessageRetentionPeriod=DAY)
    return backend


@pytest.mark.parametrize(("age_seconds", "retained"), [(DAY - 60, True), (DAY + 60, False)])
def test_a_message_is_kept_for_the_retention_period_of_its_queue(
    queues: Any, age_seconds: int, *, retained: bool
) -> None:
    message = queues.send_message("waiting", "hello")
    message.sent_timestamp = (time.time() - age_seconds) * 1000

    assert _is_retained(queues, "waiting", message) is retained
    asked = queues.is_message_valid_based_on_retention_period("waiting", message)
    assert asked is retained
