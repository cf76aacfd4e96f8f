"""The command `simulate`, in this process or as its user runs it, in one of its own."""

import os
import subprocess
import sys

from typer.testing import CliRunner, Result

from reconciler.cli import commands


def simulate(*options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(commands(["simulate"]), ["simulate", *options])


def process(*options: str, hashseed: str = "0") -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own, whose output is a pipe."""
    return subprocess.run(
        [sys.executable, "-c", "from reconciler.cli import main; main()", "simulate", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hashseed},
    )
