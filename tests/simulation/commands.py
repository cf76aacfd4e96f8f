"""The command `simulate`, run as its user runs it."""

import os
import subprocess
import sys
from pathlib import Path

_SIMULATE = "from reconciler.cli import main; main()"
_WITHOUT_A_RESOLVER = (
    "from reconciler.resolution.resolver import Resolver;"
    f" Resolver.resolve = lambda *_: []; {_SIMULATE}"
)


def simulate(
    *options: str, cwd: Path | None = None, broken: bool = False, hashseed: str = "0"
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; broken means that nothing is ever merged."""
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT_A_RESOLVER if broken else _SIMULATE, "simulate", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONHASHSEED": hashseed},
    )
