"""The business rules as typed values: `policies/rules.toml`, read once and checked on load."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
WindowName = Literal["morning", "afternoon"]


class Section(BaseModel):
    """A table of the rules file; an unknown or missing key fails the load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(Section):
    """Who sells, as documents name them, in which currency and time zone, and where to pay."""

    name: str
    legal_name: str
    address: str
    email: str
    currency: str
    timezone: str
    country: str
    bank: str
    bank_account: str
    paynow_uen: str


class GstRate(Section):
    """A tax rate and the first day it is in force."""

    since: date = Field(alias="from")
    percent: Decimal


class Gst(Section):
    """Tax rates, oldest first."""

    rates: tuple[GstRate, ...]


class Ordering(Section):
    """Opening hours, cutoff, and what makes an order need a person (O2-O9, P2)."""

    open: time
    close: time
    business_days: tuple[Weekday, ...]
    cutoff: time
    urgent_words: tuple[str, ...]
    rush_fee: Decimal
    last_change_hours: int
    unusual_percent: Decimal
    unusual_new_customer: Decimal
    unusual_any: Decimal
    silence_hours: int
    minimum_new_customer: Decimal
    quote_from_pieces: int


class Cancellation(Section):
    """What a cancelled order costs, in percent of its total (O7)."""

    free_hours: int
    late_hours: int
    late_percent: Decimal
    last_percent: Decimal
    refused_percent: Decimal
    refund_days_min: int
    refund_days_max: int


class Payment(Section):
    """Terms, discount for early payment, and what happens when it is late (P1, P3-P7)."""

    price_months: int  # 1 holds to the end of the month, 2 to the end of the one after it
    net_days: int
    early_days: int
    early_percent: Decimal
    grace_days: int
    late_percent_month: Decimal
    credit_hold_days: int
    collection_days: int
    extension_days: int
    credit_after_orders: int


class DeliveryWindow(Section):
    """A named part of a delivery day, Singapore time."""

    name: WindowName
    start: time = Field(alias="from")
    end: time = Field(alias="to")


class Delivery(Section):
    """Delivery days, lead times in business days, and fees (D1-D6)."""

    days: tuple[Weekday, ...]
    windows: tuple[DeliveryWindow, ...]
    lead_days_min: int
    lead_days_max: int
    large_order_pieces: int
    large_lead_days_min: int
    large_lead_days_max: int
    printed_lead_days_min: int
    printed_lead_days_max: int
    remote_areas: tuple[str, ...]
    remote_fee: Decimal
    address_change_hours: int
    redelivery_same_day: Decimal
    redelivery_next_slot: Decimal
    storage_hours: int


class Quality(Section):
    """How complaints are reported and made good (Q1-Q9)."""

    report_hours: int
    acknowledge_hours: int
    solve_hours: int
    defect_next_order_percent: Decimal
    wrong_item_credit: Decimal
    late_delivery_percent: Decimal
    review_incidents: int
    review_days: int
    level3_damaged_pieces: int
    food_safety_call_minutes: int


class Printing(Section):
    """Custom print: minimums, days, prices per piece (C1-C5)."""

    digital_minimum: int
    digital_days_min: int
    digital_days_max: int
    digital_price_min: Decimal
    digital_price_max: Decimal
    flexo_minimum: int
    flexo_days_min: int
    flexo_days_max: int
    flexo_price_min: Decimal
    flexo_price_max: Decimal
    flexo_per_colour: Decimal
    plates_kept_months: int
    sticker_days_min: int
    sticker_days_max: int
    sticker_price_min: Decimal
    sticker_price_max: Decimal
    artwork_dpi: int
    free_revisions: int
    artwork_rush_hours: int
    artwork_rush_percent: Decimal
    proof_fee: Decimal
    proof_from_pieces: int


class ProductFacts(Section):
    """What customers ask about the goods: heat, load, shelf life, samples, surcharges."""

    pizza_oven_celsius: int
    pizza_oven_minutes: int
    shelf_life_months: int
    pizza_load_small_g: int
    pizza_load_medium_g: int
    pizza_load_large_g: int
    white_percent: Decimal
    pp_microwave_minutes: int
    bagasse_celsius: int
    pla_celsius: int
    rpet_percent: Decimal
    pla_percent: Decimal
    sample_pieces_min: int
    sample_pieces_max: int
    sample_price_min: Decimal
    sample_price_max: Decimal


class Legal(Section):
    """Personal data and liability (L1-L3)."""

    pdpa_year: int
    access_days: int
    officer_days: int
    liability_cap: Decimal


class Segments(Section):
    """Where a customer's segment begins: orders completed, SGD a year."""

    new_below_orders: int
    vip_over: Decimal
    major_over: Decimal


class EscalationLevel(Section):
    """Who answers, how fast in minutes, and what they may grant; None is without limit."""

    who: str
    first_reply_minutes: int
    target_minutes: int
    limit_minutes: int
    credit: Decimal | None = None
    discount_percent: Decimal | None = None
    waiver: Decimal | None = None
    redeliveries: int = 0


class Escalation(Section):
    """When a conversation goes to a person, and to whom."""

    min_confidence: Decimal
    misunderstandings: int
    level3_over: Decimal
    level4_over: Decimal
    on_call_hours: int
    forgotten_hours: int
    levels: Mapping[int, EscalationLevel]


class Feedback(Section):
    """When a conversation counts as settled, and until when coming back reopens it."""

    quiet_hours: int
    reopened_days: int


class Rules(Section):
    """Every number of the business."""

    company: Company
    gst: Gst
    ordering: Ordering
    cancellation: Cancellation
    payment: Payment
    delivery: Delivery
    quality: Quality
    printing: Printing
    products: ProductFacts
    legal: Legal
    segments: Segments
    escalation: Escalation
    feedback: Feedback


@cache
def load_rules() -> Rules:
    """Every number of the business, checked."""
    return Rules.model_validate(_tables())


def gst_percent(on: date) -> Decimal:
    """The tax rate in force on the invoice date; zero before there was a tax."""
    rates = (rate.percent for rate in reversed(load_rules().gst.rates) if rate.since <= on)
    return next(rates, Decimal(0))


@cache
def rules_values() -> dict[str, str]:
    """Each rule as text under its dotted name, for the policies to quote.

    Windows are named (`delivery.windows.morning.from`); `gst.percent` and `gst.from` are
    the latest rate.
    """
    load_rules()
    tables = _tables()
    tables["gst"] = tables["gst"]["rates"][-1]
    return dict(_flat("", tables))


def _tables() -> dict[str, Any]:
    text = (resources.files("policies") / "rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(f"{name}.", value)
        elif isinstance(value, list) and isinstance(value[0], dict):
            yield from _flat(f"{name}.", {row["name"]: row for row in value})
        else:
            yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)
