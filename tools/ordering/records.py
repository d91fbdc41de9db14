"""Orders kept, repeated and parted: plain JSON and back, and one order for each outlet and day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tools.ordering.catalogue import Catalogue, Product, load_catalogue
from tools.ordering.lines import counted
from tools.ordering.quantities import Amount
from tools.ordering.types import Finish, OrderLine, OrderRequest, Outlet

_Key = tuple[Outlet | None, date | None, str | None]


class Bought(NamedTuple):
    """Goods of an earlier order."""

    code: str
    pieces: int
    finish: Finish = ""


def from_lines(
    goods: Iterable[Bought], catalogue: Catalogue | None = None
) -> tuple[OrderLine, ...]:
    """The lines of an earlier order, read against today's catalogue."""
    known = catalogue or load_catalogue()
    return tuple(_line_of(each, known) for each in goods)


def split(request: OrderRequest) -> tuple[OrderRequest, ...]:
    """One request for each outlet, day and window; each is priced and confirmed on its own."""
    groups: dict[_Key, list[OrderLine]] = {}
    for line in request.lines:
        key = (
            line.outlet or request.outlet,
            line.day or request.wanted_day,
            line.window or request.wanted_window,
        )
        groups.setdefault(key, []).append(replace(line, outlet=None, day=None, window=None))
    if len(groups) < 2 and not any(x.outlet or x.day or x.window for x in request.lines):
        return (request,)
    return tuple(_part(request, lines, key) for key, lines in groups.items())


def dump(request: OrderRequest) -> dict[str, Any]:
    """The request as plain JSON; outlets and products by their ids."""
    return {
        "lines": [_dumped(line) for line in request.lines],
        "outlet": _id(request.outlet),
        "outlet_candidates": [o.outlet_id for o in request.outlet_candidates],
        "wanted_day": _iso(request.wanted_day),
        "wanted_window": request.wanted_window,
        "contact": request.contact,
        "mobile": request.mobile,
        "address": request.address,
        "urgent": request.urgent,
    }


def load(data: Mapping[str, Any], outlets: Sequence[Outlet], catalogue: Catalogue) -> OrderRequest:
    """The request again; an outlet that is no longer the customer's is open."""
    by_id = {o.outlet_id: o for o in outlets}
    candidates = tuple(by_id[i] for i in data["outlet_candidates"] if i in by_id)
    return OrderRequest(
        lines=tuple(_loaded(line, by_id, catalogue) for line in data["lines"]),
        outlet=by_id.get(data["outlet"]),
        outlet_candidates=candidates,
        wanted_day=_date(data["wanted_day"]),
        wanted_window=data["wanted_window"],
        contact=data["contact"],
        mobile=data["mobile"],
        address=data["address"],
        urgent=data["urgent"],
    )


def is_usual(value: str, usual: str) -> bool:
    """Whether a value came from the outlet, and not from the customer."""
    return value in {"", usual}


def _line_of(goods: Bought, catalogue: Catalogue) -> OrderLine:
    product = catalogue.get(goods.code)
    if product is None:
        return OrderLine(None, goods.pieces, goods.code, 0.0, problem="unknown_product")
    line = OrderLine(product.code, 0, product.name, 1.0, finish=goods.finish)
    return counted(line, [Amount(Decimal(goods.pieces), "piece")], product)


def _part(request: OrderRequest, lines: Sequence[OrderLine], key: _Key) -> OrderRequest:
    outlet, day, window = key
    own = replace(request, lines=tuple(lines), outlet=outlet, wanted_day=day, wanted_window=window)
    if outlet is None:
        return own
    usual = request.outlet or outlet
    is_known = is_usual(request.contact, usual.contact_person)
    return replace(
        own,
        outlet_candidates=(),
        contact=outlet.contact_person if is_known else request.contact,
        mobile=outlet.mobile if is_usual(request.mobile, usual.mobile) else request.mobile,
        address=outlet.address,
    )


def _dumped(line: OrderLine) -> dict[str, Any]:
    return {
        "code": line.code,
        "pieces": line.pieces,
        "phrase": line.phrase,
        "confidence": line.confidence,
        "problem": line.problem,
        "suggested_pieces": line.suggested_pieces,
        "alternatives": [p.code for p in line.alternatives],
        "packs": line.packs,
        "outlet": _id(line.outlet),
        "day": _iso(line.day),
        "window": line.window,
        "finish": line.finish,
    }


def _loaded(
    data: Mapping[str, Any], by_id: Mapping[str, Outlet], catalogue: Catalogue
) -> OrderLine:
    found: list[Product | None] = [catalogue.get(code) for code in data["alternatives"]]
    return OrderLine(
        code=data["code"],
        pieces=data["pieces"],
        phrase=data["phrase"],
        confidence=data["confidence"],
        problem=data["problem"],
        suggested_pieces=data["suggested_pieces"],
        alternatives=tuple(p for p in found if p),
        packs=data["packs"],
        outlet=by_id.get(data["outlet"]),
        day=_date(data["day"]),
        window=data.get("window"),
        finish=data.get("finish", ""),
    )


def _id(outlet: Outlet | None) -> str | None:
    return outlet.outlet_id if outlet else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
