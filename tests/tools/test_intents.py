from pathlib import Path

import pytest

from tools.embedder import Embedder
from tools.intents import MAX_PARTS, IntentClassifier, load_utterances, parts_of


@pytest.fixture(scope="module")
def classifier(data_folder: Path) -> IntentClassifier:
    return IntentClassifier(Embedder(data_folder / "minilm"), load_utterances())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("could you tell me how much we have to pay you", "balance"),
        ("has our bank transfer arrived yet", "payments"),
        ("half of the boxes came damaged and wet", "complaint"),
        ("there is mould on the trays", "food_safety"),
        ("get me a human", "person"),
        ("do you deliver on sundays", "policy"),
    ],
)
async def test_words_that_stand_in_no_example_are_understood(
    classifier: IntentClassifier, text: str, intent: str
) -> None:
    best, *_ = await classifier.classify(text)
    assert best.intent == intent
    assert best.confidence >= 0.5


async def test_an_example_is_certain(classifier: IntentClassifier) -> None:
    [best, *_] = await classifier.classify("what is my outstanding balance")
    assert best.confidence > 0.9


async def test_noise_is_near_nothing(classifier: IntentClassifier) -> None:
    assert all(s.confidence < 0.5 for s in await classifier.classify("qwzx plk 0x7f"))


async def test_each_part_of_a_message_has_its_intent(classifier: IntentClassifier) -> None:
    found = await classifier.classify("What do I owe? The boxes arrived crushed.")
    parts = {s.intent: s.part for s in found}
    assert parts["balance"] == "What do I owe?"
    assert parts["complaint"] == "The boxes arrived crushed."


async def test_an_intent_is_told_once_and_the_surest_first(classifier: IntentClassifier) -> None:
    found = await classifier.classify("What do I owe? How much is my balance? Hello there.")
    names = [s.intent for s in found]
    assert len(names) == len(set(names))
    assert [s.confidence for s in found] == sorted((s.confidence for s in found), reverse=True)
    assert all(0 <= s.confidence <= 1 for s in found)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("what do I owe", ["what do I owe"]),
        ("Crushed! What now?", ["Crushed!", "What now?"]),
        ("cancel it and send me the invoice", ["cancel it", "send me the invoice"]),
        ("boxes and lids", ["boxes and lids"]),
        ("one\n\ntwo", ["one", "two"]),
        ("  ", []),
    ],
)
def test_a_message_falls_into_its_requests(text: str, parts: list[str]) -> None:
    assert parts_of(text) == parts


def test_a_flood_of_sentences_is_cut() -> None:
    assert len(parts_of("Hello. " * 100)) == MAX_PARTS
