"""Plays one case against the service and says what was not as expected."""

import re
from collections.abc import Iterator
from typing import Any

import httpx

from evals.books import values_of
from evals.dataset import Case, Expect
from evals.service import Service
from tools.sandbox.company import demo_customers

PLACEHOLDER = re.compile(r"\{[a-z][a-z.]*\}")


def replay(case: Case, service: Service) -> list[str]:
    """The problems found; none when the case passes."""
    headers = service.sign_in(case.customer)
    case = _filled(case, service)
    before = _drafts(service)
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        problems: list[str] = []
        for number, turn in enumerate(case.turns, 1):
            values = _say(client, thread, turn.user)
            found = list(check(values, turn.expect))
            if turn.expect.same_answer_as:
                other = client.post("/threads", json={}).json()["thread_id"]
                same = _say(client, other, turn.expect.same_answer_as)
                if _answer(same)["content"] != _answer(values)["content"]:
                    found.append("the answer differs from the one it must equal")
            problems += [f"turn {number}: {problem}" for problem in found]
    if (written := _drafts(service) - before) != case.drafts:
        problems.append(f"{written} drafts were written, expected {case.drafts}")
    return problems


def _filled(case: Case, service: Service) -> Case:
    """`{own}`, `{credit.left}` and others stand for what the seeded books hold."""
    text = case.model_dump_json()
    if not PLACEHOLDER.search(text):
        return case
    customer = next(c for c in demo_customers() if c.customer_id == case.customer)
    for name, value in values_of(customer, service.sandbox_url).items():
        text = text.replace(name, value)
    if unknown := PLACEHOLDER.search(text):
        raise ValueError(f"case {case.id}: the books of {case.customer} hold no {unknown[0]}")
    return Case.model_validate_json(text)


def check(values: dict[str, Any], expect: Expect) -> Iterator[str]:
    """What is not as expected in the values after one turn."""
    if "__error__" in values:
        yield f"the run failed: {values['__error__']}"
        return
    answer = _answer(values)
    yield from _check_text(answer["content"], expect)
    if missing := set(expect.intents) - set(values.get("intents", [])):
        yield f"intents {sorted(missing)} not found in {values.get('intents')}"
    extra = answer["additional_kwargs"]
    cited = [c["id"] for c in extra.get("citations", [])]
    if expect.cites and not any(c.startswith(expect.cites) for c in cited):
        yield f"cites {cited}, expected {expect.cites}"
    if bool(extra.get("handoff")) != expect.handoff:
        yield f"hand-off is {extra.get('handoff')}"
    yield from _check_card(extra.get("card") or {}, expect)


def _check_text(text: str, expect: Expect) -> Iterator[str]:
    for wanted in expect.says:
        if wanted.lower() not in text.lower():
            yield f"does not say '{wanted}': {text}"
    for unwanted in expect.never_says:
        if unwanted.lower() in text.lower():
            yield f"says '{unwanted}': {text}"


def _check_card(card: dict[str, Any], expect: Expect) -> Iterator[str]:
    if expect.card_status != card.get("status"):
        yield f"card is {card.get('status')}, expected {expect.card_status}"
    if expect.card_total is not None and card.get("total") != f"{expect.card_total:.2f}":
        yield f"card total is {card.get('total')}, expected {expect.card_total}"
    lines = {line["code"]: line["pieces"] for line in card.get("lines", [])}
    if expect.card_lines is not None and lines != expect.card_lines:
        yield f"card lines are {lines}, expected {expect.card_lines}"


def _say(client: httpx.Client, thread: str, text: str) -> dict[str, Any]:
    answer = client.post(
        f"/threads/{thread}/runs/wait",
        json={
            "assistant_id": "tria",
            "input": {"messages": [{"role": "user", "content": text}]},
        },
    )
    answer.raise_for_status()
    values: dict[str, Any] = answer.json()
    return values


def _answer(values: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = values["messages"][-1]
    return answer


def _drafts(service: Service) -> int:
    """How many documents of our own number series stand in the sandbox's books."""
    return sum(str(i.get("InvoiceNumber", "")).startswith("TRIA-") for i in _invoices(service))


def _invoices(service: Service) -> list[dict[str, Any]]:
    invoices: list[dict[str, Any]] = httpx.get(
        f"{service.sandbox_url}/control/invoices", timeout=30
    ).json()
    return invoices
