"""Which passages, prices and figures a reply is made of."""

import pytest

from nodes.replies.blocks import blocks_of
from nodes.state import Fact, State
from tests.nodes.conftest import a_state
from tests.nodes.replies.samples import PRODUCT
from tools.context import Context

TERMS, LATE, RUSH = "payment#terms", "payment#late", "ordering#rush"


def asking(text: str, *found: tuple[str, str, float]) -> State:
    """A question about rules, and for each part of it the passage that was found."""
    passages = [{"asked": part, "id": key, "score": score} for part, key, score in found]
    return {**a_state(text, "policy"), "passages": passages}


def shown(state: State, context: Context) -> list[str]:
    blocks = blocks_of(state, context)
    return [b.data["passage"]["id"] if b.name == "policy" else b.name for b in blocks]


def test_every_part_that_is_a_clear_question_is_answered(context: Context) -> None:
    text = "payment terms, and late fees?"
    parts = (text, TERMS, 0.6), ("payment terms", TERMS, 0.7), ("and late fees?", LATE, 0.5)
    assert shown(asking(text, *parts), context) == [TERMS, LATE]


@pytest.mark.parametrize(
    ("text", "first", "score"),
    [
        ("if you send too much, must we pay?", "if you send too much", 0.7),
        ("hello my friends over there, what are your terms?", "hello my friends over there", 0.7),
        ("your rules, what are your terms?", "your rules", 0.2),
    ],
    ids=["supposed", "said", "weak"],
)
def test_one_question_in_several_parts_has_one_answer(
    context: Context, text: str, first: str, score: float
) -> None:
    rest = text.removeprefix(f"{first}, ")
    state = asking(text, (text, TERMS, 0.6), (first, LATE, score), (rest, TERMS, 0.6))
    assert shown(state, context) == [TERMS]


def computed() -> Fact:
    return Fact(kind="computed", source=RUSH, data={"rule": "rush_fee", "section_id": RUSH})


def test_beside_a_computed_answer_only_a_clear_passage_is_shown(context: Context) -> None:
    for score, expected in ((0.3, ["computed"]), (0.6, ["computed", TERMS])):
        state = asking("how much is a rush order?", ("how much is a rush order?", TERMS, score))
        assert shown({**state, "facts": [computed()]}, context) == expected


def test_who_asks_for_a_computed_price_is_not_asked_for_a_product(context: Context) -> None:
    state = a_state("what is SGD 325 with GST?", "price")
    nothing = Fact(kind="products", source="xero:items", data={"listed": []})
    assert shown({**state, "facts": [nothing]}, context) == ["prices"]
    assert shown({**state, "facts": [nothing, computed()]}, context) == ["computed"]


def test_a_size_that_is_not_sold_is_said_before_those_that_are(context: Context) -> None:
    state = a_state("how much are 16 inch boxes?", "price")
    unsold = [{"number": "16", "unit": "inch"}]
    data = {"listed": [PRODUCT], "unsold": unsold}
    facts = [Fact(kind="products", source="xero:items", data=data)]
    assert shown({**state, "facts": facts}, context) == ["not_sold", "prices"]
