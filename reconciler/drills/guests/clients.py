"""The guests: boto3, the AWS CLI and the SDK for JavaScript, as others would use them.

None of them repeats a call by itself, so each call is carried out once or not at all, and nothing
of this library is between them and the region's endpoint. Who is not installed is left out, by name
and with the reason.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, Protocol

from reconciler.drills.guests.calls import AT, ID, Call
from reconciler.drills.guests.programs import JAVASCRIPT, SHELL
from reconciler.errors import OutcomeUnknown
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import LocalCloud

_SHELL_NEEDS = ("aws", "bash", "openssl")
_CLI_SECONDS = 60
_BY_NAME = {"UpdateItem": "update_item", "PutItem": "put_item", "DeleteItem": "delete_item"}


class Guest(Protocol):
    """A client of DynamoDB; it answers with the item's attributes that it was answered."""

    @property
    def name(self) -> str:
        """What it is called."""

    def send(self, region: str, call: Call) -> dict[str, Any]:
        """Send a call; it is acknowledged when this returns."""


@dataclass(frozen=True)
class Boto3:
    """A client of boto3."""

    cloud: LocalCloud
    name: str = "boto3"

    def send(self, region: str, call: Call) -> dict[str, Any]:
        """Send a call; it is acknowledged when this returns."""
        at, nonce = str(time.time_ns() // 1_000_000), secrets.token_urlsafe(9)[:11]
        parameters = json.loads(call.text.replace(AT, at).replace(ID, nonce))
        method = getattr(self.cloud.client("dynamodb", region), _BY_NAME[call.operation])
        answer: dict[str, Any] = method(**parameters).get("Attributes", {})
        return answer


@dataclass(frozen=True)
class AwsCli:
    """The AWS CLI in a shell, a process for each call."""

    shell: str
    aws: str
    endpoint: str
    name: str = "AWS CLI"

    def send(self, region: str, call: Call) -> dict[str, Any]:
        """Send a call; it is acknowledged when this returns."""
        operation = _BY_NAME[call.operation].replace("_", "-")
        done = subprocess.run(  # noqa: S603 (our own script)
            [self.shell, "-euo", "pipefail", "-c", SHELL, "guest", self.aws, operation, call.text],
            env=_environment(region, self.endpoint),
            capture_output=True,
            timeout=_CLI_SECONDS,
            text=True,
            check=False,
        )
        if done.returncode:
            raise OutcomeUnknown(f"the AWS CLI did not acknowledge {operation}: {done.stderr}")
        answer = json.loads(done.stdout) if done.stdout.strip() else {}
        return dict(answer.get("Attributes", {}))


class JavaScript:
    """The document client of the SDK for JavaScript, one process for all calls."""

    name = "JavaScript"

    def __init__(self, program: str, packages: Path, endpoint: str) -> None:
        self._turn = Lock()
        self._said = TemporaryFile()  # noqa: SIM115 (as long as the process, which `end` ends)
        self._process = subprocess.Popen(  # noqa: S603 (our own script)
            [program, "--input-type=module", "--eval", JAVASCRIPT],
            cwd=packages,
            env=_environment("us-east-1", endpoint),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def send(self, region: str, call: Call) -> dict[str, Any]:
        """Send a call; it is acknowledged when this returns."""
        sending, answering = self._process.stdin, self._process.stdout
        assert sending and answering  # noqa: S101, PT018 (both are pipes)
        line = {"region": region, "operation": call.operation, "text": call.text}
        with self._turn:
            sending.write(f"{json.dumps(line)}\n")
            sending.flush()
            answer = answering.readline()
        if not answer:
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")
            raise OutcomeUnknown(f"JavaScript did not acknowledge {call.operation}: {said}")
        return dict(json.loads(answer))

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()


@contextmanager
def guests(
    cloud: LocalCloud, packages: Path | None
) -> Iterator[tuple[Sequence[Guest], Mapping[str, str]]]:
    """Yield the guests that are installed, and of each other why it is left out.

    packages: a folder in which npm installed `@aws-sdk/lib-dynamodb`.
    """
    found: list[Guest] = [Boto3(cloud)]
    left_out: dict[str, str] = {}
    if missing := [each for each in _SHELL_NEEDS if shutil.which(each) is None]:
        left_out[AwsCli.name] = f"there is no {', '.join(missing)} on the PATH"
    else:
        bash, aws = str(shutil.which("bash")), str(shutil.which("aws"))
        found.append(AwsCli(bash, aws, cloud.endpoint))
    node = shutil.which("node")
    if node is None or packages is None:
        why = "there is no node on the PATH" if node is None else "--javascript names no folder"
        left_out[JavaScript.name] = why
        yield found, left_out
        return
    javascript = JavaScript(node, packages, cloud.endpoint)
    try:
        yield [*found, javascript], left_out
    finally:
        javascript.end()


def _environment(region: str, endpoint: str) -> dict[str, str]:
    """Return what a stranger's process has: nothing of this one's but where programs are."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **aws_environment(region, endpoint),
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
