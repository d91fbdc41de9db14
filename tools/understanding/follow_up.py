"""Messages that only make sense together with the one before them."""

import re

# "and the other one?", "what about lids?", "那另外一张呢", "yang lain pula"
OPENING = re.compile(
    r"^\W*(?:(?:and|also|or|what about|how about|then|so|same for|but|that one|this one"
    r"|the (?:other|second|first|last|next)|dan|pula|macam mana dengan|bagaimana dengan|yang)\b"
    r"|它|那|这|还有|另外|மற்ற|அது|இது)",
    re.IGNORECASE,
)
DOCUMENT = r"(?:invoice|inv|bill|order|quote|quotation|credit note|statement|document)"
POINTING = re.compile(
    r"\b(?:the others?|that one|this one|the (?:second|first|last|next|third) one|it|its|them|those"
    rf"|these|(?:that|this|same) {DOCUMENT}|yang (?:lain|itu|ini|satu lagi|kedua)|pdf-?nya"
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
OTHER = re.compile(r"\bothers?\b|另(?:外)?一|yang lain|satu lagi|மற்ற", re.IGNORECASE)
SHORT = 9


def is_follow_up(text: str) -> bool:
    """Whether a message leans on the conversation: short, and pointing or opening like one."""
    is_short = len(text.split()) <= SHORT and len(text) <= SHORT * 8
    return is_short and bool(OPENING.search(text) or POINTING.search(text))


def pointed_at(text: str, spoken_of: list[str], listed: list[str]) -> list[str]:
    """Which documents of the conversation "it", "the other one" or "the second" are."""
    for place, words in enumerate(ORDINALS):
        if words.search(text) and place < len(listed):
            return [listed[place]]
    if LAST.search(text) and listed:
        return [listed[-1]]
    if OTHER.search(text):
        return [d for d in listed if d not in spoken_of]
    return spoken_of if POINTING.search(text) else []
