"""Carries a confirmed card out: each write looked up before it is sent, and sent at most once.

Safe to run again at any point and by any process. What cannot be finished is taken back. Whatever
is decided here is decided while the card is held, from what is stored and what Xero says now.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from tools.actions.ledger import Ledger, StoredWrite, key_of
from tools.actions.store import Actions
from tools.errors import (
    BackendRejected,
    BackendUnavailable,
    FailedAfterSending,
    ForeignDocument,
    OutcomeUnknown,
    WriteImpossible,
)
from tools.xero.books import Books
from tools.xero.writes import Written, undoing

TRIES = 2  # of one write in one go, under the same key

Status = Literal["committed", "failed", "outdated", "ended", "held", "unavailable", "unknown"]
Recheck = Callable[[Mapping[str, Any]], Awaitable[str | None]]


@dataclass(frozen=True)
class Carried:
    """How far it got.

    `reason` is a code: write_refused, write_impossible, total_differs, not_taken_back; or what
    has changed since the card was shown.
    """

    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Hands:
    """With what a card is carried out, and whether the turn that does it also tells the customer.

    `recheck` says what has changed since a card was shown, before anything of it is sent.
    """

    actions: Actions
    books: Books
    recheck: Recheck
    is_told: bool


class TotalDiffers(Exception):
    """Xero's total is not the one that was confirmed."""


async def carry_out(action_id: UUID, hands: Hands) -> Carried:
    """Bring a confirmed or approved card to its end, as far as that is possible now."""
    async with hands.actions.held(action_id) as ledger:
        if ledger is None:
            return Carried("held")
        try:
            return await _carry_out(ledger, hands)
        except BackendUnavailable:
            return Carried("unavailable")
        except (OutcomeUnknown, ForeignDocument):
            return Carried("unknown")


async def _carry_out(ledger: Ledger, hands: Hands) -> Carried:
    card = await ledger.card()
    if not _is_due(card):
        return Carried("ended")
    writes = await ledger.writes()
    is_fresh = all(stored.status == "pending" for stored in writes) and not card["error"]
    if is_fresh and (change := await hands.recheck(card)):
        await _settle(ledger, hands, "expired", error=change)
        return Carried("outdated", change)
    reason = card["error"]
    if not reason:
        try:
            written = [await _once(stored, card, ledger, hands.books) for stored in writes]
        except (BackendRejected, WriteImpossible, TotalDiffers) as error:
            reason = f"{REASONS[type(error)]}: {error}"
            await ledger.give_up(reason)
        else:
            document_id = written[0].document_id
            await _settle(ledger, hands, "committed", document_id=document_id)
            return Carried("committed")
    if await _take_back(ledger, hands.books):
        reason = f"not_taken_back: {reason}"
    await _settle(ledger, hands, "failed", error=reason)
    return Carried("failed", reason.partition(":")[0])


async def _settle(
    ledger: Ledger,
    hands: Hands,
    end: Literal["committed", "expired", "failed"],
    *,
    document_id: UUID | None = None,
    error: str = "",
) -> None:
    await hands.actions.settle(
        ledger.action_id, end, document_id=document_id, error=error, is_told=hands.is_told
    )


def _is_due(card: Mapping[str, Any]) -> bool:
    """Whether nothing but the write is missing."""
    due = "confirmed" if card["approval_level"] is None else "approved"
    return bool(card["status"] == due)


async def _once(
    stored: StoredWrite, card: Mapping[str, Any], ledger: Ledger, books: Books
) -> Written:
    """The write's document, whether it was there or is written now."""
    written = stored.written if stored.status == "done" else None
    if written is None:
        written = await _look_up(stored, books) or await _send(stored, ledger, books)
        await ledger.done(stored.position, written)
    if written.total is not None and written.total != Decimal(card["card"]["total"]):
        raise TotalDiffers(f"{written.total}")
    return written


async def _look_up(stored: StoredWrite, books: Books) -> Written | None:
    """A look-up that is refused proves nothing about the document."""
    try:
        return await books.find(stored.write)
    except BackendRejected as error:
        raise BackendUnavailable("the look-up was refused") from error


async def _send(stored: StoredWrite, ledger: Ledger, books: Books) -> Written:
    """Send; after a lost or refused answer look the document up before believing it."""
    for attempt in range(1, TRIES + 1):
        key = await ledger.key_for(stored.position)
        try:
            return await books.send(stored.write, key)
        except (OutcomeUnknown, BackendRejected) as error:
            if isinstance(error, FailedAfterSending):
                await ledger.failed(stored.position)
            if found := await _look_up_after(stored, books):
                return found
            if not isinstance(error, OutcomeUnknown) or attempt == TRIES:
                raise
    raise AssertionError("the last try returns or raises")


async def _look_up_after(stored: StoredWrite, books: Books) -> Written | None:
    try:
        return await _look_up(stored, books)
    except BackendUnavailable as error:
        raise OutcomeUnknown("sent, and the look-up after it failed") from error


async def _take_back(ledger: Ledger, books: Books) -> bool:
    """Undo what stands, the last write first; whether something stays, for a person."""
    stays = False
    for stored in reversed(await ledger.writes()):
        if stored.status == "done" and stored.written:
            stays |= not await _undo(stored, stored.written, ledger, books)
    return stays


async def _undo(stored: StoredWrite, written: Written, ledger: Ledger, books: Books) -> bool:
    """Whether one write is undone. What the office has changed since is not ours to undo."""
    undo = undoing(stored.write, written)
    if undo is None:
        return False
    try:
        if await books.find(undo) is None:
            await books.send(undo, key_of(f"{ledger.action_id}|{stored.position}|undo"))
    except (BackendRejected, WriteImpossible):
        return False
    await ledger.undone(stored.position)
    return True


REASONS: dict[type[Exception], str] = {
    BackendRejected: "write_refused",
    WriteImpossible: "write_impossible",
    TotalDiffers: "total_differs",
}
