"""The store: what clients keep, out of everybody else's sight."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.conftest import customer, headers_of
from tools.store import LARGEST_VALUE, MOST_ITEMS


@pytest.fixture
def label() -> str:
    """A label of this test alone."""
    return uuid4().hex


@pytest.fixture
async def stranger(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer(1)), timeout=30
    ) as client:
        yield client


async def put(http: httpx.AsyncClient, namespace: list[str], key: str, **value: Any) -> None:
    item = {"namespace": namespace, "key": key, "value": value}
    answer = await http.put("/store/items", json=item)
    assert answer.status_code == 204, answer.text


async def test_items_live_their_whole_life(sdk: LangGraphClient, label: str) -> None:
    await sdk.store.put_item(["u", label], "k", {"a": 1})
    item = await sdk.store.get_item(["u", label], "k")
    assert set(item) == {"namespace", "key", "value", "created_at", "updated_at"}
    assert (item["namespace"], item["key"], item["value"]) == (["u", label], "k", {"a": 1})
    await sdk.store.put_item(["u", label], "k", {"a": 2})
    [found] = (await sdk.store.search_items(["u", label]))["items"]
    assert found["value"] == {"a": 2}
    assert found["score"] is None
    listed = await sdk.store.list_namespaces(suffix=[label])
    assert listed == {"namespaces": [["u", label]]}
    await sdk.store.delete_item(["u", label], "k")
    assert await sdk.store.get_item(["u", label], "k") is None
    assert (await sdk.store.search_items(["u", label]))["items"] == []


async def test_the_items_of_others_do_not_exist(
    http: httpx.AsyncClient, stranger: httpx.AsyncClient, label: str
) -> None:
    await put(http, [label, "a"], "k", mine=True)
    where = {"namespace": f"{label}.a", "key": "k"}
    assert (await stranger.get("/store/items", params=where)).json() is None
    await stranger.request("DELETE", "/store/items", json={"namespace": [label, "a"], "key": "k"})
    for prefix in ([], [label], [label, "a"]):
        found = await stranger.post("/store/items/search", json={"namespace_prefix": prefix})
        assert label not in found.text
    for wanted in ({}, {"prefix": ["*"]}, {"suffix": ["a"]}, {"prefix": ["*", "*", "*"]}):
        assert label not in (await stranger.post("/store/namespaces", json=wanted)).text
    await put(stranger, [label, "a"], "k", mine=False)
    assert (await http.get("/store/items", params=where)).json()["value"] == {"mine": True}


async def test_a_prefix_is_whole_labels(http: httpx.AsyncClient, label: str) -> None:
    for name in ("u", "user", "u_", "u%"):
        await put(http, [label, name], "k", name=name)
    for name in ("u", "u_", "u%"):
        body = {"namespace_prefix": [label, name]}
        [found] = (await http.post("/store/items/search", json=body)).json()["items"]
        assert found["value"] == {"name": name}


async def test_items_are_found_by_what_they_hold_page_by_page(
    http: httpx.AsyncClient, label: str
) -> None:
    for n in range(5):
        await put(http, [label], f"k{n}", n=n, odd=bool(n % 2))
    asked = {"namespace_prefix": [label], "filter": {"odd": False}, "limit": 2}
    first = (await http.post("/store/items/search", json=asked)).json()["items"]
    rest = (await http.post("/store/items/search", json=asked | {"offset": 2})).json()["items"]
    assert sorted(item["value"]["n"] for item in first + rest) == [0, 2, 4]
    above = asked | {"filter": {"n": {"$gte": 3}}}
    found = (await http.post("/store/items/search", json=above)).json()["items"]
    assert sorted(item["value"]["n"] for item in found) == [3, 4]


async def test_namespaces_are_listed_by_prefix_suffix_and_depth(
    http: httpx.AsyncClient, label: str
) -> None:
    for names in (["a", "x"], ["a", "y"], ["b", "x"]):
        await put(http, [label, *names], "k", n=1)

    async def listed(**wanted: Any) -> list[list[str]]:
        answer = await http.post("/store/namespaces", json={"prefix": [label]} | wanted)
        return [each[1:] for each in answer.json()["namespaces"]]

    assert await listed() == [["a", "x"], ["a", "y"], ["b", "x"]]
    assert await listed(suffix=["x"]) == [["a", "x"], ["b", "x"]]
    assert await listed(max_depth=2) == [["a"], ["b"]]
    assert await listed(prefix=[label, "*", "y"]) == [["a", "y"]]
    assert await listed(limit=1, offset=1) == [["a", "y"]]


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": []},
        {"namespace": ["a.b"]},
        {"namespace": [""]},
        {"namespace": ["a"] * 11},
        {"key": ""},
        {"key": "x" * 201},
        {"key": "a\x00"},
        {"value": [1]},
        {"value": {"a": "x" * LARGEST_VALUE}},
        {"ttl": -1},
    ],
    ids=lambda change: f"{next(iter(change))}-{len(str(change))}",
)
async def test_what_is_not_an_item_is_refused(
    http: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    item = {"namespace": ["a"], "key": "k", "value": {"a": 1}} | change
    answer = await http.put("/store/items", json=item)
    assert answer.status_code == 422
    assert next(iter(change)) in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    ["namespace=&key=k", "namespace=a..b&key=k", "namespace=a", "key=k", "namespace=a&key="],
)
async def test_an_item_is_asked_for_by_namespace_and_key(
    http: httpx.AsyncClient, query: str
) -> None:
    assert (await http.get(f"/store/items?{query}")).status_code == 422


async def test_a_comparison_that_there_is_not_is_refused(http: httpx.AsyncClient) -> None:
    body = {"namespace_prefix": ["a"], "filter": {"n": {"$near": 3}}}
    answer = await http.post("/store/items/search", json=body)
    assert answer.status_code == 422
    assert "filter" in answer.json()["detail"]


async def test_a_full_store_takes_no_new_item_but_changes_old_ones(
    service_url: str, postgres_url: str
) -> None:
    who = headers_of(customer(4))
    async with httpx.AsyncClient(base_url=service_url, headers=who, timeout=30) as http:
        await put(http, ["a"], "k", n=0)
        with psycopg.connect(postgres_url) as connection:
            connection.execute(
                "insert into store (prefix, key, value) select s.prefix, 'k' || n, '{}' from store"
                " s, generate_series(2, %s) n where s.key = 'k' and s.prefix like '%%.a'"
                " and s.value = '{\"n\": 0}'",
                [MOST_ITEMS],
            )
        item = {"namespace": ["b"], "key": "new", "value": {}}
        answer = await http.put("/store/items", json=item)
        assert answer.status_code == 409
        assert str(MOST_ITEMS) in answer.json()["detail"]
        await put(http, ["a"], "k", n=1)
        await http.request("DELETE", "/store/items", json={"namespace": ["a"], "key": "k2"})
        await put(http, ["b"], "new", n=1)


async def test_an_item_goes_when_its_time_is_over(
    http: httpx.AsyncClient, postgres_url: str, label: str
) -> None:
    item = {"namespace": [label], "key": "k", "value": {"a": 1}, "ttl": 5}
    await http.put("/store/items", json=item)
    where = {"namespace": label, "key": "k"}
    assert (await http.get("/store/items", params=where)).json()["value"] == {"a": 1}
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "update store set expires_at = now() - interval '1 second' where prefix like %s",
            [f"%.{label}"],
        )
    assert (await http.get("/store/items", params=where)).json() is None


async def test_crons_are_politely_not_there(http: httpx.AsyncClient) -> None:
    body = {"schedule": "0 0 * * *", "assistant_id": "tria", "input": {}}
    for path in ("/runs/crons", f"/threads/{uuid4()}/runs/crons"):
        answer = await http.post(path, json=body)
        assert answer.status_code == 501
        assert "after_seconds" in answer.json()["detail"]
    assert (await http.post("/runs/crons/search", json={})).json() == []
    assert (await http.post("/runs/crons/count", json={})).json() == 0
    assert (await http.delete(f"/runs/crons/{uuid4()}")).status_code == 404
    assert (await http.get("/info")).json()["flags"]["crons"] is False
