"""What the rules say to the figures of a question: fees, interest, discounts, limits and packs.

Each formula gives None where the question lacks a figure that the rule needs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from math import ceil

from tools.ordering.delivery import remote_fee as fee_of_area
from tools.policy.question import Question
from tools.rules import EscalationLevel, gst_percent, load_rules

CENT, HUNDRED = Decimal("0.01"), Decimal(100)
MONTH_DAYS = 30
DAYS_LATE = r"days?"


@dataclass(frozen=True)
class Figures:
    """What a formula was given and what came out, as plain text."""

    inputs: dict[str, str]
    result: dict[str, str]


def late_interest(question: Question) -> Figures | None:
    """Interest for every started month of 30 days after the days of grace; none within them."""
    rules, days = load_rules().payment, question.count(DAYS_LATE)
    if days is None:
        return None
    charged = max(Decimal(0), days - rules.grace_days)
    months = (charged / MONTH_DAYS).to_integral_value(ROUND_CEILING)
    percent = months * rules.late_percent_month
    result = {"grace_days": text(rules.grace_days), "months": text(months)}
    result["percent"] = text(percent)
    if question.amount is not None:
        result["interest"] = money(question.amount * percent / HUNDRED)
    return Figures(inputs(days_overdue=days, amount=question.amount), result)


def overdue_standing(question: Question) -> Figures | None:
    """Where that many days overdue leave an account, and how far it is to the next step."""
    rules, days = load_rules().payment, question.count(DAYS_LATE)
    if days is None:
        return None
    limits = {
        "grace": rules.grace_days,
        "interest": rules.credit_hold_days,
        "credit_hold": rules.collection_days,
    }
    standing = next((name for name, last in limits.items() if days <= last), "collection")
    result = {"standing": standing}
    for name, limit in (("hold", rules.credit_hold_days), ("collection", rules.collection_days)):
        result[f"{name}_after_days"] = text(limit)
        if days <= limit:
            result[f"days_to_{name}"] = text(limit - days)
    return Figures(inputs(days_overdue=days), result)


def early_discount(question: Question) -> Figures | None:
    """What comes off an invoice that is paid in time, and what is left to pay."""
    rules, amount = load_rules().payment, question.amount
    if amount is None:
        return None
    days = question.count(DAYS_LATE)
    percent = rules.early_percent if days is None or days <= rules.early_days else Decimal(0)
    off = cents(amount * percent / HUNDRED)
    result = {"within_days": text(rules.early_days), "percent": text(percent)}
    result |= {"discount": money(off), "to_pay": money(amount - off)}
    return Figures(inputs(amount=amount, days=days), result)


def gst(question: Question) -> Figures | None:
    """The tax on an amount, or in it, at the rate of the day."""
    amount, percent = question.amount, gst_percent(question.day or question.now.date())
    if amount is None:
        return None
    is_included = question.has(r"\binclu|\binside\b|\bcontain|\bwithin\b|\bafter gst")
    tax = cents(amount * percent / (HUNDRED + percent if is_included else HUNDRED))
    net = amount - tax if is_included else amount
    result = {"percent": text(percent), "net": money(net), "gst": money(tax)}
    return Figures(inputs(amount=amount), result | {"total": money(net + tax)})


def remote_fee(question: Question) -> Figures | None:
    """The delivery fee of an area that costs one."""
    areas = load_rules().delivery.remote_areas
    area = next((name for name in areas if question.has(rf"\b{name.lower()}\b")), None)
    return Figures({"area": area}, _fee(fee_of_area(area), question)) if area else None


def rush_fee(question: Question) -> Figures | None:
    """The surcharge for an urgent order, and with it the order's total before GST."""
    fee, amount = load_rules().ordering.rush_fee, question.amount
    result = _fee(fee, question)
    if amount is not None:
        result["total_before_gst"] = money(amount + fee)
    return Figures(inputs(amount=amount), result)


def redelivery_fee(question: Question) -> Figures | None:
    """What another attempt costs, the same day and in the next slot."""
    rules = load_rules().delivery
    fees = {"same_day": rules.redelivery_same_day, "next_slot": rules.redelivery_next_slot}
    asked = {"same_day": r"same.day|today", "next_slot": r"next|tomorrow"}
    when = [name for name, pattern in asked.items() if question.has(pattern)]
    if len(when) == 1:
        return Figures({"when": when[0]}, {"fee": money(fees[when[0]])})
    return Figures({}, {f"fee_{name}": money(fee) for name, fee in fees.items()})


def who_approves(question: Question) -> Figures | None:
    """The first level that may grant an amount, or a discount in percent."""
    percent, amount = question.count("%|percent") or _percent(question), question.amount
    wanted = percent if percent is not None else amount
    if wanted is None:
        return None
    kind = _kind_of_grant(question, is_percent=percent is not None)
    levels = load_rules().escalation.levels
    number, level, limit = next(
        (n, level, limit)
        for n, level in sorted(levels.items())
        if (limit := _limit(level, kind)) is None or limit >= wanted
    )
    result = {"level": text(number), "who": level.who}
    if limit is not None:
        result["limit"] = text(limit)
    return Figures(inputs(percent=percent, amount=amount) | {"kind": kind}, result)


def quote_needed(question: Question) -> Figures | None:
    """Whether that many pieces need a quotation."""
    least, pieces = load_rules().ordering.quote_from_pieces, question.pieces
    if pieces is None:
        return None
    return Figures(
        inputs(pieces=pieces), {"quote": yes(pieces >= least), "from_pieces": text(least)}
    )


def minimum_order(question: Question) -> Figures | None:
    """Whether an amount reaches the minimum of a new customer, and what is missing."""
    least, amount = load_rules().ordering.minimum_new_customer, question.amount
    if amount is None or not question.has(r"\bnew\b|\bfirst\b"):
        return None
    missing = max(Decimal(0), least - amount)
    result = {"minimum": money(least), "enough": yes(not missing), "missing": money(missing)}
    return Figures(inputs(amount=amount), result)


def pack_rounding(question: Question) -> Figures | None:
    """The whole packs that a number of pieces fills, with the next size up."""
    product, pieces = question.product, question.pieces
    if product is None or not pieces:
        return None
    packs = ceil(pieces / product.pack_size)
    result = {
        "pack": product.pack,
        "pack_size": text(product.pack_size),
        "packs": text(packs),
        "pieces": text(packs * product.pack_size),
        "whole_packs": yes(pieces % product.pack_size == 0),
    }
    return Figures({"product": product.name, "code": product.code, "pieces": text(pieces)}, result)


def artwork_rush(question: Question) -> Figures | None:
    """The surcharge for artwork in a hurry."""
    rules, amount = load_rules().printing, question.amount
    percent = rules.artwork_rush_percent
    result = {"percent": text(percent), "hours": text(rules.artwork_rush_hours)}
    if amount is not None:
        extra = cents(amount * percent / HUNDRED)
        result |= {"surcharge": money(extra), "total": money(amount + extra)}
    return Figures(inputs(amount=amount), result)


def proof_fee(question: Question) -> Figures | None:
    """What a printed proof costs; the fee comes back with the order."""
    rules, pieces = load_rules().printing, question.pieces
    result = {"fee": money(rules.proof_fee), "above_pieces": text(rules.proof_from_pieces)}
    if question.has(r"refund|\bback\b"):
        result["refund"] = money(rules.proof_fee)
    if pieces is not None:
        result["offered"] = yes(pieces > rules.proof_from_pieces)
    return Figures(inputs(pieces=pieces), result)


def custom_print(question: Question) -> Figures | None:
    """Price and time of a print run, by each method that was named, else by all of them."""
    pieces = question.pieces
    if not pieces:
        return None
    named = [m for m in PRINT_METHODS if question.has(rf"\b{m}")]
    colours = question.count("colou?rs?")
    result: dict[str, str] = {}
    for method in named or ("digital", "flexo"):
        result |= _print_run(method, pieces, colours if method == "flexo" else None)
    return Figures(inputs(pieces=pieces, colours=colours), result)


PRINT_METHODS = ("digital", "flexo", "sticker")


def _print_run(method: str, pieces: int, colours: Decimal | None) -> dict[str, str]:
    rules = load_rules().printing.model_dump()
    least = rules.get(f"{method}_minimum")  # stickers have none
    found = {"minimum": text(least)} if least else {}
    found["possible"] = yes(pieces >= (least or 0))
    if pieces >= (least or 0):
        plates = (colours or Decimal(0)) * rules["flexo_per_colour"]
        for end in ("min", "max"):
            each = rules[f"{method}_price_{end}"]
            found[f"price_{end}"] = money(each)
            found[f"total_{end}"] = money(each * pieces + plates)
            found[f"days_{end}"] = text(rules[f"{method}_days_{end}"])
        if colours:
            found["plates"] = money(plates)
    return {f"{method}_{name}": value for name, value in found.items()}


def _fee(fee: Decimal, question: Question) -> dict[str, str]:
    """A fee before GST and with it."""
    percent = gst_percent(question.now.date())
    return {"fee": money(fee), "fee_with_gst": money(fee + cents(fee * percent / HUNDRED))}


def _percent(question: Question) -> Decimal | None:
    match = re.search(r"([0-9]+(?:\.[0-9]+)?)\s*(?:%|percent)", question.text)
    return Decimal(match[1]) if match else None


def _kind_of_grant(question: Question, *, is_percent: bool) -> str:
    if is_percent:
        return "discount_percent"
    return "waiver" if question.has(r"waive") else "credit"


def _limit(level: EscalationLevel, kind: str) -> Decimal | None:
    limits: Mapping[str, Decimal | None] = {
        "discount_percent": level.discount_percent,
        "waiver": level.waiver,
        "credit": level.credit,
    }
    return limits[kind]


def inputs(**figures: Decimal | int | None) -> dict[str, str]:
    """The figures that were given, as text."""
    return {
        name: money(Decimal(value)) if name == "amount" else text(value)
        for name, value in figures.items()
        if value is not None
    }


def text(value: Decimal | int) -> str:
    """A number as people write it: 50, 1.5."""
    return f"{Decimal(value).normalize():f}"


def money(value: Decimal) -> str:
    """An amount with its cents."""
    return str(cents(value))


def cents(value: Decimal) -> Decimal:
    """Rounded half up, as everywhere in the books."""
    return value.quantize(CENT, ROUND_HALF_UP)


def yes(holds: bool) -> str:  # noqa: FBT001 (reads as it is meant)
    """A claim as text."""
    return "yes" if holds else "no"
