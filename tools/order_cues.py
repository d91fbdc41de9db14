"""What a change to an open order asks for: more goods, fewer, another number, another product."""

import re
from typing import Literal

Mode = Literal["add", "remove", "less", "set", "plain"]
# "add 200 lids and 2 bundles of XL" adds twice.
CARRIED: frozenset[Mode] = frozenset({"add", "remove", "less"})

# Words of a change that name no goods.
CUES = re.compile(
    r"\b(?:make\s+(?:it|that|them)|make|change|changed|swap|switch|replace|add(?:ing|ed)?|remove|drop|delete|without|exclude|skip|scrap"
    r"|take\s+(?:off|out|away)|leave\s+out|minus|get\s+rid\s+of|cancel|no\s+need|(?:don'?t|do\s+not)\s+(?:need|want|send)"
    r"|forget(?:\s+about)?|should\s+be|instead(?:\s+of)?|rather(?:\s+than)?|actually|i\s+mea(?:n|nt)|meant?|wait|sorry|correction|oops|hmm+|err*"
    r"|increase|reduce|decrease|lower|raise|bump|cut|up|down|also|another|additional|extra|more|less|fewer|plus|include|throw\s+in"
    r"|top\s+up|as\s+well|too|on\s+top|what\s+about|how\s+about|typo|mistake|yes|yeah|yep|yup|ok(?:ay)?|sure|but|just|only|each|double|round(?:ed)?|then|update|set"
    r"|not|no|nah|nope|if\s+(?:possible|can|ok|okay)|the\s+rest|keep|go\s+with|take|pieces?\s+will\s+do)\b",
    re.IGNORECASE,
)
ADD = re.compile(
    r"\b(?:add(?:ing|ed)?|also|another|additional|extra|more|plus|include|throw\s+in|top\s+up|as\s+well|too"
    r"|on\s+top|increase\b.{0,30}\bby|bump\b.{0,30}\bby)\b",
    re.IGNORECASE,
)
REMOVE = re.compile(
    r"\b(?:remove|drop|delete|without|exclude|skip|scrap|take\s+(?:off|out|away)|leave\s+out|minus|get\s+rid\s+of"
    r"|cancel|no\s+need|(?:don'?t|do\s+not)\s+(?:need|want|send)|forget(?:\s+about)?"
    r"|no(?=\s+(?:more\s+|the\s+)?(?!wait|sorry|make|actually|change|it|i|not|should|problem|rush|hurry|need|no|the)[a-z0-9]))\b",
    re.IGNORECASE,
)
LESS = re.compile(
    r"\b(?:less|fewer|(?:reduce|decrease|lower|cut)\b.{0,30}\bby|minus(?=\s+[0-9]))\b",
    re.IGNORECASE,
)
SET = re.compile(
    r"\b(?:make|change|should\s+be|instead|rather|actually|i\s+meant?|meant|wait|sorry|correction|oops|increase|reduce"
    r"|decrease|lower|raise|set|bump|update|typo|mistake|only|just)\b|^\W*no\b",
    re.IGNORECASE,
)
# With one of these a product with a number takes the place of another.
MADE = re.compile(r"\b(?:make\s+(?:it|that)|instead|i\s+mea(?:n|nt)|meant)\b", re.IGNORECASE)
SWAP = re.compile(r"\b(?:change|swap|switch|replace)\b", re.IGNORECASE)
INTO = re.compile(r"^\W*(?:to|with|for|into|by)\W+(?:the\s+)?$|^\s*->\s*$", re.IGNORECASE)
OVER = re.compile(
    r"^\W*(?:pls|please)?\W*(?:instead\s+of|rather\s+than|in\s+place\s+of|not)\W+(?:the\s+)?$",
    re.IGNORECASE,
)
TURNED_DOWN = re.compile(r"\bnot\W+(?:the\s+)?$", re.IGNORECASE)
ROUND_DOWN = re.compile(r"\bround(?:ed)?\s+(?:it\s+)?down\b", re.IGNORECASE)
AGREES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|ya|ok|okay|sure|can|fine|correct|right|good|agreed|alright|go ahead|confirm)\b"
    r"|\b(?:round(?:ed)?\s+(?:it\s+|them\s+)?up|next\s+(?:full\s+)?pack|(?:full|whole)\s+(?:packs?|cartons?|bundles?))\b",
    re.IGNORECASE,
)
# Talk about orders, goods and money that changes nothing.
TALK = re.compile(
    r"\b(?:damaged?|crushed|broken|torn|leak\w*|missing|defect\w*|refund\w*|received|arrived|invoices?|complain\w*"
    r"|return(?:ed|ing)?|short(?:age)?|have you|how (?:much|many|long)|prices?|costs?|when|why|where|do you|does|is there"
    r"|are there|is it|what (?:is|are|if|time)|which|if i|if we|fees?|policy|quote|quotation|discount|in stock"
    r"|(?:a )?new order|another order)\b",
    re.IGNORECASE,
)
SOFTENERS = re.compile(r"\bif\s+(?:possible|can|ok|okay)\b|\bno\s+problem\b", re.IGNORECASE)


def is_talk(text: str) -> bool:
    """Whether a message is a question or a complaint rather than a change."""
    return TALK.search(SOFTENERS.sub(" ", text)) is not None


def without_cues(text: str) -> str:
    """The text with spaces for the words of change; "one" after an adjective stands for goods."""
    blanked = CUES.sub(lambda m: " " * len(m[0]), text)
    return re.sub(r"\bone\b(?=\W|$)(?!\s+(?:bundle|carton|pack|hundred|thousand))", "   ", blanked)


def mode_of(clause: str) -> Mode:
    """What one clause does to the goods in it."""
    if LESS.search(clause):
        return "less"
    if REMOVE.search(clause):
        return "remove"
    if ADD.search(clause):
        return "add"
    return "set" if SET.search(clause) else "plain"
