"""The alarms: what each watches, from where on, and that none looks well when nobody reports."""

import json
import re
from typing import Any

import pytest

from handlers.observability import Observability
from infra.artefact import ROOT
from reconciler.causality import hlc
from reconciler.deployment import telemetry
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import (
    CONFLICTS_PER_MINUTE_ALARM,
    DEAD_LETTER_RETENTION_SECONDS,
    METRICS_NAMESPACE,
    STREAM_SOURCE,
)
from tests.infra.stacks import REGIONS, SCENES, Stacks, synthesised

EU = "eu-west-1"
NAMES = Names("parties", EU)
ALARM = "AWS::CloudWatch::Alarm"
OURS = {value for name, value in vars(telemetry).items() if name.isupper() and value != ()}
DIMENSIONS = {  # as AWS's guides list them
    "AWS/ApiGateway": [{"ApiId"}],
    "AWS/Lambda": [{"FunctionName"}, {"EventSourceMappingUUID"}],
    "AWS/SQS": [{"QueueName"}],
    "AWS/Events": [{"EventBusName", "RuleName"}],
    "AWS/S3": [{"SourceBucket", "DestinationBucket", "RuleId"}],
    "AWS/DynamoDB": [
        {"TableName"},
        {"TableName", "GlobalSecondaryIndexName"},
        {"TableName", "ReceivingRegion"},
        {"TableName", "Source"},
    ],
    METRICS_NAMESPACE: [{"table", "region"}],
}


def made(stacks: Stacks, region: str = EU) -> dict[str, dict[str, Any]]:
    alarms = stacks.all("reconciler", ALARM, region).values()
    return {each["AlarmName"]: each for each in alarms}


def alarm(stacks: Stacks, resource: str) -> dict[str, Any]:
    return made(stacks)[NAMES.of(resource)]


def metrics(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the metrics of an alarm by their ids, each flat, its dimensions as a dictionary."""
    return {
        query["Id"]: {
            **query["MetricStat"]["Metric"],
            "Dimensions": {
                d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]
            },
            "Period": query["MetricStat"]["Period"],
            "Stat": query["MetricStat"]["Stat"],
        }
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }


def expression(alarm: dict[str, Any]) -> str:
    [found] = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    return str(found)


def only(alarm: dict[str, Any]) -> dict[str, Any]:
    [metric] = metrics(alarm).values()
    return metric


def window_seconds(alarm: dict[str, Any]) -> int:
    [period] = {metric["Period"] for metric in metrics(alarm).values()}
    return int(period * alarm["EvaluationPeriods"])


@pytest.mark.parametrize("scene", SCENES)
def test_every_alarm_is_named_for_its_region_and_tells_its_topic_when_it_is_on_and_over(
    scene: str,
) -> None:
    stacks = synthesised(scene)
    for region in stacks.settings.regions:
        topic = stacks.template(stacks.stack("reconciler", region))["Outputs"]["AlarmsTopic"]
        names = stacks.settings.names(region)
        before, _, behind = names.of("|").partition("|")
        for name, each in made(stacks, region).items():
            assert name.startswith(before)
            assert name.endswith(behind)
            assert each["AlarmActions"] == each["OKActions"] == [topic["Value"]]


@pytest.mark.parametrize("scene", SCENES)
def test_every_metric_that_is_watched_has_the_dimensions_that_its_sender_gives_it(
    scene: str,
) -> None:
    stacks = synthesised(scene)
    for region in stacks.settings.regions:
        for each in made(stacks, region).values():
            for metric in metrics(each).values():
                assert set(metric["Dimensions"]) in DIMENSIONS[metric["Namespace"]]
                if metric["Namespace"] == METRICS_NAMESPACE:
                    assert metric["MetricName"] in OURS
                    table = stacks.settings.names(region).table
                    assert metric["Dimensions"] == {"table": table, "region": region}


def test_what_is_watched_is_what_a_function_sends(
    three: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    gauge = Observability("gauge", "parties", EU)
    with gauge.invocation(None):
        gauge.measure(telemetry.PARKED_LOSSES, 1)
    sent = json.loads(capsys.readouterr().out)
    [directive] = sent["_aws"]["CloudWatchMetrics"]

    watched = only(alarm(three, "parked-losses"))
    assert directive["Namespace"] == watched["Namespace"]
    assert [each["Name"] for each in directive["Metrics"]] == [watched["MetricName"]]
    [dimensions] = directive["Dimensions"]
    assert {name: sent[name] for name in dimensions} == watched["Dimensions"]


@pytest.mark.parametrize("scene", SCENES)
def test_only_what_is_silent_when_it_fails_is_alarmed_on_its_silence(scene: str) -> None:
    missing: dict[str, set[str]] = {}
    for name, each in made(synthesised(scene)).items():
        missing.setdefault(each["TreatMissingData"], set()).add(name)

    names = synthesised(scene).settings.names(EU)
    silent = {names.of("gauge-silent"), names.of("stream-unread")}
    assert missing.pop("breaching") == silent
    assert set(missing) == {"notBreaching"}


def test_a_silent_gauge_is_told_within_15_minutes(three: Stacks) -> None:
    made = alarm(three, "gauge-silent")

    assert (only(made)["MetricName"], only(made)["Stat"]) == ("OpenLosses", "SampleCount")
    assert (made["ComparisonOperator"], made["Threshold"]) == ("LessThanThreshold", 1)
    assert window_seconds(made) == 900


def test_a_late_detector_is_told_long_before_a_batch_is_set_aside(three: Stacks) -> None:
    made = alarm(three, "iterator-age")

    assert (only(made)["MetricName"], only(made)["Stat"]) == ("IteratorAge", "Maximum")
    assert only(made)["Dimensions"] == {"FunctionName": NAMES.detect_function}
    assert made["Threshold"] * 10 < STREAM_SOURCE.maximum_record_age_seconds * 1000


def test_a_stream_that_nobody_reads_is_told(three: Stacks) -> None:
    sources = three.all("reconciler", "AWS::Lambda::EventSourceMapping")
    [(source, of_stream)] = [(k, s) for k, s in sources.items() if "StartingPosition" in s]
    watched = only(alarm(three, "stream-unread"))

    assert of_stream["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert (watched["MetricName"], watched["Stat"]) == ("PolledEventCount", "SampleCount")
    assert watched["Dimensions"] == {"EventSourceMappingUUID": f"{source}.Id"}


@pytest.mark.parametrize("scene", SCENES)
def test_every_function_s_failures_are_told(scene: str) -> None:
    stacks = synthesised(scene)
    functions = stacks.all("reconciler", "AWS::Lambda::Function").values()
    told = {
        metric["Dimensions"]["FunctionName"]
        for each in made(stacks).values()
        for metric in metrics(each).values()
        if metric["MetricName"] == "Errors"
    }

    assert told == {f["FunctionName"] for f in functions if "lookup" not in f["FunctionName"]}


@pytest.mark.parametrize("function", ["detect", "resolve", "gauge"])
def test_more_than_5_failures_in_10_minutes_are_told(three: Stacks, function: str) -> None:
    made = alarm(three, f"function-errors-{function}")

    assert (made["ComparisonOperator"], made["Threshold"]) == ("GreaterThanThreshold", 5)
    assert window_seconds(made) == 600


@pytest.mark.parametrize(
    ("function", "metric"), [("detect", "DetectionFailures"), ("resolve", "ResolutionFailures")]
)
def test_a_batch_of_which_a_part_comes_back_is_a_failure(
    three: Stacks, function: str, metric: str
) -> None:
    made = alarm(three, f"function-errors-{function}")

    watched = {each["MetricName"]: each["Stat"] for each in metrics(made).values()}
    assert watched == {"Errors": "Sum", metric: "SampleCount"}
    assert expression(made) == "errors + parts"


@pytest.mark.parametrize(("function", "minutes"), [("redrive", 15), ("approve", 5)])
def test_two_failed_runs_of_a_schedule_are_told_however_seldom_it_runs(
    options: Stacks, function: str, minutes: int
) -> None:
    made = alarm(options, f"function-errors-{function}")
    rule = options.one("reconciler", "AWS::Events::Rule", Name=NAMES.of(function))

    assert rule["ScheduleExpression"] == f"rate({minutes} minutes)"
    runs = window_seconds(made) // (minutes * 60)
    assert runs == made["Threshold"] + 1 == 2


@pytest.mark.parametrize("function", ["detect", "resolve"])
def test_throttles_of_the_functions_are_told(three: Stacks, function: str) -> None:
    made = alarm(three, f"function-throttles-{function}")

    assert (only(made)["MetricName"], made["Threshold"]) == ("Throttles", 0)
    assert only(made)["Dimensions"] == {"FunctionName": NAMES.of(function)}


@pytest.mark.parametrize(
    ("about", "table", "indexes"), [("table", "parties", 0), ("ledger", NAMES.ledger, 1)]
)
def test_throttles_of_the_tables_are_told_those_of_the_ledger_s_index_too(
    three: Stacks, about: str, table: str, indexes: int
) -> None:
    made = alarm(three, f"table-throttles-{about}")
    refused = [m for m in metrics(made).values() if m["MetricName"].endswith("ThrottleEvents")]

    assert {each["Dimensions"]["TableName"] for each in refused} == {table}
    by_index = [each for each in refused if "GlobalSecondaryIndexName" in each["Dimensions"]]
    assert (len(by_index), len(refused)) == (2 * indexes, 2 * indexes + 2)
    assert {name for name in metrics(made) if name != "consumed"} < set(
        re.findall(r"\w+", expression(made))
    )


@pytest.mark.parametrize("scene", SCENES)
def test_an_alarm_on_dynamodb_always_has_a_value_so_that_it_can_go_off(scene: str) -> None:
    for each in made(synthesised(scene)).values():
        watched = metrics(each)
        if any(metric["Namespace"] == "AWS/DynamoDB" for metric in watched.values()):
            assert watched["consumed"]["MetricName"] == "ConsumedWriteCapacityUnits"
            assert set(watched["consumed"]["Dimensions"]) == {"TableName"}
            assert "0 * consumed" in expression(each)


def test_every_dead_letter_queue_s_depth_and_age_are_told_before_sqs_deletes(
    three: Stacks,
) -> None:
    for queue in NAMES.dead_letter_queues():
        part = queue.removeprefix("parties-").removesuffix(f"-{EU}")
        depth, age = (alarm(three, f"dead-letter{kind}-{part}") for kind in ("s", "-age"))
        assert only(depth)["Dimensions"] == only(age)["Dimensions"] == {"QueueName": queue}
        assert only(depth)["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert only(age)["MetricName"] == "ApproximateAgeOfOldestMessage"
        assert depth["Threshold"] == 0
        assert age["Threshold"] * 4 < DEAD_LETTER_RETENTION_SECONDS


@pytest.mark.parametrize("queue", ["resolve", "witness"])
def test_a_message_that_nobody_resolves_is_told(three: Stacks, queue: str) -> None:
    made = alarm(three, f"queue-age-{queue}")

    assert only(made)["Dimensions"] == {"QueueName": NAMES.of(queue)}
    delayed = three.one("reconciler", "AWS::SQS::Queue", QueueName=NAMES.of(queue))["DelaySeconds"]
    assert made["Threshold"] == 900 > delayed


def test_a_letter_that_no_redrive_finishes_is_told_where_a_redrive_runs(
    three: Stacks, options: Stacks
) -> None:
    assert only(alarm(options, "redrive-escalated"))["MetricName"] == telemetry.REDRIVE_ESCALATED
    assert NAMES.of("redrive-escalated") not in made(three)


def test_a_letter_that_each_redrive_counts_anew_keeps_its_alarm_on_from_run_to_run(
    options: Stacks,
) -> None:
    made = alarm(options, "redrive-escalated")

    assert options.settings.redrive_minutes
    assert window_seconds(made) >= 2 * options.settings.redrive_minutes * 60


def test_one_parked_loss_and_an_open_loss_of_15_minutes_are_told(three: Stacks) -> None:
    parked, open_loss = alarm(three, "parked-losses"), alarm(three, "open-loss-age")

    assert (only(parked)["MetricName"], parked["Threshold"]) == ("ParkedLosses", 0)
    assert only(open_loss)["MetricName"] == "OldestOpenLoss_ms"
    assert open_loss["Threshold"] == 900_000
    assert only(parked)["Stat"] == only(open_loss)["Stat"] == "Maximum"


def test_the_rate_of_conflicts_is_told_by_the_minute(three: Stacks) -> None:
    made = alarm(three, "conflict-rate")

    assert (only(made)["MetricName"], only(made)["Stat"]) == ("Conflicts", "Sum")
    assert (only(made)["Period"], made["Threshold"]) == (60, CONFLICTS_PER_MINUTE_ALARM)
    assert made["DatapointsToAlarm"] == made["EvaluationPeriods"] == 5


def test_a_drifting_clock_is_told_before_conflicts_are_parked_for_it(three: Stacks) -> None:
    made = alarm(three, "clock-drift")

    assert (only(made)["MetricName"], only(made)["Stat"]) == ("ClockDrift_ms", "Maximum")
    assert made["Threshold"] == hlc.MAXIMUM_CLOCK_DRIFT_MS / 2


def test_a_functions_clock_that_is_off_is_told(three: Stacks) -> None:
    made = alarm(three, "clock-off")

    assert (only(made)["MetricName"], only(made)["Stat"]) == ("ClockOff_ms", "Maximum")
    assert made["Threshold"] == hlc.MAXIMUM_CLOCK_DRIFT_MS / 2


@pytest.mark.parametrize("kind", ["replication-latency", "replication-stalled"])
def test_replication_is_watched_from_every_region_to_every_other(three: Stacks, kind: str) -> None:
    for region in REGIONS:
        names = three.settings.names(region)
        found = {
            metrics(each)["latency"]["Dimensions"]["ReceivingRegion"]: name
            for name, each in made(three, region).items()
            if kind in name
        }
        others = [each for each in REGIONS if each != region]
        assert found == {other: names.of(f"{kind}-to-{other}") for other in others}


def test_a_replication_of_3_minutes_is_told(three: Stacks) -> None:
    made = alarm(three, "replication-latency-to-us-east-1")

    assert (metrics(made)["latency"]["Stat"], made["Threshold"]) == ("Average", 180_000)


@pytest.mark.parametrize(
    ("what_happens", "written", "latency", "consumed", "stalled"),
    [
        ("nobody writes", 0, 0, 0, 0),
        ("items are written and arrive", 5, 900, 5, 0),
        ("items are written and none arrives", 5, 0, 5, 1),
        ("others' items are replicated to here", 0, 0, 5, 0),
        ("what was written before arrives", 0, 700_000, 0, 0),
    ],
)
def test_replication_stands_only_if_something_was_written_here(  # noqa: PLR0917 (a row of a table)
    three: Stacks, what_happens: str, written: int, latency: int, consumed: int, stalled: int
) -> None:
    made = alarm(three, "replication-stalled-to-us-east-1")
    program = expression(made).replace("IF(", "when(").replace("AND", "and")
    given = {"written": written, "latency": latency, "consumed": consumed}

    assert set(given) == set(metrics(made))
    assert metrics(made)["written"]["Dimensions"] == {"TableName": "parties", "Source": "Customer"}
    found = eval(program, {"when": lambda c, yes, no: yes if c else no, **given})  # noqa: S307 (ours)
    assert (found > made["Threshold"]) == bool(stalled), what_happens


def test_one_write_at_the_end_of_a_period_is_no_stall_and_seldom_writes_are_seen(
    three: Stacks,
) -> None:
    made = alarm(three, "replication-stalled-to-us-east-1")

    assert (made["DatapointsToAlarm"], window_seconds(made)) == (3, 3_600)


def test_a_batch_that_could_not_be_set_aside_is_told(three: Stacks) -> None:
    made = alarm(three, "undelivered-batches")

    watched = {each["MetricName"]: set(each["Dimensions"]) for each in metrics(made).values()}
    assert watched == {
        "DestinationDeliveryFailures": {"FunctionName"},
        "DroppedEventCount": {"EventSourceMappingUUID"},
    }
    assert (expression(made), made["Threshold"]) == ("failures + dropped", 0)


def test_a_batch_that_was_set_aside_is_told_without_its_message(three: Stacks) -> None:
    made = alarm(three, "batches-set-aside")

    watched = only(made)
    assert watched["MetricName"] == "OnFailureDestinationDeliveredEventCount"
    assert set(watched["Dimensions"]) == {"EventSourceMappingUUID"}
    assert (watched["Stat"], made["Threshold"]) == ("Sum", 0)


def test_an_event_that_a_rule_gave_up_is_told(three: Stacks) -> None:
    made = alarm(three, "undelivered-events")

    watched = {
        (m["Dimensions"]["EventBusName"], m["Dimensions"]["RuleName"], m["MetricName"])
        for m in metrics(made).values()
    }
    assert watched == {
        (NAMES.bus, role, name)
        for role in ("home", "witness")
        for name in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
    }
    assert set(expression(made).split(" + ")) == set(metrics(made))


def test_alarms_send_to_a_topic_under_a_key_that_lets_cloudwatch_use_it(three: Stacks) -> None:
    topic = three.one("reconciler", "AWS::SNS::Topic")
    key = three.one("reconciler", "AWS::KMS::Key")

    assert topic["TopicName"] == NAMES.of("alarms")
    assert "PipelineKey" in topic["KmsMasterKeyId"]
    allowed = {
        s["Principal"]["Service"]
        for s in key["KeyPolicy"]["Statement"]
        if "Service" in s["Principal"]
    }
    assert "cloudwatch.amazonaws.com" in allowed


def test_the_readme_counts_the_alarms_and_what_they_watch() -> None:
    rows = re.findall(
        r"^\| (alarms|metrics that they watch).*?\| (\d+) \| (\d+) \|$",
        (ROOT / "infra" / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    counted = {what: [int(two), int(three)] for what, two, three in rows}
    scenes = [made(synthesised(scene)).values() for scene in ("existing", "three")]

    assert counted["alarms"] == [len(alarms) for alarms in scenes]
    watched = [sum(len(metrics(each)) for each in alarms) for alarms in scenes]
    assert counted["metrics that they watch"] == watched
