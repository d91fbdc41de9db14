"""What a step's result looks like, to begin with when one is given in its place."""

from collections.abc import Mapping
from typing import Any

SCREENED = {"text": "", "masked": "", "language": "en", "injection": 0.0, "personal": {}}
UNDERSTANDING = {
    "intents": [{"name": "unclear", "confidence": 1.0, "part": ""}],
    "wants": [],
    "period": None,
    "entities": [],
    "order": None,
    "is_urgent": False,
    "sentiment": "neutral",
    "misunderstood": 0,
    "by": "code",
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "screen_message": {"screened": SCREENED},
    "classify_intent": {"understanding": UNDERSTANDING},
    "retrieve_policies": {"passages": [], "facts": []},
    "call_xero_tools": {"facts": [], "calls": []},
    "propose_order": {"facts": []},
    "propose_action": {"facts": []},
    "hand_off": {"handoff": None},
    "adapt_tone": {
        "tone": {
            "situation": "question",
            "directions": "Helpful: the answer first.",
            "max_lines": 8,
            "most_emoji": 0,
            "language": "en",
        }
    },
    "compose_reply": {
        "reply": {"text": "", "by": "templates", "citations": [], "is_shared": False}
    },
    "report_outcome": {"screened": SCREENED, "understanding": UNDERSTANDING, "facts": []},
}
