"""The scenes of the failure drill. Those that leave something for a person come last of their kind.

Source of a rule's dead letter: EventBridge user guide, "Using dead-letter queues". The local event
bus has none: the drill puts in the queue what EventBridge would, and says so.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from reconciler.conflict.row import Row, State
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import DETAIL_TYPE, EVENT_SOURCE
from reconciler.drills.failure import broken
from reconciler.drills.failure.drill import Play, Scene
from reconciler.drills.failure.stage import Stage
from reconciler.drills.workload import RECONCILED, PartyEdit
from reconciler.item.metadata import METADATA
from reconciler.local.provision import ACCOUNT, queue_url
from reconciler.redrive.drain import HIDDEN_SECONDS, OPEN_LONG_MS
from reconciler.redrive.outcome import RedriveOutcome

_RESOLVE, _DETECT = f"{broken.__name__}:resolve", f"{broken.__name__}:detect"
_RULE = "home"


def _resolver_fails(play: Play) -> None:
    with play.stage.bad_release(resolve=_RESOLVE):
        play.write()
    play.rehearse()
    play.carry_out()
    play.judge()


def _rule_cannot_deliver(play: Play) -> None:
    with _without_target(play.stage):
        play.write()
    rows = play.stage.rows(State.OPEN)
    for row in rows:
        _put_into_rules_queue(play.stage, row)
    play.remark(
        f"the local event bus has no dead-letter queue: the rule's target was taken away, and the"
        f" drill put the {len(rows)} messages there that EventBridge would put"
    )
    play.note_what_waits()
    play.rehearse()
    play.carry_out()
    play.judge()


def _bus_drops_events(play: Play) -> None:
    with _without_target(play.stage):
        play.write()
    rows = play.stage.rows(State.OPEN)
    for row in rows:
        _make_old(play.stage, row)
    play.remark(
        f"no queue speaks of the {len(rows)} events: the drill set their ledger rows back by"
        f" {OPEN_LONG_MS // 60_000} minutes, after which a redrive sends an open row's event again"
    )
    play.rehearse()
    play.carry_out()
    play.judge()


def _detector_fails(play: Play) -> None:
    with play.stage.bad_release(detect=_DETECT):
        play.write()
    play.rehearse()
    play.carry_out()
    play.judge()


def _is_killed(play: Play) -> None:
    stage = play.stage
    with stage.bad_release(detect=_DETECT):
        play.write()
    said = play.redrive.start(stage.here, "--execute", "--rate", "1").kill_after_first()
    hidden = play.waiting()
    play.tell(f"killed after its first message: {said}")
    play.expect(0 < sum(hidden.values()) < sum(play.report.waited.values()), "not half-way")
    play.finish([play.redrive.run(stage.here, execute=True)])
    play.remark(
        f"started again, it found every batch in the bucket; the killed one has hidden the"
        f" {sum(hidden.values())} notifications of them for {HIDDEN_SECONDS} s, for a later redrive"
    )
    play.judge(left=hidden)


def _two_redrives(play: Play) -> None:
    stage = play.stage
    with stage.bad_release(detect=_DETECT):
        play.write()
    # The first to receive the messages takes its time; the other one meets it in the bucket.
    options = ("--execute", "--rate", "0.5")
    running = [play.redrive.start(stage.here, *options) for _ in range(2)]
    told = [each.finish() for each in running]
    play.finish(told)
    play.expect(all(each.outcomes for each in told), "only one of them found work")
    play.judge()


def _record_is_poison(play: Play) -> None:
    stage, party = play.stage, "poisoned"
    stage.write(PartyEdit(party, stage.here, "rename", "Ada"))
    stage.settle()
    play.write(halfway=lambda: stage.overwrite(party, {"S": "not the library's"}))
    queues = [
        f"{region}/{Names(RECONCILED, region).parked_queue}" for region in stage.cloud.regions
    ]
    for queue in queues:
        images = [json.loads(body)["record"]["dynamodb"] for body in stage.letters()[queue]]
        whole = all(
            "M" in i["OldImage"][METADATA] and "S" in i["NewImage"][METADATA] for i in images
        )
        play.expect(whole, "a parked record does not hold both images")
    play.rehearse()
    play.carry_out()
    said = play.report.redriven
    play.expect(said == {RedriveOutcome.POISON.value: 2}, f"the redrive said {said}")
    play.remark(
        "each region keeps the poison record, whole, with its last good image, for a person"
    )
    play.judge(costs=False, left=dict.fromkeys(queues, 1))


def _stream_is_trimmed(play: Play) -> None:
    stage, report = play.stage, play.report
    with stage.bad_release(detect=_DETECT):
        play.write()
    stage.cloud.trim(stage.here)
    stage.write(PartyEdit("after the trim", stage.here, "rename", "Ada"))
    play.rehearse()
    play.carry_out()
    play.judge(loses=True)
    waited = sum(report.waited.values())
    rows = [row for row in stage.rows(State.PARKED) if row.conflict_id.startswith("expired-")]
    for row in rows:
        play.tell(f"conflict feed: {row.conflict_id}: {row.reason}")
    play.expect(len(rows) == waited, f"{len(rows)} rows for {waited} messages")
    said = report.redriven
    play.expect(said == {RedriveOutcome.EXPIRED.value: waited}, f"the redrive said {said}")
    elsewhere = [write for write in report.missing if not write.endswith(stage.here)]
    play.expect(not elsewhere, f"{len(elsewhere)} were not in the stream that was trimmed")
    play.remark(
        "named, not hidden: the queue had names only and the stream had forgotten the records, so"
        f" these writes could not be brought back: {'; '.join(report.missing)}. The S3 destination,"
        " which a deployment has, keeps the records whole (scene `detector`)"
    )


@contextmanager
def _without_target(stage: Stage) -> Iterator[None]:
    """Inside, the rule of `here` leads nowhere: its events are gone."""
    events = stage.cloud.client("events", stage.here)
    place = {"Rule": _RULE, "EventBusName": Names(RECONCILED, stage.here).bus}
    targets = events.list_targets_by_rule(**place)["Targets"]
    events.remove_targets(**place, Ids=[target["Id"] for target in targets])
    yield
    events.put_targets(**place, Targets=targets)


def _put_into_rules_queue(stage: Stage, row: Row) -> None:
    """Put what EventBridge would: the event, and why it was not delivered as attributes."""
    names = Names(RECONCILED, stage.here)
    arn = f"{stage.here}:{ACCOUNT}"
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": EVENT_SOURCE,
        "account": ACCOUNT,
        "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "region": stage.here,
        "resources": [],
        "detail": row.event().document(),
    }
    attributes = {
        "RULE_ARN": f"arn:aws:events:{arn}:rule/{names.bus}/{_RULE}",
        "TARGET_ARN": f"arn:aws:sqs:{arn}:{names.home_queue}",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "The queue's policy does not let the rule send to it.",
        "RETRY_ATTEMPTS": "0",
    }
    stage.cloud.client("sqs", stage.here).send_message(
        QueueUrl=queue_url(stage.cloud.endpoint, names.rules_dlq),
        MessageBody=json.dumps(event),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        },
    )


def _make_old(stage: Stage, row: Row) -> None:
    stage.cloud.client("dynamodb", stage.here).update_item(
        TableName=Names(RECONCILED, stage.here).ledger,
        Key=row.ledger_key,
        UpdateExpression="SET state_at_ms = state_at_ms - :age",
        ExpressionAttributeValues={":age": {"N": str(OPEN_LONG_MS)}},
    )


SCENES = (
    Scene(
        "resolver",
        "the resolver fails; its events end in the resolve DLQ",
        "events",
        _resolver_fails,
    ),
    Scene(
        "rule-target",
        "EventBridge cannot deliver; its events end in the rules DLQ",
        "events",
        _rule_cannot_deliver,
    ),
    Scene(
        "dropped-events",
        "the bus drops events; no queue speaks of them",
        "events",
        _bus_drops_events,
    ),
    Scene(
        "poison",
        "a record that nobody can decode, put around the library among good ones",
        "events",
        _record_is_poison,
    ),
    Scene(
        "detector",
        "the detector fails; its batches are kept whole in S3, and the stream DLQ names them",
        "batches",
        _detector_fails,
    ),
    Scene("two-at-once", "two redrives run at once", "batches", _two_redrives),
    Scene("killed", "a redrive is killed half-way, and started again", "batches", _is_killed),
    Scene(
        "detector-names",
        "the detector fails; the stream DLQ has the names of its records only",
        "names",
        _detector_fails,
    ),
    Scene(
        "trimmed",
        "the same, and the stream has forgotten the records",
        "names",
        _stream_is_trimmed,
    ),
)
