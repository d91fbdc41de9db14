"""The company's policies in each language, with their numbers filled in."""

import calendar
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template

from tools.ordering.catalogue import load_catalogue
from tools.rules import rules_values
from tools.search.hybrid_index import digest

ENGLISH = "en"
MINUTES_AN_HOUR = 60


@dataclass(frozen=True)
class PolicySection:
    """A section of a policy, able to stand alone; `id` is the file's stem # the heading's slug.

    A translation has the id of the English section.
    """

    id: str
    title: str
    section: str
    text: str
    source: str
    language: str = ENGLISH

    @property
    def searchable(self) -> str:
        """What is indexed: the text under its heading."""
        return f"{self.section}. {self.text}"

    @property
    def version(self) -> str:
        """The first 12 hex digits of the content's hash."""
        return digest(self.searchable)


class PolicyTemplate(Template):
    """`${section.key}` and `${product.CODE.price}`."""

    idpattern = r"[A-Za-z0-9_.-]+"


@cache
def load_policies(language: str = ENGLISH) -> tuple[PolicySection, ...]:
    """Every section of the policies in a language; none where there is no translation.

    A placeholder without a value raises KeyError. A translated file whose sections are not
    those of the English one is left out: its passages would be cited under wrong ids.
    """
    english = {file.name: _sections(file, ENGLISH) for file in _files(_folder())}
    if language == ENGLISH:
        return tuple(section for sections in english.values() for section in sections)
    translated = {file.name: _sections(file, language) for file in _files(_folder() / language)}
    return tuple(
        replace(section, id=original.id)
        for name, originals in english.items()
        if len(originals) == len(translated.get(name, ()))
        for original, section in zip(originals, translated[name], strict=True)
    )


@cache
def load_asked(language: str = ENGLISH) -> dict[str, tuple[str, ...]]:
    """Ways in which customers ask for a section, by its id: keys for the search."""
    file = _folder() / "asked" / f"{language}.toml"
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {key: tuple(ways) for key, ways in written.items()}


def policy_values(language: str = ENGLISH) -> dict[str, str]:
    """What the texts may quote, as customers read it: 10,000, 2 hours, Tuesday."""
    units = _units()[language]
    values = {key: _readable(key, value, units) for key, value in rules_values().items()}
    for product in load_catalogue().products:
        prefix = f"product.{product.code}"
        values[f"{prefix}.name"] = product.name
        values[f"{prefix}.size"] = product.size
        values[f"{prefix}.price"] = str(product.list_price)
        pack = units.get(product.pack, product.pack)
        values[f"{prefix}.pack"] = units["packing"].format(
            pack=pack, pieces=f"{product.pack_size:,}"
        )
    return values


def _readable(key: str, value: str, units: Mapping[str, str]) -> str:
    if key.endswith("_minutes"):
        return _duration(int(value), units)
    if value.isdecimal() and not key.endswith("_year"):
        return f"{int(value):,}"
    *others, last = (units.get(word, word) for word in value.split(", "))
    return units["and"].join([units["comma"].join(others), last] if others else [last])


def _duration(minutes: int, units: Mapping[str, str]) -> str:
    if minutes < MINUTES_AN_HOUR or minutes % MINUTES_AN_HOUR:
        return units["minutes"].format(minutes)
    hours = minutes // MINUTES_AN_HOUR
    return units["hours" if hours > 1 else "hour"].format(hours)


def _folder() -> Traversable:
    return resources.files("policies")


def _files(folder: Traversable) -> list[Traversable]:
    found = folder.iterdir() if folder.is_dir() else []
    return sorted((f for f in found if f.name.endswith(".md")), key=lambda file: file.name)


@cache
def _units() -> dict[str, dict[str, str]]:
    """Words for units by language; English names its weekdays itself."""
    text = (_folder() / "units.toml").read_text(encoding="utf-8")
    units: dict[str, dict[str, str]] = tomllib.loads(text)
    units[ENGLISH] |= dict(zip(calendar.day_abbr, calendar.day_name, strict=True))
    return units


def _sections(file: Traversable, language: str) -> list[PolicySection]:
    markdown = file.read_text(encoding="utf-8")
    text = PolicyTemplate(markdown).substitute(policy_values(language))
    folder = "policies" if language == ENGLISH else f"policies/{language}"
    return list(_parts(text, f"{folder}/{file.name}", language))


def _parts(text: str, source: str, language: str) -> Iterator[PolicySection]:
    head, *parts = text.split("\n## ")
    stem = source.rpartition("/")[2].removesuffix(".md")
    for part in parts:
        heading, _, body = part.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        title = head.removeprefix("# ").strip()
        name = f"{stem}#{slug}"
        yield PolicySection(name, title, heading.strip(), body.strip(), source, language)
