"""The inbox, all conversations and the search as JSON, for staff."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from api.dependencies import ClientsOf
from api.errors import not_found
from api.schemas import Body, Text
from api.staff import StaffMember
from api.tokens import Staff
from graph.clients import Clients
from graph.inspection.masking import hidden
from tools.operators.attention import Reason
from tools.operators.finding import LONGEST, Finding, Found
from tools.operators.inbox import Inbox, InboxPage, Key, Wish
from tools.operators.listing import Choice, Listing, ListPage, Place, Resolution, Status
from tools.operators.words import told

router = APIRouter(prefix="/admin", tags=["console"])

Language = Literal["en", "zh", "ms", "ta"]
# A form sends what was not chosen as an empty field.
Blank = BeforeValidator(lambda value: value or None)
Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
ThreadId = Annotated[UUID, Path(description="The conversation's id")]
NO_PLACE = "after: this is no place in the list: leave it out to begin at the front"


class InboxQuery(BaseModel):
    """What of the inbox is asked for, and after which place."""

    reason: Annotated[Reason | None, Blank] = None
    level: Annotated[int | None, Blank, Field(ge=2, le=4)] = None
    who: Annotated[Literal["mine", "unassigned"] | None, Blank] = None
    language: Annotated[Language | None, Blank] = None
    customer: Annotated[Name | None, Blank] = None
    after: Annotated[Name | None, Blank] = None

    def wish(self, staff: Staff) -> Wish:
        """The same as the inbox understands it."""
        return Wish(
            reason=self.reason,
            level=self.level,
            mine=staff.staff_id if self.who == "mine" else None,
            is_unassigned=self.who == "unassigned",
            language=self.language,
            customer=self.customer,
        )


class ListQuery(BaseModel):
    """Which conversations are asked for, and after which place."""

    status: Annotated[Status | None, Blank] = None
    resolution: Annotated[Resolution | None, Blank] = None
    customer: Annotated[Name | None, Blank] = None
    after: Annotated[Name | None, Blank] = None

    def choice(self) -> Choice:
        """The same as the listing understands it."""
        return Choice(self.status, self.resolution, self.customer)


class Asked(Body):
    """What is looked for: an id, a ticket, a document, a customer, or words."""

    q: Annotated[Text, Field(min_length=1, max_length=LONGEST)]


class Seen(Body):
    """Up to which moment somebody has looked at moods and doubts."""

    through: datetime


@router.get("/inbox")
async def get_inbox(
    clients: ClientsOf, staff: StaffMember, query: Annotated[InboxQuery, Query()]
) -> dict[str, Any]:
    """Conversations that need a person, most urgent first, with their reasons and counts."""
    page = await inbox_page(clients, staff, query)
    return {
        "conversations": [row | {"reasons": list(map(told, row["reasons"]))} for row in page.rows],
        "counts": page.counts,
        "total": page.total,
        "after": str(page.following) if page.following else None,
    }


@router.get("/conversations")
async def list_conversations(
    clients: ClientsOf, staff: StaffMember, query: Annotated[ListQuery, Query()]
) -> dict[str, Any]:
    """All conversations, the one that changed last first."""
    page = await list_page(clients, query)
    after = str(page.following) if page.following else None
    return {"conversations": page.rows, "after": after}


@router.post("/search")
async def search(clients: ClientsOf, staff: StaffMember, body: Asked) -> dict[str, Any]:
    """Conversations by id, ticket, document, customer or words. In no address: it may be a name."""
    found = await found_for(clients, body.q)
    return {"conversations": found.rows, "customers": found.customers}


@router.post("/conversations/{thread_id}/seen")
async def see_concerns(
    thread_id: ThreadId, clients: ClientsOf, staff: StaffMember, body: Seen
) -> dict[str, Any]:
    """Take moods and doubts up to a moment out of the inbox."""
    await mark_seen(clients, staff, thread_id, body.through)
    return {"thread_id": thread_id, "through": body.through}


async def inbox_page(clients: Clients, staff: Staff, query: InboxQuery) -> InboxPage:
    """A page of the inbox; 422 for a place that is none."""
    inbox = Inbox(clients.pool, hidden)
    try:
        after = Key.read(query.after) if query.after else None
    except ValueError:
        raise HTTPException(422, NO_PLACE) from None
    return await inbox.page(query.wish(staff), after)


async def list_page(clients: Clients, query: ListQuery) -> ListPage:
    """A page of all conversations; 422 for a place that is none."""
    try:
        after = Place.read(query.after) if query.after else None
    except ValueError:
        raise HTTPException(422, NO_PLACE) from None
    return await Listing(clients.pool, hidden).page(query.choice(), after)


async def found_for(clients: Clients, asked: str) -> Found:
    """What fits."""
    return await Finding(clients.pool, hidden).search(asked)


async def mark_seen(clients: Clients, staff: Staff, thread_id: UUID, through: datetime) -> None:
    """Moods and doubts up to a moment were looked at; 404 for what is not there."""
    if through.tzinfo is None:
        raise HTTPException(422, "through: must name its time zone")
    if not await Inbox(clients.pool, hidden).seen(thread_id, through, staff.staff_id):
        raise not_found("Conversation", thread_id)
