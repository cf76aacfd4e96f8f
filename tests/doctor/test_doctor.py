"""The doctor's judgement of what a region answered: each check both ways."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import rule_pattern
from reconciler.doctor import CheckResult, Seen, Unseen, examine

US, EU = "us-east-1", "eu-west-1"
NAMES = Names("parties", US)
STREAM = f"arn:aws:dynamodb:{US}:123456789012:table/parties/stream/2026-11-20T00:00:00.000"
OLD_STREAM = STREAM.replace("2026", "2025")
REFUSED = Unseen("dynamodb:AnyCall", "AccessDeniedException: no", refused=True)
QUEUES = (NAMES.home_queue, NAMES.witness_queue)


def arn(queue: str) -> str:
    return f"arn:aws:sqs:{US}:123456789012:{queue}"


def queue(name: str, **attributes: str) -> dict[str, Any]:
    return {"QueueUrl": f"https://sqs/{name}", "Attributes": attributes}


def work_queue(name: str, delay: str, **other: str) -> dict[str, Any]:
    policy = {"deadLetterTargetArn": arn(NAMES.dead_letters_of(name)), "maxReceiveCount": 5}
    settings = {"VisibilityTimeout": "180", "DelaySeconds": delay}
    return queue(name, **{**settings, "RedrivePolicy": json.dumps(policy), **other})


TABLE: dict[str, Any] = {
    "TableStatus": "ACTIVE",
    "TableArn": STREAM.partition("/stream")[0],
    "LatestStreamArn": STREAM,
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "DeletionProtectionEnabled": True,
    "Replicas": [{"RegionName": EU, "ReplicaStatus": "ACTIVE"}],
}
LEDGER: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "item_key", "KeyType": "HASH"},
        {"AttributeName": "conflict_id", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [{"IndexName": "by-state"}],
}
SOURCE: dict[str, Any] = {
    "UUID": "uuid-1",
    "EventSourceArn": STREAM,
    "State": "Enabled",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "StartingPosition": "TRIM_HORIZON",
    "BisectBatchOnFunctionError": True,
    "BatchSize": 100,
    "MaximumRetryAttempts": 1_000,
    "MaximumRecordAgeInSeconds": 43_200,
    "ParallelizationFactor": 1,
    "DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:s3:::{NAMES.evidence_bucket}"}},
}
RESOLVE = [{**SOURCE, "UUID": f"uuid-{name}", "EventSourceArn": arn(name)} for name in QUEUES]
TARGETS = {
    role: {
        "Targets": [
            {"Id": role, "Arn": arn(name), "DeadLetterConfig": {"Arn": arn(NAMES.rules_dlq)}}
        ]
    }
    for role, name in zip(("home", "witness"), QUEUES, strict=True)
}
HEALTHY = Seen(
    names=NAMES,
    regions=(US, EU),
    endpoint=None,
    table={"Table": TABLE},
    backups={
        "ContinuousBackupsDescription": {
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}
        }
    },
    expiry={"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "_rec_ttl"}},
    ledger={"Table": LEDGER},
    bucket={},
    bus={"Name": NAMES.bus},
    rules={
        role: {"State": "ENABLED", "EventPattern": json.dumps(rule_pattern(role))}
        for role in ("home", "witness")
    },
    targets=TARGETS,
    queues={
        NAMES.home_queue: work_queue(NAMES.home_queue, "0"),
        NAMES.witness_queue: work_queue(NAMES.witness_queue, "60"),
        **{
            name: queue(name, MessageRetentionPeriod="1209600", ApproximateNumberOfMessages="0")
            for name in NAMES.dead_letter_queues()
        },
    },
    oldest={name: {"Datapoints": []} for name in NAMES.dead_letter_queues()},
    sources={
        NAMES.detect_function: {"EventSourceMappings": [SOURCE]},
        NAMES.resolve_function: {"EventSourceMappings": RESOLVE},
    },
    iterator_age={"Datapoints": [{"Maximum": 800.0}]},
    detector={"Environment": {"Variables": {"RECONCILER_OUTSIDE_WRITERS": "expected"}}},
    records={"Datapoints": [{"Sum": 1_000.0}] * 14},
    outside_writes={kind: {"Datapoints": []} for kind in ("updates", "puts", "revived")},
    ingest={},
    items={"Items": []},
    at_ms=1_790_000_000_000,
    clock_ahead_ms=300,
)


def found(seen: Seen, identifier: str) -> CheckResult:
    (finding,) = [each for each in examine(seen) if each.id == identifier]
    return finding


def troubled(seen: Seen) -> set[tuple[str, str]]:
    return {(each.id, each.severity) for each in examine(seen) if each.severity != "ok"}


def with_table(**changes: Any) -> Seen:
    return replace(HEALTHY, table={"Table": {**TABLE, **changes}})


def with_source(**changes: Any) -> Seen:
    mappings = {"EventSourceMappings": [{**SOURCE, **changes}]}
    return replace(HEALTHY, sources={**HEALTHY.sources, NAMES.detect_function: mappings})


def with_sources(function: str, mappings: list[Any]) -> Seen:
    listed = {"EventSourceMappings": mappings}
    return replace(HEALTHY, sources={**HEALTHY.sources, function: listed})


def with_queue(name: str, answer: Any) -> Seen:
    return replace(HEALTHY, queues={**HEALTHY.queues, name: answer})


def with_rule(role: str, answer: Any) -> Seen:
    return replace(HEALTHY, rules={**HEALTHY.rules, role: answer})


def with_target(role: str, answer: Any) -> Seen:
    return replace(HEALTHY, targets={**HEALTHY.targets, role: answer})


def option(fix: str, name: str) -> str:
    words = shlex.split(fix)
    return words[words.index(name) + 1]


def test_a_healthy_region_has_nothing_but_ok() -> None:
    assert troubled(HEALTHY) == set()
    assert len({each.id for each in examine(HEALTHY)}) == len(examine(HEALTHY)) == 41
    assert {each.region for each in examine(HEALTHY)} == {US}
    assert [each.fix for each in examine(HEALTHY) if each.fix] == []


def test_the_worst_comes_first_and_everything_else_has_something_to_do() -> None:
    sick = replace(
        with_table(DeletionProtectionEnabled=False),
        bus=None,
        bucket=replace(REFUSED, permission="s3:ListBucket"),
    )
    severities = [each.severity for each in examine(sick)]
    assert severities[:4] == ["problem", "warning", "unknown", "ok"]
    assert all(each.fix for each in examine(sick) if each.severity != "ok")


@pytest.mark.parametrize(
    ("field", "identifier"),
    [
        ("table", "table"),
        ("backups", "point-in-time-recovery"),
        ("expiry", "ttl"),
        ("ledger", "ledger"),
        ("bucket", "evidence-bucket"),
        ("bus", "bus"),
        ("iterator_age", "iterator-age"),
    ],
)
def test_a_refused_call_names_the_permission_and_is_no_failure(field: str, identifier: str) -> None:
    changes: Any = {field: REFUSED}
    finding = found(replace(HEALTHY, **changes), identifier)
    assert finding.severity == "unknown"
    assert "allow dynamodb:AnyCall" in finding.fix


@pytest.mark.parametrize(
    ("field", "key", "identifier"),
    [
        ("rules", "home", "rule-home"),
        ("targets", "witness", "rule-witness-target"),
        ("queues", NAMES.home_queue, "queue-parties-resolve-us-east-1"),
        ("queues", NAMES.parked_queue, "queue-parties-parked-us-east-1"),
        ("sources", NAMES.detect_function, "detect-source"),
    ],
)
def test_a_refused_call_about_one_of_several_names_the_permission(
    field: str, key: str, identifier: str
) -> None:
    changes: Any = {field: {**getattr(HEALTHY, field), key: REFUSED}}
    finding = found(replace(HEALTHY, **changes), identifier)
    assert finding.severity == "unknown"
    assert "allow dynamodb:AnyCall" in finding.fix


def test_a_call_that_was_not_answered_blames_no_permission() -> None:
    silent = Unseen("events:DescribeEventBus", "timed out", refused=False)
    finding = found(replace(HEALTHY, bus=silent), "bus")
    assert finding.severity == "unknown"
    assert "timed out" in finding.found
    assert "allow" not in finding.fix


def everything_unseen(clock_ahead_ms: int | None) -> Seen:
    def all_of(answers: Mapping[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(answers, REFUSED)

    stores = ("table", "backups", "expiry", "ledger", "bucket", "bus")
    single: Any = dict.fromkeys((*stores, "iterator_age", "detector", "records", "items"), REFUSED)
    several: Any = {
        field: all_of(getattr(HEALTHY, field))
        for field in ("rules", "targets", "queues", "oldest", "sources", "outside_writes")
    }
    return replace(HEALTHY, **single, **several, clock_ahead_ms=clock_ahead_ms)


def test_a_region_of_which_nothing_is_seen_is_one_problem() -> None:
    assert troubled(everything_unseen(0)) == {("access", "problem")}


def test_the_clock_is_judged_even_if_every_call_is_refused() -> None:
    assert ("clock", "problem") in troubled(everything_unseen(400_000))


def test_a_table_that_is_missing_is_added_from_another_region() -> None:
    finding = found(replace(HEALTHY, table=None, backups=None, expiry=None), "table")
    assert finding.severity == "problem"
    assert option(finding.fix, "--region") == EU
    assert json.loads(option(finding.fix, "--replica-updates")) == [{"Create": {"RegionName": US}}]


def test_a_missing_table_is_said_once_and_hides_no_other_check() -> None:
    ids = {each.id for each in examine(replace(HEALTHY, table=None, backups=None, expiry=None))}
    assert not {"stream", "ttl", "point-in-time-recovery", "replicas"} & ids
    assert {"bus", "ledger", "detect-source"} <= ids


def test_a_table_missing_from_the_only_region_is_to_be_deployed() -> None:
    finding = found(replace(HEALTHY, table=None, regions=(US,)), "table")
    assert finding.fix == "deploy the table"


@pytest.mark.parametrize(
    "status",
    ["INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REPLICATION_NOT_AUTHORIZED", "REGION_DISABLED"],
)
def test_a_replica_that_will_be_cut_off_says_that_20_hours_are_left(status: str) -> None:
    broken = with_table(Replicas=[{"RegionName": EU, "ReplicaStatus": status}])
    finding = found(broken, "replicas")
    assert finding.severity == "problem"
    assert "cannot be undone" in finding.found
    assert "20 hours" in finding.fix


def test_a_table_without_its_key_says_that_20_hours_are_left() -> None:
    finding = found(with_table(TableStatus="INACCESSIBLE_ENCRYPTION_CREDENTIALS"), "table")
    assert finding.severity == "problem"
    assert "20 hours" in finding.found


def test_a_replica_in_the_making_is_a_warning_and_a_failed_one_a_problem() -> None:
    making = with_table(Replicas=[{"RegionName": EU, "ReplicaStatus": "CREATING"}])
    failed = with_table(Replicas=[{"RegionName": EU, "ReplicaStatus": "CREATION_FAILED"}])
    assert troubled(making) == {("replicas", "warning")}
    assert troubled(failed) == {("replicas", "problem")}


def test_a_description_may_list_its_own_region_among_the_replicas() -> None:
    both = [{"RegionName": each, "ReplicaStatus": "ACTIVE"} for each in (US, EU)]
    assert troubled(with_table(Replicas=both)) == set()


def test_a_region_without_a_replica_is_a_problem_with_the_call_that_adds_it() -> None:
    finding = found(replace(HEALTHY, regions=(US, EU, "eu-west-3")), "replicas")
    assert finding.severity == "problem"
    assert "eu-west-3" in finding.fix
    assert option(finding.fix, "--region") == US


def test_a_replica_that_was_not_checked_is_a_warning() -> None:
    finding = found(replace(HEALTHY, regions=(US,)), "replicas")
    assert finding.severity == "warning"
    assert f"--region {US},{EU}" in finding.fix


def test_a_table_of_one_region_is_no_global_table() -> None:
    alone = replace(with_table(Replicas=[]), regions=(US,))
    assert troubled(alone) == {("replicas", "problem")}


def test_a_stream_that_is_off_is_a_problem() -> None:
    finding = found(with_table(StreamSpecification=None), "stream")
    assert finding.severity == "problem"
    assert "no stream" in finding.found
    assert "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES" in finding.fix


def test_a_stream_that_hides_an_image_is_disabled_and_enabled_again() -> None:
    keys_only = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    finding = found(with_table(StreamSpecification=keys_only), "stream")
    assert finding.severity == "problem"
    assert "KEYS_ONLY, which hides the write that was lost" in finding.found
    off, on = finding.fix.index("=false"), finding.fix.index("=true")
    assert off < on < finding.fix.index("new stream ARN")


def test_deletion_protection_that_is_off_is_a_warning() -> None:
    finding = found(with_table(DeletionProtectionEnabled=False), "deletion-protection")
    assert finding.severity == "warning"
    assert "--deletion-protection-enabled" in finding.fix


def test_what_a_local_cloud_has_otherwise_on_purpose_is_said_and_no_warning() -> None:
    hurried = work_queue(NAMES.home_queue, "0", VisibilityTimeout="2")
    for seen, check, told in (
        (with_table(DeletionProtectionEnabled=False), "deletion-protection", "is off: so a local"),
        (with_ttl(""), "ttl", "TTL is off: so a local cloud has it, because it keeps nothing"),
        (with_queue(NAMES.home_queue, hurried), f"queue-{NAMES.home_queue}", "2, not 180: so a"),
    ):
        assert found(seen, check).severity == "warning"
        here = found(replace(seen, endpoint="http://127.0.0.1:4777"), check)
        assert (here.severity, told in here.found, here.fix) == ("ok", True, "")


def test_point_in_time_recovery_that_is_off_is_a_warning() -> None:
    off = {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "DISABLED"}}
    finding = found(replace(HEALTHY, backups=off), "point-in-time-recovery")
    assert finding.severity == "warning"
    assert "PointInTimeRecoveryEnabled=true" in finding.fix


def with_ttl(on: str, declared: str | None = "") -> Seen:
    """Return a region whose TTL is on an attribute, and whose deployment says another or none."""
    status = {"TimeToLiveStatus": "ENABLED", "AttributeName": on}
    expiry = {"TimeToLiveDescription": status if on else {"TimeToLiveStatus": "DISABLED"}}
    variables = {"RECONCILER_TTL_ATTRIBUTE": declared}
    detector = None if declared is None else {"Environment": {"Variables": variables}}
    return replace(HEALTHY, expiry=expiry, detector=detector)


SAY = "make \"until\" the ttl_attribute of the deployment's settings and of every writer's Schema"


def switched(on: bool, attribute: str) -> str:
    return f"specification Enabled={'true' if on else 'false'},AttributeName={attribute}"


@pytest.mark.parametrize(
    ("on", "declared", "severity", "told", "fixes"),
    [
        ("_rec_ttl", "", "ok", "TTL is on _rec_ttl", []),
        ("_rec_ttl", None, "ok", "TTL is on _rec_ttl", []),
        ("until", "until", "ok", "TTL is on until; every writer's Schema must say so, too", []),
        ("", "", "warning", "TTL is off: the tombstones", [switched(True, "_rec_ttl")]),
        (
            "",
            "until",
            "warning",
            "TTL is off: the tombstones",
            [
                switched(True, "until"),
                'make "until" the ttl_attribute of the deployment\'s settings',
            ],
        ),
        (
            "until",
            "",
            "warning",
            "TTL is on until, and the deployment does not say so: the tombstones",
            ["make \"until\" the ttl_attribute of the deployment's settings and of every writer's"],
        ),
        (
            "until",
            None,
            "unknown",
            "TTL is on until; whether the deployment says so could not be seen",
            [SAY],
        ),
        (
            "until",
            "gone_at",
            "warning",
            "TTL is on until, and the deployment says gone_at: the tombstones",
            [
                SAY,
                "or move TTL:",
                switched(False, "until"),
                switched(True, "gone_at"),
            ],
        ),
        (
            "_rec_ttl",
            "until",
            "warning",
            "TTL is on _rec_ttl, and the deployment says until: items do not expire by until",
            [
                "take ttl_attribute out of the deployment's settings and of every writer's Schema",
                "or move TTL:",
                switched(False, "_rec_ttl"),
                switched(True, "until"),
            ],
        ),
    ],
)
def test_the_tables_ttl_must_be_on_the_attribute_that_the_deployment_names(
    on: str, declared: str | None, severity: str, told: str, fixes: list[str]
) -> None:
    finding = found(with_ttl(on, declared), "ttl")
    assert finding.severity == severity
    assert finding.found.startswith(told)
    places = [finding.fix.index(fix) for fix in fixes]
    assert places == sorted(places)
    assert bool(finding.fix) == bool(fixes)
    assert "false" not in finding.fix or len(fixes) == 4  # nobody is told to do without his TTL


def test_a_detector_that_nothing_feeds_is_a_problem_with_the_whole_event_source() -> None:
    finding = found(with_sources(NAMES.detect_function, []), "detect-source")
    assert finding.severity == "problem"
    assert option(finding.fix, "--event-source-arn") == STREAM
    assert option(finding.fix, "--starting-position") == "TRIM_HORIZON"
    assert option(finding.fix, "--batch-size") == "100"
    assert option(finding.fix, "--maximum-record-age-in-seconds") == "43200"
    destination = json.loads(option(finding.fix, "--destination-config"))
    assert destination == SOURCE["DestinationConfig"]


def test_a_detector_that_reads_a_stream_of_the_past_is_a_problem() -> None:
    finding = found(with_source(EventSourceArn=OLD_STREAM), "detect-source")
    assert finding.severity == "problem"
    assert OLD_STREAM in finding.found
    deployed_here, create, delete = finding.fix.splitlines()
    assert "raise stream_lookup" in deployed_here
    assert option(create, "--event-source-arn") == STREAM
    assert "delete-event-source-mapping" in delete


def test_a_detector_with_the_old_and_the_current_stream_reads_the_current_one() -> None:
    both = [{**SOURCE, "EventSourceArn": OLD_STREAM, "State": "Disabled"}, SOURCE]
    assert troubled(with_sources(NAMES.detect_function, both)) == set()


def test_an_event_source_is_checked_even_if_the_table_was_not_seen() -> None:
    seen = replace(with_source(State="Disabled"), table=REFUSED)
    assert ("detect-source-state", "problem") in troubled(seen)


def test_the_place_of_what_is_given_up_is_in_the_partition_of_the_stream() -> None:
    stream, bucket = (
        each.replace("arn:aws:", "arn:aws-cn:")
        for each in (STREAM, f"arn:aws:s3:::{NAMES.evidence_bucket}")
    )
    placed = {"DestinationConfig": {"OnFailure": {"Destination": bucket}}}
    in_china = {"EventSourceArn": stream, **placed}
    healthy, lacking = (
        replace(with_source(**changes), table=REFUSED)
        for changes in (in_china, {**in_china, "DestinationConfig": {}})
    )
    assert found(healthy, "detect-source-on-failure").severity == "ok"
    assert f'"{bucket}"' in found(lacking, "detect-source-on-failure").fix


@pytest.mark.parametrize(
    ("changes", "identifier", "severity", "fix"),
    [
        ({"State": "Disabled"}, "detect-source-state", "problem", "--enabled"),
        (
            {"FunctionResponseTypes": []},
            "detect-source-responses",
            "problem",
            "--function-response-types ReportBatchItemFailures",
        ),
        (
            {"StartingPosition": "LATEST"},
            "detect-source-start",
            "problem",
            "--starting-position TRIM_HORIZON",
        ),
        ({"DestinationConfig": {}}, "detect-source-on-failure", "problem", "--destination-config"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": arn("q")}}},
            "detect-source-on-failure",
            "problem",
            NAMES.evidence_bucket,
        ),
        (
            {"BisectBatchOnFunctionError": False},
            "detect-source-settings",
            "warning",
            "--bisect-batch-on-function-error",
        ),
        ({"BatchSize": 10}, "detect-source-settings", "warning", "--batch-size 100"),
        (
            {"MaximumRetryAttempts": -1},
            "detect-source-settings",
            "warning",
            "--maximum-retry-attempts 1000",
        ),
        (
            {"MaximumRecordAgeInSeconds": 60},
            "detect-source-settings",
            "warning",
            "--maximum-record-age-in-seconds 43200",
        ),
        (
            {"ParallelizationFactor": 10},
            "detect-source-settings",
            "warning",
            "--parallelization-factor 1",
        ),
    ],
)
def test_each_setting_of_the_event_source_is_checked(
    changes: dict[str, Any], identifier: str, severity: str, fix: str
) -> None:
    seen = with_source(**changes)
    assert troubled(seen) == {(identifier, severity)}
    assert fix in found(seen, identifier).fix
    assert "--uuid uuid-1" in found(seen, identifier).fix


def test_only_the_settings_that_differ_are_changed() -> None:
    finding = found(with_source(BatchSize=10, ParallelizationFactor=2), "detect-source-settings")
    assert finding.found == "BatchSize is 10, not 100; ParallelizationFactor is 2, not 1"
    assert "--maximum" not in finding.fix
    assert "--bisect" not in finding.fix


def test_a_queue_that_the_resolver_does_not_read_is_a_problem() -> None:
    finding = found(with_sources(NAMES.resolve_function, RESOLVE[:1]), "resolve-source-witness")
    assert finding.severity == "problem"
    assert option(finding.fix, "--event-source-arn") == arn(NAMES.witness_queue)


def test_a_resolver_whose_failures_count_as_done_is_a_problem() -> None:
    first = {**RESOLVE[0], "FunctionResponseTypes": None, "State": "Disabling"}
    assert troubled(with_sources(NAMES.resolve_function, [first, RESOLVE[1]])) == {
        ("resolve-source-home-responses", "problem"),
        ("resolve-source-home-state", "problem"),
    }


def test_a_missing_bus_says_that_events_vanish_behind_a_200() -> None:
    finding = found(replace(HEALTHY, bus=None), "bus")
    assert finding.severity == "problem"
    assert "answers 200" in finding.found
    assert "create-event-bus" in finding.fix


def test_a_missing_rule_comes_with_its_pattern() -> None:
    finding = found(replace(with_rule("witness", None)), "rule-witness")
    assert finding.severity == "problem"
    assert json.loads(option(finding.fix, "--event-pattern")) == rule_pattern("witness")


def test_a_rule_that_is_disabled_is_a_problem() -> None:
    disabled = {**dict(HEALTHY.rules["home"] or {}), "State": "DISABLED"}  # type: ignore[arg-type]  # no Unseen here
    finding = found(with_rule("home", disabled), "rule-home")
    assert finding.severity == "problem"
    assert "enable-rule" in finding.fix


def test_a_rule_that_selects_other_events_is_a_problem() -> None:
    other = {"State": "ENABLED", "EventPattern": json.dumps(rule_pattern("witness"))}
    assert troubled(with_rule("home", other)) == {("rule-home", "problem")}


def test_a_rule_without_its_queue_is_a_problem() -> None:
    elsewhere = {"Targets": [{"Id": "other", "Arn": arn("other")}]}
    finding = found(with_target("home", elsewhere), "rule-home-target")
    assert finding.severity == "problem"
    (target,) = json.loads(option(finding.fix, "--targets"))
    assert target["Arn"] == arn(NAMES.home_queue)


def test_a_target_without_a_dead_letter_queue_is_a_problem_and_keeps_its_other_settings() -> None:
    bare = {"Targets": [{"Id": "one", "Arn": arn(NAMES.home_queue), "RetryPolicy": {"x": 1}}]}
    seen = with_target("home", bare)
    assert troubled(seen) == {("rule-home-dlq", "problem")}
    (target,) = json.loads(option(found(seen, "rule-home-dlq").fix, "--targets"))
    assert target["Id"] == "one"
    assert target["RetryPolicy"] == {"x": 1}
    assert target["DeadLetterConfig"] == {"Arn": arn(NAMES.rules_dlq)}


def test_targets_of_a_missing_rule_are_not_complained_about_twice() -> None:
    seen = replace(with_rule("home", None), targets={**TARGETS, "home": None})
    assert troubled(seen) == {("rule-home", "problem")}


def test_a_missing_queue_is_made_with_its_settings() -> None:
    seen = with_queue(NAMES.witness_queue, None)
    finding = found(seen, "queue-parties-witness-us-east-1")
    assert finding.severity == "problem"
    attributes = json.loads(option(finding.fix, "--attributes"))
    assert attributes["DelaySeconds"] == "60"
    assert attributes["VisibilityTimeout"] == "180"
    policy = json.loads(attributes["RedrivePolicy"])
    assert policy == {
        "deadLetterTargetArn": arn("parties-witness-dlq-us-east-1"),
        "maxReceiveCount": "5",
    }


@pytest.mark.parametrize(("name", "wanted"), [("VisibilityTimeout", "180"), ("DelaySeconds", "60")])
def test_a_queue_with_another_setting_is_a_warning(name: str, wanted: str) -> None:
    right = work_queue(NAMES.witness_queue, "60")
    wrong = {**right, "Attributes": {**right["Attributes"], name: "30"}}
    seen = with_queue(NAMES.witness_queue, wrong)
    assert troubled(seen) == {("queue-parties-witness-us-east-1", "warning")}
    fix = found(seen, "queue-parties-witness-us-east-1").fix
    assert json.loads(option(fix, "--attributes")) == {name: wanted}


def test_a_queue_that_gives_up_too_soon_is_a_warning() -> None:
    hasty = {"deadLetterTargetArn": arn("parties-resolve-dlq-us-east-1"), "maxReceiveCount": 1}
    changed = work_queue(NAMES.home_queue, "0", RedrivePolicy=json.dumps(hasty))
    finding = found(with_queue(NAMES.home_queue, changed), "queue-parties-resolve-us-east-1")
    assert finding.severity == "warning"
    policy = json.loads(json.loads(option(finding.fix, "--attributes"))["RedrivePolicy"])
    assert policy["maxReceiveCount"] == "5"


@pytest.mark.parametrize("policy", ["", json.dumps({"deadLetterTargetArn": arn("other")})])
def test_a_queue_without_its_dead_letter_queue_is_a_problem(policy: str) -> None:
    changed = work_queue(NAMES.home_queue, "0", RedrivePolicy=policy, VisibilityTimeout="1")
    finding = found(with_queue(NAMES.home_queue, changed), "queue-parties-resolve-us-east-1")
    assert finding.severity == "problem"
    assert set(json.loads(option(finding.fix, "--attributes"))) == {
        "RedrivePolicy",
        "VisibilityTimeout",
    }


@pytest.mark.parametrize("name", NAMES.dead_letter_queues())
def test_a_missing_dead_letter_queue_is_a_problem(name: str) -> None:
    seen = with_queue(name, None)
    assert troubled(seen) == {(f"queue-{name}", "problem")}
    assert "1209600" in found(seen, f"queue-{name}").fix


def test_a_dead_letter_queue_that_forgets_in_four_days_is_a_warning() -> None:
    short = queue(NAMES.stream_dlq, MessageRetentionPeriod="345600")
    assert troubled(with_queue(NAMES.stream_dlq, short)) == {
        (f"queue-{NAMES.stream_dlq}", "warning")
    }


@pytest.mark.parametrize("kind", ["", "NotVisible", "Delayed"])
@pytest.mark.parametrize("name", NAMES.dead_letter_queues())
def test_anything_in_a_dead_letter_queue_is_a_warning_with_the_redrive(
    name: str, kind: str
) -> None:
    depth = {f"ApproximateNumberOfMessages{kind}": "3", "MessageRetentionPeriod": "1209600"}
    finding = found(with_queue(name, queue(name, **depth)), f"depth-{name}")
    assert finding.severity == "warning"
    assert "3 messages" in finding.found
    assert "oldest" not in finding.found
    assert finding.fix.startswith("scripts/redrive_dlq.py")


def test_the_age_of_the_oldest_message_is_told_if_cloudwatch_has_it() -> None:
    name = NAMES.parked_queue
    depth = {"ApproximateNumberOfMessages": "1", "MessageRetentionPeriod": "1209600"}
    seen = with_queue(name, queue(name, **depth))
    known = replace(seen, oldest={**seen.oldest, name: {"Datapoints": [{"Maximum": 5400.0}]}})
    refused = replace(seen, oldest={**seen.oldest, name: REFUSED})
    assert "the oldest 1.5 hours old" in found(known, f"depth-{name}").found
    assert found(refused, f"depth-{name}").severity == "warning"


@pytest.mark.parametrize(
    ("age_ms", "severity"),
    [(60_000, "ok"), (60_001, "warning"), (3_600_000, "warning"), (3_600_001, "problem")],
)
def test_the_detectors_delay_is_judged_by_its_maximum(age_ms: int, severity: str) -> None:
    points = [{"Maximum": 5.0}, {"Maximum": float(age_ms)}, {"Maximum": 7.0}]
    seen = replace(HEALTHY, iterator_age={"Datapoints": points})
    assert found(seen, "iterator-age").severity == severity


def test_a_detector_far_behind_says_how_long_the_stream_still_has_its_losses() -> None:
    seen = replace(HEALTHY, iterator_age={"Datapoints": [{"Maximum": 20 * 3_600_000}]})
    assert "in 4.0 hours" in found(seen, "iterator-age").found


def test_a_detector_that_was_not_invoked_is_unknown() -> None:
    seen = replace(HEALTHY, iterator_age={"Datapoints": []})
    assert troubled(seen) == {("iterator-age", "unknown")}


def test_a_missing_ledger_is_made_with_its_key_and_index() -> None:
    finding = found(replace(HEALTHY, ledger=None), "ledger")
    assert finding.severity == "problem"
    assert "AttributeName=item_key,KeyType=HASH" in finding.fix
    assert "IndexName=by-state" in finding.fix


def test_a_ledger_with_another_key_is_a_problem() -> None:
    other = {**LEDGER, "KeySchema": [{"AttributeName": "conflict_id", "KeyType": "HASH"}]}
    finding = found(replace(HEALTHY, ledger={"Table": other}), "ledger")
    assert finding.severity == "problem"
    assert "(conflict_id), not (item_key, conflict_id)" in finding.found


def test_a_ledger_without_its_index_is_a_warning() -> None:
    bare = {"Table": {**LEDGER, "GlobalSecondaryIndexes": []}}
    assert troubled(replace(HEALTHY, ledger=bare)) == {("ledger", "warning")}


def test_a_missing_evidence_bucket_is_a_problem() -> None:
    finding = found(replace(HEALTHY, bucket=None), "evidence-bucket")
    assert finding.severity == "problem"
    assert finding.fix == f"aws s3 mb --region {US} s3://{NAMES.evidence_bucket}"


def written_around(said: str, days: int = 14, **counts: float) -> CheckResult:
    """Return what is found where the deployment says who writes, and so much was counted."""
    made = {kind: {"Datapoints": [{"Sum": n}, {"Sum": 1.0}]} for kind, n in counts.items()}
    variables = {"RECONCILER_OUTSIDE_WRITERS": said} if said else {}
    seen = replace(
        HEALTHY,
        detector={"Environment": {"Variables": variables}},
        records={"Datapoints": [{"Sum": 9.0}] * days},
        outside_writes={**HEALTHY.outside_writes, **made},
    )
    return found(seen, "outside-writers")


def test_where_others_may_write_and_none_did_for_two_weeks_it_says_what_none_saves() -> None:
    for said in ("expected", ""):
        finding = written_around(said)
        assert finding.severity == "ok"
        assert 'outside_writers "none"' in finding.found
        assert "saves lineages where many processes write one item" in finding.found


def test_where_others_wrote_or_it_was_not_watched_for_two_weeks_nothing_is_proposed() -> None:
    wrote, young = written_around("expected", updates=4), written_around("expected", days=5)
    assert (wrote.severity, young.severity) == ("ok", "ok")
    assert "5 updates" in wrote.found
    assert '"none"' not in wrote.found + young.found


def test_others_who_write_where_none_are_to_is_a_problem_that_says_what_may_be_lost() -> None:
    finding = written_around("none", updates=2_000, puts=1)
    assert finding.severity == "problem"
    assert "2,001 updates, 2 puts around the library in 14 days" in finding.found
    assert "may be lost" in finding.found
    assert 'outside_writers to "expected"' in finding.fix
    assert written_around("none").severity == "ok"


def test_who_writes_is_unknown_where_the_function_or_its_metrics_cannot_be_seen() -> None:
    refused = replace(HEALTHY, outside_writes={**HEALTHY.outside_writes, "puts": REFUSED})
    for seen in (replace(HEALTHY, detector=None), replace(HEALTHY, records=REFUSED), refused):
        assert troubled(seen) == {("outside-writers", "unknown")}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("drift_ms", "severity"),
    [(5_000, "ok"), (5_001, "warning"), (60_000, "warning"), (60_001, "problem")],
)
def test_a_clock_is_judged_in_both_directions(drift_ms: int, severity: str, sign: int) -> None:
    finding = found(replace(HEALTHY, clock_ahead_ms=sign * drift_ms), "clock")
    assert finding.severity == severity
    assert ("behind" in finding.found) == (sign < 0)


def test_a_clock_that_nothing_was_compared_with_is_unknown() -> None:
    assert troubled(replace(HEALTHY, clock_ahead_ms=None)) == {("clock", "unknown")}


def test_what_the_local_cloud_does_not_have_is_unknown_and_no_problem() -> None:
    nothing: dict[str, Any] = {"EventSourceMappings": []}
    seen = replace(
        HEALTHY,
        endpoint="http://127.0.0.1:4777",
        sources=dict.fromkeys(HEALTHY.sources, nothing),
        iterator_age={"Datapoints": []},
        detector=None,
    )
    unknown = {
        "outside-writers",
        "detect-source",
        "resolve-source-home",
        "resolve-source-witness",
        "iterator-age",
    }
    assert troubled(seen) == {(identifier, "unknown") for identifier in unknown}


def test_a_command_for_the_local_cloud_names_its_endpoint() -> None:
    local = replace(with_table(StreamSpecification={}), endpoint="http://127.0.0.1:4777")
    fix = found(local, "stream").fix
    assert option(fix, "--endpoint-url") == "http://127.0.0.1:4777"


def test_every_command_that_is_printed_for_a_local_cloud_names_its_endpoint() -> None:
    """Or it would make the bucket, or work off the letters, on AWS."""
    nothing: dict[str, Any] = {
        **dict.fromkeys(("table", "expiry", "ledger", "bucket", "bus")),
        **{
            name: dict.fromkeys(getattr(HEALTHY, name))
            for name in ("rules", "targets", "queues", "sources")
        },
    }
    letters = with_queue(
        NAMES.parked_queue,
        queue(
            NAMES.parked_queue, MessageRetentionPeriod="1209600", ApproximateNumberOfMessages="3"
        ),
    )
    broken = [replace(HEALTHY, **nothing), letters, with_table(StreamSpecification={})]
    for seen in broken:
        local = replace(seen, endpoint="http://127.0.0.1:4777")
        lines = [line for each in examine(local) for line in each.fix.splitlines()]
        for line in lines:
            if line.startswith("aws "):
                assert "--endpoint-url http://127.0.0.1:4777 " in line
            if "redrive_dlq.py" in line:
                assert "--endpoint http://127.0.0.1:4777" in line
        assert any("127.0.0.1" in line for line in lines)
