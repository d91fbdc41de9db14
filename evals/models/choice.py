"""Which model answers in a run, and what a lane's service is configured with to ask it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from evals.models.cassette import FOLDER, Cassette, cassette_server
from evals.models.cassette import Mode as CassetteMode
from graph.settings import Settings, environment
from tools.errors import SettingsInvalid

Mode = Literal["offline", "stand-in", "recorded", "live"]
MODES: tuple[Mode, ...] = get_args(Mode)
STAND_IN = "sandbox-chat"
OPENAI_URL = "https://api.openai.com/v1"
LIVE = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_DAILY_USD")
# What the machine's own `.env` says is not for a lane.
NO_MODEL = {"TRIA_ENV_FILE": os.devnull}
# What costs nothing must not stop at a budget.
FREE = {**NO_MODEL, "OPENAI_API_KEY": "none-needed", "OPENAI_DAILY_USD": "1000000"}


@dataclass(frozen=True)
class ModelChoice:
    """The mode, the model's name, and settings in which `{sandbox}` is the lane's own sandbox."""

    mode: Mode
    name: str
    settings: Mapping[str, str]
    cassette: Cassette | None = None

    def misses(self) -> list[str]:
        """What was asked and not recorded: the key, and how the customer's message begins."""
        found = self.cassette.misses() if self.cassette else []
        return [f"{miss.key} {miss.said}" for miss in found]


@contextmanager
def choosing(
    mode: Mode, model: str = "", known: Mapping[str, str] | None = None, folder: Path = FOLDER
) -> Iterator[ModelChoice]:
    """The choice, with its cassette running; raises SettingsInvalid where `known` lacks a key."""
    known = environment() if known is None else known
    if mode != "recorded":
        yield _choice(mode, model, known)
        return
    name = _named(model, known)
    how, upstream = cassette_mode(known)
    with cassette_server(folder, how, upstream, known.get("OPENAI_API_KEY", "")) as cassette:
        settings = FREE | {"OPENAI_BASE_URL": cassette.url, "OPENAI_MODEL": name}
        yield ModelChoice(mode, name, settings, cassette)


def cassette_mode(known: Mapping[str, str]) -> tuple[CassetteMode, str | None]:
    """Whether what is not recorded yet is recorded now, and from which service.

    Nothing is recorded in CI, where a miss fails the run, or without a key.
    """
    is_in_ci = known.get("CI", "").lower() in ("true", "1")
    if is_in_ci or not known.get("OPENAI_API_KEY"):
        return "replay", None
    return "record", known.get("OPENAI_BASE_URL") or OPENAI_URL


def _choice(mode: Mode, model: str, known: Mapping[str, str]) -> ModelChoice:
    if mode == "offline":
        return ModelChoice(mode, "none", NO_MODEL)
    if mode == "stand-in":
        asked = {"OPENAI_BASE_URL": "{sandbox}/openai/v1", "OPENAI_MODEL": STAND_IN}
        return ModelChoice(mode, STAND_IN, FREE | asked)
    if not known.get("OPENAI_API_KEY"):
        raise SettingsInvalid(
            "A live model needs OPENAI_API_KEY (see .env.example). Without one the modes are"
            " offline, stand-in and recorded."
        )
    name = _named(model, known)
    own = {setting: known[setting] for setting in LIVE if known.get(setting)}
    return ModelChoice(mode, name, NO_MODEL | own | {"OPENAI_MODEL": name})


def _named(model: str, known: Mapping[str, str]) -> str:
    return model or known.get("OPENAI_MODEL") or str(Settings.model_fields["openai_model"].default)
