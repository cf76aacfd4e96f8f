"""A caller's condition, so said that a deleted item counts as none. Pure.

What is left of a deleted item shows its key, an expiry and metadata. So whatever a condition says
of the key, or of the table's own TTL attribute, is made to hold as if nothing were there; of any
other attribute it holds so by itself.

    attribute_not_exists(id)  ->  (attribute_not_exists(id) OR attribute_exists(#rec_n0))

Limit: an item that somebody brought back around the library counts as deleted until that is filed.
Errors: InvalidInput, which shows where a condition on the key cannot be read.
Source: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.client.placeholders import Placeholders
from reconciler.errors import InvalidInput
from reconciler.item.metadata import EXPIRY
from reconciler.item.schema import Schema

_TOKEN = re.compile(r"\s*(<>|<=|>=|[#:]?\w+|[][(),.=<>])", re.ASCII)
_END = re.compile(r"\s*$")
_WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
_TESTS = {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}
_TRUE_OF_NOTHING = {"attribute_not_exists", "<>"}


class _Atom(NamedTuple):
    """One comparison or function: where it stands, what it names, whether it holds of nothing."""

    start: int
    end: int
    named: frozenset[str]
    holds_of_nothing: bool


def hidden_of(schema: Schema) -> frozenset[str]:
    """Return the attributes of a user's that a deleted item may show."""
    return frozenset({*schema.key, schema.ttl_attribute} - {""})


def of_the_living(text: str, placeholders: Placeholders, schema: Schema) -> str:
    """Return a condition that holds of a deleted item as it does of none."""
    hidden = hidden_of(schema)
    if not mentioned(text, placeholders.names) & hidden:
        return text
    for atom in reversed(_Parser(text, placeholders.names).atoms()):
        if atom.named & hidden:
            said, is_dead = text[atom.start : atom.end], placeholders.name(EXPIRY)
            more = f"OR attribute_exists({is_dead})"
            if not atom.holds_of_nothing:
                more = f"AND attribute_not_exists({is_dead})"
            before, after = text[: atom.start], text[atom.end :]
            is_grouped = before.rstrip().endswith("(") and after.lstrip().startswith(")")
            made = f"{said} {more}" if is_grouped else f"({said} {more})"
            text = f"{before}{made}{after}"
    return text


def mentioned(text: str, names: Mapping[str, str]) -> set[str]:
    """Return whatever an expression may name, functions and words included."""
    words = re.findall(r"#?\w+", re.sub(r":\w+", "", text, flags=re.ASCII), re.ASCII)
    return {names.get(word, word) for word in words}


class _Parser:
    """One condition, read from left to right; `_at` is where the next token is."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text, self._names, self._at = text, names, 0
        self._atoms: list[_Atom] = []
        self._named: set[str] = set()

    def atoms(self) -> list[_Atom]:
        self._condition()
        if not _END.match(self._text, self._at):
            raise self._unreadable("AND, OR or its end")
        return self._atoms

    def _condition(self) -> None:
        self._joined("OR", lambda: self._joined("AND", self._negated))

    def _joined(self, word: str, part: Callable[[], None]) -> None:
        part()
        while self._taken(word):
            part()

    def _negated(self) -> None:
        while self._taken("NOT"):
            pass
        if self._peek() == "(" and self._is_group():
            return
        self._atom()

    def _is_group(self) -> bool:
        """Read a condition in parentheses; leave all as it was if a value stands in them."""
        at, known = self._at, len(self._atoms)
        try:
            self._take()
            self._condition()
            self._expect(")")
            if self._peek() not in _COMPARATORS and self._peek().upper() not in ("BETWEEN", "IN"):
                return True
        except InvalidInput:
            pass
        self._at = at
        del self._atoms[known:]
        return False

    def _atom(self) -> None:
        self._peek()
        start = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        self._named = set()
        if self._peek() in _TESTS:
            how = self._take()
            self._operands()
        else:
            self._operand()
            how = self._compared()
        named, holds = frozenset(self._named), how in _TRUE_OF_NOTHING
        self._atoms.append(_Atom(start, self._at, named, holds))

    def _compared(self) -> str:
        if self._peek() in _COMPARATORS:
            how = self._take()
            self._operand()
            return how
        if self._taken("BETWEEN"):
            self._operand()
            self._expect("AND")
            self._operand()
            return "BETWEEN"
        self._expect("IN")
        self._operands()
        return "IN"

    def _operands(self) -> None:
        self._expect("(")
        self._operand()
        while self._taken(","):
            self._operand()
        self._expect(")")

    def _operand(self) -> None:
        if self._taken("("):
            self._operand()
            self._expect(")")
            return
        token = self._take()
        if token == "size" and self._peek() == "(":  # noqa: S105 (a function of DynamoDB's)
            self._operands()
        elif not token.startswith(":"):
            self._path(token)

    def _path(self, token: str) -> None:
        is_name = token.startswith("#") or token.isidentifier()
        if not is_name or token.upper() in _WORDS:
            raise self._unreadable("an attribute's name or a value")
        self._named.add(self._names.get(token, token))
        while self._peek() in (".", "["):
            if self._take() == ".":
                self._take()
            else:
                self._take()
                self._expect("]")

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        return found[1] if found else ""

    def _take(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._unreadable("more")
        self._at = found.end()
        return found[1]

    def _taken(self, token: str) -> bool:
        if self._peek().upper() != token:
            return False
        self._take()
        return True

    def _expect(self, token: str) -> None:
        if not self._taken(token):
            raise self._unreadable(repr(token))

    def _unreadable(self, expected: str) -> InvalidInput:
        rest = self._text[self._at :].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        return InvalidInput(f"ConditionExpression: {where}: expected {expected}")
