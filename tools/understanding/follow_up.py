"""Messages that only make sense together with the one before them."""

import re

# "and the other one?", "what about lids?", "那另外一张呢", "yang lain pula"
OPENING = re.compile(
    r"^\W*(?:(?:and|also|or|what about|how about|then|so|same for|but|that one|this one"
    r"|the (?:other|second|first|last|next)|dan|pula|macam mana dengan|bagaimana dengan|yang)\b"
    r"|它|那|这|还有|另外|மற்ற|அது|இது)",
    re.IGNORECASE,
)
POINTING = re.compile(
    r"\b(?:the others?|that one|this one|the (?:second|first|last|next|third) one|it|them|those"
    r"|these|yang (?:lain|itu|ini|satu lagi|kedua))\b"
    r"|另(?:外)?一|那(?:个|张|笔)|这(?:个|张|笔)|மற்றொன்று|அதை?",
    re.IGNORECASE,
)
ORDINALS = (
    ("first", "1st", "第一", "pertama"),
    ("second", "2nd", "第二", "kedua"),
    ("third", "3rd", "第三", "ketiga"),
)
OTHER = re.compile(r"\bothers?\b|另(?:外)?一|yang lain|satu lagi|மற்ற", re.IGNORECASE)
SHORT = 9


def is_follow_up(text: str) -> bool:
    """Whether a message leans on the conversation: short, and pointing or opening like one."""
    is_short = len(text.split()) <= SHORT and len(text) <= SHORT * 8
    return is_short and bool(OPENING.search(text) or POINTING.search(text))


def pointed_at(text: str, spoken_of: list[str], listed: list[str]) -> list[str]:
    """Which documents of the conversation "it", "the other one" or "the second" are."""
    lowered = text.lower()
    for place, words in enumerate(ORDINALS):
        if any(w in lowered for w in words) and place < len(listed):
            return [listed[place]]
    if re.search(r"\blast\b|最后|terakhir", lowered) and listed:
        return [listed[-1]]
    if OTHER.search(text):
        return [d for d in listed if d not in spoken_of]
    return spoken_of if POINTING.search(text) else []
