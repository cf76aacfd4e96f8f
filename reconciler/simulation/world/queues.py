"""One standard queue of SQS, its dead-letter queue, and the mapping that feeds a function from it.

Unordered, at least once. A message that was not deleted is visible again after a while;
after enough receives it goes to the dead-letter queue, from where it comes back later, whole. A
deleted message may come once more.
Units: milliseconds. Source: SQS developer guide, "Standard queues", "Visibility timeout",
"Dead-letter queues"; Lambda guide, "Using Lambda with Amazon SQS".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.conflict.event import Event
from reconciler.deployment.wiring import QueueSource
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.world.setting import Crash, Setting

_BY_HAND = 0.5  # of the dead letters: the redrive works them off; the others are moved back
_GATHERING_MS = 200  # a poller gathers what becomes visible within this time


@dataclass
class Letter:
    """One message: its body, its name, when it is visible, and how often it was received."""

    event: Event
    name: str
    place: float  # in the order of a queue that has none
    visible_ms: int
    receives: int = 0


Receive = Callable[[Sequence[Letter], str], set[str]]


class Queue:
    """A queue with its dead letters, polled for one function.

    `receive` takes messages and a name for the call, and returns the names of those that failed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a queue is all of these)
        self,
        setting: Setting,
        region: str,
        name: str,
        source: QueueSource,
        receive: Receive,
        give_up: Callable[[Event], object],
    ) -> None:
        self._setting = setting
        self._region = region
        self._name = f"{region}/{name}"
        self._source = source
        self._receive = receive
        self._give_up = give_up
        self._letters: dict[str, Letter] = {}
        self._dead: dict[str, Letter] = {}
        self._copies = 0

    @property
    def backlog(self) -> int:
        """How many messages are in the queue and in its dead-letter queue."""
        return len(self._letters) + len(self._dead)

    def send(self, event: Event, about: str) -> None:
        """Take a message."""
        self._copies += 1
        visible_ms = self._setting.agenda.now_ms + self._source.delay_seconds * 1000
        place = self._setting.draws.chance("queue", about)
        letter = Letter(event, f"{about}#{self._copies}", place, visible_ms)
        self._letters[letter.name] = letter
        self._expect(visible_ms)

    def wake(self) -> None:
        """Receive on after an interruption."""
        if self._letters:
            self._setting.agenda.after(0, self._poll)

    def _expect(self, visible_ms: int) -> None:
        late_ms = int(self._setting.draws.chance("poll", self._name) * _GATHERING_MS)
        self._setting.agenda.enter(visible_ms + late_ms, self._poll)

    def _poll(self) -> None:
        if self._is_off():
            return
        now = self._setting.agenda.now_ms
        visible = [each for each in self._letters.values() if each.visible_ms <= now]
        batch = []
        for letter in sorted(visible, key=lambda each: each.place)[: self._source.batch_size]:
            letter.receives += 1
            if letter.receives > self._source.maximum_receive_count:
                self._bury(letter)
                continue
            letter.visible_ms = now + self._source.visibility_timeout_seconds * 1000
            batch.append(letter)
        if len(visible) > self._source.batch_size:
            self._expect(now)
        if batch:
            self._deliver(batch)

    def _is_off(self) -> bool:
        setting = self._setting
        return setting.is_gone(self._region) or setting.weather.reigns(
            faults.RESOLVER_OFF, self._region
        )

    def _deliver(self, batch: Sequence[Letter]) -> None:
        try:
            failed = self._receive(batch, f"resolve/{self._region}/{batch[0].event.identifier}")
        except Crash:
            failed = {letter.name for letter in batch}
        for letter in batch:
            if letter.name in failed:
                self._setting.journal.count("redelivered")
                self._expect(letter.visible_ms)
            elif self._letters.pop(letter.name, None) is not None and self._comes_again(letter):
                self._setting.journal.note(self._region, "redeliver", "", what=letter.name)
                self.send(letter.event, letter.event.identifier)

    def _comes_again(self, letter: Letter) -> bool:
        about = letter.event.identifier
        return self._setting.weather.strikes(faults.MESSAGE_TWICE, self._region, about)

    def _bury(self, letter: Letter) -> None:
        self._dead[letter.name] = self._letters.pop(letter.name)
        self._setting.journal.count("set_aside.queue")
        self._setting.journal.note(self._region, "park", "", reason="dead letter", what=letter.name)
        about = letter.event.identifier
        if self._setting.draws.chance("redrive", about) < _BY_HAND:
            self._dead.pop(letter.name)
            self._give_up(letter.event)
            return
        delay_ms = self._setting.draws.between("dead letter", about, MINUTE, 12 * HOUR)
        self._setting.agenda.after(delay_ms, lambda: self._come_back(letter.name))

    def _come_back(self, name: str) -> None:
        letter = self._dead.pop(name)
        self._setting.journal.note(self._region, "redeliver", "", what=f"dead letter {name}")
        self.send(letter.event, letter.event.identifier)
