"""The approvals page by form: who may decide, what is said, and that pressing twice is harmless."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.api.console.conftest import AGENT, SUPERVISOR, Operators
from tests.api.test_approvals import an_order_that_waits, told
from tests.conftest import customer, headers_of


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


async def posted(client: httpx.AsyncClient, action_id: str, **form: str) -> str:
    """What the page says after a form was sent."""
    answer = await client.post(f"/console/approvals/{action_id}", data=form, follow_redirects=True)
    assert answer.status_code == 200
    found = re.search(r'<p class="notice" role="status">(.*?)</p>', answer.text)
    return found[1] if found else ""


async def test_nobody_decides_above_their_level(
    sdk: LangGraphClient, operator: Operators, postgres_url: str
) -> None:
    _, card = await an_order_that_waits(sdk)
    raised = "update actions set approval_level = 3 where action_id = %s"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(raised, [card["action_id"]])
    async with operator(AGENT) as agent:
        page = (await agent.get("/console/approvals")).text
        assert f'id="approve-{card["action_id"]}"' not in page
        assert "Level 3 decides" in page
        assert "you are level 2" in await posted(agent, card["action_id"], decision="approve")
        change = await agent.post(
            f"/console/approvals/{card['action_id']}/change", data={"pieces": "2000"}
        )
        assert change.status_code == 409
        assert "needs level 3" in change.text
    async with operator(SUPERVISOR) as supervisor:
        said = await posted(supervisor, card["action_id"], decision="decline", reason="no stock")
        assert "Declined" in said


async def test_a_decision_is_made_once_and_with_a_reason(
    sdk: LangGraphClient, operator: Operators
) -> None:
    thread, card = await an_order_that_waits(sdk)
    async with operator(AGENT) as agent:
        assert "Say why" in await posted(agent, card["action_id"], decision="decline")
        assert "Approved" in await posted(agent, card["action_id"], decision="approve")
        again = await posted(agent, card["action_id"], decision="approve")
        assert "Approved" in again or "does not wait any more" in again
        other = await posted(agent, card["action_id"], decision="decline", reason="changed my mind")
        assert "does not wait any more" in other
        gone = await agent.post(f"/console/approvals/{uuid4()}", data={"decision": "approve"})
        assert gone.status_code == 404
    assert "TRIA-" in (await told(sdk, thread, 5))[-1]["content"]


async def test_a_change_is_confirmed_as_it_was_previewed_and_once(
    sdk: LangGraphClient, operator: Operators
) -> None:
    thread, card = await an_order_that_waits(sdk)
    path = f"/console/approvals/{card['action_id']}/change"
    async with operator(AGENT) as agent:
        preview = await agent.post(path, data={"pieces": "2000", "step": "preview"})
        found = re.search(r'name="seen" value="([^"]+)"', preview.text)
        assert found
        form = {"pieces": "2000", "step": "yes", "seen": found[1]}
        stale = await agent.post(path, data=form | {"seen": "1.00"})
        assert "have changed since" in stale.text
        for _ in range(2):
            done = await agent.post(path, data=form)
            assert done.status_code == 303
    assert (await told(sdk, thread, 5))[-1]["additional_kwargs"]["card"]["replaces"]


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"pieces": "-1"}, "from 0 to"),
        ({"pieces": "3000", "day": "tomorrow"}, "Write the day like"),
        ({"pieces": "3000", "amount": "1.005"}, "at most two decimals"),
        ({"pieces": "3000", "amount": "NaN"}, "at most two decimals"),
        ({"pieces": "3000"}, "Nothing is changed"),
    ],
)
async def test_what_is_no_change_is_said_beside_what_was_typed(
    sdk: LangGraphClient, operator: Operators, form: dict[str, str], why: str
) -> None:
    _, card = await an_order_that_waits(sdk)
    async with operator(AGENT) as agent:
        answer = await agent.post(
            f"/console/approvals/{card['action_id']}/change",
            data=form | {"note": "half <a> thought"},
        )
    assert answer.status_code == 409
    assert why in answer.text
    assert "half &lt;a&gt; thought" in answer.text
