"""Changes of outlet, day, slot and contact in an open order."""

import re
from collections.abc import Sequence
from dataclasses import replace

from tools.ordering.days import find_window
from tools.ordering.labels import contact_in, labels_in, mobile_in
from tools.ordering.message import Message
from tools.ordering.orders import with_outlet
from tools.ordering.places import Mention
from tools.ordering.records import is_usual
from tools.ordering.signs import all_outlets, is_urgent
from tools.ordering.text import Written
from tools.ordering.types import OrderLine, OrderRequest, Outlet
from tools.rules import load_rules

LEFT = re.compile(r"\b(?:from|not|instead\s+of)\s+(?:the\s+)?$", re.IGNORECASE)
Lines = tuple[OrderLine, ...]


def moved(
    request: OrderRequest, message: Message, outlets: Sequence[Outlet], before: Lines
) -> OrderRequest:
    """The order for the outlet that a message names; for single lines where it says so."""
    mentions = [m for m in message.mentions if not LEFT.search(message.text[: m.start])]
    named = tuple(dict.fromkeys(m.outlets[0] for m in mentions if len(m.outlets) == 1))
    open_to = named or (() if request.outlet else request.outlet_candidates) or tuple(outlets)
    if targets := all_outlets(message.text, open_to):
        return _for_each(request, targets)
    if not mentions:
        return request
    if len({m.outlets for m in mentions}) > 1:
        is_answer = len(named) > 1 and not message.candidates
        return _for_each(request, named) if is_answer else _open(request, mentions)
    if len(named) != 1:
        return _open(request, mentions)
    own = _own_lines(request, message, mentions[0].start, before)
    if own and (request.outlet or any(x.outlet for x in request.lines)):
        return replace(
            request,
            lines=tuple(replace(x, outlet=named[0]) if x in own else x for x in request.lines),
        )
    return _at(request, named[0])


def timed(request: OrderRequest, message: Message, before: Lines) -> OrderRequest:
    """The order for the day and slot that a message names; for single lines where it says so."""
    window = find_window(message.text) or request.wanted_window
    urgent = request.urgent
    if re.search(
        "|".join(map(re.escape, load_rules().ordering.urgent_words)), message.text.lower()
    ):
        urgent = is_urgent(message.text)
    request = replace(request, wanted_window=window, urgent=urgent)
    if not message.days:
        return request
    start, _, day = message.days[-1]
    own = _own_lines(request, message, start, before)
    if own and (request.wanted_day or not any(x not in before for x in own)):
        lines = (replace(x, day=day) if x in own else x for x in request.lines)
        return replace(request, lines=tuple(lines))
    return replace(
        request, wanted_day=day, lines=tuple(replace(x, day=None) for x in request.lines)
    )


def addressed(request: OrderRequest, written: Written) -> OrderRequest:
    """The order for the contact person and the number that a message names."""
    return replace(
        request,
        contact=contact_in(written, labels_in(written)) or request.contact,
        mobile=mobile_in(written.text) or request.mobile,
    )


def _own_lines(
    request: OrderRequest, message: Message, place: int, before: Lines
) -> list[OrderLine]:
    """The lines that stand beside a place or day; none when it is meant for the whole order."""
    beside = message.beside(place)
    codes = {p.code for c in beside for p in (c.match.product, *c.match.alternatives) if p}
    own = [x for x in request.lines if x.code in codes]
    is_whole = len(own) == len(request.lines)
    was_changed = any(x not in before for x in own) and len(request.lines) == len(before)
    return [] if is_whole or was_changed else own


def _at(request: OrderRequest, outlet: Outlet) -> OrderRequest:
    """The whole order at one outlet; what only came from the outlet before goes with it."""
    usual = request.outlet
    own = replace(
        request,
        contact=""
        if usual and is_usual(request.contact, usual.contact_person)
        else request.contact,
        mobile="" if usual and is_usual(request.mobile, usual.mobile) else request.mobile,
        address="",
        lines=tuple(replace(x, outlet=None) for x in request.lines),
    )
    return with_outlet(own, outlet)


def _open(request: OrderRequest, mentions: Sequence[Mention]) -> OrderRequest:
    found = dict.fromkeys(o for m in mentions for o in m.outlets)
    return replace(request, outlet=None, outlet_candidates=tuple(found))


def _for_each(request: OrderRequest, outlets: Sequence[Outlet]) -> OrderRequest:
    """Every line for every one of these outlets."""
    lines = dict.fromkeys(replace(x, outlet=None) for x in request.lines)
    return replace(
        request,
        lines=tuple(replace(x, outlet=o) for o in outlets for x in lines),
        outlet=None,
        outlet_candidates=(),
    )
