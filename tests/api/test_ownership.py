"""Whose every route is: each has a stated rule, and each rule is tried on each of its routes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIWebSocketRoute
from starlette.routing import BaseRoute, Route

from api.app import create_app
from api.auth import CustomerNeeds, Needs, StaffNeeds, needs
from api.scopes import MOST, SCOPES, Scope
from api.staff import current_admin, current_supervisor
from api.thread_socket import socket_reader
from api.tokens import KINDS, Staff, claims_of, signed, staff_claims
from graph.clients import now
from graph.settings import Settings
from graph.studio import demo_caller
from tests.api.conftest import ONE_TRACE
from tests.conftest import SECRET, Served, customer, headers_of

Rule = Literal[
    "public",  # anybody: nothing in it is anybody's
    "demo",  # the same, where TRIA_DEMO is on
    "signed link",  # the address itself is the right, once
    "webhook signature",
    "state of a sign-in",  # begun by an admin, and good for that admin alone
    "scraped",  # open inside the network, or by scope
    "read",  # customers what is theirs; staff and services everybody's
    "write threads",  # customers what is theirs; staff and services only to operate
    "write runs",
    "own threads",  # customers alone
    "own",
    "store",
    "operate",
    "staff",
    "leads",  # staff of level 3 and above, and admins
    "admin",
]

RULES: dict[str, Rule] = {
    "GET /openapi.json": "public",
    "GET /docs": "public",
    "GET /docs/oauth2-redirect": "public",
    "GET /redoc": "public",
    "GET /": "public",
    "GET /favicon.svg": "public",
    "GET /{name}.css": "public",
    "GET /{name}.js": "public",
    "GET /ok": "public",
    "GET /info": "public",
    "GET /health": "public",
    "GET /health/live": "public",
    "GET /health/ready": "public",
    "GET /health/startup": "public",
    "GET /metrics": "scraped",
    "GET /demo/customers": "demo",
    "GET /demo/staff": "demo",
    "POST /demo/sign-in": "demo",
    "POST /demo/staff-sign-in": "demo",
    "GET /documents/{token}": "signed link",
    "HEAD /documents/{token}": "signed link",
    "POST /webhooks/xero": "webhook signature",
    "GET /admin/xero/callback": "state of a sign-in",
    "POST /assistants": "read",  # there is one, which nobody changes
    "GET /assistants/{assistant_id}": "read",
    "PATCH /assistants/{assistant_id}": "read",
    "DELETE /assistants/{assistant_id}": "read",
    "GET /assistants/{assistant_id}/subgraphs": "read",
    "GET /assistants/{assistant_id}/subgraphs/{namespace}": "read",
    "POST /assistants/{assistant_id}/latest": "read",
    "POST /assistants/{assistant_id}/versions": "read",
    "GET /assistants/{assistant_id}/graph": "read",
    "GET /assistants/{assistant_id}/schemas": "read",
    "POST /assistants/count": "read",
    "POST /assistants/search": "read",
    "GET /orders/{number}/delivery-order.pdf": "own",
    "GET /orders/{number}/delivery-order.xlsx": "own",
    "POST /threads": "own threads",
    "POST /threads/count": "read",
    "POST /threads/prune": "write threads",
    "POST /threads/search": "read",
    "GET /threads/{thread_id}": "read",
    "PATCH /threads/{thread_id}": "write threads",
    "DELETE /threads/{thread_id}": "write threads",
    "POST /threads/{thread_id}/copy": "write threads",
    "GET /threads/{thread_id}/feedback": "own",
    "POST /threads/{thread_id}/feedback": "own threads",
    "GET /threads/{thread_id}/state": "read",
    "POST /threads/{thread_id}/state": "operate",
    "POST /threads/{thread_id}/state/checkpoint": "read",
    "GET /threads/{thread_id}/state/{checkpoint_id}": "read",
    "GET /threads/{thread_id}/history": "read",
    "POST /threads/{thread_id}/history": "read",
    "POST /threads/{thread_id}/commands": "write runs",
    "GET /threads/{thread_id}/stream": "read",
    "POST /threads/{thread_id}/stream/events": "read",
    "WS /threads/{thread_id}/stream/events": "read",
    "GET /threads/{thread_id}/runs": "read",
    "POST /threads/{thread_id}/runs": "write runs",
    "POST /threads/{thread_id}/runs/stream": "write runs",
    "POST /threads/{thread_id}/runs/wait": "write runs",
    "GET /threads/{thread_id}/runs/{run_id}": "read",
    "DELETE /threads/{thread_id}/runs/{run_id}": "write runs",
    "POST /threads/{thread_id}/runs/{run_id}/cancel": "write runs",
    "GET /threads/{thread_id}/runs/{run_id}/trace": "operate",
    "GET /threads/{thread_id}/runs/{run_id}/join": "read",
    "GET /threads/{thread_id}/runs/{run_id}/stream": "read",
    "DELETE /store/items": "store",
    "GET /store/items": "store",
    "PUT /store/items": "store",
    "POST /store/items/search": "store",
    "POST /store/namespaces": "store",
    "POST /threads/{thread_id}/runs/crons": "read",  # not served: they answer with 501
    "POST /runs/crons": "read",
    "POST /runs/crons/count": "read",
    "POST /runs/crons/search": "read",
    "PATCH /runs/crons/{cron_id}": "read",
    "DELETE /runs/crons/{cron_id}": "read",
    "POST /runs": "write runs",
    "POST /runs/batch": "write runs",
    "POST /runs/cancel": "write runs",
    "POST /runs/stream": "write runs",
    "POST /runs/wait": "write runs",
    "GET /admin/actions": "staff",
    "GET /admin/actions/{action_id}": "staff",
    "POST /admin/actions/{action_id}/again": "staff",
    "GET /admin/approvals": "staff",
    "GET /admin/audit": "admin",
    "GET /admin/audit/verify": "admin",
    "GET /admin/privacy/retention": "admin",
    "POST /admin/privacy/preview": "admin",
    "POST /admin/privacy/export": "admin",
    "POST /admin/privacy/erase": "admin",
    "GET /admin/conversations": "staff",
    "GET /admin/conversations/{thread_id}": "staff",
    "GET /admin/runs/{run_id}": "staff",
    "GET /admin/conversations/{thread_id}/case": "staff",
    "GET /admin/conversations/{thread_id}/person": "staff",
    "POST /admin/conversations/{thread_id}/take-over": "staff",
    "POST /admin/conversations/{thread_id}/hand-back": "staff",
    "POST /admin/conversations/{thread_id}/messages": "staff",
    "POST /admin/conversations/{thread_id}/notes": "staff",
    "POST /admin/conversations/{thread_id}/draft": "staff",
    "POST /admin/conversations/{thread_id}/tickets/close": "staff",
    "PUT /admin/conversations/{thread_id}/assignment": "staff",
    "POST /admin/conversations/{thread_id}/seen": "staff",
    "GET /admin/inbox": "staff",
    "POST /admin/search": "staff",
    "POST /admin/approvals/{action_id}": "staff",
    "POST /admin/approvals/{action_id}/change": "staff",
    "GET /admin/runs/{run_id}/checkpoints": "staff",
    "GET /admin/runs/{run_id}/checkpoints/{checkpoint_id}": "staff",
    "POST /admin/runs/{run_id}/repairs/preview": "staff",
    "POST /admin/runs/{run_id}/repairs": "staff",
    "POST /admin/runs/{run_id}/trials": "leads",
    "POST /admin/runs/resume-all": "leads",
    "GET /admin/trials/{trial_id}": "staff",
    "GET /admin/log-level": "staff",
    "PUT /admin/log-level": "admin",
    "DELETE /admin/log-level": "admin",
    "GET /admin/xero": "staff",
    "POST /admin/xero/connect": "admin",
    "POST /admin/xero/events/retry": "admin",
    "POST /admin/xero/tenant": "admin",
}

# What a route of each rule asks of customers, of staff and of services; None: it is not theirs.
ASKED: dict[Rule, tuple[Scope | None, Scope | None, Scope | None]] = {
    "read": ("threads:read", "threads:read", "threads:read"),
    "write threads": ("threads:write", "operate", "operate"),
    "write runs": ("runs:write", "operate", "operate"),
    "own threads": ("threads:write", None, None),
    "own": ("threads:read", None, None),
    "store": ("store", "store", "store"),
    "operate": (None, "operate", "operate"),
    "staff": (None, "console", None),
    "leads": (None, "console", None),
    "admin": (None, "admin", None),
}
GUARDS: dict[Rule, object] = {
    "read": needs("threads:read"),
    "write threads": Needs("threads:write", "operate"),
    "write runs": Needs("runs:write", "operate"),
    "own threads": CustomerNeeds("threads:write"),
    "own": CustomerNeeds("threads:read"),
    "store": needs("store"),
    "operate": needs("operate"),
    "staff": StaffNeeds("console"),
    "leads": current_supervisor,
    "admin": current_admin,
}
SAID = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": "hello"}]}}
BODIES: dict[str, Any] = {
    "POST /threads/{thread_id}/runs": SAID,
    "POST /threads/{thread_id}/runs/stream": SAID,
    "POST /threads/{thread_id}/runs/wait": SAID,
    "POST /threads/{thread_id}/stream/events": {"channels": ["values"]},
    "POST /runs": SAID,
    "POST /runs/stream": SAID,
    "POST /runs/wait": SAID,
    "POST /runs/batch": [SAID],
    "POST /runs/cancel": {"status": "all"},
    "POST /threads/{thread_id}/feedback": {"solved": True},
    "POST /threads/{thread_id}/state": {"values": {}},
    "POST /threads/{thread_id}/state/checkpoint": {"checkpoint": {}},
    "POST /threads/{thread_id}/commands": {"id": 1, "method": "agent.getTree"},
}


# ---------------------------------------------------------------- the rules, stated


def flat(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included:
            yield from flat(included.routes)
        else:
            yield route


def named(route: BaseRoute) -> list[str]:
    if isinstance(route, APIWebSocketRoute):
        return [f"WS {route.path}"]
    assert isinstance(route, Route), "this kind of route is not thought of here"
    methods = (route.methods or set()) - ({"HEAD"} if "GET" in (route.methods or ()) else set())
    return [f"{method} {route.path}" for method in methods]


def guards(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield needs("threads:read") if each.call is socket_reader else each.call
        yield from guards(each)


def test_every_route_has_a_stated_rule_and_asks_for_it(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"tria_demo": True}))
    found = {name: route for route in flat(app.routes) for name in named(route)}
    # Pages sign in by cookie: tests/api/console/test_pages.py.
    found = {name: route for name, route in found.items() if " /console" not in name}
    assert sorted(found) == sorted(RULES), "a route without a rule, or a rule without a route"
    for name, route in found.items():
        dependant = getattr(route, "dependant", None)
        asked = list(guards(dependant)) if dependant else []
        guard = GUARDS.get(RULES[name])
        guarded = [each for each in asked if isinstance(each, Needs | CustomerNeeds | StaffNeeds)]
        if guard is None:
            assert not guarded, name
        else:
            assert guard in asked, name


def test_no_route_lets_a_pattern_take_what_another_guards(settings: Settings) -> None:
    patterns = [re.compile(r"/[^/]+\.(js|css)"), re.compile(r"/documents/[^/]+")]
    for name in RULES:
        path = name.partition(" ")[2]
        if "{name}" not in path and "{token}" not in path:
            assert not any(pattern.fullmatch(path) for pattern in patterns), name


# ---------------------------------------------------------------- the rules, tried


@pytest.fixture(scope="module")
def client(service_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_url, timeout=60) as client:
        yield client


@dataclass(frozen=True)
class Theirs:
    """A conversation of the first customer with an answered question."""

    thread_id: str
    run_id: str


@pytest.fixture(scope="module")
def theirs(client: httpx.Client) -> Theirs:
    headers = headers_of(customer())
    thread_id = client.post("/threads", json={}, headers=headers).json()["thread_id"]
    client.post(f"/threads/{thread_id}/runs/wait", json=SAID, headers=headers)
    [run] = client.get(f"/threads/{thread_id}/runs", headers=headers).json()
    return Theirs(thread_id, run["run_id"])


def routes_of(*rules: Rule) -> list[str]:
    return [n for n, rule in RULES.items() if rule in rules and not n.startswith("WS ")]


def ask(client: httpx.Client, name: str, headers: dict[str, str], ids: Theirs) -> httpx.Response:
    method, path = name.split(" ")
    for part, value in {
        "thread_id": ids.thread_id,
        "run_id": ids.run_id,
        "assistant_id": "tria",
        "number": "TRIA-000001",
        "action_id": str(uuid4()),
        "namespace": "x",
        "cron_id": str(uuid4()),
        "checkpoint_id": str(uuid4()),
    }.items():
        path = path.replace(f"{{{part}}}", value)
    body = BODIES.get(name, {})
    if name == "POST /runs/cancel":
        body = body | {"thread_id": ids.thread_id}
    sent = {} if method in ("GET", "DELETE") else {"json": body}
    return client.request(method, path, headers=headers, **sent)


def nowhere() -> Theirs:
    return Theirs(str(uuid4()), str(uuid4()))


def signed_in(kind: int, scopes: Iterable[Scope] | None) -> dict[str, str]:
    """A customer, an admin of the staff or a service with these scopes."""
    told: dict[str, Any] = (
        claims_of(demo_caller(customer(1))),
        staff_claims(Staff("shanti", "Shanti", 4, is_admin=True)),
        {"sub": "gateway"},
    )[kind]
    audience = ("tria-chat", "tria-console", "tria-service")[kind]
    more = {} if scopes is None else {"scopes": list(scopes)}
    return {"Authorization": f"Bearer {signed(SECRET, audience, told | more, now())}"}


@pytest.mark.parametrize("name", routes_of(*ASKED))
def test_without_a_credential_nothing_opens(
    client: httpx.Client, name: str, theirs: Theirs
) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"x-api-key": "tria_x"}):
        answer = ask(client, name, headers, theirs)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("name", routes_of(*ASKED))
def test_the_wrong_kind_or_scope_is_refused(
    client: httpx.Client, name: str, theirs: Theirs
) -> None:
    for kind, scope in enumerate(ASKED[RULES[name]]):
        others = [each for each in SCOPES if each != scope]
        answer = ask(client, name, signed_in(kind, others), theirs)
        assert answer.status_code == 403, (kind, scope)
        if scope and scope in MOST[KINDS[kind]]:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            assert answer.headers["WWW-Authenticate"] == challenge
        assert ask(client, name, signed_in(kind, []), theirs).status_code == 403


@pytest.mark.parametrize("name", routes_of("leads", "admin"))
def test_an_agent_is_refused_what_others_lead(
    client: httpx.Client, name: str, theirs: Theirs
) -> None:
    agent = signed(SECRET, "tria-console", staff_claims(Staff("wei", "Wei", 2)), now())
    answer = ask(client, name, {"Authorization": f"Bearer {agent}"}, theirs)
    assert answer.status_code == 403


THREADS = [
    n
    for n in routes_of("read", "write threads", "write runs")
    if "{thread" in n and "crons" not in n
]


@pytest.mark.parametrize("name", [*THREADS, "POST /runs/cancel"])
def test_another_customers_thread_is_a_missing_one_to_the_byte(
    client: httpx.Client, name: str, theirs: Theirs
) -> None:
    stranger, missing = signed_in(0, MOST["customer"]) | ONE_TRACE, nowhere()
    foreign = ask(client, name, stranger, theirs)
    unknown = ask(client, name, stranger, missing)
    assert foreign.status_code == unknown.status_code
    if name != "POST /threads/{thread_id}/commands":  # its refusals stand in the answer
        assert foreign.status_code == 404
    same = unknown.text.replace(missing.thread_id, theirs.thread_id)
    assert foreign.text == same.replace(missing.run_id, theirs.run_id)
    told = [name for name in foreign.headers if name not in ("date", "content-length")]
    assert told == [name for name in unknown.headers if name not in ("date", "content-length")]


def test_what_a_stranger_tried_left_the_thread_as_it_was(
    client: httpx.Client, theirs: Theirs
) -> None:
    headers = headers_of(customer())
    found = client.get(f"/threads/{theirs.thread_id}/runs", headers=headers).json()
    assert [run["run_id"] for run in found] == [theirs.run_id]


def test_pruning_another_customers_thread_prunes_nothing(
    client: httpx.Client, theirs: Theirs
) -> None:
    for strategy in ("delete", "keep_latest"):
        body = {"thread_ids": [theirs.thread_id], "strategy": strategy}
        pruned = client.post("/threads/prune", json=body, headers=headers_of(customer(1)))
        assert pruned.json() == {"pruned_count": 0}
    answer = client.get(f"/threads/{theirs.thread_id}", headers=headers_of(customer()))
    assert answer.status_code == 200


def test_a_store_is_seen_by_its_owner_alone(client: httpx.Client) -> None:
    place = {"namespace": ["notes"], "key": str(uuid4())}
    owner = headers_of(customer())
    put = client.put("/store/items", json=place | {"value": {"a": 1}}, headers=owner)
    assert put.is_success
    asked = {"namespace": "notes", "key": place["key"]}
    assert client.get("/store/items", params=asked, headers=owner).json()["value"] == {"a": 1}
    same_name = signed(
        SECRET, "tria-service", {"sub": customer().customer_id, "scopes": ["store"]}, now()
    )
    for stranger in (
        headers_of(customer(1)),
        signed_in(1, SCOPES),
        signed_in(2, SCOPES),
        {"Authorization": f"Bearer {same_name}"},
    ):
        assert client.get("/store/items", params=asked, headers=stranger).json() is None
        listed = client.post("/store/items/search", json={"limit": 100}, headers=stranger)
        assert listed.is_success
        assert str(place["key"]) not in listed.text
        client.request("DELETE", "/store/items", json=place, headers=stranger)
    assert client.get("/store/items", params=asked, headers=owner).json()["value"] == {"a": 1}


def test_another_customers_run_is_not_reached_through_a_thread_of_ones_own(
    client: httpx.Client, theirs: Theirs
) -> None:
    stranger = headers_of(customer(1))
    own = client.post("/threads", json={}, headers=stranger).json()["thread_id"]
    mixed = Theirs(own, theirs.run_id)
    for name in [n for n in THREADS if "{run_id}" in n]:
        assert ask(client, name, stranger, mixed).status_code == 404, name


def test_another_customers_thread_cannot_be_taken_over(
    client: httpx.Client, theirs: Theirs
) -> None:
    stranger = headers_of(customer(1))
    for exists in ("raise", "do_nothing"):
        body = {"thread_id": theirs.thread_id, "if_exists": exists}
        answer = client.post("/threads", json=body, headers=stranger)
        assert answer.status_code == 409
    answer = client.post("/threads/search", json={"limit": 100}, headers=stranger)
    assert theirs.thread_id not in answer.text
    answer = client.post(
        f"/threads/{theirs.thread_id}/runs",
        json=SAID | {"if_not_exists": "create"},
        headers=stranger,
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("kind", [1, 2], ids=["staff", "a service"])
@pytest.mark.parametrize("name", [n for n in THREADS if RULES[n] == "read"])
def test_staff_and_services_read_every_conversation(
    client: httpx.Client, name: str, kind: int, theirs: Theirs
) -> None:
    reading = signed_in(kind, ["threads:read"])
    assert ask(client, name, reading, nowhere()).status_code == 404
    if not name.endswith(("/stream/events", "}/stream", "/{checkpoint_id}")):  # endless, or missing
        assert ask(client, name, reading, theirs).status_code == 200


def test_staff_see_what_the_customer_sees(client: httpx.Client, theirs: Theirs) -> None:
    path = f"/threads/{theirs.thread_id}/state"
    seen = [
        client.get(path, headers=headers).json()["values"]["messages"]
        for headers in (headers_of(customer()), signed_in(1, ["threads:read"]))
    ]
    assert seen[0] == seen[1]
    assert seen[0]


def test_metrics_are_open_until_a_setting_asks_for_a_scope(
    settings: Settings, client: httpx.Client
) -> None:
    assert client.get("/metrics").status_code == 200
    with Served(create_app(settings.model_copy(update={"tria_metrics_open": False}))) as served:
        url = f"{served.url}/metrics"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers=headers_of(customer())).status_code == 403
        assert httpx.get(url, headers=signed_in(2, ["threads:read"])).status_code == 403
        assert httpx.get(url, headers=signed_in(2, ["metrics"])).status_code == 200
