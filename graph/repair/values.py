"""What staff may put into a turn's state: what has its form, and nothing a write stands on."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from nodes.state import Focus, State
from tools.screening.personal import TOKEN

# Nobody acts for these: they take the customer's answer to a card, carry it out, or look at the
# reply. Who wants to send words that the gate refuses sends them under their own name.
GUARDED = frozenset(("confirm_action", "await_approval", "commit_action", "validate_output"))
# What a node returns, as far as staff may say it in its place.
RESULTS: Mapping[str, frozenset[str]] = {
    "screen_message": frozenset(("screened",)),
    "classify_intent": frozenset(("understanding", "spent")),
    "retrieve_policies": frozenset(("passages", "facts")),
    "call_xero_tools": frozenset(("facts", "calls", "spent")),
    "propose_order": frozenset(("facts", "order")),
    "propose_action": frozenset(("facts", "order")),
    "hand_off": frozenset(("handoff",)),
    "adapt_tone": frozenset(("tone",)),
    "compose_reply": frozenset(("reply", "spent")),
    "report_outcome": frozenset(("facts", "screened", "understanding")),
}
# What of it the next steps cannot do without.
NEEDED: Mapping[str, frozenset[str]] = {
    "screen_message": frozenset(("screened",)),
    "classify_intent": frozenset(("understanding",)),
    "adapt_tone": frozenset(("tone",)),
    "compose_reply": frozenset(("reply",)),
    "report_outcome": frozenset(("screened", "understanding")),
}
# What the turns before handed on is part of the turn, and is changed by this name.
FOCUS = "focus"
EDITABLE = frozenset((FOCUS,)).union(*RESULTS.values()) - {"spent"}
# A changed reading of the message is not the customer's any more: it says yes to no card.
READING = frozenset(("screened", "understanding"))
# Facts that only a card leads to.
OF_CARDS = frozenset(("committed", "awaiting_approval", "already_noted", "declined"))
CARDS_SAY = "is left to cards: they are for the customer's yes and the console's decision."


def faults_of(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the keys or the form of some values, in words."""
    keys = set(values)
    if unknown := keys - set(State.__annotations__):
        yield f"values: the state has no '{min(unknown)}'."
    for key in sorted(keys - unknown):
        yield from _form_faults(key, values[key])


def result_faults(node: str, result: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a result that is given in place of a node's."""
    if node in GUARDED or node not in RESULTS:
        yield f"{node}: nobody acts for this step. Retry it, or abandon the turn in your own words."
        return
    if foreign := set(result) - RESULTS[node]:
        yield f"result: {node} does not give '{min(foreign)}'; it gives {_named(RESULTS[node])}."
    if missing := NEEDED.get(node, frozenset()) - set(result):
        yield f"result: {node} gives '{min(missing)}', which the next steps read."
    yield from faults_of(result)
    yield from _card_faults(result, [])


def edit_faults(values: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with values that are to replace some of a state's."""
    if not values:
        yield "values: name what is to change."
    if frozen := set(values) - EDITABLE:
        yield f"values: '{min(frozen)}' {CARDS_SAY} You may change {_named(EDITABLE)}."
    yield from faults_of({key: value for key, value in values.items() if key != FOCUS})
    if FOCUS in values:
        yield from _form_faults(FOCUS, values[FOCUS])
    yield from _card_faults(values, before.get("facts") or [])
    if hidden := _tokens(values) - _tokens(before):
        yield f"values: {min(hidden)} stands for what is hidden from you. Unmask the conversation."


def _form_faults(key: str, value: Any) -> Iterator[str]:
    try:
        # As JSON, in which a pair is a list.
        _form(key).validate_json(orjson.dumps(value, default=str), strict=True)
    except ValidationError as error:
        [wrong, *_] = error.errors(include_input=False, include_url=False)
        yield f"values.{'.'.join(map(str, (key, *wrong['loc'])))}: {wrong['msg']}"


def _card_faults(values: Mapping[str, Any], before: Collection[Any]) -> Iterator[str]:
    if values.get("handoff"):
        yield "values.handoff: a ticket is opened, not claimed. Only null can be set."
    if "facts" in values and _of_cards(values["facts"]) != _of_cards(before):
        yield f"values.facts: what became of a card {CARDS_SAY}"


def _tokens(values: Mapping[str, Any]) -> set[str]:
    return set(TOKEN.findall(orjson.dumps(dict(values), default=str).decode()))


def _of_cards(facts: Any) -> list[Any]:
    """What cards left among the facts."""
    rows = [fact for fact in facts if isinstance(fact, dict)] if isinstance(facts, list) else []
    return [f for f in rows if f.get("kind") in OF_CARDS or f.get("source") == "actions"]


@cache
def _form(key: str) -> TypeAdapter[Any]:
    """What stands under a key of the state."""
    return TypeAdapter(Focus if key == FOCUS else get_type_hints(State)[key])


def _named(keys: Collection[str]) -> str:
    return ", ".join(sorted(keys))
