"""The command line as a whole: what it offers, what it imports for it, and what it says without."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from reconciler import __version__
from reconciler.aws.clients import client
from reconciler.cli import COMMANDS, commands, main

PUBLIC = {
    *("client", "causality", "clock", "conflict", "crdt", "errors", "item", "ports", "values"),
    "cli",
}
CALLING_AWS = PUBLIC | {"aws", "deployment", "text"}
# What each command's modules may load; what is not named here costs its user time or an extra.
MAY_LOAD = {
    "adopt": CALLING_AWS | {"sweeping"},
    "conflicts": CALLING_AWS | {"feed", "resolution"},
    "demo": CALLING_AWS | {"aws_model", "demo", "drills", "local", "metrics"},
    "doctor": CALLING_AWS | {"doctor"},
    "drill": CALLING_AWS | {"aws_model", "detection", "drills", "local", "redrive", "resolution"},
    "failover-drill": CALLING_AWS
    | {"aws_model", "detection", "drills", "local", "redrive", "resolution"},
    "guests-drill": CALLING_AWS
    | {"aws_model", "detection", "drills", "local", "redrive", "resolution"},
    "jobs": CALLING_AWS | {"ingest"},
    "local": CALLING_AWS | {"aws_model", "local"},
    "metrics": CALLING_AWS | {"metrics"},
    "migration-drill": CALLING_AWS
    | {"aws_model", "calls", "detection", "drills", "local", "redrive", "resolution", "sweeping"},
    "redrive": CALLING_AWS | {"detection", "redrive", "resolution"},
    "simulate": PUBLIC
    | {"aws_model", "deployment", "detection", "feed", "redrive", "resolution"}
    | {"simulation", "text"},
    "sweep": CALLING_AWS | {"resolution", "sweeping"},
    "verify-replication": CALLING_AWS | {"drills"},
}
WITHOUT_A_CLOUD = (
    *("conflicts", "doctor", "jobs", "metrics", "redrive", "sweep", "verify-replication"),
)


def run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def without(*modules: str) -> str:
    """Return a program that is the command line where some modules are not installed."""
    gone = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))"
    return f"{gone}; from reconciler.cli import main; main()"


def test_help_names_every_command() -> None:
    told = CliRunner().invoke(commands(["--help"]), ["--help"], env={"COLUMNS": "120"})

    assert told.exit_code == 0
    assert all(f" {name} " in told.stdout for name in COMMANDS)


def test_the_version_is_that_of_the_package() -> None:
    told = CliRunner().invoke(commands(["--version"]), ["--version"])

    assert (told.exit_code, told.stdout) == (0, f"{__version__}\n")


_LOADING_EACH = """
import json, sys

told = {}
for name in sys.argv[1:]:
    for module in [m for m in sys.modules if m.partition(".")[0] in ("reconciler", "moto")]:
        del sys.modules[module]
    from reconciler.cli import commands
    commands([name])
    told[name] = [*sys.modules]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """Return the modules that each command loads where none of ours, and no moto, is loaded yet."""
    told: dict[str, list[str]] = json.loads(run(_LOADING_EACH, *COMMANDS).stdout)
    return told


def test_a_command_imports_no_other_one(loaded: dict[str, list[str]]) -> None:
    assert {each for each in loaded["conflicts"] if each.startswith("reconciler.cli.")} == {
        "reconciler.cli.conflicts",
        "reconciler.cli.conflict_views",
        "reconciler.cli.options",
        "reconciler.cli.terminal",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_only_the_rooms_that_it_needs_and_no_moto(
    loaded: dict[str, list[str]], name: str
) -> None:
    rooms = {module.split(".")[1] for module in loaded[name] if module.startswith("reconciler.")}
    assert "cli" in rooms
    assert rooms - MAY_LOAD[name] == set()
    assert "moto" not in loaded[name]


@pytest.mark.slow  # a process each, which tries for a while to connect
@pytest.mark.parametrize("name", WITHOUT_A_CLOUD)
def test_a_command_that_starts_no_cloud_works_where_none_is_installed(name: str) -> None:
    at = ("--table", "parties", "--region", "us-east-1,eu-west-1")
    asked = [name, *(["list"] if name in ("conflicts", "jobs") else []), *at]

    told = run(without("moto", "reconciler.local"), *asked, "--endpoint", "http://127.0.0.1:9")

    assert told.returncode == 1
    assert "Could not connect" in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_a_command_that_starts_a_cloud_says_which_extra_is_missing() -> None:
    told = run(without("moto"), "demo")

    assert told.returncode == 1
    assert "pip install '.[local]'" in told.stderr


@pytest.mark.parametrize("module", ["typer", "rich.console"])
def test_without_the_packages_of_the_command_line_it_says_which_extra_is_missing(
    module: str,
) -> None:
    told = run(without(module), "doctor", "--help")

    assert told.returncode == 1
    assert "pip install '.[cli]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_command_that_there_is_not_is_one_sentence() -> None:
    told = CliRunner().invoke(commands(["nonsense"]), ["nonsense"])

    assert told.exit_code == 2
    assert "nonsense" in told.output


def main_of(body: str) -> str:
    """Return a program that is the command line with this as its command."""
    return (
        "from reconciler import cli\n"
        f"def command():\n    {body}\n"
        "cli.commands = lambda _: command\n"
        "cli.main()"
    )


@pytest.mark.parametrize("command", ["list", "doctor", "metrics", "redrive", "verify-replication"])
def test_a_profile_that_is_not_there_is_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client.cache_clear()
    words = ("conflicts", "list") if command == "list" else (command,)
    given = ("--table", "p", "--region", "us-east-1,eu-west-1")
    monkeypatch.setattr(sys, "argv", ["reconciler", *words, *given])
    with pytest.raises(SystemExit) as ended:
        main()

    code = ended.value.code
    told = f"{capsys.readouterr().err}{code}"
    assert code == 1 or isinstance(code, str)  # a sentence to end with is code 1
    assert "nosuch" in told
    assert "Traceback" not in told


def test_an_error_of_the_sdk_is_a_sentence_and_one_of_ours_is_a_traceback() -> None:
    fails = "from botocore.exceptions import NoRegionError; raise NoRegionError"
    done = run(main_of(fails))
    assert (done.returncode, done.stderr) == (1, "reconciler: AWS: You must specify a region.\n")
    assert "Traceback" in run(main_of("raise RuntimeError('a mistake of this project')")).stderr


def test_a_character_that_the_terminal_cannot_show_is_shown_as_its_escape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run(main_of(r"print('\u2581 \xe9')"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u2581 \\xe9\n", "")


def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    program = main_of("[print('a line of many') for _ in range(100_000)]")
    command = f'{sys.executable} -c "$PROGRAM" | head -1'
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PROGRAM": program},
    )
    assert (done.stdout, done.stderr) == ("a line of many\n", "")
