"""Orders as customers write them: which goods, for which outlet and day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tools.ordering.catalogue import Catalogue
from tools.ordering.days import days_in, windows_in
from tools.ordering.extras import Placed
from tools.ordering.labels import (
    address_in,
    contact_in,
    is_of_the_paper,
    labels_in,
    mobile_in,
    only_labels,
    without_labels,
)
from tools.ordering.lines import place_lines
from tools.ordering.places import (
    Mention,
    mentions_in,
    names_a_place,
    without_names,
    without_places,
    words_of,
)
from tools.ordering.same import pair_in, repeated
from tools.ordering.shares import Anchor, shares
from tools.ordering.signs import all_outlets
from tools.ordering.signs import is_urgent as is_urgent
from tools.ordering.signs import looks_like_order as looks_like_order
from tools.ordering.tables import without_tables
from tools.ordering.text import Written, in_english, plain
from tools.ordering.types import OrderLine as OrderLine
from tools.ordering.types import OrderRequest as OrderRequest
from tools.ordering.types import Outlet as Outlet
from tools.rules import load_rules


@dataclass(frozen=True)
class _Target:
    """Where the goods go: one outlet, several by line, or what it may be."""

    outlet: Outlet | None
    candidates: tuple[Outlet, ...] = ()


def parse_order(
    text: str, catalogue: Catalogue, outlets: Sequence[Outlet], received: datetime
) -> OrderRequest:
    """Read an order of any shape; what is not certain becomes a problem of its line."""
    places = words_of(outlets) - catalogue.words
    written = in_english(plain(without_tables(text, places)))
    labels = labels_in(written)
    mentions = mentions_in(written.text, outlets, catalogue.words)
    goods = replace(written, text=without_names(written.text, outlets))
    placed = _placed(goods, catalogue, places)
    request = OrderRequest(
        lines=tuple(p.line for p in placed),
        contact=contact_in(written, labels),
        mobile=mobile_in(written.text),
        address=address_in(written.text, labels),
        urgent=is_urgent(written.text),
    )
    days = days_of(written, outlets, received)
    request = _with_days(request, written.text, placed, days)
    request = _with_windows(request, written.text, placed)
    if again := repeated(request, written.text, placed, mentions, days):
        return again
    everywhere = all_outlets(written.text, _named(mentions) or tuple(outlets))
    if targets := everywhere or pair_in(written.text, mentions):
        return _for_each(request, targets)
    is_elsewhere = names_a_place(written.text, labels)
    return _with_outlets(
        request,
        written.text,
        placed,
        mentions,
        _target(mentions, outlets, is_elsewhere=is_elsewhere),
    )


def days_of(
    written: Written, outlets: Sequence[Outlet], received: datetime
) -> tuple[tuple[int, int, date], ...]:
    """The days a text asks for, with their places."""
    today = received.astimezone(ZoneInfo(load_rules().company.timezone)).date()
    found = [*days_in(without_places(written.text, outlets), today)]
    of_paper = [d for d in found if d[2] <= today and is_of_the_paper(written.text, d[0])]
    return tuple(d for d in found if d not in of_paper)


def with_outlet(request: OrderRequest, outlet: Outlet) -> OrderRequest:
    """The order for an outlet, which fills in what the customer did not say."""
    return replace(
        request,
        outlet=outlet,
        outlet_candidates=(),
        contact=request.contact or outlet.contact_person,
        mobile=request.mobile or outlet.mobile,
        address=request.address or outlet.address,
    )


def _placed(written: Written, catalogue: Catalogue, places: frozenset[str]) -> list[Placed]:
    """The goods of a text; a labelled line counts only where it clearly names some."""
    beside = place_lines(only_labels(written), catalogue, places)
    return [
        *place_lines(without_labels(written), catalogue, places),
        *(p for p in beside if p.line.code and p.line.pieces),
    ]


def _named(mentions: Sequence[Mention]) -> tuple[Outlet, ...]:
    return tuple(dict.fromkeys(m.outlets[0] for m in mentions if len(m.outlets) == 1))


def _target(
    mentions: Sequence[Mention], outlets: Sequence[Outlet], *, is_elsewhere: bool
) -> _Target:
    """The outlet of the whole order, where the text leaves one."""
    meant = {m.outlets for m in mentions}
    if len(meant) == 1 and len(only := meant.pop()) == 1:
        return _Target(only[0])
    if mentions:
        return _Target(None, tuple(dict.fromkeys(o for m in mentions for o in m.outlets)))
    if is_elsewhere:
        return _Target(None)
    return _Target(outlets[0]) if len(outlets) == 1 else _Target(None, tuple(outlets))


def _with_outlets(
    request: OrderRequest,
    text: str,
    placed: Sequence[Placed],
    mentions: Sequence[Mention],
    target: _Target,
) -> OrderRequest:
    if target.outlet:
        return with_outlet(request, target.outlet)
    open_order = replace(request, outlet_candidates=target.candidates)
    if len({m.outlets for m in mentions}) < 2:
        return open_order
    spans = [(p.start, p.end) for p in placed]
    found = shares(text, spans, [Anchor(m.start, m.outlets) for m in mentions])
    if any(m.outlets not in found for m in mentions):
        return open_order  # a place without goods: for both, or only spoken of?
    own = [f[0] if f and len(f) == 1 else None for f in found]
    lines = tuple(replace(x, outlet=o) for x, o in zip(request.lines, own, strict=True))
    return replace(
        open_order, lines=lines, outlet_candidates=() if () in found else target.candidates
    )


def _with_days(
    request: OrderRequest,
    text: str,
    placed: Sequence[Placed],
    days: Sequence[tuple[int, int, date]],
) -> OrderRequest:
    if len({day for _, _, day in days}) < 2:
        return replace(request, wanted_day=next((day for _, _, day in days), None))
    spans = [(p.start, p.end) for p in placed]
    found = shares(text, spans, [Anchor(start, day) for start, _, day in days])
    named = {day for day in found if day}
    if len(named) < 2:
        return replace(request, wanted_day=named.pop() if named else days[-1][2])
    lines = zip(request.lines, found, strict=True)
    return replace(request, lines=tuple(replace(x, day=day) for x, day in lines))


def _with_windows(request: OrderRequest, text: str, placed: Sequence[Placed]) -> OrderRequest:
    """The part of the day of the whole order, or of each line where an order has several."""
    windows = windows_in(text)
    first = replace(request, wanted_window=windows[0][1] if windows else None)
    if len({window for _, window in windows}) < 2:
        return first
    spans = [(p.start, p.end) for p in placed]
    found = shares(text, spans, [Anchor(start, window) for start, window in windows])
    is_parted = any(x.day for x in request.lines) or None not in found
    if not is_parted or len(set(found) - {None}) < 2:
        return first
    lines = zip(request.lines, found, strict=True)
    return replace(request, lines=tuple(replace(x, window=window) for x, window in lines))


def _for_each(request: OrderRequest, outlets: Sequence[Outlet]) -> OrderRequest:
    """The same goods for every one of the outlets."""
    lines = tuple(replace(x, outlet=o) for o in outlets for x in request.lines)
    return replace(request, lines=lines, outlet=None, outlet_candidates=())
