"""The delivery order as a spreadsheet. Every cell has its type: a text stays a text."""

import unicodedata
from datetime import UTC, date, datetime, time
from io import BytesIO
from math import ceil

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from tools.documents.delivery_order import DeliveryOrder, Goods
from tools.documents.letters import readable
from tools.rules import load_rules

LONGEST_CELL = 32_767  # characters: this and the next are Excel's own limits
HIGHEST_ROW = 409  # points
A4 = 9
TOP = {"valign": "top"}
STYLES = {
    "plain": TOP,
    "wrapped": TOP | {"text_wrap": True},
    "title": {"bold": True, "font_size": 16},
    "bold": TOP | {"bold": True},
    "date": TOP | {"num_format": "ddd d mmm yyyy", "align": "left"},
    "count": TOP | {"num_format": "#,##0"},
    "head": {"bold": True, "bottom": 1},
    "head of counts": {"bold": True, "bottom": 1, "align": "right"},
    "pack": TOP | {"indent": 1},
    "total": {"bold": True, "top": 1, "num_format": "#,##0"},
    "signed": {"bottom": 1},
}
HEADS = ("Code", "Item", "Pieces", "Packs", "")
WIDTHS = (18, 48, 12, 12, 14)  # in characters
PIECES, PACKS, PACK = 2, 3, 4
LINE = 15  # points
SIGNED = ("Received by", "Signature", "Date and time")


def delivery_order_xlsx(order: DeliveryOrder) -> bytes:
    """The delivery order on one sheet that prints on A4."""
    written = BytesIO()
    with Workbook(written, {"in_memory": True}) as book:
        made_at = datetime.combine(order.ordered_on, time(), UTC).replace(tzinfo=None)
        book.set_properties({"title": f"Delivery order {order.number}", "created": made_at})
        sheet = Sheet(book)
        sheet.head(order)
        sheet.goods(order)
        sheet.foot(order)
    return written.getvalue()


class Sheet:
    """Writes from top to bottom."""

    def __init__(self, book: Workbook) -> None:
        self._sheet: Worksheet = book.add_worksheet("Delivery order")
        self._styles = {name: book.add_format(style) for name, style in STYLES.items()}
        self._row = 0
        self._sheet.set_paper(A4)
        self._sheet.fit_to_pages(1, 0)
        for column, width in enumerate(WIDTHS):
            self._sheet.set_column(column, column, width)

    def head(self, order: DeliveryOrder) -> None:
        """Who sends what to whom, and when."""
        company = load_rules().company
        self._line(company.legal_name, style="bold")
        self._line(company.address)
        self._line(company.email)
        self._row += 1
        self._line(f"Delivery order {order.number}", style="title")
        self._field("Ordered on", order.ordered_on)
        self._field("Bill to", order.bill_to)
        self._field("Deliver to", order.outlet)
        self._field("Address", order.address)
        self._field("Contact", order.contact_person)
        self._field("Mobile", order.mobile)
        self._field("Delivery", order.day)
        self._field("Time", order.window)
        self._row += 1

    def goods(self, order: DeliveryOrder) -> None:
        """What to count at the door."""
        self._line(*HEADS, style="head")
        for column in (PIECES, PACKS):
            self._text(column, HEADS[column], "head of counts")
        for goods in order.goods:
            self._goods_line(goods)
        self._line("Total", *("" for _ in HEADS[1:]), style="total")
        self._number(PIECES, order.pieces, "total")
        self._number(PACKS, order.packs, "total")
        self._row += 1

    def foot(self, order: DeliveryOrder) -> None:
        """What the customer asked for, and who received it."""
        for number, line in enumerate(order.instructions):
            self._field("" if number else "Instructions", line)
        self._row += 1
        for label in SIGNED:
            self._line(label, "", style="signed")
            self._row += 1

    def _goods_line(self, goods: Goods) -> None:
        self._line(goods.code)
        self._wrapped(goods.name)
        self._number(PIECES, goods.pieces, "count")
        if goods.packs is not None:
            self._number(PACKS, goods.packs, "count")
            self._text(PACK, goods.pack, "pack")

    def _field(self, label: str, value: str | date) -> None:
        self._line(label)
        if isinstance(value, date):
            day = datetime.combine(value, time())
            self._sheet.write_datetime(self._row - 1, 1, day, self._styles["date"])
        else:
            self._wrapped(value)

    def _wrapped(self, text: str) -> None:
        """In the wide column, in a row that is high enough: not every program sees to that."""
        self._text(1, text, "wrapped")
        if (lines := ceil(_width(text) / WIDTHS[1])) > 1:
            self._sheet.set_row(self._row - 1, min(lines * LINE, HIGHEST_ROW))

    def _line(self, *texts: str, style: str = "plain") -> None:
        self._row += 1
        for column, text in enumerate(texts):
            self._text(column, text, style)

    def _number(self, column: int, number: int, style: str) -> None:
        self._sheet.write_number(self._row - 1, column, number, self._styles[style])

    def _text(self, column: int, text: str, style: str) -> None:
        """As a text, even where it looks like a formula, a number or an address."""
        shown = readable(text)[:LONGEST_CELL]
        self._sheet.write_string(self._row - 1, column, shown, self._styles[style])


def _width(text: str) -> int:
    """In characters of the usual width; Chinese ones are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
