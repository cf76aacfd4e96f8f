"""The workflow of keyed writes: what is deployed is what the tests of its function run."""

import json
from typing import Any

import pytest

from handlers.settings import read_as
from handlers.workflow import WorkflowSettings
from reconciler.deployment.telemetry import WRITES_UNFINISHED
from reconciler.deployment.wiring import METRICS_NAMESPACE
from reconciler.deployment.workflow import WORKFLOW, Called, definition
from tests.infra.stacks import ACCOUNT, PLAIN, REGIONS, Stacks, synthesised
from tests.infra.test_api import environment
from tests.infra.test_permissions import granted, of_roles, statements
from tests.infra.test_settings import refusal

US, EU = REGIONS[:2]
NAME = f"parties-workflow-{EU}-dev"
TABLE = "parties-dev"
FUNCTION = f"arn:aws:lambda:{EU}:{ACCOUNT}:function:{NAME}"
MACHINE = f"arn:aws:states:{EU}:{ACCOUNT}:stateMachine:{NAME}"
ASKED = {"table_schema": {"attributes": {"loyalty": "counter_pn"}}}
SCENE = synthesised("aws-owned")
BESIDE = ("kms", "logs", "xray")


def machine() -> dict[str, Any]:
    return SCENE.one("reconciler", "AWS::StepFunctions::StateMachine", StateMachineName=NAME)


def test_the_workflow_is_the_one_of_the_project_with_the_deployed_names() -> None:
    assert machine()["StateMachineType"] == "STANDARD"
    called = Called(FUNCTION, TABLE, EU)
    assert json.loads(machine()["DefinitionString"]) == definition(called, WORKFLOW)


def test_its_history_is_encrypted_and_the_log_of_steps_has_nothing_of_items() -> None:
    made = machine()
    assert made["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    logging = made["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)


def test_the_function_takes_what_it_is_told_and_has_the_time_that_the_workflow_gives_it() -> None:
    settings = read_as(WorkflowSettings, environment("aws-owned", NAME))
    assert settings.item_schema.table == TABLE
    assert settings.item_schema.type_at(("loyalty",)) == "counter_pn"
    assert settings.regions == (US, EU)
    assert settings.keys.names == ("id",)
    made = SCENE.one("reconciler", "AWS::Lambda::Function", FunctionName=NAME)
    assert made["Timeout"] == WORKFLOW.function_timeout_seconds


def test_the_function_may_write_here_read_everywhere_announce_and_no_more() -> None:
    may = granted("aws-owned", "WorkflowRole")
    here, there = (f"arn:aws:dynamodb:{r}:{ACCOUNT}:table/{TABLE}" for r in (EU, US))
    assert {action: r for action, r in may.items() if not action.startswith(BESIDE)} == {
        "cloudwatch:PutMetricData": ["*"],  # of the state machine's own role
        "dynamodb:DescribeTable": [here],
        "dynamodb:GetItem": sorted([here, there]),
        "dynamodb:PutItem": [here],
        "events:PutEvents": [f"arn:aws:events:{EU}:{ACCOUNT}:event-bus/parties-conflicts-{EU}-dev"],
        "lambda:InvokeFunction": [FUNCTION],
    }


def test_the_state_machine_may_call_its_function_and_count_in_one_namespace() -> None:
    own = {
        each.sid: each
        for each in of_roles("aws-owned")
        if "WriteWorkflowRole" in each.holder and EU in each.stack
    }
    assert set(own) == {"TakeSteps", "EncryptHistory", "EncryptLog", "DeliverLogs", "CountWrites"}
    assert own["TakeSteps"].resources == [FUNCTION]
    namespace = {"cloudwatch:namespace": METRICS_NAMESPACE}
    assert own["CountWrites"].condition == {"StringEquals": namespace}


def test_log_delivery_may_read_with_the_key_where_there_is_a_workflow_and_no_approval() -> None:
    service = {"Service": "delivery.logs.amazonaws.com"}
    found = statements(Stacks({**PLAIN, "workflow": ASKED}))
    assert [each for each in found if each.kind == "KeyPolicy" and each.principal == service]


def read_by_key(settings: dict[str, Any]) -> list[Any]:
    return [
        each
        for each in statements(Stacks(settings))
        if each.sid.startswith("ReadByKey") and each.holder.startswith("ReconcilerWorkflow")
    ]


def test_items_of_other_regions_are_decrypted_by_the_table_s_keys_there_through_dynamodb() -> None:
    found = [each for each in read_by_key({**PLAIN, "workflow": ASKED}) if EU in each.stack]
    assert len(found) == 2
    for each, region in zip(found, (US, "ap-southeast-1"), strict=True):
        (key,) = each.resources
        assert key.startswith(f"arn:aws:kms:{region}:{ACCOUNT}:key/")
        through = {"kms:ViaService": [f"dynamodb.{region}.amazonaws.com"]}
        assert each.condition == {"StringEquals": through}


def test_an_existing_table_s_keys_are_those_that_are_named() -> None:
    keys = {r: f"arn:aws:kms:{r}:{ACCOUNT}:key/mrk-1" for r in REGIONS[:2]}
    settings = {**PLAIN, "regions": REGIONS[:2], "existing_table": True, "workflow": ASKED}
    found = read_by_key({**settings, "table_keys": keys})
    assert sorted(each.resources for each in found) == [[keys[EU]], [keys[US]]]
    assert read_by_key(settings) == []


def test_a_write_that_is_not_finished_is_alarmed_from_the_first_on() -> None:
    name = f"parties-writes-unfinished-{EU}-dev"
    alarm = SCENE.one("reconciler", "AWS::CloudWatch::Alarm", AlarmName=name)
    (query,) = alarm["Metrics"]
    metric = query["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == (METRICS_NAMESPACE, WRITES_UNFINISHED)
    told = json.loads(machine()["DefinitionString"])["States"]["CountNotWritten"]["Parameters"]
    assert metric["Dimensions"] == told["MetricData"][0]["Dimensions"]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "notBreaching")


def test_outputs_name_what_callers_start() -> None:
    outputs = SCENE.template(SCENE.stack("reconciler"))["Outputs"]
    assert outputs["WorkflowStateMachine"]["Value"] == MACHINE
    assert outputs["WorkflowFunction"]["Value"] == NAME


def test_there_is_none_unasked() -> None:
    assert "workflow" not in str(synthesised("three").template(f"parties-reconciler-{EU}")).lower()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"workflow": {}}, "workflow.table_schema: is missing"),
        ({"workflow": {"table_schema": {"key": ["id"]}}}, "workflow.table_schema: key: the dep"),
        ({"workflow": ASKED, "network": True}, "workflow: it looks into every region"),
    ],
)
def test_what_is_wrong_with_it_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in refusal(**changed)
