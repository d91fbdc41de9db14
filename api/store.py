"""The store: small items that clients keep, each customer's seen by that customer alone."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator, Field

from api.auth import StoreUser
from api.dependencies import ClientsOf
from api.schemas import Body, Metadata, Text
from api.thread_schemas import LONGEST_TTL_MINUTES
from tools.store import (
    LARGEST_VALUE,
    MOST_ITEMS,
    Listing,
    NewItem,
    Search,
    StoreFull,
    ValueTooLarge,
    shown,
)

router = APIRouter(prefix="/store", tags=["store"])
FULL = f"This store is full: {MOST_ITEMS} items are kept. Delete some first."
TOO_LARGE = f"value: at most {LARGEST_VALUE} bytes of JSON."
OPERATORS = frozenset(("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"))


def _label(text: str) -> str:
    if "." in text:
        raise ValueError("a label of a namespace has no periods")
    return text


def _comparison(value: dict[str, Any]) -> dict[str, Any]:
    for wanted in value.values():
        operators = {key for key in wanted if key.startswith("$")} if _is_object(wanted) else set()
        if operators and (operators != set(wanted) or operators - OPERATORS):
            raise ValueError(f"compare with one of {', '.join(sorted(OPERATORS))}")
    return value


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


Label = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_label)]
Labels = Annotated[list[Label], Field(max_length=10)]
Namespace = Annotated[Labels, Field(min_length=1)]
Key = Annotated[Text, Field(min_length=1, max_length=200)]
Dotted = Annotated[Text, Query(pattern=r"^[^.]+(\.[^.]+)*$", max_length=1010)]


class Place(Body):
    """Where an item is."""

    namespace: Namespace
    key: Key


class ItemPut(Place):
    """An item to keep."""

    value: Metadata
    index: Literal[False] | list[str] | None = None
    ttl: float | None = Field(None, gt=0, le=LONGEST_TTL_MINUTES)


class ItemSearch(Body):
    """Which items to list."""

    namespace_prefix: Labels = Field(default_factory=list)
    filter: Annotated[Metadata, AfterValidator(_comparison)] | None = None
    limit: int | None = Field(10, ge=1, le=100)
    offset: int | None = Field(0, ge=0, le=MOST_ITEMS)


class NamespaceSearch(Body):
    """Which namespaces to list; `*` is any label."""

    prefix: Labels | None = None
    suffix: Labels | None = None
    max_depth: int | None = Field(None, ge=1, le=10)
    limit: int = Field(100, ge=1, le=MOST_ITEMS)
    offset: int = Field(0, ge=0, le=MOST_ITEMS)


@router.put("/items", status_code=204)
async def put_item(body: ItemPut, clients: ClientsOf, principal: StoreUser) -> None:
    """Keep an item."""
    item = NewItem(tuple(body.namespace), body.key, body.value, body.ttl)
    try:
        await clients.store.put(principal.key, item)
    except ValueTooLarge:
        raise HTTPException(422, TOO_LARGE) from None
    except StoreFull:
        raise HTTPException(409, FULL) from None


@router.get("/items")
async def get_item(
    namespace: Dotted, key: Annotated[Key, Query()], clients: ClientsOf, principal: StoreUser
) -> dict[str, Any] | None:
    """An item; null where there is none."""
    found = await clients.store.get(principal.key, tuple(namespace.split(".")), key)
    return shown(found) if found else None


@router.delete("/items", status_code=204)
async def delete_item(body: Place, clients: ClientsOf, principal: StoreUser) -> None:
    """Delete an item, if it is there."""
    await clients.store.delete(principal.key, tuple(body.namespace), body.key)


@router.post("/items/search")
async def search_items(
    body: ItemSearch, clients: ClientsOf, principal: StoreUser
) -> dict[str, Any]:
    """The items below a namespace, latest first."""
    wanted = Search(
        tuple(body.namespace_prefix), body.filter or {}, body.limit or 10, body.offset or 0
    )
    found = await clients.store.search(principal.key, wanted)
    return {"items": [shown(item) for item in found]}


@router.post("/namespaces")
async def list_namespaces(
    body: NamespaceSearch, clients: ClientsOf, principal: StoreUser
) -> dict[str, Any]:
    """The namespaces in which the caller keeps items."""
    wanted = Listing(
        tuple(body.prefix or ()), tuple(body.suffix or ()), body.max_depth, body.limit, body.offset
    )
    found = await clients.store.namespaces(principal.key, wanted)
    return {"namespaces": [list(namespace) for namespace in found]}
