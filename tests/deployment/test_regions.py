"""A region that is none is named, with the nearest that is one."""

from reconciler.deployment.regions import no_such_region

KNOWN = {"us-east-1", "us-east-2", "eu-west-1", "ap-southeast-1"}


def test_a_region_that_is_none_is_named_with_the_nearest() -> None:
    said = no_such_region("eu-wst-1", KNOWN)

    assert said.startswith("AWS has no region eu-wst-1; did you mean eu-west-1?")
    assert "newer than this boto3" in said


def test_one_that_is_like_none_gets_an_answer_too() -> None:
    assert "no region mars; did you mean " in no_such_region("mars", KNOWN)


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert "\x1b" not in no_such_region("\x1b[2J", KNOWN)
