"""Object mappers of others write two regions at once: PynamoDB by one line, ElectroDB by names.

Both go through their own calls, under lag and cut off from each other, on a whole cloud. What each
call was acknowledged is written down outside the items, and the items are held to it.
"""

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from reconciler import Schema, instrument, named
from reconciler.aws.incarnation import ReplicaCode
from reconciler.clock import monotonic_ms, now_ms
from reconciler.deployment.names import Names
from reconciler.local.clients import aws_environment
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US

TABLE = "parties"
TYPES: dict[str, Any] = {"points": "counter_pn", "tags": "set_aw"}
PARTIES = [f"p{number}" for number in range(12)]
DOCUMENT = (Path(__file__).parents[2] / "reconciler/client/README.md").read_text(encoding="utf-8")
NODE = shutil.which("node")
# A folder in which `npm install electrodb @aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb` was run.
PACKAGES = os.environ.get("JAVASCRIPT_PACKAGES", "")


@dataclass
class Party:
    """What writers were answered, and what an item must show for it."""

    points: int = 0
    tags: set[str] = field(default_factory=set)
    email: str = ""


class Writer(Protocol):
    """A mapper in one region."""

    def write(self, party: str, turn: int, did: Party) -> None:
        """Add the turn's points and tag, and set the email, by a call of its own for each turn."""

    def read(self, party: str) -> Party:
        """Return what it shows of an item."""


def play(cloud: LocalCloud, writers: Mapping[str, Writer]) -> None:
    """Let all write all items, under lag and apart, and compare the end with what was answered."""
    ledger: defaultdict[str, Party] = defaultdict(Party)

    def write_one(place: int, turns: range) -> None:
        party = PARTIES[place]
        for turn in turns:
            regions = [US, EU] if (turn + place) % 2 else [EU, US]
            for number, region in enumerate(regions):
                writers[region].write(party, 2 * turn + number, ledger[party])

    def write(turns: range) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda place: write_one(place, turns), range(len(PARTIES))))

    write(range(3))
    cloud.partition(US, EU)
    write(range(3, 6))
    cloud.heal()
    cloud.settle()
    for region, writer in writers.items():
        shown = {party: writer.read(party) for party in PARTIES}
        assert shown == dict(ledger), region
    rows = [row for region in (US, EU) for row in cloud.scan(Names(TABLE, region).ledger, region)]
    assert {row["state"]["S"] for row in rows} == {"RESOLVED"}


@pytest.fixture
def open_cloud() -> Iterator[Callable[..., LocalCloud]]:
    with ExitStack() as clouds:

        def start(partition_key: str, sort_key: str | None = None) -> LocalCloud:
            spec = TableSpec(TABLE, partition_key, sort_key)
            cloud = LocalCloud([spec], reconciled=TABLE, regions=(US, EU), lag_ms=(100, 300))
            return clouds.enter_context(cloud)

        yield start


class PynamoWriter:
    """PynamoDB's models on a client with the one line; it saves what it has read, or updates."""

    def __init__(self, cloud: LocalCloud, here: str) -> None:
        class Record(Model):
            class Meta:
                table_name = TABLE
                region = here
                host = cloud.endpoint
                aws_access_key_id, aws_secret_access_key = "local", "local"

            id = UnicodeAttribute(hash_key=True)
            email = UnicodeAttribute(null=True)
            points = NumberAttribute(default=0)
            tags = UnicodeSetAttribute(null=True)

        schema = Schema.of(table=TABLE, key=["id"], attributes=TYPES)
        instrument(Record._get_connection().connection.client, schema)
        self.record = Record

    def write(self, party: str, turn: int, did: Party) -> None:
        record, tag = self.record, f"t{turn}"
        if turn % 3 == 0:
            try:
                found = record.get(party)
            except record.DoesNotExist:
                found = record(party)
            found.points += turn
            found.tags = {*(found.tags or ()), tag}
            found.email = tag
            found.save()
        else:
            did_what = (record.points.add(turn), record.tags.add({tag}), record.email.set(tag))
            record(party).update(actions=[*did_what])
        did.points, did.email = did.points + turn, tag
        did.tags.add(tag)

    def read(self, party: str) -> Party:
        found = self.record.get(party)
        return Party(int(found.points), set(found.tags), found.email)


@pytest.mark.slow
def test_pynamodb_in_two_regions_loses_nothing_by_one_line(
    open_cloud: Callable[..., LocalCloud],
) -> None:
    cloud = open_cloud("id")

    play(cloud, {region: PynamoWriter(cloud, region) for region in (US, EU)})


def example(*words: str) -> str:
    """Return the one example of the document in JavaScript that has these words."""
    blocks = re.findall(r"```js\n(.*?)```", DOCUMENT, re.DOTALL)
    (found,) = [block for block in blocks if all(word in block for word in words)]
    return str(found)


NAMES = example("export function nameUpdates")
# It reads what to do a line, and answers what it shows.
ELECTRO = """
import { createInterface } from "node:readline";
import { Party } from "./party.mjs";
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { id, verb, n, tag } = JSON.parse(line);
  const more = { points: n, tags: [tag] };
  if (verb === "upsert") await Party.upsert({ id, email: tag }).add(more).go();
  if (verb === "update") await Party.update({ id }).set({ email: tag }).add(more).go();
  // Not `subtract`: moto does not know the brackets that it puts around a sum.
  if (verb === "patch") await Party.patch({ id }).add({ points: -n }).delete({ tags: [tag] }).go();
  const { data } = await Party.get({ id }).go();
  console.log(JSON.stringify(data, (_, value) => (value instanceof Set ? [...value] : value)));
}
"""


class ElectroWriter:
    """ElectroDB with the document's middleware, a process in each region."""

    def __init__(self, cloud: LocalCloud, region: str, folder: Path) -> None:
        dynamodb = cloud.client("dynamodb", region)
        replica = ReplicaCode(TABLE, region, dynamodb, now_ms, monotonic_ms)()
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [str(NODE), "electro.mjs"],
            cwd=folder,
            env={**kept, **aws_environment(region, cloud.endpoint), "REPLICA": replica},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.turn = Lock()
        self._line()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the process ended"
        return line

    def ask(self, **what: Any) -> dict[str, Any]:
        assert self.process.stdin
        with self.turn:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            found: dict[str, Any] = json.loads(self._line())
        return found

    def write(self, party: str, turn: int, did: Party) -> None:
        tag = f"t{turn}"
        verb = ("upsert", "update")[turn % 2]
        self.ask(id=party, verb=verb, n=turn, tag=tag)
        did.points, did.email = did.points + turn, tag
        did.tags.add(tag)
        if turn % 5 == 4:  # takes back some of it, and the tag that it has just added
            self.ask(id=party, verb="patch", n=1, tag=tag)
            did.points -= 1
            did.tags.discard(tag)

    def read(self, party: str) -> Party:
        found = self.ask(id=party)
        return Party(found["points"], set(found["tags"]), found["email"])


@pytest.mark.slow
@pytest.mark.skipif(
    not (NODE and PACKAGES), reason="no node, or JAVASCRIPT_PACKAGES names no folder"
)
def test_electrodb_in_two_regions_loses_nothing_by_names(
    open_cloud: Callable[..., LocalCloud], tmp_path: Path
) -> None:
    cloud = open_cloud("pk", "sk")
    (tmp_path / "node_modules").symlink_to(Path(PACKAGES).resolve() / "node_modules")
    party = example("new Entity(")
    for name, text in {
        "name-updates.mjs": NAMES,
        "party.mjs": party[: party.rindex("await Party")],
        "electro.mjs": ELECTRO,
    }.items():
        (tmp_path / name).write_text(text)
    with ExitStack() as processes:
        writers = {region: ElectroWriter(cloud, region, tmp_path) for region in (US, EU)}
        for writer in writers.values():
            processes.enter_context(writer.process)
            processes.callback(writer.process.kill)
        play(cloud, writers)


# As ElectroDB 3.9 writes them.
UPDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "upsert": ("SET #e = :e, #id = :id ADD #points :n, #tags :tag", {":e": "x", ":id": "p1"}),
    "subtract": (
        "SET #points = (if_not_exists(#points, :zero) - :n), #id = :id REMOVE #e DELETE #tags :tag",
        {":zero": 0, ":id": "p1"},
    ),
    "add to a default": (
        "SET #points = (if_not_exists(#points, :zero) + :n), #e = :e",
        {":zero": 0, ":e": "x"},
    ),
    "append": ("SET #list = list_append(if_not_exists(#list, :none), :new)", {":new": ["x"]}),
    "an element": ("SET #list[1] = :e REMOVE #list[0]", {":e": "x"}),
    "a number of no type": ("ADD #e :n", {}),
    "a whole set": ("SET #tags = :tag, #points = :n", {}),
    "remove all": ("REMOVE #tags, #points, #e", {}),
}
PLACES = {"#e": "email", "#id": "id", "#points": "points", "#tags": "tags", "#list": "list"}
TRIED = """
import { nameUpdates } from "./name-updates.mjs";
let name;
const client = { middlewareStack: { add: (made) => (name = made((args) => args.input)) } };
nameUpdates(client, "parties", { points: "counter_pn", tags: "set_aw" }, "use1ab");
const update = JSON.parse(process.argv[2]);
const values = update.ExpressionAttributeValues;
if (values[":tag"]) values[":tag"] = new Set(values[":tag"]);
const told = (_, value) => (value instanceof Set ? [...value] : value);
const input = { TransactItems: [{ Update: update }, { Put: {} }] };
const [{ Update: inside }] = name({ input }).TransactItems;
const alone = name({ input: update });
const other = name({ input: { ...update, TableName: "others" } });
console.log(JSON.stringify([alone, inside, other], told));
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("case", UPDATES)
def test_the_middleware_says_what_the_librarys_own_name_says(case: str, tmp_path: Path) -> None:
    text, more = UPDATES[case]
    given: dict[str, Any] = {**more, ":n": 3, ":tag": ["vip"], ":none": []}
    update = {
        "TableName": TABLE,
        "Key": {"pk": "p1", "sk": "party"},
        "UpdateExpression": text,
        "ExpressionAttributeNames": PLACES,
        "ExpressionAttributeValues": {n: v for n, v in given.items() if n in text},
    }
    (tmp_path / "name-updates.mjs").write_text(NAMES)
    (tmp_path / "tried.mjs").write_text(TRIED)
    command = [str(NODE), "tried.mjs", json.dumps(update)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    alone, inside, other = json.loads(done.stdout)

    values = {n: {"vip"} if n == ":tag" else v for n, v in given.items() if n in text}
    schema = Schema.of(table=TABLE, key=["pk", "sk"], attributes=TYPES)
    plain = {**update, "ExpressionAttributeValues": values}
    ours = named(plain, schema=schema, replica="use1ab")["ExpressionAttributeValues"][":rec_op"]
    [element] = alone["ExpressionAttributeValues"][":_op"]
    done_once = [
        deed for place, deed in enumerate(element["do"]) if deed not in element["do"][:place]
    ]
    for deed, own in zip(done_once, ours[0]["do"], strict=True):
        is_whole = not any(isinstance(part, set) for part in own) or deed[0] in ("add", "discard")
        said = [sorted(part) if isinstance(part, set) else part for part in own]
        assert deed == said if is_whole else (deed[:2], deed[3:]) == (said[:2], said[3:])
    assert inside["UpdateExpression"] == alone["UpdateExpression"]
    assert "_rec_w" not in json.dumps(other)
