"""Runs a command of `reconciler` in the project's environment, which is made if there is none."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(command: str) -> None:
    """Become that command, with the arguments that this script was given."""
    setup = f'source "{ROOT}/scripts/environment" local'
    subprocess.run(["bash", "-euo", "pipefail", "-c", setup], check=True)  # noqa: S603, S607 (ours)
    program = ROOT / ".venv" / "bin" / "reconciler"
    os.execv(program, [str(program), command, *sys.argv[1:]])  # noqa: S606 (no shell is wanted)
