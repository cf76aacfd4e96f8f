"""The child processes of the local cloud: how they start, where they log, how they end."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.local.errors import LocalCloudError

_STOP_SECONDS = 6
_TAIL_LINES = 15


class Child:
    """One process of the cloud; it ends when its standard input is closed."""

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        *,
        log: Path,
        environment: Mapping[str, str],
        inherited: Collection[int] = (),
    ) -> None:
        """Start `python -m module` with its settings as one JSON argument.

        `log` takes its output, behind what is there, and names it; `environment` comes on top of a
        clean one; `inherited` are file descriptors to pass on.
        """
        self.name = log.stem
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", module, json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_clean_environment(), **environment},
                pass_fds=inherited,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The status that it ended with, None while it runs."""
        return self._process.poll()

    def cpu_seconds(self) -> float:
        """Return how much processor it has used, with a resolution of at least a second."""
        stat = Path(f"/proc/{self.pid}/stat")
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except FileNotFoundError:  # it is gone, or this is no Linux
            shown = subprocess.run(  # noqa: S603 - a fixed command
                ["/bin/ps", "-o", "time=", "-p", str(self.pid)],
                capture_output=True,
                text=True,
                check=False,
            )
            return _seconds(shown.stdout.strip() or "0")

    def check(self) -> None:
        """Raise LocalCloudError, with the end of its log, if the process is no longer there."""
        status = self.status
        if status is not None:
            raise LocalCloudError(f"{self.name} ended with status {status}:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """Return the end of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def tell(self, line: str) -> None:
        """Write one line to its standard input.

        Raises: LocalCloudError, with the end of its log, if it has died.
        """
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait(_STOP_SECONDS)
            self.check()

    def ask_to_stop(self) -> None:
        """Close its standard input, on which it ends by itself."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def wait(self) -> None:
        """Wait for the process to end, and kill it if it does not."""
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _seconds(clock: str) -> float:
    """Return the seconds of a time as ps writes it: [[hours:]minutes:]seconds."""
    total = 0.0
    for part in clock.replace("-", ":").split(":"):
        total = total * 60 + float(part)
    return total


def _clean_environment() -> dict[str, str]:
    """Return this environment without what could lead a child to real AWS or past loopback."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "POWERTOOLS_", "RECONCILER_", "MOTO_"))
        and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}


def stop(children: Collection[Child]) -> None:
    """End processes together and wait until all are gone."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait()
