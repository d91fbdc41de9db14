"""Prompts are the Markdown files beside this one, named after their node."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from string import Template

# Of the task that tries other texts, and of what it starts: no other turn ever sees them.
_INSTEAD: ContextVar[Mapping[str, str]] = ContextVar("prompts_instead", default={})  # noqa: B039


def prompt(name: str) -> Template:
    """The prompt of one node, with `${placeholders}`."""
    tried = _INSTEAD.get().get(name)
    return _stored(name) if tried is None else Template(tried)


def version(name: str) -> str:
    """The prompt's version: equal only where its text is."""
    return _version_of(prompt(name).template)


@contextmanager
def trying(texts: Mapping[str, str]) -> Iterator[None]:
    """Within it these texts stand for the prompts of those names."""
    before = _INSTEAD.set(dict(texts))
    try:
        yield
    finally:
        _INSTEAD.reset(before)


@cache
def _stored(name: str) -> Template:
    return Template(_text(name))


@cache
def _version_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def versions() -> dict[str, str]:
    """The versions of all prompts, by name."""
    files = resources.files("nodes.prompts").iterdir()
    names = (file.name.removesuffix(".md") for file in files if file.name.endswith(".md"))
    return {name: version(name) for name in sorted(names)}


def _text(name: str) -> str:
    return resources.files("nodes.prompts").joinpath(f"{name}.md").read_text("utf-8")


# What opens a document is for the customer's eyes alone.
LINK = re.compile(r"\S*/documents/\S+")


def without_links(history: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The messages of a conversation as a model may read them."""
    return [{**said, "content": LINK.sub("[link]", said["content"])} for said in history]
