"""The adoption of a table: one machine in one region, as the tests of its function run it."""

import json
from typing import Any

import pytest

from handlers.adopt import AdoptSettings
from handlers.settings import read_as
from reconciler.deployment.adoption import ADOPTION, definition
from tests.infra.stacks import ACCOUNT, PLAIN, REGIONS, Stacks, synthesised
from tests.infra.test_api import environment
from tests.infra.test_permissions import granted, of_roles, statements
from tests.infra.test_settings import refusal

US, EU = REGIONS[:2]  # the second is the first by name
NAME = f"parties-adopt-{EU}-dev"
TABLE = "parties-dev"
FUNCTION = f"arn:aws:lambda:{EU}:{ACCOUNT}:function:{NAME}"
MACHINE = f"arn:aws:states:{EU}:{ACCOUNT}:stateMachine:{NAME}"
EXECUTIONS = f"arn:aws:states:{EU}:{ACCOUNT}:execution:{NAME}"
ASKED = {"table_schema": {"attributes": {"loyalty": "counter_pn"}}}
SCENE = synthesised("aws-owned")


def machine() -> dict[str, Any]:
    return SCENE.one("reconciler", "AWS::StepFunctions::StateMachine", StateMachineName=NAME)


def test_the_machine_is_the_one_of_the_project_with_the_deployed_function() -> None:
    assert machine()["StateMachineType"] == "STANDARD"
    assert json.loads(machine()["DefinitionString"]) == definition(FUNCTION)
    assert machine()["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_it_is_in_the_region_alone_in_which_items_are_adopted() -> None:
    kind = "AWS::StepFunctions::StateMachine"
    assert f"parties-adopt-{US}-dev" not in str(SCENE.all("reconciler", kind, US))
    assert "Adopt" not in str(SCENE.template(SCENE.stack("reconciler", US))["Outputs"])


def test_the_function_takes_what_it_is_told_and_has_all_the_time_that_lambda_gives() -> None:
    settings = read_as(AdoptSettings, environment("aws-owned", NAME))
    assert (settings.item_schema.table, settings.regions) == (TABLE, (US, EU))
    assert settings.item_schema.key == ("id",)
    made = SCENE.one("reconciler", "AWS::Lambda::Function", FunctionName=NAME)
    assert made["Timeout"] == ADOPTION.function_timeout_seconds == 900


def test_the_function_may_read_every_replica_stamp_the_one_here_and_no_more() -> None:
    may = granted("aws-owned", "ReconcilerAdoptRole")
    here, there = (f"arn:aws:dynamodb:{r}:{ACCOUNT}:table/{TABLE}" for r in (EU, US))
    assert {action: r for action, r in may.items() if not action.startswith(("kms", "logs"))} == {
        "dynamodb:BatchGetItem": [here, there],
        "dynamodb:DescribeTable": [here, there],
        "dynamodb:Scan": [here],
        "dynamodb:UpdateItem": [here],
    }


def test_the_machine_may_start_its_own_segments_and_take_them_up_again() -> None:
    own = {e.sid: e for e in of_roles("aws-owned") if "ReconcilerAdoptionRole" in e.holder}
    more = {"StartSegments", "WatchSegments", "RedriveSegments"}
    assert set(own) == {"TakeSteps", "EncryptHistory", "EncryptLog", "DeliverLogs", *more}
    assert own["TakeSteps"].resources == [FUNCTION]
    assert own["StartSegments"].actions == ["states:StartExecution"]
    assert own["StartSegments"].resources == [MACHINE]
    watched = [f"{EXECUTIONS}:*", f"{EXECUTIONS}/Segments:*"]
    assert own["WatchSegments"].resources == watched
    assert own["RedriveSegments"].actions == ["states:RedriveExecution"]
    assert own["RedriveSegments"].resources == watched[1:]


def test_histories_of_segments_are_encrypted_for_them_and_for_the_machine_alone() -> None:
    (encrypts,) = (
        each
        for each in of_roles("aws-owned")
        if "ReconcilerAdoptionRole" in each.holder and each.sid == "EncryptHistory"
    )
    context = "kms:EncryptionContext:aws:states:stateMachineArn"
    assert encrypts.condition == {"StringEquals": {context: [MACHINE, f"{MACHINE}/Segments"]}}


def test_items_of_other_regions_are_decrypted_by_the_table_s_keys_there() -> None:
    found = [
        each
        for each in statements(Stacks({**PLAIN, "adoption": ASKED}))
        if each.sid.startswith("ReadByKey") and each.holder.startswith("ReconcilerAdopt")
    ]
    # The first by name of three is that one of Asia.
    assert {each.stack for each in found} == {"parties-reconciler-ap-southeast-1"}
    assert len(found) == 2


def test_log_delivery_may_read_with_the_key_where_there_is_nothing_but_an_adoption() -> None:
    service = {"Service": "delivery.logs.amazonaws.com"}
    found = statements(Stacks({**PLAIN, "adoption": ASKED}))
    stacks = {each.stack for each in found if each.principal == service}
    assert stacks == {"parties-reconciler-ap-southeast-1"}


def test_outputs_name_what_is_started() -> None:
    outputs = SCENE.template(SCENE.stack("reconciler"))["Outputs"]
    assert outputs["AdoptStateMachine"]["Value"] == MACHINE
    assert outputs["AdoptFunction"]["Value"] == NAME


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"adoption": {}}, "adoption.table_schema: is missing"),
        ({"adoption": {"table_schema": {"key": ["id"]}}}, "adoption.table_schema: key: the dep"),
        ({"adoption": ASKED, "network": True}, "adoption: it looks into every region"),
    ],
)
def test_what_is_wrong_with_it_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in refusal(**changed)
