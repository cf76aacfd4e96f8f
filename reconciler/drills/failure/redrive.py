"""The redrive as the failure drill runs it.

`run` wires, in this process, what the command `reconciler redrive` wires, because each process of
it costs seconds; where a process is the point, `start` runs the command itself.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.aws import now_ms
from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.detection.securing import DetectorPolicy
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import LocalCloud
from reconciler.local.errors import LocalCloudError
from reconciler.redrive.drain import Drain, Time
from reconciler.redrive.outcome import RedriveOutcome, Result

_MOST_SECONDS = 90
_COMMAND = (sys.executable, "-c", "from reconciler.cli import main; main()", "redrive", "--json")


@dataclass(frozen=True)
class RedriveReport:
    """What a redrive said it did: a line for each letter, and how many had each outcome."""

    lines: Sequence[str]
    outcomes: dict[str, int]


class RedriveProcess:
    """A redrive of one region under way."""

    def __init__(self, arguments: Sequence[str], *, region: str, endpoint: str) -> None:
        self._region = region
        self._process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
            [*_COMMAND, "--region", region, "--endpoint", endpoint, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **aws_environment(region, endpoint)},
            text=True,
        )

    def kill_after_first(self) -> str:
        """Wait until it has done one letter, kill it (SIGKILL), and return what it said of it."""
        first = self._process.stderr.readline() if self._process.stderr else ""
        self._process.kill()
        _, rest = self._process.communicate()
        if not first.startswith(self._region):
            raise LocalCloudError(f"the redrive did nothing: {first}{rest}")
        return first.strip()

    def finish(self) -> RedriveReport:
        """Wait until it ends. LocalCloudError, with what it wrote, if it gave no answer."""
        output, said = self._process.communicate(timeout=_MOST_SECONDS)
        if "Traceback" in said or not output:
            status = self._process.returncode
            raise LocalCloudError(f"the redrive ended with status {status}:\n{said}")
        counts = json.loads(output)["regions"][self._region]
        outcomes = {name: count for name, count in counts.items() if name != "queues" and count}
        return RedriveReport(
            [line for line in said.splitlines() if f"{self._region} " in line], outcomes
        )


class LocalRedrive:
    """The redrive of a local cloud's reconciled table."""

    def __init__(self, cloud: LocalCloud, table: str) -> None:
        self._cloud = cloud
        self._table = table

    def run(self, region: str, *, execute: bool, queues: Sequence[str] = ()) -> RedriveReport:
        """Rehearse or carry out a redrive of a region's queues; of none: of all there is."""
        names = Names(self._table, region)
        lines: list[str] = []

        def hear(queue: str, about: str, result: Result) -> None:
            lines.append(f"{region} {queue} {about}: {result.outcome.value}: {result.why}")

        drain = Drain(
            Region(names, client_of=self._cloud.client),
            DetectorPolicy(self._table, region),
            Time(now_ms, time.sleep),
            execute=execute,
            hear=hear,
        )
        drain.queues(queues or names.dead_letter_queues())
        if not queues:
            drain.leftovers()
        counts = drain.tally.counts
        return RedriveReport(
            lines, {each.value: counts[each] for each in RedriveOutcome if counts[each]}
        )

    def start(self, region: str, *options: str) -> RedriveProcess:
        """Start the command in a region, as a process."""
        arguments = ["--table", self._table, *options]
        return RedriveProcess(arguments, region=region, endpoint=self._cloud.endpoint)
