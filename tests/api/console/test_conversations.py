"""The pages of one conversation: who sees what of it, and what they leave behind."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from api.console.unmasking import AUDIENCE, cookie_of
from api.tokens import ALGORITHM, ISSUER
from graph.clients import now
from tests.api.console.conftest import ADMIN, AGENT, COLLEAGUES, SUPERVISOR, Operators
from tests.api.test_conversations import a_thread, say
from tests.conftest import SECRET

PERSONAL = "this is Mei Lim, 9123 4567. what do I owe?"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> what do I owe?"


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def thread(sdk: LangGraphClient) -> str:
    thread = await a_thread(sdk)
    await say(sdk, thread, PERSONAL)
    return thread


def run_of(page: httpx.Response) -> str:
    found = re.search(r'id="turn-([0-9a-f-]{36})"', page.text)
    assert found
    return found[1]


def looks(database: psycopg.Connection[Any], thread: str) -> list[tuple[str, str]]:
    return database.execute(
        "select actor, detail->>'reason' from audit where subject = %s"
        " and event = 'conversation.unmasked' order by audit_id",
        [thread],
    ).fetchall()


async def test_persons_are_masked_for_everybody_at_first(operator: Operators, thread: str) -> None:
    for who in (AGENT, SUPERVISOR, ADMIN):
        async with operator(who) as client:
            page = await client.get(f"/console/conversations/{thread}")
            assert page.status_code == 200
            assert "Personal data is masked" in page.text
            assert "9123" not in page.text
            assert "You owe SGD" in page.text
            assert ("Show personal data" in page.text) == (who != AGENT)


async def test_unmasking_is_noted_and_shows_one_conversation_to_one_colleague(
    operator: Operators, thread: str, sdk: LangGraphClient, database: psycopg.Connection[Any]
) -> None:
    other = await a_thread(sdk)
    await say(sdk, other, PERSONAL)
    async with operator(SUPERVISOR) as client:
        answer = await client.post(
            f"/console/conversations/{thread}/unmask", data={"reason": "she calls"}
        )
        assert answer.status_code == 303
        assert looks(database, thread) == [(COLLEAGUES[SUPERVISOR].staff_id, "she calls")]
        page = await client.get(f"/console/conversations/{thread}")
        assert "9123 4567" in page.text
        run = run_of(page)
        for address in (f"?part={run}", f"/turns/{run}"):
            inside = await client.get(f"/console/conversations/{thread}{address}")
            assert "Mei Lim" in inside.text
        assert "9123" not in (await client.get(f"/console/conversations/{other}")).text
        proof = client.cookies[cookie_of(UUID(thread))]
        await client.post(f"/console/conversations/{thread}/mask")
        assert "9123" not in (await client.get(f"/console/conversations/{thread}")).text
    for who in (AGENT, ADMIN):
        async with operator(who) as client:
            client.cookies.set(cookie_of(UUID(thread)), proof)
            assert "9123" not in (await client.get(f"/console/conversations/{thread}")).text
    assert len(looks(database, thread)) == 1


def proof_of(thread: str, changed: dict[str, Any]) -> str:
    claims: dict[str, Any] = {
        "sub": COLLEAGUES[SUPERVISOR].staff_id,
        "thread": thread,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": now() + timedelta(minutes=5),
    }
    return jwt.encode(claims | changed, SECRET, ALGORITHM)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": now() - timedelta(seconds=5)},
        {"aud": "tria-console"},
        {"sub": "somebody"},
        {"thread": str(uuid4())},
    ],
    ids=["too old", "made for signing in", "of somebody else", "of another conversation"],
)
async def test_only_a_proof_that_is_good_shows_persons(
    operator: Operators, thread: str, changed: dict[str, Any]
) -> None:
    proofs = {proof_of(thread, {}): True, proof_of(thread, changed): False, "nonsense": False}
    async with operator(SUPERVISOR) as client:
        for proof, shows in proofs.items():
            client.cookies.set(cookie_of(UUID(thread)), proof)
            page = await client.get(f"/console/conversations/{thread}")
            assert ("9123" in page.text) == shows


async def test_unmasking_needs_a_supervisor_and_a_reason(
    operator: Operators, thread: str, database: psycopg.Connection[Any]
) -> None:
    address = f"/console/conversations/{thread}/unmask"
    async with operator(AGENT) as client:
        assert (await client.post(address, data={"reason": "x"})).status_code == 403
    async with operator(SUPERVISOR) as client:
        answer = await client.post(address, data={"reason": " "})
        assert cookie_of(UUID(thread)) not in answer.cookies
        elsewhere = {"Origin": "https://evil.example"}
        refused = await client.post(address, data={"reason": "x"}, headers=elsewhere)
        assert refused.status_code == 403
    assert looks(database, thread) == []


async def test_a_turn_is_drawn_over_the_state_machine_with_a_list_beside_it(
    operator: Operators, thread: str
) -> None:
    async with operator(AGENT) as client:
        page = await client.get(f"/console/conversations/{thread}")
        run = run_of(page)
        part = await client.get(f"/console/conversations/{thread}", params={"part": run})
        whole = await client.get(f"/console/conversations/{thread}/turns/{run}")
    assert "<html" not in part.text
    for shown in (part.text, whole.text):
        marks = dict(re.findall(r'data-node="(\w+)" data-mark="(\w+)"', shown))
        assert marks["call_xero_tools"] == marks["__end__"] == "done"
        assert marks["propose_order"] == "unvisited"
        assert shown.count('class="edge taken') == 9
        assert re.search(
            r'<span class="number">3</span>\s*<span class="what">call xero tools', shown
        )
        assert "read balance" in shown
        assert "xero:" in shown
        assert f"runs/{run}" in shown
    assert "style=" not in part.text


async def test_hostile_text_is_text(operator: Operators, sdk: LangGraphClient) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, HOSTILE)
    async with operator(SUPERVISOR) as client:
        await client.post(f"/console/conversations/{thread}/unmask", data={"reason": "x"})
        page = await client.get(f"/console/conversations/{thread}")
        inside = await client.get(f"/console/conversations/{thread}", params={"part": run_of(page)})
    for shown in (page.text, inside.text):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "<script>alert(1)</script>" in html.unescape(shown)


async def test_what_is_not_there_gets_the_same_answer(
    operator: Operators, thread: str, sdk: LangGraphClient
) -> None:
    other = await a_thread(sdk)
    await say(sdk, other, "what do I owe?")
    missing = str(uuid4())
    async with operator(SUPERVISOR) as client:
        run = run_of(await client.get(f"/console/conversations/{other}"))
        pages = [
            await client.get(f"/console/conversations/{which}")
            for which in (missing, "nonsense", f"{missing}/case")
        ]
        pages += [
            await client.get(f"/console/conversations/{thread}/turns/{which}")
            for which in (missing, "nonsense", run)
        ]
        address = f"/console/conversations/{missing}/unmask"
        pages.append(await client.post(address, data={"reason": "x"}))
    assert [page.status_code for page in pages] == [404] * len(pages)
    assert all("not found" in page.text for page in pages)


async def test_a_conversation_is_taken_as_an_eval_case_and_that_is_noted(
    operator: Operators, thread: str, database: psycopg.Connection[Any]
) -> None:
    async with operator(AGENT) as client:
        answer = await client.get(f"/console/conversations/{thread}/case")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.json()["turns"][0]["user"]
    assert "9123" not in answer.text
    noted = database.execute(
        "select actor from audit where subject = %s and event = 'conversation.captured'", [thread]
    ).fetchall()
    assert noted == [(COLLEAGUES[AGENT].staff_id,)]


async def test_nobody_who_is_not_signed_in_sees_anything(service_url: str, thread: str) -> None:
    async with httpx.AsyncClient(base_url=service_url) as client:
        for path in ("", "/case", f"/turns/{uuid4()}"):
            answer = await client.get(f"/console/conversations/{thread}{path}")
            assert answer.status_code == 303
            assert "sign-in" in answer.headers["location"]
