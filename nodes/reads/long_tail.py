"""What no fixed plan finds: a model picks from read-only tools in the customer's own books."""

from typing import NamedTuple

from langchain_core.messages import HumanMessage, SystemMessage, convert_to_messages

from nodes.prompts import prompt, without_links
from nodes.state import Fact, Intent, Spent, State, ToolCall, intents_of, spent_on
from tools.context import Context, LanguageModel
from tools.xero.documents import Invoice
from tools.xero.guesses import LookedUp
from tools.xero.long_tail import read_long_tail
from tools.xero.toolset import Toolset

OF_BOOKS: frozenset[Intent] = frozenset({"balance", "invoice", "payment", "statement", "credit"})
HISTORY = 4


def is_open(state: State, facts: list[Fact]) -> bool:
    """Whether the message asks for something in the books and the plan found nothing to tell."""
    return bool(intents_of(state) & OF_BOOKS) and not any(map(_tells, facts))


class More(NamedTuple):
    """What a model's picks found, the picks, and what choosing cost."""

    facts: list[Fact]
    calls: list[ToolCall]
    spent: list[Spent]


async def read_more(state: State, context: Context, model: LanguageModel) -> More:
    """Facts of the tools that the model picked; none where it picked none or failed."""
    spent: list[Spent] = []

    async def look_up(number: str) -> LookedUp[Invoice]:
        return await context.guesses.look_up(
            context.caller.customer_id,
            number,
            context.accounts.invoice_by_number,
            state["turn"].get("focus", {}).get("listed", []),
        )

    tools = Toolset(context.accounts, context.catalogue, context.now().date(), look_up)
    facts = await read_long_tail(
        model,
        [
            SystemMessage(prompt("call_xero_tools").substitute(today=f"{context.now():%A %F}")),
            *convert_to_messages(without_links(state["turn"]["history"][-HISTORY:])),
            HumanMessage(state["screened"]["masked"]),
        ],
        tools,
        lambda usage: spent.append(spent_on("call_xero_tools", model.name, usage)),
    )
    found = [Fact(kind=f["kind"], source=f["source"], data=f["data"]) for f in facts]
    if tools.needs_person:
        found.append(Fact(kind="needs_person", source="guesses", data={"reason": "guessing"}))
    calls = [
        ToolCall(name=name, kind="pick", args=args, outcome="ok") for name, args in tools.called
    ]
    return More(found, calls, spent)


def _tells(fact: Fact) -> bool:
    data = fact["data"]
    return fact["kind"] != "documents" or bool(data["found"] or data["missing_count"])
