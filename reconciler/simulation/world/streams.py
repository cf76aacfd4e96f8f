"""One shard of a region's stream, and the event-source mapping that reads it.

`reconciler.aws_model.stream_source` decides on batches, retries, bisecting and records
that are too old; this module gives it virtual time. A batch that was handled may come again. What
is set aside comes back later: its records are read from the stream again, for as long as it keeps
them.
Units: milliseconds. Source: Lambda guide, "Using Lambda with DynamoDB"; DynamoDB guide, "Streams".
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from reconciler.aws_model.stream_source import Batch, InvocationResult, ShardSource, SourceNames
from reconciler.deployment.wiring import STREAM_SOURCE, StreamSource, stream_filters
from reconciler.ports import Record
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.faults import HOUR
from reconciler.simulation.world.poison import Bug
from reconciler.simulation.world.setting import Crash, Setting

RETENTION_MS = 24 * HOUR
_POLL_MS = 250
_LONGEST_PAUSE_MS = 120_000  # between retries; Lambda backs off, and does not say how far
_WINDOW_MS = int(STREAM_SOURCE.batching_window_seconds * 1000)
Detect = Callable[[Sequence[Record], str], str | None]
GiveUp = Callable[[dict[str, Any], Sequence[Record]], object]


class Shard:
    """One shard, and the mapping that hands its records to the detector.

    `detect` takes records and a name for the call, and answers as a detector.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a shard is all of these)
        self,
        setting: Setting,
        region: str,
        name: str,
        partition_key: str,
        detect: Detect,
        give_up: GiveUp,
    ) -> None:
        self._setting = setting
        self._region = region
        self.name = f"{region}/{name}"
        self._detect = detect
        self._give_up = give_up
        self._log: list[Record] = []
        names = SourceNames("detect", f"{region}/stream", self.name)
        self._source = ShardSource(STREAM_SOURCE, stream_filters(partition_key), names)
        self._labels: dict[str, str] = {}
        self._closed = False
        self._running = False
        self._expected = False
        self._failures = 0  # in a row

    @property
    def backlog(self) -> int:
        """How many records await the detector."""
        return 0 if self._closed else self._source.backlog

    def close(self) -> None:
        """Hand out nothing any more: the table is gone, and its stream has no consumer."""
        self._closed = True

    def append(self, record: Record, label: str) -> None:
        """Write one record; `label` names its new image."""
        number = f"{len(self._log) + 1:021d}"
        record["dynamodb"]["SequenceNumber"] = number
        self._labels[number] = label
        self._log.append(record)
        was_idle = self._source.backlog == 0
        self._source.offer([record], self._setting.agenda.epoch_ms)
        if self._source.backlog:
            self._expect(_WINDOW_MS if was_idle else _POLL_MS)

    def wake(self) -> None:
        """Read on after an interruption."""
        if self._source.backlog:
            self._expect(0)

    def _expect(self, delay_ms: int) -> None:
        if not self._expected:
            self._expected = True
            self._setting.agenda.after(delay_ms, self._poll)

    def _poll(self) -> None:
        self._expected = False
        if self._running or self._is_off():
            return  # whoever runs, or the end of the interruption, goes on
        hasty = self._setting.weather.reigns(faults.GIVEN_UP, self._region)
        self._source.source = _hasty() if hasty else STREAM_SOURCE
        batch = self._source.next_batch(self._setting.agenda.epoch_ms)
        if batch is not None:
            self._running = True
            outcome = self._invoke(batch.records)
            self._running = False
            failed = outcome.error is not None or bool(outcome.answer)
            self._failures = self._failures + 1 if failed else 0
            if not failed and self._comes_again(batch):
                self._setting.journal.note(
                    self._region, "redeliver", "", what="batch", shard=self.name
                )
            else:
                self._source.finish(outcome, self._setting.agenda.epoch_ms)
        while self._source.set_aside:
            self._put_aside(self._source.set_aside.popleft())
        if self._source.backlog:
            self._expect(min(_POLL_MS * 2 ** min(self._failures, 12), _LONGEST_PAUSE_MS))

    def _is_off(self) -> bool:
        setting = self._setting
        return (
            self._closed
            or setting.is_gone(self._region)
            or setting.weather.reigns(faults.DETECTOR_OFF, self._region)
        )

    def _comes_again(self, batch: Batch) -> bool:
        return self._setting.weather.strikes(
            faults.BATCH_TWICE, self._region, self._call_name(batch.records)
        )

    def _call_name(self, records: Sequence[Any]) -> str:
        return f"detect/{self._region}/{self._labels[_number(records[0])]}"

    def _invoke(self, records: Sequence[Any]) -> InvocationResult:
        try:
            unsafe = self._detect(records, self._call_name(records))
        except (Crash, Bug) as problem:
            return InvocationResult("", error=repr(problem))
        failures = [] if unsafe is None else [{"itemIdentifier": unsafe}]
        return InvocationResult("", {"batchItemFailures": failures} if failures else None)

    def _put_aside(self, message: dict[str, Any]) -> None:
        setting, told = self._setting, message["DDBStreamBatchInfo"]
        first, last = int(told["startSequenceNumber"]), int(told["endSequenceNumber"])
        setting.journal.count("set_aside.stream", last - first + 1)
        setting.journal.note(
            self._region,
            "park",
            "",
            reason=str(message["requestContext"]["condition"]),
            records=last - first + 1,
            shard=self.name,
        )
        self._give_up(message, self._log[first - 1 : last])

    def read_again(self, first: str, last: str) -> list[Record]:
        """Return those of the records from `first` to `last` that the stream still has."""
        oldest_s = (self._setting.agenda.epoch_ms - RETENTION_MS) / 1000
        found = self._log[int(first) - 1 : int(last)]
        kept = [r for r in found if r["dynamodb"]["ApproximateCreationDateTime"] >= oldest_s]
        self._setting.journal.count("trimmed", len(found) - len(kept))
        return kept


def _hasty() -> StreamSource:
    return replace(STREAM_SOURCE, maximum_retry_attempts=2, maximum_record_age_seconds=120)


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
