"""LangSmith, where the environment turns it on, hears of turns without personal data."""

import re
from typing import Any

from langsmith import Client, configure
from langsmith.utils import get_env_var, tracing_is_enabled

from graph.inspection.masking import hidden

ERROR = {"error"}
CLASS = re.compile(r"[A-Za-z_][\w.]*(?=\()")  # pydantic's errors begin with what they quote


def mask_tracers() -> None:
    """From here on what LangSmith is sent is masked as on the console; without a key it is nothing.

    States, prompts and what the model said are: business stays, persons do not.
    """
    if not tracing_is_enabled():
        return
    if get_env_var("API_KEY"):
        configure(client=Client(anonymizer=_masked))
    else:
        configure(enabled=False)


def _masked(told: dict[str, Any]) -> dict[str, Any]:
    """Of an error its class alone: around what it quotes nothing shows what is a name."""
    if told.keys() == ERROR:
        named = CLASS.match(str(told["error"]))
        return {"error": named[0] if named else "error"}
    masked: dict[str, Any] = hidden(told)
    return masked
