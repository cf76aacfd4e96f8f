"""The mapping from a stream shard to a function."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.aws_model.stream_source import (
    Batch,
    InvocationResult,
    ShardSource,
    SourceNames,
    sequence_number,
)
from reconciler.deployment.wiring import StreamSource

NOW_MS = 1_700_000_000_000
ORIGIN = SourceNames("arn:aws:lambda:eu-west-1:1:function:f", "arn:aws:dynamodb:stream", "shard-1")
SOURCE = StreamSource(
    batch_size=8, batching_window_seconds=0, maximum_retry_attempts=2, maximum_record_age_seconds=-1
)
FIRST = 100


def record(number: int, created_s: float = NOW_MS / 1000, size: int = 100) -> dict[str, Any]:
    change = {
        "SequenceNumber": str(number),
        "ApproximateCreationDateTime": created_s,
        "SizeBytes": size,
        "Keys": {"id": {"S": str(number)}},
    }
    return {"eventName": "MODIFY", "dynamodb": change}


def numbers(batch: Batch | None) -> list[int]:
    assert batch is not None
    return [int(sequence_number(r)) for r in batch.records]


def mapping(count: int, source: StreamSource = SOURCE) -> ShardSource:
    shard = ShardSource(source, [], ORIGIN)
    shard.offer([record(FIRST + place) for place in range(count)], NOW_MS)
    return shard


def reported(*failed: int) -> InvocationResult:
    entries = [{"itemIdentifier": str(number)} for number in failed]
    return InvocationResult("request", answer={"batchItemFailures": entries})


def raised() -> InvocationResult:
    return InvocationResult("request", error="ValueError()")


HANDLED = InvocationResult("request", answer={"batchItemFailures": []})


def run(
    shard: ShardSource, function: Callable[[list[int]], InvocationResult], limit: int = 2_000
) -> list[list[int]]:
    """Invoke until nothing is left; return what each invocation was given."""
    now_ms = NOW_MS
    invocations: list[list[int]] = []
    while shard.backlog > len(shard.set_aside):
        assert len(invocations) < limit, "the mapping does not come to an end"
        batch = shard.next_batch(now_ms)
        if batch is not None:
            invocations.append(numbers(batch))
            shard.finish(function(invocations[-1]), now_ms)
        now_ms += 1_000
    return invocations


def failing_on(
    poison: int, failure: Callable[[], InvocationResult]
) -> Callable[[list[int]], InvocationResult]:
    return lambda given: failure() if poison in given else HANDLED


def ranges(shard: ShardSource) -> list[tuple[int, int, int]]:
    infos = [message["DDBStreamBatchInfo"] for message in shard.set_aside]
    return [
        (int(i["startSequenceNumber"]), int(i["endSequenceNumber"]), i["batchSize"]) for i in infos
    ]


def test_records_come_in_order_in_batches_of_the_configured_size() -> None:
    shard = mapping(20)

    assert run(shard, lambda _: HANDLED) == [
        list(range(100, 108)),
        list(range(108, 116)),
        list(range(116, 120)),
    ]
    assert not shard.set_aside


def test_a_batch_that_is_not_full_waits_for_the_window() -> None:
    shard = mapping(3, replace(SOURCE, batching_window_seconds=1))

    assert shard.next_batch(NOW_MS + 999) is None
    assert numbers(shard.next_batch(NOW_MS + 1_000)) == [100, 101, 102]


def test_a_full_batch_does_not_wait_for_the_window() -> None:
    shard = mapping(8, replace(SOURCE, batching_window_seconds=1))

    assert len(numbers(shard.next_batch(NOW_MS))) == 8


def test_a_batch_stays_below_the_payload_limit_of_lambda() -> None:
    shard = ShardSource(SOURCE, [], ORIGIN)
    shard.offer([record(number, size=2_500_000) for number in (1, 2, 3)], NOW_MS)

    assert run(shard, lambda _: HANDLED) == [[1, 2], [3]]


def test_filtered_records_never_reach_the_function_and_leave_no_backlog() -> None:
    shard = ShardSource(SOURCE, [{"eventName": ["INSERT"]}], ORIGIN)
    shard.offer([record(1)], NOW_MS)

    assert shard.backlog == 0
    assert shard.next_batch(NOW_MS) is None


def test_the_lowest_reported_number_is_the_checkpoint_and_everything_from_there_comes_again() -> (
    None
):
    shard = mapping(5)
    batch = shard.next_batch(NOW_MS)
    assert numbers(batch) == [100, 101, 102, 103, 104]

    shard.finish(reported(104, 102), NOW_MS)

    assert numbers(shard.next_batch(NOW_MS)) == [102, 103, 104]


def test_malformed_identifiers_fail_the_whole_batch() -> None:
    answers: list[object] = [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemId": "101"}]},
        {"batchItemFailures": [{"itemIdentifier": "999"}]},
        {"batchItemFailures": "101"},
        "done",
    ]
    for answer in answers:
        shard = mapping(2, replace(SOURCE, bisect_batch_on_function_error=False))
        shard.next_batch(NOW_MS)
        shard.finish(InvocationResult("request", answer=answer), NOW_MS)

        assert numbers(shard.next_batch(NOW_MS + 1_000)) == [100, 101], answer


def test_empty_answers_are_success() -> None:
    answers: list[object] = [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
    for answer in answers:
        shard = mapping(2)
        shard.next_batch(NOW_MS)
        shard.finish(InvocationResult("request", answer=answer), NOW_MS)

        assert shard.backlog == 0, answer


def test_an_exception_halves_the_batch_and_isolates_the_record_that_causes_it() -> None:
    shard = mapping(8)

    invocations = run(shard, failing_on(105, raised))

    assert invocations == [
        [100, 101, 102, 103, 104, 105, 106, 107],
        [100, 101, 102, 103],
        [104, 105, 106, 107],
        [104, 105],
        [104],
        [105],
        [105],
        [105],
        [106, 107],
    ]
    assert ranges(shard) == [(105, 105, 1)]


def test_splitting_uses_up_no_retry() -> None:
    shard = mapping(8, replace(SOURCE, maximum_retry_attempts=1))

    invocations = run(shard, failing_on(100, raised))

    assert invocations.count([100]) == 2
    assert ranges(shard) == [(100, 100, 1)]


def test_a_partial_answer_splits_at_the_number_it_names_and_uses_up_no_retry() -> None:
    shard = mapping(4, replace(SOURCE, maximum_retry_attempts=0))
    failures = iter([reported(101), HANDLED])

    invocations = run(shard, lambda _: next(failures))

    assert invocations == [[100, 101, 102, 103], [101, 102, 103]]
    assert not shard.set_aside


def test_an_answer_that_names_the_first_record_uses_up_a_retry_and_keeps_the_batch_together() -> (
    None
):
    shard = mapping(3)

    invocations = run(shard, lambda given: reported(given[0]))

    assert invocations == [[100, 101, 102]] * 3
    assert ranges(shard) == [(100, 102, 3)]


def test_without_bisecting_a_batch_is_retried_whole_from_its_checkpoint() -> None:
    shard = mapping(4, replace(SOURCE, bisect_batch_on_function_error=False))
    failures = iter([raised(), reported(102), raised()])

    invocations = run(shard, lambda _: next(failures))

    assert invocations == [[100, 101, 102, 103], [100, 101, 102, 103], [102, 103]]
    assert ranges(shard) == [(102, 103, 2)]


def test_retries_pause_ever_longer_and_later_records_wait_behind_them() -> None:
    shard = mapping(9, replace(SOURCE, bisect_batch_on_function_error=False))
    shard.next_batch(NOW_MS)
    shard.finish(raised(), NOW_MS)

    assert shard.next_batch(NOW_MS + 99) is None
    assert numbers(shard.next_batch(NOW_MS + 100))[0] == 100
    shard.finish(raised(), NOW_MS + 100)
    assert shard.next_batch(NOW_MS + 299) is None
    assert numbers(shard.next_batch(NOW_MS + 300))[0] == 100


def test_unlimited_retries_never_set_a_record_aside() -> None:
    shard = mapping(1, replace(SOURCE, maximum_retry_attempts=-1))
    outcomes = iter([raised()] * 50 + [HANDLED])

    assert len(run(shard, lambda _: next(outcomes))) == 51
    assert not shard.set_aside


def test_records_past_their_age_are_set_aside_and_younger_ones_go_on() -> None:
    shard = ShardSource(replace(SOURCE, maximum_record_age_seconds=60), [], ORIGIN)
    old = NOW_MS / 1000 - 61
    shard.offer([record(1, old), record(2, old), record(3)], NOW_MS)

    assert numbers(shard.next_batch(NOW_MS)) == [3]
    assert ranges(shard) == [(1, 2, 2)]
    assert shard.set_aside[0]["requestContext"]["condition"] == "RecordAgeExceeded"


def test_a_batch_that_keeps_failing_is_set_aside_once_it_is_past_its_age() -> None:
    source = replace(SOURCE, maximum_retry_attempts=-1, maximum_record_age_seconds=60)
    shard = mapping(1, source)

    invocations = run(shard, lambda _: raised())

    assert len(invocations) > 10
    assert shard.set_aside[0]["requestContext"]["condition"] == "RecordAgeExceeded"


def test_the_message_for_the_on_failure_destination_is_the_document_lambda_sends() -> None:
    shard = mapping(1, replace(SOURCE, maximum_retry_attempts=0))
    shard.next_batch(NOW_MS)
    shard.finish(raised(), NOW_MS)

    assert list(shard.set_aside) == [
        {
            "requestContext": {
                "requestId": "request",
                "functionArn": ORIGIN.function_arn,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 1,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": "2023-11-14T22:13:20.000Z",
            "DDBStreamBatchInfo": {
                "shardId": "shard-1",
                "startSequenceNumber": "100",
                "endSequenceNumber": "100",
                "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20Z",
                "approximateArrivalOfLastRecord": "2023-11-14T22:13:20Z",
                "batchSize": 1,
                "streamArn": ORIGIN.stream_arn,
            },
        }
    ]


def test_a_whole_message_carries_the_event_as_the_function_was_given_it() -> None:
    shard = ShardSource(replace(SOURCE, maximum_retry_attempts=0), [], ORIGIN, whole=True)
    shard.offer([record(100), record(101)], NOW_MS)
    shard.next_batch(NOW_MS)
    shard.finish(reported(100), NOW_MS)

    [message] = shard.set_aside
    assert json.loads(message["payload"]) == {"Records": [record(100), record(101)]}
    assert message["DDBStreamBatchInfo"]["batchSize"] == 2


def test_what_was_set_aside_counts_as_backlog_until_the_caller_has_sent_it() -> None:
    shard = mapping(1, replace(SOURCE, maximum_retry_attempts=0))
    shard.next_batch(NOW_MS)
    shard.finish(raised(), NOW_MS)

    assert shard.backlog == 1
    shard.set_aside.popleft()
    assert shard.backlog == 0


sources = st.builds(
    StreamSource,
    batch_size=st.integers(1, 12),
    batching_window_seconds=st.sampled_from([0, 0.5]),
    maximum_retry_attempts=st.integers(0, 3),
    maximum_record_age_seconds=st.just(-1),
    bisect_batch_on_function_error=st.booleans(),
)


@given(source=sources, count=st.integers(0, 40), data=st.data())
def test_every_record_is_handled_or_set_aside_and_the_order_of_the_shard_is_kept(
    source: StreamSource, count: int, data: st.DataObject
) -> None:
    shard = mapping(count, source)
    unsettled = list(range(FIRST, FIRST + count))
    handled: list[int] = []
    seen_aside = 0
    now_ms = NOW_MS

    while unsettled:
        assert shard.backlog > len(shard.set_aside), f"{unsettled} were forgotten"
        batch = shard.next_batch(now_ms)
        now_ms += 1_000
        if batch is None:
            continue
        given_numbers = numbers(batch)
        assert given_numbers == unsettled[: len(given_numbers)]
        kind = data.draw(st.sampled_from(["handled", "raised", "malformed", "reported"]))
        failed_at = data.draw(st.integers(0, len(given_numbers) - 1))
        outcome, done = {
            "handled": (HANDLED, len(given_numbers)),
            "raised": (raised(), 0),
            "malformed": (InvocationResult("r", answer={"batchItemFailures": [{}]}), 0),
            "reported": (reported(given_numbers[failed_at]), failed_at),
        }[kind]
        shard.finish(outcome, now_ms)
        handled += unsettled[:done]
        del unsettled[:done]
        for start, end, size in ranges(shard)[seen_aside:]:
            assert unsettled[:size] == list(range(start, end + 1))
            del unsettled[:size]
            seen_aside += 1

    assert shard.backlog == len(shard.set_aside)
    assert handled == sorted(set(handled))
    set_aside = [n for start, end, _ in ranges(shard) for n in range(start, end + 1)]
    assert sorted(handled + set_aside) == list(range(FIRST, FIRST + count))
