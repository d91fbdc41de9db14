"""Answers of a model as they are kept: one file a request, found again by what was asked."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from nodes.prompts import prompt, versions

Json = dict[str, Any]
# What differs when the same is asked a minute later: the time of day, and ids made meanwhile.
PASSING = re.compile(
    r"(?<![\d:])\d\d:\d\d(:\d\d)?(\.\d+)?(?![\d:])"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Recording(BaseModel):
    """One request and its answer. `prompts` are the versions of those that the request shows.

    `body` is the answer's text as it came: of a stream all of its events.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    request: Json
    prompts: dict[str, str]
    status: Literal[200] = 200
    content_type: str
    body: str


class Tape:
    """The recordings of a folder. One asked exactly so wins over one asked at another time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_another_time = {
            loose_key_of(each.path, each.request): each for _, each in recordings(folder)
        }

    def find(self, path: str, request: Json) -> Recording | None:
        """The answer to this very request."""
        file = self._file(path, request)
        return Recording.model_validate_json(file.read_text("utf-8")) if file.exists() else None

    def find_alike(self, path: str, request: Json) -> Recording | None:
        """The answer to this request, or to one that only the time of day tells apart."""
        found = self.find(path, request)
        return found or self._at_another_time.get(loose_key_of(path, request))

    def keep(self, recording: Recording) -> None:
        """Write an answer. Whoever reads meanwhile sees all of it or nothing."""
        file = self._file(recording.path, recording.request)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        kept = json.dumps(recording.model_dump(), ensure_ascii=False, indent=1, sort_keys=True)
        part.write_text(kept + "\n", "utf-8")
        part.rename(file)
        self._at_another_time[loose_key_of(recording.path, recording.request)] = recording

    def _file(self, path: str, request: Json) -> Path:
        model = UNSAFE.sub("-", str(request.get("model"))).strip(".-") or "none"
        return self._folder / model / f"{key_of(path, request)}.json"


def key_of(path: str, request: Mapping[str, Any]) -> str:
    """The name of a request: the same for equal contents, in whatever order they are written."""
    return _hashed(_canonical(path, request))


def loose_key_of(path: str, request: Mapping[str, Any]) -> str:
    """The same without times of day and ids."""
    return _hashed(PASSING.sub("~", _canonical(path, request)))


def recordings(folder: Path) -> Iterator[tuple[Path, Recording]]:
    """Every kept answer with its file; raises ValueError that names a broken one."""
    for file in sorted(folder.rglob("*.json")):
        try:
            yield file, Recording.model_validate_json(file.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error


def stale(folder: Path) -> list[Path]:
    """Files that nothing can ask for any more: a prompt of theirs is not what it was."""
    now = versions().items()
    return [file for file, kept in recordings(folder) if not _is_current(kept.prompts, now)]


def prompts_in(messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The versions of the prompts that stand, filled in, among the messages of a request."""
    said = [content for message in messages if isinstance(content := message.get("content"), str)]
    return {
        name: version
        for name, version in versions().items()
        if any(_filled(prompt(name)).fullmatch(text) for text in said)
    }


def _is_current(prompts: Mapping[str, str], now: Any) -> bool:
    """Every call of ours shows a prompt: one that shows none shows one that is gone."""
    return bool(prompts) and prompts.items() <= now


def _filled(template: Template) -> re.Pattern[str]:
    parts = re.split(r"\$\{\w+\}", template.template)
    return re.compile(".*?".join(map(re.escape, parts)), re.DOTALL)


def _canonical(path: str, request: Mapping[str, Any]) -> str:
    return json.dumps([path, request], ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
