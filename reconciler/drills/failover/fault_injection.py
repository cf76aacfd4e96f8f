"""A pause of a table's replication in one region, by AWS Fault Injection Service.

The experiment and its template exist for one pause only. Their tokens make it harmless to ask
twice, so an answer that was lost, or interrupted, leaves no experiment running. Should this process
be killed, the pause ends by itself after its minutes; the template stays, with its tags.
Limit: the whole table pauses in that region, in both directions; other regions go on.
Source: FIS guide, "AWS FIS actions reference", "Cross-Region: Connectivity"; FIS API reference.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from reconciler.aws.clients import idempotent, translated
from reconciler.drills.arrivals import Patience
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable

ACTION, TARGET = "aws:dynamodb:global-table-pause-replication", "aws:dynamodb:global-table"
_NOT_YET = ("pending", "initiating")
_ENDED = ("completed", "stopped", "failed", "cancelled")


@dataclass(frozen=True)
class Pause:
    """What is paused, by which role, for how long at most, and the alarm that stops it, if any."""

    run: str
    table_arn: str
    role_arn: str
    minutes: int
    stop_alarm: str | None = None

    def template(self) -> Mapping[str, Any]:
        """Return the experiment template as FIS takes it."""
        alarm = {"source": "aws:cloudwatch:alarm", "value": self.stop_alarm}
        return {
            "clientToken": self.run,
            "description": f"{self.run}: replication of {self.table_arn} pauses",
            "roleArn": self.role_arn,
            "stopConditions": [alarm if self.stop_alarm else {"source": "none"}],
            "targets": {
                "table": {
                    "resourceType": TARGET,
                    "resourceArns": [self.table_arn],
                    "selectionMode": "ALL",
                }
            },
            "actions": {
                "pause": {
                    "actionId": ACTION,
                    "parameters": {"duration": f"PT{self.minutes}M"},
                    "targets": {"Tables": "table"},
                }
            },
            "tags": self.tags,
        }

    @property
    def tags(self) -> dict[str, str]:
        """What tells a run's template and experiment from others."""
        return {"Name": self.run, "created-by": "reconciler failover-drill"}


class FisExperiment:
    """A `PausingExperiment` of AWS FIS, over a boto3 client of the region that is to pause."""

    def __init__(self, pause: Pause, fis: Any, patience: Patience) -> None:
        self._pause, self._client, self._patience = pause, fis, patience
        self._template = self._experiment = ""
        self._asked = False

    def start(self) -> None:
        """Begin the pause; Unavailable, with FIS's reason, if the experiment does not run."""
        with idempotent("CreateExperimentTemplate"):
            answer = self._client.create_experiment_template(**self._pause.template())
        self._template = answer["experimentTemplate"]["id"]
        self._asked = True
        self._ask()
        state = self._await(lambda status: status not in _NOT_YET)
        if state["status"] != "running":
            raise Unavailable(f"the experiment {self._experiment} is {_said(state)}")

    def stop(self) -> str:
        """End the pause, if it was begun, and delete the template; return how it ended."""
        with ExitStack() as undo:
            if self._template:
                undo.callback(self._delete_template)
            if not self._asked:
                return "it was not begun"
            if not self._experiment:  # nobody waited for the answer: the token finds it again
                self._ask()
            return _said(self._ended())

    def _ask(self) -> None:
        """Start the experiment. Refused, it is not there; without an answer, it may be."""
        try:
            with translated("StartExperiment"):
                answer = self._client.start_experiment(
                    clientToken=self._pause.run,
                    experimentTemplateId=self._template,
                    tags=self._pause.tags,
                )
        except (InvalidInput, Unavailable):
            self._asked = False
            raise
        self._experiment = answer["experiment"]["id"]

    def _ended(self) -> Mapping[str, str]:
        state = self._state()
        if state["status"] in _ENDED:
            return state
        try:
            with idempotent("StopExperiment"):
                self._client.stop_experiment(id=self._experiment)
        except ReconcilerError:
            if self._state()["status"] not in _ENDED:
                raise
        state = self._await(_ENDED.__contains__)
        if state["status"] not in _ENDED:
            raise Unavailable(
                f"the experiment {self._experiment} is {_said(state)}; it ends by itself"
                f" {self._pause.minutes} minutes after it began"
            )
        return state

    def _await(self, reached: Callable[[str], bool]) -> Mapping[str, str]:
        """Return the state that was reached, or the last one if that takes too long."""
        seen: list[Mapping[str, str]] = []

        def look() -> bool:
            seen.append(self._state())
            return reached(seen[-1]["status"])

        self._patience.until(look)
        return seen[-1]

    def _state(self) -> Mapping[str, str]:
        with idempotent("GetExperiment"):
            answer = self._client.get_experiment(id=self._experiment)
        state: dict[str, str] = answer["experiment"]["state"]
        return state

    def _delete_template(self) -> None:
        with idempotent("DeleteExperimentTemplate"):
            self._client.delete_experiment_template(id=self._template)
        self._template = ""


def _said(state: Mapping[str, str]) -> str:
    return f"{state['status']}: {state.get('reason', 'FIS gives no reason')}"
