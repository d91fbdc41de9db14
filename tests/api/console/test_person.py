"""The panel of the person who answers a conversation: its forms, as a browser sends them."""

import re
from html import unescape
from uuid import uuid4

import httpx

from tests.api.console.conftest import AGENT, SUPERVISOR, Operators
from tests.conftest import customer, headers_of


async def a_hand_off(url: str) -> str:
    """A conversation that waits for a person."""
    async with httpx.AsyncClient(
        base_url=url, headers=headers_of(customer()), timeout=30
    ) as client:
        thread = str((await client.post("/threads", json={})).json()["thread_id"])
        message = {"role": "user", "content": "my boxes arrived crushed <b>again</b>"}
        body = {"assistant_id": "tria", "input": {"messages": [message]}}
        (await client.post(f"/threads/{thread}/runs/wait", json=body)).raise_for_status()
    return thread


async def said(url: str, thread: str) -> list[str]:
    async with httpx.AsyncClient(base_url=url, headers=headers_of(customer())) as client:
        state = (await client.get(f"/threads/{thread}/state")).json()
    return [message["content"] for message in state["values"]["messages"]]


async def send(client: httpx.AsyncClient, thread: str, what: str, **fields: str) -> httpx.Response:
    return await client.post(f"/console/conversations/{thread}/{what}", data=fields)


def is_done(answer: httpx.Response, thread: str) -> bool:
    """Whether it leads back to the conversation's page."""
    there = answer.headers.get("location", "").endswith(f"console/conversations/{thread}")
    return answer.status_code == 303 and there


async def test_from_the_hand_off_to_the_hand_back(operator: Operators, service_url: str) -> None:
    thread = await a_hand_off(service_url)
    async with operator(AGENT) as client:
        page = (await client.get(f"/console/conversations/{thread}")).text
        assert "Take over" in page
        assert 'name="content"' not in page.split("Notes for colleagues")[0]
        assert is_done(await send(client, thread, "take-over"), thread)
        page = (await client.get(f"/console/conversations/{thread}")).text
        assert "Reply to the customer" in page
        assert "You, for" in page
        once = re.search(r'name="once" value="([^"]+)"', page)
        assert once
        for _ in range(2):
            sent = await send(client, thread, "messages", content="Sorry!", once=once[1])
            assert is_done(sent, thread)
        back = {"once": str(uuid4()), "resolution": "new boxes sent"}
        assert is_done(await send(client, thread, "hand-back", **back), thread)
        page = (await client.get(f"/console/conversations/{thread}")).text
        assert "The assistant" in page
    words = await said(service_url, thread)
    assert words.count("Sorry!") == 1
    assert words[-1].startswith("Wei Jie has left")


async def test_the_packet_is_on_the_page_masked_and_as_text(
    operator: Operators, service_url: str
) -> None:
    thread = await a_hand_off(service_url)
    async with operator(AGENT) as client:
        page = (await client.get(f"/console/conversations/{thread}")).text
    packet = page[page.index('class="panel packet"') :]
    for words in (customer().company, "Segment", "Priority", "Balance", "Answer by", " left<"):
        assert words in packet
    assert re.search(r'chip good">\d+%', packet), "no confidence"
    assert "<b>again</b>" not in page
    assert "<b>again</b>" in unescape(packet)
    assert customer().name not in packet


async def test_what_only_one_person_may_do(operator: Operators, service_url: str) -> None:
    thread = await a_hand_off(service_url)
    async with operator(SUPERVISOR) as client:
        assert is_done(await send(client, thread, "take-over"), thread)
    async with operator(AGENT) as client:
        page = (await client.get(f"/console/conversations/{thread}")).text
        assert "Farah has this conversation" in page
        assert "Reply to the customer" not in page
        for what in ("take-over", "messages", "hand-back"):
            refused = await send(client, thread, what, content="x", once=str(uuid4()))
            assert refused.status_code == 409
            assert "Farah has this conversation" in refused.text
        assert (await send(client, thread, "assignment", to="somebody")).status_code == 409


async def test_notes_assignment_and_draft(operator: Operators, service_url: str) -> None:
    thread = await a_hand_off(service_url)
    async with operator(SUPERVISOR) as client:
        note = {"content": "<i>calls</i> at nine", "once": str(uuid4())}
        assert is_done(await send(client, thread, "notes", **note), thread)
        assert is_done(await send(client, thread, "assignment", to="wei"), thread)
        assert is_done(await send(client, thread, "take-over"), thread)
        page = (await client.get(f"/console/conversations/{thread}")).text
        assert "&lt;i&gt;calls&lt;/i&gt; at nine" in page
        draft = await send(client, thread, "draft")
        assert draft.status_code == 200
        assert re.search(r'<textarea id="reply"[^>]*>\S', draft.text)
        assert is_done(
            await send(client, thread, "tickets/close", resolution="done by telephone"), thread
        )
    assert not any("calls" in words for words in await said(service_url, thread))


async def test_without_a_sign_in_and_of_nothing_nothing_happens(
    operator: Operators, service_url: str
) -> None:
    thread = await a_hand_off(service_url)
    async with httpx.AsyncClient(base_url=service_url) as client:
        sent = await send(client, thread, "take-over")
        assert "sign-in" in sent.headers["location"]
    async with operator(AGENT) as client:
        missing = await send(client, str(uuid4()), "take-over")
        assert missing.status_code == 404
        foreign = await client.post(
            f"/console/conversations/{thread}/take-over",
            headers={"Origin": "https://elsewhere.example"},
        )
        assert foreign.status_code == 403
    assert len(await said(service_url, thread)) == 2
