"""Logs, metrics and errors of the functions hold ids and counts, and nothing of items."""

import json
import logging
import sys
from collections.abc import Callable
from traceback import format_exception
from typing import Any

import pytest

import handlers.approve
from handlers import api, detect, redrive, resolve
from reconciler.aws.clients import client
from reconciler.conflict.classification import classify
from reconciler.conflict.event import conflict_id
from reconciler.conflict.row import Row
from reconciler.deployment.wiring import DETAIL_TYPE
from reconciler.feed.workflow import execution_input
from reconciler.item.schema import Schema
from reconciler.values.wire import Image
from tests.builders import Replica, as_stream, assign, increment, written
from tests.cli.test_conflicts import cloud, place, row_of
from tests.cli.test_conflicts import record as place_row
from tests.conflicts import loss
from tests.handlers.conftest import NAMES, Context, Region
from tests.handlers.door import SIGNED, Door
from tests.handlers.door import event as request
from tests.handlers.streams import batch, record
from tests.handlers.test_api import door, opened
from tests.handlers.test_approve import Cloud
from tests.handlers.test_approve import region as approving
from tests.handlers.test_redrive import InTime
from tests.handlers.test_redrive import region as redriving
from tests.handlers.test_resolve import message
from tests.redrive.desk import told
from tests.redrive.region import Region as RedriveRegion
from tests.resolution.test_resolver import event

__all__ = ["approving", "cloud", "door", "opened", "redriving"]

SECRET = "SECRET"  # noqa: S105 (a mark)
KEY = {"id": {"S": f"{SECRET}-key"}}
LOST: Image = written(assign("name", f"{SECRET}-name"), increment("balance", 5)) | KEY
WINNER: Image = written(assign(f"{SECRET}-attribute", 1), replica="euw1", at=2_000) | KEY
COUNTED = Schema.of(table="parties", key=["id"], attributes={"name": "counter_pn"})
OTHER_TYPE: Image = Replica("euw1").write(increment("name", 5), at=2_000, schema=COUNTED) | KEY
UNREADABLE = {"_rec": {"M": {"v": {"S": f"{SECRET}-version"}, "c": {"S": f"{SECRET}-context"}}}}
Said = Callable[..., str]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Said:
    """Return a function that calls a handler, and returns all that it logs, prints and raises."""

    def call(handler: Any, told: Any, context: Any = None) -> str:
        problem = ""
        for each in logging.getLogger("reconciler").handlers:  # one logger serves all tests
            if isinstance(each, logging.StreamHandler):
                each.stream = sys.stdout  # of the test before it is closed
        try:
            handler(told, context or Context())
        except Exception as error:
            problem = "".join(format_exception(error))  # as Lambda logs it
        lines = [repr(vars(each)) + (each.exc_text or "") for each in caplog.records]
        caplog.clear()
        printed = capsys.readouterr()
        return "\n".join([*lines, printed.out, printed.err, problem])

    return call


def secret_record(number: int, old: Any, new: Any, **changed: Any) -> dict[str, Any]:
    return record(number, old, new, Keys=KEY, **changed)


def queued(lost: Any, winner: Any, **changed: Any) -> dict[str, Any]:
    """Return the message of a loss of the marked item."""
    name = conflict_id("parties", KEY, classify(LOST, winner, replica="use1"), LOST)
    known = {"key": KEY, "conflict_id": name, "lost": as_stream(lost)}
    detail = event(LOST, winner, **(known | changed)).document()
    return message(json.dumps({"detail-type": DETAIL_TYPE, "detail": detail}))


def test_the_detector_tells_of_losses_and_of_what_it_cannot_read_by_their_ids(
    region: Region, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        secret_record(1, LOST, WINNER),
        secret_record(2, LOST | UNREADABLE, None),
        secret_record(3, LOST | UNREADABLE, WINNER),
        secret_record(4, LOST, None),
    ]
    log = said(detect.handler, batch(*records))
    assert SECRET not in log
    assert "parked" in log

    region.sqs.delete_queue(QueueUrl=region.parked_url)
    region.dynamodb.delete_table(TableName=NAMES.ledger)
    log = said(detect.handler, batch(*records))
    assert SECRET not in log
    assert "Unavailable: BatchWriteItem: ResourceNotFoundException" in log


def test_the_resolver_tells_of_repairs_and_of_what_fails_by_their_ids(
    region: Region, said: Said
) -> None:
    region.place(WINNER)
    repaired = said(resolve.handler, {"Records": [queued(LOST, WINNER)]})
    assert SECRET not in repaired
    assert "WriteBacks" in repaired

    region.place(OTHER_TYPE)
    for trouble in (
        queued(LOST, OTHER_TYPE),  # two types
        queued(LOST | UNREADABLE, WINNER),
        message(f'{{"detail": {{"{SECRET}": 1}}}}'),
        message(f"no JSON but {SECRET}"),
    ):
        assert SECRET not in said(resolve.handler, {"Records": [trouble]})

    region.sqs.delete_queue(QueueUrl=region.parked_url)
    assert SECRET not in said(resolve.handler, {"Records": [queued(LOST, OTHER_TYPE)]})


def test_the_redrive_tells_of_letters_by_their_ids(redriving: RedriveRegion, said: Said) -> None:
    redriving.send("parties-resolve-dlq-us-east-1", told(event(LOST, WINNER, key=KEY)))
    redriving.send("parties-resolve-dlq-us-east-1", told(event(LOST, OTHER_TYPE, key=KEY)))
    redriving.send("parties-parked-us-east-1", f"no JSON but {SECRET}")
    redriving.place(OTHER_TYPE)
    log = said(redrive.handler, {}, InTime())
    assert SECRET not in log
    assert "redriven" in log
    redriving.dynamodb.delete_table(TableName=redriving.names.ledger)
    assert SECRET not in said(redrive.handler, {}, InTime())


def test_an_approval_tells_of_answers_by_the_conflict(approving: Cloud, said: Said) -> None:
    place(WINNER)
    place_row(loss(LOST, WINNER, reason=f"ClockAhead: {SECRET}", key=KEY))
    case = json.loads(execution_input(Row.of(row_of("c1"))))
    for answer in (
        {"by": "ann", "take": [f"{SECRET}=lost"]},
        {"by": "ann", "take": [], "set": [f"name={SECRET}"]},
    ):
        log = said(handlers.approve.handler, {"action": "apply", "case": case | {"answer": answer}})
        assert SECRET not in log
        assert "answer refused" in log
    client("dynamodb", "us-east-1").delete_table(TableName="parties")
    applied = case | {"answer": {"by": "ann", "take": ["name=lost"]}}
    assert SECRET not in said(handlers.approve.handler, {"action": "apply", "case": applied})


def test_the_door_tells_of_requests_by_what_became_of_them(
    door: Door, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(*edits: Any, **headers: str) -> str:
        body = {"key": {"id": f"{SECRET}-key"}, "edits": list(edits)}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return said(api.handler, request("POST", "/write", body, headers=named, authorizer=SIGNED))

    secret = {"type": "assign", "path": "name", "value": f"{SECRET}-name"}
    for log in (
        sent(secret),
        sent(secret, If_Match=f'"{SECRET}"'),
        sent(secret | {"path": f"_rec-{SECRET}"}),
        sent(secret | {"type": f"{SECRET}"}),
        sent({"type": "increment", "path": "name"}),
        said(api.handler, request("GET", f"/items/{SECRET}-key", authorizer=SIGNED)),
        said(api.handler, request("GET", f"/{SECRET}", authorizer=SIGNED)),
        said(api.handler, {SECRET: SECRET}),
    ):
        assert SECRET not in log
    door.place(KEY | UNREADABLE)
    log = sent({"type": "remove", "path": "name"})
    assert SECRET not in log
    assert "Undecodable" in log
    door.dynamodb.delete_table(TableName=NAMES.table)
    monkeypatch.setattr("reconciler.client.sending.Sender.pause", lambda *_: None)
    log = sent(secret)
    assert SECRET not in log
    assert "unavailable" in log
    assert "ResourceNotFoundException" in log


def test_an_error_of_no_kind_that_is_known_says_where_it_was_and_not_what_it_had(
    region: Region, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError(f"{SECRET}-name")

    monkeypatch.setattr("reconciler.detection.detector.Detector.detect", fail)
    log = said(detect.handler, batch(secret_record(1, LOST, WINNER)))
    assert SECRET not in log
    assert "InvocationFailed: KeyError" in log
    assert "test_logs.py" in log


def test_logs_hold_items_where_the_environment_says_so(
    region: Region, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_LOG_ITEMS", "on")
    region.place(WINNER)
    assert f"{SECRET}-key" in said(resolve.handler, {"Records": [queued(LOST, WINNER)]})
