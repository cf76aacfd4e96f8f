"""One region's reconciler: functions, event sources, queues, bus, evidence."""

import json
from typing import Any

import pytest

from handlers.settings import read_settings
from reconciler.conflict.row import State
from reconciler.deployment.names import Names
from reconciler.deployment.tables import LEDGER_EXPIRY
from tests.conflicts import loss
from tests.infra.stacks import ACCOUNT, REGIONS, SCENES, Stacks, synthesised

EU = "eu-west-1"
NAMES = Names("parties", EU)
FUNCTION, SOURCE = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"
FUNCTIONS = tuple(map(NAMES.of, ("detect", "resolve", "redrive", "gauge")))
KEPT = "RetainExceptOnCreate"
BUCKET = "arn:aws:s3:::parties-evidence-eu-west-1"


def function(stacks: Stacks, name: str) -> dict[str, Any]:
    return stacks.one("reconciler", FUNCTION, FunctionName=name)


def source(stacks: Stacks, ending: str) -> dict[str, Any]:
    sources = stacks.all("reconciler", SOURCE).values()
    [found] = [each for each in sources if each["EventSourceArn"].endswith(ending)]
    return found


def stream(stacks: Stacks) -> dict[str, Any]:
    return source(stacks, "LatestStreamArn")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_run_python_3_13_on_arm64_and_keep_their_logs_for_30_days(
    options: Stacks, name: str
) -> None:
    made = function(options, name)

    assert (made["Runtime"], made["Architectures"]) == ("python3.13", ["arm64"])
    log = options.one("reconciler", "AWS::Logs::LogGroup", LogGroupName=f"/aws/lambda/{name}")
    assert log["RetentionInDays"] == 30


def test_each_function_has_a_role_of_its_own(options: Stacks) -> None:
    roles = [function(options, name)["Role"] for name in FUNCTIONS]

    assert len(set(roles)) == len(FUNCTIONS)


def test_functions_and_their_names_are_those_of_the_deployment_module(options: Stacks) -> None:
    handlers = {name: function(options, name)["Handler"] for name in FUNCTIONS}

    assert handlers == {
        NAMES.detect_function: "handlers.detect.handler",
        NAMES.resolve_function: "handlers.resolve.handler",
        NAMES.redrive_function: "handlers.redrive.handler",
        NAMES.gauge_function: "handlers.gauge.handler",
    }


def test_the_settings_reach_the_functions(options: Stacks) -> None:
    for name in FUNCTIONS:
        variables = function(options, name)["Environment"]["Variables"]
        read = read_settings({**variables, "AWS_REGION": EU})
        assert (read.outside_writes, read.folds, read.pauses) == ("restore", False, True)
        assert read.outside_writers == "none"
        assert read.custom_types == ("shop.merging", "shop.pricing")
        assert (
            read.parked_queue_url
            == f"https://sqs.{EU}.amazonaws.com/{ACCOUNT}/parties-parked-eu-west-1"
        )


def test_the_attribute_of_a_tables_own_time_to_live_reaches_the_functions() -> None:
    tables = {"existing": Names("Old_Parties", EU), "aws-owned": Names("parties-dev", EU, "dev")}
    for scene, attribute in (("existing", "until"), ("aws-owned", "until"), ("three", "")):
        names = tables.get(scene, NAMES)
        variables = function(synthesised(scene), names.detect_function)["Environment"]["Variables"]
        read = read_settings({**variables, "AWS_REGION": EU})
        assert read.detector_policy().ttl_attribute == attribute


def test_the_attributes_of_the_items_own_version_reach_the_functions() -> None:
    dev = Names("parties-dev", EU, "dev")
    for scene, names, listed in (
        ("aws-owned", dev, ("Version", "LastUpdatedRegion")),
        ("three", NAMES, ()),
    ):
        variables = function(synthesised(scene), names.detect_function)["Environment"]["Variables"]
        read = read_settings({**variables, "AWS_REGION": EU})
        assert read.detector_policy().version_attributes == listed
        assert (read.version_attributes is None) == (listed == ())


@pytest.mark.parametrize(
    ("scene", "switch", "mode"), [("options", "on", "Active"), ("three", "off", None)]
)
def test_tracing_is_on_in_the_function_and_around_it_or_in_neither(
    scene: str, switch: str, mode: str | None
) -> None:
    made = function(synthesised(scene), "parties-detect-eu-west-1")

    assert made["Environment"]["Variables"]["RECONCILER_TRACING"] == switch
    assert made.get("TracingConfig", {}).get("Mode") == mode


def test_concurrency_is_reserved_and_shared_between_the_queues(options: Stacks) -> None:
    assert function(options, "parties-detect-eu-west-1")["ReservedConcurrentExecutions"] == 20
    assert function(options, "parties-resolve-eu-west-1")["ReservedConcurrentExecutions"] == 10
    shares = [
        source(options, queue)["ScalingConfig"] for queue in (NAMES.home_queue, NAMES.witness_queue)
    ]
    assert shares == [{"MaximumConcurrency": 5}] * 2


def test_concurrency_is_not_limited_unasked(three: Stacks) -> None:
    for name in ("parties-detect-eu-west-1", "parties-resolve-eu-west-1"):
        assert "ReservedConcurrentExecutions" not in function(three, name)
    assert "ScalingConfig" not in source(three, NAMES.home_queue)


def test_with_snap_start_sources_read_for_an_alias_of_published_versions(options: Stacks) -> None:
    for name in ("parties-detect-eu-west-1", "parties-resolve-eu-west-1"):
        assert function(options, name)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    targets = {each["FunctionName"] for each in options.all("reconciler", SOURCE).values()}
    targets -= {"parties-ingest-eu-west-1"}  # which starts as seldom as objects come
    assert all(target.startswith("Reconciler") for target in targets)
    aliases = len(options.all("reconciler", "AWS::Lambda::Alias"))
    assert aliases - 2 == len(targets) == 2  # two are called by the HTTP API and by AppSync


def test_provisioned_concurrency_is_that_of_the_alias() -> None:
    aliases = synthesised("aws-owned").all("reconciler", "AWS::Lambda::Alias").values()

    kept = [alias["ProvisionedConcurrencyConfig"] for alias in aliases]
    assert kept == [{"ProvisionedConcurrentExecutions": 2}] * 3  # detector, resolver, door


def test_the_stream_is_looked_up_in_its_own_region(three: Stacks) -> None:
    for region in REGIONS:
        asked = json.loads(three.one("reconciler", "Custom::AWS", region)["Create"])
        assert (asked["region"], asked["action"]) == (region, "DescribeTable")
        assert asked["parameters"] == {"TableName": "parties"}


def test_the_stream_of_an_existing_table_is_looked_up_by_its_name() -> None:
    asked = json.loads(synthesised("existing").one("reconciler", "Custom::AWS")["Create"])

    assert asked["parameters"] == {"TableName": "Old_Parties"}


def test_a_stream_that_was_made_anew_is_looked_up_when_its_setting_is_raised(
    three: Stacks, options: Stacks
) -> None:
    def asked(stacks: Stacks) -> dict[str, Any]:
        calls = [json.loads(c["Update"]) for c in stacks.all("reconciler", "Custom::AWS").values()]
        [found] = [each for each in calls if each["action"] == "DescribeTable"]
        return dict(found)

    first, again = asked(three), asked(options)
    assert options.settings.stream_lookup > three.settings.stream_lookup
    assert first.pop("physicalResourceId") != again.pop("physicalResourceId")
    assert first == again


def test_the_stream_is_read_once_losses_have_their_ledger_and_events_their_rules_and_queues(
    three: Stacks,
) -> None:
    resources = three.template(f"parties-reconciler-{EU}")["Resources"]
    [reads] = [r for r in resources.values() if "StartingPosition" in r.get("Properties", {})]
    kinds = {f"AWS::{each}" for each in ("Events::EventBus", "SQS::Queue", "SQS::QueuePolicy")}
    kinds |= {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}

    needed = {name for name, each in resources.items() if each["Type"] in kinds}
    rules = {name for name, each in resources.items() if each["Type"] == "AWS::Events::Rule"}
    needed |= {name for name in rules if "EventBusName" in resources[name]["Properties"]}
    assert len(needed) == 1 + 2 * 7 + 2 + 2
    assert needed <= set(reads["DependsOn"])


def test_what_the_stream_s_source_gives_up_goes_to_the_bucket_which_tells_the_dead_letters(
    three: Stacks,
) -> None:
    assert stream(three)["DestinationConfig"] == {"OnFailure": {"Destination": BUCKET}}
    bucket = three.one("reconciler", "AWS::S3::Bucket")
    [told] = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    assert told["Queue"].endswith(":parties-stream-dlq-eu-west-1")
    assert told["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "aws/lambda/"}]}}


def test_failures_are_reported_one_by_one_and_batches_are_bisected(three: Stacks) -> None:
    for each in three.all("reconciler", SOURCE).values():
        assert each["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream(three)["BisectBatchOnFunctionError"] is True
    assert stream(three)["StartingPosition"] == "TRIM_HORIZON"


def test_a_message_is_hidden_for_six_times_as_long_as_the_resolver_may_work(three: Stacks) -> None:
    longest = function(three, "parties-resolve-eu-west-1")["Timeout"]

    for queue in (NAMES.home_queue, NAMES.witness_queue):
        made = three.one("reconciler", "AWS::SQS::Queue", QueueName=queue)
        assert made["VisibilityTimeout"] >= 6 * longest


def test_every_queue_is_encrypted_under_the_pipeline_key_and_keeps_14_days(three: Stacks) -> None:
    queues = three.all("reconciler", "AWS::SQS::Queue").values()

    assert {q["QueueName"] for q in queues} == {
        *NAMES.dead_letter_queues(),
        NAMES.home_queue,
        NAMES.witness_queue,
    }
    [key] = {q["KmsMasterKeyId"] for q in queues}
    assert "PipelineKey" in key
    assert {q["MessageRetentionPeriod"] for q in queues} == {14 * 86_400}


def test_the_bus_keeps_an_archive(three: Stacks) -> None:
    archive = three.one("reconciler", "AWS::Events::Archive")

    assert archive["SourceArn"] == f"arn:aws:events:{EU}:{ACCOUNT}:event-bus/{NAMES.bus}"
    assert archive["RetentionDays"] == 90


def test_the_bucket_is_versioned_encrypted_closed_and_kept(three: Stacks) -> None:
    bucket = three.one("reconciler", "AWS::S3::Bucket")

    assert bucket["BucketName"] == NAMES.evidence_bucket
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    resources = three.template(f"parties-reconciler-{EU}")["Resources"].values()
    kept = {r["Type"]: r.get("DeletionPolicy") for r in resources}
    assert kept["AWS::S3::Bucket"] == kept["AWS::DynamoDB::Table"] == KEPT
    assert kept["AWS::KMS::Key"] == KEPT


@pytest.mark.parametrize("scene", SCENES)
def test_what_outlives_its_stack_goes_with_a_first_deployment_that_fails(scene: str) -> None:
    """Else its name would be taken when the deployment is repeated."""
    for _, template in synthesised(scene).templates():
        resources = template["Resources"].values()
        assert {r.get("DeletionPolicy", "Delete") for r in resources} <= {KEPT, "Delete"}
        kept = [r for r in resources if r.get("UpdateReplacePolicy") == "Retain"]
        assert all(r["DeletionPolicy"] == KEPT for r in kept)


def test_old_evidence_moves_to_a_class_that_still_answers_at_once(three: Stacks) -> None:
    [rule] = three.one("reconciler", "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert rule["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}]
    assert "ExpirationInDays" not in rule


def test_the_ledger_can_be_recovered_and_not_be_deleted_and_forgets_closed_rows_only(
    three: Stacks,
) -> None:
    ledger = three.one("reconciler", "AWS::DynamoDB::Table")

    assert ledger["DeletionProtectionEnabled"] is True
    assert ledger["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": LEDGER_EXPIRY, "Enabled": True}
    assert LEDGER_EXPIRY in loss(None, None, State.RESOLVED).image
    assert LEDGER_EXPIRY not in loss(None, None, State.OPEN).image


@pytest.mark.parametrize(
    ("part", "rate", "least_seconds"),
    [("redrive", "rate(15 minutes)", 300), ("gauge", "rate(1 minute)", 60)],
)
def test_a_schedule_s_function_runs_on_it_and_is_done_before_the_next_run(
    options: Stacks, part: str, rate: str, least_seconds: int
) -> None:
    rule = options.one("reconciler", "AWS::Events::Rule", Name=NAMES.of(part))

    arn = f"arn:aws:lambda:{EU}:{ACCOUNT}:function:{NAMES.of(part)}"
    assert rule["ScheduleExpression"] == rate
    assert [target["Arn"] for target in rule["Targets"]] == [arn]
    permission = options.one("reconciler", "AWS::Lambda::Permission", FunctionName=arn)
    assert permission["Principal"] == "events.amazonaws.com"
    assert f"{part.title()}Schedule" in permission["SourceArn"]
    assert function(options, NAMES.of(part))["Timeout"] < least_seconds


@pytest.mark.parametrize("part", ["redrive", "gauge"])
def test_a_schedule_s_run_that_fails_is_not_made_again_the_next_one_makes_up_for_it(
    options: Stacks, part: str
) -> None:
    tried = options.one("reconciler", "AWS::Lambda::EventInvokeConfig", FunctionName=NAMES.of(part))

    assert tried["MaximumRetryAttempts"] == 0


def test_there_is_no_redrive_unasked(three: Stacks) -> None:
    names = {f["FunctionName"] for f in three.all("reconciler", FUNCTION).values()}

    assert names == {
        "parties-detect-eu-west-1",
        "parties-resolve-eu-west-1",
        "parties-gauge-eu-west-1",
        "parties-lookup-stream-eu-west-1",
    }


def test_outputs_name_what_a_script_needs(options: Stacks) -> None:
    outputs = options.template(f"parties-reconciler-{EU}")["Outputs"]

    values = {name: each["Value"] for name, each in outputs.items()}
    queues = {value.rpartition("/")[2] for name, value in values.items() if "QueueUrl" in name}
    assert queues == {*NAMES.dead_letter_queues(), NAMES.home_queue, NAMES.witness_queue}
    assert values["Ledger"] == NAMES.ledger
    assert values["EventBus"] == NAMES.bus
    assert values["EvidenceBucket"] == NAMES.evidence_bucket
    assert values["RedriveFunction"] == NAMES.redrive_function
    assert values["GaugeFunction"] == NAMES.gauge_function
    assert values["AlarmsTopic"].endswith(f":{NAMES.of('alarms')}")
    assert values["StreamArn"] == "looked-up:Table.LatestStreamArn"
    assert set(values) >= {"Table", "PipelineKey", "DetectFunction", "ResolveFunction"}


def test_the_evidence_bucket_of_any_table_has_a_name_that_s3_takes() -> None:
    bucket = synthesised("existing").one("reconciler", "AWS::S3::Bucket")

    assert bucket["BucketName"] == "old-parties-ee68b0-evidence-eu-west-1"
