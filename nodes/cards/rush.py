"""An urgent order goes to a person at once, and what that costs is said with it (O5)."""

from dataclasses import asdict

from nodes.cards.asking import FOR_A_PERSON
from nodes.state import Fact, State, facts_of
from tools.context import Context
from tools.policy.answers import stated

RULE = "rush_fee"


def rushed(state: State, context: Context) -> list[Fact]:
    """That a person is needed, and the fee. It waits for no answer to our questions."""
    person = {"reason": FOR_A_PERSON["urgent"]}
    return [Fact(kind="needs_person", source="orders", data=person), *_fee(state, context)]


def _fee(state: State, context: Context) -> list[Fact]:
    is_told = any(fact["rule"] == RULE for fact in facts_of(state, "computed"))
    found = None if is_told else stated(RULE, context.now())
    return [Fact(kind="computed", source=found.section_id, data=asdict(found))] if found else []
