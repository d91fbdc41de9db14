"""One customer's data on the pages and through the API: shown, exported, erased, kept."""

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from psycopg import sql
from redis import Redis

from api.tokens import issue_token
from graph.clients import now
from tests.api.console.conftest import ADMIN, AGENT, SUPERVISOR, Operators, signed_in
from tests.api.test_conversations import ORDER_FORM, a_thread, say
from tests.conftest import SECRET, customer
from tools.context import Caller
from tools.privacy.places import NOBODYS, TABLES, condition_of

TIMEOUT = 60
IN_BYTES = "position(%s::text::bytea in {}) > 0"
IN_TEXT = "strpos({}::text, %s) > 0"


@dataclass(frozen=True)
class Written:
    """A customer who wrote `mark` wherever customers can write something, and what came of it."""

    customer_id: str
    mark: str
    thread: str
    number: str


def a_caller(customer_id: str, mark: str) -> Caller:
    demo = customer()
    roles = frozenset(demo.roles)
    return Caller(customer_id, f"Ah {mark}", f"{mark} Kitchen", demo.contact_ids, roles)


def bearer(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(SECRET, caller, now())}"}


async def written(url: str, customer_id: str, mark: str) -> Written:
    """Everything that a customer can fill, filled with the mark."""
    headers = bearer(a_caller(customer_id, mark))
    async with (
        get_client(url=url, api_key=None, headers=headers) as sdk,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT) as http,
    ):
        thread = (await sdk.threads.create(metadata={"note": mark}))["thread_id"]
        await say(sdk, thread, ORDER_FORM.replace("Mei", mark), id=f"message-{mark}")
        values = await say(sdk, thread, "yes")
        assert values["card"]["status"] == "committed", values["messages"][-1]["content"]
        await speak_elsewhere(sdk, http, mark)
        answer = values["messages"][-1]
        opinion = {"message_id": answer["id"], "score": -1, "comment": f"{mark} was too slow"}
        (await http.post(f"/threads/{thread}/feedback", json=opinion)).raise_for_status()
    await noted(url, thread, mark)
    number = re.search(r"TRIA-\d{6}", answer["content"])
    assert number
    return Written(customer_id, mark, thread, number[0])


async def noted(url: str, thread: str, mark: str) -> None:
    async with signed_in(url, AGENT) as colleague:
        path = f"/admin/conversations/{thread}/notes"
        (await colleague.post(path, json={"content": f"{mark} rang"})).raise_for_status()


async def speak_elsewhere(sdk: LangGraphClient, http: httpx.AsyncClient, mark: str) -> None:
    """Another conversation, an item of the store, and answers that are kept under a key."""
    key = {"Idempotency-Key": f"key-{mark}"}
    thread = await http.post("/threads", json={"metadata": {"kept": mark}}, headers=key)
    asked: Any = {"messages": [{"role": "user", "content": f"what do I owe? says {mark}"}]}
    await sdk.runs.wait(
        thread.json()["thread_id"],
        "tria",
        input=asked,
        metadata={"run": mark},
    )
    for text in ("send me the pdf of my latest invoice", "I paid yesterday, did you get it?"):
        await say(sdk, thread.json()["thread_id"], text)
    item = {"namespace": ["mine"], "key": mark, "value": {"text": mark}}
    (await http.put("/store/items", json=item)).raise_for_status()
    found = await http.post("/store/items/search", json={"namespace_prefix": ["mine"]}, headers=key)
    assert mark in found.text


def places_of(postgres_url: str, mark: str) -> set[str]:
    """Every column of every table in which the mark stands, in whatever form."""
    found = set()
    with psycopg.connect(postgres_url) as connection:
        for table, column, kind in connection.execute(TABLES).fetchall():
            stands = sql.SQL(IN_BYTES if kind == "bytea" else IN_TEXT)
            query = sql.SQL("select exists (select 1 from {} where {})").format(
                sql.Identifier(table), stands.format(sql.Identifier(column))
            )
            [(is_there,)] = connection.execute(query, [mark]).fetchall()
            found |= {f"{table}.{column}"} if is_there else set()
    return found


def keys_of(redis_url: str, mark: str) -> set[str]:
    """Every key of Redis whose name or value has the mark."""
    with Redis.from_url(redis_url) as redis:
        return {k.decode() for k in redis.scan_iter() if mark.encode() in k + held(redis, k)}


def held(redis: "Redis", key: bytes) -> bytes:
    match redis.type(key):
        case b"stream":
            return repr(redis.xrange(key)).encode()
        case b"hash":
            return repr(redis.hgetall(key)).encode()
        case b"zset":
            return repr(redis.zrange(key, 0, -1)).encode()
        case b"list":
            return repr(redis.lrange(key, 0, -1)).encode()
        case _:
            return repr(redis.get(key)).encode()


@pytest.fixture(scope="module")
def marks() -> tuple[str, str]:
    return f"Mark{uuid4().hex[:12]}", f"Other{uuid4().hex[:12]}"


@pytest.fixture(scope="module")
async def people(service_url: str, marks: tuple[str, str]) -> tuple[Written, ...]:
    """Two customers of one company, whose names begin alike."""
    first = f"erase-{uuid4().hex[:8]}"
    mine, other = marks
    return (
        await written(service_url, first, mine),
        await written(service_url, f"{first}-too", other),
    )


async def test_what_a_customer_wrote_stands_in_many_places(
    people: tuple[Written, ...], postgres_url: str, redis_url: str
) -> None:
    """Else the test below would prove nothing."""
    mine, _ = people
    found = {place.split(".")[0] for place in places_of(postgres_url, mine.mark)}
    expected = {"threads", "messages", "runs", "actions", "store", "feedback", "customers"}
    expected |= {"idempotency_keys", "checkpoint_blobs", "checkpoint_writes", "document_links"}
    assert expected | {"notes"} <= found
    assert keys_of(redis_url, mine.mark)


def test_every_table_is_somebodys_or_nobodys(postgres_url: str) -> None:
    """A table that is added says whose its rows are, or is named as nobody's."""
    with psycopg.connect(postgres_url) as connection:
        columns: dict[str, set[str]] = {}
        for table, column, _ in connection.execute(TABLES).fetchall():
            columns.setdefault(table, set()).add(column)
    left_out = {t for t, names in columns.items() if not condition_of(t, list(names))}
    assert left_out <= NOBODYS


async def test_an_export_has_everything_of_one_customer_and_nothing_of_another(
    people: tuple[Written, ...], operator: Operators, postgres_url: str
) -> None:
    mine, other = people
    async with operator(ADMIN) as client:
        answer = await client.post("/admin/privacy/export", json={"customer_id": mine.customer_id})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    everything = "".join(files.values())
    assert other.mark not in everything
    assert f"{mine.customer_id}-too" not in everything
    for name in ("messages", "runs", "actions", "action_writes", "store", "feedback", "audit"):
        assert json.loads(files[f"{name}.json"]), name
    tables = {place.split(".")[0] for place in places_of(postgres_url, mine.mark)}
    assert {f"{table}.json" for table in tables} <= {n for n, t in files.items() if mine.mark in t}
    assert "messages.json" in files["index.txt"]
    assert mine.customer_id in files["index.txt"]
    assert "secret_hash" not in everything
    assert await events(operator, mine.customer_id) == ["customer.exported"]


async def events(operator: Operators, subject: str) -> list[str]:
    async with operator(ADMIN) as client:
        rows = (await client.get("/admin/audit", params={"subject": subject})).json()
    return [row["event"] for row in rows]


async def test_only_an_admin_sees_exports_or_erases(
    people: tuple[Written, ...], operator: Operators
) -> None:
    asked = {"customer_id": people[0].customer_id}
    for who in (AGENT, SUPERVISOR):
        async with operator(who) as client:
            for path in ("preview", "export", "erase"):
                body = asked | ({"confirm": asked["customer_id"]} if path == "erase" else {})
                assert (await client.post(f"/admin/privacy/{path}", json=body)).status_code == 403
            for path in ("/admin/privacy/retention", "/admin/audit", "/admin/audit/verify"):
                assert (await client.get(path)).status_code == 403
            for path in ("privacy", "audit"):
                assert (await client.get(f"/console/{path}")).status_code == 403
            assert (await client.post("/console/privacy/erase", data=asked)).status_code == 403


async def test_nobody_is_erased_while_a_person_is_to_answer(
    people: tuple[Written, ...], operator: Operators, service_url: str, postgres_url: str
) -> None:
    mine, _ = people
    headers = bearer(a_caller(mine.customer_id, mine.mark))
    async with get_client(url=service_url, api_key=None, headers=headers) as sdk:
        await say(sdk, await a_thread(sdk), f"I want to talk to a manager about {mine.mark}")
    body = {"customer_id": mine.customer_id, "confirm": mine.customer_id}
    async with operator(ADMIN) as client:
        refused = await client.post("/admin/privacy/erase", json=body)
        page = await client.get("/console/privacy", params={"customer": mine.customer_id})
    assert refused.status_code == 409
    ticket = re.search(r"ticket (T-\d+)", refused.json()["detail"])
    assert ticket
    assert ticket[1] in page.text
    assert "disabled" in page.text
    assert "tickets.packet" in places_of(postgres_url, mine.mark)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "update tickets set status = 'closed' where customer_id = %s", [mine.customer_id]
        )


async def test_the_id_has_to_be_typed(people: tuple[Written, ...], operator: Operators) -> None:
    mine, _ = people
    async with operator(ADMIN) as client:
        body = {"customer_id": mine.customer_id, "confirm": mine.customer_id.upper()}
        assert (await client.post("/admin/privacy/erase", json=body)).status_code == 409
        form = {"customer_id": mine.customer_id, "typed": "erase"}
        page = await client.post("/console/privacy/erase", data=form)
    assert page.status_code == 409
    assert mine.customer_id in page.text


async def test_after_an_erasure_nothing_of_them_is_left_anywhere(
    people: tuple[Written, ...], operator: Operators, postgres_url: str, redis_url: str
) -> None:
    mine, other = people
    others = places_of(postgres_url, other.mark), keys_of(redis_url, other.mark)
    async with operator(ADMIN) as client:
        preview = (
            await client.post("/admin/privacy/preview", json={"customer_id": mine.customer_id})
        ).json()
        page = await client.get("/console/privacy", params={"customer": mine.customer_id})
        form = {"customer_id": mine.customer_id, "typed": mine.customer_id}
        erased = await client.post("/console/privacy/erase", data=form)
    assert mine.number in preview["numbers"]
    assert mine.number in page.text
    assert erased.status_code == 303
    assert places_of(postgres_url, mine.mark) == set()
    assert keys_of(redis_url, mine.mark) == set()
    assert (places_of(postgres_url, other.mark), keys_of(redis_url, other.mark)) == others
    with psycopg.connect(postgres_url) as connection:
        [(card, total)] = connection.execute(
            "select card, card->>'total' from actions where document_number = %s", [mine.number]
        ).fetchall()
        outlets = "select count(*) from outlets where bill_to::text = any(%s)"
        # The other customer's too.
        [(kept,)] = connection.execute(outlets, [list(customer().contact_ids)]).fetchall()
    assert float(total) > 0
    assert kept > 0
    assert card["title"] == f"order {mine.number}"


async def test_erasing_again_changes_nothing(
    people: tuple[Written, ...], operator: Operators
) -> None:
    mine, _ = people
    before = await events(operator, mine.customer_id)
    assert before[0] == "customer.erased"
    async with operator(ADMIN) as client:
        body = {"customer_id": mine.customer_id, "confirm": mine.customer_id}
        again = await client.post("/admin/privacy/erase", json=body)
    assert (again.status_code, again.json()["goes"]) == (200, [])
    assert await events(operator, mine.customer_id) == before


async def test_whoever_was_erased_may_come_back(
    people: tuple[Written, ...], service_url: str
) -> None:
    mine, _ = people
    headers = bearer(a_caller(mine.customer_id, "Ah Beng"))
    async with get_client(url=service_url, api_key=None, headers=headers) as sdk:
        for text in ("where is my order?", "cancel my last order", "what do I owe?"):
            values = await say(sdk, await a_thread(sdk), text)
            assert values["messages"][-1]["content"]


async def test_a_customer_whom_nobody_knows(operator: Operators) -> None:
    async with operator(ADMIN) as client:
        for path in ("preview", "export"):
            answer = await client.post(f"/admin/privacy/{path}", json={"customer_id": "nobody"})
            assert answer.status_code == 404
        page = await client.get("/console/privacy", params={"customer": "nobody"})
    assert "Nothing is kept" in page.text


async def test_the_page_tells_how_long_each_kind_is_kept(operator: Operators) -> None:
    async with operator(ADMIN) as client:
        kinds: list[dict[str, Any]] = (await client.get("/admin/privacy/retention")).json()
        page = await client.get("/console/privacy")
    assert {"checkpoints", "conversations", "tickets", "audit"} <= {k["kind"] for k in kinds}
    for kind in kinds:
        assert kind["title"] in page.text


async def test_the_audit_page_finds_and_checks(
    people: tuple[Written, ...], operator: Operators
) -> None:
    async with operator(ADMIN) as client:
        page = await client.get("/console/audit", params={"event": "customer"})
        assert people[0].customer_id in page.text
        assert "action.confirmed" not in page.text
        checked = await client.post("/console/audit/verify")
        verified = (await client.get("/admin/audit/verify")).json()
    assert "unchanged" in checked.text
    assert verified["faults"] == []
    assert verified["digest"] in (checked.text + verified["digest"])
