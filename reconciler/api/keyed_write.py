"""A write and the idempotency key that it is known by, as the workflow of writes is given them.

The write is that of a body of one item (`reconciler.api.writes`), with `issued_at_ms` beside it if
the key does not tell when it was made.
Limit: the workflow's JSON holds numbers of 15 digits; others are refused.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.api.answers import Refused
from reconciler.api.keys import KeyShape
from reconciler.api.writes import ItemWrite, payload_of, writes_in
from reconciler.causality.hlc import Hlc
from reconciler.causality.keys import Once
from reconciler.client.keyed import Keyed
from reconciler.errors import InvalidInput
from reconciler.values.wire import Image

_MOST_DIGITS = 15
_ISSUED = "issued_at_ms"


@dataclass(frozen=True)
class KeyedWrite:
    """The edits of one item, and the key under which they count once."""

    asked: ItemWrite
    once: Once

    @classmethod
    def of(cls, name: str, document: Any, keys: KeyShape) -> "KeyedWrite":
        """Read both; Refused says what is wrong."""
        exact = json.loads(json.dumps(document), parse_float=_decimal, parse_int=_whole)
        issued = exact.pop(_ISSUED, None) if isinstance(exact, dict) else None
        asked = writes_in(exact, keys)
        if not isinstance(asked, ItemWrite):
            raise Refused("invalidRequest", "the input is a write of one item: key and edits")
        try:
            return cls(asked, Once.of(name, issued, payload_of(asked)))
        except InvalidInput as problem:
            raise Refused("invalidRequest", f"the execution's name: {problem}") from None

    def check(self, now_ms: int, lifetime_ms: int) -> None:
        """Refuse a key that is too old, or of the future: KeyExpired."""
        Keyed(self.once, lambda: Hlc.of(now_ms), lifetime_ms).check()

    def is_shown(self, image: Image | None) -> bool:
        """Return whether an image shows that the write was carried out; KeyReused."""
        return Keyed(self.once, lambda: Hlc.of(0), 0).is_done(image)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(number.as_tuple().digits) > _MOST_DIGITS:
        raise Refused("invalidRequest", f"a number has more than {_MOST_DIGITS} digits")
    return number


def _whole(text: str) -> int:
    return int(_decimal(text))
