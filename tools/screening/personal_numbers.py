"""Personal numbers: identity, passport, card, phone and bank account numbers, dates of birth."""

import re
from collections.abc import Iterator

from tools.screening.numbers import is_card, is_nric
from tools.screening.places import (
    REACH,
    SCRIPTS,
    Found,
    before,
    distance,
    has_cue,
    last_words,
    word_after,
)
from tools.screening.wordlists import load, words

_DATA = load("personal.toml")
CUES = {kind: words(cues) for kind, cues in _DATA["cues"].items()}
BUSINESS = {key: words(listed) for key, listed in _DATA["business"].items()}
ACCOUNT_WORDS = words("account acct a/c accounts iban akaun 账号 账户 帐号 帐户 户口 கணக்கு")
OF_CARD = re.compile(
    r"(?:\bexp(?:iry|ires|iration)?(?: date)?|\bvalid (?:thru|till|until)|\bcv[vc]2?"
    r"|\bsecurity code|有效期|安全码|\btamat)"
    r"[^\w\n]{0,3}(\d{2} ?[/-] ?\d{2,4}|\d{3,4})(?!\d)",
    re.IGNORECASE,
)
CARD_WORDS = words("card visa mastercard amex credit debit 信用卡 卡号 kad கார்டு")
PARTY_WORDS = words("party cake event celebration bash order orders set sets promo treat")

NRIC = re.compile(
    r"(?<![A-Za-z0-9])([STFGM])[ ./-]?(\d(?:[ .-]?\d){6})[ ./-]?([A-Z])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
PASSPORT = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{1,2}[ -]?\d{6,9}[ -]?[A-Z]?(?![A-Za-z0-9])", re.IGNORECASE
)
LONG_NUMBER = re.compile(r"(?<![\w.])\d(?:[ .-]?\d){12,22}(?!\w)", re.ASCII)
DIGITS_END = re.compile(r"\d(?!\d)")
DIGITS_START = re.compile(r"(?<!\d)\d")
ABROAD = re.compile(r"(?<![\w+])(?:\(?\+|00(?=[1-9]))\d(?:[ ().-]{0,2}\d){6,14}(?!\w)", re.ASCII)
MALAYSIAN = re.compile(r"(?<![\w-])01\d-\d{3,4}[ -]?\d{4}(?![\w-])", re.ASCII)
LOCAL = re.compile(
    r"(?<![\w$#.,+-])(?<!\d[ -])(?:\(65\)[ -]{0,2}|65[ -]{0,2})?([3689]\d{3})[ .-]?(\d{4})"
    r"(?!\w|[.,-]\d)",
    re.ASCII,
)
ANY_PHONE = re.compile(r"(?<![\w$#.,+-])\(?\d(?:[ ()-]{0,2}\d){6,14}(?!\w|[.,]\d)", re.ASCII)
LETTERED = re.compile(r"(?<!\w)[3689][\dOoIl]{3}[ -]?[\dOoIl]{4}(?!\w)", re.ASCII)
_SPOKEN = "zero|oh|one|two|three|four|five|six|seven|eight|nine"
SPOKEN = re.compile(rf"\b(?:{_SPOKEN})(?:[ ,-]{{1,2}}(?:{_SPOKEN})){{7,11}}\b", re.IGNORECASE)
ACCOUNT = re.compile(r"(?<![\w$.,+])\d(?:[ -]?\d){6,17}(?!\w|[.,]\d)", re.ASCII)
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mac|mei|ogos|okt|dis)[a-z]{0,6}|"
    "(?:ஜனவரி|பிப்ரவரி|மார்ச்|ஏப்ரல்|மே|ஜூன்|ஜூலை|ஆகஸ்ட்|செப்டம்பர்|அக்டோபர்|நவம்பர்|டிசம்பர்)"
)
DATE = re.compile(
    r"(?<!\d)(?:\d{1,2}[ ./-]\d{1,2}[ ./-](?:\d{4}|\d{2})|\d{4}[ ./-]\d{1,2}[ ./-]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]?(?:of )?(?:{_MONTH})(?:[ ,-]{{1,2}}\d{{2,4}})?"
    rf"|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
    r"|\d{4} ?年 ?\d{1,2} ?月 ?\d{1,2} ?[日号]?|\d{8})(?!\d)",
    re.IGNORECASE,
)
DATED = re.compile(r"\d{1,2}[ ./-]\d{1,2}[ ./-]\d{4}|\d{4}[ ./-]\d{1,2}[ ./-]\d{1,2}")
MONEY = re.compile(r"(?:\$|sgd|usd|rm|myr) ?$", re.IGNORECASE)
BORN = re.compile(
    r"\bd\.?o\.?b\b|\bdate of birth\b|\bbirth ?date\b|\btarikh lahir\b", re.IGNORECASE
)


def find_nrics(text: str) -> Iterator[Found]:
    """Identity numbers: with a right check letter anywhere, with a wrong one beside such words."""
    for m in NRIC.finditer(text):
        digits = re.sub(r"\D", "", m[2])
        context = before(text, m.start())
        if is_nric(m[1], digits, m[3]) or has_cue(context, CUES["nric"]):
            yield Found("nric", *m.span())
        elif has_cue(context, CUES["passport"]):
            yield Found("passport", *m.span())


def find_passports(text: str) -> Iterator[Found]:
    """Passport numbers beside the word."""
    for m in PASSPORT.finditer(text):
        if distance(before(text, m.start()), CUES["passport"]) < 24:
            yield Found("passport", *m.span())


def find_cards(text: str) -> Iterator[Found]:
    """Payment card numbers, also among other figures, and what is told of such a card."""
    last = 0
    for m in LONG_NUMBER.finditer(text):
        if not is_document(text, m.start()) and (span := _card_in(text, *m.span())):
            yield Found("card", *span)
            last = span[1]
    if last:
        for m in OF_CARD.finditer(text, last):
            yield Found("card", *m.span(1))


def _card_in(text: str, start: int, end: int) -> tuple[int, int] | None:
    starts = [m.start() for m in DIGITS_START.finditer(text, start, end)]
    ends = [m.end() for m in DIGITS_END.finditer(text, start, end)]
    is_named = has_cue(before(text, start), CARD_WORDS)
    for first in starts:
        for last in reversed(ends):
            if (is_named or text[first] in "23456") and is_card(text[first:last]):
                return first, last
    return None


def find_phones(text: str) -> Iterator[Found]:  # noqa: C901
    """Phone numbers of Singapore and, written with their country or beside such words, of others."""  # noqa: E501
    for pattern in (ABROAD, MALAYSIAN):
        for m in pattern.finditer(text):
            yield Found("phone", *m.span())
    for m in LOCAL.finditer(text):
        is_prefixed = len(m[0]) > 9
        if is_prefixed or not (_is_range(m) or is_document(text, m.start()) or _counts(text, m)):
            yield Found("phone", *m.span())
    for pattern in (ANY_PHONE, LETTERED):
        for m in pattern.finditer(text):
            if _is_called(text, m):
                yield Found("phone", *m.span())
    for m in SPOKEN.finditer(text):
        yield Found("phone", *m.span())


def _is_called(text: str, match: re.Match[str]) -> bool:
    """Whether the number stands beside a word for phones, and no nearer one says otherwise."""
    size = sum(c.isdigit() for c in match[0])
    if size < (8 if match.re is ANY_PHONE else 3) or DATED.match(match[0].strip("( ")):
        return False
    context = before(text, match.start())
    called = distance(context, CUES["phone"])
    rivals = (distance(context, words) for words in (ACCOUNT_WORDS, BUSINESS["before_number"]))
    is_other = is_document(text, match.start()) or _counts(text, match)
    return called < min(24, *rivals) and not is_other


def _is_range(match: re.Match[str]) -> bool:
    """3000-5000 counts pieces; two round figures are no phone number."""
    is_round = match[1].endswith("00") and match[2].endswith("00")
    return is_round and match[0][4] in "- "


def _counts(text: str, match: re.Match[str]) -> bool:
    """Whether the number is a quantity or an amount."""
    is_money = MONEY.search(text[max(match.start() - 5, 0) : match.start()])
    return bool(is_money) or word_after(text, match.end()) in BUSINESS["units"]


def find_accounts(text: str) -> Iterator[Found]:
    """Bank account numbers beside the name of a bank or a word for accounts."""
    for m in ACCOUNT.finditer(text):
        context = before(text, m.start())
        if _is_account(text, m, context):
            yield Found("bank_account", *m.span())
    for m in IBAN.finditer(text):
        if has_cue(before(text, m.start()), CUES["bank_account"]):
            yield Found("bank_account", *m.span())


def _is_account(text: str, match: re.Match[str], context: str) -> bool:
    size = sum(c.isdigit() for c in match[0])
    is_phone = bool(LOCAL.fullmatch(match[0]))
    cues = ACCOUNT_WORDS if is_phone or size < 9 else CUES["bank_account"]
    near = distance(context, cues)
    if near > REACH or distance(context, CUES["phone"] - words("number 号码 எண் line")) < near:
        return False
    is_other = DATED.fullmatch(match[0]) or is_document(text, match.start())
    return not (is_other or _is_ours(context) or _counts(text, match))


def _is_ours(context: str) -> bool:
    """The account with us is no bank account."""
    listed = [w for w in last_words(context) if w not in BUSINESS["between"]]
    return len(listed) > 1 and listed[0] in ACCOUNT_WORDS and listed[1] in BUSINESS["of_ours"]


def find_birth_dates(text: str) -> Iterator[Found]:
    """Dates beside a word for being born."""
    for m in DATE.finditer(text):
        context = before(text, m.start())
        is_birth = distance(context, CUES["birth_date"]) < 20 or BORN.search(context)
        if is_birth and not has_cue(context, PARTY_WORDS) and not _counts(text, m):
            yield Found("birth_date", *m.span())


def is_document(text: str, place: int) -> bool:
    """Whether the number there is an order's, an invoice's or the like: a word before it says so."""  # noqa: E501
    context = text[max(place - REACH, 0) : place]
    if SCRIPTS.search(context):
        context = before(text, place)
        document, phone = (distance(context, BUSINESS["before_number"]), CUES["phone"])
        return document < 8 and document < distance(context, phone - words("号码 எண்"))
    if _is_ours(before(text, place)):
        return True
    for word in last_words(context):
        if word in BUSINESS["capitals"] or word.lower() in BUSINESS["before_number"]:
            return True
        if word.lower() not in BUSINESS["between"]:
            return False
    return False
