"""A region makes each adapter once, when it is asked for, and says what was refused."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from reconciler.aws.clients import client
from reconciler.aws.region import Region, open_region
from reconciler.causality.context import is_replica_of, replica_id
from reconciler.conflict.row import State, ledger_row
from reconciler.deployment.names import Names
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import Unavailable
from reconciler.ports import DetectorPorts, DrainPorts, ResolverPorts
from tests.aws.conftest import REGION
from tests.detection.test_detector import clean
from tests.recorded import Recorded
from tests.redrive.desk import a_loss, lost

NAMES = Names("parties", REGION, "blue")
ADAPTERS = ["items", "ledger", "bus", "evidence", "parked", "set_aside", "streams", "letters"]


class Silent:
    """A client that answers everything with as good as nothing."""

    def __getattr__(self, _: str) -> Callable[..., dict[str, Any]]:
        table = {"TableId": "cats", "CreationDateTime": datetime(2026, 1, 1, tzinfo=UTC)}
        answer = {"Entries": [{"EventId": "e"}], "QueueUrl": "http://queue", "Table": table}
        return lambda **_: answer


class Refusing:
    """A client whose service does not answer."""

    def __getattr__(self, _: str) -> Callable[..., Any]:
        def refuse(**_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        return refuse


def region(asked: list[str] | None = None, of: Any = None, **options: Any) -> Region:
    """Return a region that takes down which clients it asks for."""

    def client_of(service: str, name: str) -> Any:
        assert name == REGION
        if asked is not None:
            asked.append(service)
        return of or Silent()

    return Region(NAMES, client_of=client_of, **options)


def test_each_adapter_is_made_once() -> None:
    asked: list[str] = []
    made = region(asked)
    for name in ADAPTERS:
        assert getattr(made, name) is getattr(made, name)
    assert len(asked) < len(ADAPTERS) * 2


def test_it_is_what_every_stage_works_with() -> None:
    made = region()
    stages: tuple[DetectorPorts, ResolverPorts, DrainPorts] = (made, made, made)
    assert all(each.ledger is made.ledger for each in stages)


def test_a_detector_makes_the_clients_it_needs_and_no_other() -> None:
    asked: list[str] = []
    ports = region(asked)
    assert asked == []
    detector = Detector(DetectorPolicy("parties", REGION), ports, lambda: 20_000)
    detector.detect([clean(1)])
    # To know which replica it is; for a certificate that its lineages are closed.
    assert set(asked) <= {"dynamodb", "events"}
    detector.detect([lost(2)])
    assert set(asked) == {"dynamodb", "events"}


def test_a_region_that_cannot_tell_which_replica_it_is_says_so_and_works_on() -> None:
    counted = Recorded()
    made = region(of=Refusing(), telemetry=counted)
    assert made.replica() == replica_id(REGION)
    assert region(of=Silent()).replica() not in (replica_id(REGION), "")


class Table:
    """A client of a region in which the table has a replica, and maybe others elsewhere."""

    def __init__(self, region: str, others: Sequence[str]) -> None:
        self.asked = 0
        self._table = {
            "TableId": region,
            "CreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Replicas": [{"RegionName": each} for each in others],
        }

    def describe_table(self, **_: Any) -> Any:
        self.asked += 1
        return {"Table": self._table}


def test_the_replicas_of_a_table_are_asked_each_of_its_own_region() -> None:
    others = [each for each in ("eu-west-1", "us-east-1", "us-west-2") if each != REGION]
    tables: dict[str, Any] = {each: Table(each, others) for each in (REGION, *others)}
    made = Region(NAMES, client_of=lambda _, name: tables[name])

    codes = made.replicas()

    assert codes is not None
    assert codes[0] == made.replica()
    assert all(map(is_replica_of, codes, (REGION, *others)))
    assert not {replica_id(each) for each in tables} & {*codes}


def test_where_one_replica_is_unknown_none_is_known_and_nobody_is_asked_for_a_while() -> None:
    tables: dict[str, Any] = {REGION: Table(REGION, ["us-west-2"]), "us-west-2": Refusing()}
    counted = Recorded()
    made = Region(NAMES, client_of=lambda _, name: tables[name], telemetry=counted)

    assert made.replicas() is None
    tables["us-west-2"] = Table("us-west-2", [REGION])
    assert made.replicas() is None


def test_only_writes_of_items_make_one_attempt_a_call(credentials: None, clients: None) -> None:
    made = Region(NAMES)
    assert made.write_client is client("dynamodb", REGION, attempts=1)
    assert made.client("dynamodb") is client("dynamodb", REGION)


def test_a_profile_that_is_not_there_is_an_error_of_ours(
    credentials: None, clients: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.cache_clear()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    for name in ADAPTERS:
        with pytest.raises(Unavailable, match=r"no AWS credentials: .*nobody.*; set AWS_PROFILE"):
            getattr(Region(NAMES), name)


def test_missing_credentials_are_an_error_of_ours(
    clients: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.cache_clear()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ADAPTERS:
        with pytest.raises(Unavailable, match="Unable to locate credentials"):
            getattr(Region(NAMES), name)


def test_the_parked_queue_is_looked_up_unless_its_url_is_given(aws: None) -> None:
    sqs = client("sqs", REGION)
    url = sqs.create_queue(QueueName=NAMES.parked_queue)["QueueUrl"]
    for made in (open_region(NAMES), Region(NAMES, parked_url=url)):
        made.parked.park({"reason": "it was parked"})
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert "it was parked" in message["Body"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_region_without_its_parked_queue_is_not_opened(aws: None) -> None:
    with pytest.raises(Unavailable, match=f"GetQueueUrl {NAMES.parked_queue}"):
        open_region(NAMES)


def test_a_thread_hears_the_refusals_of_its_own_work_only() -> None:
    made = region(of=Refusing())
    row = ledger_row(a_loss(), State.OPEN, 1)
    with ThreadPoolExecutor(1) as another:
        another.submit(made.ledger.record, [row]).result()
        assert made.refusal() == ""
        made.bus.publish([a_loss()])
        assert made.refusal().startswith("events not sent: PutEvents: Could not connect")
        assert another.submit(made.refusal).result().startswith("rows not written: ")


def test_what_is_refused_is_told_to_the_telemetry() -> None:
    heard = Recorded()
    region(of=Refusing(), telemetry=heard).bus.publish([a_loss()])
    ((message, fields),) = heard.notes
    assert (message, fields["identifiers"]) == ("events not sent", [a_loss().conflict_id])
