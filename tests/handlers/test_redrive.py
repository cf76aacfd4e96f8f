"""The redrive on a schedule: within its limits, and with a word about what it cannot do."""

import pytest

from handlers.redrive import handler
from reconciler.conflict.row import State, ledger_row
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.image import merge, read
from reconciler.redrive.drain import OPEN_ROWS
from tests.aws.conftest import REGION
from tests.handlers.conftest import Context, metrics
from tests.redrive.desk import MINE, THEIRS, a_loss, told
from tests.redrive.region import Region


class InTime(Context):
    """An invocation with time left."""

    left_ms = 120_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def region(
    one_server: None, aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch
) -> Region:
    made = Region(REGION)
    for name, value in function_environment(made.names, parked_queue_url="unused").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILER_TRACING", raising=False)
    return made


def test_what_is_in_the_queues_is_done_and_counted(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    region.place(THEIRS)
    queue = f"parties-resolve-dlq-{REGION}"
    region.send(queue, told(a_loss()))
    answer = handler({}, InTime())
    assert answer["redriven"] == answer["queues"][queue]["redriven"] == 1
    assert (region.depth(queue), region.states()) == (0, ["RESOLVED"])
    assert (read(region.item()) or {})["balance"] == 5
    assert metrics(capsys.readouterr().out)["RedriveRedriven"] == [1.0]


def test_a_message_that_was_tried_often_is_escalated_by_name_and_stays(
    region: Region,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECONCILER_REDRIVE_ATTEMPTS", "2")
    region.send(f"parties-parked-{REGION}", "garbage")
    handler({}, InTime())
    assert [each for each in caplog.records if each.message == "escalated"] == []
    capsys.readouterr()
    handler({}, InTime())
    (line,) = (vars(each) for each in caplog.records if each.message == "escalated")
    assert (line["queue"], line["receives"]) == (f"parties-parked-{REGION}", 2)
    assert "why" not in line
    assert metrics(capsys.readouterr().out)[telemetry.REDRIVE_ESCALATED] == [1.0]
    assert region.depth(f"parties-parked-{REGION}") == 1


def test_no_more_than_the_most_is_done_in_a_run(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_REDRIVE_MOST", "2")
    for number in range(3):
        region.send(f"parties-parked-{REGION}", f"garbage {number}")
    assert handler({}, InTime())["poison"] == 2


def test_parked_letters_that_stay_do_not_keep_an_open_loss_from_being_sent(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_REDRIVE_MOST", "2")
    for number in range(2):
        region.send(f"parties-parked-{REGION}", f"garbage {number}")
    never_sent = ledger_row(a_loss(), State.OPEN, 0).image
    region.dynamodb.put_item(TableName=region.names.ledger, Item=never_sent)
    answer = handler({}, InTime())
    assert (answer["queues"][OPEN_ROWS]["redriven"], answer["poison"]) == (1, 1)


def test_a_refusal_of_the_ledger_is_in_the_line_about_the_letter_that_stays(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    region.place(merge(MINE, THEIRS))
    region.send(f"parties-resolve-dlq-{REGION}", told(a_loss()))
    region.dynamodb.delete_table(TableName=region.names.ledger)
    with pytest.raises(Unavailable):  # open losses cannot be read, either
        handler({}, InTime())
    (line,) = (vars(each) for each in caplog.records if each.message == "redriven")
    assert line["outcome"] == "left"
    (refused, *_) = (vars(each) for each in caplog.records if each.message == "not worked off")
    assert refused["error"] == "Unavailable: Query: ResourceNotFoundException"


def test_the_line_about_a_letter_that_cannot_be_merged_shows_nothing_of_its_item(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    region.place(THEIRS)
    region.send(
        f"parties-resolve-dlq-{REGION}",
        told(a_loss(lost={"id": {"S": "p1"}, "_rec": {"S": "secret"}})),
    )
    handler({}, InTime())
    lines = [vars(each) for each in caplog.records if each.message == "redriven"]
    assert {line["outcome"] for line in lines} == {"poison"}
    assert "secret" not in str(lines)


def test_nothing_is_begun_when_the_time_is_nearly_over(region: Region) -> None:
    region.send(f"parties-parked-{REGION}", "garbage")
    context = InTime()
    context.left_ms = 19_000
    assert handler({}, context)["poison"] == 0


@pytest.mark.parametrize("name", ["RECONCILER_REDRIVE_MOST", "RECONCILER_REDRIVE_ATTEMPTS"])
def test_a_limit_that_is_no_number_is_named(
    region: Region, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "many")
    with pytest.raises(InvalidInput, match=f"{name} is 'many'"):
        handler({}, InTime())


def test_a_queue_that_cannot_be_read_fails_the_run_after_the_others_are_done(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    region.place(THEIRS)
    region.send(f"parties-resolve-dlq-{REGION}", told(a_loss()))
    gone = region.sqs.get_queue_url(QueueName=f"parties-stream-dlq-{REGION}")["QueueUrl"]
    region.sqs.delete_queue(QueueUrl=gone)
    with pytest.raises(Unavailable, match="1 place could not be worked off"):
        handler({}, InTime())
    assert (region.depth(f"parties-resolve-dlq-{REGION}"), region.states()) == (0, ["RESOLVED"])
    assert metrics(capsys.readouterr().out)["RedriveRedriven"] == [1.0]
