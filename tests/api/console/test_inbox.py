"""The inbox, all conversations and the search: as pages and as JSON."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from langgraph_sdk import get_client
from psycopg.types.json import Jsonb

from tests.api.console.conftest import AGENT, Operators
from tests.conftest import customer, headers_of
from tests.tools.operators.conversations import a_conversation, a_ticket, a_turn, execute
from tools.database import Pool, fetch_all, make_pool


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with make_pool(postgres_url, max_size=2) as pool:
        yield pool


async def one_that_waits(pool: Pool, who: str | None = None) -> UUID:
    thread = await a_conversation(pool, who)
    await a_ticket(pool, thread)
    await a_turn(pool, thread, signals=Jsonb({"concerns": ["angry"]}))
    return thread


async def test_the_inbox_shows_a_conversation_with_its_reasons(
    operator: Operators, pool: Pool
) -> None:
    who = str(uuid4())
    thread = await one_that_waits(pool, who)
    async with operator(AGENT) as client:
        page = await client.get("/console", params={"customer": who})
        assert page.status_code == 200
        assert re.search(rf'<li class="row"[^>]*data-id="{thread}"', page.text)
        assert f'href="console/conversations/{thread}"' in page.text
        for words in ("Damage, level 2", "The customer is angry", "Kopi Lane Pte Ltd", "min left"):
            assert words in page.text
        other = await client.get("/console", params={"customer": who, "reason": "failed"})
        assert "Nothing fits" in other.text
        assert str(thread) not in other.text


async def test_who_is_not_signed_in_sees_nothing(service_url: str, operator: Operators) -> None:
    async with operator(AGENT) as client:
        client.cookies.clear()
        for path in ("/console", "/console/conversations", "/console/search"):
            assert (
                (await client.get(path))
                .headers["location"]
                .endswith(
                    f"sign-in?back={path.removeprefix('/console').strip('/')}".removesuffix(
                        "?back="
                    )
                )
            )
        client.headers.pop("authorization")
        for path in ("/admin/inbox", "/admin/conversations"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post("/admin/search", json={"q": "x"})).status_code == 401


async def test_seen_takes_a_mood_out_and_leaves_the_ticket(operator: Operators, pool: Pool) -> None:
    who = str(uuid4())
    thread = await one_that_waits(pool, who)
    async with operator(AGENT) as client:
        page = await client.get("/console", params={"customer": who})
        through = re.search(r'name="through" value="([^"]+)"', page.text)
        assert through
        form = {"through": through[1]}
        for _ in range(2):
            done = await client.post(f"/console/conversations/{thread}/seen", data=form)
            assert done.status_code == 303
        page = await client.get("/console", params={"customer": who})
        assert "The customer is angry" not in page.text
        assert "Damage, level 2" in page.text
        missing = await client.post(f"/console/conversations/{uuid4()}/seen", data=form)
        assert missing.status_code == 404
    rows = await fetch_all(pool, "select actor from audit where subject = %s", [str(thread)])
    assert rows == [{"actor": "wei"}]


async def test_a_form_of_another_site_is_refused(operator: Operators, pool: Pool) -> None:
    thread = await one_that_waits(pool)
    async with operator(AGENT) as client:
        answer = await client.post(
            f"/console/conversations/{thread}/seen",
            data={"through": "2030-01-01T00:00:00Z"},
            headers={"Origin": "https://elsewhere.example"},
        )
        assert answer.status_code == 403


async def test_what_was_looked_for_is_found_and_stands_in_no_address(
    operator: Operators, pool: Pool
) -> None:
    thread = await a_conversation(pool)
    await a_turn(pool, thread, "Aisyah Rahman wants the narwhal tray, call 9123 4567")
    async with operator(AGENT) as client:
        page = await client.post("/console/search", data={"q": "narwhal"})
        assert page.status_code == 200
        assert f'href="../console/conversations/{thread}"' in page.text
        assert "narwhal tray" in page.text
        assert "9123" not in page.text
        assert "Aisyah" not in page.text
        assert "narwhal" not in str(page.url)
        assert (
            "Nothing was found"
            in (
                await client.post("/console/search", data={"q": "<script>alert(1)</script>zz"})
            ).text
        )
        hostile = await client.post("/console/search", data={"q": '"><script>alert(1)</script>'})
        assert "<script>alert" not in hostile.text


async def test_no_list_gives_a_link_away_or_turns_text_around(
    operator: Operators, pool: Pool
) -> None:
    who, link = str(uuid4()), f"/documents/{'aB3_' * 10}"
    thread = await a_conversation(pool, who)
    await a_ticket(pool, thread)
    await a_turn(pool, thread, f"gladiolus \u202etxt https://tria.example{link}", status="queued")
    lists = [("/console", "GET"), ("/console/conversations", "GET"), ("/console/search", "POST")]
    async with operator(AGENT) as client:
        for path, method in lists:
            for prefix in ("", "/admin") if path != "/console" else ("",):
                place = path.replace("/console", prefix) if prefix else path
                sent = {"json": {"q": "gladiolus"}} if prefix else {"data": {"q": "gladiolus"}}
                query = {"params": {"customer": who}} if method == "GET" else sent
                found = (await client.request(method, place, **query)).text  # type: ignore[arg-type]
                assert "gladiolus" in found, place
                assert link not in found, place
                assert "\u202e" not in found, place
        assert link not in (await client.get("/admin/inbox", params={"customer": who})).text


async def test_all_conversations_page_by_page(operator: Operators, pool: Pool) -> None:
    who = str(uuid4())
    threads = {str(await one_that_waits(pool, who)) for _ in range(52)}
    async with operator(AGENT) as client:
        seen: set[str] = set()
        for start in ("conversations", ""):
            address = f"/console/{start}".rstrip("/") + f"?customer={who}"
            seen.clear()
            for _ in range(2):
                page = await client.get(address)
                seen |= set(re.findall(r'data-id="([^"]+)"', page.text))
                more = re.search(r'href="([^"]+after=[^"]+)"', page.text)
                if more:
                    address = "/" + more[1].replace("&amp;", "&").removeprefix("../")
            assert seen == threads
        bad = await client.get("/console/conversations", params={"after": "nonsense"})
        assert bad.status_code == 422


async def test_the_same_as_json(operator: Operators, pool: Pool) -> None:
    who = str(uuid4())
    thread = str(await one_that_waits(pool, who))
    async with operator(AGENT) as client:

        async def get(path: str, **params: Any) -> Any:
            answer = await client.get(path, params=params)
            assert answer.status_code == 200, answer.text
            return answer.json()

        inbox = await get("/admin/inbox", customer=who)
        assert [row["thread_id"] for row in inbox["conversations"]] == [thread]
        assert inbox["counts"]["handoff"] == inbox["counts"]["unhappy"] == inbox["total"] == 1
        [first, _] = inbox["conversations"][0]["reasons"]
        assert (first["reason"], first["levels"]) == ("handoff", [2])
        listed = await get("/admin/conversations", customer=who)
        assert [row["thread_id"] for row in listed["conversations"]] == [thread]
        found = (await client.post("/admin/search", json={"q": thread})).json()
        assert [row["kind"] for row in found["conversations"]] == ["conversation"]
        through = first["since"]
        path = f"/admin/conversations/{thread}/seen"
        assert (await client.post(path, json={"through": through})).status_code == 200
        for path in (
            "/admin/inbox?after=x_y_z",
            "/admin/inbox?reason=bored",
            "/admin/inbox?level=9",
        ):
            assert (await client.get(path)).status_code == 422


async def test_an_answered_turn_keeps_what_it_showed_of_itself(
    operator: Operators, pool: Pool, service_url: str
) -> None:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as sdk:
        thread = (await sdk.threads.create())["thread_id"]
        said: dict[str, Any] = {
            "messages": [{"role": "user", "content": "This is terrible, what do I owe?!!"}]
        }
        await sdk.runs.wait(thread, "tria", input=said)
    [row] = await fetch_all(pool, "select signals, turn from runs where thread_id = %s", [thread])
    signals = row["signals"]
    assert signals["sentiment"] in ("angry", "unhappy")
    assert signals["sentiment"] in signals["concerns"]
    assert "balance" in [found["name"] for found in signals["intents"]]
    assert all(0 <= found["confidence"] <= 1 for found in signals["intents"])
    assert signals["language"] == "en"
    assert signals["usd"] == "0"
    known = await fetch_all(
        pool, "select company from customers where customer_id = %s", [customer().customer_id]
    )
    assert known == [{"company": customer().company}]
    async with operator(AGENT) as client:
        wanted = {"reason": "unhappy", "customer": customer().customer_id}
        page = await client.get("/console", params=wanted)
    assert str(thread) in page.text
    await execute(pool, "delete from threads where thread_id = %(t)s", t=thread)
