"""One conflict, told step by step on the local cloud: with the reconciler and without.

A line has 80 columns at most, as the narrowest terminal has.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.causality.context import replica_id
from reconciler.conflict.row import Row
from reconciler.deployment.names import Names
from reconciler.drills.tables import Editor, Table
from reconciler.drills.workload import PLAIN, RECONCILED
from reconciler.item.image import read
from reconciler.item.metadata import METADATA, token_of
from reconciler.local.cloud import LocalCloud
from reconciler.values.wire import canonical_image, to_json

Say = Callable[[str], None]
PARTY = "ada-lovelace"
_START = {"id": PARTY, "givenName": "Ada", "familyName": "Byron"}


def tell(cloud: LocalCloud, tables: Mapping[str, Table], say: Say) -> None:
    """Let two agents edit one party at once in two regions, with and without the reconciler."""
    here, there = cloud.regions[0], cloud.regions[1]
    key = {"id": PARTY}
    tables[here].apply(key, _create)
    plain = {name: {"S": text} for name, text in _START.items()} | {"loyalty": {"N": "100"}}
    cloud.client("dynamodb", here).put_item(TableName=PLAIN, Item=plain)
    cloud.settle()
    say(f"1. A party is in every region:\n   {_short(tables[here].get(key))}")

    cloud.partition(here, there)
    tables[here].apply(key, _rename)
    tables[there].apply(key, _reach)
    _plain_edit(cloud, here, "SET familyName = :text ADD loyalty :points", "Lovelace", 25)
    _plain_edit(cloud, there, "SET email = :text ADD loyalty :points", "ada@example.com", 10)
    say(f"2. At once, an agent in {here}:    familyName = Lovelace, loyalty + 25")
    say(f"   and another one in {there}:     email = ada@example.com, loyalty + 10")

    cloud.heal()
    cloud.settle()
    say("3. Without the reconciler, DynamoDB keeps the whole item of the last writer:")
    say(f"   {_short(read(_item(cloud, PLAIN, here)))}\n   <- an acknowledged edit is gone")
    for region in (here, there):
        for row in _losses(cloud, region):
            _tell_loss(region, row, say)
    say(f"5. With the reconciler:\n   {_short(tables[here].get(key))}")
    images = [canonical_image(_item(cloud, RECONCILED, region)) for region in cloud.regions]
    same = "the same bytes" if len({to_json(image) for image in images}) == 1 else "DIFFERENT"
    say(f"   {same} in {', '.join(cloud.regions)}\n   (image {token_of(images[0])})")


def _create(party: Editor) -> None:
    party["givenName"], party["familyName"], party["loyalty"] = "Ada", "Byron", 100


def _rename(party: Editor) -> None:
    party["familyName"] = "Lovelace"
    party.increment("loyalty", 25)


def _reach(party: Editor) -> None:
    party["email"] = "ada@example.com"
    party.increment("loyalty", 10)


def _tell_loss(region: str, row: Row, say: Say) -> None:
    dots = ",\n   ".join(map(str, row.lost_dots or ()))
    say(f"4. The stream of {region} showed the loser:\n   {_short(read(row.lost))}")
    say(f"   what it held and the winner lacked: {dots}")
    if row.role == "home":
        state = row.state.value if row.state else "?"
        say(f"   {replica_id(region)} is home of that write, merged it back; ledger: {state}")


def _plain_edit(cloud: LocalCloud, region: str, expression: str, text: str, points: int) -> None:
    cloud.client("dynamodb", region).update_item(
        TableName=PLAIN,
        Key={"id": {"S": PARTY}},
        UpdateExpression=expression,
        ExpressionAttributeValues={":text": {"S": text}, ":points": {"N": str(points)}},
    )


def _item(cloud: LocalCloud, table: str, region: str) -> dict[str, Any]:
    key = {"id": {"S": PARTY}}
    answer = cloud.client("dynamodb", region).get_item(TableName=table, Key=key)
    return dict(answer["Item"])


def _losses(cloud: LocalCloud, region: str) -> list[Row]:
    rows = map(Row.of, cloud.scan(Names(RECONCILED, region).ledger, region))
    return [row for row in rows if PARTY in row.item_key]


def _short(plain: Mapping[str, Any] | None) -> str:
    shown = {k: v for k, v in (plain or {}).items() if k not in ("id", METADATA)}
    return ", ".join(f"{name}={shown[name]}" for name in sorted(shown))
