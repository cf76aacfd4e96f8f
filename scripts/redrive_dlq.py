#!/usr/bin/env python3
"""Puts back what failed: dead letters, batches set aside, losses never sent. See --help."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run the command in the project's environment, which is made if there is none yet."""
    setup = f'source "{ROOT}/scripts/environment" local'
    subprocess.run(["bash", "-euo", "pipefail", "-c", setup], check=True)  # noqa: S603, S607 (ours)
    program = ROOT / ".venv" / "bin" / "reconciler"
    os.execv(program, [str(program), "redrive", *sys.argv[1:]])  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
