"""What the service understands of one message, without a conversation or a model around it."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from langgraph.runtime import Runtime

from graph.clients import now
from nodes.classify_intent import classify_intent
from nodes.screen_message import screen_message
from nodes.state import State
from tools.context import Caller, Context
from tools.ordering.catalogue import Catalogue, load_catalogue
from tools.ordering.orders import Outlet
from tools.search.embedder import Embedder
from tools.understanding.intents import OUTSIDE, IntentClassifier, load_weights

NOBODY = Caller("nobody", "Nobody", "Nobody", (), frozenset())
ID = str(UUID(int=0))


class _NoOutlets:
    async def of_contacts(self, _: object) -> list[Outlet]:
        return []


class Understanding:
    """The context that understanding needs, and nothing that reads or writes books."""

    model = None
    caller = NOBODY
    outlets = _NoOutlets()

    def __init__(self, embedder: Embedder) -> None:
        self.catalogue: Catalogue = load_catalogue()
        self.classifier = IntentClassifier(embedder, load_weights())

    async def classify(self, row: dict[str, Any]) -> dict[str, Any]:
        """`{"text"}` to `{"intents": [{"name", "confidence"}], "out_of_scope", "entities"}`.

        `unclear` says that the service would ask back; the intents are then its best guesses.
        """
        state = _state(str(row["text"]), now())
        state = {**state, **screen_message(state)}
        runtime = Runtime(context=cast(Context, self))
        found = (await classify_intent(state, runtime))["understanding"]
        names = [(f["name"], f["confidence"]) for f in found["intents"]]
        is_unclear = names[0][0] == "unclear"
        if is_unclear:
            scored = await self.classifier.classify(state["screened"]["masked"])
            names = [(cast(Any, s.intent), s.confidence) for s in scored]
        return {
            "intents": [{"name": name, "confidence": confidence} for name, confidence in names],
            "out_of_scope": names[0][0] == OUTSIDE,
            "unclear": is_unclear,
            "entities": found["entities"],
        }


def _state(text: str, received: datetime) -> State:
    return {
        "turn": {
            "run_id": ID,
            "thread_id": ID,
            "text": text,
            "received_at": received.isoformat(),
            "history": [],
            "focus": {},
            "open_card": None,
            "decision": None,
        }
    }
