"""Names of people where a message says that they are names."""

import re
from collections.abc import Iterator

from tools.screening.places import Found, word_after
from tools.screening.wordlists import load, words

_DATA = load("personal.toml")["names"]
NEVER, KNOWN, TITLES, PARTICLES, COMPANIES = (
    words(_DATA[key]) for key in ("never", "known", "titles", "particles", "after_companies")
)
ENDINGS = words("from here speaking dari at of this")
NOT_OF_PEOPLE = words(
    "company outlet shop product item brand business file user account store last first"
)
SURNAMES = _DATA["chinese_surnames"]
MOST_WORDS = 5
LONGEST_SIGNATURE = 40


def _any(cues: list[str]) -> str:
    return "|".join(re.escape(cue) for cue in sorted(cues, key=len, reverse=True))


STRONG = re.compile(rf"(?<!\w)(?:{_any(_DATA['strong'])})[ :,]{{1,3}}", re.IGNORECASE)
LABELS = re.compile(
    rf"(?<!\w)(?:{_any(_DATA['labels'])})\.? ?[:=]\s?|(?<!\w)attn\.? ", re.IGNORECASE
)
WEAK = re.compile(rf"(?<!\w)(?:{_any(_DATA['weak'])}) ", re.IGNORECASE)
CHINESE = re.compile(rf"(?:{_any(_DATA['chinese'])})[ :：是]{{0,2}}(?:改成|换成|改为|换为)?")
NAME_WORD = re.compile(r"[^\W\d_](?:[\w\u0b80-\u0bff'’/-]*[\w\u0b80-\u0bff]|\.)?")
HAN_NAME = re.compile(
    rf"[{SURNAMES}阿小](?:(?!小姐|先生|女士|[想要是的和在来从有订跟我了])[\u4e00-\u9fff]){{0,2}}"
)
HERE = re.compile(
    r"(?:^|[,.!\n] ?|(?:hi|hello|hey|morning|evening|afternoon) )(?=[A-Z])", re.IGNORECASE
)
SIGNATURE = re.compile(
    rf"^[ ]*(?:{_any(_DATA['signing_off'])})[,.! ]*\n\s{{0,4}}(?=([^\n]{{2,{LONGEST_SIGNATURE}}}))",
    re.IGNORECASE | re.MULTILINE,
)
TAMIL = re.compile("[\u0b80-\u0bff]")
LAST_TAMIL = "\u0bff"


def find_names(text: str) -> Iterator[Found]:  # noqa: C901
    """Names after `my name is`, `Contact:`, `this is` and the like, and under a message."""
    for m in [*STRONG.finditer(text), *CHINESE.finditer(text)]:
        if span := _stated(text, m.end()):
            yield Found("name", *span)
    for m in LABELS.finditer(text):
        if not _is_of_a_thing(text, m.start()) and (span := _labelled(text, m.end())):
            yield Found("name", *span)
    for m in [*WEAK.finditer(text), *HERE.finditer(text)]:
        if span := _mentioned(text, m.end(), is_certain=m.re is WEAK):
            yield Found("name", *span)
    for m in SIGNATURE.finditer(text):
        if span := _signed(text, m.start(1), m.end(1)):
            yield Found("name", *span)


def _stated(text: str, place: int) -> tuple[int, int] | None:
    """After a strong cue whatever is no other word is a name, also in small letters."""
    if match := HAN_NAME.match(text, place):
        return match.span()
    return _name(text, place, small=True)


def _labelled(text: str, place: int) -> tuple[int, int] | None:
    if match := HAN_NAME.match(text, place):
        return match.span()
    span = _name(text, place, small=True)
    is_name = bool(span) and (text[span[0] if span else 0].isupper() or _is_known(text, span))
    return span if span and is_name and not _is_company(text, *span) else None


def _mentioned(text: str, place: int, *, is_certain: bool) -> tuple[int, int] | None:
    """After a weak cue only a name that is known, or one that says where it is from."""
    span = _name(text, place, small=False)
    if not span or _is_company(text, *span):
        return None
    following = word_after(text, span[1])
    is_known = _is_known(text, span) and (is_certain or following in ("here", "speaking"))
    return span if is_known or (is_certain and following in ("from", "here", "speaking")) else None


def _is_known(text: str, span: tuple[int, int] | None) -> bool:
    """Whether many people here have one of the names, or it is written in Tamil."""
    named = text[slice(*span)] if span else ""
    return bool({w.lower() for w in named.split()} & KNOWN) or bool(TAMIL.match(named))


def _signed(text: str, start: int, end: int) -> tuple[int, int] | None:
    span = _name(text, start, small=False)
    is_whole = bool(span) and not text[span[1] if span else 0 : end].strip(" .,")
    return span if span and is_whole and not _is_company(text, *span) else None


def _name(text: str, place: int, *, small: bool) -> tuple[int, int] | None:
    """The words from there on that make a name; a title is not part of it."""
    start, end = place, place
    for count, match in enumerate(_words_at(text, place)):
        word = match[0].lower().rstrip(".")
        if end == place and word in TITLES:
            start = place = end = match.end() + 1
            continue
        if not _is_part(match[0], word, is_first=end == place, small=small) or count > MOST_WORDS:
            break
        start = match.start() if end == place else start
        end = match.end()
    return (start, end) if end > place else None


def _is_part(written: str, word: str, *, is_first: bool, small: bool) -> bool:
    if word in NEVER or word[0] > LAST_TAMIL:
        return False
    is_lettered = written[0].isupper() or bool(TAMIL.match(written)) or small
    return is_lettered or (word in PARTICLES and not is_first)


def _words_at(text: str, place: int) -> Iterator[re.Match[str]]:
    """The words from there on, as long as only a space parts them."""
    while match := NAME_WORD.match(text, place):
        yield match
        place = match.end()
        if text[place : place + 1] not in (" ", "."):
            return
        place += 1 if text[place] == " " else 2 if text[place : place + 2] == ". " else 0


def _is_company(text: str, start: int, end: int) -> bool:
    inside = {w.lower().strip(".") for w in text[start:end].split()}
    return bool((inside | {word_after(text, end)}) & COMPANIES)


def _is_of_a_thing(text: str, place: int) -> bool:
    """`Company name:` names no person."""
    listed = text[max(place - 16, 0) : place].lower().split()
    return bool(listed) and listed[-1] in NOT_OF_PEOPLE
