"""A record of GetRecords as Lambda shows it."""

import json
from datetime import UTC, datetime

from reconciler.aws.lambda_record import lambda_record

ARN = "arn:aws:dynamodb:eu-west-1:1:table/t/stream/now"
CREATED = datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_records_look_as_lambda_shows_them() -> None:
    change = {
        "Keys": {"id": {"S": "1"}},
        "NewImage": {"b": {"B": b"\xff"}, "m": {"M": {"bs": {"BS": [b"1"]}}}},
        "SequenceNumber": "7",
        "ApproximateCreationDateTime": CREATED,
    }

    shown = lambda_record({"eventName": "MODIFY", "dynamodb": change}, ARN)

    assert shown["eventSourceARN"] == ARN
    assert shown["dynamodb"]["NewImage"] == {
        "b": {"B": "/w=="},
        "m": {"M": {"bs": {"BS": ["MQ=="]}}},
    }
    assert shown["dynamodb"]["ApproximateCreationDateTime"] == CREATED.timestamp()
    json.dumps(shown)


def test_who_made_a_change_is_named_as_lambda_spells_it() -> None:
    who = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    record = {"dynamodb": {"ApproximateCreationDateTime": CREATED}, "userIdentity": who}

    assert lambda_record(record, ARN)["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }


def test_a_record_without_its_time_is_shown_without_it() -> None:
    shown = lambda_record({"dynamodb": {"Keys": {"id": {"S": "1"}}, "SequenceNumber": "7"}}, ARN)
    assert shown["dynamodb"] == {"Keys": {"id": {"S": "1"}}, "SequenceNumber": "7"}
