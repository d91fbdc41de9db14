"""What a message names: documents, products, quantities, amounts, days, outlets."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

from typing_extensions import TypedDict

from tools.ordering.catalogue import Catalogue
from tools.ordering.days import DAY_PATTERN, find_day
from tools.ordering.lines import read_lines
from tools.ordering.types import Outlet
from tools.understanding.bare_numbers import as_printed

EntityKind = Literal["document", "product", "quantity", "amount", "date", "outlet"]

# In Chinese a number may stand between two signs without a space: 把TRIA-000123改成
DOCUMENT = re.compile(r"(?<![a-z0-9])(?:INV|TRIA|CN|QU)[-_ ]?0*\d{1,10}(?![a-z0-9])", re.IGNORECASE)
WRITTEN = re.compile(r"([A-Z]+)[-_ ]?(\d+)", re.IGNORECASE)
AMOUNT = re.compile(
    r"(?:S\$|\$|SGD\s?)(\d[\d,]*(?:\.\d{1,2})?)|\b(\d[\d,]*\.\d{2})\b"
    r"|(?<![-\w.,])(\d+(?:,\d{3})*(?:\.\d{1,2})?)\s?(?:(?:dollars?|bucks|dolar|sgd)\b|元|块|新元|新币|坡币|வெள்ளி|டாலர்)",
    re.IGNORECASE,
)
QUANTITY = re.compile(
    r"\b(\d[\d,]*)\s*(?:x\b|pcs?\b|pieces?|bundles?|bdls?|cartons?|ctns?|packs?|boxes|trays|lids"
    r"|个|捆|箱|包|keping|kotak)",
    re.IGNORECASE,
)


class Entity(TypedDict):
    """Something a message names. `value` is in its plain form: a code, an ISO date, digits."""

    kind: EntityKind
    value: str


def documents_in(text: str) -> list[str]:
    """The document numbers of a text, in the form they are printed in, each once."""
    found = (WRITTEN.match(d) for d in DOCUMENT.findall(as_printed(text)))
    return list(dict.fromkeys(f"{m[1].upper()}-{m[2]}" for m in found if m))


def entities_of(
    text: str, catalogue: Catalogue, outlets: Sequence[Outlet], today: date
) -> list[Entity]:
    """Everything a message names, in the order of the kinds."""
    lowered = text.lower()
    days = {d for m in DAY_PATTERN.finditer(text) if (d := find_day(m[0], today))}
    found: dict[EntityKind, list[str]] = {
        "document": documents_in(text),
        "product": products_in(text, catalogue),
        "quantity": [q.replace(",", "") for q in QUANTITY.findall(text)],
        "amount": ["".join(found).replace(",", "") for found in AMOUNT.findall(text)],
        "date": [day.isoformat() for day in sorted(days)],
        "outlet": [o.outlet_id for o in outlets if o.name.lower() in lowered],
    }
    return [Entity(kind=kind, value=v) for kind, values in found.items() for v in values]


def products_in(text: str, catalogue: Catalogue) -> list[str]:
    """The codes of the products that a text certainly names."""
    lines = read_lines(text, catalogue, frozenset())
    return list(dict.fromkeys(line.code for line in lines if line.code))
