"""What langgraph.json names: the same graph under LangGraph's own server, as one demo customer.

That server keeps conversations as messages in its own store, so a thin graph around ours turns
the last message into a turn and the reply into a message. Parts that are not configured are
started, as `make run` does, on a data folder of their own.
"""

import asyncio
import atexit
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from pathlib import Path
from typing import Annotated, cast
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.config import get_config
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from graph.clients import Clients, now, open_clients
from graph.focus import focus_of
from graph.migrate import prepare_database
from graph.settings import Settings, environment
from nodes.state import Focus, State, Turn
from tools.context import Caller
from tools.embedded.parts import running_parts
from tools.sandbox.company import DemoCustomer, demo_customers

DATA = Path(".tria") / "studio"
HISTORY = 10
OPEN = AsyncExitStack()  # holds the clients for as long as the server's process lives


class Conversation(TypedDict, total=False):
    """The messages of a thread on LangGraph's server, and what it is about."""

    messages: Annotated[list[AnyMessage], add_messages]
    focus: Focus


async def answer(state: Conversation) -> Conversation:
    """Run one turn of Tria on the last message."""
    clients = await _clients()
    caller = demo_caller(demo_customers()[0])
    *earlier, last = state["messages"]
    thread_id = get_config()["configurable"]["thread_id"]
    await clients.conversations.create(thread_id, caller.customer_id, {})
    card = await clients.actions.open_of(thread_id, caller.customer_id)
    turn = Turn(
        run_id=str(uuid4()),
        thread_id=str(thread_id),
        text=str(last.text),
        received_at=now().isoformat(),
        history=[_plain(m) for m in earlier[-HISTORY:]],
        focus=state.get("focus", {}),
        open_card=card and {"action_id": str(card["action_id"]), "hash": card["hash"]},
        decision=None,
        notice=None,
    )
    result = await clients.graph.ainvoke(
        State(turn=turn),
        {"configurable": {"thread_id": f"studio:{turn['run_id']}"}},
        context=clients.context_for(caller),
    )
    return {
        "messages": [AIMessage(result["reply"]["text"])],
        "focus": focus_of(cast(State, result)),
    }


def demo_caller(customer: DemoCustomer) -> Caller:
    """The caller that a demo customer signs in as."""
    return Caller(
        customer_id=customer.customer_id,
        name=customer.name,
        company=customer.company,
        contact_ids=customer.contact_ids,
        roles=frozenset(customer.roles),
    )


def _plain(message: AnyMessage) -> dict[str, str]:
    role = "user" if isinstance(message, HumanMessage) else "assistant"
    return {"role": role, "content": str(message.text)}


@cache
def _opening() -> "asyncio.Task[Clients]":
    return asyncio.create_task(_open())


async def _clients() -> Clients:
    return await asyncio.shield(_opening())


async def _open() -> Clients:
    """Open the clients once; they live as long as the server's process."""
    found = await asyncio.to_thread(_start_parts)
    await prepare_database(found)
    values = {name.lower(): value for name, value in found.items()}
    settings = await asyncio.to_thread(lambda: Settings.model_validate(values))
    return await OPEN.enter_async_context(open_clients(settings))


def _start_parts() -> dict[str, str]:
    stack = ExitStack()
    atexit.register(stack.close)
    configured = environment()
    folder = Path(configured.get("TRIA_DATA", DATA))
    return configured | stack.enter_context(running_parts(folder, configured, lambda _: None))


graph = (
    StateGraph(Conversation)
    .add_node(answer)
    .add_edge(START, "answer")
    .add_edge("answer", END)
    .compile(name="tria")
)
