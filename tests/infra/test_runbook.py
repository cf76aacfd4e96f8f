"""The runbook: an entry for each kind of alarm, and commands that can be run as they stand."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest
import typer.main
from botocore import xform_name

from infra.alarms import LIMITS
from infra.artefact import ROOT
from infra.table_alarms import LATENCY_MINUTES
from reconciler.cli import commands
from reconciler.deployment.wiring import CONFLICTS_PER_MINUTE_ALARM
from tests.infra.stacks import SCENES, synthesised

TEXT = (ROOT / "infra" / "RUNBOOK.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]
OURS = {".venv/bin/reconciler": [], "./scripts/redrive_dlq.py": ["redrive"]}
OF_EVERY_COMMAND = {"--region", "--query"}
SERVICES = {"s3api": "s3"}  # the command line has two groups of commands for S3
RENAMED = {"--endpoint": "--notification-endpoint"}  # by the command line: every command has one


@cache
def model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def descriptions(scene: str) -> Iterator[str]:
    stacks = synthesised(scene)
    for region in stacks.settings.regions:
        alarms = stacks.all("reconciler", "AWS::CloudWatch::Alarm", region)
        yield from (alarm["AlarmDescription"] for alarm in alarms.values())


def link(description: str) -> tuple[str, str]:
    """Return where a description links to, and which entry there."""
    place, _, entry = description.partition(" What to do: ")[2].partition("#")
    return place, entry


def test_every_alarm_has_its_entry_and_every_entry_its_alarm() -> None:
    entries = {link(each)[1] for scene in SCENES for each in descriptions(scene)}

    assert entries == set(ENTRIES)
    assert len(ENTRIES) == len(set(ENTRIES))


@pytest.mark.parametrize("scene", SCENES)
def test_a_description_says_what_the_alarm_means_and_fits(scene: str) -> None:
    for each in descriptions(scene):
        assert re.match(r"[A-Za-z].+\. What to do: ", each)
        assert len(each) <= 1_024


def test_a_description_links_the_runbook_where_the_team_reads_it() -> None:
    published = {link(each)[0] for each in descriptions("options")}
    unpublished = {link(each)[0] for each in descriptions("three")}

    assert published == {"https://wiki.example/reconciler"}
    [path] = unpublished
    assert (ROOT / path).is_file()


def body(entry: str) -> str:
    [found] = re.findall(rf"^## {entry}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_says_what_it_means_what_is_at_risk_and_what_to_run(entry: str) -> None:
    assert "**Means**: " in body(entry)
    assert "**At risk**: " in body(entry)
    assert "```console\n" in body(entry)


@pytest.mark.parametrize(
    ("entry", "limit"),
    [
        ("iterator-age", f"{LIMITS.iterator_age_minutes} minutes"),
        ("function-errors", f"{LIMITS.failures} times in {LIMITS.failure_minutes} minutes"),
        ("api-errors", f"{LIMITS.failures} times in {LIMITS.failure_minutes} minutes"),
        ("dead-letter-age", f"{LIMITS.dead_letter_days} days"),
        ("queue-age", f"{LIMITS.queue_age_minutes} minutes"),
        ("open-loss-age", f"{LIMITS.open_loss_minutes} minutes"),
        ("conflict-rate", f"{CONFLICTS_PER_MINUTE_ALARM} conflicts a minute"),
        ("clock-drift", f"{LIMITS.clock_drift_seconds} seconds"),
        ("clock-off", f"{LIMITS.clock_drift_seconds} seconds"),
        ("replication-latency", f"{LATENCY_MINUTES} minutes"),
    ],
)
def test_an_entry_says_the_limit_that_the_alarm_has(entry: str, limit: str) -> None:
    assert limit in " ".join(body(entry).split())


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] in OURS], ids=shlex.join)
def test_our_commands_parse(command: list[str]) -> None:
    program, *arguments = command
    assert (ROOT / program).exists() or program.endswith("reconciler")
    group: Any = typer.main.get_command(commands(()))
    arguments = [*OURS[program], *arguments]
    while hasattr(group, "commands"):
        group = group.commands[arguments.pop(0)]

    with group.make_context("runbook", arguments) as context:
        assert context.params["table"] == "parties"


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] == "aws"], ids=shlex.join)
def test_the_commands_of_aws_exist_with_their_options(command: list[str]) -> None:
    _, service, name, *rest = command
    given = {each.replace("--no-", "--") for each in rest if each.startswith("--")}
    options = given - OF_EVERY_COMMAND
    if (service, name) == ("logs", "tail"):  # the command line's own, in no model
        assert options <= {"--since", "--filter-pattern"}
        return
    model = model_of(SERVICES.get(service, service))
    operations = {xform_name(each, "-"): each for each in model.operation_names}
    shape = model.operation_model(operations[name]).input_shape
    known = {f"--{xform_name(each, '-')}" for each in (shape.members if shape else ())}

    assert options <= {RENAMED.get(each, each) for each in known}


def test_no_other_programs_are_needed_than_are_known_here() -> None:
    assert {command[0] for command in COMMANDS} == {*OURS, "aws", "chronyc"}
