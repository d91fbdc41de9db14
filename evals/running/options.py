"""Options that several commands share: which model answers, and which version is served."""

import argparse
from pathlib import Path

from evals.lanes.tree import POLICIES, PROMPTS, NoSuchVersion, Wanted
from evals.models.choice import MODES
from evals.running.asked import Asked


def add_model(parser: argparse.ArgumentParser) -> None:
    """Who words replies."""
    parser.add_argument("--model", choices=MODES, default="offline", help="who words replies")
    parser.add_argument("--model-name", default="", metavar="NAME")


def add_version(parser: argparse.ArgumentParser) -> None:
    """Other code, prompts or policies than those that are here."""
    parser.add_argument("--at", metavar="COMMIT", help="the service as it was there")
    parser.add_argument("--prompt", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--policies", metavar="FOLDER", default="")
    parser.add_argument("--replace", action="append", default=[], metavar="PLACE=FILE")


def wanted_of(given: argparse.Namespace) -> Wanted:
    """The version that the options ask for; raises NoSuchVersion and Asked."""
    replaced: dict[str, Path] = {}
    for name, file in map(_split, given.prompt):
        replaced[f"{PROMPTS}/{name}.md"] = Path(file)
    for place, file in map(_split, given.replace):
        replaced[place] = Path(file)
    if given.policies:
        folder = Path(given.policies)
        found = [f for f in folder.rglob("*") if f.is_file()]
        if not found:
            raise NoSuchVersion(f"There are no policies in {folder}.")
        replaced |= {f"{POLICIES}/{f.relative_to(folder)}": f for f in found}
    return Wanted(given.at, replaced)


def _split(option: str) -> tuple[str, str]:
    name, separator, file = option.partition("=")
    if not separator:
        raise Asked(f"{option}: write it as NAME=FILE.")
    return name, file


def positive(text: str) -> int:
    """A count of something: at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
