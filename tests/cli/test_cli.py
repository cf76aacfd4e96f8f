"""The command line as a whole: what it offers, and what it imports for it."""

import subprocess
import sys

from typer.testing import CliRunner

from reconciler.cli import COMMANDS, commands


def test_help_names_every_command() -> None:
    told = CliRunner().invoke(commands(["--help"]), ["--help"], env={"COLUMNS": "120"})

    assert told.exit_code == 0
    assert all(f" {name} " in told.stdout for name in COMMANDS)


def test_a_command_imports_no_other_one() -> None:
    program = (
        "import sys; from reconciler.cli import commands; commands(['conflicts', 'list']);"
        "print(*(name for name in sys.modules if name.startswith('reconciler.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert set(done.stdout.decode().split()) == {
        "reconciler.cli.conflicts",
        "reconciler.cli.conflict_views",
    }


def test_a_command_that_there_is_not_is_one_sentence() -> None:
    told = CliRunner().invoke(commands(["nonsense"]), ["nonsense"])

    assert told.exit_code == 2
    assert "nonsense" in told.output
