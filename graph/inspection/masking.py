"""Personal data hidden from whoever looks into a conversation; the business stays readable."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tools.screening.personal import TOKEN
from tools.screening.screen import masked

# Fields whose whole value is somebody's, whatever it looks like.
PERSONAL_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("contact_person", "contact", "attention", "customer_name"), "name"),
    **dict.fromkeys(("mobile", "phone", "tel"), "phone"),
    **dict.fromkeys(("address", "postal_code"), "address"),
    "email": "email",
}
WITHHELD = "personal"  # tokens of a message, and what stands for them
# Ids, times and words of the code hold nothing personal, but digits that look like it.
MADE_BY_CODE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?::\S*)?"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d\S*)?|[a-z]+(?:_[a-z]+)+|-?\d{1,7}(?:\.\d+)?"
)
# Whoever has the address of a document's link has the document, once.
LINK = re.compile(r"(/documents/)[A-Za-z0-9_-]{20,}")
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LEAST_KNOWN = 3  # letters of a Latin name; one sign less elsewhere
# A message is read no further than it may be long; what is longer is read in pieces, which end
# where no number or address goes on.
PIECE = 4000
GAP = re.compile(r"(?<=[^\d\s])\s+(?=[^\d\s+(])")


def mask(value: Any, names: Sequence[str] = ()) -> Any:
    """The same JSON-like value with tokens for personal data.

    `names` are values that are somebody's for sure: of the customer and of their outlets' contacts.
    Companies, documents, amounts and goods stay as they are.
    """
    return _masked(value, tuple(dict.fromkeys(name for name in names if _tells(name))))


def hidden(value: Any, names: Sequence[str] = ()) -> Any:
    """What may be shown to whoever is not to see personal data: masked, and as text."""
    return as_text(mask(value, names))


def as_text(value: Any) -> Any:
    """The same value as it may be looked at by staff, masked or not.

    Every link to a document is cut short: it is the customer's to follow. Marks that turn text
    around are shown, so that it reads as it was sent.
    """
    match value:
        case str():
            return TURNING.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", LINK.sub(r"\1…", value))
        case Mapping():
            return {key: as_text(each) for key, each in value.items()}
        case list() | tuple():
            return [as_text(each) for each in value]
        case _:
            return value


def _masked(value: Any, names: tuple[str, ...], field: str = "") -> Any:
    match value:
        case str():
            kind = PERSONAL_FIELDS.get(field)
            is_known = not value or TOKEN.fullmatch(value)
            return f"[{kind}_1]" if kind and not is_known else _text(value, names)
        case Mapping():
            if field == WITHHELD:
                return {token: token for token in value}
            return {key: _masked(each, names, str(key)) for key, each in value.items()}
        case list() | tuple():
            return [_masked(each, names, field) for each in value]
        case _:
            return value


@lru_cache(maxsize=4096)  # the pages of a conversation show the same words again
def _text(text: str, names: tuple[str, ...]) -> str:
    if MADE_BY_CODE.fullmatch(text):
        return text
    # What a message shows to be a name first: of one that is known only in part, the rest is too.
    return _without(names, "".join(_pieces(text)) if len(text) > PIECE else masked(text))


def _pieces(text: str) -> Iterator[str]:
    """A long text, masked; nothing of it is left out."""
    start = 0
    while start < len(text):
        end = min(start + PIECE, len(text))
        if end < len(text):
            gaps = [gap.end() for gap in GAP.finditer(text, start + PIECE // 2, end)]
            end = gaps[-1] if gaps else end
        piece = text[start:end]
        before, core, after = piece.partition(piece.strip() or piece)
        yield f"{before}{masked(core)}{after}"
        start = end


def _without(names: tuple[str, ...], text: str) -> str:
    if not names:
        return text
    numbers = {_plain(name): number for number, name in enumerate(names, 1)}
    return _anywhere(names).sub(lambda m: f"[person_{numbers[_plain(m[0])]}]", text)


@lru_cache(maxsize=256)
def _anywhere(names: tuple[str, ...]) -> re.Pattern[str]:
    """However they are spaced and capitalised, but not inside of another Latin word."""
    longest = sorted(names, key=len, reverse=True)
    each = (r"\s+".join(re.escape(word) for word in name.split()) for name in longest)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(each)})(?![A-Za-z0-9])", re.IGNORECASE)


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


def _tells(name: str) -> bool:
    """Whether a name is long enough to be found without finding half of the language."""
    return len(name.strip()) >= (LEAST_KNOWN if name.isascii() else LEAST_KNOWN - 1)
