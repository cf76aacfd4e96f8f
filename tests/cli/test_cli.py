"""The command line as a whole: what it offers, what it imports for it, and what it says without."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from reconciler import __version__
from reconciler.cli import COMMANDS, commands

PUBLIC = {
    *("client", "causality", "clock", "conflict", "crdt", "errors", "item", "ports", "values"),
    "cli",
}
CALLING_AWS = PUBLIC | {"aws", "deployment", "text"}
# What each command's modules may load; what is not named here costs its user time or an extra.
MAY_LOAD = {
    "conflicts": CALLING_AWS | {"feed", "resolution"},
    "demo": CALLING_AWS | {"aws_model", "demo", "drills", "local", "metrics"},
    "doctor": CALLING_AWS | {"doctor"},
    "drill": CALLING_AWS | {"aws_model", "detection", "drills", "local", "redrive", "resolution"},
    "failover-drill": CALLING_AWS
    | {"aws_model", "detection", "drills", "local", "redrive", "resolution"},
    "metrics": CALLING_AWS | {"metrics"},
    "redrive": CALLING_AWS | {"detection", "redrive", "resolution"},
    "simulate": PUBLIC
    | {"aws_model", "deployment", "detection", "redrive", "resolution", "simulation", "text"},
    "verify-replication": CALLING_AWS | {"drills"},
}
WITHOUT_A_CLOUD = ("conflicts", "doctor", "metrics", "redrive", "verify-replication")


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


def test_a_command_imports_no_other_one() -> None:
    program = (
        "import sys; from reconciler.cli import commands; commands(['conflicts', 'list']);"
        "print(*(name for name in sys.modules if name.startswith('reconciler.cli.')))"
    )

    assert set(run(program).stdout.split()) == {
        "reconciler.cli.conflicts",
        "reconciler.cli.conflict_views",
        "reconciler.cli.options",
        "reconciler.cli.terminal",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_only_the_rooms_that_it_needs_and_no_moto(name: str) -> None:
    program = f"import sys; from reconciler.cli import commands; commands([{name!r}]);"
    loaded = run(f"{program} print(*sys.modules)").stdout.split()

    rooms = {module.split(".")[1] for module in loaded if module.startswith("reconciler.")}
    assert rooms - MAY_LOAD[name] == set()
    assert "moto" not in loaded


@pytest.mark.parametrize("name", WITHOUT_A_CLOUD)
def test_a_command_that_starts_no_cloud_works_where_none_is_installed(name: str) -> None:
    at = ("--table", "parties", "--region", "us-east-1,eu-west-1")
    asked = [name, *(["list"] if name == "conflicts" else []), *at]

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
