"""What customers do: ask, order, decline, come back, cancel, be handed over; all of it for real."""

import asyncio
import re
from uuid import uuid4

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.outside import Customer, Outside, Turn, message

RULE, BALANCE = "which days do you deliver?", "what do I owe?"
ORDER, WHICH = "300 14 inch boxes please", "Which outlet is it for: "
PERSON = "this is a check of the service: I want to talk to a person"
LANGUAGES = {
    "zh": ("你们星期几送货？", r"[\u4e00-\u9fff]"),
    "ms": ("hari apa anda menghantar?", r"\b(?:Selasa|Khamis|Sabtu)\b"),
    "ta": ("எந்த நாட்களில் டெலிவரி செய்கிறீர்கள்?", r"[\u0b80-\u0bff]"),
}
MONEY = re.compile(r"SGD [\d,]+\.\d\d|nothing|no open invoices", re.IGNORECASE)
TURN_SECONDS = 60.0

FUNCTION: Checks[Outside] = Checks()
add = FUNCTION.add


@add(
    "function.sign-in",
    "whether the customer's credential is taken",
    "Make another token; see the answer's detail for what is wrong with this one.",
)
async def sign_in(there: Outside) -> Finding:
    """A search in their own conversations."""
    answer = await there.customer().ask("POST", "/threads/search", json={"limit": 1})
    return verdict(f"{answer.status_code}", ok=answer.status_code == 200)


@add("function.chat-page", "whether the chat page is there", "See the proxy's routes.")
async def chat_page(there: Outside) -> Finding:
    """The page and its script."""
    page, script = await there.http.get("/"), await there.http.get("/chat.js")
    evidence = f"/ {page.status_code}, /chat.js {script.status_code}"
    return verdict(
        evidence, ok=page.is_success and script.is_success and b"chat.js" in page.content
    )


@add(
    "function.docs", "whether the API's description and pages are there", "See the proxy's routes."
)
async def docs(there: Outside) -> Finding:
    """/openapi.json and /docs."""
    described, pages = await there.http.get("/openapi.json"), await there.http.get("/docs")
    paths = len(described.json().get("paths", {})) if described.is_success else 0
    return verdict(f"{paths} paths, /docs {pages.status_code}", ok=paths > 20 and pages.is_success)


@add("function.console", "whether staff find the console's sign-in", "See the proxy's routes.")
async def console(there: Outside) -> Finding:
    """Nobody is let in without one."""
    answer = await there.http.get("/console", follow_redirects=True)
    is_asked = answer.is_success and "sign" in answer.text.lower()
    return verdict(f"/console {answer.status_code}", ok=is_asked)


@add(
    "function.rule",
    "whether a question about the rules is answered with its source",
    "See chroma and index on /health.",
    seconds=TURN_SECONDS,
)
async def rule(there: Outside) -> Finding:
    """The answer cites at least one section."""
    turn = await there.customer().say(RULE)
    cited = [each["id"] for each in turn.extra.get("citations", [])]
    return verdict(f"cites {', '.join(cited[:2]) or 'nothing'}", ok=bool(cited and turn.text))


@add(
    "function.account",
    "whether a question about the customer's account is answered from the books",
    "See xero on /health, and: tria xero check.",
    seconds=TURN_SECONDS,
)
async def account(there: Outside) -> Finding:
    """An amount, or that nothing is owed."""
    turn = await there.customer().say(BALANCE)
    is_answered = MONEY.search(turn.text) is not None
    evidence = "amounts are named" if is_answered else f"{len(turn.text)} characters, no amount"
    return verdict(evidence, ok=is_answered)


@add(
    "function.card",
    "whether an order becomes a card, and is gone when it is declined",
    "See orders on /health; the customer needs an outlet and the right to order.",
    seconds=2 * TURN_SECONDS,
)
async def card(there: Outside) -> Finding:
    """Nothing is written: the card is declined."""
    customer = there.customer()
    turn = await ordered(customer)
    shown = turn.extra.get("card")
    if not shown:
        return Finding("fail", "no card was shown")
    gone = await pressed(customer, turn, "decline")
    # What an action did is always told in fixed words.
    lines, is_declined = len(shown.get("lines", [])), "not placed the order" in gone.text
    then = "declined" if is_declined else "still there"
    return verdict(f"a card of {lines} line, then {then}", ok=is_declined)


@add(
    "function.write",
    "whether a confirmed order gets its number, once",
    "Follow the card on the console: its writes say what Xero answered.",
    seconds=3 * TURN_SECONDS,
)
async def write(there: Outside) -> Finding:
    """Only where the person at the terminal says so: it stands in the books afterwards."""
    if not there.asked.may_write:
        raise NotRun("it would write to the books: --write allows that")
    customer = there.customer()
    turn = await ordered(customer)
    if not turn.extra.get("card"):
        return Finding("fail", "no card was shown")
    done = await pressed(customer, turn, "confirm")
    found = done.values.get("card") or {}
    number = found.get("document_number")
    evidence = f"{found.get('status')}, number {number or 'none'}"
    return verdict(evidence, ok=found.get("status") == "committed" and bool(number))


@add(
    "function.hand-off",
    "whether a customer who asks for a person gets a ticket",
    "See the tickets on the console.",
    seconds=TURN_SECONDS,
)
async def hand_off(there: Outside) -> Finding:
    """The ticket stays for the staff: it says that it is a check."""
    turn = await there.customer().say(PERSON)
    found = turn.extra.get("handoff") or {}
    evidence = f"{found.get('ticket', 'no ticket')}, level {found.get('level', '-')}"
    return verdict(evidence, ok=bool(found.get("ticket")))


@add(
    "function.languages",
    "whether Chinese, Malay and Tamil are answered in themselves",
    "Compare the version: the templates of all four languages ship with it.",
    seconds=2 * TURN_SECONDS,
)
async def languages(there: Outside) -> Finding:
    """By script, and by the days of the week."""
    customer = there.customer()
    turns = {name: await customer.say(text) for name, (text, _) in LANGUAGES.items()}
    wrong = [n for n, turn in turns.items() if not re.search(LANGUAGES[n][1], turn.text)]
    return verdict(f"wrong: {', '.join(wrong)}" if wrong else "all three", ok=not wrong)


@add(
    "function.resume",
    "whether a stream goes on after Last-Event-ID without a gap or a repeat",
    "See redis on /health; the proxy must pass the header on.",
    seconds=2 * TURN_SECONDS,
)
async def resume(there: Outside) -> Finding:
    """Joined again in the middle: what comes is what came after."""
    customer = there.customer()
    turn = await customer.say(RULE)
    known = [event.id for event in turn.events if event.id]
    if len(known) < 3:
        return Finding("fail", f"only {len(known)} events have an id")
    middle = len(known) // 2
    again = await customer.join(turn, known[middle])
    came = [event.id for event in again.events if event.id]
    return verdict(f"{len(came)} of {len(known)} events again", ok=came == known[middle + 1 :])


@add(
    "function.cancel",
    "whether a turn can be cancelled, and the next one goes on",
    "See the runs that are stuck: tria runs --stuck.",
    seconds=2 * TURN_SECONDS,
)
async def cancel(there: Outside) -> Finding:
    """One that is put off for a minute cannot have ended by itself."""
    customer = there.customer()
    thread = await customer.thread()
    body = message(RULE) | {"after_seconds": 60}
    made = (await customer.ask("POST", f"/threads/{thread}/runs", json=body)).raise_for_status()
    path = f"/threads/{thread}/runs/{made.json()['run_id']}"
    await customer.ask("POST", f"{path}/cancel")
    left = await customer.ask("GET", path)
    status = left.json().get("status") if left.is_success else "gone"
    turn = await customer.say(RULE, thread)
    evidence = f"{status}, then {len(turn.text)} characters"
    return verdict(evidence, ok=status in ("interrupted", "gone") and bool(turn.text))


@add(
    "function.once",
    "whether a message that is sent twice under one Idempotency-Key is one turn",
    "The proxy must pass the header on; see idempotency keys in the log.",
    seconds=TURN_SECONDS,
)
async def once(there: Outside) -> Finding:
    """Both answers name the same run."""
    customer = there.customer()
    thread, key = await customer.thread(), {"Idempotency-Key": uuid4().hex}
    path, body = f"/threads/{thread}/runs", message(RULE)
    made = [await customer.ask("POST", path, json=body, headers=key) for _ in range(2)]
    runs = {answer.json().get("run_id") for answer in made}
    stored = len((await customer.ask("GET", path)).json())
    return verdict(f"{stored} run for 2 requests", ok=stored == 1 and len(runs) == 1)


@add(
    "function.history",
    "whether a conversation can be read again as it was held",
    "See postgres on /health.",
    seconds=TURN_SECONDS,
)
async def history(there: Outside) -> Finding:
    """The message and its answer."""
    customer = there.customer()
    turn = await customer.say(RULE)
    state = (await customer.ask("GET", f"/threads/{turn.thread_id}/state")).json()
    read = [each["content"] for each in state["values"]["messages"]]
    return verdict(f"{len(read)} messages", ok=read == [RULE, turn.text])


@add(
    "function.burst",
    "whether messages that come at once are all answered, in one conversation",
    "See the runs that wait: tria runs --stuck.",
    seconds=2 * TURN_SECONDS,
)
async def burst(there: Outside) -> Finding:
    """Three at once; what waits is answered together."""
    customer = there.customer()
    thread = await customer.thread()
    turns = await asyncio.gather(*(customer.say(RULE, thread) for _ in range(3)))
    state = (await customer.ask("GET", f"/threads/{thread}/state")).json()
    said = [each["type"] for each in state["values"]["messages"]]
    evidence = f"{said.count('human')} messages, {said.count('ai')} answers"
    return verdict(evidence, ok=said.count("human") == 3 and said[-1:] == ["ai"] and bool(turns))


async def ordered(customer: Customer) -> Turn:
    """A small order; where the customer has several outlets, for the first of them."""
    turn = await customer.say(ORDER)
    if turn.extra.get("card") or WHICH not in turn.text:
        return turn
    outlet = turn.text.partition(WHICH)[2].partition(",")[0].strip(" ?\n")
    return await customer.say(outlet, turn.thread_id)


async def pressed(customer: Customer, turn: Turn, decision: str) -> Turn:
    """The card's button."""
    shown = turn.extra["card"]
    button = {"action_id": shown["action_id"], "hash": shown["hash"], "decision": decision}
    words = "Yes" if decision == "confirm" else "No"
    return await customer.say(words, turn.thread_id, {"action": button})
