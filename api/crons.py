"""Crons: there are none. Nobody talks to customers by the clock; a message may be put off once."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from api.auth import Reader
from api.errors import not_found

router = APIRouter(tags=["crons"])
INSTEAD = (
    "Conversations do not repeat by the clock here. Put one message off with a run's after_seconds."
)


@router.post("/runs/crons")
@router.post("/threads/{thread_id}/runs/crons")
async def create_cron(principal: Reader) -> None:
    """Not possible, and the answer says what is."""
    raise HTTPException(501, INSTEAD)


@router.post("/runs/crons/search")
async def search_crons(principal: Reader, response: Response) -> list[dict[str, Any]]:
    """None."""
    response.headers["x-pagination-total"] = "0"
    return []


@router.post("/runs/crons/count")
async def count_crons(principal: Reader) -> int:
    """None."""
    return 0


@router.patch("/runs/crons/{cron_id}")
@router.delete("/runs/crons/{cron_id}")
async def change_cron(cron_id: str, principal: Reader) -> None:
    """There is none to change."""
    raise not_found("Cron", cron_id)
