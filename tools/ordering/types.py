"""What a written order consists of."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tools.ordering.catalogue import Product

Problem = Literal["unknown_product", "ambiguous", "no_quantity", "not_whole_packs", "out_of_stock"]
Finish = Literal["", "white"]


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
class OrderLine:
    """What was asked for. `code` is the product's.

    `pieces` is 0 when unknown; `packs` counts bundles or cartons whose product is still open.
    `suggested_pieces` is the next whole number of packs, for `not_whole_packs`.
    `outlet`, `day` and `window` are the line's own; None means those of its order.
    `finish` is how the goods come where that is not the usual way.
    """

    code: str | None
    pieces: int
    phrase: str
    confidence: float
    problem: Problem | None = None
    suggested_pieces: int = 0
    alternatives: tuple[Product, ...] = ()
    packs: int = 0
    outlet: Outlet | None = None
    day: date | None = None
    window: str | None = None
    finish: Finish = ""


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
