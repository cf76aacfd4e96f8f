"""Tables of one local cloud in pairs: an instrumented client's, and a plain one's."""

from decimal import Context, Decimal
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from reconciler import Schema, instrument
from reconciler.errors import ReconcilerError
from reconciler.local.cloud import LocalCloud
from tests.aws.test_instrumented import plain
from tests.local.operations.filled import FILLED
from tests.local.operations.steps import P, Story, batch, query
from tests.local.support import US

OURS, PLAIN = "ours", "plain"
# What stories call `n`, `s` and `m` is of these types on ours; all else of none.
TYPES: dict[str, Any] = {"n": "counter_pn", "s": "set_aw", "m": "map_or"}
KEYS = {
    "single": {"p": "S"},
    "second": {"p": "S"},
    "sorted": {"p": "S", "c": "S"},
    "indexed": {"p": "S", "c": "S"},
    "numbers": {"p": "S", "c": "N"},
    "scanned": {"p": "S", "c": "N"},
    "bytes": {"p": "S", "c": "B"},
}
_DIGITS = Context(prec=38)
_UNCOMPARED = ("ResponseMetadata", "ItemCollectionMetrics")


class Twins:
    """The clients, and what each of them is answered."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._stories = 0
        self._clients: dict[tuple[str, bool], Any] = {}
        for twin in (OURS, PLAIN):
            given: dict[str, Any] = {"region_name": US, "endpoint_url": cloud.endpoint}
            given |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            resource = boto3.resource("dynamodb", **given)
            self._clients[twin, False] = resource.meta.client
            self._clients[twin, True] = boto3.client("dynamodb", **given)
            for shape, keys in KEYS.items():
                make_table(resource.meta.client, f"{twin}-{shape}", keys)
                if twin == OURS:
                    schema = Schema.of(table=f"{twin}-{shape}", key=[*keys], attributes=TYPES)
                    for wire in (False, True):
                        instrument(self._clients[twin, wire], schema)
            self._fill(twin)

    def _fill(self, twin: str) -> None:
        for shape, (items, gone) in FILLED.items():
            table = f"{twin}-{shape}"
            client = self._clients[twin, False]
            for requests in (
                [("put", item) for item in items],
                [("put", {**key, "i": 1, "t": "gone", "g": "a", "l": "5"}) for key in gone],
                [("delete", key) for key in gone],
            ):
                step = batch(*requests, table=table)
                client.batch_write_item(**step.parameters)

    def played(self, story: Story) -> dict[str, list[Any]]:
        """Return, by twin, what was answered step by step, and what stands there in the end."""
        self._stories += 1
        last = [query(of={"S": P} if story.wire else P)] if story.writes() else []
        told: dict[str, list[Any]] = {}
        for twin in (OURS, PLAIN):
            client = self._clients[twin, story.wire]
            place = {P: f"s{self._stories}-", "<twin>": twin, "TABLE": f"{twin}-{story.table}"}
            place |= {f"TABLE:{shape}": f"{twin}-{shape}" for shape in KEYS}
            given = [
                (step.operation, said(step.parameters, place)) for step in (*story.steps, *last)
            ]
            back = {f"{twin}-{shape}": f"TABLE:{shape}" for shape in KEYS}
            told[twin] = [said(answered(client, *each), back) for each in given]
        return told


def make_table(client: Any, name: str, keys: dict[str, str]) -> None:
    more: dict[str, Any] = {}
    defined = dict(keys)
    if name.endswith("indexed"):
        defined |= {"g": "S", "l": "S"}
        projection = {"Projection": {"ProjectionType": "ALL"}}
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": "by_g", "KeySchema": schema_of("g", "c"), **projection}
        ]
        more["LocalSecondaryIndexes"] = [
            {"IndexName": "by_l", "KeySchema": schema_of("p", "l"), **projection}
        ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema_of(*keys),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind} for key, kind in defined.items()
        ],
        **more,
    )


def schema_of(*keys: str) -> list[dict[str, str]]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": key, "KeyType": kind} for key, kind in kinds]


def said(value: Any, places: dict[str, str]) -> Any:
    """Return parameters, or an answer, with each of these texts in the place of its name."""
    if isinstance(value, dict):
        return {said(name, places): said(each, places) for name, each in value.items()}
    if isinstance(value, list | set):
        return type(value)(said(each, places) for each in value)
    if not isinstance(value, str) or value in places:
        return places.get(value, value) if isinstance(value, str) else value
    for name, place in places.items():
        if name != "TABLE":
            value = value.replace(name, place)
    return value


def answered(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    """Make a call; return its answer, its error with what that shows, or why it was not sent."""
    try:
        answer = getattr(client, operation)(**parameters)
    except ClientError as error:
        answer = dict(error.response)
    except (BotoCoreError, ReconcilerError, ValueError, TypeError) as refusal:
        return {type(refusal).__name__: str(refusal)}
    answer = {name: part for name, part in answer.items() if name not in _UNCOMPARED}
    if "ConsumedCapacity" in answer:
        del answer["ConsumedCapacity"]  # the server here may show it to those who did not ask
        if parameters.get("ReturnConsumedCapacity", "NONE") != "NONE":
            answer["ConsumedCapacity"] = "what it cost, which is more with us"
    responses = answer.get("Responses")
    if isinstance(responses, dict):  # a batch has no order
        answer["Responses"] = {name: sorted(each, key=repr) for name, each in responses.items()}
    if not answer.get("Attributes", True):
        del answer["Attributes"]  # the server here, unlike DynamoDB, shows an empty map of nothing
    return plain(counted(answer))


def counted(value: Any) -> Any:
    """Return an answer with wire numbers as DynamoDB writes them; the server here keeps them."""
    if isinstance(value, dict):
        if isinstance(value.get("N"), str):
            return {"N": number(value["N"])}
        if isinstance(value.get("NS"), list):
            return {"NS": sorted({number(each) for each in value["NS"]})}
        return {name: counted(each) for name, each in value.items()}
    return [counted(each) for each in value] if isinstance(value, list) else value


def number(text: str) -> str:
    try:
        return str(_DIGITS.normalize(Decimal(text) or Decimal(0)))
    except ArithmeticError:
        return text
