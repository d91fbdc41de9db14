"""Asks a model what it thinks of a reply. It is advice: no verdict and no gate depends on it."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field

from evals.outcome import Json
from tools.errors import BackendUnavailable
from tools.model.client import Bounds, Model

AT_ONCE = 8
# Nobody waits for a judgement, so it may take longer than a customer would.
BOUNDS = Bounds(reply=60.0, fill=60.0)
PROMPT = Path(__file__).with_name("judge.md")
MARK = 12

Key = TypeVar("Key")
Score = Annotated[int, Field(ge=1, le=5)]


@dataclass(frozen=True)
class JudgeSettings:
    """The model that judges. Without a `base_url` it is OpenAI's."""

    key: str
    base_url: str | None
    model: str


class Said(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["customer", "service", "event"]
    text: str


class Question(BaseModel):
    """One answered turn, as the judge gets to see it."""

    model_config = ConfigDict(frozen=True)

    conversation: tuple[Said, ...]
    reply: str
    facts: tuple[Json, ...] = ()
    passages: tuple[str, ...] = ()


class Judgement(BaseModel):
    """What the judge thinks of one reply. The reason comes first, so that the scores follow it."""

    reason: str
    helpful: Score
    clear: Score
    kind: Score
    is_acceptable: bool


async def judge_all(
    questions: Mapping[Key, Question],
    settings: JudgeSettings,
    keep: Callable[[Key, Judgement], object],
) -> None:
    """Give each judgement to `keep` as it comes. Where the model fails there is none."""
    model = Model(settings.key, settings.base_url, settings.model, BOUNDS)
    turns = asyncio.Semaphore(AT_ONCE)

    async def judge(key: Key, question: Question) -> None:
        async with turns:
            with suppress(BackendUnavailable):
                keep(key, await model.fill(Judgement, messages_of(question)))

    try:
        async with asyncio.TaskGroup() as group:
            for key, question in questions.items():
                group.create_task(judge(key, question))
    finally:
        await model.aclose()


def messages_of(question: Question) -> list[SystemMessage | HumanMessage]:
    """The rules, always the same, and the turn as data: inside JSON no text can end its field."""
    data = json.dumps(question.model_dump(mode="json"), ensure_ascii=False)
    return [SystemMessage(_prompt()), HumanMessage(data)]


def version() -> str:
    """Equal only where the prompt and the form are: judgements of one version are comparable."""
    asked = _prompt() + json.dumps(Judgement.model_json_schema(), sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:MARK]


@cache
def _prompt() -> str:
    return PROMPT.read_text(encoding="utf-8")
