from pathlib import Path

import pytest

from tools.search.embedder import Embedder
from tools.understanding.intents import (
    MAX_PARTS,
    SURE,
    IntentClassifier,
    grams_of,
    is_latin,
    load_utterances,
    load_weights,
    parts_of,
    utterances_hash,
)

LEAST_UTTERANCES = 80


@pytest.fixture(scope="module")
def classifier(data_folder: Path) -> IntentClassifier:
    return IntentClassifier(Embedder(data_folder / "minilm"), load_weights())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("could you tell me how much we have to pay you", "balance"),
        ("has our bank transfer arrived yet", "payment"),
        ("half of the boxes came damaged and wet", "damage"),
        ("there is mould on the trays", "food_safety"),
        ("get me a human", "person"),
        ("do you deliver on sundays", "delivery"),
        ("我们还欠多少钱", "balance"),
        ("berapa baki hutang kami", "balance"),
        ("what is the weather tomorrow", "out_of_scope"),
    ],
)
async def test_words_that_stand_in_no_example_are_understood(
    classifier: IntentClassifier, text: str, intent: str
) -> None:
    best, *_ = await classifier.classify(text)
    assert best.intent == intent
    assert best.confidence >= SURE


async def test_noise_is_near_nothing(classifier: IntentClassifier) -> None:
    found = await classifier.classify("qwzx plk 0x7f")
    assert all(s.confidence < SURE for s in found if s.intent != "out_of_scope")


async def test_each_part_of_a_message_has_its_intent(classifier: IntentClassifier) -> None:
    found = await classifier.classify("What do I owe? The boxes arrived crushed.")
    parts = {s.intent: s.part for s in found}
    assert parts["balance"] == "What do I owe?"
    assert parts["damage"] == "The boxes arrived crushed."


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
        ("我要取消。发票呢？", ["我要取消。", "发票呢？"]),
        ("  ", []),
    ],
)
def test_a_message_falls_into_its_requests(text: str, parts: list[str]) -> None:
    assert parts_of(text) == parts


def test_a_flood_of_sentences_is_cut() -> None:
    assert len(parts_of("Hello. " * 100)) == MAX_PARTS


def test_the_weights_belong_to_the_utterances() -> None:
    """Fails when utterances were changed: run `make train-intents` and commit the weights."""
    assert load_weights().source == utterances_hash(load_utterances())


def test_every_intent_has_enough_utterances_and_none_is_written_twice() -> None:
    utterances = load_utterances()
    assert {i: len(t) for i, t in utterances.items() if len(t) < LEAST_UTTERANCES} == {}
    texts = [t.lower() for found in utterances.values() for t in found]
    assert len(texts) == len(set(texts))


def test_numbers_are_all_the_same_to_the_classifier() -> None:
    assert grams_of("INV-1043") == grams_of("inv-7")


@pytest.mark.parametrize(
    ("text", "latin"),
    [("what do I owe", True), ("boleh hantar", True), ("欠多少钱", False), ("எவ்வளவு", False)],
)
def test_the_embedding_is_asked_only_where_it_knows_the_script(text: str, *, latin: bool) -> None:
    assert is_latin(text) == latin
