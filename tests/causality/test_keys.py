"""Idempotency keys: what they tell, and the lineage that every execution of one spends."""

from typing import Any

import pytest

from reconciler.causality.context import KEYED, CausalContext, Dot, Lineage
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc
from reconciler.causality.keys import Once, is_reused, issued_ms
from reconciler.errors import InvalidInput

UUID7 = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"  # the example of RFC 9562, appendix A.6
UUID7_MS = 1_645_557_742_000
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"  # the example of the ULID specification
ULID_MS = 1_469_922_850_259


@pytest.mark.parametrize(
    ("key", "at_ms"), [(UUID7, UUID7_MS), (UUID7.upper(), UUID7_MS), (ULID, ULID_MS)]
)
def test_a_key_of_a_known_form_tells_when_it_was_made(key: str, at_ms: int) -> None:
    assert Once.of(key).issued_at_ms == at_ms


def test_any_other_text_is_a_key_with_its_time_beside_it() -> None:
    assert Once.of("order-17", issued_at_ms=5_000) == Once("order-17", 5_000)


@pytest.mark.parametrize(
    ("key", "at_ms", "told"),
    [
        ("order-17", None, "issued_at_ms"),
        ("c9f0f895-fb98-4b41-9b5b-0a4a4b7f8f1e", None, "UUIDv7"),  # a UUIDv4 tells no time
        ("", 1, "1 to 256"),
        ("x" * 257, 1, "1 to 256"),
        (17, 1, "a text"),
        ("\ud800", 1, "a text"),
        ("01" + "\N{KELVIN SIGN}" * 24, None, "UUIDv7"),  # which lowers to a letter of a ULID
        ("order-17", True, "milliseconds"),
        ("order-17", 1.5, "milliseconds"),
        ("order-17", -1, "milliseconds"),
        ("order-17", 2**60, "milliseconds"),
    ],
)
def test_what_is_no_key_is_refused_with_the_fix(key: Any, at_ms: int | None, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Once.of(key, issued_at_ms=at_ms)


def test_every_execution_spends_one_lineage_which_keeps_the_keys_time() -> None:
    lineage = Once.of(UUID7).lineage()
    assert lineage == Once.of(UUID7).lineage()
    assert lineage.replica == KEYED
    assert issued_ms(lineage) == UUID7_MS
    assert Dot.parse(str(Dot(lineage, Hlc.of(7)))).lineage == lineage


@pytest.mark.parametrize("key", [UUID7, ULID])
def test_a_key_of_a_known_form_is_one_key_in_either_case_of_its_letters(key: str) -> None:
    assert Once.of(key.lower()).lineage() == Once.of(key.upper()).lineage()
    assert Once.of(key.lower()) == Once.of(key.upper()) == Once.of(key)
    assert Once.of(key.swapcase()).key == key
    other = Once("Order-17", 5_000), Once("order-17", 5_000)
    assert len({each.lineage() for each in other}) == 2


def test_the_spelling_of_a_key_changes_no_lineage_that_items_have_already() -> None:
    known = [str(Once.of(key).lineage()) for key in (UUID7, ULID)]
    assert known == ["=.MwXsbak0J7UqyVdbOk", "=.KNyDfMI045U7sQdbOk"]


@pytest.mark.parametrize("key", [UUID7, UUID7.upper(), ULID, ULID.lower()])
def test_a_key_that_tells_its_time_keeps_it_and_another_beside_it_is_refused(key: str) -> None:
    told = Once.of(key)
    assert Once.of(key, told.issued_at_ms) == Once(key, told.issued_at_ms) == told
    for made in (Once.of, Once):
        with pytest.raises(InvalidInput, match="leave issued_at_ms out"):
            made(key, told.issued_at_ms - 1)


@pytest.mark.parametrize("payload", ["10", 10, None])
def test_a_payload_is_bytes(payload: Any) -> None:
    with pytest.raises(InvalidInput, match="bytes"):
        Once("order-17", 5_000, payload)


def test_keys_of_one_time_are_apart() -> None:
    keys = {Once(f"order-{number}", 5_000).lineage() for number in range(1_000)}
    assert len(keys) == 1_000


def test_one_key_with_two_payloads_is_noticed_and_two_keys_are_not() -> None:
    ten, eleven = (Once("a", 5_000, payload).lineage() for payload in (b"10", b"11"))
    assert is_reused(ten, eleven)
    assert not is_reused(ten, ten)
    assert not is_reused(ten, Once("b", 5_000, b"10").lineage())
    assert not is_reused(ten, Once("a", 5_001, b"10").lineage())


def test_two_lives_of_an_item_in_which_one_key_was_carried_out_do_not_meet() -> None:
    key = Once("order-17", 5_000).lineage()
    first, second = (Lineage.of(code, "0" * EPOCH_WIDTH) for code in ("use1", "euw1"))
    one = CausalContext({first: Hlc.of(1), key: Hlc.of(1)})
    other = CausalContext({second: Hlc.of(9), key: Hlc.of(9)})
    assert not one.meets(other)
    assert one.meets(CausalContext({second: Hlc.of(9), key: Hlc.of(1)}))
    folded = CausalContext({}, {KEYED: key.epoch})
    assert not folded.meets(CausalContext({}, {KEYED: key.epoch}))
