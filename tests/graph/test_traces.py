"""What a tracer would be shown of a turn: every input and output of every step and model call."""

import re
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from typing_extensions import override

from graph.clients import Clients
from graph.traces import untold
from nodes.state import State
from tests.conftest import customer
from tests.nodes.conftest import (
    a_turn,
    clients,
    context,
    model,
    nothing_kept,
    thread_id,
    with_model,
)
from tests.tools.conftest import Control, control
from tools.context import Context

__all__ = ["clients", "context", "control", "model", "nothing_kept", "thread_id", "with_model"]

LINK = re.compile(r"/documents/([\w-]{20,})")


class Tracer(BaseCallbackHandler):
    """Keeps what LangChain hands to tracers."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> None:
        self.shown.append(f"{inputs} {more}")

    @override
    def on_chain_end(self, outputs: Any, **more: Any) -> None:
        self.shown.append(f"{outputs}")

    @override
    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], **more: Any
    ) -> None:
        self.shown.append(f"{messages} {more}")

    @override
    def on_llm_end(self, response: LLMResult, **more: Any) -> None:
        self.shown.append(f"{response}")


async def traced(clients: Clients, context: Context, thread_id: str, text: str) -> tuple[str, str]:
    """The reply, and all that a tracer was shown."""
    tracer = Tracer()
    turn = a_turn(text, thread_id=thread_id, received_at=context.now().isoformat())
    state = await clients.graph.ainvoke(
        State(turn=turn),
        {"configurable": {"thread_id": f"traced:{uuid4()}"}, "callbacks": [tracer]},
        context=context,
    )
    return state["reply"]["text"], "\n".join(tracer.shown)


# 5.4 case 19
async def test_the_page_where_an_invoice_is_paid_is_in_no_trace(
    clients: Clients, with_model: Context, control: Control, thread_id: str
) -> None:
    due = [i for i in control.sales(customer().contact_ids) if i["Status"] == "AUTHORISED"]
    number = due[-1]["InvoiceNumber"]
    text = f"can you give me a payment link for {number}"
    reply, shown = await traced(clients, with_model, thread_id, text)
    [token] = LINK.findall(reply)
    link = await clients.links.find(token)
    assert link
    assert link["kind"] == "pay_link"
    address = await with_model.accounts.online_invoice_url(number)
    assert address
    assert number in shown
    assert address.rpartition("/")[2] not in shown


# 5.1: handles and facts are shown, and never whose books they are
async def test_no_id_of_a_contact_is_in_a_trace(
    clients: Clients, with_model: Context, thread_id: str
) -> None:
    _, shown = await traced(clients, with_model, thread_id, "what do I owe?")
    assert "AmountDue" in shown or "amount_due" in shown
    for contact in with_model.caller.contact_ids:
        assert contact not in shown


@pytest.mark.parametrize(
    ("status", "attempts", "resume", "told", "expected"),
    [
        ("succeeded", 1, None, [(False, 1)], 0),
        ("succeeded", 3, None, [(False, 3)], 2),
        ("succeeded", 3, None, [(False, 1), (False, 3)], 1),
        ("running", 2, None, [], 1),
        ("running", 2, None, [(False, 1)], 0),
        ("attempts_exhausted", 5, None, [], 5),
        ("failed", 1, None, [], 0),
        ("interrupted", 2, None, [(False, 2)], 1),
        ("running", 1, {"approved": True}, [(False, 2)], 1),
        ("succeeded", 2, {"approved": True}, [(False, 1), (True, 2)], 1),
        ("succeeded", 1, None, [], 0),
    ],
    ids=[
        *(
            "told",
            "two died",
            "one between",
            "it goes on",
            "handed over",
            "gave up",
            "pruned",
            "waits",
        ),
        *("decided", "died after the decision", "nothing kept"),
    ],
)
def test_attempts_of_which_nothing_is_told(
    status: str, attempts: int, resume: Any, told: list[tuple[bool, int]], expected: int
) -> None:
    parts = [
        {"spans": [{"attributes": {"tria.turn.is_resumed": again, "tria.run.attempt": number}}]}
        for again, number in told
    ]
    error = status if status == "attempts_exhausted" else None
    run = {"status": status, "error": error, "attempts": attempts, "resume": resume}
    assert untold(run, parts) == expected
