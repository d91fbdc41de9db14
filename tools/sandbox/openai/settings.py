"""How the model stand-in behaves; a test posts this to /control/model."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.sandbox.openai.lies import LieKind
from tools.sandbox.openai.tool_calls import AttackKind, ToolRequest

ModelMode = Literal[
    "echo",
    "scripted",
    "lying",
    "slow",
    "stall",
    "truncate",
    "broken",
    "garbage",
    "timeout",
    "error_429",
    "error_500",
    "error_503",
]


class ScriptedReply(BaseModel):
    """A reply given word for word, or a request for tools."""

    content: str | None = None
    tool_calls: list[ToolRequest] = []


class ModelSettings(BaseModel):
    """Mode, and what the modes need.

    `first_seconds` pass before a slow reply begins and `seconds` between its pieces; a reply that
    ends badly does so after `after_pieces`. Lies are of one kind, of any (`mixed`), or everywhere
    in the reply; the same seed tells the same lie about the same text.

    Where tools are offered, `picks` are called, or what an attack of one kind or of any (`mixed`)
    asks for; `victim` is the contact whose documents it is after, else somebody not spoken of.
    """

    model_config = ConfigDict(extra="forbid")

    mode: ModelMode = "echo"
    seconds: float = Field(0.2, ge=0)
    first_seconds: float = Field(0, ge=0)
    after_pieces: int = Field(3, ge=0)
    retry_after: float = Field(2, ge=0)
    lies: LieKind | Literal["mixed", "everywhere"] = "everywhere"
    seed: int = 0
    replies: list[str | ScriptedReply] = []
    form: dict[str, Any] | None = None  # what a structured answer holds; else made from the schema
    picks: list[ToolRequest] = []
    attack: AttackKind | Literal["mixed"] | None = None
    victim: str | None = None
    times: int | None = Field(None, ge=1)  # calls after which the mode is echo again
