"""Prompts are the Markdown files beside this one, named after their node."""

from functools import cache
from importlib import resources
from string import Template


@cache
def prompt(name: str) -> Template:
    """The prompt of one node, with `${placeholders}`."""
    return Template(resources.files("nodes.prompts").joinpath(f"{name}.md").read_text())
