"""The guests drill: who does not know this library writes beside it, and a ledger judges.

Two regions write the same items under lag, cut off from each other, and while the functions of
both are stopped. The next write of an item is sent when the one before is acknowledged, in a later
millisecond: so the order of the ledger is that of their times. What only raw clients write must end
as last-writer-wins alone leaves it; what the library and names write is exact; a raw write beside
them is kept where raw clients write in one region, and never counted twice.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.drills.accounting import unresolved
from reconciler.drills.guests.clients import guests
from reconciler.drills.guests.hands import Hands
from reconciler.drills.guests.judge import Finding, bytes_of, findings, left_alone, strangers
from reconciler.drills.guests.stage import SETTLE_SECONDS, Stage, open_cloud
from reconciler.drills.guests.writes import (
    ALONE,
    BOTH_SIDES,
    LIBRARY,
    RAW,
    Answered,
    Item,
    Script,
    items,
)
from reconciler.text.counts import count_in_words

Say = Callable[[str], object]


@dataclass
class Account:
    """What became of the writes of one hand to the items of one kind."""

    kind: str
    hand: str
    written: dict[str, int] = field(default_factory=dict)  # by client
    found: dict[str, int] = field(default_factory=dict)  # what is not as the client was told


@dataclass
class GuestReport:
    """What the drill led to; `problems` is empty iff its verdict is good."""

    accounts: list[Account] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    losses: int = 0  # rows of the reconciler's ledger
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def drill(*, count: int, rounds: int, packages: Path | None, say: Say) -> GuestReport:
    """Play it with `count` items of each kind and `rounds` rounds of writes in each phase.

    packages: a folder in which npm installed `@aws-sdk/lib-dynamodb`, None to go without.
    """
    started = time.monotonic()
    with open_cloud() as cloud, guests(cloud, packages) as (found, left_out):
        for name, why in left_out.items():
            say(f"{name} is left out: {why}")
        stage = Stage(cloud)
        hands = Hands(stage, found)
        written = items(count, cloud.regions)
        _play(stage, hands, written, rounds, say)
        report = judge(stage, hands.ledger, written)
    report.left_out = dict(left_out)
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _play(stage: Stage, hands: Hands, written: Sequence[Item], rounds: int, say: Say) -> None:
    cloud, script = stage.cloud, Script()

    def write_one(item: Item) -> None:
        for _ in range(rounds):
            for each in script.round(item):
                hands.carry_out(each)

    def write() -> None:
        with ThreadPoolExecutor(len(written)) as writers:
            list(writers.map(write_one, written))

    def begin(told: str) -> None:
        cloud.settle(SETTLE_SECONDS)
        for item in written:
            if LIBRARY in item.regions:
                hands.carry_out(script.opening(item))
        cloud.settle(SETTLE_SECONDS)
        say(told)

    begin("lag: all write in both regions ...")
    write()
    begin("partition: all write in both regions, cut off from each other ...")
    cloud.partition(*cloud.regions)
    write()
    cloud.heal()
    begin("functions stopped: all write, cut off from each other and afterwards ...")
    for region in cloud.regions:
        cloud.stop_worker(region)
    cloud.partition(*cloud.regions)
    write()
    cloud.heal()
    stage.await_replication()
    write()
    with ThreadPoolExecutor(len(cloud.regions)) as starting:
        list(starting.map(cloud.start_worker, cloud.regions))
    cloud.settle(SETTLE_SECONDS)


def judge(stage: Stage, ledger: Sequence[Answered], written: Sequence[Item]) -> GuestReport:
    """Compare the end with the ledger of acknowledged writes."""
    report = GuestReport()
    replicas = {region: stage.items(region) for region in stage.cloud.regions}
    images = {region: stage.images(region) for region in stage.cloud.regions}
    rows = stage.rows()
    for item in written:
        entries = [entry for entry in ledger if entry.write.item == item]
        _count(report, entries)
        shown = {region: found.get(item.name) for region, found in replicas.items()}
        if len(set(map(bytes_of, shown.values()))) > 1:
            report.problems.append(f"{item.name}: the replicas differ")
        if item.kind == ALONE:
            seen = {region: found.get(item.name, []) for region, found in images.items()}
            report.problems += left_alone(entries, shown, seen)
            told = [row for row in rows if row.key == {"id": {"S": item.name}}]
            if told:
                report.problems.append(
                    f"{item.name}: {count_in_words(len(told), 'row')} of the ledger about it"
                )
        else:
            _judge_shared(report, entries, shown)
    report.losses = len(rows)
    _judge_the_rest(report, stage, rows)
    return report


def _judge_shared(
    report: GuestReport,
    entries: Sequence[Answered],
    shown: Mapping[str, Mapping[str, Any] | None],
) -> None:
    found: dict[Finding, list[str]] = {}  # with the regions that show it
    for region, item in shown.items():
        for each in strangers(entries, item or {}):
            report.problems.append(f"{region} shows {each}, which nobody wrote")
        for finding in findings(entries, item or {}):
            found.setdefault(finding, []).append(region)
    for finding, regions in found.items():
        write = finding.answered.write
        counts = _account(report, finding.answered).found
        counts[finding.what] = counts.get(finding.what, 0) + 1
        raw_in_both = write.hand == RAW and write.item.kind == BOTH_SIDES
        if finding.what == "counted twice" or not raw_in_both:
            told = finding.answered.in_words()
            report.problems.append(f"{finding.what} in {', '.join(regions)}: {told}")


def _judge_the_rest(report: GuestReport, stage: Stage, rows: Sequence[Any]) -> None:
    report.problems += unresolved(rows)
    if waiting := stage.waiting():
        report.problems.append(
            f"{count_in_words(waiting.total(), 'message')} in {', '.join(waiting)}"
        )
    if not rows:
        report.problems.append("nothing was lost to a conflict: the drill has shown nothing")


def _count(report: GuestReport, entries: Sequence[Answered]) -> None:
    for entry in entries:
        counts = _account(report, entry).written
        counts[entry.client] = counts.get(entry.client, 0) + 1


def _account(report: GuestReport, entry: Answered) -> Account:
    kind, hand = entry.write.item.kind, entry.write.hand
    for account in report.accounts:
        if (account.kind, account.hand) == (kind, hand):
            return account
    report.accounts.append(Account(kind, hand))
    return report.accounts[-1]
