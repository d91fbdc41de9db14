"""What goes with the goods: where, when and what, without prices. Made from a committed card."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tools.documents.paper import day_text, print_pdf
from tools.rules import load_rules

PIECE = "piece"  # what is not packed


@dataclass(frozen=True)
class Goods:
    """A line to count at the door; `packs` is None where single pieces are sent."""

    code: str
    name: str
    packs: int | None
    pack: str
    pieces: int


@dataclass(frozen=True)
class DeliveryOrder:
    """A delivery as it was confirmed; texts are as the customer or we wrote them."""

    number: str
    ordered_on: date
    bill_to: str
    outlet: str
    address: str
    contact_person: str
    mobile: str
    day: date
    window: str
    goods: tuple[Goods, ...]
    instructions: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "DeliveryOrder":
        """From an action that is in the books; raises ValueError for any other."""
        if row["status"] != "committed":
            raise ValueError("only what is in the books is delivered")
        card = row["card"]
        outlet, delivery = card["outlet"], card["delivery"]
        ordered_at = row["confirmed_at"] or row["created_at"]
        zone = ZoneInfo(load_rules().company.timezone)
        return cls(
            number=row["document_number"],
            ordered_on=ordered_at.astimezone(zone).date(),
            bill_to=card.get("bill_to") or row["scope"].get("company", ""),
            outlet=outlet["name"],
            address=outlet["address"],
            contact_person=outlet["contact_person"],
            mobile=outlet["mobile"],
            day=date.fromisoformat(delivery["day"]),
            window=delivery["window_text"],
            goods=tuple(_goods(line) for line in card["lines"]),
            instructions=tuple((card.get("instructions") or "").splitlines()),
        )

    @property
    def packs(self) -> int:
        """How many packs there are to count."""
        return sum(g.packs or 0 for g in self.goods)

    @property
    def pieces(self) -> int:
        """How many pieces they hold, with those that are not packed."""
        return sum(g.pieces for g in self.goods)


def delivery_order_pdf(order: DeliveryOrder) -> bytes:
    """The delivery order on A4, one page for any usual order."""
    values = asdict(order) | {
        "ordered_on": day_text(order.ordered_on),
        "day": day_text(order.day),
        "goods": [_printed(g) for g in order.goods],
        "instructions": list(order.instructions),
        "packs": f"{order.packs:,}",
        "pieces": f"{order.pieces:,}",
    }
    return print_pdf("delivery_order", values, order.ordered_on)


def packs_text(goods: Goods) -> str:
    """`6 bundles`; nothing where single pieces are sent."""
    if goods.packs is None:
        return ""
    return f"{goods.packs:,} {goods.pack}{'' if goods.packs == 1 else 's'}"


def _printed(goods: Goods) -> dict[str, str]:
    return {
        "code": goods.code,
        "name": goods.name,
        "packs": packs_text(goods),
        "pieces": f"{goods.pieces:,}",
    }


def _goods(line: Mapping[str, Any]) -> Goods:
    is_packed = line.get("pack", PIECE) != PIECE
    return Goods(
        code=line["code"],
        name=line["name"],
        packs=int(line["packs"]) if is_packed else None,
        pack=line["pack"] if is_packed else "",
        pieces=int(line["pieces"]),
    )
