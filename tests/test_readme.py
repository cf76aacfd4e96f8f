"""What the READMEs say runs, and is true."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from reconciler import Schema
from reconciler.cli import commands
from reconciler.crdt.base import TYPES
from reconciler.drills.workload import party_schema
from reconciler.local.clients import Boto3Clients, aws_environment
from reconciler.local.cloud import DEFAULT_REGIONS, LocalCloud
from reconciler.local.provision import TableSpec
from reconciler.values.size import item_size
from tests.simulation.test_sabotage import SABOTAGES
from tests.test_architecture import STEPS

ROOT = Path(__file__).parent.parent
GUIDES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "reconciler/README.md",
        "reconciler/sweeping/README.md",
        "infra/README.md",
        "infra/RUNBOOK.md",
    )
}
README, INSIDE = GUIDES["README.md"], GUIDES["reconciler/README.md"]
INSTALLED = Path(sys.executable).with_name("reconciler")  # wherever these tests are installed
SCRIPTS = {
    "./scripts/demo": "demo",
    "./scripts/drill": "drill",
    "./scripts/failover_drill.py": "failover-drill",
    "./scripts/redrive_dlq.py": "redrive",
    "./scripts/verify_replication.py": "verify-replication",
}
OF_THE_PROJECT = {"./scripts/bench", "./scripts/check", "./scripts/package", "./scripts/test"}


def examples(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(example: str) -> dict[str, Any]:
    """Run an example as printed; return the names that it made."""
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 (it is our own example)
    return names


def printed_commands(text: str) -> list[list[str]]:
    """Return, as words, the commands of this project in blocks and in running text."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)\n```", text, re.DOTALL)).splitlines()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [*blocks, *re.findall(r"`([^`]+)`", prose)]
    words = [line.removeprefix(".venv/bin/").split() for line in lines]
    return [each for each in words if each[0] == "reconciler" or each[0].startswith("./scripts/")]


def options_of(*words: str) -> list[str]:
    """Return the options of the one command of the README that begins with these words."""
    wanted = list(words)
    (found,) = [
        each for each in printed_commands(README) if each[: len(wanted)] == wanted and each[2:]
    ]
    return found[1:]


def test_the_first_screen_shows_the_library_and_the_whole_is_short() -> None:
    before, *_ = README.partition("```python")
    (example, *_) = examples(README)

    assert len((before + example).splitlines()) <= 40
    assert len(README.splitlines()) <= 200


def test_the_library_example_runs_as_printed_and_weighs_what_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = party_schema().table
    with LocalCloud([TableSpec(table, "id")], regions=DEFAULT_REGIONS[:2]) as cloud:
        for name, value in aws_environment("eu-west-1", cloud.endpoint).items():
            monkeypatch.setenv(name, value)
        run(examples(README)[0])
        dynamodb = Boto3Clients(cloud.endpoint).get("dynamodb", region="eu-west-1")
        image = dynamodb.get_item(TableName=table, Key={"id": {"S": "p1"}})["Item"]

    printed = eval(capsys.readouterr().out)  # noqa: S307 (the dict that the example printed)
    assert printed == {
        "id": "p1",
        "name": "Ada",
        "address": {"city": "London"},
        "loyalty": 25,
        "tags": {"vip"},
    }
    visible = item_size({name: value for name, value in image.items() if name != "_rec"})
    (said,) = re.findall(r"has (\d+) bytes, and (\d+) of `_rec`", README)
    assert said == (str(visible), str(item_size(image) - visible))


def test_the_example_of_types_declares_a_schema_with_a_map_in_a_map() -> None:
    schema = run(examples(README)[1])["schema"]

    assert schema.attributes["colour"].function == "brightest"
    (path,) = re.findall(r'party\["(phones", "home", "number)"\]', README)
    top, *rest = path.split('", "')
    spec = schema.spec(top)
    for _ in rest:
        assert spec.type is TYPES["map_or"]
        spec = spec.values
    assert spec is None  # a plain value may stand there


@pytest.mark.parametrize("example", [examples(README)[-1], *examples(INSIDE)])
def test_an_example_of_the_simulator_is_a_test_that_passes(example: str) -> None:
    names = run(example)

    (test,) = (names[name] for name in names if name.startswith("test_"))
    test()


def parse(words: list[str]) -> None:
    """Parse a command line without running it; whatever it does not know is an error.

    Where the text names a command alone, no option is missing.
    """
    found: Any = typer.main.get_command(commands(words))
    options = list(words)
    while options and hasattr(found, "commands"):
        found = found.commands[options.pop(0)]
    if options:
        found.make_context(words[0], options)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_that_a_guide_prints_is_one_that_there_is(
    guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = printed_commands(GUIDES[guide])

    assert printed
    for program, *words in printed:
        if program == "reconciler":
            parse(words)
        elif program in SCRIPTS:
            parse([SCRIPTS[program], *words])
        else:
            assert program in OF_THE_PROJECT
        if program.startswith("./"):
            assert os.access(ROOT / program, os.X_OK)


def test_every_command_of_the_readme_is_where_the_demo_puts_it_in_a_fresh_clone() -> None:
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    programs = {words.split()[0] for words in re.findall(r"`([^`]+)`", prose)}

    assert "reconciler" not in programs  # nobody has put it in the path
    assert ".venv/bin/reconciler" in programs
    environment = (ROOT / "scripts" / "environment").read_text(encoding="utf-8")
    first, last = re.findall(r"Python (3\.\d+) to (3\.\d+)", README)[0]
    assert all(f"python{version}" in environment for version in (first, last))


def test_the_two_commands_are_the_demo_and_what_continuous_integration_runs() -> None:
    blocks = re.findall(r"```console\n(.*?)\n```", README, re.DOTALL)

    assert blocks == ["./scripts/demo\n./scripts/test"]
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text()


def test_the_search_of_the_readme_draws_its_report(tmp_path: Path) -> None:
    options = ["5" if each == "200" else each for each in options_of("reconciler", "simulate")]

    subprocess.run([INSTALLED, *options], cwd=tmp_path, check=True, capture_output=True)

    assert (tmp_path / "schedule.html").stat().st_size > 0


def test_the_metrics_of_the_readme_are_asked_of_each_region(tmp_path: Path) -> None:
    nobody = ["--endpoint", "http://127.0.0.1:9"]
    options = [*options_of("reconciler", "metrics"), *nobody]

    asked = subprocess.run(
        [INSTALLED, *options], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert asked.returncode == 1
    assert asked.stderr.count("Could not connect") == 2  # once for each region
    assert (tmp_path / "metrics.html").stat().st_size > 0


@pytest.mark.parametrize(
    "guide", [*GUIDES, "reconciler/client/README.md", "reconciler/calls/README.md"]
)
def test_every_file_and_heading_that_a_guide_names_is_there(guide: str) -> None:
    here, text = (ROOT / guide).parent, (ROOT / guide).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        page = here / name if name else ROOT / guide
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), target
    for path in re.findall(r"`(\w[\w./]*/[\w.]+\.(?:py|md|json))`", text):
        assert any((start / path).exists() for start in (here, ROOT)), path


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_name_that_is_said_to_be_in_a_file_is_in_it() -> None:
    named = re.findall(r"`([\w.]+)`(?: \([^)]+\))?\s+(?:in|of)\s+\[[^]]+\]\(([^)]+)\)", INSIDE)

    assert len(named) >= 9
    for name, file in named:
        text = (ROOT / "reconciler" / file).read_text(encoding="utf-8")
        assert all(re.search(rf"\b{part}\b", text) for part in name.split(".")), (name, file)


def test_the_table_of_types_names_every_type_there_is() -> None:
    (table,) = re.findall(r"\| type \| after.*?\n\n", README, re.DOTALL)
    first_column = [line.split("|")[1] for line in table.strip().splitlines()[2:]]

    named = {name for cell in first_column for name in re.findall(r"`(\w+)`", cell)}

    assert named == set(TYPES)


def test_the_table_of_rooms_is_the_import_rule() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| .+ \|$", INSIDE, re.MULTILINE)

    listed = [f"{step} {room}" for step, room in rows]

    steps = enumerate(STEPS.strip().splitlines(), 1)
    assert listed == [f"{step} {room}" for step, rooms in steps for room in rooms.split()]


def test_every_rule_that_the_tests_break_is_in_the_table_of_rules() -> None:
    rules = set(re.findall(r"^\| ([WDMFN]\d) \|", INSIDE, re.MULTILINE))
    broken = {case.rule for case in SABOTAGES if re.fullmatch(r"[WDMFN]\d", case.rule)}

    assert broken <= rules


def test_the_schema_that_an_adoption_is_given_is_one() -> None:
    (printed,) = re.findall(r"```json\n(.*?)\n```", GUIDES["reconciler/sweeping/README.md"])

    assert Schema.of(**json.loads(printed)).table == "parties"
