"""What a change to an open order asks for: more goods, fewer, another number, another product."""

import re
from decimal import Decimal
from typing import Literal

Mode = Literal["add", "remove", "less", "set", "plain"]
# "add 200 lids and 2 bundles of XL" adds twice.
CARRIED: frozenset[Mode] = frozenset({"add", "remove", "less"})

# Words of a change that name no goods.
CUES = re.compile(
    r"\b(?:make\s+(?:it|that|them)|make|change|changed|swap|switch|replace|add(?:ing|ed)?|remove"
    r"|drop|delete|without|exclude|skip|scrap"
    r"|take\s+(?:off|out|away)|leave\s+out|minus|get\s+rid\s+of|cancel|no\s+need|(?:don'?t"
    r"|do\s+not)\s+(?:need|want|send)"
    r"|forget(?:\s+about)?|never\s*mind|should\s+be|instead(?:\s+of)?|rather(?:\s+than)?"
    r"|actually|i\s+mea(?:n|nt)|meant?|wait|sorry|correction|oops|hmm+|err*"
    r"|increase|reduce|decrease|lower|raise|bump|cut|up|down|also|another|additional|extra|more"
    r"|less|fewer|plus|include|throw\s+in"
    r"|top\s+up|as\s+well|too|on\s+top|what\s+about|how\s+about|typo|mistake|yes|yeah|yep|yup"
    r"|ok(?:ay)?|sure|but|just|only|each|double|round(?:ed)?|then|update|set"
    r"|not|no|nah|nope|if\s+(?:possible|can|ok|okay)|the\s+rest|keep|go\s+with|take"
    r"|pieces?\s+will\s+do|(?:is|are|would\s+be|will\s+be)\s+(?:enough|fine|plenty|sufficient)"
    r"|will\s+do|half|halve|(?:of\s+)?(?:it|that|them)(?=\W*(?:$|please|pls)))\b",
    re.IGNORECASE,
)
ADD = re.compile(
    r"\b(?:add(?:ing|ed)?|also|another|additional|extra|more|plus|include|throw\s+in|top\s+up"
    r"|as\s+well|too(?!\s+(?:many|much|big|small|late|few))"
    r"|on\s+top|increase\b.{0,30}\bby|bump\b.{0,30}\bby)\b",
    re.IGNORECASE,
)
REMOVE = re.compile(
    r"\b(?:remove|drop|delete|without|exclude|skip|scrap|take\s+(?:off|out|away)|leave\s+out"
    r"|minus|get\s+rid\s+of"
    r"|cancel|no\s+need|(?:don'?t|do\s+not)\s+(?:need|want|send)|forget(?:\s+about)?|never\s*mind"
    r"|no(?=\s+(?:more\s+|the\s+)?(?!wait|sorry|make|actually|change|it|i|not|should|problem"
    r"|rush|hurry|need|no|the)[a-z0-9]))\b",
    re.IGNORECASE,
)
LESS = re.compile(
    r"\b(?:less|fewer|(?:reduce|decrease|lower|cut)\b.{0,30}\bby|minus(?=\s+[0-9]))\b",
    re.IGNORECASE,
)
SET = re.compile(
    r"\b(?:make|change|should\s+be|instead|rather|actually|i\s+meant?|meant|wait|sorry"
    r"|correction|oops|increase|reduce"
    r"|decrease|lower|raise|set|bump|update|typo|mistake|only|just"
    r"|(?:is|are|would\s+be|will\s+be)\s+(?:enough|fine|plenty|sufficient)|will\s+do)\b|^\W*no\b",
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
OVER_WORD = re.compile(r"instead\s+of|rather\s+than|not|but|then", re.IGNORECASE)
TURNED_DOWN = re.compile(r"\bnot\W+(?:the\s+)?$", re.IGNORECASE)
# "14 inch, not 12"; "300 instead of 200"
NOT_NUMBER = re.compile(
    r"\b(?:not|instead\s+of|rather\s+than)\s+(?:the\s+)?[0-9]+\b"
    r"(?!\s*(?:in|inch|\"|bundles?|cartons?|packs?|pcs))",
    re.IGNORECASE,
)
# A part or a multiple of what was ordered. "half a carton" is a quantity, and read as one.
SCALED = re.compile(
    r"\b(?:(?P<half>half(?:\s+(?:of\s+)?(?:it|that|them|the|those|these)\b|(?=\W*(?:$|please|pls)))"
    r"|halve\b)|(?P<double>double\s+(?:it|that|them|the|those|everything)\b"
    r"|twice\s+(?:that|as\s+(?:many|much))\b))",
    re.IGNORECASE,
)
EACH = re.compile(r"\b(?:each|all|every|both)\b", re.IGNORECASE)
MORE = re.compile(r"^\W*(?:oh\s+)?(?:and|plus|with)\b", re.IGNORECASE)
# A message of many words that only names an outlet or a day is about something else.
MOVES = re.compile(
    r"\b(?:deliver\w*|send|change|instead|make|push|move|bring|postpone|outlet|branch|ship|yes|ok"
    r"|order|please|pls|not|forward|earlier|later|both|each)\b",
    re.IGNORECASE,
)
FEW_WORDS = 5
HALF, TWICE = Decimal("0.5"), Decimal(2)
ROUND_DOWN = re.compile(r"\bround(?:ed)?\s+(?:it\s+)?down\b", re.IGNORECASE)
AGREES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|ya|ok|okay|sure|can(?=\W*$|\s+(?:la|ok))|fine|correct|right|good"
    r"|agreed|alright|go ahead|confirm)\b"
    r"|\b(?:round(?:ed)?\s+(?:it\s+|them\s+)?up|next\s+(?:full\s+)?pack|(?:full"
    r"|whole)\s+(?:packs?|cartons?|bundles?))\b",
    re.IGNORECASE,
)
# Talk about orders, goods and money that changes nothing.
TALK = re.compile(
    r"\b(?:damaged?|crushed|broken|torn|leak\w*|missing|defect\w*|refund\w*|received|arrived"
    r"|invoices?|complain\w*"
    r"|return(?:ed|ing)?|short(?:age)?|have you|how (?:much|many|long)|prices?|costs?|when|why"
    r"|where|do you|does|is there"
    r"|are there|is it|what (?:is|are|if|time)|which|if i|if we|fees?|policy|quote|quotation"
    r"|discount|in stock"
    r"|(?:a )?new order|another order|what's|statements?|balance|owe|payments?|paid|bills?"
    r"|account|complaint"
    r"|manager|human|address (?:is|has)|opening|logo|print(?:ed|ing)?|samples?)\b",
    re.IGNORECASE,
)
SOFTENERS = re.compile(r"\bif\s+(?:possible|can|ok|okay)\b|\bno\s+problem\b", re.IGNORECASE)


def is_talk(text: str) -> bool:
    """Whether a message is a question or a complaint rather than a change."""
    return TALK.search(SOFTENERS.sub(" ", text)) is not None


def without_cues(text: str) -> str:
    """The text with spaces for the words of change; "one" after an adjective stands for goods."""
    blanked = CUES.sub(_blank, NOT_NUMBER.sub(lambda m: " " * len(m[0]), text))
    return re.sub(r"\bone\b(?!\s+(?:bundle|carton|pack|hundred|thousand))", "   ", blanked)


def _blank(match: re.Match[str]) -> str:
    """Spaces as long as the cue; a comma first where it stands between two products."""
    is_between = OVER_WORD.fullmatch(match[0]) is not None
    return (", " if is_between else "  ").ljust(len(match[0]))[: len(match[0])]


def mode_of(clause: str) -> Mode:
    """What one clause does to the goods in it."""
    if LESS.search(clause):
        return "less"
    if REMOVE.search(clause):
        return "remove"
    if ADD.search(clause):
        return "add"
    return "set" if SET.search(clause) else "plain"


def scale_of(text: str) -> Decimal | None:
    """By how much a message multiplies what was ordered: "half of it", "double that"."""
    said = SCALED.search(text)
    return None if said is None else (HALF if said["half"] else TWICE)


def can_move(text: str) -> bool:
    """Whether a message that names an outlet or a day can mean the open order."""
    return len(text.split()) <= FEW_WORDS or MOVES.search(text) is not None
