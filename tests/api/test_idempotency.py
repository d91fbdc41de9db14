"""A write that is sent again under its key is done once, and answered as it was."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.idempotency import identity_of
from tests.conftest import customer, headers_of
from tools.database import Pool, fetch_all, fetch_one, make_pool
from tools.idempotency import Answered, IdempotencyKeys

QUESTION = {"messages": [{"role": "user", "content": "what do I owe?"}]}
TURN: dict[str, Any] = {"assistant_id": "tria", "input": QUESTION, "stream_resumable": True}
USER = f"customer:{customer().customer_id}"


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with make_pool(postgres_url, max_size=2) as pool:
        yield pool


async def a_thread(http: httpx.AsyncClient) -> str:
    return str((await http.post("/threads", json={})).json()["thread_id"])


async def runs_of(http: httpx.AsyncClient, thread: str) -> list[str]:
    return [run["run_id"] for run in (await http.get(f"/threads/{thread}/runs")).json()]


def run_in(streamed: str) -> str:
    data = next(line for line in streamed.splitlines() if line.startswith("data: "))
    return str(json.loads(data.removeprefix("data: "))["run_id"])


class TestAnswers:
    async def test_the_same_request_is_answered_as_before(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        body = {"metadata": {"for": key["Idempotency-Key"]}}
        first, second = [await http.post("/threads", json=body, headers=key) for _ in range(2)]
        assert first.status_code == second.status_code == 200
        assert first.content == second.content
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert second.headers["content-type"] == first.headers["content-type"]
        assert len((await http.post("/threads/search", json=body)).json()) == 1

    async def test_another_request_under_the_key_is_refused(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        await http.post("/threads", json={}, headers=key)
        refused = await http.post("/threads", json={"metadata": {"a": 1}}, headers=key)
        assert refused.status_code == 422
        assert [e["field"] for e in refused.json()["errors"]] == ["Idempotency-Key"]

    async def test_a_key_is_of_one_user_one_method_and_one_path(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        mine = (await http.post("/threads", json={}, headers=key)).json()["thread_id"]
        others = key | headers_of(customer(1))
        theirs = (await http.post("/threads", json={}, headers=others)).json()["thread_id"]
        assert theirs != mine
        change = {"metadata": {"a": 1}}
        changed = await http.patch(f"/threads/{mine}", json=change, headers=key)
        assert changed.json()["metadata"]["a"] == 1
        assert (await http.delete(f"/threads/{mine}", headers=key)).status_code == 204
        again = await http.delete(f"/threads/{mine}", headers=key)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (204, "true")
        assert (await http.delete(f"/threads/{mine}")).status_code == 404

    async def test_what_was_refused_leaves_the_key_free(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        refused = await http.post("/threads", json={"thread_id": "none"}, headers=key)
        assert refused.status_code == 422
        assert (await http.post("/threads", json={}, headers=key)).status_code == 200

    async def test_without_a_key_nothing_is_kept(self, http: httpx.AsyncClient) -> None:
        first, second = [await http.post("/threads", json={}) for _ in range(2)]
        assert first.json()["thread_id"] != second.json()["thread_id"]

    @pytest.mark.parametrize("bad", ["", "a b", "x" * 256], ids=["empty", "blank", "long"])
    async def test_a_key_that_is_none_is_refused(self, http: httpx.AsyncClient, bad: str) -> None:
        refused = await http.post("/threads", json={}, headers={"Idempotency-Key": bad})
        assert refused.status_code == 422
        assert "Idempotency-Key" in refused.json()["detail"]

    async def test_reads_take_no_key(self, http: httpx.AsyncClient, key: dict[str, str]) -> None:
        tag = {"metadata": {"tag": uuid4().hex}}
        assert (await http.post("/threads/search", json=tag, headers=key)).json() == []
        await http.post("/threads", json=tag)
        assert len((await http.post("/threads/search", json=tag, headers=key)).json()) == 1


LARGE: dict[str, Any] = {"metadata": {"large": "🧾" * 5_000}}


class TestLargeAnswers:
    """What is kept for a day is small, holds no conversation, and goes with its thread."""

    async def test_a_change_is_made_once_and_answered_with_what_there_is(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        path, change = f"/threads/{thread}", {"metadata": {"colour": "red"}}
        assert (await http.patch(path, json=change, headers=key)).status_code == 200
        await http.patch(path, json={"metadata": {"colour": "blue"}})
        again = await http.patch(path, json=change, headers=key)
        assert (again.status_code, again.json()["metadata"]) == (200, {"colour": "blue"})
        assert again.headers["idempotent-replayed"] == "true"
        minimal = await http.patch(path, json=change, headers=key | {"Prefer": "return=minimal"})
        assert minimal.status_code == 204
        assert await kept(pool, key, "PATCH", path) == (200, None)

    async def test_a_conversation_with_much_metadata_is_opened_once(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        first, second = [await http.post("/threads", json=LARGE, headers=key) for _ in range(2)]
        assert first.json() == second.json()
        assert second.headers["idempotent-replayed"] == "true"
        assert await kept(pool, key, "POST", "/threads") == (200, None)

    async def test_its_copy_is_made_once(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        thread = (await http.post("/threads", json=LARGE)).json()["thread_id"]
        path = f"/threads/{thread}/copy"
        copies = [(await http.post(path, headers=key)).json() for _ in range(2)]
        assert copies[0]["thread_id"] == copies[1]["thread_id"] != thread
        assert await kept(pool, key, "POST", path) == (200, None)

    async def test_many_questions_are_asked_once(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        batch = [TURN | LARGE] * 2
        first, second = [
            (await http.post("/runs/batch", json=batch, headers=key)).json() for _ in range(2)
        ]
        assert [run["run_id"] for run in first] == [run["run_id"] for run in second]
        assert await kept(pool, key, "POST", "/runs/batch") == (200, None)

    async def test_what_cannot_be_asked_again_is_said_to_be_done(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        path = f"/threads/{await a_thread(http)}/commands"
        body = b'{"id": 1, "method": "run.start"}'
        keys = IdempotencyKeys(pool)
        identity = identity_of(USER, "POST", path, key["Idempotency-Key"])
        await keys.keep(await keys.claim(identity, fingerprint(body)), Answered(200, {}, None))
        headers = key | {"Content-Type": "application/json"}
        refused = await http.post(path, content=body, headers=headers)
        assert (refused.status_code, refused.json()["title"]) == (409, "Done before")

    async def test_a_deleted_conversation_leaves_nothing_under_its_keys(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        tag = uuid4().hex
        body = {"metadata": {"tag": tag}}
        thread = (await http.post("/threads", json=body, headers=key)).json()["thread_id"]
        path = f"/threads/{thread}"
        await http.post(f"{path}/commands", json={"id": 1, "method": tag}, headers=key)
        await http.patch(path, json=body, headers=key)
        assert len(await kept_with(pool, tag)) == 2
        assert (await http.delete(path, headers=key)).status_code == 204
        assert await kept_with(pool, tag) == []
        assert await kept(pool, key, "PATCH", path) is None
        assert (await http.delete(path, headers=key)).status_code == 204


async def kept(
    pool: Pool, key: dict[str, str], method: str, path: str
) -> tuple[int, bytes | None] | None:
    """The status and body that are kept under a key."""
    identity = identity_of(USER, method, path, key["Idempotency-Key"])
    row = await fetch_one(pool, "select * from idempotency_keys where id = %s", [identity])
    return (row["status"], row["body"]) if row else None


async def kept_with(pool: Pool, words: str) -> list[UUID]:
    """What is kept with these words in it."""
    query = "select id from idempotency_keys where position(%s::bytea in body) > 0"
    return [row["id"] for row in await fetch_all(pool, query, [words.encode()])]


class TestRuns:
    async def test_many_at_once_are_one_run(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        answers = await asyncio.gather(
            *(http.post(f"/threads/{thread}/runs", json=TURN, headers=key) for _ in range(20))
        )
        assert {a.status_code for a in answers} == {200}
        assert len({a.json()["run_id"] for a in answers}) == 1
        assert len(await runs_of(http, thread)) == 1

    async def test_a_stream_joins_the_run_that_is_there(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        first = await http.post(f"/threads/{thread}/runs/stream", json=TURN, headers=key)
        second = await http.post(f"/threads/{thread}/runs/stream", json=TURN, headers=key)
        assert second.headers["idempotent-replayed"] == "true"
        assert run_in(first.text) == run_in(second.text)
        assert len(await runs_of(http, thread)) == 1

    async def test_waiting_again_brings_the_same_values(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        first, second = [
            await http.post(f"/threads/{thread}/runs/wait", json=TURN, headers=key)
            for _ in range(2)
        ]
        assert first.json()["messages"] == second.json()["messages"]
        assert len(await runs_of(http, thread)) == 1

    async def test_a_repeat_is_not_refused_for_its_own_run(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        body = TURN | {"multitask_strategy": "reject"}
        answers = [
            await http.post(f"/threads/{thread}/runs", json=body, headers=key) for _ in range(3)
        ]
        assert [a.status_code for a in answers] == [200] * 3
        assert len({a.json()["run_id"] for a in answers}) == 1

    async def test_another_message_under_the_key_is_refused(
        self, http: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        thread = await a_thread(http)
        await http.post(f"/threads/{thread}/runs", json=TURN, headers=key)
        other = TURN | {"input": {"messages": [{"role": "user", "content": "something else"}]}}
        refused = await http.post(f"/threads/{thread}/runs", json=other, headers=key)
        assert refused.status_code == 422
        assert len(await runs_of(http, thread)) == 1


def fingerprint(body: bytes) -> bytes:
    return hashlib.sha256(b"\n" + body).digest()


class TestUnderWay:
    """Another process has claimed the key, and works on the request or has died over it."""

    BODY = b'{"metadata": {}}'

    async def claimed(self, pool: Pool, key: dict[str, str], lease_seconds: float) -> UUID:
        identity = identity_of(USER, "POST", "/threads", key["Idempotency-Key"])
        await IdempotencyKeys(pool, lease_seconds).claim(identity, fingerprint(self.BODY))
        return identity

    async def post(self, http: httpx.AsyncClient, key: dict[str, str]) -> httpx.Response:
        kind = {"Content-Type": "application/json"}
        return await http.post("/threads", content=self.BODY, headers=key | kind)

    async def test_the_request_has_to_wait(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        await self.claimed(pool, key, lease_seconds=60)
        refused = await self.post(http, key)
        assert refused.status_code == 409
        assert refused.headers["retry-after"] == "1"

    async def test_a_request_whose_process_died_is_done_again(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        identity = await self.claimed(pool, key, lease_seconds=-1)
        made = await self.post(http, key)
        assert made.json()["thread_id"] == str(identity)
        assert (await self.post(http, key)).content == made.content

    async def test_what_it_had_stored_before_is_not_made_twice(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        identity = await self.claimed(pool, key, lease_seconds=-1)
        await http.post("/threads", json={"thread_id": str(identity)})
        found = await self.post(http, key)
        assert (found.status_code, found.json()["thread_id"]) == (200, str(identity))

    async def test_another_request_does_not_take_its_key_over(
        self, http: httpx.AsyncClient, pool: Pool, key: dict[str, str]
    ) -> None:
        await self.claimed(pool, key, lease_seconds=-1)
        refused = await http.post("/threads", json={"metadata": {"a": 1}}, headers=key)
        assert refused.status_code == 422


async def test_keys_of_more_than_a_day_are_forgotten(pool: Pool) -> None:
    keys, stale, fresh = IdempotencyKeys(pool), uuid4(), uuid4()
    for identity in (stale, fresh):
        claim = await keys.claim(identity, b"asked")
        await keys.keep(claim, Answered(200, {}, b"{}"))
    await fetch_one(
        pool,
        "update idempotency_keys set created_at = now() - interval '25 hours' where id = %s"
        " returning id",
        [stale],
    )
    await keys.prune()
    assert not (await keys.claim(stale, b"asked")).is_repeat
    assert (await keys.claim(fresh, b"asked")).answered == Answered(200, {}, b"{}")
