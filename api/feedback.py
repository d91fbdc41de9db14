"""What customers say of an answer, and of a conversation once it is over."""

from typing import Annotated, Any

from fastapi import APIRouter
from psycopg.rows import DictRow
from pydantic import AfterValidator, Field, model_validator

from api.auth import SignedIn, ThreadOwner
from api.dependencies import ClientsOf
from api.errors import not_found
from api.schemas import Body, Text
from api.threads import ThreadId, own_thread
from graph.part_counts import count_resolved
from monitoring import metrics
from tools.feedback.store import Feedback, Opinion

router = APIRouter(prefix="/threads", tags=["threads"])

LONGEST_COMMENT = 1_000
THUMBS = (-1, 1)
Comment = Annotated[Text, Field(max_length=LONGEST_COMMENT), AfterValidator(str.strip)]


class OpinionGiven(Body):
    """A thumb about one answer: its message and a score of -1 or 1. Else what a survey asks.

    That is whether the matter was solved and, if they like, a score from 1 to 5.
    """

    message_id: Annotated[Text, Field(max_length=200)] | None = None
    score: Annotated[int, Field(ge=-1, le=5)] | None = None
    solved: bool | None = None
    comment: Comment = ""

    @model_validator(mode="after")
    def _complete(self) -> "OpinionGiven":
        if self.message_id is not None:
            if self.score not in THUMBS or self.solved is not None:
                raise ValueError("of one answer give a score of -1 or 1, and no 'solved'")
        elif self.solved is None:
            raise ValueError("name the answer by 'message_id', or say whether it is 'solved'")
        elif self.score is not None and self.score < 1:
            raise ValueError("score a conversation from 1 to 5")
        return self


@router.post("/{thread_id}/feedback")
async def give_feedback(
    thread_id: ThreadId, body: OpinionGiven, clients: ClientsOf, caller: ThreadOwner
) -> dict[str, Any]:
    """Say it, or say it otherwise: of each answer and of the conversation the last word counts."""
    opinion = Opinion(body.message_id, body.score, body.solved, body.comment)
    feedback = Feedback(clients.pool, count_resolved)
    given = await feedback.give(thread_id, caller.customer_id, opinion)
    if given is None:
        await own_thread(thread_id, clients, caller)
        raise not_found("Message", body.message_id or "")
    if body.message_id:
        metrics.FEEDBACK.labels("up" if body.score == THUMBS[-1] else "down").inc()
    return _shown(given)


@router.get("/{thread_id}/feedback")
async def read_feedback(
    thread_id: ThreadId, clients: ClientsOf, caller: SignedIn
) -> list[dict[str, Any]]:
    """What the caller has said so far."""
    await own_thread(thread_id, clients, caller)
    given = await Feedback(clients.pool).of_customer(thread_id, caller.customer_id)
    return [_shown(row) for row in given]


def _shown(row: DictRow) -> dict[str, Any]:
    return {
        "message_id": row["message_id"],
        "score": row["score"],
        "solved": row["is_solved"],
        "comment": row["comment"],
        "updated_at": row["updated_at"],
    }
