from collections.abc import Callable
from typing import Any

import pytest
from langgraph.runtime import Runtime

from nodes.replies.cached import question_key
from nodes.replies.problems import LONGEST_REPLY
from nodes.state import Fact, Intent, State, Verdict
from nodes.validate_output import validate_output
from tests.nodes.conftest import a_state
from tests.tools.conftest import Control
from tools.context import Context
from tools.sandbox.company import demo_customers

PASSAGE = {"id": "cancellation#fee", "title": "Cancelling", "section": "Fee", "text": "It is 25%."}


def replied(text: str, *citations: str, intent: Intent = "balance", **more: Any) -> State:
    state = a_state("I paid SGD 12.50 for order 7", intent)
    reply = {"text": text, "by": "templates", "citations": [*citations], "is_shared": False}
    facts = [Fact(kind="balance", source="xero:invoices", data={"outstanding": "806.60"})]
    return {**state, "facts": facts, "reply": reply, **more}  # type: ignore[typeddict-item]


async def verdict_on(state: State, context: Context) -> Verdict:
    update = await validate_output(state, Runtime(context=context))
    assert set(update) == {"verdict"}
    return update["verdict"]


@pytest.mark.parametrize(
    "text", ["You owe SGD 806.60.", "You ask about order 7.", "How may I help?"]
)
async def test_a_reply_whose_figures_have_a_source_passes(context: Context, text: str) -> None:
    assert (await verdict_on(replied(text), context)) == {
        "passed": True,
        "problems": [],
        "tries": 1,
    }


# 5.4 case 22
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("x" * (LONGEST_REPLY + 1), "too long"),
        ("You owe SGD 806.61.", "no source for money"),
        ("Please pay by 3 March 2020.", "no source for date"),
        ("See INV-1001.", "no source for id"),
        ("You get a discount.", "no source for promise"),
        ("Pay at https://pay.example/now.", "no source for link"),
    ],
)
async def test_a_reply_that_must_not_be_stored_is_refused(
    context: Context, text: str, problem: str
) -> None:
    verdict = await verdict_on(replied(text), context)
    assert verdict["problems"] == [problem]
    assert not verdict["passed"]


async def test_card_ticket_and_passages_are_sources(context: Context) -> None:
    state = replied(
        "TRIA-000012 over SGD 9.81 is placed, ticket T-000007, the fee is 25%.",
        card={"status": "committed", "document_number": "TRIA-000012", "total": "9.81"},
        handoff={"ticket": "T-000007"},
        passages=[PASSAGE],
    )
    assert (await verdict_on(state, context))["passed"]


async def test_a_policy_answer_needs_a_citation(context: Context) -> None:
    bare = replied("It is 25%.", intent="policy", passages=[PASSAGE])
    assert (await verdict_on(bare, context))["problems"] == ["no citation"]
    cited = replied("It is 25%.", PASSAGE["id"], intent="policy", passages=[PASSAGE])
    assert (await verdict_on(cited, context))["passed"]


async def test_a_policy_question_without_any_passage_needs_none(context: Context) -> None:
    state = replied("I can't find this.", intent="policy", passages=[])
    assert (await verdict_on(state, context))["passed"]


async def test_a_reply_that_fails_again_is_replaced_by_fixed_words(context: Context) -> None:
    state = replied("You owe SGD 1.00.", verdict={"passed": False, "problems": [], "tries": 1})
    update = await validate_output(state, Runtime(context=context))
    assert update["verdict"]["tries"] == 2
    assert "colleague" in update["reply"]["text"]
    assert "1.00" not in update["reply"]["text"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Sorry about that. We apologise for it.", "more than one apology"),
        ("Good news 🎉", "too many emoji"),
        ("\n".join(["One more line."] * 9), "too many lines"),
    ],
)
async def test_a_model_is_held_to_the_tone(context: Context, text: str, problem: str) -> None:
    state = replied(text)
    state = {**state, "reply": {**state["reply"], "by": "model"}}
    assert problem in (await verdict_on(state, context))["problems"]


async def test_only_an_answer_from_policies_alone_is_kept_for_others(
    with_model: Context, control: Control
) -> None:
    passage = PASSAGE | {"version": "1"}
    question: dict[str, Any] = {"intent": "policy", "passages": [passage]}
    state = replied("It is 25%.", PASSAGE["id"], **question)
    by_model: State = {**state, "reply": {**state["reply"], "by": "model"}}
    of_account = question_key(by_model, with_model)
    assert of_account is None
    by_model = {**by_model, "facts": []}
    key = question_key(by_model, with_model)
    assert key is not None
    await validate_output(by_model, Runtime(context=with_model))
    assert await with_model.answers.get(key) == "It is 25%."


@pytest.mark.parametrize("customer_id", [c.customer_id for c in demo_customers()])
async def test_every_customer_may_be_called_by_name(
    context_of: Callable[[str], Context], customer_id: str
) -> None:
    context = context_of(customer_id)
    name = context.caller.name.split()[0]
    reply = f"Hello {name}, I can take an order, or explain our rules. What can I do for you?"
    assert (await verdict_on(replied(reply, intent="small_talk"), context))["problems"] == []
