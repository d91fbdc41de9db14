"""What the model stand-in says next, and what it was asked."""

import random
from collections import deque
from collections.abc import Callable, Sequence

from tools.sandbox.openai.lies import KINDS, LieKind, lie
from tools.sandbox.openai.replies import echo, lie_throughout, sources_of
from tools.sandbox.openai.schemas import structured
from tools.sandbox.openai.settings import ModelMode, ModelSettings, ScriptedReply
from tools.sandbox.openai.tool_calls import KINDS as ATTACKS
from tools.sandbox.openai.tool_calls import AttackKind, Foreign, ToolRequest, attack
from tools.sandbox.store import Json

BODIES_KEPT = 20


class ScriptIsEmpty(Exception):
    """A test asked for more scripted replies than it had posted."""


class Script:
    """The present settings, and a record of the calls."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Echo again, with nothing recorded."""
        self.settings = ModelSettings()
        self.count = 0
        self.bodies: deque[Json] = deque(maxlen=BODIES_KEPT)

    def record(self, body: Json) -> ModelMode:
        """Count a call; the mode that answers it."""
        self.count += 1
        self.bodies.append(body)
        mode = self.settings.mode
        if self.settings.times is not None:
            self.settings.times -= 1
            if not self.settings.times:
                self.settings = self.settings.model_copy(update={"mode": "echo", "times": None})
        return mode

    def reply(
        self, body: Json, mode: ModelMode, foreign: Callable[[str], Foreign]
    ) -> ScriptedReply:
        """The next reply; `foreign` finds a document of somebody whom a text does not speak of."""
        if mode == "scripted":
            return self._next()
        if form := structured(body, self.settings.form):
            return form
        if calls := self._picked(body, foreign):
            return ScriptedReply(tool_calls=calls)
        text = echo(body["messages"])
        if mode == "lying":
            text = self._lie(text, body["messages"], foreign)
        return ScriptedReply(content=text)

    def _picked(self, body: Json, foreign: Callable[[str], Foreign]) -> list[ToolRequest]:
        """The same calls for the same seed and messages."""
        kind, tools = self.settings.attack, body.get("tools")
        if not tools or kind is None:
            return self.settings.picks if tools else []
        text = str(body["messages"])
        rng = random.Random(f"{self.settings.seed} {text}")
        chosen: AttackKind = rng.choice(ATTACKS) if kind == "mixed" else kind
        return attack(chosen, tools, foreign(text), rng)

    def _lie(self, text: str, messages: Sequence[Json], foreign: Callable[[str], Foreign]) -> str:
        """A lie that depends on nothing but the seed and the text."""
        lies = self.settings.lies
        if lies == "everywhere":
            return lie_throughout(text, foreign(text).number)
        rng = random.Random(f"{self.settings.seed} {text}")
        kind: LieKind = rng.choice(KINDS) if lies == "mixed" else lies
        return lie(kind, text, sources_of(messages), rng)

    def _next(self) -> ScriptedReply:
        if not self.settings.replies:
            raise ScriptIsEmpty
        reply = self.settings.replies.pop(0)
        return ScriptedReply(content=reply) if isinstance(reply, str) else reply
