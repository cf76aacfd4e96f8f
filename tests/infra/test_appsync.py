"""The conflict handler of AppSync: a function that nobody but the named roles may invoke."""

from typing import Any

import pytest

from handlers.appsync import AppsyncSettings
from handlers.settings import read_as
from tests.infra.stacks import ACCOUNT, REGIONS, SCENES, synthesised
from tests.infra.test_api import environment
from tests.infra.test_permissions import granted
from tests.infra.test_settings import refusal

EU = REGIONS[1]
NAME = f"parties-appsync-{EU}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/parties-source"
ASKED = {"table_schema": {"attributes": {}}, "data_source_roles": [ROLE]}
OPTIONS = synthesised("options")


def permissions() -> list[dict[str, Any]]:
    found = OPTIONS.all("reconciler", "AWS::Lambda::Permission").values()
    return [each for each in found if "Appsync" in str(each["FunctionName"])]


def test_the_roles_of_the_data_sources_may_invoke_it_and_nobody_else() -> None:
    [permission] = permissions()
    assert permission["Principal"] == ROLE
    assert permission["Action"] == "lambda:InvokeFunction"


def test_the_function_that_is_told_to_appsync_is_the_one_that_they_may_invoke() -> None:
    outputs = OPTIONS.template(OPTIONS.stack("reconciler"))["Outputs"]
    [permission] = permissions()
    assert outputs["AppsyncFunction"]["Value"] == permission["FunctionName"]


def test_its_function_has_no_right_to_any_item() -> None:
    beside = ("ec2", "logs", "xray")
    assert [each for each in granted("options", "AppsyncRole") if not each.startswith(beside)] == []


def test_its_function_takes_what_it_is_told() -> None:
    settings = read_as(AppsyncSettings, environment("options", NAME))
    assert settings.policy == SCENES["options"]["appsync"]["policy"] == "automerge"
    assert settings.item_schema.key == ("id", "version")
    assert settings.item_schema.type_at(("loyalty",)) == "counter_pn"


def test_its_failures_are_alarmed() -> None:
    name = f"parties-function-errors-appsync-{EU}"
    assert OPTIONS.one("reconciler", "AWS::CloudWatch::Alarm", AlarmName=name)


def test_there_is_none_unasked() -> None:
    assert "appsync" not in str(synthesised("three").template(f"parties-reconciler-{EU}")).lower()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"data_source_roles": []}, "appsync.data_source_roles: a list of roles"),
        ({"data_source_roles": ["appsync.amazonaws.com"]}, "appsync.data_source_roles.0: a list"),
        ({"policy": "newest"}, "appsync.policy: types or automerge"),
        ({"table_schema": {"key": ["id"]}}, "appsync.table_schema: key: the deployment's own"),
        ({"table_schema": {"attributes": {"a": "sum"}}}, "appsync.table_schema: attributes.a.type"),
        ({"table_schema": {"key_lifetime_minutes": 2_000}}, "its keys live 2000 minutes; raise"),
    ],
)
def test_what_is_wrong_with_it_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in refusal(appsync={**ASKED, **changed})
