"""Make the message readable and safe to pass on."""

from nodes.state import State
from tools.screening.screen import screen
from tools.understanding.answers_to_cards import says_no, says_yes


def screen_message(state: State) -> State:
    """Undo Unicode tricks, replace personal data by tokens, score attacks, detect the language."""
    screened = screen(state["turn"]["text"])
    before = state["turn"].get("focus", {}).get("language")
    # "ok", a number or an emoji show no language, and "ya" is said in English too: the
    # conversation keeps the one it had.
    is_any = screened.text.isascii() and (says_yes(screened.text) or says_no(screened.text))
    own = None if before and is_any else screened.language
    language = own or before or "en"
    return {
        "screened": {
            "text": screened.text,
            "masked": screened.masked,
            "language": language,
            "injection": screened.injection,
            "personal": {p.token: p.value for p in screened.personal},
        }
    }
