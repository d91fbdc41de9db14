"""What customers say of answers, over HTTP: their own, once each, and the last word counts."""

from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.conftest import staff_client
from tests.api.test_conversations import a_thread, say
from tests.conftest import customer, headers_of


async def an_answer(sdk: LangGraphClient) -> tuple[str, str]:
    thread = await a_thread(sdk)
    values = await say(sdk, thread, "what do I owe?")
    return f"/threads/{thread}/feedback", values["messages"][-1]["id"]


def resolution(postgres_url: str, path: str) -> str:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "select resolution from threads where thread_id = %s", [path.split("/")[2]]
        ).fetchone()
    assert row
    return str(row[0])


async def test_a_thumb_may_be_turned_and_a_survey_given(
    sdk: LangGraphClient, http: httpx.AsyncClient, postgres_url: str
) -> None:
    path, message = await an_answer(sdk)
    given: dict[str, Any] = {"message_id": message, "score": -1, "comment": " wrong month "}
    for _ in range(2):  # safe to repeat
        assert (await http.post(path, json=given)).status_code == 200
    assert resolution(postgres_url, path) == "open"
    assert (await http.post(path, json={"message_id": message, "score": 1})).status_code == 200
    assert resolution(postgres_url, path) == "confirmed"
    answer = await http.post(path, json={"solved": False, "score": 2, "comment": "no"})
    assert answer.json() | {"updated_at": ""} == {
        "message_id": None,
        "score": 2,
        "solved": False,
        "comment": "no",
        "updated_at": "",
    }
    assert resolution(postgres_url, path) == "open"
    said = [(x["message_id"], x["score"], x["solved"]) for x in (await http.get(path)).json()]
    assert said == [(message, 1, None), (None, 2, False)]


async def test_thanks_confirm_that_the_matter_is_settled(
    sdk: LangGraphClient, http: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    values = await say(sdk, thread, "thanks a lot")
    assert values["messages"][-1]["additional_kwargs"]["ending"] == "thanks"
    path = f"/threads/{thread}/feedback"
    await http.post(path, json={"message_id": values["messages"][1]["id"], "score": 1})
    assert resolution(postgres_url, path) == "confirmed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"score": 4},
        {"message_id": "m"},
        {"message_id": "m", "score": 0},
        {"message_id": "m", "score": 5},
        {"message_id": "m", "score": 1, "solved": True},
        {"solved": True, "score": 6},
        {"solved": True, "score": -1},
        {"solved": True, "comment": "x" * 1001},
        {"solved": True, "comment": "a\u0000b"},
        {"message_id": "x" * 201, "score": 1},
    ],
)
async def test_half_an_opinion_is_refused(
    sdk: LangGraphClient, http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    path = f"/threads/{await a_thread(sdk)}/feedback"
    assert (await http.post(path, json=body)).status_code == 422
    assert (await http.get(path)).json() == []


async def test_what_is_not_theirs_is_not_there(
    service_url: str, sdk: LangGraphClient, http: httpx.AsyncClient
) -> None:
    path, message = await an_answer(sdk)
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer(1)), timeout=30
    ) as other:
        foreign = await other.post(path, json={"message_id": message, "score": 1})
        missing = await other.post(f"/threads/{uuid4()}/feedback", json={"solved": True})
        assert (await other.get(path)).status_code == 404
    assert (foreign.status_code, missing.status_code) == (404, 404)
    asked = (await http.get(path.removesuffix("/feedback"))).json()["values"]["messages"][0]["id"]
    for unknown in (asked, "no message"):
        answer = await http.post(path, json={"message_id": unknown, "score": 1})
        assert answer.status_code == 404
    assert (await http.get(path)).json() == []


async def test_only_a_customer_says_how_it_was(service_url: str, sdk: LangGraphClient) -> None:
    path, message = await an_answer(sdk)
    body = {"message_id": message, "score": 1}
    async with httpx.AsyncClient(base_url=service_url) as nobody:
        assert (await nobody.post(path, json=body)).status_code == 401
    with staff_client(service_url) as director:
        assert director.post(path, json=body).status_code == 403
