"""A table behind its HTTP doors, edited like one of the write client: edits become one POST.

Each write has an idempotency key, so it is made again when its answer does not come, by the same
door or by another region's, and counts once. What looks at the item first is written on condition
of the tag that it saw. A client stays with the door of its own region; when that fails, it asks
each region's /health and goes to the first that is well, and comes back as soon as its own is.
Limits: keys are texts; a write in doubt that had looked at the item cannot tell what it replaced.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from reconciler.aws import now_ms
from reconciler.drills.tables import Editor, Key, Path
from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.text.plain_json import json_text, parse_json, plain_value

# 412 and 404 are answers, too; 0 is none.
_WRITTEN = (200, 204)
_ANSWERS, _AGAIN = (*_WRITTEN, 404, 412), (0, 429, 503)
_ANSWER_SECONDS = 20  # how long a client waits for one
_WRITE_SECONDS = 120  # how long it tries one write, on a machine that is busy
_AGAIN_SECONDS = 0.2
_HOME_SECONDS = 1  # how often who is away asks for the health of its own region


@dataclass(frozen=True)
class Answered:
    """What a door answered; the names of headers have small letters. Status 0: it did not."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Any = None

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str((self.document or {}).get("code", ""))

    @property
    def reason(self) -> str:
        """Why it is no success, in a few words."""
        return str((self.document or {}).get("message", "no answer"))


def ask(
    address: str, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> Answered:
    """Send a request to a door, once."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=_ANSWER_SECONDS)
    kind = {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(method, path, body.encode(), {**kind, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, HTTPException):
        return Answered()
    finally:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return Answered(answer.status, told, parse_json(text, path) if text else None)


class Recorder:
    """An `Editor` whose edits are those of a request; `look` reads the item if it is asked for."""

    def __init__(self, look: Callable[[], Answered]) -> None:
        self.edits: list[dict[str, Any]] = []
        self.seen: Answered | None = None
        self._look = look

    def get(self, where: Path, default: Any = None, /) -> Any:
        """Return the value at a path of the item before this edit."""
        if self.seen is None:
            self.seen = self._look()
        found = plain_value(self.seen.document, "item") if self.seen.status == 200 else {}
        for name in (where,) if isinstance(where, str) else where:
            found = found.get(name) if isinstance(found, dict) else None
        return default if found is None else found

    def __setitem__(self, where: Path, value: Any, /) -> None:
        self._record("assign", where, value=value)

    def increment(self, where: Path, amount: int, /) -> None:
        """Add to a counter."""
        self._record("increment", where, amount=amount)

    def add(self, where: Path, /, *elements: Any) -> None:
        """Add elements to a set."""
        self._record("add", where, members=list(elements))

    def delete(self) -> None:
        """Delete the item."""
        self.edits.append({"type": "delete"})

    def _record(self, kind: str, where: Path, **more: Any) -> None:
        path = [where] if isinstance(where, str) else list(where)
        self.edits.append({"type": kind, "path": path, **more})

    @property
    def condition(self) -> dict[str, str]:
        """The header that lets the edits be of the item that was looked at, if it was."""
        if self.seen is None:
            return {}
        tag = self.seen.headers.get("etag")
        return {"If-Match": tag} if self.seen.status == 200 and tag else {"If-None-Match": "*"}


@dataclass(frozen=True)
class Write:
    """One write, with the key that it has wherever it is made."""

    key: Key
    change: Callable[[Editor], None]
    once: str = field(default_factory=secrets.token_urlsafe)
    made_at_ms: int = field(default_factory=now_ms)

    def headers(self) -> dict[str, str]:
        """Return the headers that say so."""
        return {"Idempotency-Key": self.once, "Idempotency-Issued-At": str(self.made_at_ms)}


class HttpTable:
    """A `Table` for one client. doors: addresses by region, its own first; `moved` hears moves."""

    def __init__(
        self, doors: Mapping[str, str], moved: Callable[[str], object] = lambda _: None
    ) -> None:
        self._doors = doors
        self._home = self.at = next(iter(doors))
        self._moved = moved
        self._asked_home = time.monotonic()

    def apply(self, key: Key, change: Callable[[Editor], None], /) -> None:
        """Edit an item, once."""
        self.carry_out(Write(key, change))

    def get(self, key: Key, /) -> dict[str, Any] | None:
        """Return an item as plain values, None if there is none."""
        found = self._look(key)
        item: dict[str, Any] = plain_value(found.document, "item")
        return item if found.status == HTTPStatus.OK else None

    def carry_out(self, write: Write) -> None:
        """Make a write until it is answered.

        OutcomeUnknown if it was in doubt and the item is not the one that it looked at any more.
        """
        while True:
            body, headers = self._request(write)
            answer, was_in_doubt = self._answered("POST", "/write", body, headers)
            if answer.status != HTTPStatus.PRECONDITION_FAILED:
                return
            if was_in_doubt:
                raise OutcomeUnknown(f"{dict(write.key)}: the write may have been carried out")

    def lose_answer(self, write: Write) -> bool:
        """Send a write whose answer its client will never see; return whether it was made."""
        body, headers = self._request(write)
        answer = ask(self._doors[self.at], "POST", "/write", body, headers)
        return answer.status in _WRITTEN

    def look_around(self, why: str) -> None:
        """Go to the first region whose /health is good, the client's own before the others."""
        for region, address in self._doors.items():
            health = ask(address, "GET", "/health")
            if health.status == HTTPStatus.OK:
                self._go(region, why)
                return
            why = f"/health of {region} is {health.status or 'silent'}: {health.reason}"

    def _request(self, write: Write) -> tuple[str, dict[str, str]]:
        recorder = Recorder(lambda: self._look(write.key))
        write.change(recorder)
        body = json_text({"key": dict(write.key), "edits": recorder.edits})
        return body, {**write.headers(), **recorder.condition}

    def _look(self, key: Key) -> Answered:
        path = "/".join(quote(str(value), safe="") for value in key.values())
        return self._answered("GET", f"/items/{path}")[0]

    def _answered(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[Answered, bool]:
        """Send a request until a door has answered it, and whether it was in doubt before.

        Unavailable if that takes too long, or if the request is refused.
        """
        was_in_doubt, give_up = False, time.monotonic() + _WRITE_SECONDS
        while time.monotonic() < give_up:
            self.is_home()
            answer = ask(self._doors[self.at], method, path, body, headers)
            if answer.status in _ANSWERS:
                return answer, was_in_doubt
            if answer.status not in _AGAIN:
                break
            was_in_doubt = was_in_doubt or answer.status == 0 or answer.code == "inDoubt"
            self.look_around(answer.reason)
            time.sleep(_AGAIN_SECONDS)
        raise Unavailable(f"{method} {path} in {self.at}: {answer.status}: {answer.reason}")

    def is_home(self) -> bool:
        """Return whether the client writes to its own region, to which it goes back if it can."""
        now = time.monotonic()
        if self.at != self._home and now - self._asked_home > _HOME_SECONDS:
            self._asked_home = now
            if ask(self._doors[self._home], "GET", "/health").status == HTTPStatus.OK:
                self._go(self._home, f"/health of {self._home} is 200 again")
        return self.at == self._home

    def _go(self, region: str, why: str) -> None:
        if region != self.at:
            self._moved(f"clients of {self._home} write to {region}: {why}")
        self.at = region
