"""What was acknowledged, outside the rows, and what the rows show of it after each phase.

A write stands; or it is a raw one that DynamoDB alone lost, to another raw one made at once or, on
a row that is not adopted yet, to any other; or what the story promises is broken.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.drills.guests.judge import bytes_of, findings, left_alone, strangers
from reconciler.drills.guests.writes import COUNTER, ONE_SIDE, RAW, Answered, Write
from reconciler.drills.migration.rows import PHASES, WATCHED, Phase, Row, is_hot

WireItem = Mapping[str, Any]


@dataclass
class Account:
    """What became of the writes that one class of writers made in one phase."""

    phase: str
    writer: str
    rows: int = 0
    acknowledged: int = 0
    as_dynamodb_leaves_it: int = 0
    lost: int = 0
    doubled: int = 0


class Books:
    """The ledger of all rows; `problems` names what broke the promise."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.problems: list[str] = []
        self._names = [row.name for row in rows]
        self._entries: defaultdict[str, list[Answered]] = defaultdict(list)
        self._standing: defaultdict[str, list[Answered]] = defaultdict(list)
        self._accounts: dict[tuple[int, str], Account] = {}

    def note(self, entry: Answered) -> None:
        """Take in an acknowledged write; those of one row come one after the other."""
        self._entries[entry.write.item.name].append(entry)
        self._standing[entry.write.item.name].append(entry)

    def accounts(self) -> list[Account]:
        """Return what became of all writes, by phase and class of writer."""
        for entries in self._entries.values():
            accounts = [self._account(entry.write) for entry in entries]
            for account in accounts:
                account.acknowledged += 1
            for account in {id(each): each for each in accounts}.values():
                account.rows += 1
        return [account for _, account in sorted(self._accounts.items())]

    def judge(self, phase: Phase, replicas: Mapping[str, Mapping[str, WireItem]]) -> None:
        """Compare the rows of all regions with what was acknowledged until the end of a phase."""
        one, *others = replicas.values()
        for name in self._names:
            item = one.get(name) or {}
            if any(bytes_of(each.get(name)) != bytes_of(one.get(name)) for each in others):
                self._say(phase, f"{name}: the replicas differ")
            standing = self._standing[name]
            for finding in findings(standing, item):
                standing.remove(finding.answered)
                self._count(phase, finding.what, finding.answered)
            points = int(item.get(COUNTER, {"N": "0"})["N"])
            due = sum(e.write.mark for e in standing if e.write.verb == "increment")
            odd = [*strangers(self._entries[name], item), *([f"{points - due}"] * (points != due))]
            for each in odd:
                self._say(phase, f"{name} shows {each}, which nobody wrote or which was gone")

    def judge_untouched(
        self,
        phase: Phase,
        names: Sequence[str],
        replicas: Mapping[str, Mapping[str, WireItem]],
        images: Mapping[str, Mapping[str, Sequence[WireItem | None]]],
    ) -> None:
        """Hold rows that only raw clients wrote to what a table without the library would show."""
        for name in names:
            shown = {region: found.get(name) for region, found in replicas.items()}
            seen = {region: found.get(name, []) for region, found in images.items()}
            for problem in left_alone(self._entries[name], shown, seen):
                self._say(phase, problem)

    def _count(self, phase: Phase, what: str, entry: Answered) -> None:
        write, account = entry.write, self._account(entry.write)
        is_of_now = PHASES[write.turn] == phase
        if what == "lost" and is_of_now and not self._is_promised(write):
            account.as_dynamodb_leaves_it += 1
            return
        if what == "lost":
            account.lost += 1
        else:
            account.doubled += 1
        self._say(phase, f"{what}, of phase {PHASES[write.turn].name}: {entry.in_words()}")

    def _is_promised(self, write: Write) -> bool:
        """Return whether a write must stand: a raw one if it meets no other, or on adopted rows."""
        phase = PHASES[write.turn]
        if write.hand != RAW or not is_hot(write.item.name, phase):
            return True
        return write.item.kind == ONE_SIDE and phase == WATCHED

    def _account(self, write: Write) -> Account:
        writer = write.item.kind if write.hand == RAW else write.hand
        place = (write.turn, writer)
        return self._accounts.setdefault(place, Account(PHASES[write.turn].name, writer))

    def _say(self, phase: Phase, problem: str) -> None:
        self.problems.append(f"{phase.name}: {problem}")
