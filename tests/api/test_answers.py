"""What each failure is to a caller: what to do about it, and nothing that is not his to know."""

import json
from collections.abc import Iterator

import pytest

from reconciler import errors
from reconciler.api.answers import REFUSALS, Refused, refusal_of
from reconciler.errors import (
    Contention,
    InvalidInput,
    ItemTooLarge,
    KeyExpired,
    KeyReused,
    OutcomeUnknown,
    ReconcilerError,
    TypeMismatch,
    Unavailable,
    UnknownWireVersion,
)


def every(kind: type[ReconcilerError] = ReconcilerError) -> Iterator[type[ReconcilerError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
        yield from every(each)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (KeyExpired, "keyExpired"),
        (KeyReused, "keyReused"),
        (ItemTooLarge, "itemTooLarge"),
        (InvalidInput, "refusedEdit"),
        (TypeMismatch, "typeMismatch"),
        (UnknownWireVersion, "unavailable"),
        (Contention, "contention"),
        (Unavailable, "unavailable"),
        (OutcomeUnknown, "outcomeUnknown"),
    ],
)
def test_a_failure_has_the_code_of_its_kind(kind: type[ReconcilerError], code: str) -> None:
    assert refusal_of(kind("why"), is_keyed=False).code == code


@pytest.mark.parametrize("kind", list(every()))
def test_what_is_no_mistake_of_the_caller_tells_him_nothing_of_what_failed(
    kind: type[ReconcilerError],
) -> None:
    for is_keyed in (True, False):
        answer = refusal_of(kind("SECRET", code="SECRET"), is_keyed=is_keyed).answer()
        assert ("SECRET" in answer.body) == issubclass(kind, InvalidInput | TypeMismatch)
        assert (answer.status >= 500) != issubclass(kind, InvalidInput | TypeMismatch)


def test_what_may_be_made_again_says_when_and_what_may_not_does_not() -> None:
    for kind in every():
        for is_keyed in (True, False):
            answer = refusal_of(kind("why"), is_keyed=is_keyed).answer()
            again = kind.disposition == "retry" or (kind is OutcomeUnknown and is_keyed)
            if kind is not errors.HistoryUnknown:  # of losses alone
                assert ("Retry-After" in answer.headers) == again, kind


def test_an_error_is_as_tmf630_has_it() -> None:
    answer = Refused("preconditionFailed", "read it again", headers={"Allow": "GET"}).answer()
    assert answer.status == 412
    assert json.loads(answer.body) == {
        "@type": "Error",
        "code": "preconditionFailed",
        "reason": "The item is not as the request requires",
        "message": "read it again",
        "status": "412",
        "referenceError": "/openapi.json#/components/responses/preconditionFailed",
    }
    assert answer.headers == {"Cache-Control": "no-store", "Allow": "GET"}


def test_the_text_of_a_refusal_is_not_that_of_the_exception_which_may_be_logged() -> None:
    assert "SECRET" not in str(Refused("refusedEdit", "SECRET"))


def test_every_status_is_an_error_of_http() -> None:
    assert all(400 <= status <= 599 for status, _ in REFUSALS.values())
