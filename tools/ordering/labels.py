"""The lines of an order form that say where, when or for whom, and not what."""

import re
from collections.abc import Mapping
from dataclasses import replace

from tools.ordering.quantities import STREET
from tools.ordering.text import Written

LABEL = re.compile(
    r"^[ >*-]{0,9}(?P<label>outlet|deliver(?:y)?[ ]+(?:to|address|date|day|time|slot)|ship[ ]+to"
    r"|address|location|contact(?:[ ]+(?:person|no|number))?|attn|name|phone|mobile|tel|hp|date"
    r"|day|time|slot|company|bill[ -]?to|po(?:[ ]+no)?|postal(?:[ ]+code)?|branch|outlet[ ]+name"
    r"|customer(?:[ ]+name)?|from|remarks?|notes?|vendor|supplier|terms|payment|store|shop"
    r"|delivery|(?:req(?:uired|uested|d)?|preferred|order|po|due|need(?:ed)?|ship(?:ping)?)[. ]+"
    r"(?:delivery|by|date|on|day|slot|time)(?:[ ]+date)?|date[ ]+(?:required|needed|of[ ]+delivery)"
    r"|ordered[ ]+by|p/o(?:[ ]+no)?|order[ ]+(?:no|number|ref)|ref(?:erence)?(?:[ ]+no)?"
    r"|when|where|window)\b[ .]*[:=][ \t]*(?P<value>.*)$",
    re.MULTILINE | re.IGNORECASE,
)
PLACES = ("delivery address", "address", "deliver to", "delivery to", "ship to", "location")
CONTACTS = ("contact", "contact person", "attn", "name")
CONTACT = re.compile(
    r"\b(?:[Cc]ontact(?: person)?|[Cc]all|[Aa]ttn|[Ll]ook for)[:.]?\s+(?:is\s+)?([A-Z][a-z'-]+)"
)
NOT_A_CONTACT = frozenset({"me", "us", "you", "number", "person", "no"})
MOBILE = re.compile(r"(?<![0-9])(?:\+?65[\s-]?)?([3689][0-9]{3})[\s-]?([0-9]{4})(?![0-9])")
PAPER_DATES = frozenset({"date", "dated", "issued", "order date", "po date"})
POSTAL = re.compile(r"\b(?:(?:s|singapore)\s*\(?)?([0-9]{6})\b", re.IGNORECASE)
ADDRESS = re.compile(STREET, re.VERBOSE | re.IGNORECASE)


def labels_in(written: Written) -> dict[str, str]:
    """The values of the labels as they were written."""
    return {
        " ".join(m["label"].lower().split()): written.phrase(*m.span("value")).strip()
        for m in LABEL.finditer(written.text)
    }


def without_labels(written: Written) -> Written:
    """The same text with spaces for its labelled lines."""
    return replace(written, text=LABEL.sub(lambda m: " " * len(m[0]), written.text))


def only_labels(written: Written) -> Written:
    """The same text with spaces for all but the values of its labelled lines."""
    spans = [m.span("value") for m in LABEL.finditer(written.text)]
    kept = {i for start, end in spans for i in range(start, end)}
    return replace(
        written,
        text="".join(c if i in kept or c == "\n" else " " for i, c in enumerate(written.text)),
    )


def is_of_the_paper(text: str, place: int) -> bool:
    """Whether a date at that place only says when the order was written."""
    start = text.rfind("\n", 0, place) + 1
    head = text[start:place].strip(" \t:.=").lower()
    line = text[place:].split("\n")[0]
    is_alone = not head and re.fullmatch(r"[\w ,/.-]{4,20}", line) is not None
    return is_alone or head in PAPER_DATES


def contact_in(written: Written, labels: Mapping[str, str]) -> str:
    """The person to ask for, as the text names one."""
    labelled = next((labels[k] for k in CONTACTS if k in labels), "")
    name = re.match(r"[^\W\d_][^\d/,;(+]*", labelled)
    if name:
        return name[0].strip(" -")
    called = CONTACT.search(written.text)
    is_name = called is not None and called[1].lower() not in NOT_A_CONTACT
    return called[1] if called and is_name else ""


def mobile_in(text: str) -> str:
    """The number to call, in two groups of four."""
    found = MOBILE.search(text)
    return f"{found[1]} {found[2]}" if found else ""


def address_in(text: str, labels: Mapping[str, str]) -> str:
    """The address in the text; the label `outlet` may hold one or a name."""
    labelled = next((labels[k] for k in PLACES if labels.get(k)), "")
    if not labelled and any(c.isdigit() for c in labels.get("outlet", "")):
        labelled = labels["outlet"]
    street = ADDRESS.search(text)
    return labelled or (" ".join(street[0].split()) if street else "")
