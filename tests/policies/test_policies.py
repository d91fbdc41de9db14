import re
import tomllib
from pathlib import Path

import pytest

from tools.embedded.minilm import build_minilm
from tools.embedder import Embedder
from tools.knowledge import Knowledge, PolicySection, load_policies, open_chroma, policy_values
from tools.rules import rules_values

FOLDER = Path(__file__).parents[2] / "policies"
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
QUESTIONS = tomllib.loads((Path(__file__).parent / "questions.toml").read_text())["questions"]
NAMES_OF_STANDARDS = ("ISO 9001", "ISO 14001")
NUMBER_WORDS = (
    r"\b(two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|ninety|hundred|thousand|half|twice|double|quarter)\b"
)
# Rules that only steer the code, or that the texts say in words.
NOT_QUOTED = (
    "company.", "ordering.urgent_words", "escalation.min_confidence", "escalation.levels.1.",
    "escalation.levels.4.", "delivery.windows.morning.name", "delivery.windows.afternoon.name",
    "escalation.levels.2.who", "escalation.levels.3.who",
)  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_numbers_are_quoted_from_the_rules(name: str) -> None:
    text = re.sub(r"\$\{[^}]+\}", "", TEXTS[name])
    for standard in NAMES_OF_STANDARDS:
        text = text.replace(standard, "")
    assert re.findall(r"\d+", text) == []
    assert re.findall(NUMBER_WORDS, text, re.IGNORECASE) == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_placeholder_has_a_value(name: str) -> None:
    assert set(re.findall(r"\$\{([^}]+)\}", TEXTS[name])) <= policy_values().keys()


def test_every_rule_is_told_to_customers() -> None:
    quoted = {key for text in TEXTS.values() for key in re.findall(r"\$\{([^}]+)\}", text)}
    told = {key for key in rules_values() if not key.startswith(NOT_QUOTED)}
    assert sorted(told - quoted) == []


def test_every_price_is_told_to_customers() -> None:
    quoted = {key for text in TEXTS.values() for key in re.findall(r"\$\{([^}]+)\}", text)}
    prices = {key for key, value in policy_values().items() if key.endswith(".price")}
    assert {key for key in prices - quoted if policy_values()[key] != "0.00"} == set()


@pytest.mark.parametrize("section", load_policies(), ids=lambda section: section.id)
def test_a_section_stands_alone(section: PolicySection) -> None:
    assert 40 <= len(section.text.split()) <= 120
    assert "$" not in section.text


def test_section_ids_are_unique() -> None:
    ids = [section.id for section in load_policies()]
    assert len(set(ids)) == len(ids)


def test_questions_name_sections_that_exist() -> None:
    ids = {section.id for section in load_policies()}
    assert {name for question in QUESTIONS for name in question["sections"]} <= ids


async def test_search_finds_what_customers_ask(tmp_path: Path) -> None:
    embedder = Embedder(build_minilm(Path.home() / ".cache" / "tria" / "minilm"))
    knowledge = Knowledge(open_chroma(None, tmp_path), load_policies(), embedder)
    await knowledge.index()
    missed = [
        question["ask"]
        for question in QUESTIONS
        if not {p["id"] for p in await knowledge.search(question["ask"], k=3)}
        & set(question["sections"])
    ]
    assert len(missed) <= 0.05 * len(QUESTIONS), missed
