"""Messages that only make sense together with the one before them."""

import re
from datetime import date

from tools.grounding.numbers import plain
from tools.understanding.stretches import stretches_in

# "and the other one?", "what about lids?", "那另外一张呢", "yang lain pula"
OPENING = re.compile(
    r"^\W*(?:(?:and|also|or|what about|how about|then|so|same for|but|that one|this one"
    r"|the (?:other|second|first|last|next)|dan|pula|macam mana dengan|bagaimana dengan|yang)\b"
    r"|它|那|这|还有|另外|மற்ற|அது|இது)",
    re.IGNORECASE,
)
# "What do we get for that?" points at no document.
MATTER = re.compile(
    r"\b(?:for|about|of|in) (?:that|this)(?= case)?\W*$|\b(?:untuk|tentang) itu\W*$", re.IGNORECASE
)
DOCUMENT = r"(?:invoice|inv|bill|order|quote|quotation|credit note|statement|document)"
POINTING = re.compile(
    r"\b(?:the others?|th?[ai]t one|dat one|this one|the (?:second|first|last|next|third) one"
    rf"|it|its|them|those|these|(?:that|this|same) {DOCUMENT}|pdf-?nya"
    r"|yang (?:lain|itu|ini|satu lagi|kedua)"
    r"|(?:invois|bil|pesanan|sebut harga|dokumen) (?:itu|ini|tadi|tersebut))\b"
    r"|另(?:外)?一|那(?:个|张|笔|份)|这(?:个|张|笔|份)|它|மற்றொன்று|அதை?|அந்த (?:இன்வாய்ஸ்|பில்|ஆவண|ஆர்டர்)",
    re.IGNORECASE,
)
# "the first quarter" is no document.
_NO_DOCUMENT = r"(?! (?:quarter|half|order|time|week|month|year|thing|name|delivery)| kali)"
ORDINALS = tuple(
    re.compile(
        rf"(?:\b(?:{latin})\b{_NO_DOCUMENT}|第{digit}(?!季|次|时|天|周)|{tamil})", re.IGNORECASE
    )
    for latin, digit, tamil in (
        ("first|1st|(?<!suku )pertama", "一", "முதலாவது"),
        ("second|2nd|(?<!suku )kedua", "二", "இரண்டாவது"),
        ("third|3rd|(?<!suku )ketiga", "三", "மூன்றாவது"),
    )
)
LAST = re.compile(
    r"\blast (?:one|of (?:them|those))\b|最后(?:一)?[个张笔份]|yang terakhir|கடைசி(?:யானது| ஒன்று)",
    re.IGNORECASE,
)
OTHER = re.compile(
    r"\bothers?\b|另(?:外)?[一两二三几]|其他|其它|yang lain|satu lagi|மற்ற", re.IGNORECASE
)
# "all three", of that many; "both".
ALL = re.compile(
    r"\b(?:all (?:of (?:them|these|those)|(?:the )?(?P<count>two|three|four|five|\d))"
    r"|(?P<both>both)(?: of them)?|each (?:of them|one)|every one"
    r"|ke(?:dua|tiga|empat)-(?:dua|tiga|empat)nya)\b"
    r"|(?:这|那)?[两三四五](?:张|个|笔|份)都|(?:每|这几|那几)(?:一)?(?:张|份)|இரண்டையும்|மூன்றையும்",
    re.IGNORECASE,
)
COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5}
# What is left of a message that has no words of its own is none of these.
EMPTY = re.compile(
    r"\b(?:ours|mine|our own|after|before|days?|weeks?|hours?|later|ones?|two|three|four|five"
    r"|too|also|as well|please|pls|plz|thanks|thank you|ah|leh|lor|la|lah|ok|okay|for|of|in|the|an?"
    r"|month|yang|untuk|bulan|juga)\b|[呢吧的也请麻烦两三四五张个笔份月]"
    r"|[\W\d_]+",
    re.IGNORECASE,
)
CLOSING = re.compile(r"呢\W*$")
SHORT = 9


def is_follow_up(text: str) -> bool:
    """Whether a message leans on the conversation: short, and pointing or opening like one."""
    is_short = len(text.split()) <= SHORT and len(text) <= SHORT * 8
    return is_short and any(p.search(text) for p in (OPENING, POINTING, MATTER))


def says_nothing_new(text: str, today: date) -> bool:
    """Whether a message only points, or only names a time: "and the other two", "and august?"."""
    rest = plain(text)
    for named in sorted(stretches_in(rest, today), key=lambda n: -n.start):
        rest = rest[: named.start] + " " + rest[named.end :]
    for words in (OPENING, OTHER, ALL, LAST, *ORDINALS, POINTING):
        rest = words.sub(" ", rest)
    leans = is_follow_up(text) or bool(CLOSING.search(text))
    return leans and not EMPTY.sub("", rest)


def pointed_at(text: str, spoken_of: list[str], listed: list[str]) -> list[str]:
    """Which documents of the conversation "it", "the other one" or "the second" are.

    A place that no list has is that of the numbers as the customer named them.
    """
    for place, words in enumerate(ORDINALS):
        if words.search(text) and (listed or spoken_of):
            named = next((n for n in (listed, spoken_of) if place < len(n)), [])
            return named[place : place + 1]
    if LAST.search(text) and listed:
        return [listed[-1]]
    if OTHER.search(text):
        return [d for d in listed if d not in spoken_of]
    if match := ALL.search(text):
        return _all(match, spoken_of, listed)
    return spoken_of if POINTING.search(text) else []


def _all(match: re.Match[str], spoken_of: list[str], listed: list[str]) -> list[str]:
    """Those that are as many as the message says."""
    written = (match["count"] or "").lower()
    count = 2 if match["both"] else COUNTS.get(written) or int(written or 0)
    fitting = [numbers for numbers in (spoken_of, listed) if not count or len(numbers) == count]
    return next((numbers for numbers in fitting if len(numbers) > 1), [])
