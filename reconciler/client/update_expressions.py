"""What an UpdateExpression says, as a list of actions. Pure.

    SET points = if_not_exists(points, :zero) + :five, #a.lines[0] = :line REMOVE phone

Placeholders are replaced by what they stand for. What DynamoDB alone can judge is left to it:
reserved words, paths that overlap, lengths, and whether an operand fits what the item holds.
Errors: InvalidInput, which shows where the expression cannot be read.
Source: DynamoDB Developer Guide, "Using update expressions", "Expression attribute names".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.errors import InvalidInput
from reconciler.values.wire import Wire

_TOKEN = re.compile(r"\s*([#:]?\w+|[][(),.=+-])", re.ASCII)
_CALL = re.compile(r"\s*\w+\s*\(", re.ASCII)
_END = re.compile(r"\s*$")
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
_FUNCTIONS = ("if_not_exists", "list_append")  # DynamoDB knows them in small letters only


@dataclass(frozen=True)
class Place:
    """A document path: names, and indexes into lists."""

    parts: tuple[str | int, ...]


@dataclass(frozen=True)
class Given:
    """A value of the caller's, in wire format."""

    value: Wire


@dataclass(frozen=True)
class Call:
    """A function of two operands; `function` is also "+" or "-"."""

    function: str
    left: "Operand"
    right: "Operand"


Operand = Place | Given | Call


@dataclass(frozen=True)
class Action:
    """What one clause does at one place; a REMOVE has no operand."""

    clause: str
    place: Place
    operand: Operand | None = None


class UpdateExpression(NamedTuple):
    """An expression: its text, its actions in their order, and where in the text a clause ends."""

    text: str
    actions: tuple[Action, ...]
    ends: Mapping[str, int]

    @property
    def takes_only(self) -> bool:
        """Whether it only takes away: where no item is, DynamoDB makes none of it."""
        return self.ends.keys() <= {"REMOVE", "DELETE"}

    def with_more(self, more: Mapping[str, str]) -> str:
        """Return the text with an action more in each of these clauses, all else as it was."""
        text = self.text
        for clause, end in sorted(self.ends.items(), key=lambda each: -each[1]):
            if clause in more:
                text = f"{text[:end]}, {more[clause]}{text[end:]}"
        new = [f" {clause} {more[clause]}" for clause in more if clause not in self.ends]
        return text + "".join(new)


def parse(text: str, names: Mapping[str, str], values: Mapping[str, Wire]) -> UpdateExpression:
    """Return what an expression says; `names` and `values` are what its placeholders stand for."""
    return _Parser(text, names, values).expression()


class _Parser:
    """One expression, read from left to right; `_at` is where the next token is."""

    def __init__(self, text: str, names: Mapping[str, str], values: Mapping[str, Wire]) -> None:
        self._text, self._names, self._values = text, names, values
        self._at = 0

    def expression(self) -> UpdateExpression:
        actions: list[Action] = []
        ends: dict[str, int] = {}
        while not _END.match(self._text, self._at):
            clause = self._peek().upper()
            if clause not in _CLAUSES:
                raise self._unreadable(", ".join(_CLAUSES))
            if clause in ends:
                raise self._unreadable(f"one {clause} only, with commas between its actions")
            self._take()
            actions.append(self._action(clause))
            while self._taken(","):
                actions.append(self._action(clause))
            ends[clause] = self._at
        if not actions:
            raise self._unreadable(", ".join(_CLAUSES))
        return UpdateExpression(self._text, tuple(actions), ends)

    def _action(self, clause: str) -> Action:
        place = self._place()
        if clause == "REMOVE":
            return Action(clause, place)
        if clause == "SET":
            self._expect("=")
            return Action(clause, place, self._value())
        if not self._peek().startswith(":"):
            raise self._unreadable("a value such as :v")
        return Action(clause, place, self._operand())

    def _value(self) -> Operand:
        left = self._operand()
        if self._peek() in ("+", "-"):
            return Call(self._take(), left, self._operand())
        return left

    def _operand(self) -> Operand:
        token = self._peek()
        if self._taken("("):
            value = self._value()
            self._expect(")")
            return value
        if token.startswith(":"):
            if token not in self._values:
                raise self._unreadable(f"{token} in ExpressionAttributeValues")
            return Given(self._values[self._take()])
        return self._call() if _CALL.match(self._text, self._at) else self._place()

    def _call(self) -> Call:
        if self._peek() not in _FUNCTIONS:
            raise self._unreadable(" or ".join(_FUNCTIONS))
        function = self._take()
        self._expect("(")
        left = self._place() if function == "if_not_exists" else self._operand()
        self._expect(",")
        right = self._operand()
        self._expect(")")
        return Call(function, left, right)

    def _place(self) -> Place:
        parts: list[str | int] = [self._name()]
        while self._peek() in (".", "["):
            if self._take() == ".":
                parts.append(self._name())
                continue
            if not self._peek().isdecimal():
                raise self._unreadable("an index, such as [0]")
            parts.append(int(self._take()))
            self._expect("]")
        return Place(tuple(parts))

    def _name(self) -> str:
        token = self._peek()
        if token.startswith("#"):
            if token not in self._names:
                raise self._unreadable(f"{token} in ExpressionAttributeNames")
            return self._names[self._take()]
        if not token.isidentifier():
            raise self._unreadable("an attribute's name")
        return self._take()

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        return found[1] if found else ""

    def _take(self) -> str:
        token = self._peek()
        self._at = self._text.index(token, self._at) + len(token)
        return token

    def _taken(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._take()
        return True

    def _expect(self, token: str) -> None:
        if not self._taken(token):
            raise self._unreadable(repr(token))

    def _unreadable(self, expected: str) -> InvalidInput:
        rest = self._text[self._at :].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        return InvalidInput(f"UpdateExpression: {where}: expected {expected}")
