"""The inbox, all conversations and the search as pages."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel

from api.console.conversations import ThreadId
from api.console.rendering import render, see
from api.console.session import Operator
from api.dependencies import ClientsOf
from api.operations.inbox import (
    InboxQuery,
    ListQuery,
    found_for,
    inbox_page,
    list_page,
    mark_seen,
)
from tools.operators.attention import LATER, NOW, SOON
from tools.operators.finding import LONGEST
from tools.operators.listing import RESOLUTIONS, STATUSES
from tools.operators.words import LABELS, MEANINGS, told
from tools.rules import load_rules

router = APIRouter(prefix="/console", include_in_schema=False)

STEPS = ((NOW, "Now"), (SOON, "Soon"), (LATER, "Later"))
LANGUAGES = {"en": "English", "zh": "Chinese", "ms": "Malay", "ta": "Tamil"}
SEEN = "Noted: somebody has looked at it."


@router.get("")
async def inbox(
    request: Request, clients: ClientsOf, staff: Operator, query: Annotated[InboxQuery, Query()]
) -> Response:
    """What needs a person now."""
    page = await inbox_page(clients, staff, query)
    rows = [row | {"reasons": list(map(told, row["reasons"]))} for row in page.rows]
    return render(
        request,
        "inbox.html",
        staff=staff,
        here="inbox",
        page=page,
        steps=[(step, name, [r for r in rows if r["step"] == step]) for step, name in STEPS],
        query=query,
        address=_addresses(query),
        following=page.following and _addresses(query)(after=str(page.following)),
        labels=LABELS,
        meanings=MEANINGS,
        languages=LANGUAGES,
        levels={n: each.who for n, each in load_rules().escalation.levels.items() if n > 1},
    )


@router.get("/conversations")
async def conversations(
    request: Request, clients: ClientsOf, staff: Operator, query: Annotated[ListQuery, Query()]
) -> Response:
    """All conversations."""
    page = await list_page(clients, query)
    address = _addresses(query)
    return render(
        request,
        "conversations.html",
        staff=staff,
        here="conversations",
        page=page,
        query=query,
        address=address,
        following=page.following and address(after=str(page.following)),
        statuses=STATUSES,
        resolutions=RESOLUTIONS,
        languages=LANGUAGES,
    )


@router.get("/search")
async def search_page(request: Request, staff: Operator) -> Response:
    """The empty box: what was looked for is in no address, so it is not there after a reload."""
    return render(request, "search.html", staff=staff, here="search", asked="", found=None)


@router.post("/search")
async def search(
    request: Request,
    clients: ClientsOf,
    staff: Operator,
    q: Annotated[str, Form(max_length=LONGEST)] = "",
) -> Response:
    """What fits."""
    return render(
        request,
        "search.html",
        staff=staff,
        here="search",
        asked=q.strip(),
        found=await found_for(clients, q),
        languages=LANGUAGES,
    )


@router.post("/conversations/{thread_id}/seen")
async def seen(
    request: Request,
    clients: ClientsOf,
    staff: Operator,
    thread_id: ThreadId,
    through: Annotated[datetime, Form()],
) -> Response:
    """Moods and doubts of a conversation leave the inbox."""
    await mark_seen(clients, staff, thread_id, through)
    return see(request, "", SEEN)


def _addresses(query: BaseModel) -> Any:
    """The query of the same page with something changed: another filter begins at the front."""

    def address(**changed: Any) -> str:
        asked = query.model_dump(exclude_none=True) | {"after": None} | changed
        return urlencode({name: value for name, value in asked.items() if value})

    return address
