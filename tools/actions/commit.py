"""Carries a confirmed card out: each write looked up before it is sent, and sent at most once.

Safe to run again at any point and by any process. What cannot be finished is taken back.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

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

Status = Literal["committed", "failed", "held", "unavailable", "unknown"]


@dataclass(frozen=True)
class Carried:
    """How far it got. `reason` is a code: write_refused, write_impossible, total_differs."""

    status: Status
    reason: str = ""


class TotalDiffers(Exception):
    """Xero's total is not the one that was confirmed."""


async def carry_out(action: dict[str, Any], actions: Actions, books: Books) -> Carried:
    """Bring a confirmed or approved card to its end, as far as that is possible now."""
    async with actions.held(action["action_id"]) as ledger:
        if ledger is None:
            return Carried("held")
        try:
            return await _carry_out(action, ledger, actions, books)
        except BackendUnavailable:
            return Carried("unavailable")
        except (OutcomeUnknown, ForeignDocument):
            return Carried("unknown")


async def _carry_out(
    action: dict[str, Any], ledger: Ledger, actions: Actions, books: Books
) -> Carried:
    if not (reason := await ledger.reason()):
        try:
            written = [await _once(w, action, ledger, books) for w in await ledger.writes()]
        except (BackendRejected, WriteImpossible, TotalDiffers) as error:
            reason = REASONS[type(error)]
            await ledger.give_up(f"{reason}: {error}")
        else:
            await actions.settle(
                action["action_id"], "committed", document_id=written[0].document_id
            )
            return Carried("committed")
    await _take_back(ledger, books)
    await actions.settle(action["action_id"], "failed", error=await ledger.reason() or reason)
    return Carried("failed", reason.partition(":")[0])


async def _once(
    stored: StoredWrite, action: dict[str, Any], ledger: Ledger, books: Books
) -> Written:
    """The write's document, whether it was there or is written now."""
    if stored.status == "done" and stored.written:
        return stored.written
    written = await _look_up(stored, books) or await _send(stored, ledger, books)
    await ledger.done(stored.position, written)
    if written.total is not None and written.total != Decimal(action["card"]["total"]):
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


async def _take_back(ledger: Ledger, books: Books) -> None:
    """Undo what stands, the last write first. What cannot be undone stays, for a person."""
    for stored in reversed(await ledger.writes()):
        undo = stored.written and undoing(stored.write, stored.written)
        if stored.status != "done" or not undo:
            continue
        if await books.find(undo) is None:
            await books.send(undo, key_of(f"{ledger.action_id}|{stored.position}|undo"))
        await ledger.undone(stored.position)


REASONS: dict[type[Exception], str] = {
    BackendRejected: "write_refused",
    WriteImpossible: "write_impossible",
    TotalDiffers: "total_differs",
}
