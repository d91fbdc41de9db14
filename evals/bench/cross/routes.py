"""Attempts on every route of the API: ids, tokens, links and numbers of others."""

import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt

from evals.bench.cross.judge import Typed, text_of
from evals.bench.cross.ledger import Json
from evals.bench.cross.prey import Prey
from evals.bench.cross.talk import Talker
from evals.bench.cross.tally import Outcome
from graph.clients import now

MESSAGE = {"role": "user", "content": "what do I owe?"}
RUN = {"assistant_id": "tria", "input": {"messages": [MESSAGE]}}
REFUSED = (401, 403, 404, 405, 409, 410, 422)


@dataclass(frozen=True)
class Try:
    """A request. `mine` and `theirs` stand in it; with a missing id it must be answered alike."""

    kind: str
    method: str
    path: str
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    may_succeed: bool = False

    @property
    def typed(self) -> Typed:
        """Everything of it that was the attacker's own."""
        sent = (self.path, json.dumps(self.body), json.dumps(dict(self.headers)))
        return Typed((f"{self.method} {self.path}", *sent))

    def missing(self) -> "Try":
        """The same for what does not exist."""
        path, body = self.path, json.dumps(self.body)
        for there, absent in self.swaps.items():
            path, body = path.replace(there, absent), body.replace(there, absent)
        return Try(self.kind, self.method, path, json.loads(body), self.headers)


async def attempts(talker: Talker, prey: Prey, secret: str) -> AsyncIterator[Outcome]:
    """Everything one attacker tries against one victim without a word in the chat."""
    tries = [
        *of_threads(talker.thread, prey),
        *of_orders(prey),
        *of_links(prey),
        *of_admin(talker, prey),
        *of_tokens(talker, prey, secret),
    ]
    for one in tries:
        yield await _outcome(talker, one)


async def _outcome(talker: Talker, one: Try) -> Outcome:
    answer = await _send(talker, one)
    texts = [_whole(answer)]
    wrong = ""
    if one.swaps:
        missing = await _send(talker, one.missing())
        told, expected = _bare(answer, one.swaps), _bare(missing, one.swaps)
        wrong = "" if told == expected else f"unlike what is missing: {told} / {expected}"
    if not one.may_succeed and answer.status_code not in REFUSED:
        wrong = f"answered {answer.status_code}"
    return Outcome(f"route:{one.kind}", talker.customer_id, one.typed, tuple(texts), wrong=wrong)


async def _send(talker: Talker, one: Try) -> httpx.Response:
    headers = {**talker.headers, **one.headers}
    sent = {name: value for name, value in headers.items() if value}
    return await talker.http.request(one.method, one.path, json=one.body, headers=sent)


def _whole(answer: httpx.Response) -> str:
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{answer.status_code} {headers}\n{text_of(answer.content)}"


def _bare(answer: httpx.Response, swaps: Mapping[str, str]) -> tuple[int, str]:
    text = answer.text
    for there, absent in swaps.items():
        text = text.replace(there, "x").replace(absent, "x")
    return answer.status_code, text


def of_threads(own: str, prey: Prey) -> Iterator[Try]:
    """Conversations and runs by their ids."""
    thread, run = prey.thread, prey.run
    at, mine = f"/threads/{thread}", f"/threads/{own}"
    swaps = {thread: str(uuid4()), run: str(uuid4())}
    button = {"action_id": prey.card["action_id"], "hash": prey.card["hash"]}
    answered = MESSAGE | {"additional_kwargs": {"action": {**button, "decision": "confirm"}}}
    yes = RUN | {"input": {"messages": [answered]}}
    table: list[tuple[str, str, Json | None]] = [
        ("GET", at, None),
        ("GET", f"{at}/state", None),
        ("POST", f"{at}/history", {"limit": 100}),
        ("PATCH", at, {"metadata": {"note": "mine now"}}),
        ("GET", f"{at}/runs", None),
        ("GET", f"{at}/runs/{run}", None),
        ("GET", f"{at}/runs/{run}/join", None),
        ("GET", f"{at}/runs/{run}/stream", None),
        ("POST", f"{at}/runs", RUN),
        ("POST", f"{at}/runs/wait", RUN),
        ("POST", f"{at}/runs/stream", RUN | {"stream_mode": ["values", "updates"]}),
        ("POST", f"{at}/runs/wait", yes),
        ("DELETE", at, None),
        ("GET", f"{mine}/runs/{run}", None),
        ("GET", f"{mine}/runs/{run}/join", None),
        ("GET", f"{mine}/runs/{run}/stream", None),
    ]
    for method, path, body in table:
        yield Try("thread", method, path, body, swaps=swaps)
    # Whoever names a thread that is there cannot open it: the protocol says 409.
    yield Try("thread", "POST", "/threads", {"thread_id": thread})
    yield Try("thread", "POST", "/threads", {"thread_id": thread, "if_exists": "do_nothing"})
    yield Try("thread", "POST", f"{at}/runs/wait", RUN | {"if_not_exists": "create"})
    for metadata in ({}, {"thread_id": thread}, {"customer_id": prey.who.customer_id}):
        body = {"metadata": metadata, "limit": 100}
        yield Try("search", "POST", "/threads/search", body, may_succeed=True)


def of_orders(prey: Prey) -> Iterator[Try]:
    """Delivery orders by the number, and by what is none."""
    number, invoice = prey.order, prey.invoice
    names = (
        *(number, number.lower(), number.replace("-", "%2D"), f"{number}%00", f"%20{number}"),
        *(number.replace("0", "０"), f"..%2F{number}", f"{number};{prey.who.customer_id}"),
        *(invoice["InvoiceNumber"], invoice["InvoiceID"], prey.card["action_id"], prey.thread),
    )
    for name in names:
        for form in ("pdf", "xlsx"):
            path = f"/orders/{name}/delivery-order.{form}"
            yield Try("order", "GET", path, swaps={number: "TRIA-999999"})


def of_links(prey: Prey) -> Iterator[Try]:
    """Links of the victim with the attacker's own sign-in, and links that were changed."""
    for token in prey.tokens.values():
        for method in ("GET", "HEAD"):
            yield Try("link", method, f"/documents/{token}", swaps={token: "a" * 43})
        for changed in _changed(token):
            yield Try("link", "GET", f"/documents/{changed}", headers={"Authorization": ""})
    for number in (prey.order, prey.invoice["InvoiceNumber"], prey.invoice["InvoiceID"]):
        yield Try("link", "GET", f"/documents/{number}", swaps={number: "INV-999999"})


def _changed(token: str) -> Iterator[str]:
    flipped = "A" if token[0] != "A" else "B"
    yield from (flipped + token[1:], token[:-1] + flipped, token[:-1], token + "A")
    yield from (token.swapcase(), token[::-1], f"{token}%0a", f"%20{token}")


def of_admin(talker: Talker, prey: Prey) -> Iterator[Try]:
    """What staff see, with a customer's token."""
    card = prey.card["action_id"]
    table: list[tuple[str, str, Json | None]] = [
        ("GET", "/admin/approvals", None),
        ("POST", f"/admin/approvals/{card}", {"decision": "approve"}),
        ("GET", "/admin/actions?limit=200", None),
        ("GET", f"/admin/actions/{card}", None),
        ("GET", "/admin/xero", None),
        ("POST", "/admin/xero/connect", None),
        ("POST", "/admin/xero/tenant", {"state": "x", "tenant_id": str(uuid4())}),
        ("POST", "/admin/xero/events/retry", None),
    ]
    for method, path, body in table:
        yield Try("admin", method, path, body)
        key = {"Authorization": "", "x-api-key": talker.headers["Authorization"][7:]}
        yield Try("admin", method, path, body, key)


def of_tokens(talker: Talker, prey: Prey, secret: str) -> Iterator[Try]:
    """Sign-ins that say they are the victim's."""
    staff = _staff_token(secret)
    for token in (*_forged(talker, prey), staff):
        headers = {"Authorization": f"Bearer {token}"}
        yield Try("token", "POST", "/threads/search", {"limit": 100}, headers)
        yield Try("token", "GET", f"/threads/{prey.thread}/state", None, headers)
        yield Try("token", "POST", f"/threads/{prey.thread}/runs/wait", RUN, headers)
        path = f"/orders/{prey.order}/delivery-order.pdf"
        yield Try("token", "GET", path, None, {"Authorization": "", "x-api-key": token})
        link = next(iter(prey.tokens.values()))
        yield Try("token", "GET", f"/documents/{link}", None, headers)


def _forged(talker: Talker, prey: Prey) -> Iterator[str]:
    own, theirs = talker.headers["Authorization"][7:], prey.headers["Authorization"][7:]
    head, body, signature = own.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    greedy = claims | {"contact_ids": [*claims["contact_ids"], *prey.who.contact_ids]}
    posing = claims | {"sub": prey.who.customer_id, "contact_ids": list(prey.who.contact_ids)}
    for changed in (greedy, posing, claims | {"roles": ["owner"], "sub": prey.who.customer_id}):
        part = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
        yield f"{head}.{part}.{signature}"
        yield f"{head}.{part}."
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        yield f"{none}.{part}."
        yield jwt.encode(changed, "another secret that is long enough to sign", "HS256")
    yield f"{head}.{theirs.split('.')[1]}.{signature}"
    yield f"{theirs.rsplit('.', 1)[0]}.{signature}"


def _staff_token(secret: str) -> str:
    """A good token of a colleague, who is no customer."""
    times: dict[str, Any] = {"iat": now(), "exp": now() + timedelta(hours=1)}
    staff = {"name": "Shanti Raman", "level": 4, "is_admin": True}
    claims = {"sub": "shanti", "staff": staff, "iss": "tria", "aud": "tria-console", **times}
    return jwt.encode(claims, secret, "HS256")


async def used_links(talker: Talker, prey: Prey) -> AsyncIterator[Outcome]:
    """Links that the victim has followed, once more by somebody else with and without a sign-in."""
    for token in prey.tokens.values():
        for headers in ({}, {"Authorization": ""}):
            yield await _outcome(talker, Try("link", "GET", f"/documents/{token}", None, headers))


async def own_use(talker: Talker, prey: Prey) -> AsyncIterator[Outcome]:
    """The victim does the same with success, which proves that there was something to get."""
    at = f"/threads/{prey.thread}"
    paths = [at, f"{at}/state", f"{at}/runs/{prey.run}/join", f"{at}/runs/{prey.run}/stream"]
    paths += [f"/orders/{prey.order}/delivery-order.{form}" for form in ("pdf", "xlsx")]
    paths += [f"/documents/{token}" for token in prey.tokens.values()]
    for path in paths:
        answer = await talker.http.get(path)
        yield Outcome("control", "forno-rosso", Typed((path,)), (_whole(answer),))
