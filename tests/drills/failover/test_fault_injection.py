"""The pause by AWS FIS: what is asked for, that it ends, and that nothing of it stays."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from moto import mock_aws
from moto.moto_api import state_manager

from reconciler.aws.clients import client
from reconciler.drills.arrivals import Patience
from reconciler.drills.failover.fault_injection import FisExperiment, Pause
from reconciler.errors import InvalidInput, OutcomeUnknown, Unavailable
from tests.aws.conftest import REGION

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/parties"
ROLE = "arn:aws:iam::123456789012:role/parties-drill-us-east-1"
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"
PAUSE = Pause("drill-1", TABLE, ROLE, 15)
LOOKS = 4
MODEL = "fis::experiment"

pytestmark = pytest.mark.usefixtures("credentials")


class Fis:
    """FIS, as moto has it, and every call that was made of it.

    fails: by call, what it raises once. An answer that is lost raises behind the call.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.lost: dict[str, BaseException] = {}
        self.states: list[dict[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = getattr(self._real, name)(**arguments)
            if name in self.lost:
                raise self.lost.pop(name)
            if name == "get_experiment" and self.states:
                answer["experiment"]["state"] = self.states.pop(0)
            return answer

        return call

    def names(self) -> list[str]:
        return [name for name, _ in self.calls if name != "get_experiment"]

    def experiments(self) -> list[str]:
        found = self._real.list_experiments()["experiments"]
        return [each["state"]["status"] for each in found]

    def templates(self) -> list[dict[str, Any]]:
        listed = self._real.list_experiment_templates()["experimentTemplates"]
        return [
            self._real.get_experiment_template(id=each["id"])["experimentTemplate"]
            for each in listed
        ]


@pytest.fixture
def fis(clients: None) -> Iterator[Fis]:
    before = state_manager.get_transition(MODEL)
    with mock_aws():
        state_manager.set_transition(MODEL, {"progression": "manual", "times": LOOKS})
        yield Fis(client("fis", REGION))
    state_manager.set_transition(MODEL, before)


def experiment(fis: Fis, pause: Pause = PAUSE) -> FisExperiment:
    return FisExperiment(pause, fis, Patience(lambda: 0, lambda _: None, 1_000, 5))


def test_a_pause_runs_once_it_is_started_and_leaves_nothing_once_it_is_stopped(fis: Fis) -> None:
    pause = experiment(fis)

    pause.start()
    assert fis.experiments() == ["running"]
    assert pause.stop().startswith("stopped: ")

    assert fis.experiments() == ["stopped"]
    assert fis.templates() == []


def test_what_is_asked_for_is_the_pause_of_one_table_by_one_role_for_some_minutes(fis: Fis) -> None:
    experiment(fis).start()

    [template] = fis.templates()
    assert template["roleArn"] == ROLE
    assert template["stopConditions"] == [{"source": "none"}]
    [target] = template["targets"].values()
    assert target == {
        "resourceType": "aws:dynamodb:global-table",
        "resourceArns": [TABLE],
        "selectionMode": "ALL",
    }
    [action] = template["actions"].values()
    assert action == {
        "actionId": "aws:dynamodb:global-table-pause-replication",
        "parameters": {"duration": "PT15M"},
        "targets": {"Tables": next(iter(template["targets"]))},
    }
    assert template["tags"]["Name"] == "drill-1"
    started = dict(fis.calls)["start_experiment"]
    assert started["clientToken"] == "drill-1"
    assert started["tags"] == template["tags"]


def test_an_alarm_may_stop_the_pause(fis: Fis) -> None:
    experiment(fis, Pause("drill-1", TABLE, ROLE, 15, ALARM)).start()

    [template] = fis.templates()
    assert template["stopConditions"] == [{"source": "aws:cloudwatch:alarm", "value": ALARM}]


def test_a_pause_that_nobody_began_ends_without_a_call(fis: Fis) -> None:
    assert experiment(fis).stop() == "it was not begun"
    assert fis.calls == []


def test_a_pause_that_is_over_is_not_stopped_and_says_why_it_ended(fis: Fis) -> None:
    pause = experiment(fis)
    pause.start()
    fis.states = [{"status": "stopped", "reason": "an alarm went off"}]

    assert pause.stop() == "stopped: an alarm went off"
    assert "stop_experiment" not in fis.names()
    assert fis.templates() == []


def test_a_pause_that_ends_while_it_is_being_stopped_has_ended(fis: Fis) -> None:
    pause = experiment(fis)
    pause.start()
    fis.lost["stop_experiment"] = Unavailable("the experiment has completed")
    fis.states = [{"status": "running"}, {"status": "completed", "reason": "over"}]

    assert pause.stop()
    assert fis.templates() == []


def test_a_pause_that_cannot_be_stopped_says_when_it_ends_by_itself(fis: Fis) -> None:
    clock = count(step=600)
    pause = FisExperiment(PAUSE, fis, Patience(lambda: next(clock), lambda _: None, 1_000, 5))
    fis.states = [{"status": "running"}, *[{"status": "stopping", "reason": "slowly"}] * 50]
    pause.start()

    with pytest.raises(Unavailable, match="stopping: slowly; it ends by itself 15 minutes after"):
        pause.stop()
    assert fis.templates() == []


def test_an_experiment_that_fails_says_fis_s_reason_and_its_template_goes(fis: Fis) -> None:
    pause = experiment(fis)
    fis.states = [{"status": "failed", "reason": "the role cannot be assumed"}] * 2

    with pytest.raises(Unavailable, match="failed: the role cannot be assumed"):
        pause.start()
    pause.stop()

    assert fis.templates() == []


@pytest.mark.parametrize("lost", [OutcomeUnknown("no answer"), KeyboardInterrupt()])
def test_an_experiment_whose_start_was_not_answered_is_found_by_its_token_and_stopped(
    fis: Fis, lost: BaseException
) -> None:
    pause = experiment(fis)
    fis.lost["start_experiment"] = lost

    with pytest.raises(type(lost)):
        pause.start()
    pause.stop()

    assert fis.experiments() == ["stopped"]
    assert fis.templates() == []


def test_a_refused_start_leaves_no_template_and_is_not_asked_for_again(fis: Fis) -> None:
    pause = experiment(fis)
    fis.lost["start_experiment"] = InvalidInput("no such role")

    with pytest.raises(InvalidInput):
        pause.start()

    assert pause.stop() == "it was not begun"
    assert fis.names().count("start_experiment") == 1
    assert fis.templates() == []
