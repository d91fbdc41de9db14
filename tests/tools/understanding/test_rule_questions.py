import pytest

from tools.understanding.rule_questions import asks_for_rules, tells_of_own


@pytest.mark.parametrize(
    "text",
    [
        "what happens if a box comes crushed?",
        "within how many hours must we report a broken tray?",
        "who handles it when several hundred pieces are damaged?",
        "if you already packed it can we still change something?",
        "what if more comes than we ordered, must we give it back?",
        "Hello Tria! if I order today, when does it arrive?",
        "how soon does the director reply?",
        "如果送错货了怎么办？",
        "最晚几点可以下单？",
        "apa berlaku kalau kuantiti tak cukup?",
        "தாமதமாக பணம் கட்டினால் வட்டி எவ்வளவு?",
    ],
)
def test_a_question_about_how_things_are_done(text: str) -> None:
    assert asks_for_rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "our boxes came crushed, what happens now?",
        "we received 15 crushed boxes. what happens if we report it tomorrow?",
        "I want a refund, how long does it take?",
        "can you cancel it if it is not packed yet?",
        "how long does my refund take?",
        "what happens if I cancel TRIA-000123?",
        "if you don't fix it you will hear from my lawyer",
        "if possible deliver 200 12 inch boxes on Saturday",
        "trays crack when we press the lid on",
        "昨天送来的盒子坏了，怎么办？",
        "barang semalam belum sampai, apa jadi?",
        "thanks!",
        "",
    ],
)
def test_what_happened_or_is_wanted_is_no_question_about_rules(text: str) -> None:
    assert not asks_for_rules(text)


def test_what_is_only_supposed_is_not_told() -> None:
    assert tells_of_own("our driver left, the boxes came wet")
    assert not tells_of_own("if the boxes came wet")
