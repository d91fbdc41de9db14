"""What a client sees of a turn: messages in LangChain's form, and the public part of the state."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID, uuid5

from graph.focus import ending_in
from nodes.state import State
from tools.conversations import Message
from tools.screening.personal import restore

PUBLIC = ("card", "handoff")


def answer_id(run_id: UUID | str) -> str:
    """The id of a run's answer: the same however often the run is resumed."""
    return str(uuid5(UUID(str(run_id)), "answer"))


def message_json(message: Message) -> dict[str, Any]:
    """A stored message as LangChain serialises it."""
    return {
        "content": message["content"],
        "additional_kwargs": message["extra"] | {"created_at": message["created_at"].isoformat()},
        "response_metadata": {},
        "type": message["role"],
        "name": message["extra"].get("person", {}).get("name"),
        "id": message["message_id"],
    } | (
        {"tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None}
        if message["role"] == "ai"
        else {}
    )


def chunk_json(message_id: str, text: str) -> dict[str, Any]:
    """A piece of the answer under way."""
    return {
        "content": text,
        "additional_kwargs": {},
        "response_metadata": {},
        "type": "AIMessageChunk",
        "name": None,
        "id": message_id,
        "tool_calls": [],
        "invalid_tool_calls": [],
        "usage_metadata": None,
        "tool_call_chunks": [],
        "chunk_position": None,
    }


def public_values(state: Mapping[str, Any], messages: Sequence[Message]) -> dict[str, Any]:
    """The values a client may see: messages, intents, sources, card and ticket."""
    return {"messages": [message_json(m) for m in messages]} | public_update(state)


def public_update(update: Mapping[str, Any]) -> dict[str, Any]:
    """The public part of what a node returned; the rest stays inside."""
    public = {key: update[key] for key in PUBLIC if update.get(key)}
    if understood := update.get("understanding"):
        public["intents"] = [found["name"] for found in understood["intents"]]
    if passages := update.get("passages"):
        public["passages"] = list(dict.fromkeys(p["id"] for p in passages))
    if tone := update.get("tone"):
        public["situation"] = tone["situation"]
    return public


def answer_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to store: its text, and what belongs to it (citations, card, ticket)."""
    cited = set(state["reply"]["citations"])
    passages = {p["id"]: p for p in state.get("passages", []) if p["id"] in cited}
    extra: dict[str, Any] = {
        "citations": [
            {key: p[key] for key in ("id", "title", "section", "text")} for p in passages.values()
        ]
    }
    extra |= {key: state[key] for key in PUBLIC if state.get(key)}
    if ending := ending_in(cast(State, state)):
        extra["ending"] = ending
    text = restore(state["reply"]["text"], state["screened"]["personal"])
    return {"content": text, "extra": extra}
