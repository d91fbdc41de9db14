"""Prompts are the Markdown files beside this one, named after their node."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template


@cache
def prompt(name: str) -> Template:
    """The prompt of one node, with `${placeholders}`."""
    return Template(_text(name))


@cache
def version(name: str) -> str:
    """The prompt's version: equal only where its text is."""
    return hashlib.sha256(_text(name).encode()).hexdigest()[:12]


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
