import pytest

from tools.understanding.answers_to_questions import LONGEST_ANSWER, answers, together
from tools.understanding.entities import documents_in
from tools.understanding.intents import Scored


def scored(intent: str, confidence: float) -> list[Scored]:
    return [Scored(intent=intent, confidence=confidence, part="")]


@pytest.mark.parametrize(
    ("intent", "confidence"), [("out_of_scope", 0.99), ("order", 0.95), ("balance", 0.4)]
)
def test_a_short_message_that_names_something_is_an_answer(intent: str, confidence: float) -> None:
    assert answers("tampines", scored(intent, confidence), names_something=True)


@pytest.mark.parametrize("text", ["yes", "no thanks", "tampines?", "x" * (LONGEST_ANSWER + 1)])
def test_what_is_no_answer(text: str) -> None:
    assert not answers(text, scored("order", 0.9), names_something=True)


def test_a_message_that_names_nothing_is_no_answer() -> None:
    assert not answers("hm", scored("small_talk", 0.5), names_something=False)


def test_a_message_that_clearly_asks_for_something_else_is_no_answer() -> None:
    assert not answers("what do we owe for tampines", scored("balance", 0.97), names_something=True)


def test_question_and_answer_are_read_as_one_text_of_bounded_length() -> None:
    assert together("cancel my order", "TRIA-000001") == "cancel my order\nTRIA-000001"
    assert len(together("x" * 5000, "tampines")) < 2001


@pytest.mark.parametrize(
    ("asked", "answer", "documents"),
    [
        ("I have paid INV-1041 and INV-1042", "INV-1041", ["INV-1041"]),
        ("I have paid INV-1041 and TRIA-000008", "tria 000008 pls", ["TRIA-000008"]),
        ("I have paid inv 1041 and INV-1042", "INV-1043", ["INV-1043"]),
        ("set CN-7 against INV-1041 or INV-1042", "INV-1042", ["CN-7", "INV-1042"]),
        ("set CN-7 or CN-8 against INV-1041", "CN-8", ["CN-8", "INV-1041"]),
        ("20 boxes in INV-1041 were wet", "the 12 inch", ["INV-1041"]),
        ("把INV-1041和INV-1042取消", "INV-1042", ["INV-1042"]),
    ],
)
def test_the_documents_of_the_answer_stand_for_those_of_the_question(
    asked: str, answer: str, documents: list[str]
) -> None:
    assert documents_in(together(asked, answer)) == documents
