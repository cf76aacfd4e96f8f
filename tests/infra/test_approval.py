"""The approval flag: what is deployed is the workflow that the tests of its function run."""

import json
from typing import Any

import pytest

from reconciler.deployment.approval import APPROVAL, CalledArns, definition
from tests.infra.stacks import ACCOUNT, SCENES, Stacks, synthesised
from tests.infra.test_permissions import granted, of_roles, statements

EU = "eu-west-1"
MACHINE = f"arn:aws:states:{EU}:{ACCOUNT}:stateMachine:parties-approval-eu-west-1"
FUNCTION = f"arn:aws:lambda:{EU}:{ACCOUNT}:function:parties-approve-eu-west-1"
DECISIONS = f"arn:aws:sns:{EU}:{ACCOUNT}:parties-decisions-eu-west-1"
ESCALATIONS = f"arn:aws:sns:{EU}:{ACCOUNT}:parties-escalations-eu-west-1"


def machine(stacks: Stacks) -> dict[str, Any]:
    name = stacks.settings.names(EU).approval_state_machine
    return stacks.one("reconciler", "AWS::StepFunctions::StateMachine", StateMachineName=name)


def schedule(stacks: Stacks) -> dict[str, Any]:
    return stacks.one("reconciler", "AWS::Events::Rule", Name="parties-approve-eu-west-1")


def test_the_workflow_is_the_one_of_the_project_with_the_deployed_names(options: Stacks) -> None:
    made = machine(options)

    assert made["StateMachineName"] == "parties-approval-eu-west-1"
    assert made["StateMachineType"] == "STANDARD"
    expected = definition(CalledArns(FUNCTION, DECISIONS, ESCALATIONS), APPROVAL)
    assert json.loads(made["DefinitionString"]) == expected


def test_the_workflow_names_the_partition_that_it_is_deployed_to(options: Stacks) -> None:
    template = options.folder / "out" / f"{options.stack('reconciler')}.template.json"
    named_by_settings = SCENES["options"]["appsync"]["data_source_roles"][0]
    assert "arn:aws:" not in template.read_text().replace(named_by_settings, "")


def test_the_workflow_is_started_by_a_schedule_which_names_it(options: Stacks) -> None:
    rule = schedule(options)

    assert rule["ScheduleExpression"] == f"rate({APPROVAL.sweep_minutes} minutes)"
    [target] = rule["Targets"]
    assert target["Arn"] == FUNCTION
    assert json.loads(target["Input"]) == {"action": "start", "state_machine_arn": MACHINE}


def test_a_start_is_done_before_the_next_one_which_makes_up_for_it(options: Stacks) -> None:
    made = options.one(
        "reconciler", "AWS::Lambda::Function", FunctionName="parties-approve-eu-west-1"
    )
    retries = options.one(
        "reconciler", "AWS::Lambda::EventInvokeConfig", FunctionName="parties-approve-eu-west-1"
    )

    assert made["Timeout"] == APPROVAL.function_timeout_seconds < APPROVAL.sweep_minutes * 60
    assert retries["MaximumRetryAttempts"] == 0


def test_a_history_is_encrypted_and_the_log_of_steps_has_no_keys_and_answers(
    options: Stacks,
) -> None:
    made, log = machine(options), "/aws/vendedlogs/states/parties-approval-eu-west-1"

    assert made["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert "PipelineKey" in made["EncryptionConfiguration"]["KmsKeyId"]
    logging = made["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    group = options.one("reconciler", "AWS::Logs::LogGroup", LogGroupName=log)
    assert group["RetentionInDays"] == 30


@pytest.mark.parametrize(("scene", "traced"), [("options", True), ("aws-owned", False)])
def test_the_workflow_is_traced_if_all_else_is(scene: str, traced: bool) -> None:
    assert machine(synthesised(scene))["TracingConfiguration"] == {"Enabled": traced}


def test_questions_are_encrypted_and_only_the_account_may_ask(options: Stacks) -> None:
    topics = options.all("reconciler", "AWS::SNS::Topic").values()
    asking = {DECISIONS, ESCALATIONS}
    about = [
        each
        for each in statements(options)
        if asking & set(each.resources) and "Policy" in each.holder
    ]

    assert all("PipelineKey" in each["KmsMasterKeyId"] for each in topics)
    assert {(each.effect, each.sid, *each.resources) for each in about} == {
        ("Deny", "RefusesPlainHttp", topic) for topic in asking
    }


def test_the_function_may_find_ask_decide_and_start_and_no_more() -> None:
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"
    ledger = f"{table}-ledger-eu-west-1"
    may = granted("options", "ApproveRole")

    common = ("kms", "logs", "xray", "ec2")
    assert {action: r for action, r in may.items() if not action.startswith(common)} == {
        "dynamodb:BatchWriteItem": [ledger],
        "dynamodb:DescribeTable": [table],
        "dynamodb:GetItem": [table],
        "dynamodb:PutItem": [table],
        "dynamodb:Query": [ledger, f"{ledger}/index/by-state"],
        "dynamodb:UpdateItem": [ledger],
        "s3:GetObject": [f"{bucket}/conflicts/*"],
        "s3:ListBucket": [bucket],
        "sns:Publish": [DECISIONS, ESCALATIONS],
        "states:StartExecution": [MACHINE],
    }


def test_the_function_encrypts_its_questions_through_sns_alone() -> None:
    [encrypts] = [
        each for each in of_roles("options") if each.sid == "EncryptQuestions" and EU in each.stack
    ]

    assert encrypts.actions == ["kms:Decrypt", "kms:GenerateDataKey"]
    through = {"kms:ViaService": ["sns.eu-west-1.amazonaws.com"]}
    assert encrypts.condition == {"StringEquals": through}


def test_the_workflow_may_call_its_function_and_nothing_else_of_the_deployment() -> None:
    own = [
        each for each in of_roles("options") if "ApprovalRole" in each.holder and EU in each.stack
    ]
    on_all = {"DeliverLogs", "SendTraces"}

    named = {each.sid: (each.actions, each.resources) for each in own if each.sid not in on_all}
    assert named.pop("TakeSteps") == (["lambda:InvokeFunction"], [FUNCTION])
    assert set(named) == {"EncryptHistory", "EncryptLog"}
    contexts = {each.sid: each.condition for each in own if each.sid in named}
    prefix = "kms:EncryptionContext:"
    assert contexts == {
        "EncryptHistory": {"StringEquals": {f"{prefix}aws:states:stateMachineArn": MACHINE}},
        "EncryptLog": {"StringEquals": {f"{prefix}SourceArn": f"arn:aws:logs:{EU}:{ACCOUNT}:*"}},
    }


def test_log_delivery_may_read_with_the_key_what_goes_to_the_account_s_logs() -> None:
    def readers(scene: str) -> list[Any]:
        service = {"Service": "delivery.logs.amazonaws.com"}
        found = statements(synthesised(scene))
        return [
            s for s in found if s.kind == "KeyPolicy" and s.principal == service and EU in s.stack
        ]

    [reader] = readers("options")
    assert reader.actions == ["kms:Decrypt"]
    context = {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:{EU}:{ACCOUNT}:*"}
    assert reader.condition == {"StringEquals": context}
    assert readers("three") == []


def test_outputs_name_what_people_subscribe_to_and_look_at(options: Stacks) -> None:
    outputs = options.template(f"parties-reconciler-{EU}")["Outputs"]

    assert outputs["DecisionsTopic"]["Value"] == DECISIONS
    assert outputs["EscalationsTopic"]["Value"] == ESCALATIONS
    assert outputs["ApprovalStateMachine"]["Value"] == MACHINE
    assert outputs["ApproveFunction"]["Value"] == "parties-approve-eu-west-1"


def test_nobody_is_asked_unasked() -> None:
    resources = synthesised("three").template(f"parties-reconciler-{EU}")["Resources"].values()

    assert "AWS::StepFunctions::StateMachine" not in {each["Type"] for each in resources}
    assert "parties-approve" not in json.dumps(list(resources))
