"""Prompts are the Markdown files beside this one, named after their node."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template


@cache
def prompt(name: str) -> Template:
    """The prompt of one node, with `${placeholders}`."""
    return Template(resources.files("nodes.prompts").joinpath(f"{name}.md").read_text())


# What opens a document is for the customer's eyes alone.
LINK = re.compile(r"\S*/documents/\S+")


def without_links(history: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The messages of a conversation as a model may read them."""
    return [{**said, "content": LINK.sub("[link]", said["content"])} for said in history]
