"""A turn repaired by the console alone: looked into, previewed, confirmed, once, by whoever may."""

import asyncio
import re
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.console.conftest import ADMIN, AGENT, SUPERVISOR, Operators
from tests.conftest import customer, headers_of
from tests.graph.repair.conftest import OWED, a_bug

SIGN_IN = "/console/sign-in"


async def a_failed_run(service_url: str, postgres_url: str) -> tuple[str, str]:
    """A turn that has failed by a bug that is fixed meanwhile: its thread and its id."""
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer()), timeout=30
    ) as client:
        thread = (await client.post("/threads", json={})).json()["thread_id"]
        body = {
            "assistant_id": "tria",
            "input": {"messages": [{"role": "user", "content": OWED}]},
        }
        async with a_bug(postgres_url):
            run = (await client.post(f"/threads/{thread}/runs", json=body)).json()["run_id"]
            found: Any = None
            for _ in range(200):
                found = (await client.get(f"/threads/{thread}/runs/{run}")).json()
                if found["status"] == "error":
                    return thread, run
                await asyncio.sleep(0.05)
    raise AssertionError(found)


async def said(service_url: str, thread: str, count: int) -> list[str]:
    """The conversation once it has that many messages."""
    messages: list[dict[str, Any]] = []
    async with httpx.AsyncClient(base_url=service_url, headers=headers_of(customer())) as client:
        for _ in range(200):
            state = (await client.get(f"/threads/{thread}/state")).json()
            messages = state["values"].get("messages", [])
            if len(messages) >= count:
                return [m["content"] for m in messages]
            await asyncio.sleep(0.05)
    raise AssertionError(messages)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    form = page[page.rindex("<form") :]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


@pytest.fixture
async def failed(service_url: str, postgres_url: str) -> tuple[str, str]:
    return await a_failed_run(service_url, postgres_url)


async def test_an_agent_resumes_a_failed_turn(
    operator: Operators, service_url: str, failed: tuple[str, str]
) -> None:
    thread, run = failed
    async with operator(AGENT) as agent:
        page = (await agent.get(f"/console/runs/{run}")).text
        assert "UndefinedTable" in page
        assert "classify_intent failed" in page
        assert "Skip classify_intent" not in page
        shown = await agent.post(f"/console/runs/{run}/preview", data={"operation": "resume"})
        assert shown.status_code == 200, shown.text
        assert "goes on at classify_intent" in shown.text
        assert "No write to Xero is involved." in shown.text
        fields = hidden(shown.text)
        first = await agent.post(f"/console/runs/{run}/repairs", data=fields)
        again = await agent.post(f"/console/runs/{run}/repairs", data=fields)
        assert (first.status_code, again.status_code) == (303, 303)
        assert first.headers["location"].endswith(f"console/runs/{run}")
        answer = (await said(service_url, thread, 2))[-1]
        assert "You owe" in answer
        page = (await agent.get(f"/console/runs/{run}")).text
        assert "This turn has its answer" in page
        assert page.count("<li>resume") == 1


async def test_clients_that_join_a_resumed_turn_hear_its_answer(
    operator: Operators, service_url: str, failed: tuple[str, str]
) -> None:
    thread, run = failed
    path = f"/threads/{thread}/runs/{run}"
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer()), timeout=30
    ) as client:
        assert "__error__" in (await client.get(f"{path}/join")).text
        async with operator(AGENT) as agent:
            body = {"operation": "resume", "once": str(uuid4())}
            done = await agent.post(f"/admin/runs/{run}/repairs", json=body)
            assert done.status_code == 200, done.text
        joined = (await client.get(f"{path}/join")).json()
        assert "You owe" in joined["messages"][-1]["content"]
        await said(service_url, thread, 2)
        joined = (await client.get(f"{path}/join")).json()
        assert "You owe" in joined["messages"][-1]["content"]
        again = await client.get(f"{path}/stream", headers={"Last-Event-ID": "-1"})
        assert "You owe" in again.text


async def test_the_state_and_its_changes_are_shown_without_personal_data(
    operator: Operators, failed: tuple[str, str]
) -> None:
    _, run = failed
    async with operator(AGENT) as agent:
        answer = await agent.get(f"/admin/runs/{run}/checkpoints")
        kept = answer.json()["checkpoints"]
        assert [c["steps"] for c in kept][-1] == ["classify_intent", "retrieve_policies"]
        assert kept[-1]["failed"] == {"classify_intent": "UndefinedTable"}
        page = (await agent.get(f"/console/runs/{run}?at={kept[-1]['checkpoint_id']}")).text
        assert "screened" in page
        assert customer().name not in page
        one = await agent.get(f"/admin/runs/{run}/checkpoints/{kept[-1]['checkpoint_id']}")
        assert [change["key"] for change in one.json()["changes"]] == ["screened"]
        assert customer().name not in one.text
        for path in (f"/console/runs/{run}?at=gone", f"/console/runs/{uuid4()}"):
            assert (await agent.get(path)).status_code == 404
        missing = await agent.get(f"/admin/runs/{run}/checkpoints/gone")
        assert missing.status_code == 404


async def test_only_supervisors_change_and_end_turns(
    operator: Operators, failed: tuple[str, str]
) -> None:
    _, run = failed
    async with operator(AGENT) as agent:
        for operation in ("skip", "edit", "abandon"):
            data = {"operation": operation, "once": str(uuid4())}
            for path in ("preview", "repairs"):
                answer = await agent.post(f"/console/runs/{run}/{path}", data=data)
                assert answer.status_code == 403, (operation, path)
            body = {"operation": operation}
            answer = await agent.post(f"/admin/runs/{run}/repairs", json=body)
            assert answer.status_code == 403
        assert (await agent.get(f"/console/runs/{run}/change?operation=edit")).status_code == 403
        once = {"once": str(uuid4())}
        assert (await agent.post(f"/console/runs/{run}/trials", data=once)).status_code == 403
        assert (await agent.post(f"/admin/runs/{run}/trials", json={})).status_code == 403
        assert (await agent.get("/console/failed?error=x")).status_code == 403
        every = await agent.post("/admin/runs/resume-all", json={"error": "x"})
        assert every.status_code == 403
    async with operator(ADMIN) as admin:
        assert (await admin.get(f"/console/runs/{run}")).text.count("Skip classify_intent") == 1


async def test_nobody_looks_without_signing_in(service_url: str, failed: tuple[str, str]) -> None:
    _, run = failed
    async with httpx.AsyncClient(base_url=service_url) as nobody:
        page = await nobody.get(f"/console/runs/{run}")
        assert page.status_code == 303
        assert "sign-in" in page.headers["location"]
        assert (await nobody.post(f"/admin/runs/{run}/repairs", json={})).status_code == 401
        theirs = headers_of(customer())
        for path in (f"/admin/runs/{run}/checkpoints", f"/admin/trials/{uuid4()}"):
            assert (await nobody.get(path, headers=theirs)).status_code == 403


async def test_a_supervisor_skips_the_step_that_fails(
    operator: Operators, service_url: str, failed: tuple[str, str]
) -> None:
    thread, run = failed
    async with operator(SUPERVISOR) as supervisor:
        asked = "operation=skip&node=classify_intent"
        form = (await supervisor.get(f"/console/runs/{run}/change?{asked}")).text
        text = unescape(form.split("<textarea", 1)[1].split(">", 1)[1].split("</textarea>")[0])
        data = {"operation": "skip", "node": "classify_intent", "values": "{oops"}
        wrong = await supervisor.post(f"/console/runs/{run}/preview", data=data)
        assert wrong.status_code == 409
        assert "no JSON object" in wrong.text
        assert "{oops" in wrong.text
        data["values"] = text.replace('"unclear"', '"balance"')
        shown = await supervisor.post(f"/console/runs/{run}/preview", data=data)
        assert "classify_intent is not run" in shown.text, shown.text
        done = await supervisor.post(f"/console/runs/{run}/repairs", data=hidden(shown.text))
        assert done.status_code == 303
    assert "You owe" in (await said(service_url, thread, 2))[-1]


async def test_a_supervisor_abandons_in_own_words(
    operator: Operators, service_url: str, failed: tuple[str, str]
) -> None:
    thread, run = failed
    hostile = "<script>alert(1)</script> We will call you."
    async with operator(SUPERVISOR) as supervisor:
        data = {"operation": "abandon", "message": hostile}
        shown = await supervisor.post(f"/console/runs/{run}/preview", data=data)
        assert "<script>alert" not in shown.text
        done = await supervisor.post(f"/console/runs/{run}/repairs", data=hidden(shown.text))
        assert done.status_code == 303
        late = await supervisor.post(
            f"/admin/runs/{run}/repairs", json={"operation": "resume", "once": str(uuid4())}
        )
        assert late.status_code == 409
        assert "has its answer" in late.json()["detail"]
    assert (await said(service_url, thread, 2))[-1] == hostile


async def test_a_fork_is_compared_on_its_page(operator: Operators, failed: tuple[str, str]) -> None:
    _, run = failed
    async with operator(SUPERVISOR) as supervisor:
        once = str(uuid4())
        data = {"once": once, "prompt": "", "text": "", "model": "none"}
        went = await supervisor.post(f"/console/runs/{run}/trials", data=data, timeout=60)
        assert went.status_code == 303, went.text
        assert went.headers["location"].endswith(f"trials/{once}")
        page = (await supervisor.get(f"/console/trials/{once}")).text
        assert "You owe" in page
        assert "It would be" in page
        found = (await supervisor.get(f"/admin/trials/{once}")).json()
        assert found["outcome"]["was"]["reply"] == ""
        assert (await supervisor.get(f"/console/trials/{uuid4()}")).status_code == 404


async def test_all_that_failed_for_one_reason_are_listed_then_resumed(
    operator: Operators, service_url: str, postgres_url: str
) -> None:
    both = [await a_failed_run(service_url, postgres_url) for _ in range(2)]
    async with operator(SUPERVISOR) as supervisor:
        page = (await supervisor.get("/console/failed?error=UndefinedTable")).text
        assert all(run in page for _, run in both)
        body: dict[str, Any] = {"error": "UndefinedTable"}
        dry = (await supervisor.post("/admin/runs/resume-all", json=body)).json()
        assert {run for _, run in both} <= {row["run_id"] for row in dry["runs"]}
        for thread, _ in both:
            assert len(await said(service_url, thread, 1)) == 1
        body |= {"dry_run": False, "once": str(uuid4())}
        done = await supervisor.post("/admin/runs/resume-all", json=body, timeout=60)
        assert {run for _, run in both} <= set(done.json()["done"])
        again = await supervisor.post("/admin/runs/resume-all", json=body, timeout=60)
        assert again.json()["done"] == []
    for thread, _ in both:
        assert "You owe" in (await said(service_url, thread, 2))[-1]
