"""What a message is about: an order or other talk of goods, an urgent one, one as before."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from tools.ordering.catalogue import load_catalogue
from tools.ordering.extras import Placed
from tools.ordering.labels import only_labels, without_labels
from tools.ordering.lines import place_lines
from tools.ordering.tables import without_tables
from tools.ordering.text import KEPT, in_english, plain
from tools.ordering.types import Outlet
from tools.rules import load_rules

TITLE = re.compile(
    r"^[^\w\n]{0,9}(?:(?:new|purchase) )?order(?: form)?[^\w\n]*$", re.MULTILINE | re.IGNORECASE
)
NOT_URGENT = re.compile(
    r"\b(?:not|no|non|isn't|never|nothing|without|no\s+need\s+to)\W+(?:that\s+|so\s+|very\s+"
    r"|an?\s+|in\s+a\s+)?$"
    r"|\b(?:lunch|dinner|breakfast|morning|evening|weekend|holiday|festive|year-end)\W+$"
)
FEE_TALK = re.compile(
    r"^\W*(?:(?:orders?|deliver(?:y|ies)|service)\W+)?(?:fees?|charges?|surcharges?|hours?|costs?"
    r"|prices?|possible|available)\b|^\W*orders?\s*\?"
)
LOOK_BACK = 20
# "Do you do rush orders, and what does it cost?" asks for a rule; who needs it now says so.
ASKS_FOR_RULE = re.compile(
    r"\b(?:how|what(?:'s)?|do (?:you|u|ya)|got|any|is there|are there|does|is|if|costs?|fees?"
    r"|prices?|charged?|surcharge|extra|who)\b|有"
    r"|\b(?:berapa|adakah|caj|kos|macam mana|bagaimana|apakah|kalau|ada)\b",
    re.IGNORECASE,
)
# Chinese and Tamil ask at the end.
ASKS_BEHIND = re.compile(
    r"吗|嗎|how much|do you (?:do|offer|have)|费|钱|錢|怎么|如何|எவ்வளவு|எப்படி|கட்டணம்|உண்டா|என்ன"
    r"|[\u0b80-\u0bff]+(?:களா|யுமா)(?![\u0b80-\u0bff])",
)
NEEDS_NOW = re.compile(
    r"\b(?:need(?:s|ed)?|must|want|pls|plz|please|help|today|tonight|tomorrow|tmr|tmrw|now|ran out"
    r"|run(?:ning)? (?:out|low|short)|at once|immediately|(?:can|could) (?:i|we|you)|perlu|nak|mahu"
    r"|tolong|hari ini|esok|sekarang|habis)\b"
    r"|我们?有|需要|要货|急需|今天|明天|现在|请|没货|用完|வேண்டும்|தேவை|இன்று|நாளை|தயவு",
    re.IGNORECASE,
)
OF_SENTENCE = re.compile(r"[,;:\n.!?]")
# Something has happened that cannot wait for opening hours; a question about such a case is none.
EMERGENCY = re.compile(
    r"\b(?:emergenc(?:y|ies)|kecemasan)\b|紧急情况|緊急情況|紧急事故|突发事故|அவசரநிலை|அவசர நிலை",
    re.IGNORECASE,
)
# Messages that speak of goods without asking for any.
NO_ORDER = re.compile(
    r"\b(?:cancel\w*|damaged?|crushed|broken|torn|wet|soggy|leak\w*|wrong|missing|defect\w*"
    r"|refund\w*"
    r"|smell\w*|mou?ld\w*|invoices?|complain\w*|return(?:ed|ing)?|shortage|did|have you|no need"
    r"|take back"
    r"|(?:i|we)(?:'ve| have)? (?:already )?(?:ordered|bought|paid)"
    r"|(?:were|was) (?:sent|delivered)"
    r"|(?:my|the|our|an?) (?:existing|last|previous|earlier|current) order|(?:in|of|on) (?:my"
    r"|our|the) order"
    r"|to (?:my|our|the|that|this) (?:order|delivery)|(?:only|but) got"
    r"|(?:don'?t|doesn'?t|do not) fit"
    r"|there (?:was|were)|the last [0-9]+"
    r"|(?:reduce|increase|change|amend|update|modify|swap|edit) (?:my|the|our|an) (?:order"
    r"|delivery)"
    r"|you sent|instead of (?:the )?[0-9]+"
    r"|(?:don'?t|do not|stop) (?:send|sending|deliver|delivering|need|want))\b",
    re.IGNORECASE,
)
# These speak of an earlier delivery, unless another clause asks for goods.
EARLIER = re.compile(r"\b(?:received|arrived|came|short|run out|ran out)\b", re.IGNORECASE)
QUESTION = re.compile(
    r"\b(?:how (?:much|many|long)|prices?|pricing|costs?|what|what's|when|why|where|which|do you"
    r"|does"
    r"|is there|are there|is it|if(?! (?:possible|can|ok|okay|you can|u can)\b)"
    r"|fees?|policy|quote|quotation|in stock|available|discount)\b"
    r"|^\W*(?:are|is|was|were|has|had|does|did)\b",
    re.IGNORECASE,
)
WISH = re.compile(
    r"\b(?:order|need|want|send|give|deliver|buy|add|pls|please|again"
    r"|(?:can|could|may) (?:i|we) (?:have|get)|let me have|i'?ll (?:have|take))\b",
    re.IGNORECASE,
)
PRICE = re.compile(
    r"^\W*(?:hi|hello|hey)?\W*(?:how much|what(?:'s| is| are)|price|quote"
    r"|can (?:i|you) (?:get|have|give|send)\W+(?:me |us )?an? (?:quote|price))"
    r"|\b(?:pls|plz|please|kindly|(?:can|could) (?:you|u)|to) quote\b"
    r"|\bquot(?:e|ation) for\b|\bif (?:i|we) (?:order|buy|take)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[,;\n]|[.!?](?=\s|$)")
ALL_OUTLETS = re.compile(
    r"\b(?P<many>both|each|every|all)\s+(?:of\s+)?(?:(?:the|our|my)\s+)?(?:(?:2|two|3|three)\s+)?"
    r"(?:outlets?|branch(?:es)?|shops?|stores?|locations?)\b"
    r"|\beach\b(?=\s+(?:to|for)\b)|^\W*both(?:\s+of\s+them)?(?:\s+(?:please|pls))?\W*$",
    re.IGNORECASE,
)
REPEAT = re.compile(
    r"\b(?:same|exact\s+same)\s+(?:order\s+|thing\s+|items?\s+|stuff\s+)?(?:as|like)\s+"
    r"(?:(?:my|our|the)\s+)?(?:last|previous|before|usual|always|past|prior)\b"
    r"|\b(?:the|my|our)\s+usual(?:\s+(?:order|stuff|items?|please|pls|thanks|lah|for|to|on"
    r"|delivery\s+of))?\s*(?:$|[.,!;\n]|please|pls|for|to|on|but|and|plus|thanks)"
    r"|^\W*usual(?:\s+order)?(?:\s+(?:please|pls|thanks))?\W*$"
    r"|\b(?:repeat|re-?order|redo|duplicate)\b(?!.*\b(?:problem|mistake)\b)"
    r"|\b(?:same\s+again|same\s+order|order\s+the\s+same|order\s+again\s+same|usual\s+order)\b"
    r"|\b(?:like|as)\s+(?:last\s+(?:time|month|week|order)|the\s+last\s+(?:time|one|order)"
    r"|before)\b"
    r"|\b(?:what|whatever)\s+(?:i|we)\s+(?:ordered|had|got|took)\s+(?:the\s+)?last\s+(?:time"
    r"|month|week)\b"
    r"|\blast\s+(?:time|month|week)(?:'s)?\s+order\b.*\bagain\b|\bagain\b.*\blast\s+(?:time"
    r"|month|week)(?:'s)?\s+order\b"
    r"|^\W*same(?:\s+(?:as\s+)?(?:usual|before|always|please|pls))\W*$",
    re.IGNORECASE,
)
NO_REPEAT = re.compile(
    r"\b(?:problems?|issues?|mistakes?|damaged|crushed|wrong|missing|late|invoices?|prices?|fees?"
    r"|complain\w*|again\s+and\s+again|time\s+slot|don'?t|do\s+not|cancel\w*|how\s+(?:much|do"
    r"|can)|what\s+(?:is|was|did|are)"
    r"|why|when|did|same[\s-]day|refund\w*|received|arrived|broken|where|policy|possible)\b",
    re.IGNORECASE,
)


@lru_cache(KEPT)
def looks_like_order(text: str) -> bool:
    """Whether a message asks for goods and says how many."""
    written = in_english(plain(without_tables(text)))
    catalogue = load_catalogue()
    placed = place_lines(without_labels(written), catalogue, frozenset())
    lines = [p.line for p in (*placed, *place_lines(only_labels(written), catalogue, frozenset()))]
    is_counted = any((x.pieces or x.packs) and (x.code or x.alternatives) for x in lines)
    if not is_counted or TITLE.search(written.text):
        return is_counted
    is_question = QUESTION.search(written.text) and not WISH.search(written.text)
    is_earlier = EARLIER.search(written.text) and not _has_wish(written.text, placed)
    is_priced = PRICE.search(written.text)
    return not (is_question or is_earlier or is_priced or NO_ORDER.search(written.text))


def _has_wish(text: str, placed: Sequence[Placed]) -> bool:
    """Whether a clause with goods asks for them and speaks of nothing earlier."""
    breaks = [0, *(m.start() for m in CLAUSE.finditer(text)), len(text)]
    clauses = [
        text[breaks[bisect_right(breaks, p.start) - 1] : max(p.end, _next(breaks, p.start))]
        for p in placed
    ]
    return any(WISH.search(c) and not EARLIER.search(c) for c in clauses)


def _next(breaks: Sequence[int], place: int) -> int:
    return breaks[min(bisect_right(breaks, place), len(breaks) - 1)]


def is_urgent(text: str) -> bool:
    """Whether a message asks to hurry; "no rush" and "do you do rush orders" do not."""
    words = "|".join(map(re.escape, load_rules().ordering.urgent_words))
    written = plain(text)
    lowered = in_english(written).text.lower()
    may_ask = not NEEDS_NOW.search(written)
    return any(
        not NOT_URGENT.search(lowered[max(0, m.start() - LOOK_BACK) : m.start()])
        and not FEE_TALK.search(lowered[m.end() :])
        and not (may_ask and _is_asked_about(lowered, *m.span()))
        for m in re.finditer(rf"\b(?:{words})(?:ly)?\b", lowered)
    )


def is_emergency(text: str) -> bool:
    """Whether something has happened for which nobody can wait until the next opening."""
    return EMERGENCY.search(plain(text)) is not None and is_urgent(text)


def _is_asked_about(english: str, start: int, end: int) -> bool:
    """Whether the clause with such a word only asks what hurrying takes and costs."""
    before = OF_SENTENCE.split(english[:start])[-1]
    behind = OF_SENTENCE.split(english[end:])[0]
    return bool(ASKS_FOR_RULE.search(before) or ASKS_BEHIND.search(behind))


def asks_repeat(text: str) -> bool:
    """Whether a message asks for an order like an earlier one."""
    english = in_english(plain(text)).text
    return REPEAT.search(english) is not None and not NO_REPEAT.search(english)


def all_outlets(text: str, outlets: Sequence[Outlet]) -> tuple[Outlet, ...]:
    """The outlets that shall each get the goods; none where the text does not say so."""
    found = ALL_OUTLETS.search(text)
    if found is None or len(outlets) < 2:
        return ()
    is_pair = (found["many"] or found[0].strip().lower()) == "both"
    return () if is_pair and len(outlets) != len(("one", "other")) else tuple(outlets)
