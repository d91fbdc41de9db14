"""Orders as customers write them: which goods, for which outlet and day."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tools.catalogue import Catalogue, load_catalogue
from tools.delivery import find_day, find_window
from tools.order_lines import OrderLine as OrderLine
from tools.order_lines import read_lines
from tools.order_words import FILLER
from tools.quantities import STREET, plain
from tools.rules import load_rules

# A line of an order form that says where, when or for whom, and not what.
LABEL = re.compile(
    r"^[ >*-]{0,9}(?P<label>outlet|deliver(?:y)?[ ]+(?:to|address|date|day|time|slot)|ship[ ]+to"
    r"|address|location|contact(?:[ ]+(?:person|no|number))?|attn|name|phone|mobile|tel|hp|date"
    r"|day|time|slot|company|bill[ -]?to|po(?:[ ]+no)?|postal(?:[ ]+code)?)\b[ .]*[:=][ \t]*"
    r"(?P<value>.*)$",
    re.MULTILINE | re.IGNORECASE,
)
PLACES = ("delivery address", "address", "deliver to", "delivery to", "ship to", "location")
CONTACTS = ("contact", "contact person", "attn", "name")
TITLE = re.compile(
    r"^[^\w\n]{0,9}(?:(?:new|purchase) )?order(?: form)?[^\w\n]*$", re.MULTILINE | re.IGNORECASE
)
CONTACT = re.compile(r"\b(?:[Cc]ontact|[Cc]all|[Aa]ttn|[Ll]ook for)[:.]?\s+([A-Z][a-z'-]+)")
MOBILE = re.compile(r"(?<![0-9])(?:\+?65[\s-]?)?([3689][0-9]{3})[\s-]?([0-9]{4})(?![0-9])")
POSTAL = re.compile(r"\b(?:(?:s|singapore)\s*\(?)?([0-9]{6})\b", re.IGNORECASE)
ADDRESS = re.compile(STREET, re.VERBOSE | re.IGNORECASE)
OUTLET = re.compile(r"\b([a-z]{3,})\s+(?:outlet|branch)\b", re.IGNORECASE)
NOT_A_NAME = FILLER | {"each", "every", "both", "other", "which", "main", "first", "second"}
NOT_URGENT = re.compile(r"\b(?:not|no|non|isn't|never)\W+(?:that\s+|so\s+|very\s+|an?\s+)?$")
LOOK_BACK = 20
# Messages that speak of goods without asking for any.
NO_ORDER = re.compile(
    r"\b(?:cancel\w*|damaged|crushed|broken|wrong|missing|defect\w*|refund\w*|received|arrived"
    r"|invoices?|complain\w*|return(?:ed|ing)?|short|did|have you|no need"
    r"|(?:don'?t|do not|stop) (?:send|sending|deliver|delivering|need|want))\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"\b(?:how (?:much|many|long)|prices?|costs?|what|when|why|where|which|do you|is there|if|fee"
    r"|policy)\b",
    re.IGNORECASE,
)
WISH = re.compile(
    r"\b(?:order|need|want|send|give|deliver|buy|add|pls|please|have)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Outlet:
    """Where goods go. `bill_to` is the id of the Xero contact that pays."""

    outlet_id: str
    name: str
    address: str
    postal_code: str
    contact_person: str
    mobile: str
    bill_to: str
    area: str


@dataclass(frozen=True)
class OrderRequest:
    """An order as it was read; a known outlet fills in contact, mobile and address.

    `outlet_candidates` are those that fit when the outlet is not certain; there are none when
    the customer named a place that is not theirs.
    """

    lines: tuple[OrderLine, ...]
    outlet: Outlet | None = None
    outlet_candidates: tuple[Outlet, ...] = ()
    wanted_day: date | None = None
    wanted_window: str | None = None
    contact: str = ""
    mobile: str = ""
    address: str = ""
    urgent: bool = False


def parse_order(
    text: str, catalogue: Catalogue, outlets: Sequence[Outlet], received: datetime
) -> OrderRequest:
    """Read an order of any shape; what is not certain becomes a problem of its line."""
    written = plain(text)
    labels = {m["label"].lower(): m["value"].strip() for m in LABEL.finditer(written)}
    outlet, candidates = _find_outlet(written, labels, outlets, catalogue.words)
    today = received.astimezone(ZoneInfo(load_rules().company.timezone)).date()
    return OrderRequest(
        lines=_lines(written, catalogue, _words_of(outlets) - catalogue.words),
        outlet=outlet,
        outlet_candidates=candidates,
        wanted_day=find_day(_without_places(written, outlets), today),
        wanted_window=find_window(written),
        contact=_contact(written, labels) or (outlet.contact_person if outlet else ""),
        mobile=_mobile(written) or (outlet.mobile if outlet else ""),
        address=_address(written, labels) or (outlet.address if outlet else ""),
        urgent=_is_urgent(written),
    )


def looks_like_order(text: str) -> bool:
    """Whether a message asks for goods and says how many."""
    written = plain(text)
    lines = _lines(written, load_catalogue(), frozenset())
    is_counted = any((x.pieces or x.packs) and (x.code or x.alternatives) for x in lines)
    if TITLE.search(written):
        return is_counted
    is_question = QUESTION.search(written) and not WISH.search(written)
    return is_counted and not is_question and not NO_ORDER.search(written)


def _lines(text: str, catalogue: Catalogue, places: Set[str]) -> tuple[OrderLine, ...]:
    """The goods of a text; a labelled line counts only where it clearly names some."""
    labelled = "\n".join(m["value"] for m in LABEL.finditer(text))
    beside = [x for x in read_lines(labelled, catalogue, places) if x.code and x.pieces]
    return (*read_lines(LABEL.sub("", text), catalogue, places), *beside)


def _find_outlet(
    text: str, labels: Mapping[str, str], outlets: Sequence[Outlet], goods: Set[str]
) -> tuple[Outlet | None, tuple[Outlet, ...]]:
    found = _exactly_named(text, outlets) or _named_in_part(text, outlets, goods)
    if len(found) == 1:
        return found[0], ()
    if found:
        return None, tuple(found)
    if _names_a_place(text, labels):
        return None, ()
    return (outlets[0], ()) if len(outlets) == 1 else (None, tuple(outlets))


def _exactly_named(text: str, outlets: Sequence[Outlet]) -> list[Outlet]:
    """Outlets whose name, street and number, or postal code stand in the text.

    Where outlets share a building, only those whose whole address does.
    """
    lowered, codes = text.lower(), set(POSTAL.findall(text))
    named = [o for o in outlets if _has(lowered, o.name)]
    whole = [o for o in outlets if _has(lowered, o.address)]
    street = [
        o for o in outlets if _has(lowered, o.address.split(",")[0]) or o.postal_code in codes
    ]
    return named or whole or street


def _named_in_part(text: str, outlets: Sequence[Outlet], goods: Set[str]) -> list[Outlet]:
    """The outlets that share most words with the text, of the words that tell them apart."""
    words = set(re.findall(r"\w+", text.lower())) - goods - FILLER
    own = {o: _words_of([o]) for o in outlets}
    shared = frozenset.intersection(*own.values()) if len(own) > 1 else frozenset()
    scores = {o: len((known - shared) & words) for o, known in own.items()}
    best = max(scores.values(), default=0)
    return [o for o, score in scores.items() if best and score == best]


def _without_places(text: str, outlets: Sequence[Outlet]) -> str:
    """The text without the outlets' names, or the last words of them: one may be "Sun Plaza"."""
    names = [o.name.split() for o in outlets]
    tails = [" ".join(name[i:]) for name in names for i in range(max(1, len(name) - 1))]
    patterns = "|".join(map(re.escape, filter(None, tails)))
    return re.sub(patterns, " ", text, flags=re.IGNORECASE) if patterns else text


def _words_of(outlets: Sequence[Outlet]) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]{3,}", " ".join(f"{o.name} {o.area}" for o in outlets).lower())
    return frozenset(words) - {"outlet", "branch"}


def _names_a_place(text: str, labels: Mapping[str, str]) -> bool:
    named = (m[1].lower() not in NOT_A_NAME for m in OUTLET.finditer(text))
    return any(named) or bool(_address(text, labels) or labels.get("outlet") or POSTAL.search(text))


def _has(text: str, name: str) -> bool:
    return bool(name) and re.search(rf"\b{re.escape(name.lower())}(?!\w)", text) is not None


def _contact(text: str, labels: Mapping[str, str]) -> str:
    labelled = next((labels[k] for k in CONTACTS if k in labels), "")
    name = re.match(r"[^\W\d_][^\d/,;(+]*", labelled)
    if name:
        return name[0].strip(" -")
    called = CONTACT.search(text)
    return called[1] if called else ""


def _mobile(text: str) -> str:
    found = MOBILE.search(text)
    return f"{found[1]} {found[2]}" if found else ""


def _address(text: str, labels: Mapping[str, str]) -> str:
    """The address in the text; the label `outlet` may hold one or a name."""
    labelled = next((labels[k] for k in PLACES if labels.get(k)), "")
    if not labelled and any(c.isdigit() for c in labels.get("outlet", "")):
        labelled = labels["outlet"]
    street = ADDRESS.search(text)
    return labelled or (" ".join(street[0].split()) if street else "")


def _is_urgent(text: str) -> bool:
    words = "|".join(map(re.escape, load_rules().ordering.urgent_words))
    lowered = text.lower()
    found = re.finditer(rf"\b(?:{words})(?:ly)?\b", lowered)
    return any(
        not NOT_URGENT.search(lowered[max(0, m.start() - LOOK_BACK) : m.start()]) for m in found
    )
