"""Replies that are labelled acceptable or not, to measure a judge against.

How they were made: every conversation is one that this service had with an invented customer, with
links and personal data cut. Half of the replies are acceptable and its own, as given. Of the others
half are its own as well, given on a bad day; the rest are good replies altered one by one, each in
one way that customers mind (`flaw`). `desk` is the desk that would have to answer for the reply.

What they are not: a measure of people. The labels were set when the file was made, and nobody at a
desk has labelled these replies for themselves. So they show whether a judge tells good replies from
spoiled ones, and no more. Before a judge is believed on real conversations, people of the desks
label at least a hundred of those, in this form.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from evals.judging.judge import Question, Said

LABELS = Path(__file__).with_name("labels.jsonl")
Desk = Literal["service desk", "accounts desk", "order desk", "quality desk"]
Flaw = Literal[
    "ignores a part",
    "cold",
    "too long",
    "wrong language",
    "unhelpful",
    "condescending",
    "answers something else",
]


class Label(BaseModel):
    """One reply and what a desk holds of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    desk: Desk
    conversation: tuple[Said, ...]
    reply: str
    is_acceptable: bool
    made: Literal["as given", "altered"]
    flaw: Flaw | None = None
    why: str

    @model_validator(mode="after")
    def _one_flaw(self) -> "Label":
        if self.is_acceptable != (self.flaw is None):
            raise ValueError("a reply has a flaw exactly when it is not acceptable")
        return self

    @property
    def question(self) -> Question:
        """What the judge is asked: it sees neither the label nor the reason."""
        return Question(conversation=self.conversation, reply=self.reply)


def load_labels(file: Path = LABELS) -> list[Label]:
    """The labels of a file, one a line."""
    lines = file.read_text(encoding="utf-8").split("\n")
    return [Label.model_validate_json(line) for line in lines if line]
