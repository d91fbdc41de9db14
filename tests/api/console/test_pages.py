"""Whose every page is: each asks for a sign-in, and some for a supervisor or an admin."""

import re
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk import get_client

from api.app import create_app
from api.console.session import current_admin, current_operator, current_supervisor
from graph.settings import Settings
from tests.api.console.conftest import ADMIN, AGENT, Operators
from tests.api.test_conversations import a_thread, say
from tests.api.test_ownership import flat, guards, named
from tests.conftest import customer, headers_of

OPEN = {
    "GET /console/sign-in",
    "POST /console/sign-in",
    "POST /console/sign-out",
    "GET /console/static/{name}",
}
LEADS = {
    "GET /console/failed",
    "POST /console/failed",
    "GET /console/runs/{run_id}/change",
    "POST /console/runs/{run_id}/trials",
    "POST /console/conversations/{thread_id}/unmask",
}
ADMINS = {
    "GET /console/audit",
    "POST /console/audit/verify",
    "GET /console/privacy",
    "POST /console/privacy/erase",
    "POST /console/privacy/export",
    "POST /console/xero/connect",
    "POST /console/xero/events/retry",
    "POST /console/xero/tenant",
}


def filled(name: str) -> tuple[str, str]:
    """The method and a path with ids of nothing."""
    method, path = name.split(" ")
    for part in ("thread_id", "run_id", "action_id", "trial_id", "checkpoint_id", "note_id"):
        path = path.replace(f"{{{part}}}", str(uuid4()))
    assert "{" not in path, path
    return method, path


def pages(settings: Settings) -> dict[str, list[object]]:
    app = create_app(settings)
    return {
        name: list(guards(route.dependant))  # type: ignore[attr-defined]
        for route in flat(app.routes)
        for name in named(route)
        if " /console" in name
    }


def test_every_page_asks_who_is_there(settings: Settings) -> None:
    found = pages(settings)
    assert found.keys() >= OPEN | LEADS | ADMINS
    for name, asked in found.items():
        assert (current_operator in asked) is (name not in OPEN), name
        assert (current_admin in asked) is (name in ADMINS), name
        assert (current_supervisor in asked) is (name in LEADS), name


@pytest.mark.parametrize("who", ["nobody", "an agent"])
async def test_nobody_sees_what_is_not_theirs(
    settings: Settings, service_url: str, operator: Operators, who: str
) -> None:
    asked = sorted(set(pages(settings)) - OPEN) if who == "nobody" else sorted(LEADS | ADMINS)
    async with operator(AGENT) as client:
        if who == "nobody":
            client.cookies.clear()
        for name in asked:
            method, path = filled(name)
            answer = await client.request(method, path)
            assert answer.status_code == (303 if who == "nobody" else 403), name
            if who == "nobody":
                assert "sign-in" in answer.headers["location"], name


async def test_a_customers_token_is_no_cookie(service_url: str, operator: Operators) -> None:
    async with httpx.AsyncClient(base_url=service_url) as client:
        answer = await client.get("/console", headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == 303


def addresses(page: str) -> list[str]:
    """Whatever a page leads to, loads or sends to."""
    found = re.findall(r'(?:href|src|action|data-[\w-]+)="([^"]*)"', page)
    return [each for each in found if "/" in each]


@pytest.mark.parametrize(
    "path", ["", "/conversations", "/approvals", "/xero", "/privacy", "/audit", "/failed"]
)
async def test_a_page_leads_nowhere_but_from_where_it_stands(
    operator: Operators, path: str
) -> None:
    """So that a proxy may put the service below any path."""
    async with operator(ADMIN) as client:
        page = (await client.get(f"/console{path}")).text
    assert addresses(page)
    assert [each for each in addresses(page) if each.startswith(("/", "http"))] == []


async def test_so_does_a_conversation_with_its_turn_and_run(
    operator: Operators, service_url: str
) -> None:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as sdk:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        [run] = await sdk.runs.list(thread)
    async with operator(ADMIN) as client:
        for path in (
            f"conversations/{thread}",
            f"conversations/{thread}/turns/{run['run_id']}",
            f"runs/{run['run_id']}",
        ):
            page = await client.get(f"/console/{path}")
            assert page.status_code == 200
            wrong = [each for each in addresses(page.text) if each.startswith(("/", "http"))]
            assert wrong == [], path
