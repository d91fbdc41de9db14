"""The wording of replies without a model: one template a block, in a folder a language."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def money(amount: str) -> str:
    """SGD 1,296.00 from "1296.00"."""
    return f"SGD {Decimal(amount):,.2f}"


def day(iso: str) -> str:
    """Tue 24 Nov 2026 from an ISO date or time."""
    return f"{date.fromisoformat(iso[:10]):%a %-d %b %Y}"


def moment(iso: str) -> str:
    """Tue 24 Nov 2026, 10:30 from an ISO time."""
    return f"{datetime.fromisoformat(iso):%a %-d %b %Y, %H:%M}"


@cache
def _templates() -> Environment:
    environment = Environment(  # noqa: S701 (plain text; the page shows it as text)
        loader=PackageLoader("nodes", "replies"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": money, "day": day, "moment": moment}
    return environment


def render(block: str, language: str, **data: object) -> str:
    """One block of a reply, in English where the language has no wording of its own yet."""
    names = [f"{language}/{block}.j2", f"en/{block}.j2"]
    return _templates().select_template(names).render(data).strip()
