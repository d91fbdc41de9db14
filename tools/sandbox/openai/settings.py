"""How the model stand-in behaves; a test posts this to /control/model."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ModelMode = Literal[
    "echo", "lying", "slow", "stall", "truncate", "error_500", "error_429", "scripted"
]


class ToolRequest(BaseModel):
    """A tool that a scripted reply asks for."""

    name: str
    arguments: dict[str, Any] = {}


class ScriptedReply(BaseModel):
    """A reply given word for word, or a request for tools."""

    content: str | None = None
    tool_calls: list[ToolRequest] = []


class ModelSettings(BaseModel):
    """Mode, and what the modes need: seconds between pieces, pieces until a stop, replies."""

    model_config = ConfigDict(extra="forbid")

    mode: ModelMode = "echo"
    seconds: float = Field(0.2, ge=0)
    after_pieces: int = Field(3, ge=0)
    replies: list[str | ScriptedReply] = []
    form: dict[str, Any] | None = None  # what a structured answer holds; else made from the schema
    times: int | None = Field(None, ge=1)  # calls after which the mode is echo again
