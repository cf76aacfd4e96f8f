"""Causal contexts are a lattice, lineages are its actors, and every region has its own code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import (
    CausalContext,
    Dot,
    Lineage,
    Ordering,
    beside_each_other,
    replica_id,
)
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.errors import InvalidInput

REGIONS = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-south-1",
    "eu-south-2",
    "eu-north-1",
    "il-central-1",
    "mx-central-1",
    "me-south-1",
    "me-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-south-1",
    "us-isof-east-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
]


def lineage(replica: str, number: int) -> Lineage:
    return Lineage.of(replica, fixed_width(number, EPOCH_WIDTH))


LINEAGES = st.builds(lineage, st.sampled_from(["a1", "b1"]), st.integers(1, 4))
DOTS = st.builds(Dot, LINEAGES, st.builds(Hlc.of, st.integers(0, 3)))
MARKS = st.dictionaries(
    st.sampled_from(["a1", "b1"]),
    st.integers(0, 4).map(lambda n: fixed_width(n, EPOCH_WIDTH)),
    max_size=2,
)


@st.composite
def contexts(draw: st.DrawFn) -> CausalContext:
    heads = draw(st.dictionaries(LINEAGES, st.builds(Hlc.of, st.integers(0, 3)), max_size=4))
    # A join leaves out what its watermark covers, so this is the form that images carry.
    return CausalContext(heads, draw(MARKS)).join(CausalContext())


def includes(context: CausalContext) -> set[Dot]:
    every = [
        Dot(lineage(r, n), Hlc.of(w)) for r in ("a1", "b1") for n in range(1, 5) for w in range(4)
    ]
    return {dot for dot in every if context.covers(dot)}


@given(a=contexts(), b=contexts())
def test_a_context_is_within_another_iff_that_one_covers_all_it_covers(
    a: CausalContext, b: CausalContext
) -> None:
    marked = all(b.watermarks.get(name, "") >= mark for name, mark in a.watermarks.items())
    assert a.within(b) == (includes(a) <= includes(b) and marked)


@given(a=contexts(), b=contexts(), c=contexts())
def test_within_is_a_partial_order(a: CausalContext, b: CausalContext, c: CausalContext) -> None:
    assert a.within(a)
    assert not (a.within(b) and b.within(c)) or a.within(c)
    assert not (a.within(b) and b.within(a)) or a == b


@given(a=contexts(), b=contexts())
def test_ordering_says_who_includes_whom(a: CausalContext, b: CausalContext) -> None:
    expected = {
        (True, True): Ordering.SAME,
        (True, False): Ordering.BEFORE,
        (False, True): Ordering.AFTER,
        (False, False): Ordering.CONCURRENT,
    }
    assert a.compare(b) is expected[a.within(b), b.within(a)]
    opposite = {Ordering.BEFORE: Ordering.AFTER, Ordering.AFTER: Ordering.BEFORE}
    assert b.compare(a) is opposite.get(a.compare(b), a.compare(b))


@given(a=contexts(), b=contexts(), c=contexts())
def test_the_join_is_the_least_context_that_includes_both(
    a: CausalContext, b: CausalContext, c: CausalContext
) -> None:
    joined = a.join(b)
    assert includes(joined) == includes(a) | includes(b)
    assert a.within(joined)
    assert b.within(joined)
    assert not (a.within(c) and b.within(c)) or joined.within(c)


@given(a=contexts(), b=contexts(), c=contexts())
def test_the_join_is_commutative_associative_and_idempotent(
    a: CausalContext, b: CausalContext, c: CausalContext
) -> None:
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(a) == a


@given(a=contexts(), b=contexts())
def test_lost_dots_are_the_heads_that_the_later_context_does_not_cover(
    a: CausalContext, b: CausalContext
) -> None:
    lost = a.lost_dots(b)
    assert set(lost) == {Dot(*head) for head in a.heads.items()} - includes(b)
    assert list(lost) == sorted(lost)
    assert (not lost and not a.lost_watermarks(b)) == a.within(b)


@given(context=contexts(), dot=DOTS)
def test_a_context_after_a_write_covers_it(context: CausalContext, dot: Dot) -> None:
    assert context.with_dot(dot).covers(dot)


def test_a_watermark_covers_the_lineages_of_its_replica_up_to_its_epoch_and_no_others() -> None:
    context = CausalContext({}, {"use1": fixed_width(5, EPOCH_WIDTH)})
    assert context.covers(Dot(lineage("use1", 5), Hlc.of(10**9)))
    assert not context.covers(Dot(lineage("use1", 6), Hlc.of(0)))
    assert not context.covers(Dot(lineage("euw1", 1), Hlc.of(0)))


def test_a_watermark_that_is_lower_or_missing_is_lost() -> None:
    high = CausalContext({}, {"a1": "2", "b1": "2"})
    assert high.lost_watermarks(CausalContext({}, {"a1": "1"})) == {"a1": "2", "b1": "2"}
    assert high.lost_watermarks(high) == {}


def test_latest_is_the_greatest_stamp_or_none() -> None:
    assert CausalContext().latest() is None
    heads = {lineage("a1", 1): Hlc.of(5), lineage("b1", 1): Hlc.of(7)}
    assert CausalContext(heads).latest() == Hlc.of(7)


@given(dot=DOTS)
def test_a_dot_is_its_lineage_and_stamp_as_text(dot: Dot) -> None:
    assert Dot.parse(str(dot)) == dot
    assert dot.lineage == Lineage.of(dot.lineage.replica, dot.lineage.epoch)


@pytest.mark.parametrize("text", ["", "x", "use1.0" + "0" * 12, "0" * 40, "use1-" + "0" * 25])
def test_text_that_is_no_dot_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Dot.parse(text)


@pytest.mark.parametrize(
    ("region", "code"),
    [("us-east-1", "use1"), ("eu-west-1", "euw1"), ("ap-southeast-1", "apse1")],
)
def test_a_region_has_the_short_code_people_know(region: str, code: str) -> None:
    assert replica_id(region) == code


def test_every_aws_region_has_a_code_of_its_own_that_sorts_before_the_adopted_one() -> None:
    codes = [replica_id(region) for region in REGIONS]
    assert len(set(codes)) == len(REGIONS) == 46
    assert all(Lineage.parse(Lineage.of(code, "0" * EPOCH_WIDTH)) for code in codes)
    assert max(codes) < "~"


@pytest.mark.parametrize(
    "name",
    [
        *("", "us", "us-east", "us-east-x", "us--1", "-east-1", "local"),
        *("eu-wst-1", "US-EAST-1", "us-east-1a", "us-east-1 ", "us-east-1,eu-west-1", "a/b-c-1"),
    ],
)
def test_a_name_that_is_no_region_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not an AWS region name such as 'eu-west-1'"):
        replica_id(name)


def test_a_name_counts_however_far_ahead_another_replicas_clock_is() -> None:
    def of(replica: str, wall_ms: int) -> Dot:
        return Dot(Lineage.of(replica, fixed_width(wall_ms, EPOCH_WIDTH)), Hlc.of(wall_ms))

    name, ahead = of("use1~", 1_000), of("euw1", 9_000_000)
    assert set(beside_each_other([name, ahead, of("euw1~", 9_000_000)])) >= {name, ahead}
    assert beside_each_other([name, of("use1~", 900_000)])[0] == name
    assert beside_each_other([name, of("use1~", 902_000)]) == (of("use1~", 902_000),)
