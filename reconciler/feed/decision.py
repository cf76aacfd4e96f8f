"""What an operator decides about a loss: read from options and files, checked, and told. Pure.

A decision names, for each attribute, the image whose value is to stand, a value, or its
removal; `all` takes one image whole, and whether it is deleted with it. It says what the item must
show, so carrying it out on an item that shows it already writes nothing.

    {"name": {"take": "lost"}, "limit": {"value": 12.50}, "nickname": {"remove": true}}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.conflict.row import DECISION_BYTES
from reconciler.errors import InvalidInput
from reconciler.feed.rows import SIDES
from reconciler.text.plain_json import json_text, parse_json, plain_value
from reconciler.values.wire import Wire, canonical, from_wire, to_wire

ALL = "all"
_FORMS = '{"take": "lost|winner|current"}, {"value": ...} or {"remove": true}'
_QUOTES = ", where a text stands in double quotes"


@dataclass(frozen=True)
class Choice:
    """What one attribute becomes: an image's value, a given one, or, with neither, nothing."""

    take: str | None = None
    value: Wire | None = None


Decision = Mapping[str, Choice]


@dataclass(frozen=True)
class Answer:
    """A person's answer: what is decided, by whom, and why; all of it fits the ledger's rows.

    HAZARD if it did not: the item would be written, and its row could never be closed.
    """

    decision: Decision
    by: str
    why: str

    def __post_init__(self) -> None:
        """Refuse what no row takes."""
        for name, most in (("by", 200), ("why", 2_000)):
            text = getattr(self, name)
            if len(text) > most or not is_unicode(text):
                raise InvalidInput(f"{name}: give a text of at most {most:,} characters")
        if len(decision_text(self.decision).encode()) > DECISION_BYTES:
            raise InvalidInput(
                f"the decision is longer than {DECISION_BYTES // 1_024} KB: decide fewer attributes"
                " at a time, or give large values with a write client"
            )


def is_unicode(text: str) -> bool:
    """Return whether a text is one that UTF-8 can write: no half of a character stands alone."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def parse_decision(
    takes: Sequence[str] = (), values: Sequence[str] = (), document: str | bytes | None = None
) -> Decision:
    """Return the decision in `attribute=side` and `attribute=JSON` texts and a JSON document.

    InvalidInput names the attribute and the fix; an attribute is decided once.
    """
    choices: list[tuple[str, Choice]] = []
    for text in takes:
        name, side = _halves(text, "--take", "lost, winner or current")
        choices.append((name, _choice(name, {"take": side})))
    for text in values:
        name, value = _halves(text, "--set", "a JSON value")
        choices.append((name, _choice(name, {"value": parse_json(value, name, _QUOTES)})))
    if document is not None:
        given = parse_json(document, "the decision's file")
        if not isinstance(given, dict):
            raise InvalidInput(f'the decision\'s file must hold {{"attribute": {_FORMS}, ...}}')
        choices += [(name, _choice(name, each)) for name, each in given.items()]
    names = [name for name, _ in choices]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidInput(f"{twice[0]}: decided more than once; leave one of them")
    if not choices:
        raise InvalidInput("nothing is decided: give --take, --set or --file")
    return dict(choices)


def decision_text(decision: Decision) -> str:
    """Return the decision as JSON, as a file gives it; the same text for the same decision."""
    return json_text({name: _form(decision[name]) for name in sorted(decision)})


def _form(choice: Choice) -> dict[str, Any]:
    if choice.take is not None:
        return {"take": choice.take}
    return {"remove": True} if choice.value is None else {"value": from_wire(choice.value)}


def _choice(name: str, given: Any) -> Choice:
    match given:
        case {"take": side, **rest} if side in SIDES and not rest:
            return Choice(take=side)
        case {"value": value, **rest} if name != ALL and not rest:
            return Choice(value=canonical(to_wire(plain_value(value, name), (name,))))
        case {"remove": True, **rest} if name != ALL and not rest:
            return Choice()
    forms = '{"take": "lost|winner|current"}' if name == ALL else _FORMS
    told = json.dumps(given, default=str)[:80]
    raise InvalidInput(f"{name}: {told} decides nothing; give {forms}")


def _halves(text: str, option: str, what: str) -> tuple[str, str]:
    name, found, rest = text.partition("=")
    if not name or not found:
        raise InvalidInput(f"{option} {text!r}: give an attribute, =, and {what}")
    return name, rest
