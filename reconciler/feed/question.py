"""What a person is asked about a parked loss, and the answer, checked. Pure.

The question holds all that a decision needs: what was lost, the three images where they differ, and
the commands that decide it, ready to be edited. A value takes one line, so no item can forge
another.
HAZARD: questions show values of the item to whoever subscribes to the topics.
Source: SNS API Reference, Publish; AWS CLI, `stepfunctions send-task-success`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import InvalidInput
from reconciler.feed.decision import ALL, Answer, parse_decision
from reconciler.feed.rows import SIDES
from reconciler.resolution.words import OVERRIDDEN
from reconciler.text.durations import duration_text
from reconciler.text.plain_json import json_text
from reconciler.text.plain_text import shell_word, shown

_SUBJECT_CHARACTERS = 99
_TEXT_BYTES = 200_000  # SNS takes 262,144
_VALUE_CHARACTERS = 300
_NO_ANSWER = {"States.Timeout": "none came in time"}


@dataclass(frozen=True)
class Question:
    """One request for a decision: whoever answers with the token within `seconds` is heard.

    `problem` is why the last answer did not do, "" if there was none. `undecided` are attributes
    that only a person can decide. `attributes` are those of `reconciler.feed.case.document`, None
    if the images cannot be read; `unread` is why, if that will not change.
    """

    table: str
    region: str
    suffix: str
    token: str
    seconds: int
    problem: str
    undecided: Sequence[str]
    attributes: Sequence[Mapping[str, Any]] | None
    unread: str = ""

    def differing(self) -> list[Mapping[str, Any]]:
        """Return the attributes in which the images differ."""
        return [each for each in self.attributes or () if each["differs"]]

    def contested(self) -> list[str]:
        """Return what to propose a decision about: the rest is best left to the merge."""
        overridden = [each["attribute"] for each in self.differing() if each["merge"] == OVERRIDDEN]
        return list(self.undecided) or overridden[:1]


def subject(table: str, escalated: bool) -> str:
    """Return the subject of a question, within what SNS takes."""
    urgent = "ESCALATED, nobody decided: " if escalated else ""
    return f"{urgent}a lost write waits for a decision in {table}"[:_SUBJECT_CHARACTERS]


def question_text(question: Question, conflict: Mapping[str, Any]) -> str:
    """Return the message to a person; `conflict` is the feed's summary of the row."""
    takes = [f"{name}=lost" for name in question.contested()] or [f"{ALL}=current"]
    where = f"--region {question.region} --table {question.table}"
    where += f" --suffix {question.suffix}" if question.suffix else ""
    name, key = conflict["conflict_id"], conflict["key"]
    options = " ".join(f"--take {shell_word(take)}" for take in takes)
    answer = shell_word(json.dumps({"by": "YOUR NAME", "why": "", "take": takes}))
    problem = shown(_NO_ANSWER.get(question.problem, question.problem))
    text = f"""{f"THE LAST ANSWER: {problem}" if problem else "A lost write waits for a decision."}

conflict  {shown(name)}
item      {json_text(key) if key else "unknown"}
region    {question.region} ({shown(conflict.get("role", "?"))})
lost      {duration_text(conflict["age_ms"])} ago
reason    {_short(conflict.get("reason", ""))}

Look at it:
  reconciler conflicts show {where} -- {shell_word(name)}

Decide, and edit the choice: an attribute, or all, is taken from lost, winner or current. What is
not decided is merged. Without --execute it is only shown:
  reconciler conflicts resolve {where} {options} --execute -- {shell_word(name)}

Or answer here within {duration_text(question.seconds * 1_000)}, "set" takes ["attribute=JSON"]:
  aws stepfunctions send-task-success --region {question.region} \\
    --task-token {shell_word(question.token)} \\
    --task-output {answer}

{_view(question)}
"""
    return text.encode()[:_TEXT_BYTES].decode(errors="ignore")


def _view(question: Question) -> str:
    if question.unread:
        return f"The images cannot be shown: {shown(question.unread)}."
    if question.attributes is None:
        return "The images cannot be shown now."
    lines = ["What differs:"]
    for row in question.differing():
        lines.append(f"  {_short(row['attribute'])}")
        lines += [f"    {side:8} {_value(row, side)}" for side in SIDES]
    return "\n".join(lines)


def _value(row: Mapping[str, Any], side: str) -> str:
    return _short(json_text(row[side])) if side in row else "-"


def _short(text: str) -> str:
    text = shown(text)
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}..."


def parse_answer(output: Any) -> Answer:
    """Return the answer in a task's output; InvalidInput names the field and the fix.

    `take` and `set` are lists of the command line's `--take` and `--set` texts, `decision` is the
    text of its `--file`: as texts, numbers arrive with every digit.
    """
    if not isinstance(output, dict) or output.keys() - {"by", "why", "take", "set", "decision"}:
        raise InvalidInput(
            'the answer must be {"by": "YOUR NAME", "why": "", "take": ["ATTRIBUTE=SIDE"]},'
            " with set and decision beside take"
        )
    by, why, document = output.get("by"), output.get("why", ""), output.get("decision")
    if not isinstance(by, str) or not by.strip():
        raise InvalidInput("by: say who decides")
    if not isinstance(why, str):
        raise InvalidInput("why: give the reason as a text")
    if not isinstance(document, str | None):
        raise InvalidInput("decision: give it as a text that holds the JSON of a decision's file")
    texts = {name: output.get(name, []) for name in ("take", "set")}
    for name, given in texts.items():
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise InvalidInput(f'{name}: give a list of texts such as ["name=..."]')
    return Answer(parse_decision(texts["take"], texts["set"], document), by, why)
