"""A client of HTTP doors: what it makes again, with which key and where, and what it gives up."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from reconciler.drills import http_table
from reconciler.drills.http_table import HttpTable, Write
from reconciler.drills.tables import Editor
from reconciler.errors import OutcomeUnknown, Unavailable

US, EU = "us-east-1", "eu-west-1"
KEY = {"id": "p 1"}
OK: tuple[int, Any] = (200, {"id": "p 1"})
UNWELL: tuple[int, Any] = (503, {"code": "unhealthy", "message": "the table was not read"})
SILENCE: tuple[int, Any] = (0, None)


class Door:
    """A door that answers as it is told to, the last answer again and again."""

    def __init__(self) -> None:
        self.health = OK
        self.reads: list[tuple[int, Any]] = [(404, {"code": "notFound"})]
        self.writes = [OK]
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/health":
            return self.health
        self.asked.append((path, headers, body))
        answers = self.reads if method == "GET" else self.writes
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def keys(self) -> list[str]:
        return [told["Idempotency-Key"] for path, told, _ in self.asked if path == "/write"]

    @contextmanager
    def open(self) -> Iterator[str]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = dict(self.headers.items())
                status, document = door.answer(
                    self.command, self.path, told, json.loads(body or "null")
                )
                if not status:
                    return  # it closes the connection, and has answered nothing
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("ETag", '"seen"')
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET  # noqa: N815 (as its base class calls it)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Doors:
    """Two doors, a client of the first, and what it said of its moves."""

    def __init__(self, opened: ExitStack) -> None:
        self.us, self.eu = Door(), Door()
        addresses = {US: opened.enter_context(self.us.open())}
        addresses[EU] = opened.enter_context(self.eu.open())
        self.said: list[str] = []
        self.client = HttpTable(addresses, self.said.append)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    monkeypatch.setattr(http_table, "_AGAIN_SECONDS", 0)
    monkeypatch.setattr(http_table, "_HOME_SECONDS", 0)
    with ExitStack() as opened:
        yield Doors(opened)


def increment(item: Editor) -> None:
    item.increment("loyalty", 5)


def rename(item: Editor) -> None:
    item["givenName"] = f"{item.get('givenName')}!"


def test_edits_are_one_request_with_a_key(doors: Doors) -> None:
    def change(item: Editor) -> None:
        item["name", "first"] = "Ada"
        item.increment("loyalty", 5)
        item.add("tags", "vip")

    doors.client.apply(KEY, change)

    [(path, headers, body)] = doors.us.asked
    assert path == "/write"
    assert headers["Idempotency-Key"]
    assert headers["Idempotency-Issued-At"].isdecimal()
    assert body == {
        "key": KEY,
        "edits": [
            {"type": "assign", "path": ["name", "first"], "value": "Ada"},
            {"type": "increment", "path": ["loyalty"], "amount": 5},
            {"type": "add", "path": ["tags"], "members": ["vip"]},
        ],
    }


def test_a_write_of_what_was_looked_at_is_of_that_item_and_looks_again_if_it_is_not(
    doors: Doors,
) -> None:
    doors.us.reads = [(200, {"givenName": "Ada"}), (200, {"givenName": "Eve"})]
    doors.us.writes = [(412, {"code": "preconditionFailed"}), OK]

    doors.client.apply(KEY, rename)

    writes = [(told["If-Match"], body) for path, told, body in doors.us.asked if path == "/write"]
    assert [tag for tag, _ in writes] == ['"seen"', '"seen"']
    assert [body["edits"][0]["value"] for _, body in writes] == ["Ada!", "Eve!"]
    assert doors.us.asked[0][0] == "/items/p%201"
    assert len(set(doors.us.keys)) == 1


def test_what_was_looked_at_and_is_not_there_must_still_not_be_there(doors: Doors) -> None:
    doors.client.apply(KEY, rename)

    assert doors.us.asked[-1][1]["If-None-Match"] == "*"


@pytest.mark.parametrize("first", [SILENCE, (503, {"code": "inDoubt", "message": "again"})])
def test_a_write_in_doubt_is_made_again_with_its_key_where_health_is_good(
    doors: Doors, first: tuple[int, Any]
) -> None:
    doors.us.writes, doors.us.health = [first], UNWELL

    doors.client.apply(KEY, increment)

    assert doors.us.keys == doors.eu.keys
    assert len(doors.eu.keys) == 1
    told = f"clients of {US} write to {EU}: /health of {US} is 503: the table was not read"
    assert doors.said == [told]


def test_a_door_that_is_well_is_asked_again_rather_than_another_one(doors: Doors) -> None:
    doors.us.writes = [(503, {"code": "contention", "message": "make it again"}), OK]

    doors.client.apply(KEY, increment)

    assert (len(doors.us.keys), doors.eu.asked, doors.said) == (2, [], [])


def test_a_client_comes_back_as_soon_as_its_own_region_is_well(doors: Doors) -> None:
    doors.us.writes, doors.us.health = [SILENCE, OK], UNWELL
    doors.client.apply(KEY, increment)
    assert doors.client.at == EU
    doors.client.apply(KEY, increment)
    assert len(doors.eu.keys) == 2

    doors.us.health = OK
    doors.client.apply(KEY, increment)

    assert (doors.client.at, len(doors.us.keys)) == (US, 2)
    assert doors.said[-1].endswith(f"write to {US}: /health of {US} is 200 again")


def test_a_lost_answer_counts_for_nothing_and_its_key_is_kept(doors: Doors) -> None:
    write = Write(KEY, increment)
    assert doors.client.lose_answer(write)

    doors.client.carry_out(write)

    assert doors.us.keys == [write.once, write.once]


def test_a_write_in_doubt_that_looked_at_another_item_is_not_said_to_be_done(doors: Doors) -> None:
    doors.us.writes = [SILENCE, (412, {"code": "preconditionFailed"})]

    with pytest.raises(OutcomeUnknown, match="may have been carried out"):
        doors.client.apply(KEY, rename)


@pytest.mark.parametrize("status", [400, 403, 409, 422, 500, 504])
def test_a_refusal_is_an_error_with_what_the_door_says(doors: Doors, status: int) -> None:
    doors.us.writes = [(status, {"code": "no", "message": "not like this"})]

    with pytest.raises(Unavailable, match=f"{status}: not like this"):
        doors.client.apply(KEY, increment)
    assert len(doors.us.keys) == 1


def test_an_item_is_read_as_plain_values(doors: Doors) -> None:
    there: dict[str, Any] = {"tags": {"set": ["a"]}, "points": 5}
    doors.us.reads = [(200, there), (404, {"code": "notFound"})]

    assert doors.client.get(KEY) == {"tags": {"a"}, "points": 5}
    assert doors.client.get(KEY) is None
