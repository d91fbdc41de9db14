"""Make the message readable and safe to pass on."""

from nodes.state import State
from tools.screening.screen import screen


def screen_message(state: State) -> State:
    """Undo Unicode tricks, replace personal data by tokens, score attacks, detect the language."""
    screened = screen(state["turn"]["text"])
    # "ok", a number or an emoji show no language: the conversation keeps the one it had.
    language = screened.language or state["turn"].get("focus", {}).get("language", "en")
    return {
        "screened": {
            "text": screened.text,
            "masked": screened.masked,
            "language": language,
            "injection": screened.injection,
            "personal": {p.token: p.value for p in screened.personal},
        }
    }
