"""`tria conversations`, `take-over`, `reply`, `hand-back`, `export`: people and conversations."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any
from uuid import UUID

from api.terminal import Commands, Opened, Refused, actor, add_json, add_name, add_once, day, say
from tools.operators.attention import REASONS
from tools.operators.listing import STATUSES

MOST = 50
NOT_THERE = "There is no conversation {}: see `tria conversations`."


def add_conversations(commands: Commands) -> None:
    """The commands and what they take."""
    listing = commands.add_parser("conversations", help="list conversations, the latest first")
    listing.set_defaults(run=list_conversations)
    wanted = listing.add_mutually_exclusive_group()
    wanted.add_argument(
        "--needs",
        choices=("anything", *REASONS),
        help="those that need a person for it, most urgent first",
    )
    wanted.add_argument("--search", metavar="TEXT", help="by id, ticket, document, name or words")
    wanted.add_argument("--status", choices=STATUSES)
    listing.add_argument("--customer", metavar="ID", help="of one customer")
    listing.add_argument("--limit", type=int, default=MOST, help="default: %(default)s")
    add_json(listing)
    export = commands.add_parser("export", help="print a conversation as JSON, a turn a line")
    export.set_defaults(run=export_conversation)
    export.add_argument("id", type=UUID)
    export.add_argument("--unmasked", metavar="WHY", help="with personal data; why is audited")
    add_name(export)
    _add_writing(commands)


def _add_writing(commands: Commands) -> None:
    over = commands.add_parser("take-over", help="write in a conversation; the assistant is silent")
    over.set_defaults(run=take_over)
    reply = commands.add_parser("reply", help="write to the customer, having taken over")
    reply.set_defaults(run=write)
    back = commands.add_parser("hand-back", help="let the assistant answer again")
    back.set_defaults(run=hand_back)
    for command in (over, reply, back):
        command.add_argument("id", type=UUID, help="the conversation's id")
        add_name(command, is_seen=True)
        add_once(command)
    reply.add_argument("text")
    back.add_argument("--resolution", default="", help="how it ended: closes its tickets too")


async def list_conversations(asked: argparse.Namespace, opened: Opened) -> None:
    """One conversation a line, and why it needs a person on the next. Personal data is masked."""
    many = 0
    async for row in _found(asked, opened):
        many += 1
        say(asked, row, _headline(row), *_reasons(row))
    if not many and not asked.json:
        print("There are none.")


async def _found(asked: argparse.Namespace, opened: Opened) -> AsyncIterator[Mapping[str, Any]]:
    from graph.inspection.masking import hidden  # noqa: PLC0415 (takes a second)
    from tools.operators.finding import Finding  # noqa: PLC0415
    from tools.operators.listing import Choice, Listing  # noqa: PLC0415

    if asked.needs:
        async for row in needing(asked.needs, asked.customer, asked.limit, opened):
            yield row
        return
    if asked.search:
        rows = (await Finding(opened.pool, hidden).search(asked.search, asked.limit)).rows
        for row in rows:
            if asked.customer in (None, row["customer_id"]):
                yield row
        return
    choice = Choice(status=asked.status, customer=asked.customer)
    for row in (await Listing(opened.pool, hidden).page(choice, limit=asked.limit)).rows:
        yield row


async def needing(
    reason: str, customer: str | None, limit: int, opened: Opened
) -> AsyncIterator[Mapping[str, Any]]:
    """Conversations that need a person for a reason, or for anything, with their reasons told."""
    from graph.inspection.masking import hidden  # noqa: PLC0415 (takes a second)
    from tools.operators.inbox import Inbox, Wish  # noqa: PLC0415
    from tools.operators.words import told  # noqa: PLC0415

    only = next((known for known in REASONS if known == reason), None)
    page = await Inbox(opened.pool, hidden).page(Wish(reason=only, customer=customer), limit=limit)
    for row in page.rows:
        yield {**row, "reasons": [told(each) for each in row["reasons"]]}


def _headline(row: Mapping[str, Any]) -> str:
    person = row["person"]["name"] if row.get("person") else ""
    told = (row["status"], row["company"] or row["customer_id"], day(row["updated_at"]), person)
    return f"{row['thread_id']}  " + "  ".join(part for part in told if part)


def _reasons(row: Mapping[str, Any]) -> list[str]:
    """Why it needs somebody, else what was said last."""
    if reasons := row.get("reasons"):
        return [f"    {each['label']}: {each['text']}{_due(each)}" for each in reasons]
    said = row.get("found") or row["said"]
    return [f"    {row['said_by']}: {said}" if said else ""]


def _due(reason: Mapping[str, Any]) -> str:
    left = reason["left_s"]
    if left is None:
        return ""
    minutes = round(abs(left) / 60)
    span = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f" ({span} late)" if left < 0 else f" (within {span})"


async def export_conversation(asked: argparse.Namespace, opened: Opened) -> None:
    """First what it is about, then turn by turn, the first one first."""
    from graph.inspection.conversation import (  # noqa: PLC0415 (takes seconds)
        NoSuchConversation,
        conversation_view,
    )
    from tools.operators.looks import note_unmasked  # noqa: PLC0415

    asked.json, is_masked = True, not asked.unmasked
    async with opened.clients() as clients:
        if not is_masked:
            await note_unmasked(opened.pool, asked.id, actor(asked), asked.unmasked)
        try:
            view = await conversation_view(clients, asked.id, masked=is_masked)
            turns = view["turns"]
            while view["before"] is not None:
                view = await conversation_view(
                    clients, asked.id, masked=is_masked, before=view["before"]
                )
                turns = view["turns"] + turns
        except NoSuchConversation as error:
            raise Refused(NOT_THERE.format(asked.id)) from error
    about = {k: v for k, v in view.items() if k not in ("turns", "before", "is_latest")}
    for row in ({"conversation": about}, *({"turn": turn} for turn in turns)):
        say(asked, row)


async def take_over(asked: argparse.Namespace, opened: Opened) -> None:
    """The customer reads who has joined: sign with a name that they may know."""
    from graph import persons  # noqa: PLC0415 (takes seconds)

    async with opened.clients() as clients:
        await _there(asked, persons.take_over(clients, asked.id, _person(asked)))
    print("You have the conversation. The assistant is silent until you hand it back.")


async def write(asked: argparse.Namespace, opened: Opened) -> None:
    """What the customer is to read."""
    from graph import persons  # noqa: PLC0415 (takes seconds)

    async with opened.clients() as clients:
        said = persons.reply(clients, asked.id, asked.text, _person(asked), asked.once)
        change = await _there(asked, said)
    print("Sent." if change.turn else "It was sent before.")


async def hand_back(asked: argparse.Namespace, opened: Opened) -> None:
    """The assistant answers again."""
    from graph import persons  # noqa: PLC0415 (takes seconds)

    async with opened.clients() as clients:
        back = persons.hand_back(
            clients, asked.id, _person(asked), asked.once, asked.resolution.strip()
        )
        change = await _there(asked, back)
    closed = f" {change.closed} tickets are closed." if change.closed else ""
    print(f"Handed back.{closed}")


async def _there(asked: argparse.Namespace, doing: Awaitable[Any]) -> Any:
    from tools.intake import ThreadMissing  # noqa: PLC0415

    try:
        return await doing
    except ThreadMissing as error:
        raise Refused(NOT_THERE.format(asked.id)) from error


def _person(asked: argparse.Namespace) -> Any:
    """Whoever works at a terminal may take a conversation from a colleague, as supervisors may."""
    from tools.operators.person_turns import Person  # noqa: PLC0415

    return Person(actor(asked), asked.by, leads=True)
