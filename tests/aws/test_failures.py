"""What the adapters make of AWS's failures: nothing is called done that is not certainly done."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber
from botocore.utils import InstanceMetadataFetcher

from reconciler.aws import Retries, connect, now_ms
from reconciler.aws.bus import EventBridgeBus, batches
from reconciler.aws.clients import client, idempotent, pages, translated
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.client.editor import ItemEditor
from reconciler.conflict.event import ConflictEvent, Event
from reconciler.conflict.row import Row
from reconciler.errors import (
    Contention,
    InvalidInput,
    ItemTooLarge,
    OutcomeUnknown,
    Unavailable,
    Undecodable,
)
from reconciler.item.metadata import token_of
from reconciler.ports import Replacement, Superseded, Unheard
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.aws.test_contract import event, make_table, row
from tests.builders import SCHEMA, Replica, assign, increment, written
from tests.fakes import FakeEvidence


def refusal(code: str, status: int, message: str = "no", **more: Any) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, "AnyCall")


NOBODY = Unheard().note


def untraced(_: Event) -> str:
    return ""


CERTAINLY_NOT_DONE = [
    refusal("ProvisionedThroughputExceededException", 400),
    refusal("ThrottlingException", 400),
    refusal("RequestLimitExceeded", 400),
    refusal("AccessDeniedException", 400),
    refusal("ResourceNotFoundException", 400),
    refusal("TransactionConflictException", 400),
    refusal("ReplicatedWriteConflictException", 400),
    refusal("ExpiredTokenException", 400),
    refusal("ThrottlingException", 503),
    ConnectTimeoutError(endpoint_url="e"),
    EndpointConnectionError(endpoint_url="e"),
    NoCredentialsError(),
]
NOBODY_KNOWS = [
    refusal("InternalServerError", 500),
    refusal("ServiceUnavailable", 503),
    refusal("", 502),
    ReadTimeoutError(endpoint_url="e"),
    ConnectionClosedError(endpoint_url="e"),
    SSLError(endpoint_url="e", error=OSError("handshake")),
    BotoCoreError(),
    ResponseParserError("half an answer"),
]


def name(error: Exception) -> str:
    if isinstance(error, ClientError):
        return f"{error.response['Error']['Code']}-{error.response['ResponseMetadata']}"
    return type(error).__name__


@pytest.mark.parametrize("error", CERTAINLY_NOT_DONE, ids=name)
def test_a_call_that_was_certainly_not_carried_out_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable, match="PutItem"), translated("PutItem"):
        raise error


@pytest.mark.parametrize("error", NOBODY_KNOWS, ids=name)
def test_a_write_that_may_have_been_carried_out_is_of_unknown_outcome(error: Exception) -> None:
    with pytest.raises(OutcomeUnknown, match="PutItem"), translated("PutItem"):
        raise error


@pytest.mark.parametrize("error", NOBODY_KNOWS, ids=name)
def test_a_call_that_may_simply_be_made_again_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable, match="GetItem"), idempotent("GetItem"):
        raise error


def test_where_nobody_answers_the_region_s_name_may_be_wrong() -> None:
    nobody = EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-77.amazonaws.com/")
    with pytest.raises(Unavailable) as caught, translated("Query"):
        raise nobody
    assert "eu-west-77" in str(caught.value)
    assert "check the region's name" in str(caught.value)


def test_an_item_that_is_too_large_for_dynamodb_is_named_so() -> None:
    message = "Item size has exceeded the maximum allowed size"
    with pytest.raises(ItemTooLarge, match=message), translated("PutItem"):
        raise refusal("ValidationException", 400, message)


def test_any_other_validation_is_the_callers_mistake() -> None:
    message = "Type mismatch for Index Key"
    with pytest.raises(InvalidInput, match=message) as caught, translated("PutItem"):
        raise refusal("ValidationException", 400, message)
    assert not isinstance(caught.value, ItemTooLarge)


def test_parameters_that_the_sdk_refuses_are_the_callers_mistake() -> None:
    with pytest.raises(InvalidInput, match="Unknown parameter"), translated("Query"):
        raise ParamValidationError(report="Unknown parameter: Foo")


@pytest.fixture
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give no credentials; list how often the machine's own service was asked for some."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/dev/null")
    asked: list[str] = []

    def nothing(_: object) -> dict[str, str]:
        asked.append("a role")
        return {}

    monkeypatch.setattr(InstanceMetadataFetcher, "retrieve_iam_role_credentials", nothing)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials that it found
    client.cache_clear()
    yield asked
    client.cache_clear()


def test_who_is_not_logged_in_is_told_after_one_look_for_credentials_and_what_to_do(
    nobody_logged_in: list[str],
) -> None:
    with pytest.raises(Unavailable, match=r"no AWS credentials: .*; set AWS_PROFILE, .*use_endp"):
        connect(SCHEMA, region=REGION)
    assert nobody_logged_in == ["a role"]


def test_a_client_of_ones_own_without_credentials_is_not_tried_for_half_a_minute(
    nobody_logged_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Config(retries={"total_max_attempts": 1})
    dynamodb = boto3.client("dynamodb", region_name=REGION, config=one)
    parties = connect(SCHEMA, region=REGION, dynamodb=dynamodb)
    monkeypatch.setattr(
        "reconciler.client.sending.Sender.pause", lambda *_: pytest.fail("it tries on")
    )
    with pytest.raises(Unavailable, match="GetItem: no AWS credentials"):
        parties.get({"id": "p1"})


def test_the_role_of_a_machine_is_taken(
    nobody_logged_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    role = {"access_key": "machine", "secret_key": "s", "token": "t", "role_name": "r"}
    role["expiry_time"] = "2999-01-01T00:00:00Z"
    monkeypatch.setattr(InstanceMetadataFetcher, "retrieve_iam_role_credentials", lambda _: role)
    dynamodb = client("dynamodb", REGION, attempts=1)
    assert dynamodb._request_signer._credentials.access_key == "machine"


def test_a_closed_port_is_a_call_that_was_not_carried_out(credentials: None) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    dynamodb = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        config=config,
    )
    write = Replacement(written(assign("name", "Ada")), None)
    with pytest.raises(Unavailable):
        DynamoItems("parties", dynamodb).put(write)


# Clients


def test_a_client_for_writes_makes_one_attempt_a_call_and_all_have_timeouts(
    credentials: None,
) -> None:
    config = client("dynamodb", REGION, attempts=1).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert client("events", REGION).meta.config.retries["total_max_attempts"] > 1


def test_a_page_is_asked_for_when_it_is_wanted_and_its_failure_is_an_error_of_ours(
    credentials: None,
) -> None:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    first = {"Items": [{"id": {"S": "p1"}}], "LastEvaluatedKey": {"id": {"S": "p1"}}}
    with Stubber(dynamodb) as stubber:
        stubber.add_response("query", first, {"TableName": "parties"})
        found = pages(dynamodb, "Query", TableName="parties")
        assert next(found)["Items"] == first["Items"]
        stubber.assert_no_pending_responses()
        stubber.add_client_error("query", "InternalServerError", http_status_code=500)
        with pytest.raises(Unavailable, match="Query: InternalServerError"):
            next(found)


def test_one_client_serves_all_callers_of_a_service_and_region(credentials: None) -> None:
    assert client("sqs", REGION) is client("sqs", REGION)


def test_a_table_is_opened_in_the_region_of_the_environment(aws: None) -> None:
    make_table("parties", "id")
    table = connect(SCHEMA)
    with table.edit({"id": "p1"}) as party:
        party.increment("balance", 5)
    assert table.get({"id": "p1"}) == {"id": "p1", "balance": 5}
    image = DynamoItems("parties", client("dynamodb", REGION)).get({"id": {"S": "p1"}}) or {}
    assert image["_rec"]["M"]["p"]["S"].startswith("use1")


def test_how_often_an_edit_is_tried_is_said_when_the_table_is_opened(aws: None) -> None:
    make_table("parties", "id")
    table, other = connect(SCHEMA, retries=Retries(attempts=1)), connect(SCHEMA)

    def overtaken(party: ItemEditor) -> None:
        assert party.get("name") is None  # a look at the item, so no named write
        party.increment("balance", 5)
        other.apply({"id": "p1"}, lambda item: item.increment("balance", 1))

    with pytest.raises(Contention) as refused:
        table.apply({"id": "p1"}, overtaken)
    assert refused.value.evidence["attempts"] == 1
    assert table.get({"id": "p1"}) == {"id": "p1", "balance": 1}


def test_a_table_writes_through_the_client_that_makes_one_attempt(aws: None) -> None:
    """The SDK's own second attempt would find the first one's image and look refused."""
    make_table("parties", "id")
    table, seen = connect(SCHEMA), client("dynamodb", REGION, attempts=1).meta.events
    sent: list[str] = []
    seen.register("before-call.dynamodb.PutItem", lambda **_: sent.append("put"), "watch")
    table.apply({"id": "p1"}, lambda item: item.increment("balance", 5))
    seen.unregister("before-call.dynamodb.PutItem", unique_id="watch")
    assert sent == ["put"]


def test_a_table_without_a_region_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(InvalidInput, match="region ''"):
        connect(SCHEMA)


def test_the_wall_clock_is_in_milliseconds() -> None:
    assert 1_700_000_000_000 < now_ms() < 10_000_000_000_000


# Items


def test_an_item_is_read_consistently(credentials: None) -> None:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    key = {"id": {"S": "p1"}}
    asked = {"TableName": "parties", "Key": key, "ConsistentRead": True}
    with Stubber(dynamodb) as stubber:
        stubber.add_response("get_item", {"Item": key}, asked)
        assert DynamoItems("parties", dynamodb).get(key) == key


CANCELLED = "TransactionCanceledException"


def cancelled(*codes: str, **item: Any) -> Callable[[Stubber], None]:
    reasons = [{"Code": code, "Message": f"{code} it is"} | item for code in codes]

    def add_to(stubber: Stubber) -> None:
        stubber.add_client_error(
            "transact_write_items",
            CANCELLED,
            http_status_code=400,
            modeled_fields={"CancellationReasons": reasons},
        )

    return add_to


def transact(answer: Callable[[Stubber], None], *images: Any) -> Any:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    writes = [Replacement(image, None) for image in images or (written(increment("balance")),)]
    with Stubber(dynamodb) as stubber:
        answer(stubber)
        return DynamoItems("parties", dynamodb).put_all(writes)


@pytest.mark.parametrize(
    "code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
)
def test_a_transaction_cancelled_for_a_while_is_unavailable(credentials: None, code: str) -> None:
    with pytest.raises(Unavailable, match=code):
        transact(cancelled(code, "None"))


def test_a_transaction_that_is_invalid_is_the_callers_mistake(credentials: None) -> None:
    with pytest.raises(InvalidInput, match="ValidationError it is"):
        transact(cancelled("ValidationError", "None"))


def test_a_transaction_refused_by_one_item_says_which(credentials: None) -> None:
    images = [written(increment("balance", n)) for n in (1, 2)]
    assert transact(cancelled("ConditionalCheckFailed", "None"), *images) == [
        Superseded(None),
        None,
    ]


def test_a_transaction_refused_by_its_own_image_was_carried_out_before(credentials: None) -> None:
    """Ten minutes later the service forgets the request token, but the item holds the image's."""
    image = written(increment("balance"))
    assert transact(cancelled("ConditionalCheckFailed", Item=image), image) is None


def test_a_transaction_has_a_request_token_that_only_its_images_decide(credentials: None) -> None:
    sent: list[Mapping[str, Any]] = []

    class Watched:
        exceptions = boto3.client("dynamodb", region_name=REGION).exceptions

        def transact_write_items(self, **request: Any) -> None:
            sent.append(request)

    items = DynamoItems("parties", Watched())
    first, second = (Replacement(written(increment("balance", n)), None) for n in (1, 2))
    for writes in ([first], [first], [second]):
        items.put_all(writes)
    tokens = [request["ClientRequestToken"] for request in sent]
    assert tokens[0] == tokens[1]
    assert tokens[0] != tokens[2]
    assert len(tokens[0]) == 36


def test_a_refused_put_brings_the_item_of_the_real_service_along(aws: None) -> None:
    dynamodb = make_table("parties", "id")
    replica = Replica("use1")
    before, after = replica.write(assign("name", "a")), replica.write(assign("name", "b"))
    dynamodb.put_item(TableName="parties", Item=after)
    refused = DynamoItems("parties", dynamodb).put(Replacement(after, before))
    assert refused is not None
    assert token_of(refused.current or {}) == token_of(after)


# Ledger

Answer = Callable[[Mapping[str, Any]], Any]


class Scripted:
    """A client whose calls answer as told; it keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def _call(self, **request: Any) -> Any:
        self.requests.append(request)
        return self.answers.pop(0)(request)

    batch_write_item = put_events = put_object = get_object = send_message = _call
    update_item = _call


def raising(error: Exception) -> Answer:
    def answer(request: Mapping[str, Any]) -> Any:
        raise error

    return answer


def rows(count: int) -> list[Row]:
    return [row(number) for number in range(count)]


def done(request: Mapping[str, Any]) -> Any:
    return {"UnprocessedItems": {}}


def test_rows_are_written_25_a_call() -> None:
    dynamodb = Scripted(done, done, done)
    assert DynamoLedger("ledger", dynamodb, FakeEvidence, NOBODY).record(rows(60)) == set()
    sizes = [len(request["RequestItems"]["ledger"]) for request in dynamodb.requests]
    assert sizes == [25, 25, 10]


def test_rows_that_the_service_left_over_are_reported() -> None:
    def all_but_two(request: Mapping[str, Any]) -> Any:
        return {"UnprocessedItems": {"ledger": request["RequestItems"]["ledger"][3:5]}}

    ledger = DynamoLedger("ledger", Scripted(all_but_two), FakeEvidence, NOBODY)
    assert ledger.record(rows(10)) == {"c3", "c4"}


@pytest.mark.parametrize("error", [*CERTAINLY_NOT_DONE, *NOBODY_KNOWS], ids=name)
def test_a_call_of_the_ledger_that_fails_reports_its_rows_and_the_next_is_made(
    error: Exception,
) -> None:
    ledger = DynamoLedger("ledger", Scripted(done, raising(error), done), FakeEvidence, NOBODY)
    assert ledger.record(rows(60)) == {f"c{number}" for number in range(25, 50)}


class Notes:
    """A `Telemetry.note` that keeps what it is told, of an error its text."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, message: str, **fields: Any) -> None:
        self.told.append((message, fields | {"error": str(fields["error"])}))


def test_why_rows_are_not_written_is_told_with_their_ids_and_nothing_of_their_items() -> None:
    def all_but_one(request: Mapping[str, Any]) -> Any:
        return {"UnprocessedItems": {"ledger": request["RequestItems"]["ledger"][4:5]}}

    notes, refused = Notes(), raising(refusal("AccessDeniedException", 400, "no key for you"))
    DynamoLedger("ledger", Scripted(done, refused, all_but_one), FakeEvidence, notes).record(
        rows(55)
    )
    (whole, whole_call), (some, left_over) = notes.told
    assert whole == some == "rows not written"
    assert whole_call == {
        "error": "BatchWriteItem: AccessDeniedException: no key for you",
        "conflict_ids": [f"c{number}" for number in range(25, 50)],
    }
    assert "throttled" in left_over["error"]
    assert left_over["conflict_ids"] == ["c54"]


def test_rows_that_are_written_are_no_news() -> None:
    notes = Notes()
    DynamoLedger("ledger", Scripted(done), FakeEvidence, notes).record(rows(3))
    assert notes.told == []


# Bus


def accepting(*, but: int | None = None) -> Answer:
    def answer(request: Mapping[str, Any]) -> Any:
        entries: list[dict[str, str]] = [{"EventId": "e"} for _ in request["Entries"]]
        if but is not None:
            entries[but] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"FailedEntryCount": int(but is not None), "Entries": entries}

    return answer


def test_events_are_sent_ten_a_call() -> None:
    events = Scripted(*[accepting()] * 3)
    assert (
        EventBridgeBus("conflicts", events, untraced, NOBODY).publish([event(n) for n in range(23)])
        == set()
    )
    assert [len(request["Entries"]) for request in events.requests] == [10, 10, 3]


def test_a_call_of_the_bus_stays_under_a_million_bytes() -> None:
    events = Scripted(*[accepting()] * 10)
    large: list[ConflictEvent] = [event(n, size=300_000) for n in range(10)]
    assert EventBridgeBus("conflicts", events, untraced, NOBODY).publish(large) == set()
    assert [len(request["Entries"]) for request in events.requests] == [3, 3, 3, 1]
    assert all(len(json.dumps(request["Entries"])) < 1_048_576 for request in events.requests)


def test_an_entry_larger_than_a_call_goes_alone() -> None:
    assert list(batches([("a", "x"), ("b", "y" * 1_100_000), ("c", "z")])) == [
        [("a", "x")],
        [("b", "y" * 1_100_000)],
        [("c", "z")],
    ]


def test_each_entrys_own_result_is_read() -> None:
    bus = EventBridgeBus("conflicts", Scripted(accepting(), accepting(but=4)), untraced, NOBODY)
    assert bus.publish([event(n) for n in range(20)]) == {"c14"}


@pytest.mark.parametrize("error", [*CERTAINLY_NOT_DONE, *NOBODY_KNOWS], ids=name)
def test_a_call_of_the_bus_that_fails_reports_all_its_events_and_the_next_is_made(
    error: Exception,
) -> None:
    bus = EventBridgeBus("conflicts", Scripted(raising(error), accepting()), untraced, NOBODY)
    assert bus.publish([event(n) for n in range(15)]) == {f"c{n}" for n in range(10)}


def test_why_events_are_not_sent_is_told_once_for_each_reason() -> None:
    notes, refused = Notes(), raising(refusal("AccessDeniedException", 400, "not this bus"))
    bus = EventBridgeBus("conflicts", Scripted(refused, accepting(but=4)), untraced, notes)
    bus.publish([event(n) for n in range(20)])
    assert notes.told == [
        (
            "events not sent",
            {
                "error": "PutEvents: AccessDeniedException: not this bus",
                "identifiers": [f"c{n}" for n in range(10)],
            },
        ),
        (
            "events not sent",
            {"error": "PutEvents: ThrottlingException: slow down", "identifiers": ["c14"]},
        ),
    ]


def test_an_entry_says_what_rules_select_it_by() -> None:
    events = Scripted(accepting())
    EventBridgeBus("conflicts", events, untraced, NOBODY).publish([event(1)])
    (entry,) = events.requests[0]["Entries"]
    assert entry["EventBusName"] == "conflicts"
    assert entry["Source"] == "dynamodb.reconciler"
    assert entry["DetailType"] == "Replicated Write Lost"
    assert json.loads(entry["Detail"])["role"] == "home"
    assert "TraceHeader" not in entry


def test_an_entry_travels_with_the_header_of_its_own_trace() -> None:
    events = Scripted(accepting())
    bus = EventBridgeBus(
        "conflicts", events, lambda sent: f"Root={sent.identifier};Sampled=1", NOBODY
    )
    bus.publish([event(1), event(2)])
    headers = [entry["TraceHeader"] for entry in events.requests[0]["Entries"]]
    assert headers == ["Root=c1;Sampled=1", "Root=c2;Sampled=1"]


# Evidence and parked changes


@pytest.mark.parametrize("error", NOBODY_KNOWS, ids=name)
def test_evidence_and_parking_that_fail_are_unavailable(error: Exception) -> None:
    evidence = S3Evidence("evidence", Scripted(raising(error), raising(error)))
    with pytest.raises(Unavailable):
        evidence.put("c1", "{}")
    with pytest.raises(Unavailable):
        evidence.get("s3://evidence/c1")
    with pytest.raises(Unavailable):
        SqsParked("url", Scripted(raising(error)), evidence).park({})


def test_a_large_parked_change_whose_evidence_fails_is_not_called_kept() -> None:
    sqs = Scripted()
    evidence = S3Evidence("evidence", Scripted(raising(refusal("SlowDown", 503))))
    with pytest.raises(Unavailable):
        SqsParked("url", sqs, evidence).park({"record": "x" * 1_100_000})
    assert sqs.requests == []


def test_a_client_that_retries_by_itself_is_refused_with_the_setting_to_change() -> None:
    retrying = client("dynamodb", REGION)

    with pytest.raises(InvalidInput, match="total_max_attempts': 1"):
        connect(SCHEMA, region=REGION, dynamodb=retrying)


# What AWS will never take


INVALID = refusal("ValidationException", 400, "Item size has exceeded the maximum allowed size")


def test_a_row_that_dynamodb_never_takes_holds_up_no_other_and_goes_without_its_images() -> None:
    written: list[Image] = []

    def strict(request: Mapping[str, Any]) -> Any:
        """Refuse the whole call, as AWS does, for one row that is too large for it."""
        items = [each["PutRequest"]["Item"] for each in request["RequestItems"]["ledger"]]
        if any(item["conflict_id"]["S"] == "c7" and "lost" in item for item in items):
            raise INVALID
        written.extend(items)
        return {"UnprocessedItems": {}}

    evidence = FakeEvidence()
    dynamodb = Scripted(*[strict] * 30)
    ledger = DynamoLedger("ledger", dynamodb, lambda: evidence, NOBODY)
    assert ledger.record(rows(25)) == set()
    assert sorted(item["conflict_id"]["S"] for item in written) == sorted(
        f"c{number}" for number in range(25)
    )
    (moved,) = (item for item in written if "lost" not in item)
    assert json.loads(evidence.documents[moved["images_ref"]["S"]])["lost"] == row(7).lost


def test_a_row_that_is_refused_even_without_its_images_is_reported_alone() -> None:
    notes = Notes()
    dynamodb = Scripted(*[raising(INVALID)] * 3)
    assert DynamoLedger("ledger", dynamodb, FakeEvidence, notes).record(rows(1)) == {"c0"}
    assert [message for message, _ in notes.told] == ["rows not written"]


def test_one_event_that_the_bus_never_takes_holds_up_no_other() -> None:
    def strict(request: Mapping[str, Any]) -> Any:
        if any('"c1"' in entry["Detail"] for entry in request["Entries"]):
            raise refusal("ValidationException", 400, "Total size of the entries is over the limit")
        return {"Entries": [{"EventId": "1"} for _ in request["Entries"]]}

    bus = EventBridgeBus("bus", Scripted(*[strict] * 5), lambda _: "", NOBODY)
    assert bus.publish([event(number) for number in range(3)]) == {"c1"}


def test_evidence_that_is_not_text_or_in_another_bucket_is_undecodable() -> None:
    body = {"Body": BytesIO(b"\xff\xfe")}
    evidence = S3Evidence("bucket", Scripted(lambda _: body))
    for reference in ("s3://bucket/conflicts/c1.json", "s3://other/x", "nonsense"):
        with pytest.raises(Undecodable):
            evidence.get(reference)


def test_a_row_whose_closing_is_refused_for_good_is_reported_alone_and_why_is_told() -> None:
    notes, dynamodb = Notes(), Scripted(done, raising(INVALID), done)
    ledger = DynamoLedger("ledger", dynamodb, FakeEvidence, notes)
    assert ledger.set_state(rows(3)) == {"c1"}
    ((message, fields),) = notes.told
    assert (message, fields["conflict_ids"]) == ("row not closed", ["c1"])
